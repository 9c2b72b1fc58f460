/* masks.h - private to session/: what of an event secrets are replaced in, and comparing what was masked with what was not. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_SECRET_MASKS_H
#define SESSION_SECRET_MASKS_H

#include "base/json.h"
#include "base/secret.h"
#include "journal/event/event.h"

#include <stdbool.h>

/* Data of an event with its secrets replaced: in texts those of text, in values those of value, in words, keys and numbers none.
 * NULL = nothing was replaced. Caller owns. */
char *masks_data(const struct redactor *text, const struct redactor *value, enum event_kind kind, const char *data);

/* Deep equality of what was stored and what is now; a mask in a stored text stands for any text. */
bool masks_same(const struct json *stored, const struct json *now);

#endif
