/* lua_sources.h - the files that a runbook was loaded from. Private to session/lua_*.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_LUA_LUA_SOURCES_H
#define SESSION_LUA_LUA_SOURCES_H

#include "session/lua/lua_int.h"

/* Keeps what was loaded of a file. */
void lua_sources_add(struct script *script, const char *path, const char *shown, const char *text, size_t len);

/* Of all that was loaded, into the book. */
void lua_sources_digest(struct script *script);

/* Frees what was kept. */
void lua_sources_done(struct script *script);

#endif
