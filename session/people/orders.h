/* orders.h - private to session/: what a person orders at once (a command is stopped, or the session is): stored first, then done. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_PEOPLE_ORDERS_H
#define SESSION_PEOPLE_ORDERS_H

#include "base/json.h"
#include "session/people/server.h"
#include "session/walk/engine.h"

#include <stdbool.h>

/* The intents cancel and abort. Reply. */
void orders_cancel(struct engine *engine, struct client *client, const struct json *intent);
void orders_abort(struct engine *engine, struct client *client, const struct json *intent);

/* Orders that a command is stopped, or (detour) that all of the detour that it belongs to is ended, as the intent of that view says. Replies. */
void orders_stop(struct engine *engine, struct client *client, const struct json *intent, const struct record *record, bool detour);

/* Does what a stored note orders, if it is an order; data is the note's. */
void orders_stored(struct engine *engine, const struct event *ev, const struct json *data);

#endif
