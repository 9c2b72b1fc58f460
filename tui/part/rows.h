/* rows.h - a screen as a list of lines, some of which can be picked: built anew from data, scrolled so that the picked one is in sight. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_ROWS_H
#define TUI_PART_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "tui/term/canvas.h"

#define ROW_MARKS 4

/* A piece of a row that stands out: columns from the row's left. */
struct row_mark {
	int col, cols;
	enum role role;
};

struct row {
	char *text;		/* owned, safe to show */
	enum role role;
	struct row_mark marks[ROW_MARKS];
	size_t mark_count;
	char *key;		/* owned: what the row is about ("session 41", "runbook upgrade"); NULL = it cannot be picked */
};

struct rows {			/* zero-initialised is empty */
	struct row *row;	/* owned */
	size_t count;
};

/* Frees the rows; the list is empty and usable again. */
void rows_clear(struct rows *rows);

/* Adds a row of safe text (copied); key (copied) may be NULL. Borrowed until the next change. */
struct row *rows_add(struct rows *rows, enum role role, const char *text, const char *key);

/* Adds the paragraphs of safe text, broken at cols columns, behind an indent. */
void rows_add_text(struct rows *rows, enum role role, const char *text, int indent, int cols);

/* Marks the columns that text takes when it is appended behind what line has now. Beyond ROW_MARKS nothing is marked. */
void row_mark(struct row *row, int col, int cols, enum role role);

/* Index of the row with that key, -1 when there is none. */
long rows_find(const struct rows *rows, const char *key);

/* The next row by steps (negative = up) that can be picked, from where from is; from itself when there is none. -1 from: the first. */
long rows_step(const struct rows *rows, long from, long by);

/* Draws the rows from top on into the area; the picked one is turned over, and arrows at the right say that there is more. */
void rows_draw(const struct rows *rows, struct canvas *canvas, struct area area, long pick, long top);

/* The first row to draw, so that pick and, where it fits, the heading above it are in sight; near top as it was. */
long rows_top(const struct rows *rows, long pick, long top, int page);

/* Appends text, made safe, as a cell of cols columns: cut with '+' when it is longer, filled with blanks when it is shorter. */
void cell_left(struct buf *line, const char *text, int cols);

/* The same for one that another is cut like: beginning, '+', and its end, which tells them apart. */
void cell_ends(struct buf *line, const char *text, int cols);

/* True when both, cut to so many columns, would read the same although they are not. */
bool cell_alike(const char *text, const char *other, int cols);

/* As cell_left, filled on the left. */
void cell_right(struct buf *line, const char *text, int cols);

#endif
