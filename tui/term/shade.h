/* shade.h - the 256 colours of terminals in numbers: nearest to a colour, nearest of fewer colours. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_TERM_SHADE_H
#define TUI_TERM_SHADE_H

#include <stdbool.h>

/* Number of the 256 that is nearest to a colour (each part 0..255): of the 6x6x6 cube and the greys. */
int shade_of_rgb(int red, int green, int blue);

/* The nearest of a terminal's colours to number (0..255). With 8 a bright one is the plain one and *bold. */
int shade_for(int number, int colors, bool *bold);

#endif
