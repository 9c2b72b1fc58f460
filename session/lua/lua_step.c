/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/lua/lua_int.h"

#include <lauxlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "session/lua/lua_keys.h"
#include "session/lua/lua_names.h"
#include "session/call/sizes.h"

/* The object s of a step's functions: fleet, parameters, variables, hosts of roles, questions and remarks. */

#define STEP_META "bellbook.step"

static struct script_task *task_of(lua_State *L)
{
	struct script_task *task = *(struct script_task **)luaL_checkudata(L, 1, STEP_META);

	/* A runbook may have kept s of an earlier step in a local of the file. */
	for (struct script_task *t = lua_script_of(L)->tasks; t; t = t->next)
		if (t == task && !t->dropped)
			return task;
	luaL_error(L, "this s belongs to a step that is over; use the s that the function was given");
	return NULL;
}

static const struct script_step *step_of(const struct script_task *task)
{
	return &task->script->book.steps[task->step];
}

/* ---- s:one, s:all, s:first ---- */

static const struct json *hosts_of(lua_State *L, const struct script_task *task, const char *role)
{
	const struct json *roles = json_at(task->script->fleet_json, "roles");
	const struct json *hosts = json_at(roles, role), *member;

	if (hosts)
		return hosts;
	member = json_at(json_at(task->script->fleet_json, "hosts"), role);
	if (!member)
		luaL_error(L, "the fleet file has no role '%s'", role);
	return NULL;
}

static int step_one(lua_State *L)
{
	struct script_task *task = task_of(L);
	const char *role = luaL_checkstring(L, 2);
	const struct json *hosts = hosts_of(L, task, role);

	if (!hosts)
		lua_pushstring(L, role);
	else if (json_count(hosts) != 1)
		return luaL_error(L, "role '%s' has %d hosts, and exactly one is needed here (s:first takes the first)", role, (int)json_count(hosts));
	else
		lua_push_json(L, json_item(hosts, 0), false);
	return 1;
}

static int step_first(lua_State *L)
{
	struct script_task *task = task_of(L);
	const char *role = luaL_checkstring(L, 2);
	const struct json *hosts = hosts_of(L, task, role);

	if (!hosts)
		lua_pushstring(L, role);
	else if (json_count(hosts) == 0)
		return luaL_error(L, "role '%s' has no host", role);
	else
		lua_push_json(L, json_item(hosts, 0), false);
	return 1;
}

static int step_all(lua_State *L)
{
	struct script_task *task = task_of(L);
	const char *role = luaL_checkstring(L, 2);
	const struct json *hosts = hosts_of(L, task, role);

	if (hosts) {
		lua_push_json(L, hosts, false);
	} else {
		lua_newtable(L);
		lua_pushstring(L, role);
		lua_rawseti(L, -2, 1);
	}
	return 1;
}

/* ---- questions and remarks ---- */

static int after(lua_State *L, int status, lua_KContext ctx)
{
	const struct branch *branch = lua_branch_of(L);

	(void)status;
	(void)ctx;
	if (!branch->answer.ok) {
		lua_pushnil(L);
		return lua_raise_answer(L, branch->answer.kind ? branch->answer.kind : "remote", branch->answer.error ? branch->answer.error : "it failed");
	}
	lua_push_json(L, branch->answer.value, false);
	return 1;
}

/* Choices as texts become choices with a value and a label. */
static void normalise_choices(struct json *args)
{
	struct json *choices = json_new_array();
	const struct json *given = json_at(args, "choices");

	for (size_t i = 0; i < json_count(given); i++) {
		const struct json *item = json_item(given, i);
		struct json *choice = json_as_text(item) ? json_new_object() : json_copy_of(item);

		if (json_as_text(item))
			json_set_text(choice, "value", json_as_text(item));
		if (!json_text(choice, "label", NULL))
			json_set_text(choice, "label", json_text(choice, "value", ""));
		json_add(choices, choice);
	}
	if (given)
		json_put(args, "choices", choices);
	else
		json_free(choices);
}

static int step_ask(lua_State *L)
{
	static const char *const types[] = {"text", "choice", "integer", "number", "boolean", "duration", NULL};
	struct json *args;
	struct err e = {0};
	bool known = false;

	luaL_checktype(L, 2, LUA_TTABLE);
	lua_check_fields(L, 2, lua_api_fields("bellbook.AskOptions"), "s:ask");
	args = lua_to_json(L, 2, &e);
	if (!args)
		return luaL_error(L, "s:ask: %s", e.text);
	if (!json_text(args, "type", NULL))
		json_set_text(args, "type", json_at(args, "choices") ? "choice" : "text");
	for (size_t i = 0; types[i]; i++)
		known = known || str_is(types[i], json_text(args, "type", ""));
	if (!known || !json_text(args, "text", NULL) || (str_is(json_text(args, "type", ""), "choice") && json_count(json_at(args, "choices")) == 0)) {
		json_free(args);
		return luaL_error(L, "s:ask { text = \"…\", type = text|choice|integer|number|boolean|duration, choices = { … } }");
	}
	normalise_choices(args);
	return lua_call_out(L, "ask", "", args, after);
}

static int step_remark(lua_State *L)
{
	struct json *args;
	size_t len;
	const char *text = luaL_tolstring(L, 2, &len);

	args = json_new_object();
	json_put(args, "text", json_new_text(text, len));
	return lua_call_out(L, lua_tostring(L, lua_upvalueindex(1)), "", args, after);
}

/* ---- fields ---- */

static int variable(lua_State *L, struct script_task *task, const char *name)
{
	const struct script_step *step = step_of(task);

	if (!lua_names_has(step->needs, name) && !lua_names_has(step->uses, name) && !lua_names_has(step->gives, name))
		return luaL_error(L, "step '%s' reads s.%s, but names it neither in needs nor in gives: add needs = { \"%s\" }", step->id, name, name);
	lua_rawgeti(L, LUA_REGISTRYINDEX, task->anchor);
	lua_rawgeti(L, -1, 2);
	if (lua_getfield(L, -1, name) != LUA_TNIL)
		return 1;
	lua_pop(L, 2);
	lua_rawgeti(L, -1, 1);
	/* The session lets no step begin that lacks one; whoever gets here all the same must not build "nil" into a command. */
	if (lua_getfield(L, -1, name) == LUA_TNIL && lua_names_has(step->needs, name) && !lua_names_has(step->gives, name))
		return luaL_error(L, "step '%s' needs s.%s, which has no value", step->id, name);
	return 1;
}

static int step_index(lua_State *L)
{
	static const struct { const char *name; lua_CFunction fn; } methods[] = {
		{"one", step_one}, {"all", step_all}, {"first", step_first}, {"ask", step_ask},
	};
	struct script_task *task = task_of(L);
	const char *name = luaL_checkstring(L, 2);

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (str_is(methods[i].name, name)) {
			lua_pushcfunction(L, methods[i].fn);
			return 1;
		}
	if (str_is(name, "note") || str_is(name, "warn") || str_is(name, "lesson")) {
		lua_pushstring(L, name);
		lua_pushcclosure(L, step_remark, 1);
	} else if (str_is(name, "fleet")) {
		lua_rawgeti(L, LUA_REGISTRYINDEX, task->script->fleet);
	} else if (str_is(name, "params")) {
		lua_rawgeti(L, LUA_REGISTRYINDEX, task->script->params);
	} else if (str_is(name, "step")) {
		lua_createtable(L, 0, 2);
		lua_pushstring(L, step_of(task)->id);
		lua_setfield(L, -2, "id");
		lua_pushstring(L, step_of(task)->title);
		lua_setfield(L, -2, "title");
	} else {
		return variable(L, task, name);
	}
	return 1;
}

static int step_newindex(lua_State *L)
{
	struct script_task *task = task_of(L);
	const struct script_step *step = step_of(task);
	const char *name = luaL_checkstring(L, 2);
	struct err e = {0};
	struct json *value;

	if (!lua_names_has(step->gives, name))
		return luaL_error(L, "step '%s' sets s.%s, but does not say so: add gives = { \"%s\" }", step->id, name, name);
	value = lua_to_json(L, 3, &e);
	if (!value || !sizes_fit(value, &e)) {
		json_free(value);
		return luaL_error(L, "s.%s: %s", name, e.text);
	}
	json_free(value);
	lua_rawgeti(L, LUA_REGISTRYINDEX, task->anchor);
	lua_rawgeti(L, -1, 2);
	lua_pushvalue(L, 3);
	lua_setfield(L, -2, name);
	return 0;
}

void lua_step_open(lua_State *L)
{
	static const luaL_Reg functions[] = {{"__index", step_index}, {"__newindex", step_newindex}, {NULL, NULL}};

	luaL_newmetatable(L, STEP_META);
	luaL_setfuncs(L, functions, 0);
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_pop(L, 1);
}

void lua_step_push(lua_State *L, struct script_task *task)
{
	*(struct script_task **)lua_newuserdatauv(L, sizeof(task), 0) = task;
	luaL_setmetatable(L, STEP_META);
}
