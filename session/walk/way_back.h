/* way_back.h - the runbook that undoes this session's, as it is open now: which, and with what. It starts nothing. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WALK_WAY_BACK_H
#define SESSION_WALK_WAY_BACK_H

#include "session/walk/engine.h"

/* As session.closed carries it (docs/events.md). NULL while the runbook names none, a step that gives something it goes by has not, or in a dry run. Caller owns. */
struct json *way_back_now(const struct engine *engine);

/* One more choice of a question, while the way back is open. */
void way_back_choice(const struct engine *engine, struct json *data);

/* What the runbook says of it, for session.opened. NULL when it names none. Caller owns. */
struct json *way_back_named(const struct script_book *book);

/* Does the runbook that it names load, and have a parameter for each that it gets? -1 with words and the nearest name. 0 when none is named. */
int way_back_check(const struct script *script, struct err *e);

#endif
