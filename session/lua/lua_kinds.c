/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/lua/lua_kinds.h"

#include <lauxlib.h>

#include "base/str.h"
#include "session/lua/lua_api.h"

void lua_kinds_demand(lua_State *L, const struct script_step *step, const char *what)
{
	int64_t us;

	if (!step->title)
		luaL_error(L, "%s needs a title", what);
	if (step_kind_needs(step->kind, "why") && !step->why)
		luaL_error(L, "%s needs why = \"…\": what it is for, in words for a newcomer", what);
	if (step_kind_needs(step->kind, "run") && !step->has[FN_RUN])
		luaL_error(L, "%s needs run = function (s) … end, or command = { on = \"…\", \"…\" }", what);
	if (step_kind_needs(step->kind, "done") && !step->has[FN_DONE])
		luaL_error(L, "%s needs done = function (s) … end, or done_when = \"…\": a look that tells whether it is done", what);
	if (step_kind_needs(step->kind, "target") && !step->target)
		luaL_error(L, "%s needs target = \"…\": the name that must be typed", what);
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
