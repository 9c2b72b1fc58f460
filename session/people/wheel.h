/* wheel.h - private to session/: who drives, and how that passes to another person. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_PEOPLE_WHEEL_H
#define SESSION_PEOPLE_WHEEL_H

#include "base/json.h"
#include "session/people/server.h"
#include "session/walk/engine.h"

struct reply;		/* an answer being taken in: asks_int.h */

/* Gives the wheel to an account. how: given, accepted, "no answer" … */
void wheel_pass(struct engine *engine, const char *to, const char *who, const char *how, const char *why);

/* wheel.passed is stored: the views get their roles. */
void wheel_stored(struct engine *engine, const char *to);

/* take, give. */
void wheel_intent(struct engine *engine, struct client *client, const struct json *intent);

/* Why this person may not answer the question about the wheel, NULL = may. And what the answer does. */
const char *wheel_problem(const struct reply *reply);
void wheel_answered(struct reply *reply);

/* The last view of an account went. */
void wheel_gone(struct engine *engine, const char *who);

#endif
