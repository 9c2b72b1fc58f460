/* foresee.h - private to session/: looking at a step before anybody has said go: its check, and what its function would do. It has bounds, and ends where time would have to pass. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WALK_FORESEE_H
#define SESSION_WALK_FORESEE_H

#include "actions/worker/action.h"
#include "session/walk/engine.h"

#include <stdbool.h>

/* What a call would do, as a question lists it: what action_entry says, and host, exact (for a shell), and a digest of all its arguments. Caller owns. */
struct json *foresee_entry(const struct action *action, const char *host, const struct json *args);

/* True while the running task only looks ahead. */
bool foresee_looks(const struct engine *engine);

/* A task of that part begins: a look ahead gets its time and its counts. */
void foresee_begin(struct engine *engine);

/* A call that the running task wants: true when a look ahead has answered it, or has ended there; false when it is to be made. */
bool foresee_wants(struct engine *engine, const char *path, const char *name, const char *host, const struct json *args);

/* Ends the look ahead; why is told in the question (NULL = nothing is). What it wanted from hosts is cancelled. */
void foresee_stop(struct engine *engine, const char *why);

/* After a turn of Lua that is not at its end: ends a look ahead that has computed too much. */
void foresee_turn(struct engine *engine);

/* Bytes that a host sent for the running task: ends a look ahead that has read too much. */
void foresee_output(struct engine *engine, size_t len);

/* True when the look met something that is known only when the step runs, and could not go on behind it. */
bool foresee_cut(const struct engine *engine);

/* Forgets the time limit of the look. */
void foresee_end(struct engine *engine);

#endif
