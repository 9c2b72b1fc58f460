/* store_carry.h - private to the store: one process writes a session, as the journal itself knows. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_STORE_STORE_CARRY_H
#define JOURNAL_STORE_STORE_CARRY_H

#include "journal/store/store_int.h"

#include <stdbool.h>
#include <stddef.h>

/* Inside the transaction, before events are stored: -1 ERR_DENIED when the session that this process
 * carries was taken over and one of them belongs to it. */
int store_carry_check(struct store *store, const struct event *events, size_t n, struct err *e);

/* They are stored. */
void store_carry_stored(struct store *store, const struct event *events, size_t n);

#endif
