/* stage.h - the frame of every full-screen view: the terminal, signals, keys, pictures, suspension, and the loop they come from. It knows no screen. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_STAGE_H
#define TUI_PART_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "base/loop.h"
#include "tui/part/front.h"
#include "tui/term/canvas.h"
#include "tui/term/keys.h"

struct stage;

/* A screen: what it does, as a constant table; all functions get its arg, and none may block. Those below the line may be NULL. */
struct stage_screen {
	const char *name;
	int hangup;		/* exit status when the terminal is gone */
	/* Draws all of it; the wall clock is what is shown, the monotonic one what waits are counted by. */
	void (*draw)(void *arg, struct canvas *canvas, int64_t wall_us, int64_t mono_us);
	void (*press)(void *arg, const struct press *press, int64_t now_us);
	/* True once the screen has its answer, or is to be left. */
	bool (*over)(void *arg);
	/* ---- */
	/* After keys, lines, ticks and signals, before over is asked: carries out what they led to. */
	void (*settle)(void *arg);
	/* What stands in front; NULL = nothing does. */
	struct front *(*front)(void *arg);
	/* Called after the first picture and then when the time it gave back (microseconds; -1 = when stage_wake says) has passed; *changed asks for a picture. May read from disk. */
	int64_t (*tick)(void *arg, bool *changed);
	/* After a picture went to the terminal. */
	void (*shown)(void *arg);
	/* Microseconds until the picture changes by time alone, -1 = it does not. NULL: with each minute, as a clock without seconds. */
	int64_t (*fades)(void *arg, int64_t now_us);
	/* SIGINT came from outside (Ctrl-C is a key). NULL: the screen is left, as with the other signals. */
	void (*interrupt)(void *arg);
	/* A line of a source (stage_source); NULL: that was its last. */
	void (*line)(void *arg, int source, const struct json *line);
};

/* Takes the terminal over. NULL with words when it cannot show a full screen; nothing was changed then. Caller owns. */
struct stage *stage_open(struct err *e);

/* Gives the terminal back, forgets the sources and frees. Blocks half a second at most, for a terminal that owes an answer. NULL is fine. */
void stage_close(struct stage *stage);

/* Shows a screen until it is over; both are borrowed until then. Blocks. False when the terminal is to be left for good: a signal came, or the loop failed, which e tells. */
bool stage_run(struct stage *stage, const struct stage_screen *screen, void *arg, struct err *e);

/* The loop below it, for what a screen watches besides. Borrowed. */
struct loop *stage_loop(struct stage *stage);

/* Columns of the last picture, 80 before the first. */
int stage_cols(const struct stage *stage);

/* Something came that was no key: settle, and a picture soon (at once for whoever waits for an echo). Not from the table's own functions. */
void stage_changed(struct stage *stage, bool echo);

/* tick is called after us microseconds (0 = in the next round), and not when it was due before. */
void stage_wake(struct stage *stage, int64_t us);

/* Lines come from fd under that name (> 0), until its end or stage_drop. Takes fd. */
void stage_source(struct stage *stage, int source, int fd);
void stage_drop(struct stage *stage, int source);

/* For a screen's functions: the next picture is drawn anew; this process stops until the shell continues it; two pictures a second at most, or as usual. */
void stage_redraw(struct stage *stage);
void stage_suspend(struct stage *stage);
void stage_slow(struct stage *stage, bool slow);

#endif
