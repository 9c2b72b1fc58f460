/* stuck.h - private to session/: a runbook's function that stayed inside one C function of Lua took the session's process with it; the next one goes on without it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WATCH_STUCK_H
#define SESSION_WATCH_STUCK_H

#include "session/walk/engine.h"

/* From now on this process, should it stay there, has another come behind it: session_stuck_main. The session has its number by then. */
void stuck_arm(struct engine *engine);

/* Frees. */
void stuck_done(struct engine *engine);

/* Folds a stored event: a note that says so is remembered until its step has ended, or until the runbook is another. */
void stuck_told(struct engine *engine, const struct event *ev, const struct json *data);

/* Forgets all of them: the runbook was changed. */
void stuck_forget(struct engine *engine);

/* The words when that function of the step took the last process with it in the present attempt: then it is not run but has failed. Said once, of a meter each time. Caller owns; NULL = run it. */
char *stuck_take(struct engine *engine, size_t step, enum script_fn fn);

#endif
