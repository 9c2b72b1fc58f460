/* home_int.h - private to tui/home/home*.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_HOME_HOME_INT_H
#define TUI_HOME_HOME_INT_H

#include "tui/part/dialog.h"
#include "tui/part/edit.h"
#include "tui/home/home.h"
#include "tui/part/palette.h"
#include "tui/part/rows.h"

struct home {
	struct json *data;	/* owned */
	struct json *hosts;	/* owned: name → last line */
	struct json *outside;	/* owned: last line, or NULL */
	bool asking, blind;	/* blind: the window is too small for anything to be read; set by home_draw */
	struct rows main, aside;
	char *pick;		/* owned: key of the row picked, NULL = the first */
	long top;
	int page;
	struct edit filter;
	bool typing;		/* keys go into the filter */
	struct dialog dialog;
	struct palette palette;
	int64_t asked;		/* session that the dialog is about */
	char *notice;		/* owned, safe */
	int64_t now_us;		/* of the last drawing */
};

/* Builds the rows for that width; aside stays empty when there is one column. */
void home_build(struct home *home, int main_cols, int aside_cols);

/* Appends the hosts, the site and the last notes to rows of cols columns. */
void home_build_fleet(const struct home *home, struct rows *rows, int cols);
void home_build_notes(const struct home *home, struct rows *rows, int cols);

/* True when the filter lets this through: each of its words is in one of the texts. */
bool home_lets(const struct home *home, const char *const *texts, size_t count);

/* The session with that number, NULL when there is none. Borrowed. */
const struct json *home_session(const struct home *home, int64_t session);

/* The debt with that key of a row ("debt N …"), NULL when there is none. Borrowed. */
const struct json *home_debt(const struct home *home, const char *key);

/* Session with a step in doubt, NULL when there is none. Borrowed. */
const struct json *home_doubt(const struct home *home);

#endif
