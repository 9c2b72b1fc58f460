/* place.h - where a journal's companions live: run directory, sockets, session leases. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_STORE_PLACE_H
#define JOURNAL_STORE_PLACE_H

#include "base/err.h"
#include "base/proc.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Path of the journal: given (may be NULL), else $BELLBOOK_JOURNAL, else $XDG_STATE_HOME/bellbook/journal.db, else ~/.local/state/bellbook/journal.db; makes the directory (0700) for the defaults. Caller owns. NULL with *e. */
char *place_journal(const char *given, struct err *e);

/* The run directory "<journal>.run", made with the journal directory's group and mode (0700, or 2770 when the journal directory is setgid); ERR_DENIED with words when its owner or mode is unsafe. Caller owns the path. */
char *place_run_dir(const char *journal, struct err *e);

/* The run directory that a running session rests on: made anew when it is gone, its mode put back to *mode when that was changed (then 1, else 0; *mode
 * is what it has now). -1 when that cannot be done, or the directory above is open to everybody: words say what to do. */
int place_run_keep(const char *run, mode_t *mode, struct err *e);

/* 0 when this user may join the sessions of the journal and the run directory is safe (or not there yet), else ERR_DENIED: why, and what lets a team in. Makes nothing. */
int place_check(const char *journal, struct err *e);

/* Listening Unix socket of a session "<run>/<session>.sock" (a stale one is replaced; works for long paths; non-blocking, close-on-exec; mode 0600 or 0660 as the directory says). fd or -1. Call only with the lease held. */
int place_listen(const char *journal, int64_t session, struct err *e);

/* Connects to it: fd (blocking, close-on-exec) or -1; ERR_NOTFOUND when nobody listens, ERR_DENIED as place_check. */
int place_connect(const char *journal, int64_t session, struct err *e);

/* A socket file, to be known again. Zero = none is known yet. */
struct place_socket {
	dev_t device;
	ino_t inode;
	mode_t mode;
};

/* 0 when the session's socket file is that one (or none was known: *at is filled), 1 when its mode was changed and is put right; -1 when it is gone, or another. */
int place_listening(const char *journal, int64_t session, struct place_socket *at);

/* Removes the socket file. */
void place_unlisten(const char *journal, int64_t session);

/* Lease: a session is carried by one process at a time. Held by a lock of the open file "<run>/<session>.lease" (F_OFD_SETLK), so it ends with the process whatever kills it; take it after the last fork that does not exec. */
struct lease;

/* Takes the lease without waiting. NULL with ERR_DENIED and words (pid, since when, whose) when another live process holds it; *holder (may be NULL) is filled when known. The lease file then names us. */
struct lease *lease_take(const char *journal, int64_t session, struct proc_id *holder, struct err *e);

/* Looks whether the lease file and the run directory are still ours, and makes anew what somebody removed or changed: 1 when something was, 0 when all was well.
 * -1 when that cannot be: words say why. Does not wait. */
int lease_keep(struct lease *lease, struct err *e);

/* True when the lease file is the one that we hold. */
bool lease_is_named(const struct lease *lease);

/* True when lease_keep found that another process holds the file: it stays so. */
bool lease_is_taken(const struct lease *lease);

/* Gives it back. NULL is fine. */
void lease_drop(struct lease *lease);

/* True when a live process holds it now. */
bool lease_is_held(const char *journal, int64_t session);

/* The process that holds it when that is stopped (SIGSTOP), 0 = it is not, or cannot be seen from here. */
pid_t lease_stopped(const char *journal, int64_t session);

#endif
