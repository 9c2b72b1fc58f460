/* resume.h - private to session/: a session taken over from the journal, and its runbook compared with the one it began with. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WALK_RESUME_H
#define SESSION_WALK_RESUME_H

#include "base/err.h"
#include "base/json.h"
#include "session/walk/engine.h"

#include <stdbool.h>

/* Reads the session's events into model and records. */
int resume_load(struct engine *engine, struct err *e);

/* Compares the runbook with what the journal says it was; adds session.resumed and asks about each change. */
int resume_compare(struct engine *engine, const char *reason, struct err *e);

/* Data of session.opened / resumed. */
struct json *resume_opened_data(struct engine *engine, bool with_steps);

#endif
