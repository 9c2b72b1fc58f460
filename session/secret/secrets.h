/* secrets.h - private to session/: where the values of secrets come from, and when. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_SECRET_SECRETS_H
#define SESSION_SECRET_SECRETS_H

#include "base/err.h"
#include "base/json.h"
#include "session/walk/engine.h"

#include <stdbool.h>

/* Registers what needs nobody: secrets in the environment, which are taken out of it, and in files. For the runbook and fleet that are loaded; before the session's commands begin. */
void secrets_start(struct engine *engine);

/* The worker is there: it gets what is known, and the journal is told how far each is masked, once a session. */
void secrets_started(struct engine *engine);

/* Adds to a worker's configuration which variables its commands must not have. */
void secrets_hide(const struct engine *engine, struct json *config);

/* The entry of that name, made when there is none. Borrowed. */
struct known_secret *secrets_entry(struct engine *engine, const char *name);

/* True when what Lua saw before this process can be told again: the value of each secret that is an ordinary word is known. If not, gets them as secrets_ready does. */
bool secrets_words_ready(struct engine *engine);

/* Every secret named in args known? If not, gets them (file, env, command, question) and returns false; calls_release comes when they are. */
bool secrets_ready(struct engine *engine, const struct json *args);

/* True when every secret named in args has a value already; gets and asks nothing. */
bool secrets_known(const struct engine *engine, const struct json *args);

/* A value typed for a secret question. -1 with words when it cannot be one. */
int secrets_take(struct engine *engine, const char *name, const char *value, struct err *e);

/* Name of a secret in args that neither the fleet file nor a parameter knows, NULL when there is none. Borrowed from args. */
const char *secrets_unknown(const struct engine *engine, const struct json *args);

/* Words for that: which there are, and how a runbook reaches them. Caller owns. */
char *secrets_unknown_words(const struct engine *engine, const char *name);

/* Wipes and frees all values. */
void secrets_free(struct engine *engine);

#endif
