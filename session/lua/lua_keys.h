/* lua_keys.h - whether a table of a runbook has a field that it cannot have. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_LUA_LUA_KEYS_H
#define SESSION_LUA_LUA_KEYS_H

#include "session/lua/lua_api.h"

#include <lua.h>

/*
 * Raises when the table at index has a key that is not in keys (NULL-terminated), naming the
 * nearest. what: "step 'a'".
 */
void lua_check_keys(lua_State *L, int table, const char *const *keys, const char *what);

/* The same for the names of fields. */
void lua_check_fields(lua_State *L, int table, const struct lua_arg *fields, const char *what);

#endif
