/* ending.h - how a view ends: the exit code, and what it tells the person last. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_LIVE_ENDING_H
#define TUI_LIVE_ENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "journal/model/model.h"
#include "tui/live/scene.h"
#include "tui/live/view.h"

enum ending {
	ENDING_NONE,	/* goes on */
	ENDING_CLOSED,	/* the session was closed */
	ENDING_LEFT,	/* the person left */
	ENDING_GONE,	/* the session's process is gone */
	ENDING_REFUSED,	/* the session would not have us */
};

/* Exit code for the end; outcome is that of session.closed, NULL when unknown. */
enum view_exit ending_exit(enum ending ending, const char *outcome);

/* True when the session left a way back open that this person may open: observers and guests may not. */
bool ending_may_go_back(const struct scene *scene);

/* True when the session was ended to go back, by the person of this view. */
bool ending_goes_back(const struct scene *scene);

/* Appends the last lines: session, state, outcome, how to come back. Plain text, safe to show. */
void ending_tell(const struct scene *scene, int64_t session, enum ending ending, struct buf *out);

#endif
