/* steps.h - private to session/: what comes next in the session, decided from the folded state. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WALK_STEPS_H
#define SESSION_WALK_STEPS_H

#include "session/walk/engine.h"

/* Decides from the model what comes next and does it: enters, asks, runs, ends. Idempotent. */
void steps_advance(struct engine *engine);

/* Ends the session. */
void steps_close(struct engine *engine, const char *outcome, const char *reason);

#endif
