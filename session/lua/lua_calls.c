/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/lua/lua_int.h"

#include <lauxlib.h>
#include <string.h>

#include "actions/worker/action.h"
#include "base/duration.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "session/lua/lua_keys.h"
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

/* ---- actions ---- */

/* The stack of a call while it is under way, with what was given behind it. */
#define OPTIONS 1	/* its table of named arguments, or nil */
#define SHOWN 2		/* what is shown of it */

static const struct action *action_of(lua_State *L)
{
	return action_find(lua_tostring(L, lua_upvalueindex(1)));
}

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

/* Does the exit status say that it failed, as far as the runbook has not said otherwise? */
static bool status_is_bad(lua_State *L, const struct json *value)
{
	lua_Integer code = json_int(value, "code", -1);

	if (!json_at(value, "code"))
		return false;
	return !code_is_fine(L, code) || (json_text(value, "signal", NULL) && code != 0 && !code_is_fine(L, -1));
}

static bool gives(const struct action *action, const char *name)
{
	for (const struct action_gives *member = action->gives; member->name; member++)
		if (str_is(member->name, name))
			return true;
	return false;
}

static int action_after(lua_State *L, int status, lua_KContext ctx)
{
	const struct action *action = action_of(L);
	const struct branch *branch = lua_branch_of(L);
	const struct json *value = branch->answer.value;

	(void)status;
	(void)ctx;
	demand_answer(L, branch);
	if (action->raises == RAISES_STATUS && status_is_bad(L, value))
		return raise_code(L, value, json_text(value, "host", ""), lua_tostring(L, SHOWN));
	lua_push_json(L, value, false);
	if (gives(action, "ok")) {
		lua_pushboolean(L, json_int(value, "code", -1) == 0);
		lua_setfield(L, -2, "ok");
	}
	return 1;
}

/* The value at that place of the stack, as JSON. what: whose it is, for the words of a refusal. */
static void add_value(lua_State *L, const char *what, struct json *args, const char *key, int at)
{
	struct err e = {0};
	struct json *value = lua_to_json(L, at, &e);

	if (!value)
		luaL_error(L, "%s: %s", what, e.text);
	json_put(args, key, value);
}

/* Moves fields of the table into args; unknown ones are the action's to refuse. What the Lua call itself goes by stays behind. */
static void add_options(lua_State *L, const struct action *action, struct json *args, int at)
{
	lua_pushnil(L);
	while (lua_next(L, at)) {
		const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;

		if (key && !(action->raises == RAISES_STATUS && (str_is(key, "codes") || str_is(key, "check"))))
			add_value(L, key, args, key, lua_gettop(L));
		lua_pop(L, 1);
	}
}

/* What stands by place is of a type that can be meant for it. Raises with words of Lua's. */
static void check_placed(lua_State *L, const struct action_param *param, int at)
{
	if (param->type == ARG_COMMAND)
		luaL_argcheck(L, lua_type(L, at) == LUA_TSTRING || lua_istable(L, at), at, "a command is a text, or a list of words");
	else if (param->type == ARG_TEXT)
		(void)luaL_checkstring(L, at);
}

static void add_placed(lua_State *L, const struct action *action, struct json *args, const struct action_param *param, int at)
{
	const char *wants;

	add_value(L, action->name, args, param->name, at);
	wants = action_param_wants(param, json_at(args, param->name));
	if (wants)
		luaL_error(L, "%s: \"%s\" must be %s", action->name, param->name, wants);
}

/* Arguments that are named alone: a table, which may be left out when nothing in it is needed. A list is none. */
static void check_named(lua_State *L, const struct action *action, int at)
{
	const struct action_param *first = action->params;

	while (first->name && !first->required)
		first++;
	if (first->name || !lua_isnoneornil(L, at))
		luaL_checktype(L, at, LUA_TTABLE);
	if (lua_istable(L, at) && lua_rawlen(L, at) > 0)
		luaL_error(L, "%s: its arguments are named: %s = …", action->name, first->name ? first->name : "name");
}

static void push_shown(lua_State *L, const struct action *action, const struct json *args)
{
	struct lua_box *box = lua_push_box(L);

	box->text = action_shown(action, args);
	lua_pushstring(L, box->text);
	lua_remove(L, -2);
}

/* One action, whose name is in the upvalue: the table says what stands where. Arguments may be wrong, and raise, at each turn. */
static int action_call(lua_State *L)
{
	const struct action *action = action_of(L);
	int first = action_is_aimed(action) ? 2 : 1, last = first;
	const struct action_param *param;
	const char *target = "";
	struct lua_box *box;
	struct json *args;

	if (first == 2) {
		luaL_checktype(L, 1, LUA_TSTRING);
		target = lua_tostring(L, 1);
	}
	for (; (param = action_param_at(action, last - first + 1)) != NULL; last++)
		check_placed(L, param, last);
	if (last == first)
		check_named(L, action, last);
	lua_settop(L, last);
	box = lua_push_box(L);
	box->value = json_new_object();
	for (int at = first; (param = action_param_at(action, at - first + 1)) != NULL; at++)
		add_placed(L, action, box->value, param, at);
	if (lua_istable(L, last))
		add_options(L, action, box->value, last);
	lua_pushvalue(L, last);
	lua_insert(L, OPTIONS);
	push_shown(L, action, box->value);
	lua_insert(L, SHOWN);
	args = box->value;
	box->value = NULL;
	return lua_call_out(L, action->name, target, args, action_after);
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
	static const char *const numbers[] = {"look", "of"};

	if (lua_type(L, 2) == LUA_TSTRING) {
		lua_pushvalue(L, 2);
		add_reason_text(L, args, "what", LUA_TSTRING);
	}
	if (!lua_istable(L, 2))
		return;
	lua_check_fields(L, 2, lua_api_fields("bellbook.SleepOptions"), "sleep");
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

/* "module" of "module.function"; the caller frees. */
static char *module_of(const struct action *action)
{
	return mem_dup(action->name, strcspn(action->name, "."));
}

/* The table of a module's actions, with errors for unknown names. */
static void add_module(lua_State *L, const char *module)
{
	size_t len = strlen(module);

	lua_newtable(L);
	for (const struct action *const *a = action_list(); *a; a++)
		if (!(*a)->by_hand && strncmp((*a)->name, module, len) == 0 && (*a)->name[len] == '.')
			add_named(L, (*a)->name + len + 1, (*a)->name, action_call);
	lua_newtable(L);
	add_named(L, "__index", module, unknown_member);
	lua_setmetatable(L, -2);
	/* A proxy in front, so that a runbook cannot replace what is in it. */
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

/* Each module once, at its first action. */
static void add_modules(lua_State *L)
{
	for (const struct action *const *a = action_list(); *a; a++) {
		char *module = module_of(*a);

		lua_getfield(L, -1, module);
		if (!lua_istable(L, -1)) {
			lua_pop(L, 1);
			add_module(L, module);
		} else {
			lua_pop(L, 1);
		}
		mem_free(module);
	}
}

void lua_calls_open(lua_State *L)
{
	add_modules(L);
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
