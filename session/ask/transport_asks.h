/* transport_asks.h - private to session/: what a connection asks (trust this key? which password?), on its way to a person and back. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_ASK_TRANSPORT_ASKS_H
#define SESSION_ASK_TRANSPORT_ASKS_H

#include "session/walk/engine.h"

#include <stdbool.h>
#include <stdint.h>

/* A question of a call's connection; of is hostkey or secret. Returns the key that its asked event carries as data.ask; borrowed until the question is over. */
const char *transport_ask_new(struct engine *engine, uint64_t call, int64_t number, const char *of);

/* Keeps an answer to the question with that seq until answered is stored; only then is it sent. False when no connection waits for it. */
bool transport_ask_answer(struct engine *engine, int64_t seq, const char *value);

/* Nobody waits for that call's questions any more: they are withdrawn, those whose asked is still to be stored as soon as it is. */
void transport_ask_withdraw(struct engine *engine, uint64_t call, const char *reason);

/* Acts on a stored asked or answered. */
void transport_ask_stored(struct engine *engine, const struct event *ev, const struct json *data);

/* Wipes and frees all of them. */
void transport_ask_free(struct engine *engine);

#endif
