/* people.h - private to session/: who is attached, who drives, and what each may do. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_PEOPLE_PEOPLE_H
#define SESSION_PEOPLE_PEOPLE_H

#include "session/walk/engine.h"
#include "session/people/server.h"

/* What the server calls for views. Static. */
const struct server_hooks *people_hooks(void);

/* Acts on a stored event that people wait for, or that is an order in a note: a command is stopped, or the session is. */
void people_stored(struct engine *engine, const struct event *ev, const struct json *data);

#endif
