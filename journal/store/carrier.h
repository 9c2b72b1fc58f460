/* carrier.h - which process carries a session, as the journal knows it: lease files can be removed, events cannot. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_STORE_CARRIER_H
#define JOURNAL_STORE_CARRIER_H

#include "base/err.h"
#include "base/proc.h"
#include "base/time.h"
#include "journal/store/store.h"

#include <stdint.h>

/* 1 when the process that opened or resumed the session last still lives (*who, may be NULL), 0 when
 * it does not, or runs where we cannot see it; -1 when the journal cannot be read. */
int carrier_lives(struct store *store, int64_t session, struct proc_id *who, struct err *e);

#define CARRIER_WAIT_US (5 * TIME_SECOND)

/* Asked by whoever would join a session, take it over or write to it. 1 when a process carries it, as its lease says; 0 when none does that can be seen
 * from here. When the journal knows of a process that lives, and its lease is gone, blocks until the process has made it anew or has ended, CARRIER_WAIT_US at most:
 * -1 ERR_DENIED then, with words: which process, what to do. -1 also when the journal cannot be read. */
int carrier_await(const char *journal, int64_t session, struct err *e);

#endif
