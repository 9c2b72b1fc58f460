/* place.h - where a journal's companions live: run directory, sockets, session leases. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_PLACE_H
#define JOURNAL_PLACE_H

#include "base/err.h"
#include "base/proc.h"

#include <stdbool.h>
#include <stdint.h>

/* Path of the journal: given (may be NULL), else $BELLBOOK_JOURNAL, else $XDG_STATE_HOME/bellbook/journal.db, else ~/.local/state/bellbook/journal.db; makes the directory (0700) for the defaults. Caller owns. NULL with *e. */
char *place_journal(const char *given, struct err *e);

/* The run directory "<journal>.run", made with the journal directory's group and mode (0700, or 2770 when the journal directory is setgid); ERR_DENIED with words when its owner or mode is unsafe. Caller owns the path. */
char *place_run_dir(const char *journal, struct err *e);

/* 0 when this user may join the sessions of the journal and the run directory is safe (or not there yet), else ERR_DENIED: why, and what lets a team in. Makes nothing. */
int place_check(const char *journal, struct err *e);

/* Listening Unix socket of a session "<run>/<session>.sock" (a stale one is replaced; works for long paths; non-blocking, close-on-exec; mode 0600 or 0660 as the directory says). fd or -1. Call only with the lease held. */
int place_listen(const char *journal, int64_t session, struct err *e);

/* Connects to it: fd (blocking, close-on-exec) or -1; ERR_NOTFOUND when nobody listens, ERR_DENIED as place_check. */
int place_connect(const char *journal, int64_t session, struct err *e);

/* Removes the socket file. */
void place_unlisten(const char *journal, int64_t session);

/* Lease: a session is carried by one process at a time. Held by a lock of the open file "<run>/<session>.lease" (F_OFD_SETLK), so it ends with the process whatever kills it; take it after the last fork that does not exec. */
struct lease;

/* Takes the lease without waiting. NULL with ERR_DENIED and words (pid, since when, whose) when another live process holds it; *holder (may be NULL) is filled when known. The lease file then names us. */
struct lease *lease_take(const char *journal, int64_t session, struct proc_id *holder, struct err *e);

/* Gives it back. NULL is fine. */
void lease_drop(struct lease *lease);

/* True when a live process holds it now. */
bool lease_is_held(const char *journal, int64_t session);

#endif
