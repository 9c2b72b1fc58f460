/* palette.h - a list of what can be done that narrows as one types: `?` by key or word, `:` by name, arguments completed. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_PALETTE_H
#define TUI_PART_PALETTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "tui/term/canvas.h"
#include "tui/part/edit.h"
#include "tui/term/keytable.h"

#define PALETTE_MAX 256

/* Appends what an action's argument may be, a line each; called with the arg given to palette_open. */
typedef void palette_words(void *arg, enum action action, struct buf *out);

struct palette_item {
	enum action action;
	char *word;		/* owned, safe: argument; NULL = the action itself */
};

struct palette {		/* zero-initialised is closed */
	bool is_open;
	bool keys;		/* the `?` list: typed text is looked for in keys and help too */
	unsigned where;
	struct edit edit;
	struct palette_item items[PALETTE_MAX];	/* what matches, best first */
	size_t count;
	long pick;
	char *error;		/* owned: why the last Enter did nothing */
	enum action run;	/* chosen: what to do, and with what */
	char *arg;		/* owned; NULL = nothing was typed behind the name */
	palette_words *words;
	void *words_arg;
};

enum palette_did { PALETTE_GOES_ON, PALETTE_CLOSED, PALETTE_RUNS };

/* Opens it with everything in it; words may be NULL, and is called while it is open only. */
void palette_open(struct palette *palette, unsigned where, bool keys, palette_words *words, void *arg);

/* Closes it and frees what it holds. Harmless when closed. */
void palette_close(struct palette *palette);

/* One key. PALETTE_RUNS: do palette->run with palette->arg, then palette_close. */
enum palette_did palette_press(struct palette *palette, const struct press *press);

/* First item shown in a list of so many rows. */
long palette_first(const struct palette *palette, int rows);

/* Draws it as a box over the lower part of the area, the cursor in its field. Returns where the list is. */
struct area palette_draw(const struct palette *palette, struct canvas *canvas, struct area area);

#endif
