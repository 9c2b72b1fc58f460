/* sheet.h - a dialog of the home and plan screens: text, and a list to pick from or a line to type. Keys in, canvas out. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_SHEET_H
#define TUI_PART_SHEET_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/term/canvas.h"
#include "tui/part/edit.h"
#include "tui/part/front.h"

#define SHEET_OPTIONS 6

struct sheet {			/* zero-initialised is closed */
	bool open;
	int use;		/* the owner's */
	char *title, *text;	/* owned, safe */
	char *error;		/* owned, safe, or NULL */
	char *options[SHEET_OPTIONS];	/* owned, safe */
	size_t option_count;
	long pick;		/* -1 = none yet */
	bool field;
	struct edit edit;
	int scroll, page;	/* page: set by drawing, 0 = all is shown */
	struct front front;	/* of one that decides: keys from before it could be seen are not for it */
};

enum sheet_end { SHEET_STAYS, SHEET_CLOSED, SHEET_DONE };

/* Opens it anew with text, made safe; nothing is picked. */
void sheet_open(struct sheet *sheet, int use, const char *title, const char *text);

/* Adds a choice, or makes it a line to type. */
void sheet_option(struct sheet *sheet, const char *label);
void sheet_field(struct sheet *sheet);

/* Says why Enter did nothing. */
void sheet_error(struct sheet *sheet, const char *text);

/* What of it stands in front: NULL while it is closed. Borrowed. */
struct front *sheet_front(struct sheet *sheet);

/* Where a key would go. */
enum keys_place sheet_place(const struct sheet *sheet);

/* Closes, frees and wipes. */
void sheet_close(struct sheet *sheet);

/* One key. CLOSED: Esc, or any key of a sheet that only tells (it is closed then). DONE: Enter on a choice or a line; the owner looks and closes. */
enum sheet_end sheet_press(struct sheet *sheet, const struct press *press);

/* Draws it over the lower part of the area. */
void sheet_draw(struct sheet *sheet, struct canvas *canvas, struct area area);

#endif
