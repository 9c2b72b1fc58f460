/* lua_digest.h - what functions and tables of a runbook are, as part of a step's digest. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_LUA_LUA_DIGEST_H
#define SESSION_LUA_LUA_DIGEST_H

#include "base/sha256.h"

#include <lua.h>

/*
 * Adds what the function of Lua on top of the stack does, with what it closes over, to the digest;
 * at most *left functions. Keeps the stack.
 */
void lua_digest_function(lua_State *L, struct sha256 *digest, int *left);

/*
 * The same for what is in the table on top of the stack, functions too, in an order that is always
 * the same. A table counts as a function does.
 */
void lua_digest_table(lua_State *L, struct sha256 *digest, int *left);

#endif
