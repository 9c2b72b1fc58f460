/* review_list.h - the sessions of a journal as a list to choose from, filtered by what is typed. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_REVIEW_REVIEW_LIST_H
#define TUI_REVIEW_REVIEW_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "tui/term/canvas.h"
#include "tui/part/edit.h"
#include "tui/term/keys.h"

/* One session; strings owned and safe to show. */
struct listed {
	int64_t session, opened_us, last_us, lasted_us, down_us, step, steps, failures, left_out;
	char *runbook, *title, *who, *state, *people, *hosts;
	char *words;		/* all that a typed word may be found in */
	bool dry_run, failed, open;
};

struct review_list {
	char *journal;		/* owned */
	struct listed *rows;	/* owned; newest first */
	size_t count;
	size_t *shown;		/* owned: those that the filter lets through */
	size_t shown_count;
	struct edit filter;
	long at, top;
	int page;		/* set by draw */
	char *down;		/* owned, safe: that a site is down now; NULL = no session says so */
	char *words;		/* owned, safe: what a person should know of the journal; NULL = nothing */
	int64_t chosen;		/* wanted by the person: this session; 0 = none. Who runs the list resets these */
	bool leave, redraw, suspend, help;
};

/* Reads the sessions; filter may be NULL. ERR_NOTFOUND, ERR_CORRUPT and so on with *e. Caller owns. Blocks for disk, and for the index where it is not made yet. */
struct review_list *review_list_new(const char *journal, const char *filter, struct err *e);

/* Frees. NULL is fine. */
void review_list_free(struct review_list *list);

/* Reads again; what cannot be read leaves the list as it was and is told. */
void review_list_refresh(struct review_list *list);

/* True when the session passes the filter: words that all occur in what is known of it, host:NAME who:NAME runbook:NAME failed open dry after:DATE before:DATE. */
bool review_list_passes(const struct listed *row, const char *filter);

/* One key. */
void review_list_press(struct review_list *list, const struct press *press);

/* Draws it. Sets page. */
void review_list_draw(struct review_list *list, struct canvas *canvas);

#endif
