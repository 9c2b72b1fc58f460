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
	ACTION_NONE,
#define ACTION(NAME, where, name, keys, hint, help, arg, changes) ACTION_##NAME,
#include "tui/term/keytable.def"
};

enum screen_at {
#define SCREEN(NAME, word) SCREEN_##NAME,
#include "tui/term/keytable.def"
	SCREENS
};

/* The screens an action is for; one action may be for several. */
enum screen_kind {
#define SCREEN(NAME, word) IN_##NAME = 1 << SCREEN_##NAME,
#include "tui/term/keytable.def"
};

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

/* The word for the screen whose bit is 1 << at, NULL behind the last. */
const char *keytable_screen(unsigned at);

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
