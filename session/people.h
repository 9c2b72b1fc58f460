/* people.h - private to session/: who is attached, who drives, and what each may do. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_PEOPLE_H
#define SESSION_PEOPLE_H

#include "session/engine.h"
#include "session/server.h"

/* What the server calls for views. Static. */
const struct server_hooks *people_hooks(void);

/* Gives a view another role and tells it. */
void people_role(struct engine *engine, struct client *client, const char *role);

/* Tells every view who is here. */
void people_presence(struct engine *engine);

#endif
