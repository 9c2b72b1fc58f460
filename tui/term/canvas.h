/* canvas.h - a grid of cells that a screen is drawn into; knows roles of text, not colours, and no terminal. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_TERM_CANVAS_H
#define TUI_TERM_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* What a piece of text is; the terminal decides how that looks. Every state also has a word. */
enum role {
	ROLE_TEXT, ROLE_DIM, ROLE_BOLD, ROLE_HEADER, ROLE_DOWN, ROLE_OK, ROLE_RUN, ROLE_WAIT, ROLE_FAIL,
	ROLE_WARN, ROLE_DOUBT, ROLE_PICK, ROLE_FIELD, ROLE_MATCH, ROLE_COMMAND,
	ROLE_COUNT
};

#define CANVAS_COMBINING 3

struct cell {
	uint32_t cp;		/* 0 = the right half of a wide character */
	uint32_t combining[CANVAS_COMBINING];	/* 0-terminated unless full */
	enum role role;
	/* Of a terminal inside ours (ROLE_TEXT): colours, 0 = the terminal's own, else 1 + the number of 256; CELL_BOLD … */
	short fg, bg;
	unsigned char attrs;
};

enum { CELL_BOLD = 1, CELL_UNDERLINE = 2, CELL_REVERSE = 4 };

struct canvas {
	int rows, cols;
	bool ascii;		/* only ASCII cells */
	int cursor_row, cursor_col;	/* row -1 = hidden */
	struct cell *cells;	/* owned; rows * cols */
};

/* A rectangle of a canvas. */
struct area { int row, col, rows, cols; };

enum glyph { GLYPH_ACROSS, GLYPH_DOWN, GLYPH_TOP_LEFT, GLYPH_TOP_RIGHT, GLYPH_BOTTOM_LEFT, GLYPH_BOTTOM_RIGHT, GLYPH_TEE };

/* Blank canvas, at least 1x1. Caller owns. */
struct canvas *canvas_new(int rows, int cols, bool ascii);

/* Frees. NULL is fine. */
void canvas_free(struct canvas *canvas);

/* Blank cells, hidden cursor. */
void canvas_clear(struct canvas *canvas);

/* One cell; outside it does nothing. */
void canvas_put(struct canvas *canvas, int row, int col, uint32_t cp, enum role role);

/* One cell with its looks, its character as canvas_put puts it; outside it does nothing. */
void canvas_cell(struct canvas *canvas, int row, int col, const struct cell *cell);

/* A border glyph, ASCII where it must be. */
void canvas_glyph(struct canvas *canvas, int row, int col, enum glyph glyph);

/* Text that went through utf8_safe, at most cols columns; when it does not fit the last column is '+'. Returns the columns used. */
int canvas_text(struct canvas *canvas, int row, int col, int cols, enum role role, const char *text);

/* The same from formatted text. */
int canvas_printf(struct canvas *canvas, struct area at, enum role role, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Text broken at blanks into the area's rows, the last one cut with '+'. Returns the rows used. */
int canvas_wrap(struct canvas *canvas, struct area area, enum role role, const char *text);

/* Bytes of text that make the first line when broken at cols columns (blank at the end included in *next). */
int canvas_break(const char *text, int cols, int *next);

/* Rows that text takes when broken at cols columns. */
int canvas_rows(const char *text, int cols);

/* Text broken at blanks, from its skip-th row on, as many rows as there is room for. */
void canvas_page(struct canvas *canvas, struct area area, const char *text, int skip);

/* The same from row *scroll on, which is brought back when it is too far; when not all is shown, the
   last row says so. Returns the rows of text shown then, 0 = all is shown. */
int canvas_scroll(struct canvas *canvas, struct area area, const char *text, int *scroll);

/* One line whole, over as many rows as it needs and there are. Returns the rows used, at least one where there is one. */
int canvas_whole(struct canvas *canvas, struct area area, const char *text);

/* The area filled with blanks. */
void canvas_fill(struct canvas *canvas, struct area area, enum role role);

/* Changes what the cells are, not what is in them. */
void canvas_role(struct canvas *canvas, struct area area, enum role role);

/* A blank box with a title in its upper border. */
void canvas_box(struct canvas *canvas, struct area area, const char *title);

/* The grid as text, one line a row, blanks at the end left out. */
void canvas_dump(const struct canvas *canvas, struct buf *out);

#endif
