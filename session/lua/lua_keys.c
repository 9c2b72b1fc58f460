/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/lua/lua_keys.h"

#include <lauxlib.h>

#include "base/str.h"

#define KEYS_MAX 64

void lua_check_keys(lua_State *L, int table, const char *const *keys, const char *what)
{
	lua_pushnil(L);
	while (lua_next(L, table)) {
		const char *key, *near;
		bool known = false;

		lua_pop(L, 1);
		key = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
		for (size_t i = 0; key && keys[i]; i++)
			known = known || str_is(keys[i], key);
		if (known)
			continue;
		near = key ? str_nearest(key, keys) : NULL;
		if (!key)
			luaL_error(L, "%s has an entry without a name (is a comma or a name missing?)", what);
		if (near)
			luaL_error(L, "%s has no field '%s' (did you mean '%s'?)", what, key, near);
		luaL_error(L, "%s has no field '%s'", what, key);
	}
}

void lua_check_fields(lua_State *L, int table, const struct lua_arg *fields, const char *what)
{
	const char *keys[KEYS_MAX];
	size_t n = 0;

	for (; fields->name && n + 1 < KEYS_MAX; fields++)
		keys[n++] = fields->name;
	keys[n] = NULL;
	lua_check_keys(L, table, keys, what);
}
