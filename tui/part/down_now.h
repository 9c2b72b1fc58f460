/* down_now.h - is the site down now? What the sessions of a journal and a look from outside say, in words for the head of a screen. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_DOWN_NOW_H
#define TUI_PART_DOWN_NOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

/*
 * "DOWN since 18:35 (session 41)", NULL when nothing says so. sessions: as history_sessions; outside: the last line of `bellbook outside`, NULL = it was not
 * asked. A session that is over counts until a later walk of its fleet begins, or the site answers. Safe to show. Caller owns.
 */
char *down_now(const struct json *sessions, const struct json *outside, int64_t now_us);

/* The same of one session with that number: down as model_down, running when a process carries it, closed when it is over. NULL down: NULL. Caller owns. */
char *down_now_words(int64_t session, const struct json *down, bool running, bool closed, int64_t now_us);

#endif
