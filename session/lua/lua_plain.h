/* lua_plain.h - a step in its data form: command and done_when, which become run and done. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_LUA_LUA_PLAIN_H
#define SESSION_LUA_LUA_PLAIN_H

#include "session/lua/lua_int.h"

/*
 * Keeps what makes the functions in the registry; the table of the sandbox's names lies at index
 * names. Raises when it cannot be loaded.
 */
void lua_plain_open(lua_State *L, int names);

/*
 * Checks command and done_when of the step's table at index 1, and fills step->command and
 * step->done_when with the words for people. Raises with what and the field.
 */
void lua_plain_read(lua_State *L, struct script_step *step, const char *what);

/*
 * Of the step's table at index 1: true when commands are computed, by a function or by functions
 * in the list: step->has[FN_COMMANDS]. Raises when an entry is neither a text nor a function, and
 * when the step is not manual.
 */
bool lua_plain_commands(lua_State *L, struct script_step *step, const char *what);

/*
 * Pushes the table whose functions the step has: that at index 1 when it has no data form, else
 * a copy with run and done made of it. where: "file:line: step 'id'".
 */
void lua_plain_push(lua_State *L, const struct script_step *step, const char *where);

#endif
