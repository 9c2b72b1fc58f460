/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/lua/lua_kinds.h"

#include <lauxlib.h>

#include "base/str.h"
#include "session/lua/lua_api.h"

/* Fields that some kind needs, in the order in which they are asked for. */
static const struct {
	const char *name, *words;
} fields[] = {
#define FIELD(name, words) { name, words },
#include "journal/model/step_kinds.def"
};

/* The table of the step is at 1. A function may have come from the data form. */
static bool is_given(lua_State *L, const struct script_step *step, const char *field)
{
	bool given = lua_getfield(L, 1, field) != LUA_TNIL;

	lua_pop(L, 1);
	return given || (str_is(field, "run") && step->has[FN_RUN]) || (str_is(field, "done") && step->has[FN_DONE]);
}

void lua_kinds_demand(lua_State *L, const struct script_step *step, const char *what)
{
	int64_t us;

	if (!step->title)
		luaL_error(L, "%s needs a title", what);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (step_kind_needs(step->kind, fields[i].name) && !is_given(L, step, fields[i].name))
			luaL_error(L, "%s needs %s", what, fields[i].words);
	if (step->downtime && !str_is(step->downtime, "begins") && !str_is(step->downtime, "ends"))
		luaL_error(L, "%s: downtime is \"begins\" or \"ends\"", what);
	if (step->refuses && !str_to_duration(step->refuses, &us))
		luaL_error(L, "%s: refuses is a duration like \"10s\"", what);
}

void lua_kinds_refuse(lua_State *L, enum step_kind kind, const char *what)
{
	for (const struct lua_arg *f = lua_api_fields("bellbook.Step"); f->name; f++) {
		int owner = step_kind_owner(f->name);
		bool given = owner >= 0 && lua_getfield(L, 1, f->name) != LUA_TNIL;

		if (given && !step_kind_owns(kind, f->name))
			luaL_error(L, "%s: %s is a field of steps of the kind %s, and this one is of the kind %s", what,
				   f->name, step_kind_name((enum step_kind)owner), step_kind_name(kind));
		if (owner >= 0)
			lua_pop(L, 1);
	}
}
