/* health.h - what can be said of a journal's place and file without writing to it; for `bellbook doctor`. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_STORE_HEALTH_H
#define JOURNAL_STORE_HEALTH_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct health {
	const char *sqlite;	/* version, static */
	bool wal_bug;		/* it can lose commits when two processes checkpoint at once: bellbook never does, other tools may */
	bool exists;
	int64_t size;		/* bytes of the file */
	int64_t space;		/* free bytes where it lies, -1 = unknown */
	int64_t ballast;	/* bytes of the ballast file, 0 = none */
	bool busy;		/* somebody has held its lock for two seconds */
};

/* Looks at path and what lies beside it. Blocks for disk, and up to two seconds for the lock. */
void health_look(const char *path, struct health *health);

/* Opens it for reading and checks its structure and the last events of its chain. 0, or -1 as store_open. Blocks for disk. */
int health_check(const char *path, struct err *e);

/* True when it is known to have held more: *why as store_is_cut. False too when it cannot be opened, which others say. Blocks for disk. */
bool health_is_cut(const char *path, struct err *why);

/* True when the indexes are damaged so that this session is read by its rows: whole, but slowly in a large journal. *why says what is
 * damaged. Blocks for disk. */
bool health_is_unindexed(const char *path, int64_t session, struct err *why);

#endif
