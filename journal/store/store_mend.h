/* store_mend.h - private to the store: how it goes on after an fsync that failed. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_STORE_STORE_MEND_H
#define JOURNAL_STORE_STORE_MEND_H

#include "journal/store/store_int.h"

#include <stdbool.h>
#include <stddef.h>

/* After a failed fsync: opens the journal anew, looks whether all that was told is there, and moves the
 * log into the file. -1: why it cannot go on; may be called again. */
int store_mend(struct store *store, struct err *e);

/* The commit that failed was found in the journal: fills in its events, which the caller gives first
 * when it tries again; *there is how many. The lock is held. */
int store_take_revived(struct store *store, struct event *events, size_t n, size_t *there, struct err *e);

/* Closes a writer's connection and opens the same file again, never a new one; checked as store_open does. */
int store_reopen(struct store *store, struct err *e);

/* As store_checkpoint, the lock held; *all when nothing is left in the log. */
int store_checkpoint_locked(struct store *store, bool truncate, bool *all, struct err *e);

#endif
