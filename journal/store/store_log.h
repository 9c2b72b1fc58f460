/* store_log.h - private to the store: what a writer has open as log and shared memory is what their names lead to. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_STORE_STORE_LOG_H
#define JOURNAL_STORE_STORE_LOG_H

#include "journal/store/store_int.h"

#include <stdbool.h>

/* Before the journal is opened: a -shm that is not a whole number of SQLite's regions was cut, and is removed; who has it open
 * makes it anew then, too. -1 with words when it cannot be. A writer has the lock; a reader takes it when it sees one. Blocks for milliseconds. */
int store_log_clear_index(struct store *store, struct err *e);

/* True when the index that is mapped does not tell of all frames that it has by its header: it was cut, and made longer again. Whoever
 * believes it reads what was true earlier. Blocks for milliseconds when it seems so. */
bool store_log_index_lacks(const struct store *store);

/* Of a reader that has such a one mapped: it is removed, as store_log_clear_index does. Takes the lock. */
int store_log_drop_index(struct store *store, struct err *e);

/* Remembers both, of a writer that has just opened them. -1 when they are not there. The lock is held. */
int store_log_remember(struct store *store, struct err *e);

/* Forgets them, when the connection is let go of. */
void store_log_forget(struct store *store);

/* 0, or -1 with words when one of them was removed, replaced or cut: the store is broken then, until store_mend. The lock is held. */
int store_log_check(struct store *store, struct err *e);

/* What store_log_check does when the index is found cut: -1. */
int store_log_cut_index(struct store *store, struct err *e);

/* As store_log_check without the lock; changes nothing and may say false while another process writes. */
bool store_log_is_well(const struct store *store);

/* As store_log_check; takes the lock when something seems to be wrong. */
int store_log_look(struct store *store, struct err *e);

/* What only the removed log holds is moved into the file, through the connection that still has it open. -1: why it
 * cannot be now; nothing is lost then as long as this process lives. Takes the lock; blocks for disk. */
int store_log_save(struct store *store, struct err *e);

#endif
