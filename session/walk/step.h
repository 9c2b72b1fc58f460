/* step.h - private to session/: the step being worked on, and the events with which steps are entered, begun and ended. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WALK_STEP_H
#define SESSION_WALK_STEP_H

#include "journal/model/model.h"
#include "session/walk/engine.h"

#include <stddef.h>

/* Model's entry of the step being worked on, or NULL. */
struct model_step *step_current(struct engine *engine, size_t *index);

/* Ends the present step. state as in step.ended; reason may be NULL. */
void step_end(struct engine *engine, const char *state, const char *reason);

/* Adds the events that begin attempt n of a step to a batch (part: "run" or "undo"). */
void step_begin(struct engine *engine, struct batch *batch, const struct model_step *step, const char *part);

/* A person goes back to a step that was left out. */
struct step_back {
	const char *who, *why;	/* borrowed; why NULL = not said */
};

/* Adds to a batch that a step is next, and forgets what was looked at before another one; back NULL: its turn has come. */
void step_enter(struct engine *engine, struct batch *batch, const struct model_step *step, const struct step_back *back);

#endif
