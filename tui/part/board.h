/* board.h - what the home and plan screens have in common on their edges: header, advice, hints. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_BOARD_H
#define TUI_PART_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/term/canvas.h"
#include "tui/term/keytable.h"

/* Draws that the window is too small, when it is. */
bool board_too_small(struct canvas *canvas);

/* The first row: left, what must be seen (NULL = nothing; right gives way to it), and at its end right and the time. Made safe here. */
void board_header(struct canvas *canvas, const char *left, const char *flag, const char *right, int64_t wall_us);

/* What must be seen, at the end of a first row that is drawn by its screen: safe words, NULL = nothing; nothing either where they leave no room. The columns that stay before it. */
int board_flag(struct canvas *canvas, const char *words);

/* One row of words, made safe: sentences at the end that do not fit are left out whole. */
void board_say(struct canvas *canvas, int row, enum role role, const char *text);

/* The hints of a screen in the last row, "? help" first; those that do not fit are left out from the end, and so is one that is of no use now. */
void board_bottom(struct canvas *canvas, unsigned where, enum action useless);

#endif
