/* stage.h - the terminal and the loop under the home and plan screens: keys, frames, and lines of JSON from helpers. It knows no screen. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_STAGE_H
#define TUI_PART_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "tui/term/canvas.h"
#include "tui/term/keys.h"

struct stage;

/* What a screen does; all get arg. None may block. */
struct stage_screen {
	void *arg;
	void (*draw)(void *arg, struct canvas *canvas, int64_t wall_us);
	void (*press)(void *arg, const struct press *press);
	/* A line of a source; NULL: that was its last. */
	void (*line)(void *arg, int source, const struct json *line);
	/* Called after the first frame and then when the time it gave back has passed (microseconds); *changed asks for a frame. May read from disk. */
	int64_t (*refresh)(void *arg, bool *changed);
	/* True once the screen has its answer. */
	bool (*over)(void *arg);
};

/* Takes the terminal over. NULL with words when it cannot show a full screen; nothing was changed then. Caller owns. */
struct stage *stage_open(struct err *e);

/* Gives the terminal back, forgets the sources and frees. NULL is fine. */
void stage_close(struct stage *stage);

/* Shows a screen until it is over. Blocks. False when the terminal is to be left for good (a signal). */
bool stage_run(struct stage *stage, const struct stage_screen *screen);

/* Lines come from fd under that name (> 0), until its end or stage_drop; the stage closes fd. */
void stage_source(struct stage *stage, int source, int fd);
void stage_drop(struct stage *stage, int source);

/* For a screen's press: draw all anew; stop this process until the shell continues it. */
void stage_redraw(struct stage *stage);
void stage_suspend(struct stage *stage);

#endif
