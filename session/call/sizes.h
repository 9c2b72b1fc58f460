/* sizes.h - private to session/: how large a remark or a question of a runbook may be. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_CALL_SIZES_H
#define SESSION_CALL_SIZES_H

#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>

/* True when a value is small enough to be kept in a variable; else *e says its size and the limit. */
bool sizes_fit(const struct json *value, struct err *e);

/* Words why a note, warning, lesson or question is too large, with its size and the limit; NULL = it is not, or is none. Caller owns. */
char *sizes_problem(const char *name, const struct json *args);

/* Text, or its beginning with words when it is longer than what is said in one go. Caller owns. NULL gives NULL. */
char *sizes_cut(const char *text);

#endif
