/* doubt.h - private to session/: calls of which nobody knows how they ended, and what people say of them. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_ASK_DOUBT_H
#define SESSION_ASK_DOUBT_H

#include "base/json.h"
#include "session/walk/engine.h"

#include <stdbool.h>

struct reply;		/* an answer being taken in: asks_int.h */

/* Does the next thing about calls in doubt: tells that the step is, runs its check, asks, looks at the host, begins anew. step is the present one, NULL when all are over.
 * True while nothing else may begin; a step of which calls are in doubt goes on with the others. */
bool doubt_advance(struct engine *engine, const struct model_step *step);

/* True while the host of a call that changes something has another call in doubt (but for except, which may be NULL): it must wait for the answer. */
bool doubt_holds(const struct engine *engine, const struct record *except, const char *name, const char *host);

/* The step's own check, which a doubt waited for, has ended; words taken. */
void doubt_checked(struct engine *engine, char *words);

/* Why the answer to one of the questions asked here will not do, NULL = it will. Caller owns. */
char *doubt_problem(const struct reply *reply);

/* The answer: what is stored with it. */
void doubt_answered(struct reply *reply);

/* True when the question with that seq is one asked here and still waited for. */
bool doubt_waits(const struct engine *engine, int64_t seq);

/* Folds stored events into the records. A question, asked and closed: */
void doubt_asked(struct record *record, const struct event *ev, const struct json *data);
void doubt_closed(struct engine *engine, const struct event *ev, const struct json *data);

/* The call was looked up (words of the host), or has its end. */
void doubt_looked(struct record *record, bool unknown, const char *words);

/* The call is begun anew under another job. */
void doubt_rerun(struct record *record, const struct json *data);

#endif
