/* lua_names.h - private to session/lua_*.c: what the names in a runbook may mean. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_LUA_LUA_NAMES_H
#define SESSION_LUA_LUA_NAMES_H

#include "base/err.h"
#include "session/lua/script.h"

#include <lua.h>
#include <stdbool.h>

/* True when the NULL-terminated list has that text. */
bool lua_names_has(char *const *list, const char *name);

/* Raises when a name of the newest step (the last of the book) means something else too: ids, former ids, variables. what: "step 'a'". */
void lua_names_check(lua_State *L, const struct script_book *book, const struct script_step *step, const char *what);

/* The field only of the step table at stack index 1: { PARAMETER = "value" }, each a parameter and a value that it may have, else it raises. NULL when there is none; caller owns. */
struct json *lua_names_only(lua_State *L, const struct script_book *book, const char *what);

/* Checks that what steps need and use is given by steps before them. ERR_USAGE with "shown:line: …". */
int lua_names_given(const struct script *script, const char *shown, struct err *e);

#endif
