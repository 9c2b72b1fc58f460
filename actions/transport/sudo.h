/* sudo.h - how a host lets a call become its `as` user: known by trying, the password asked once and kept in memory; private to job code. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_TRANSPORT_SUDO_H
#define ACTIONS_TRANSPORT_SUDO_H

#include "actions/worker/call.h"
#include "base/err.h"

#include <stdbool.h>

enum sudo_way {
	SUDO_PLAIN,	/* sudo, which does not ask */
	SUDO_PASSWORD,	/* sudo, with a password on its stdin */
	SUDO_SU,	/* we are root there, and sudo is missing or refuses: su */
	SUDO_DIRECT,	/* we are that user's equal: root, without any sudo */
};

struct sudo {
	enum sudo_way way;
	char *password;		/* owned; wiped by sudo_done; only with SUDO_PASSWORD */
};

/* What is tried as that user, without a single quote: status 124 = it ran; 123 = it ran, and cannot start any program (noexec). */
#define SUDO_TRY "(exec id) >/dev/null 2>&1; [ $? != 126 ] || exit 123; exit 124"

struct sudo_known;	/* what was found out over a connection; kept in its link */

/* Finds out how the call's `as` user is reached, once for each connection, and gets the password where sudo wants one: from memory,
 * else (may_ask) from a person. Without `as`, or with `sudo_password`, there is nothing to find out. Blocks in call_wait; a person's
 * time does not count. ERR_USAGE in words: it cannot be run; ERR_IO … as run_framed. */
int sudo_prepare(struct call *call, bool may_ask, struct sudo *sudo, struct err *e);

/* Wipes and frees what sudo_prepare gave. */
void sudo_done(struct sudo *sudo);

/* sudo refused what it had allowed: it is asked anew next time. */
void sudo_forget(struct call *call);

/* Frees what a link knows. NULL is fine. */
void sudo_known_free(struct sudo_known *known);

#endif
