/* lua_kinds.h - private to session/lua/: which fields a step of a kind must have, and may not have. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_LUA_LUA_KINDS_H
#define SESSION_LUA_LUA_KINDS_H

#include "session/lua/lua_int.h"

/* Raises an error in Lua when the step, which was read, lacks what its kind needs, or a field of
 * it has no sense. The table it was read from is at 1; what names the step in words. */
void lua_kinds_demand(lua_State *L, const struct script_step *step, const char *what);

/* Raises one when the table at 1 has a field that only steps of other kinds have: it would say
 * nothing. */
void lua_kinds_refuse(lua_State *L, enum step_kind kind, const char *what);

#endif
