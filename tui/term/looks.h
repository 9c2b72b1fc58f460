/* looks.h - how the roles of text look on a terminal of so many colours: pure data, no curses. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_TERM_LOOKS_H
#define TUI_TERM_LOOKS_H

#include <stdbool.h>

#include "tui/term/canvas.h"

#define LOOK_OWN (-1)	/* the terminal's own colour */

struct look {
	bool bold, underline, reverse;
	int color;	/* of the text; the background is always the terminal's own */
};

/*
 * Look of a role with this many colours; fewer than 8 (or NO_COLOR): attributes alone. With 256 the colours are
 * readable on a dark and on a light background; with 8 or 16 they are the person's own theme, but never
 * white, black or yellow, which on one of the two is not.
 */
struct look look_of(enum role role, int colors);

#endif
