/* keytable.h - which key does what in the live view: one table for acting, hints and help. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_KEYTABLE_H
#define TUI_KEYTABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/keys.h"

enum action {
	ACTION_NONE, ACTION_HELP, ACTION_QUESTION, ACTION_UP, ACTION_DOWN, ACTION_PAGE_UP, ACTION_PAGE_DOWN,
	ACTION_TOP, ACTION_FOLLOW, ACTION_FIND, ACTION_FIND_NEXT, ACTION_FIND_PREVIOUS, ACTION_NEXT_CALL,
	ACTION_PREVIOUS_CALL, ACTION_NOTE, ACTION_RECORD, ACTION_SAY, ACTION_EXPLAIN, ACTION_RAW, ACTION_PAUSE, ACTION_STOP,
	ACTION_TAKE, ACTION_GIVE, ACTION_MENU, ACTION_REDRAW, ACTION_SUSPEND, ACTION_LEAVE,
};

struct key {
	enum press_code code;
	uint32_t cp;		/* for PRESS_CHAR, PRESS_CTRL, PRESS_F */
	enum action action;
	bool changes;		/* alters the session: always opens a dialog first */
	const char *name;	/* "Ctrl-L" */
	const char *hint;	/* short, for the bottom line, most important first; NULL = not shown there */
	const char *help;	/* NULL: another key of an action that has help already */
};

/* All keys, ended by action ACTION_NONE. */
const struct key *keytable(void);

/* What a press does, ACTION_NONE when nothing. */
enum action keytable_find(const struct press *press);

#endif
