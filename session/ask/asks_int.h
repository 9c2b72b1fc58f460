/* asks_int.h - private to session/ask/asks.c and the files that decide its answers about people. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_ASK_ASKS_INT_H
#define SESSION_ASK_ASKS_INT_H

#include "base/day.h"
#include "session/ask/asks.h"
#include "session/walk/engine.h"

/* An answer being taken in: the batch holds what is stored with it. */
struct reply {
	struct engine *engine;
	struct client *client;
	const struct json *intent;
	const struct model_ask *ask;
	const struct model_step *step;
	struct batch batch;
	char due[DAY_TEXT];	/* of an answer that defers, as a date; "" = none */
};

#endif
