/* session.h - one walk through a runbook and the process that carries it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WALK_SESSION_H
#define SESSION_WALK_SESSION_H

#include "base/err.h"
#include "base/json.h"
#include "session/walk/inner.h"

#include <stdbool.h>
#include <stdint.h>

struct session_options {
	const char *journal;		/* path of the journal */
	const char *runbook;		/* path of the runbook file (a new session) */
	const char *fleet;		/* path of the fleet file, NULL = none */
	const struct json *params;	/* object of given parameters, texts; or NULL */
	int64_t resume;			/* > 0: take over this session instead */
	const char *reason;		/* of a take-over, or NULL */
	const char *note;		/* written down at the beginning of a new session, or NULL */
	bool dry_run;
};

/* Loads the runbook and the fleet file, checks the given parameters and the roles, and says in words what is wrong. Starts nothing, writes nothing. */
int session_check(const struct session_options *options, struct err *e);

/* Starts the process that carries the session: detached from the terminal (setsid), it outlives the caller. Blocks until it is ready for views: *session is its number. The child never returns. */
int session_launch(const struct session_options *options, int64_t *session, struct err *e);

/* words: journal, session, step, function, and what happened. A process of its own writes that into the journal once this one, which carried the session, is gone, and takes the session up
 * again: it goes on, and the function that did not end has failed. Returns an exit status at once. */
int session_stuck_main(char **words);

#endif
