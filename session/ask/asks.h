/* asks.h - private to session/: questions to people, and what an answer makes happen. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_ASK_ASKS_H
#define SESSION_ASK_ASKS_H

#include "base/json.h"
#include "journal/model/model.h"
#include "session/walk/engine.h"

#include <stdbool.h>
#include <stdint.h>

/* An asked event: data (taken) needs of, text, type. */
void asks_add(struct engine *engine, const char *step, int attempt, const char *call, const char *host, struct json *data);

/* Data of an asked event with the usual members. Caller owns. */
struct json *asks_data(const char *of, const char *text, const char *type);

/* One more choice of a question; label and help may be NULL, why = it needs a reason. */
void asks_choice(struct json *data, const char *value, const char *label, const char *help, bool why);

/* Appends that a file of the runbook was changed since it was loaded, and what runs all the same; nothing when none was. */
void asks_changed_words(const struct engine *engine, struct buf *out);

/* The questions of the step machine. */
void asks_before(struct engine *engine, const struct model_step *step);	/* it begins: as its kind wants it */
void asks_failure(struct engine *engine, const struct model_step *step);
void asks_param(struct engine *engine, const struct script_param *param, const char *problem);

/* True when the step's own check said that it is done, and no later step needs what only its run gives. */
bool asks_is_already(const struct engine *engine, const struct model_step *step);

/* True when a question of that kind (of) is open; of NULL = any. */
bool asks_open(const struct engine *engine, const char *of);

/* What the runbook says of the choice with which its own question was answered, when that ends the session; NULL = it goes on. Borrowed. */
const char *asks_stop_words(const struct record *record);

/* An answer intent of a view. */
void asks_answer(struct engine *engine, struct client *client, const struct json *intent);

/* Acts on stored asked, answered, withdrawn. */
void asks_stored(struct engine *engine, const struct event *ev);

/* Withdraws an open question. */
void asks_withdraw(struct engine *engine, int64_t seq, const char *reason);

#endif
