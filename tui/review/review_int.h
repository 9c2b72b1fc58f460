/* review_int.h - the review of one session: what is known and what the person did; private to tui/review/review*.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_REVIEW_REVIEW_INT_H
#define TUI_REVIEW_REVIEW_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/store/store.h"
#include "journal/model/timeline.h"
#include "tui/term/canvas.h"
#include "tui/part/dialog.h"
#include "tui/term/keys.h"
#include "tui/term/keytable.h"
#include "tui/part/palette.h"

#ifdef TINY_LIMITS
#define PANE_BYTES ((size_t)4096)
#define PANE_GLANCE ((size_t)512)
#else
#define PANE_BYTES ((size_t)64 << 20)	/* of a step's output in memory; what is behind it is in the export */
#define PANE_GLANCE ((size_t)256 << 10)	/* … while the person only passes by */
#endif

/* One line of the lower pane. */
struct pane_line {
	char *text;		/* owned, safe */
	enum role role;
	int64_t at_us;		/* 0 = no time is shown */
	int64_t seq;		/* of the event it comes from */
	bool err;		/* from standard error */
};

/* What belongs to the line picked above: a step's commands with their outputs, or an event in full. */
struct pane {
	struct pane_line *lines;	/* owned */
	size_t count, bytes;
	long at, top;
	int page;		/* lines on the screen; set by draw */
	long first_error;	/* -1 = none */
	int64_t seq;		/* of the mark it is about, 0 = nothing loaded */
	bool cut;		/* not all of it is here */
	bool whole;		/* loaded up to PANE_BYTES, not at a glance */
	char *title;		/* owned, safe */
};

/* What the dialog is for; USE_CLOSED = none is open. */
enum review_use { USE_CLOSED, REVIEW_FIND, REVIEW_NOTE, REVIEW_PIN, REVIEW_DIFF, REVIEW_FORMAT, REVIEW_FILE, REVIEW_FILTER, REVIEW_TEXT };

struct review {
	char *journal;			/* owned */
	struct store *store;		/* owned; for reading */
	struct timeline *timeline;	/* owned */
	struct timeline *before;	/* owned: the same runbook's run before, NULL = none */
	unsigned groups;		/* of enum mark_group: what is shown */
	size_t *rows;			/* owned: indexes of the marks shown */
	size_t row_count;
	long at, top;
	int page;			/* rows on the screen; set by draw */
	bool in_pane;			/* keys move in the pane */
	bool raw;			/* the pane alone, long lines whole */
	struct pane pane;
	char *find;			/* owned; NULL = nothing was searched */
	int finding;			/* a search is under way: 1 on, -1 back, 0 none */
	bool find_wrapped;	/* it went on from the other end */
	bool find_moved, find_in_pane;	/* it has left its first line; where the person was before it */
	long find_at, find_line;
	struct dialog dialog;		/* its use is of enum review_use */
	struct palette palette;
	bool mouse, slow;		/* wanted by the person */
	int list_row, pane_row;		/* where the lines are on the screen; set by draw */
	char *copy;			/* owned: text to be copied out, NULL = none; who runs the review resets it */
	const char *copy_name;		/* static: what it is */
	const char *format;		/* of an export that is being named; static */
	char *notice;			/* owned, safe */
	int64_t notice_us;
	char *chain;			/* owned: what is known of the chain of hashes, in words */
	bool chain_bad;
	char *down;			/* owned, safe: that a site is down now; NULL = no session says so */
	bool running;			/* a process carries the session now */
	bool leave, redraw, suspend, attach, play;	/* wanted by the person; who runs the review resets them */
};

/* Opens a session of the journal for review. NULL with *e. Caller owns. Blocks for disk. */
struct review *review_new(const char *journal, int64_t session, struct err *e);

/* Frees. NULL is fine. */
void review_free(struct review *review);

/* Reads what came since; keeps what is picked. Blocks for disk. */
void review_refresh(struct review *review);

/* Shows these groups; the line picked stays, or the next one that is shown. */
void review_show(struct review *review, unsigned groups);

/* The line that is picked, NULL when none is shown. Borrowed until the next change. */
const struct mark *review_mark(const struct review *review);

/* Picks row at (cut to what there is). */
void review_pick(struct review *review, long at);

/* The mark of row at. Borrowed. */
const struct mark *review_row(const struct review *review, size_t at);

/* Says something in the status line; text need not be safe. */
void review_notice(struct review *review, const char *text, int64_t now_us);

/* "14 s -> 12 s  faster": the same step in the run before; appends nothing when there is none. */
void review_versus(const struct review *review, const struct mark *mark, struct buf *out);

/* Loads the pane for the line picked, unless it is there: at a glance, or whole. Blocks for disk. */
void pane_load(struct review *review, bool whole);

/* Frees what is in it. */
void pane_clear(struct pane *pane);

/* One key. */
void review_press(struct review *review, const struct press *press, int64_t now_us);

/* Opens the dialog for that; title and text need not be safe. */
void box_open(struct review *review, enum review_use use, const char *title, const char *text);

/* Closes it, wipes what was typed. */
void box_close(struct review *review);

/* Shows what was otherwise in another session; asks with which when its number is NULL. Blocks for disk. */
void box_diff(struct review *review, const char *number);

/* True while it has a line to type. */
bool box_types(const struct review *review);

/* A key for the one that is open. */
void box_press(struct review *review, const struct press *press, int64_t now_us);

/* Draws everything. Sets page of what is drawn. */
void review_draw(struct review *review, struct canvas *canvas, int64_t now_us);

/* The dialog over the area. */
void box_draw(struct review *review, struct canvas *canvas, struct area area);

struct review_group { unsigned group; const char *name; };

/* Groups in the order of the filter, ended by group 0. */
const struct review_group *review_groups(void);

#endif
