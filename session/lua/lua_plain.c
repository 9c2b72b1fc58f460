/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/lua/lua_plain.h"

#include <lauxlib.h>
#include <string.h>

#include "actions/worker/action.h"
#include "base/mem.h"
#include "base/str.h"
#include "plain_lua.h"
#include "session/lua/lua_api.h"
#include "session/lua/lua_keys.h"

/*
 * The data form of a step: what runs, where, and as whom, as data that can be
 * checked and printed before anything runs. plain.lua makes of it the same
 * functions that somebody would write, so that there is one way in which a
 * step works. Each field may be a function that gives it then.
 */

#define FIELDS_MAX 40

static const char plain_key;

/* What stands in command and done_when beside the options of ssh.run and ssh.read. */
#define OWN "bellbook.Form"
#define STATUS "bellbook.Status"

/* What done_when takes from command when it is a text. */
static const char *const shared_fields[] = { "on", "as", "sudo_password", "env", "cwd", NULL };

enum form { FORM_COMMAND, FORM_DONE };

static const char *form_name(enum form form)
{
	return form == FORM_COMMAND ? "command" : "done_when";
}

static const char *form_function(enum form form)
{
	return form == FORM_COMMAND ? "run" : "done";
}

/* A check only looks, and so do steps of some kinds. */
static const struct action *action_of(enum form form, enum step_kind kind)
{
	bool looks = form == FORM_DONE || step_type_of(kind)->effect == STEP_LOOKS;

	return action_for(looks ? USE_LOOK : USE_COMMAND, false);
}

/* The function that a runbook calls the action by, out of its module. */
static void push_action(lua_State *L, int names, const struct action *action)
{
	const char *dot = strchr(action->name, '.');

	lua_pushlstring(L, action->name, (size_t)(dot - action->name));
	lua_gettable(L, names);
	lua_getfield(L, -1, dot + 1);
	lua_remove(L, -2);
}

void lua_plain_open(lua_State *L, int names)
{
	if (luaL_loadbufferx(L, plain_lua, strlen(plain_lua), "=plain", "t") != LUA_OK)
		lua_error(L);
	lua_pushvalue(L, names);
	lua_setupvalue(L, -2, 1);
	lua_call(L, 0, 1);
	push_action(L, names, action_for(USE_LOOK, false));
	lua_setfield(L, -2, "look");
	push_action(L, names, action_for(USE_COMMAND, false));
	lua_setfield(L, -2, "change");
	lua_rawsetp(L, LUA_REGISTRYINDEX, &plain_key);
}

/* ---- checking ---- */

static void field_names(const char *names[FIELDS_MAX], enum form form, const struct action *action)
{
	size_t n = 0;

	for (const struct lua_arg *f = lua_api_fields(OWN); f->name; f++)
		names[n++] = f->name;
	for (const struct lua_arg *f = lua_api_fields(STATUS); form == FORM_COMMAND && f->name; f++)
		names[n++] = f->name;
	for (const struct action_param *p = action->params; p->name && n + 1 < FIELDS_MAX; p++)
		if (!str_is(p->name, "cmd"))
			names[n++] = p->name;
	names[n] = NULL;
}

/* Its named fields, in a table of its own on top: without the commands, which are numbered. */
static void push_named(lua_State *L, int spec)
{
	lua_newtable(L);
	lua_pushnil(L);
	while (lua_next(L, spec)) {
		if (lua_isinteger(L, -2)) {
			lua_pop(L, 1);
			continue;
		}
		lua_pushvalue(L, -2);
		lua_insert(L, -2);
		lua_rawset(L, -4);
	}
}

/*
 * Takes what is computed out of the table on top: it is known when the step runs. One level
 * further down, too (env).
 */
static void drop_functions(lua_State *L, int depth)
{
	int table = lua_gettop(L);

	lua_pushnil(L);
	while (lua_next(L, table)) {
		if (lua_isfunction(L, -1) && !lua_iscfunction(L, -1)) {
			lua_pushvalue(L, -2);
			lua_pushnil(L);
			lua_rawset(L, table);
		} else if (lua_istable(L, -1) && depth > 0) {
			push_named(L, lua_gettop(L));
			drop_functions(L, depth - 1);
			if (lua_rawlen(L, -2) == 0) {
				lua_pushvalue(L, -3);
				lua_pushvalue(L, -2);
				lua_rawset(L, table);
			}
			lua_pop(L, 1);
		}
		lua_settop(L, table + 1);
	}
}

static void check_on(lua_State *L, int spec, const char *what, const char *form)
{
	int type = lua_getfield(L, spec, "on");
	bool fine = type == LUA_TSTRING || (type == LUA_TFUNCTION && !lua_iscfunction(L, -1));

	if (type == LUA_TTABLE && lua_rawlen(L, -1) > 0) {
		fine = true;
		for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, -1); i <= n; i++) {
			fine = lua_rawgeti(L, -1, i) == LUA_TSTRING && fine;
			lua_pop(L, 1);
		}
	}
	if (!fine)
		luaL_error(L,
			"%s: %s needs on = \"…\": a role or a host of the fleet, or a list of them",
			what, form);
	lua_pop(L, 1);
}

static void check_count(lua_State *L, int spec, const char *key, const char *what, const char *form)
{
	int type = lua_getfield(L, spec, key);

	if (type != LUA_TNIL && type != LUA_TFUNCTION &&
		(!lua_isinteger(L, -1) || type != LUA_TNUMBER || lua_tointeger(L, -1) < 1))
		luaL_error(L, "%s: %s: %s must be a whole number of at least 1", what, form, key);
	lua_pop(L, 1);
}

static void check_answer_fields(lua_State *L, int spec, const char *what)
{
	int type = lua_getfield(L, spec, "check");
	bool fine = true;

	if (type != LUA_TNIL && type != LUA_TBOOLEAN && type != LUA_TFUNCTION)
		luaL_error(L, "%s: command: check must be true or false", what);
	type = lua_getfield(L, spec, "codes");
	for (lua_Integer i = 1, n = type == LUA_TTABLE ? (lua_Integer)lua_rawlen(L, -1) : 0; i <= n;
		i++) {
		lua_rawgeti(L, -1, i);
		fine = fine && lua_isinteger(L, -1);
		lua_pop(L, 1);
	}
	if (!fine || (type != LUA_TNIL && type != LUA_TTABLE && type != LUA_TFUNCTION))
		luaL_error(L, "%s: command: codes must be a list of whole numbers", what);
	lua_pop(L, 2);
}

/*
 * By the action's own rules; named: the fields that stand there, as JSON. cmd: one command, or
 * NULL for one that is computed. Takes both.
 */
static void check_by_action(lua_State *L, const struct action *action, struct json *named,
	struct json *cmd, const char *what, const char *form)
{
	struct err e = { 0 };
	const char *text;
	int result;

	json_put(named, "cmd", cmd ? cmd : json_new_text("true", 4));
	result = action_check(action, named, &e);
	json_free(named);
	if (result == 0)
		return;
	/* The words begin with the action's name, which the runbook does not have. */
	text = str_starts(e.text, action->name) ? e.text + strlen(action->name) + 2 : e.text;
	luaL_error(L, "%s: %s: %s", what, form,
		str_starts(text, "\"cmd\" ")
			? "a command is a text, or a list of words, or a function (s, host) … end"
			: text);
}

/* The fields that stand there, as JSON, on the way to the action's check. Caller owns. */
static struct json *named_json(lua_State *L, int spec, const char *what, const char *form)
{
	struct err e = { 0 };
	struct json *named;

	push_named(L, spec);
	for (const struct lua_arg *f = lua_api_fields(OWN); f->name; f++) {
		lua_pushnil(L);
		lua_setfield(L, -2, f->name);
	}
	for (const struct lua_arg *f = lua_api_fields(STATUS); f->name; f++) {
		lua_pushnil(L);
		lua_setfield(L, -2, f->name);
	}
	drop_functions(L, 1);
	named = lua_to_json(L, -1, &e);
	lua_pop(L, 1);
	if (!named)
		luaL_error(L, "%s: %s: %s", what, form, e.text);
	if (json_type_of(named) == JSON_IS_OBJECT)
		return named;
	json_free(named);
	return json_new_object();
}

static void check_commands(
	lua_State *L, int spec, const struct action *action, const char *what, const char *form)
{
	lua_Integer n = (lua_Integer)lua_rawlen(L, spec);

	if (n == 0)
		luaL_error(L, "%s: %s has no command in it: %s = { on = \"ROLE\", \"…\" }", what,
			form, form);
	for (lua_Integer i = 1; i <= n; i++) {
		struct json *cmd = NULL;
		struct err e = { 0 };

		lua_rawgeti(L, spec, i);
		if (!lua_isfunction(L, -1) || lua_iscfunction(L, -1)) {
			cmd = lua_to_json(L, -1, &e);
			cmd = cmd ? cmd : json_new_null();
		}
		check_by_action(L, action, named_json(L, spec, what, form), cmd, what, form);
		lua_pop(L, 1);
	}
}

static void check_spec(
	lua_State *L, int spec, enum form form, enum step_kind kind, const char *what)
{
	const struct action *action = action_of(form, kind);
	const char *names[FIELDS_MAX], *name = form_name(form),
				       *of = lua_pushfstring(L, "%s: %s", what, name);

	field_names(names, form, action);
	push_named(L, spec);
	for (const struct lua_arg *f = lua_api_fields(STATUS); form == FORM_DONE && f->name; f++) {
		if (lua_getfield(L, -1, f->name) != LUA_TNIL)
			luaL_error(L,
				"%s has no field '%s': status 0 means done, 1 not done, and any "
				"other is an error",
				of, f->name);
		lua_pop(L, 1);
	}
	lua_check_keys(L, lua_gettop(L), names, of);
	check_on(L, spec, what, name);
	check_count(L, spec, "at_once", what, name);
	check_count(L, spec, "stop_after", what, name);
	if (form == FORM_COMMAND)
		check_answer_fields(L, spec, what);
	check_commands(L, spec, action, what, name);
	lua_settop(L, spec);
}

/* ---- reading ---- */

/*
 * A table of its own for the spec at index top, which is one already or a single command: what
 * is added to it is not seen by the runbook.
 */
static void push_copy(lua_State *L, int top, bool single)
{
	lua_newtable(L);
	if (single) {
		lua_pushvalue(L, top);
		lua_rawseti(L, -2, 1);
		return;
	}
	lua_pushnil(L);
	while (lua_next(L, top)) {
		lua_pushvalue(L, -2);
		lua_insert(L, -2);
		lua_rawset(L, top + 1);
	}
}

/* done_when as a table: a text or a function looks where command works, and as the same user. */
static bool push_spec(lua_State *L, int table, enum form form, const char *what)
{
	int type = lua_getfield(L, table, form_name(form)), top = lua_gettop(L);
	bool short_form =
		form == FORM_DONE &&
		(type == LUA_TSTRING || (type == LUA_TFUNCTION && !lua_iscfunction(L, -1)));

	if (type == LUA_TNIL) {
		lua_pop(L, 1);
		return false;
	}
	if (!short_form && type != LUA_TTABLE)
		luaL_error(L,
			form == FORM_COMMAND ? "%s: command is a table: command = { on = \"ROLE\", "
					       "as = \"USER\", \"…\" }"
					     : "%s: done_when is a text for sh, or a table: "
					       "done_when = { on = \"ROLE\", \"test …\" }",
			what);
	push_copy(L, top, short_form);
	lua_replace(L, top);
	if (form == FORM_COMMAND)
		return true;
	lua_getfield(L, table, "command");
	for (size_t i = 0; lua_istable(L, -1) && shared_fields[i] && (short_form || i == 0); i++) {
		bool there = lua_getfield(L, top, shared_fields[i]) != LUA_TNIL;

		lua_pop(L, 1);
		if (there)
			continue;
		lua_getfield(L, -1, shared_fields[i]);
		lua_setfield(L, top, shared_fields[i]);
	}
	lua_settop(L, top);
	return true;
}

/* A literal field as a person reads it; what is computed, and a list, in few words. */
static void put_field(lua_State *L, int spec, const char *key, const char *before, struct buf *out)
{
	int type = lua_getfield(L, spec, key);

	if (type == LUA_TSTRING) {
		buf_printf(out, "%s%s", before, lua_tostring(L, -1));
	} else if (type == LUA_TTABLE) {
		const char *gap = before;

		for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, -1); i <= n; i++) {
			if (lua_rawgeti(L, -1, i) == LUA_TSTRING)
				buf_printf(out, "%s%s", gap, lua_tostring(L, -1));
			gap = ", ";
			lua_pop(L, 1);
		}
	} else if (type != LUA_TNIL) {
		buf_printf(out, "%s(what a function gives)", before);
	}
	lua_pop(L, 1);
}

/* Each further line of a command is indented. */
static void put_lines(struct buf *out, const char *text)
{
	for (; *text; text++)
		buf_puts(out, *text == '\n' ? "\n  " : (char[]){ *text, '\0' });
}

/* "on app as mastodon: yarn install": one line a command, further ones indented. Caller owns. */
static char *words(lua_State *L, int spec)
{
	struct buf out = { 0 };

	for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, spec); i <= n; i++) {
		struct json *args = json_new_object(), *cmd;
		struct buf text = { 0 };
		struct err e = { 0 };

		lua_rawgeti(L, spec, i);
		cmd = lua_isfunction(L, -1) ? NULL : lua_to_json(L, -1, &e);
		lua_pop(L, 1);
		if (cmd)
			json_put(args, "cmd", cmd);
		buf_puts(&out, out.len ? "\n" : "");
		put_field(L, spec, "on", "on ", &out);
		put_field(L, spec, "as", " as ", &out);
		put_field(L, spec, "cwd", " in ", &out);
		buf_puts(&out, ": ");
		put_lines(&out, cmd && action_command(args, &text, &e) == 0
					? buf_text(&text)
					: "(what a function gives)");
		buf_done(&text);
		json_free(args);
	}
	return buf_take(&out);
}

static void refuse_both(lua_State *L, enum form form, const char *what)
{
	if (lua_getfield(L, 1, form_function(form)) != LUA_TNIL)
		luaL_error(L, "%s has %s and %s: one of them says what it does", what,
			form_name(form), form_function(form));
	lua_pop(L, 1);
}

void lua_plain_read(lua_State *L, struct script_step *step, const char *what)
{
	luaL_checkstack(L, 40, what);
	for (int form = FORM_COMMAND; form <= FORM_DONE; form++) {
		int top = lua_gettop(L);

		if (!push_spec(L, 1, (enum form)form, what))
			continue;
		if (form == FORM_COMMAND && step_type_of(step->kind)->prompt == PROMPT_BY_HAND)
			luaL_error(L,
				"%s is done by hand: commands = { \"…\" } lists what a person is "
				"to run",
				what);
		refuse_both(L, (enum form)form, what);
		check_spec(L, top + 1, (enum form)form, step->kind, what);
		*(form == FORM_COMMAND ? &step->command : &step->done_when) = words(L, top + 1);
		lua_settop(L, top);
	}
}

/* ---- commands for people ---- */

bool lua_plain_commands(lua_State *L, struct script_step *step, const char *what)
{
	int type = lua_getfield(L, 1, "commands"), list = lua_gettop(L);
	bool computed = type == LUA_TFUNCTION && !lua_iscfunction(L, -1);
	lua_Integer n = type == LUA_TTABLE ? (lua_Integer)lua_rawlen(L, list) : 0;

	for (lua_Integer i = 1; i <= n; i++) {
		int is = lua_rawgeti(L, list, i);

		if (is != LUA_TSTRING && (is != LUA_TFUNCTION || lua_iscfunction(L, -1)))
			luaL_error(L,
				"%s: commands must be a list of texts, or of functions (s) that "
				"give them",
				what);
		computed = computed || is == LUA_TFUNCTION;
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	step->has[FN_COMMANDS] = computed;
	return computed;
}

/* ---- making the functions ---- */

/* On top: a list of the options that go to the action, in the order of its table. */
static void push_names(lua_State *L, enum form form, const struct action *action)
{
	const char *names[FIELDS_MAX] = { NULL };
	lua_Integer n = 0;
	size_t own = 0;

	while (lua_api_fields(OWN)[own].name)
		own++;
	field_names(names, form, action);
	lua_newtable(L);
	for (size_t i = own; names[i]; i++) {
		lua_pushstring(L, names[i]);
		lua_rawseti(L, -2, ++n);
	}
}

static void add_function(
	lua_State *L, int to, enum form form, enum step_kind kind, const char *where)
{
	const struct action *action = action_of(form, kind);

	if (!push_spec(L, 1, form, where))
		return;
	lua_rawgetp(L, LUA_REGISTRYINDEX, &plain_key);
	lua_getfield(L, -1, form_function(form));
	lua_getfield(L, -2, action->effect == EFFECT_READ ? "look" : "change");
	lua_pushvalue(L, -4);
	push_names(L, form, action);
	lua_pushstring(L, where);
	lua_call(L, 4, 1);
	lua_setfield(L, to, form_function(form));
	lua_settop(L, to);
}

void lua_plain_push(lua_State *L, const struct script_step *step, const char *where)
{
	int to;

	if (!step->command && !step->done_when && !step->has[FN_COMMANDS]) {
		lua_pushvalue(L, 1);
		return;
	}
	push_named(L, 1);
	to = lua_gettop(L);
	for (int form = FORM_COMMAND; form <= FORM_DONE; form++)
		add_function(L, to, (enum form)form, step->kind, where);
	if (!step->has[FN_COMMANDS])
		return;
	lua_rawgetp(L, LUA_REGISTRYINDEX, &plain_key);
	lua_getfield(L, -1, "commands");
	lua_getfield(L, 1, "commands");
	lua_pushstring(L, where);
	lua_call(L, 2, 1);
	lua_setfield(L, to, "commands");
	lua_settop(L, to);
}
