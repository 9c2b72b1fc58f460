/* lua_watch.h - private to session/: stops a runbook that stays inside one C function of Lua, where instructions are not counted. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_LUA_LUA_WATCH_H
#define SESSION_LUA_LUA_WATCH_H

/* Processor seconds that Lua may take between two calls while a runbook loads and while a step runs. BELLBOOK_LUA_SECONDS (for valgrind and very slow machines) replaces both. */
#define LUA_WATCH_LOAD 1.5
#define LUA_WATCH_RUN 10.0

/* From now on: when this process has used that much processor time before lua_watch_end, it ends with status 2 after its last words, "bellbook: TEXT" on stderr. Cuts text at 800 bytes.
 * Nested, the outer one counts. step and fn (NULL = none) say whose function it is, for lua_watch_heir. */
void lua_watch_begin(const char *text, const char *step, const char *fn, double seconds);

/* The end of it. */
void lua_watch_end(void);

/* Where the last words go too, as "usage TEXT": descriptor fd, borrowed; -1 = nowhere. */
void lua_watch_tell(int fd);

/* Instead of ending, this process becomes the program of argv (borrowed, NULL-terminated, at most 8 words), with the step, the function ("" = none) and the text behind them. NULL = no more. */
void lua_watch_heir(const char *const *argv);

#endif
