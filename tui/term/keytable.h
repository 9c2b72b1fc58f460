/* keytable.h - everything a person can do in the full-screen views, and which keys do it: one table for acting, hints, `?`, `:`, the keys file and the manual. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_TERM_KEYTABLE_H
#define TUI_TERM_KEYTABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "tui/term/keys.h"

enum action {
	ACTION_NONE, ACTION_HELP, ACTION_PALETTE, ACTION_QUESTION, ACTION_UP, ACTION_DOWN, ACTION_PAGE_UP,
	ACTION_PAGE_DOWN, ACTION_TOP, ACTION_FOLLOW, ACTION_FIND, ACTION_FIND_NEXT, ACTION_FIND_PREVIOUS,
	ACTION_NEXT_CALL, ACTION_PREVIOUS_CALL, ACTION_NEXT_STEP, ACTION_PREVIOUS_STEP, ACTION_NOW, ACTION_STEP,
	ACTION_HOSTS, ACTION_NOTE, ACTION_RECORD, ACTION_SAY, ACTION_EXPLAIN, ACTION_RAW, ACTION_COPY, ACTION_PAUSE,
	ACTION_STOP, ACTION_DETOUR, ACTION_RUN, ACTION_TAKE, ACTION_GIVE, ACTION_WITHDRAW, ACTION_INVITE, ACTION_DISMISS, ACTION_ENTER, ACTION_MENU, ACTION_MOUSE, ACTION_SLOW, ACTION_REDRAW, ACTION_SUSPEND,
	ACTION_LEAVE,
	ACTION_JUMP_BACK, ACTION_JUMP_ON, ACTION_DETAILS, ACTION_PANE, ACTION_KINDS, ACTION_PIN, ACTION_PLAY, ACTION_DIFF,
	ACTION_EXPORT, ACTION_ELSEWHERE, ACTION_REFRESH, ACTION_ATTACH, ACTION_PLAY_PAUSE, ACTION_FASTER, ACTION_SLOWER, ACTION_LATER,
	ACTION_EARLIER, ACTION_CUT,
	ACTION_OPEN, ACTION_FILTER, ACTION_SETTLE, ACTION_REVIEW, ACTION_REHEARSE, ACTION_DRY_RUN, ACTION_START,
	ACTION_CHECK,
};

/* The screens an action is for; one action may be for several. */
enum screen_kind { IN_LIVE = 1, IN_HOME = 2, IN_PLAN = 4, IN_REVIEW = 8, IN_PLAYBACK = 16 };

struct action_row {
	enum action action;
	unsigned where;		/* of enum screen_kind */
	const char *name;	/* word for `:` and the keys file */
	const char *keys;	/* bound unless the keys file says otherwise, blanks between them: "j Down" */
	const char *hint;	/* short, for the bottom line; NULL = not shown there */
	const char *help;
	const char *arg;	/* what `:name` may be followed by, "TEXT"; NULL = nothing */
	bool changes;		/* alters the session: always opens a dialog first */
};

/* All rows, most important first, ended by ACTION_NONE. */
const struct action_row *keytable(void);

/* Row of an action; never NULL for one of the table. */
const struct action_row *keytable_row(enum action action);

/* Row with this name that is for one of the screens, NULL when there is none. */
const struct action_row *keytable_named(unsigned where, const char *name);

/* What a press does on a screen, ACTION_NONE when nothing. */
enum action keytable_find(unsigned where, const struct press *press);

/* First key bound to the action, "" when none is. Borrowed until the keys change. */
const char *keytable_key(enum action action);

/* Appends all keys bound to the action: "j, Down". */
void keytable_keys(enum action action, struct buf *out);

/* Words for a key that means nothing where it was pressed, and what to press instead (NULL: how to find out). Caller owns. */
char *keytable_stray(const struct press *press, const char *instead);

/* "PgDn", "Ctrl-L", "F5", "space", one character; false when text names no key that can be bound. */
bool keytable_parse(const char *text, struct press *out);

/* Binds a key by names ("nothing" unbinds it). -1 with words for a name that is none, a reserved key, or a key that may not do this. */
int keytable_bind(const char *key, const char *name, struct err *e);

/*
 * Binds what the text of a keys file says, a line "KEY ACTION" each, '#' begins a comment. Lines that cannot be
 * are left out: returns how many those were, the first one's fault in *e with file and line.
 */
int keytable_read(const char *text, const char *file, struct err *e);

/* The keys as they are without a keys file. */
void keytable_reset(void);

#endif
