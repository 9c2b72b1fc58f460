/* lua_actions.h - the arguments of an action as types for editors. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_LUA_LUA_ACTIONS_H
#define SESSION_LUA_LUA_ACTIONS_H

#include "actions/worker/action.h"

/* The type as LuaLS writes it: "string|string[]". Static. */
const char *lua_action_type(enum action_type type);

/* What the first argument is called when it is the target: "host". Static; "" when there is none. */
const char *lua_action_target(const struct action *action);

#endif
