/* secrets.h - private to session/: where the values of secrets come from when a call needs them. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_SECRETS_H
#define SESSION_SECRETS_H

#include "base/err.h"
#include "base/json.h"
#include "session/engine.h"

#include <stdbool.h>

/* Every secret named in args known? If not, gets them (file, env, command, question) and returns false; calls_release comes when they are. */
bool secrets_ready(struct engine *engine, const struct json *args);

/* True when every secret named in args has a value already; gets and asks nothing. */
bool secrets_known(const struct engine *engine, const struct json *args);

/* A value typed for a secret question. -1 with words when it cannot be one. */
int secrets_take(struct engine *engine, const char *name, const char *value, struct err *e);

/* Name of a secret in args that neither the fleet file nor a parameter knows, NULL when there is none. Borrowed from args. */
const char *secrets_unknown(const struct engine *engine, const struct json *args);

/* Wipes and frees all values. */
void secrets_free(struct engine *engine);

#endif
