/* keys.h - bytes of a terminal to key presses: UTF-8, CSI, SS3, bracketed paste; knows no curses and no meaning of a key. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_TERM_KEYS_H
#define TUI_TERM_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

enum press_code {
	PRESS_CHAR,		/* cp */
	PRESS_CTRL,		/* cp = 'A'..'Z' or one of @ [ \ ] ^ _ */
	PRESS_ALT,		/* cp; nothing is bound to it */
	PRESS_ENTER, PRESS_TAB, PRESS_BACKTAB, PRESS_BACKSPACE, PRESS_DELETE, PRESS_INSERT, PRESS_ESC,
	PRESS_UP, PRESS_DOWN, PRESS_LEFT, PRESS_RIGHT, PRESS_HOME, PRESS_END, PRESS_PAGE_UP, PRESS_PAGE_DOWN,
	PRESS_F,		/* cp = 1..12 */
	PRESS_PASTE,		/* text, len */
	PRESS_REPORT,		/* the terminal's answer to a status request: no key; only after keys_reports */
	PRESS_MOUSE,		/* button pressed: cp as xterm numbers it, row and col from 0 */
};

struct press {
	enum press_code code;
	uint32_t cp;
	const char *text;	/* borrowed until the next keys_* call; not NUL-safe: use len */
	size_t len;
	int row, col;
	bool burst;		/* came at once with others, or with a held key: never decides (keys_read) */
	unsigned mods;		/* of arrows, Home, F1 …, as xterm tells them: 1 Shift, 2 Alt, 4 Ctrl; only terminals inside ours care */
};

#define KEYS_ESC_US ((int64_t)100000)		/* a lone ESC is the Esc key after this long */
#define KEYS_CUT_US ((int64_t)1000000)		/* the rest of a cut sequence is given up after this long */
#define KEYS_BURST_US ((int64_t)30000)		/* nobody presses two keys on purpose within this; an Enter waits so long for what may come behind it */
#define KEYS_REPEAT_US ((int64_t)700000)	/* a held Enter comes again within this: terminals wait up to 660 ms at first */
#define KEYS_PASTE_MAX LIMIT_PASTE	/* bytes of one paste that are kept */

struct keys;

/* New decoder. Caller owns. */
struct keys *keys_new(void);

/* Frees and wipes what was typed. NULL is fine. */
void keys_free(struct keys *keys);

/* From now on answers to a status request (seen.h) are given out, else they are dropped as any unknown sequence. */
void keys_reports(struct keys *keys);

/* Takes bytes read at now_us (any monotonic clock). */
void keys_feed(struct keys *keys, const char *bytes, size_t len, int64_t now_us);

/*
 * The same for one read of a terminal, where a burst is told from typing: an Enter that comes with other bytes in one
 * read, or right behind them (a paste without brackets, what lay in the queue, a slow line), what follows it at once, and
 * an Enter that repeats itself (held). Their presses are marked.
 */
void keys_read(struct keys *keys, const char *bytes, size_t len, int64_t now_us);

/* Where a press would go. */
enum keys_place { KEYS_NOWHERE, KEYS_LIST, KEYS_FIELD };

#define KEYS_BURST_WORDS "Several keys came at once: nothing was decided. Press them one by one."

/* True for a press of a burst that must do nothing there: Enter anywhere, letters where no line is typed. Arrows and
   digits of a list only choose. */
bool keys_stops(const struct press *press, enum keys_place place);

/* Next press, false when there is none yet. Never blocks, never fails: what it does not know is dropped whole. */
bool keys_next(struct keys *keys, int64_t now_us, struct press *press);

/* Microseconds until keys_next may give more without new bytes, -1 when it will not. */
int64_t keys_wait(const struct keys *keys, int64_t now_us);

#endif
