/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/lua/lua_int.h"

#include <lauxlib.h>
#include <string.h>

#include "actions/worker/action.h"
#include "base/duration.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "session/lua/lua_words.h"

/*
 * What a runbook can want from the world. Each function turns its arguments
 * into a request, puts it on the branch and yields; the continuation makes
 * Lua values of the answer, or raises it.
 */

int lua_call_out(lua_State *L, const char *name, const char *host, struct json *args, lua_KFunction k)
{
	struct branch *branch = lua_branch_of(L);

	if (!branch || !lua_isyieldable(L)) {
		json_free(args);
		if (branch)
			return luaL_error(L, "%s() cannot be used here (inside table.sort or gsub): use a plain loop", name);
		return luaL_error(L, "%s() is called while the runbook loads; put it into a step's run function", name);
	}
	branch->name = mem_strdup(name);
	branch->host = mem_strdup(host);
	branch->args = args;
	branch->path = mem_printf("%s%d", branch->prefix, ++branch->counter);
	return lua_yieldk(L, 0, 0, k);
}

/* ---- errors ---- */

static int error_text(lua_State *L)
{
	lua_getfield(L, 1, "text");
	return 1;
}

int lua_raise_answer(lua_State *L, const char *kind, const char *text)
{
	if (!lua_istable(L, -1))
		lua_newtable(L);
	lua_pushstring(L, text);
	lua_setfield(L, -2, "text");
	lua_pushstring(L, kind);
	lua_setfield(L, -2, "kind");
	if (luaL_newmetatable(L, "bellbook.error")) {
		lua_pushcfunction(L, error_text);
		lua_setfield(L, -2, "__tostring");
		lua_pushboolean(L, 0);
		lua_setfield(L, -2, "__metatable");
	}
	lua_setmetatable(L, -2);
	return lua_error(L);
}

/* Raises a failed answer; returns when it was fine. */
static void demand_answer(lua_State *L, const struct branch *branch)
{
	const struct answer *answer = &branch->answer;

	if (answer->ok)
		return;
	lua_pushnil(L);
	luaL_where(L, 0);
	lua_pop(L, 1);
	lua_raise_answer(L, answer->kind ? answer->kind : "remote", answer->error ? answer->error : "it failed");
}

/* ---- commands ---- */

#define OPTIONS 3	/* stack index of the options table of a command */

static bool code_is_fine(lua_State *L, lua_Integer code)
{
	bool fine = false;

	if (!lua_istable(L, OPTIONS))
		return code == 0;
	lua_getfield(L, OPTIONS, "check");
	if (lua_isboolean(L, -1) && !lua_toboolean(L, -1)) {
		lua_pop(L, 1);
		return true;
	}
	lua_pop(L, 1);
	if (lua_getfield(L, OPTIONS, "codes") != LUA_TTABLE) {
		lua_pop(L, 1);
		return code == 0;
	}
	for (lua_Integer i = 1, n = (lua_Integer)lua_rawlen(L, -1); i <= n; i++) {
		lua_rawgeti(L, -1, i);
		fine = fine || (lua_isinteger(L, -1) && lua_tointeger(L, -1) == code);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return fine;
}

static int raise_code(lua_State *L, const struct json *value, const char *host, const char *shown)
{
	char *text = lua_failure_words(value, host, shown);

	lua_push_json(L, value, false);
	lua_pushstring(L, host);
	lua_setfield(L, -2, "host");
	lua_pushstring(L, text);
	mem_free(text);
	lua_insert(L, -2);
	return lua_raise_answer(L, "remote", lua_tostring(L, -2));
}

static int command_after(lua_State *L, int status, lua_KContext ctx)
{
	const struct branch *branch = lua_branch_of(L);
	const struct json *value = branch->answer.value;
	lua_Integer code;

	(void)status;
	(void)ctx;
	demand_answer(L, branch);
	code = json_int(value, "code", -1);
	if (json_at(value, "code") && (!code_is_fine(L, code) || (json_text(value, "signal", NULL) && code != 0 && !code_is_fine(L, -1))))
		return raise_code(L, value, json_text(value, "host", ""), lua_tostring(L, 4));
	lua_push_json(L, value, false);
	lua_pushboolean(L, code == 0);
	lua_setfield(L, -2, "ok");
	return 1;
}

/* Moves fields of the options into args; unknown ones are the action's to refuse. */
static void add_options(lua_State *L, struct json *args)
{
	struct err e = {0};

	if (!lua_istable(L, OPTIONS))
		return;
	lua_pushnil(L);
	while (lua_next(L, OPTIONS)) {
		const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
		struct json *value;

		if (key && !str_is(key, "codes") && !str_is(key, "check")) {
			value = lua_to_json(L, -1, &e);
			if (value) {
				json_put(args, key, value);
			} else {
				json_free(args);
				luaL_error(L, "%s: %s", key, e.text);
			}
		}
		lua_pop(L, 1);
	}
}

/* name in the upvalue; here.* have no host. Leaves stack: 1 host/nil, 2 cmd, 3 options, 4 what is shown of it. */
static int command(lua_State *L)
{
	const char *name = lua_tostring(L, lua_upvalueindex(1));
	bool here = str_starts(name, "here."), job = str_is(name, "ssh.job");
	struct json *args, *cmd;
	struct buf shown = {0};
	struct err e = {0};
	const char *job_name = NULL;

	if (here) {
		lua_pushliteral(L, "");
		lua_insert(L, 1);
	}
	if (job) {
		job_name = luaL_checkstring(L, 2);
		lua_remove(L, 2);
	}
	luaL_checktype(L, 1, LUA_TSTRING);
	luaL_argcheck(L, lua_type(L, 2) == LUA_TSTRING || lua_istable(L, 2), job ? 3 : here ? 1 : 2, "a command is a text, or a list of words");
	lua_settop(L, OPTIONS);
	args = json_new_object();
	cmd = lua_to_json(L, 2, &e);
	if (!cmd) {
		json_free(args);
		return luaL_error(L, "%s: %s", name, e.text);
	}
	json_put(args, "cmd", cmd);
	add_options(L, args);
	if (job)
		json_set_text(args, "name", job_name);
	if (action_command(args, &shown, &e) < 0) {
		json_free(args);
		buf_done(&shown);
		return luaL_error(L, "%s: %s", name, e.text);
	}
	lua_pushlstring(L, buf_text(&shown), shown.len);
	buf_done(&shown);
	return lua_call_out(L, name, lua_tostring(L, 1), args, command_after);
}

/* ssh.put(host, {…}), ssh.get(host, path, {…}): arguments straight from a table. */
static int transfer(lua_State *L)
{
	const char *name = lua_tostring(L, lua_upvalueindex(1));
	struct json *args = NULL;
	struct err e = {0};

	luaL_checktype(L, 1, LUA_TSTRING);
	if (str_is(name, "ssh.get")) {
		luaL_checktype(L, 2, LUA_TSTRING);
		lua_settop(L, OPTIONS);
		args = json_new_object();
		json_set_text(args, "path", lua_tostring(L, 2));
		add_options(L, args);
	} else {
		luaL_checktype(L, 2, LUA_TTABLE);
		lua_settop(L, 2);
		args = lua_to_json(L, 2, &e);
		if (!args)
			return luaL_error(L, "%s: %s", name, e.text);
		lua_settop(L, OPTIONS);
	}
	lua_pushstring(L, name);
	return lua_call_out(L, name, lua_tostring(L, 1), args, command_after);
}

/* ---- small wants ---- */

static int value_after(lua_State *L, int status, lua_KContext ctx)
{
	const struct branch *branch = lua_branch_of(L);

	(void)status;
	(void)ctx;
	demand_answer(L, branch);
	lua_push_json(L, branch->answer.value, false);
	return 1;
}

#define REASON_MAX ((size_t)300)	/* bytes of what a wait is for, and of what was last seen */

/* One text of the table at the top; a longer one is cut. */
static void add_reason_text(lua_State *L, struct json *args, const char *key, int type)
{
	const char *text = type == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
	size_t len = text ? strlen(text) : 0;
	char *cut = text ? mem_dup(text, utf8_border(text, len > REASON_MAX ? REASON_MAX : len)) : NULL;

	json_set_text(args, key, cut);
	mem_free(cut);
	lua_pop(L, 1);
}

/* sleep("1s", "for the disk") or sleep("1s", { what = …, look = 3, of = 90, seen = … }): what a person is told meanwhile. Raises only before anything is added. */
static void add_reason(lua_State *L, struct json *args)
{
	static const char *const keys[] = {"what", "look", "of", "seen", "unless", NULL};
	static const char *const numbers[] = {"look", "of"};

	if (lua_type(L, 2) == LUA_TSTRING) {
		lua_pushvalue(L, 2);
		add_reason_text(L, args, "what", LUA_TSTRING);
	}
	if (!lua_istable(L, 2))
		return;
	lua_check_keys(L, 2, keys, "sleep");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		lua_getfield(L, 2, numbers[i]);
		if (lua_isinteger(L, -1) && lua_tointeger(L, -1) > 0)
			json_set_int(args, numbers[i], lua_tointeger(L, -1));
		lua_pop(L, 1);
	}
	add_reason_text(L, args, "what", lua_getfield(L, 2, "what"));
	add_reason_text(L, args, "seen", lua_getfield(L, 2, "seen"));
	/* Of retry, while looking ahead (foresee.c). */
	add_reason_text(L, args, "unless", lua_getfield(L, 2, "unless"));
}

/* outside.look{…}: all arguments in one table; what came of it as the action gives it. */
static int asking(lua_State *L)
{
	const char *name = lua_tostring(L, lua_upvalueindex(1));
	struct json *args;
	struct err e = {0};

	if (lua_isnoneornil(L, 1))
		lua_newtable(L);
	luaL_checktype(L, -1, LUA_TTABLE);
	lua_settop(L, 1);
	/* A list without members is one of Lua's empty tables. */
	args = lua_rawlen(L, 1) == 0 ? lua_to_json(L, 1, &e) : NULL;
	if (args && json_type_of(args) == JSON_IS_ARRAY) {
		json_free(args);
		args = json_new_object();
	}
	if (!args)
		return luaL_error(L, "%s: %s", name, *e.text ? e.text : "its arguments are named: asks = { … }");
	return lua_call_out(L, name, "", args, value_after);
}

static int want_sleep(lua_State *L)
{
	struct lua_box *box;
	struct json *args;
	struct err e = {0};
	int64_t us;
	bool number = lua_type(L, 1) == LUA_TNUMBER;

	luaL_argcheck(L, number ? duration_of_seconds(lua_tonumber(L, 1), &us) : lua_type(L, 1) == LUA_TSTRING && str_to_duration(lua_tostring(L, 1), &us), 1, DURATION_WORDS);
	lua_settop(L, 2);
	box = lua_push_box(L);
	box->value = json_new_object();
	json_put(box->value, "for", lua_to_json(L, 1, &e));
	add_reason(L, box->value);
	args = box->value;
	box->value = NULL;
	return lua_call_out(L, "sleep", "", args, value_after);
}

static int want_plain(lua_State *L)
{
	return lua_call_out(L, lua_tostring(L, lua_upvalueindex(1)), "", json_new_object(), value_after);
}

static int make_secret(lua_State *L)
{
	lua_push_secret(L, luaL_checkstring(L, 1));
	return 1;
}

static void add_named(lua_State *L, const char *key, const char *name, lua_CFunction fn)
{
	lua_pushstring(L, name);
	lua_pushcclosure(L, fn, 1);
	lua_setfield(L, -2, key);
}

static int unknown_member(lua_State *L)
{
	const char *module = lua_tostring(L, lua_upvalueindex(1)), *names[64] = {NULL}, *near;
	const char *name = luaL_tolstring(L, 2, NULL);
	size_t n = 0, len = strlen(module);

	for (const struct action *const *a = action_list(); *a && n < 63; a++)
		if (!(*a)->by_hand && strncmp((*a)->name, module, len) == 0 && (*a)->name[len] == '.')
			names[n++] = (*a)->name + len + 1;
	near = str_nearest(name, names);
	if (near)
		return luaL_error(L, "there is no %s.%s (did you mean %s.%s?)", module, name, module, near);
	return luaL_error(L, "there is no %s.%s", module, name);
}

static int fixed_table(lua_State *L)
{
	return luaL_error(L, "%s cannot be changed from a runbook", lua_tostring(L, lua_upvalueindex(1)));
}

/* The table of the actions "prefix.*", with errors for unknown names. */
static void add_module(lua_State *L, const char *module)
{
	lua_newtable(L);
	for (const struct action *const *a = action_list(); *a; a++) {
		const char *dot = strchr((*a)->name, '.');
		bool cmd = false;

		if (!dot || (*a)->by_hand || strncmp((*a)->name, module, (size_t)(dot - (*a)->name)) != 0 || strlen(module) != (size_t)(dot - (*a)->name))
			continue;
		for (const struct action_param *p = (*a)->params; p->name; p++)
			cmd = cmd || p->type == ARG_COMMAND;
		add_named(L, dot + 1, (*a)->name, cmd ? command : str_is(module, "outside") ? asking : transfer);
	}
	lua_newtable(L);
	add_named(L, "__index", module, unknown_member);
	lua_setmetatable(L, -2);
	/* A proxy in front, so that a runbook cannot replace ssh.run. */
	lua_newtable(L);
	lua_newtable(L);
	lua_pushvalue(L, -3);
	lua_setfield(L, -2, "__index");
	add_named(L, "__newindex", module, fixed_table);
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
	lua_remove(L, -2);
	lua_setfield(L, -2, module);
}

void lua_calls_open(lua_State *L)
{
	add_module(L, "ssh");
	add_module(L, "here");
	add_module(L, "outside");
	lua_pushcfunction(L, want_sleep);
	lua_setfield(L, -2, "sleep");
	add_named(L, "now", "now", want_plain);
	add_named(L, "random", "random", want_plain);
	lua_pushcfunction(L, lua_cause);
	lua_setfield(L, -2, "cause");
	lua_pushcfunction(L, make_secret);
	lua_setfield(L, -2, "secret");
	lua_pushcfunction(L, lua_each);
	lua_setfield(L, -2, "each");
}
