/* dialog.h - the one box over a screen: choices to pick from, a line to type, or text to read, with its help line. Keys in, canvas out; it knows no screen. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_DIALOG_H
#define TUI_PART_DIALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/part/edit.h"
#include "tui/part/front.h"
#include "tui/term/canvas.h"
#include "tui/term/keys.h"

#define DIALOG_END 1000000	/* as scroll: the last page; drawing brings it back */

enum dialog_kind { DIALOG_NONE, DIALOG_LIST, DIALOG_FIELD, DIALOG_TEXT };

struct dialog_option {
	char *label;		/* owned, safe */
	char *help;		/* owned, safe, may be "" */
	int use;		/* what it is for; use, about and choice are the owner's */
	bool sentences;		/* where it does not fit, whole sentences are left out: one that is cut may say the opposite */
	int64_t about;
	size_t choice;
};

struct dialog {			/* all zero is closed */
	enum dialog_kind kind;
	int use;		/* the owner's */
	char *title, *text;	/* owned, safe; text may have several lines */
	char *error;		/* owned, safe: why the last key did nothing; NULL = it did */
	struct dialog_option *options;	/* owned */
	size_t option_count;
	long pick;		/* of a list: the option that stands out, -1 = none yet */
	bool wraps;		/* of a list: up from the first is the last */
	struct edit edit;	/* of a field */
	bool hidden;		/* of a field: what is typed is not shown */
	int scroll;		/* first line of text shown */
	int page;		/* lines of it shown when not all are, else 0; set by drawing */
	struct front front;	/* whether keys are meant for it yet */
};

/* Opens it anew; nothing is picked. Title and text are made safe. */
void dialog_open(struct dialog *dialog, enum dialog_kind kind, int use, const char *title, const char *text);

/* Adds an option to a list; label and help are made safe, of option the owner's members and sentences count. */
void dialog_option(struct dialog *dialog, struct dialog_option option, const char *label, const char *help);

/* Takes all options away. What is picked stays picked. */
void dialog_clear(struct dialog *dialog);

/* Says why a key did nothing; made safe. NULL: nothing is to be said. */
void dialog_error(struct dialog *dialog, const char *text);

/* The same of a key that has no use there: in a list what to press instead, else how it is closed or what instead says (NULL: Esc). */
void dialog_stray(struct dialog *dialog, const struct press *press, const char *instead);

/* Closes it, frees and wipes. Harmless when closed. */
void dialog_close(struct dialog *dialog);

/* Where a key would go. */
enum keys_place dialog_place(const struct dialog *dialog);

/* Moves the text by lines (DIALOG_END: to an end); drawing keeps it within. */
void dialog_scroll(struct dialog *dialog, int by);

enum dialog_did {
	DIALOG_STAYS,	/* the key was for it */
	DIALOG_DONE,	/* Enter, on an option or in the field: the owner looks, and closes or says why not */
	DIALOG_LEFT,	/* Esc, q where no line is typed, Enter on a text: the owner closes it */
	DIALOG_EARLY,	/* the key was meant for what was on the screen before */
	DIALOG_OTHER,	/* it has no use for the key */
};

/* One key at now_us (monotonic). Closes nothing. */
enum dialog_did dialog_press(struct dialog *dialog, const struct press *press, int64_t now_us);

/*
 * For a dialog that came by a key of the person's own and decides something: dialog_decides says so once it is open, the
 * stage watches what dialog_front gives (NULL while it is closed; borrowed), and dialog_take takes each key: it closes on
 * Esc and Ctrl-C, says what a key does not do, and is true for Enter on an option or in the field.
 */
void dialog_decides(struct dialog *dialog);
struct front *dialog_front(struct dialog *dialog);
bool dialog_take(struct dialog *dialog, const struct press *press, int64_t now_us);

/* How it is drawn on a screen; all zero is plain. */
struct dialog_look {
	void *arg;		/* of the functions */
	const char *hint;	/* the help line; NULL: what the keys do, see dialog_hint */
	/* The same, known only once the text is drawn (dialog->page). NULL = hint. */
	const char *(*hint_now)(void *arg, const struct dialog *dialog);
	/* Rows below the field, and what stands there. NULL = none. */
	int (*rows)(void *arg);
	void (*below)(void *arg, struct area area);
	/* Where an option was drawn. NULL = nobody wants to know. */
	void (*option)(void *arg, struct area area, long i);
	int spare;		/* rows of the area that stay free above it */
	int digits;		/* the options' numbers are so wide and to the right; 0 = as wide as they are */
};

/* What the keys do there, in words. */
const char *dialog_hint(const struct dialog *dialog);

/* Rows that it takes of the area, from below. */
int dialog_rows(const struct dialog *dialog, const struct dialog_look *look, struct area area);

/* Draws it over the lower part of the area. Sets page and scroll. */
void dialog_draw(struct dialog *dialog, const struct dialog_look *look, struct canvas *canvas, struct area area);

/* Columns inside it, in an area of so many. */
int dialog_inner(int cols);

#endif
