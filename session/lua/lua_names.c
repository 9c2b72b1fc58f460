/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/lua/lua_names.h"

#include <lauxlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "session/lua/lua_int.h"

/* The names in a runbook: each means one thing only, or a resume could take one step for another; and what a step needs is given by a step before it. */

bool lua_names_has(char *const *list, const char *name)
{
	for (; *list; list++)
		if (str_is(*list, name))
			return true;
	return false;
}

/* Names that s has already. */
static void check_own(lua_State *L, const struct script_step *step, const char *what)
{
	static const char *const own[] = {"fleet", "params", "step", "one", "all", "first", "ask", "note", "warn", "lesson", NULL};
	const struct { const char *word; char **list; } lists[] = {{"gives", step->gives}, {"needs", step->needs}, {"uses", step->uses}};

	for (size_t i = 0; own[i]; i++)
		for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++)
			if (lua_names_has(lists[k].list, own[i]))
				luaL_error(L, "%s: %s '%s', a name that s has already", what, lists[k].word, own[i]);
}

/* A former id is nobody's id now, and one step's only: two steps cannot both go on as the one that there was. */
static void check_was(lua_State *L, const struct script_step *step, const struct script_step *other, const char *what)
{
	if (lua_names_has(step->was, other->id))
		luaL_error(L, "%s was '%s', but '%s' is another step (line %d)", what, other->id, other->id, other->line);
	if (lua_names_has(other->was, step->id))
		luaL_error(L, "step '%s' (line %d) was '%s', but '%s' is another step", other->id, other->line, step->id, step->id);
	for (char **was = step->was; *was; was++)
		if (lua_names_has(other->was, *was))
			luaL_error(L, "%s was '%s', and so was step '%s' (line %d): only one step can go on as another did", what, *was, other->id, other->line);
}

void lua_names_check(lua_State *L, const struct script_book *book, const struct script_step *step, const char *what)
{
	check_own(L, step, what);
	if (lua_names_has(step->was, step->id))
		luaL_error(L, "%s was '%s', which is its id now: was lists former ids", what, step->id);
	for (char **was = step->was; *was; was++)
		if (lua_names_has(was + 1, *was))
			luaL_error(L, "%s was '%s' twice", what, *was);
	for (char **need = step->needs; *need; need++)
		if (lua_names_has(step->uses, *need))
			luaL_error(L, "%s: '%s' is in needs and in uses; what it cannot do without is in needs alone", what, *need);
	for (size_t i = 0; i + 1 < book->step_count; i++)
		check_was(L, step, &book->steps[i], what);
}

/* One parameter and the value it must have, at the top of the stack. */
static void check_only(lua_State *L, const struct script_book *book, const char *what)
{
	const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?", *value = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;

	for (size_t i = 0; i < book->param_count; i++) {
		const struct script_param *param = &book->params[i];
		bool known = json_count(param->choices) == 0;

		if (!str_is(param->name, name))
			continue;
		for (size_t k = 0; k < json_count(param->choices); k++)
			known = known || str_is(json_as_text(json_item(param->choices, k)), value);
		if (!value || !known)
			luaL_error(L, "%s: only: %s has no value '%s'", what, name, value ? value : "?");
		return;
	}
	luaL_error(L, "%s: only: there is no parameter '%s'", what, name);
}

struct json *lua_names_only(lua_State *L, const struct script_book *book, const char *what)
{
	int type = lua_getfield(L, 1, "only"), table = lua_gettop(L);
	struct err e = {0};
	struct json *only = NULL;

	if (type != LUA_TNIL && type != LUA_TTABLE)
		luaL_error(L, "%s: only = { PARAMETER = \"value\", … }", what);
	lua_pushnil(L);
	while (type == LUA_TTABLE && lua_next(L, table)) {
		check_only(L, book, what);
		lua_pop(L, 1);
	}
	lua_settop(L, table);
	if (type == LUA_TTABLE)
		only = lua_to_json(L, -1, &e);
	lua_pop(L, 1);
	return only;
}

bool script_step_applies(const struct script_step *step, const struct json *params)
{
	struct json *wanted;
	const char *name;
	void *it = NULL;

	while ((name = json_next(step->only, &it, &wanted)) != NULL)
		if (!str_is(json_text(params, name, ""), json_as_text(wanted)))
			return false;
	return true;
}

static int check_given(const struct script_book *book, const char *shown, size_t i, const char *word, char *const *list, struct err *e)
{
	for (; *list; list++) {
		bool given = false, later = false;

		for (size_t k = 0; k < book->step_count; k++) {
			given = given || (k < i && lua_names_has(book->steps[k].gives, *list));
			later = later || (k >= i && lua_names_has(book->steps[k].gives, *list));
		}
		if (!given)
			return err_set(e, ERR_USAGE, "%s:%d: step '%s' %s '%s', which no earlier step gives%s", shown, book->steps[i].line, book->steps[i].id, word,
				       *list, later ? " (only this or a later one does)" : "");
	}
	return 0;
}

const char *script_fn_name(enum script_fn fn)
{
	static const char *const names[FN_COUNT] = {
		[FN_RUN] = "run", [FN_DONE] = "done", [FN_UNDO] = "undo",
		[FN_METER] = "meter", [FN_WHEN] = "when", [FN_COMMANDS] = "commands",
	};

	return names[fn];
}

bool script_gives(const struct script *script, const char *name)
{
	for (size_t i = 0; i < script->book.step_count; i++)
		if (lua_names_has(script->book.steps[i].gives, name))
			return true;
	return false;
}

/* The way back lies beside the runbook, and gets what this one has. */
static int check_way_back(const struct script *script, const char *shown, struct err *e)
{
	const struct script_book *book = &script->book;
	char *path = mem_printf("%s/%s.lua", script->dir, book->back_runbook);
	bool there = access(path, F_OK) == 0;

	mem_free(path);
	if (!there)
		return err_set(e, ERR_USAGE, "%s:%d: way_back: there is no runbook %s.lua beside it", shown, script->line, book->back_runbook);
	for (char **name = book->back_with; *name; name++) {
		bool known = script_gives(script, *name);

		for (size_t i = 0; i < book->param_count; i++)
			known = known || str_is(book->params[i].name, *name);
		if (!known)
			return err_set(e, ERR_USAGE, "%s:%d: way_back: with names '%s', which is no parameter and which no step gives", shown, script->line, *name);
	}
	return 0;
}

int lua_names_given(const struct script *script, const char *shown, struct err *e)
{
	const struct script_book *book = &script->book;

	if (book->back_runbook && check_way_back(script, shown, e) < 0)
		return -1;

	for (size_t i = 0; i < book->step_count; i++)
		if (check_given(book, shown, i, "needs", book->steps[i].needs, e) < 0 || check_given(book, shown, i, "uses", book->steps[i].uses, e) < 0)
			return -1;
	return 0;
}
