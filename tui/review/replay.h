/* replay.h - a stored session played through the live view's own scene, ui and drawing, by the clock of the recording; nothing can be sent from it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_REVIEW_REPLAY_H
#define TUI_REVIEW_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "journal/feed/feed.h"
#include "tui/term/canvas.h"
#include "tui/live/scene.h"
#include "tui/live/ui.h"

/* Where the events come from, as often as it is wound back: a feed that never waits, from the session's first event on. The caller of open owns the feed. */
struct replay_source {
	struct feed *(*open)(void *arg, struct err *e);
	void *arg;	/* borrowed; outlives the replay */
};

struct replay {
	struct replay_source source;
	struct feed *feed;		/* owned */
	struct arena *arena;		/* owned; the event that comes next */
	struct event next;
	bool has_next, ended;
	struct scene *scene;		/* owned */
	struct ui *ui;			/* owned */
	int64_t at_us;			/* the clock of the recording */
	int64_t next_us;		/* when next happens; clocks that were set back do not set back the recording */
	int64_t first_us, last_us;	/* of the walk */
	int64_t target_us;		/* where it is being wound to, -1 = nowhere */
	int speed;			/* 1 to 100 */
	bool playing;
	bool cut;			/* idle time is cut to a second of the viewer's */
	char *damage;			/* owned: why it ends here, NULL = it does not */
};

/* Stands at the first event, paused, at x1. last_us is the end of the walk for the bar and for End. NULL with *e. Caller owns. Blocks for disk. */
struct replay *replay_new(struct replay_source source, int64_t last_us, struct err *e);

/* Frees. NULL is fine. */
void replay_free(struct replay *replay);

/* The viewer's clock went on by real_us: goes on in the recording, when it plays. */
void replay_pass(struct replay *replay, int64_t real_us);

/* Winds to a time of the recording; backwards begins anew. replay_work does it. */
void replay_seek(struct replay *replay, int64_t at_us);

/* Does at most events of what is due; true when there is more to do. Blocks for disk. */
bool replay_work(struct replay *replay, int events);

/* Faster (by > 0) or slower, through 1 2 5 10 20 50 100. */
void replay_speed(struct replay *replay, int by);

/* Microseconds of the viewer's until something changes, -1 = nothing will by itself. */
int64_t replay_wait(const struct replay *replay);

/* The live view's screen as it was then; the last row tells where the recording is. */
void replay_draw(struct replay *replay, struct canvas *canvas);

#endif
