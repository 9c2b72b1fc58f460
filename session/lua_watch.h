/* lua_watch.h - private to session/: stops a runbook that stays inside one C function of Lua, where instructions are not counted. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_LUA_WATCH_H
#define SESSION_LUA_WATCH_H

/* Processor seconds that Lua may take between two calls while a runbook loads and while a step runs. BELLBOOK_LUA_SECONDS (for valgrind and very slow machines) replaces both. */
#define LUA_WATCH_LOAD 1.5
#define LUA_WATCH_RUN 10.0

/* From now on: when this process has used that much processor time before lua_watch_end, it writes "bellbook: TEXT …" to stderr and ends with status 2. Cuts text at 400 bytes. Not nested. */
void lua_watch_begin(const char *text, double seconds);

/* The end of it. */
void lua_watch_end(void);

#endif
