/* keep.h - lease and socket of the session that this process carries: taken, looked at while it runs, made anew when somebody removed them. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_STORE_KEEP_H
#define JOURNAL_STORE_KEEP_H

#include "base/err.h"
#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

/* How often a carrier looks at its lease and socket, also when it has nothing to store. */
#define KEEP_US (TIME_SECOND / 2)

struct keep;

/* Takes the lease of a session; errors as lease_take. journal is copied. Caller owns. */
struct keep *keep_take(const char *journal, int64_t session, struct err *e);

/* Its listening socket, as place_listen: fd (caller owns) or -1. */
int keep_listen(struct keep *keep, struct err *e);

/* What keep_look did. */
struct keep_news {
	bool anew;	/* lease, run directory or socket had to be made anew or put right */
	int fd;		/* the new listening socket (caller owns), -1 = the old one is good */
};

/* Looks at run directory, lease and socket, and makes anew or puts right what is not as we made it. 0, or -1 with words (what is so, what
 * to do) when that cannot be done now, or another process holds the lease (keep_is_taken). Some system calls on files; does not wait. */
int keep_look(struct keep *keep, struct keep_news *news, struct err *e);

/* False when the lease file was removed, or is another one: it may be that of a process that took the session over and lost it again. */
bool keep_is_named(const struct keep *keep);

/* True when another process was found to hold the lease: ours is over for good. */
bool keep_is_taken(const struct keep *keep);

/* Removes the socket file if it is still ours, gives the lease back. NULL is fine. */
void keep_drop(struct keep *keep);

#endif
