/* ssh_kept.h - what `ssh -G` said of a host, kept in a file until something that it was made of changes. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_SSH_SSH_KEPT_H
#define ACTIONS_SSH_SSH_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * An `ssh -G` costs more than all the rest of a connection, and says the same each time while the
 * files that it read stay as they are. `ssh -vvv -G` names them (ssh(1); OpenSSH 9.2, readconf.c):
 * what depends on nothing else is kept in $XDG_CACHE_HOME/bellbook/ssh (else ~/.cache), a file a
 * host, for this account alone; removing it loses nothing. Not kept: what a Match asks a program
 * or the network for (exec, localnetwork), what DNS canonicalizes, what holds ${VARIABLES}, an Include with a pattern in
 * a folder's name, an ssh that is a script, and whatever changed less than two seconds before.
 */

/*
 * Appends what is kept for the host under that -F file (NULL = the usual ones). False, out as it
 * was, when there is nothing, or something that it depends on is not as it was. Reads a few small
 * files; waits for nothing.
 */
bool ssh_kept_get(const char *host, const char *file, struct buf *out);

/*
 * Keeps the output of `ssh -vvv -G`, begun at that wall time (µs), if it may be kept: words is what
 * it said on stderr. Whatever goes wrong, nothing is kept. Writes a small file.
 */
void ssh_kept_put(const char *host, const char *file, const struct buf *out,
		  const struct buf *words, int64_t began_us);

/* Takes the lines that -vvv adds out of what ssh said, so that its own words remain. */
void ssh_kept_strip(struct buf *words);

#endif
