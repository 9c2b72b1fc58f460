/* lua_words.h - private to session/: the words for commands and branches that failed. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_LUA_LUA_WORDS_H
#define SESSION_LUA_LUA_WORDS_H

#include <lua.h>

#include "base/buf.h"
#include "base/json.h"

struct fanout;

/* "app1: the cause (`git fetch` ended with status 128)", further lines of the cause below. Caller owns. */
char *lua_failure_words(const struct json *value, const char *host, const char *shown);

/* Appends what failed in an each(), by name. */
void lua_each_words(struct buf *text, const struct fanout *fan);

/* cause(answer) or cause(err, out) of Lua. */
int lua_cause(lua_State *L);

#endif
