/* approval.h - private to session/: a second person's agreement to what has no way back. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_PEOPLE_APPROVAL_H
#define SESSION_PEOPLE_APPROVAL_H

#include "base/json.h"
#include "journal/model/model.h"
#include "session/people/server.h"
#include "session/walk/engine.h"

#include <stdbool.h>

struct reply;		/* an answer being taken in: asks_int.h */

/* Asks for agreement to the next attempt of a step that was looked at; adds to the batch. */
void approval_ask(struct engine *engine, struct batch *batch, const struct model_step *step);

/* Why this person may not agree now, NULL = may. Caller owns. */
char *approval_problem(const struct reply *reply);

/* The answer agrees: what is added to its batch. */
void approval_answered(struct reply *reply);

/* True when what was agreed to is the next attempt of this step, still valid and still the same. Voids what is not. */
bool approval_stands(struct engine *engine, const struct model_step *step);

/* True when the session was paused because the second person is missing. */
bool approval_misses_navigator(struct engine *engine, const struct model_step *step);

/* A command that is about to begin. */
struct approval_command {
	const char *name, *host;	/* borrowed */
	const struct json *args;	/* borrowed */
	int again;			/* how often it is begun anew because a person said that it did not run; 0 = the first time */
};

/* True when a changing command of the running attempt is not in the list that was agreed to, or would run once more: it must wait, and agreement to it is asked for. */
bool approval_holds(struct engine *engine, const struct approval_command *command);

/* withdraw, disagree. */
void approval_withdraw(struct engine *engine, struct client *client, const struct json *intent);
void approval_disagree(struct engine *engine, struct client *client, const struct json *intent);

/* Ends what is asked for or agreed to, if anything is; who may be NULL (bellbook). */
void approval_void(struct engine *engine, const char *who, const char *reason);

/* Sets the timer for what is asked for or agreed to. */
void approval_watch(struct engine *engine);

/* The last view of an account went. */
void approval_gone(struct engine *engine, const struct client *client);

#endif
