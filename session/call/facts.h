/* facts.h - private to session/: what an action made durable in the middle of a call, from the worker into the journal and back when the call is settled. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_CALL_FACTS_H
#define SESSION_CALL_FACTS_H

#include "base/json.h"

#include <stdint.h>

struct fact_wait;

/* Of one call; all zero at first. */
struct facts {
	struct json *list;		/* owned: those that are stored and count, NULL = none */
	struct fact_wait *waits;	/* owned: those that are queued, and the worker's number of each */
	int64_t count;			/* of all, also of those that do not count any more */
};

/* The data of call.fact, for a fact that the worker tells and which waits to be stored; number is the worker's. Caller owns. */
struct json *facts_add(struct facts *facts, int64_t number, const struct json *fact);

/* That is stored: it is remembered. Gives the worker's number of it, 0 when no worker waits for that any more. */
int64_t facts_stored(struct facts *facts, const struct json *data);

/* What was told so far does not count: the call is begun anew. */
void facts_void(struct facts *facts);

/* The worker that waited for answers is gone. */
void facts_lost(struct facts *facts);

/* Frees. */
void facts_done(struct facts *facts);

#endif
