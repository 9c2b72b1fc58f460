/* enter.h - private to session/: a person goes back to a step that was skipped or put off. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WALK_ENTER_H
#define SESSION_WALK_ENTER_H

#include "session/walk/engine.h"
#include "session/people/server.h"

/* The intent enter: that step is next, and asked about as usual. Refused with words while a step is under way, and for a step that was neither skipped nor put off. */
void enter_intent(struct engine *engine, struct client *client, const struct json *intent);

#endif
