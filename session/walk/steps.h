/* steps.h - private to session/: what comes next in the session, decided from the folded state; begins and ends steps. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WALK_STEPS_H
#define SESSION_WALK_STEPS_H

#include "journal/model/model.h"
#include "session/walk/engine.h"

#include <stddef.h>

/* Decides from the model what comes next and does it: enters, asks, runs, ends. Idempotent. */
void steps_advance(struct engine *engine);

/* Ends the present step. state as in step.ended; reason may be NULL. */
void steps_end(struct engine *engine, const char *state, const char *reason);

/* Model's entry of the step being worked on, or NULL. */
struct model_step *steps_current(struct engine *engine, size_t *index);

/* Adds the events that begin attempt n of a step to a batch (part: "run" or "undo"). */
void steps_begin(struct engine *engine, struct batch *batch, const struct model_step *step, const char *part);

/* A person goes back to a step that was left out. */
struct steps_back {
	const char *who, *why;	/* borrowed; why NULL = not said */
};

/* Adds to a batch that a step is next, and forgets what was looked at before another one; back NULL: its turn has come. */
void steps_enter(struct engine *engine, struct batch *batch, const struct model_step *step, const struct steps_back *back);

/* A person's answer to a question of the runbook ends the session, and the step under way is no failure. */
void steps_stop(struct engine *engine, const char *why);

/* Ends the session. */
void steps_close(struct engine *engine, const char *outcome, const char *reason);

/* Ends the running task, if any. */
void steps_drop_task(struct engine *engine);

#endif
