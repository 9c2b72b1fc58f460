/* outside.h - the site is asked from outside while the session works on it: begun by a call of the runbook, carried on by each process of the session, told as outside.* events. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WATCH_OUTSIDE_H
#define SESSION_WATCH_OUTSIDE_H

#include "session/walk/engine.h"

/* A call has ended well (live, or read from the journal): what begins or ends such asking (enum action_watch) is remembered. */
void outside_called(struct engine *engine, const struct record *record);

/* Begins, goes on or ends as the records and the model say. From steps_advance, as often as it likes. */
void outside_advance(struct engine *engine);

/* The walk is over: asks no more. Its last counts may still be under way: then outside_is_busy, and calls_close_now comes when they are there. */
void outside_close(struct engine *engine);
bool outside_is_busy(const struct engine *engine);

/* What the worker says of the call with that number; false when it is another's. */
bool outside_progress(struct engine *engine, uint64_t call, const struct json *progress);
bool outside_ended(struct engine *engine, uint64_t call, const char *outcome, const char *error);

/* The worker was lost. */
void outside_lost(struct engine *engine);

/* Frees. */
void outside_done(struct engine *engine);

#endif
