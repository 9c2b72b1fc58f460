/* guests.h - private to session/: people who watch for a time, by invitation. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_PEOPLE_GUESTS_H
#define SESSION_PEOPLE_GUESTS_H

#include "session/people/pairing.h"

#include <stdbool.h>
#include <stdint.h>

/* invite, dismiss. */
void guests_invite(struct engine *engine, struct client *client, const struct json *intent);
void guests_dismiss(struct engine *engine, struct client *client, const struct json *intent);

/* Until when that account is invited (wall clock), 0 = it is not. */
int64_t guests_until(const struct engine *engine, const char *who);

/* Folds invited and dismissed. */
void guests_stored(struct engine *engine, const struct event *ev, const struct json *data);

/* A guest's view came: its time runs. */
void guests_watch(struct engine *engine, struct client *client, int64_t until_us);

/* True when the fleet file lists people and this account is not among them. */
bool guests_only(const struct engine *engine, const char *who);

/* Frees the list. */
void guests_free(struct pairing *pairing);

#endif
