/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/lua/lua_int.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "prelude_lua.h"
#include "session/lua/lua_plain.h"

/*
 * The sandbox. Chunks get an empty table as _ENV whose metatable finds names
 * in a table of known names, refuses unknown ones with the nearest that is
 * known, and refuses writes. Nothing of io, os, debug, package, load or
 * string.dump is in it.
 */

static const char script_key;

struct script *lua_script_of(lua_State *L)
{
	struct script *script;

	lua_rawgetp(L, LUA_REGISTRYINDEX, &script_key);
	script = lua_touserdata(L, -1);
	lua_pop(L, 1);
	return script;
}

struct branch *lua_branch_of(lua_State *L)
{
	struct branch *branch;

	memcpy(&branch, lua_getextraspace(L), sizeof(branch));
	return branch;
}

/* The nearest string key of the table at index to name; borrowed from the table. */
static const char *nearest_key(lua_State *L, int index, const char *name)
{
	const char *names[256];
	size_t n = 0;

	lua_pushnil(L);
	while (lua_next(L, index)) {
		lua_pop(L, 1);
		if (n < 255 && lua_type(L, -1) == LUA_TSTRING)
			names[n++] = lua_tostring(L, -1);
	}
	names[n] = NULL;
	return str_nearest(name, names);
}

static int env_index(lua_State *L)
{
	const char *name, *near;

	lua_pushvalue(L, 2);
	lua_rawget(L, lua_upvalueindex(1));
	if (!lua_isnil(L, -1))
		return 1;
	name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
	near = nearest_key(L, lua_upvalueindex(1), name);
	if (near)
		return luaL_error(L, "unknown name '%s' (did you mean '%s'?)", name, near);
	return luaL_error(L, "unknown name '%s'", name);
}

static int env_newindex(lua_State *L)
{
	return luaL_error(L, "'%s' is not local: write `local %s = …`, or give it to later steps with gives", luaL_tolstring(L, 2, NULL), luaL_tolstring(L, 2, NULL));
}

static int safe_getmetatable(lua_State *L)
{
	if (!lua_istable(L, 1) || !luaL_getmetafield(L, 1, "__metatable")) {
		if (!lua_istable(L, 1) || !lua_getmetatable(L, 1))
			lua_pushnil(L);
	}
	return 1;
}

/* Finalizers run where no hook counts their instructions. */
static int safe_setmetatable(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
	lua_settop(L, 2);
	if (lua_istable(L, 2)) {
		lua_pushliteral(L, "__gc");
		if (lua_rawget(L, 2) != LUA_TNIL)
			return luaL_error(L, "a table with __gc cannot be made here");
		lua_settop(L, 2);
	}
	if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
		return luaL_error(L, "cannot change a protected metatable");
	lua_setmetatable(L, 1);
	return 1;
}

static void take_names(lua_State *L, int to, const char *const *names)
{
	for (; *names; names++) {
		lua_getglobal(L, *names);
		lua_setfield(L, to, *names);
	}
}

static void remove_field(lua_State *L, const char *table, const char *field)
{
	lua_getglobal(L, table);
	lua_pushnil(L);
	lua_setfield(L, -2, field);
	lua_pop(L, 1);
}

static void open_standard(lua_State *L, int names)
{
	static const char *const keep[] = {"string", "table", "math", "utf8", "pairs", "ipairs", "next", "select", "type", "tostring", "tonumber", "error", "assert",
					   "pcall", "xpcall", "rawget", "rawset", "rawequal", "rawlen", NULL};

	luaL_requiref(L, "_G", luaopen_base, 1);
	luaL_requiref(L, "string", luaopen_string, 1);
	luaL_requiref(L, "table", luaopen_table, 1);
	luaL_requiref(L, "math", luaopen_math, 1);
	luaL_requiref(L, "utf8", luaopen_utf8, 1);
	lua_settop(L, names);
	remove_field(L, "string", "dump");
	remove_field(L, "math", "random");
	remove_field(L, "math", "randomseed");
	take_names(L, names, keep);
	lua_pushcfunction(L, safe_getmetatable);
	lua_setfield(L, names, "getmetatable");
	lua_pushcfunction(L, safe_setmetatable);
	lua_setfield(L, names, "setmetatable");
	/* Texts share one metatable: nobody may change it. */
	lua_pushliteral(L, "");
	lua_getmetatable(L, -1);
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_settop(L, names);
}

static void open_prelude(lua_State *L, int names)
{
	if (luaL_loadbufferx(L, prelude_lua, strlen(prelude_lua), "=prelude", "t") != LUA_OK)
		lua_error(L);
	lua_pushvalue(L, names);
	lua_setupvalue(L, -2, 1);
	lua_getfield(L, names, "sleep");
	lua_call(L, 1, 1);
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		lua_pushvalue(L, -2);
		lua_insert(L, -2);
		lua_settable(L, names);
	}
	lua_settop(L, names);
}

int lua_env_open(lua_State *L)
{
	struct script *script = lua_touserdata(L, 1);

	lua_pushlightuserdata(L, script);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &script_key);
	lua_json_open(L);
	lua_step_open(L);
	lua_settop(L, 0);
	lua_newtable(L);
	open_standard(L, 1);
	lua_json_library(L);
	lua_setfield(L, 1, "json");
	lua_load_open(L);
	lua_calls_open(L);
	open_prelude(L, 1);
	lua_plain_open(L, 1);
	lua_newtable(L);
	lua_pushvalue(L, 1);
	lua_pushcclosure(L, env_index, 1);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, env_newindex);
	lua_setfield(L, -2, "__newindex");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	script->env = luaL_ref(L, LUA_REGISTRYINDEX);
	lua_newtable(L);
	script->steps = luaL_ref(L, LUA_REGISTRYINDEX);
	lua_newtable(L);
	script->loaded = luaL_ref(L, LUA_REGISTRYINDEX);
	script->fleet = script->params = LUA_NOREF;
	return 0;
}

void lua_env_push(struct script *script, lua_State *L)
{
	lua_newtable(L);
	lua_rawgeti(L, LUA_REGISTRYINDEX, script->env);
	lua_setmetatable(L, -2);
}
