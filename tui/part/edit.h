/* edit.h - one line of text being typed: bounded, never moved in memory, wiped when done. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_EDIT_H
#define TUI_PART_EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/term/canvas.h"
#include "tui/term/keys.h"

#define EDIT_MAX 4096

struct edit {			/* zero-initialised is an empty line */
	char text[EDIT_MAX];	/* always NUL-terminated, valid UTF-8, no control characters */
	size_t len;
	size_t cursor;		/* byte offset, on a character border */
};

/* Empties the line and wipes the memory. */
void edit_clear(struct edit *edit);

/* Inserts at the cursor; false when it is full or cp is no printable character. */
bool edit_insert(struct edit *edit, uint32_t cp);

/* Inserts text; line ends and other control characters become one blank each. What does not fit is left out. */
void edit_paste(struct edit *edit, const char *text, size_t len);

/* Applies an editing key (characters, arrows, Home, End, Backspace, Delete, Ctrl-A E U W K); false when it is none. */
bool edit_press(struct edit *edit, const struct press *press);

/* The line in the area's row, scrolled so that the cursor is in sight; places the canvas's cursor. */
void edit_draw(const struct edit *edit, struct canvas *canvas, struct area at);

#endif
