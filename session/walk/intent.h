/* intent.h - what an intent may be before anybody looks at what it wants: its size and its depth. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WALK_INTENT_H
#define SESSION_WALK_INTENT_H

#include "base/json.h"

/* Words why an intent is too large to be told on, with the size and the limit; NULL = it is not. Caller owns. */
char *intent_problem(const struct json *intent);

/* What a refusal of such an intent may repeat of it: what it wanted, which question it named. Caller owns. */
struct json *intent_outline(const struct json *intent);

#endif
