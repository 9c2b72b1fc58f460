/* detour.h - private to session/: what a person does on a host by hand, between the steps: a shell, or a command on one or several hosts. Recorded, never replayed. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_CALL_DETOUR_H
#define SESSION_CALL_DETOUR_H

#include "base/json.h"
#include "session/walk/engine.h"

#include <stdbool.h>

/* The intents detour, detour.input, detour.size, detour.end; false when it is another. */
bool detour_intent(struct engine *engine, struct client *client, const struct json *intent);

/* Tells every view the hosts there are: {"hosts": [name, …]}. */
void detour_tell_hosts(struct engine *engine);

/* Somebody came or went: a shell without a driver is ended after a while. */
void detour_people(struct engine *engine);

/* What a person ordered and what is stored: the detour that is open ends, by who, why (may be NULL). */
void detour_end(struct engine *engine, const char *who, const char *why);

/* True while a detour is open, which keeps the session from closing; end = it is asked to end. */
bool detour_holds(struct engine *engine, bool end);

/* True when the record is a shell: it cannot be settled. */
bool detour_is_shell(const struct record *record);

/* The worker, or a process before this one, was lost with the record's shell: tells its end, unknown. */
void detour_lost(struct engine *engine, struct record *record);

/* A command of a detour was settled as never started, or as unknown: tells its end; nobody starts it again by itself. */
void detour_settled(struct engine *engine, struct record *record, const char *how);

/* The worker has told the record's end, which is written down next. Gives why a detour that was stopped was stopped, error otherwise. Borrowed. */
const char *detour_ending(struct engine *engine, const struct record *record, const char *outcome, const char *error);

/* Frees what is kept about detours. */
void detour_done(struct engine *engine);

#endif
