/* here.h - private to session/: who is attached, and what their views are told of it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_PEOPLE_HERE_H
#define SESSION_PEOPLE_HERE_H

#include "base/json.h"
#include "session/people/server.h"
#include "session/walk/engine.h"

#include <stdint.h>
#include <sys/types.h>

/* Account of the driver when a view of it is attached, else NULL. Borrowed. */
const char *here_driver(const struct engine *engine);

/* Views of one account: to bellbook they are one person. */
int64_t here_views(const struct engine *engine, uid_t uid);

/* Gives a view another role and tells it. */
void here_role(struct engine *engine, struct client *client, const char *role);

/* Who a view is, for joined, left and presence. Caller owns. */
struct json *here_person(const struct client *client);

/* Tells every view who is here: at once, or soon, but not more often than anybody can read. */
void here_tell(struct engine *engine);
void here_tell_soon(struct engine *engine);

/* Tells every view who drives, and since when nobody does. */
void here_tell_wheel(struct engine *engine);

/* Tells a view what the session knows of its person. */
void here_tell_you(struct engine *engine, struct client *client);

#endif
