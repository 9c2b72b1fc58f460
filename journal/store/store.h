/* store.h - the journal file: append-only events in SQLite, hash-chained; the only way in and out of it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_STORE_STORE_H
#define JOURNAL_STORE_STORE_H

#include "base/err.h"
#include "journal/event/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

enum store_mode {
	STORE_READ,	/* never changes the file */
	STORE_WRITE,	/* creates the file (0660 & directory's group, ballast beside it) when it is not there */
};

/* Opens a journal. ERR_NOTFOUND (read, no file), ERR_CORRUPT (not a journal, damaged, cut short, for a writer also store_is_cut: words say which; file untouched), ERR_USAGE (newer schema; network file system),
 * ERR_DENIED, ERR_FULL, ERR_IO. Blocks for disk. Caller owns. Open after fork only. */
struct store *store_open(const char *path, enum store_mode mode, struct err *e);

/* Closes; no checkpoint. NULL is fine. */
void store_close(struct store *store);

/* Appends n events in one transaction, fills in seq, session, at_us, mono_us, v, digest, hash of each. FULL when one of them is DURABLE_NOTE or _DECISION. On return 0 they are as durable as
 * their kind says. On -1 nothing was stored: ERR_FULL (disk), ERR_IO, ERR_CORRUPT, ERR_NOTFOUND (the file, or its log, is not the one that was opened), ERR_DENIED (store_carry; another writer is stopped while it has the lock). After an fsync that failed the next call opens the file anew, and goes on when all that was told is there: give it the same events first. A session 0 means the session.opened before it in the same call (events of the journal itself, journal.gap payload.purged anchored, may stay without). Payload is stored as is; an empty one is none. Blocks for disk, and for other writers (flock). */
int store_append(struct store *store, struct event *events, size_t n, struct err *e);

/* Looks whether the journal, its log and its shared memory are still the files that this process opened, and mends what store_append would mend. 0 when all is well,
 * 1 when the log had been removed and all it held is in the journal again, -1 with words (ERR_NOTFOUND: moved, deleted or replaced; else as store_append):
 * nothing can be stored now. Blocks for disk only when it mends. */
int store_look(struct store *store, struct err *e);

/* This process carries a session whose events it knows up to known (0 = a new one, which session.opened names). From now on store_append refuses
 * what belongs to it (ERR_DENIED with words, nothing stored) when another process has taken it over: when it finds a session.resumed that is not
 * ours, or before our own first append anything that we do not know. */
void store_carry(struct store *store, int64_t session, int64_t known);

/* True when store_append, or this call itself, found that another process has taken the session over. */
bool store_is_taken(struct store *store);

/* Checkpoints the WAL when it has grown over 4 MiB (or always with truncate), under the same lock as writes. */
int store_checkpoint(struct store *store, bool truncate, struct err *e);

/* True when the journal is known to have held more, or something else: the lock file beside it, and the ballast, remember the last
 * event that was synced. *why (ERR_CORRUPT) then says what is missing. Readers go on, with these words; a writer is not opened. A copy
 * without both is not known to be cut. Blocks for disk. */
bool store_is_cut(struct store *store, struct err *why);

/* Words for a person who meets that: where to look, and how to go on without. path is the journal's. Caller owns. */
char *store_cut_advice(const char *path);

/* True when a reader found that the indexes of the journal are damaged, and read the rows themselves: what it gave is whole. *why says
 * what is damaged. A writer gets ERR_CORRUPT in that place. */
bool store_was_unindexed(const struct store *store, struct err *why);

/* seq of the last event, 0 when empty, -1 on error. */
int64_t store_head(struct store *store, struct err *e);

/* Which events: of one session (0 = of all), seq > after, at most limit (0 = no limit). */
struct store_range {
	int64_t session, after, limit;
};

/* Calls fn for each event of the range, in order; the event is valid during the call. fn may use the store. fn returns false to stop early.
 * None is left out: -1 on a damaged row, a missing one (ERR_CORRUPT names the seq), for a writer also when the indexes of a session are damaged. */
typedef bool store_event_fn(void *arg, const struct event *ev);
int store_each(struct store *store, struct store_range range, store_event_fn *fn, void *arg, struct err *e);

/* As store_each, only without output events (kind < EVENT_OUTPUT_FIRST): fast on long sessions. session 0 = of all sessions: reads every event behind after. */
int store_each_marker(struct store *store, int64_t session, int64_t after, store_event_fn *fn, void *arg, struct err *e);

/* The session.resumed events of a session alone, in order; as store_each. */
int store_each_resumed(struct store *store, int64_t session, store_event_fn *fn, void *arg, struct err *e);

/* Which call: its identity in the journal. Strings borrowed for the call; NULL = "". */
struct store_call {
	int64_t session;
	const char *step;
	int attempt;
	const char *path;
};

/* Output events of one call, in order; as store_each. */
int store_each_output(struct store *store, const struct store_call *call, store_event_fn *fn, void *arg, struct err *e);

#define STORE_BACK 16	/* events that store_each_before gives at most */

/* Backwards from the event before `before`, STORE_BACK events at most: the output events of that call, or with path NULL all events of its session. Else as store_each. */
int store_each_before(struct store *store, const struct store_call *call, int64_t before, store_event_fn *fn, void *arg, struct err *e);

/* Hash of the event with that seq. ERR_NOTFOUND when the journal does not reach so far. */
int store_hash_at(struct store *store, int64_t seq, unsigned char hash[SHA256_LEN], struct err *e);

/* One line of `bellbook sessions`. Strings valid during the callback. */
struct store_session {
	int64_t session;
	int64_t opened_us;
	int64_t last_us;		/* time of its last event */
	int64_t closed_us;		/* 0 = not closed */
	const char *who;
	const char *opened;		/* data of session.opened */
	const char *closed;		/* data of session.closed or NULL */
};
typedef bool store_session_fn(void *arg, const struct store_session *row);

/* Newest first; at most limit (0 = all); only_open = not closed. */
int store_sessions(struct store *store, bool only_open, int64_t limit, store_session_fn *fn, void *arg, struct err *e);

/* Random identity of this journal, hex, from its meta table; borrowed. Part of every job name on hosts. */
const char *store_id(const struct store *store);

/* Borrowed path. */
const char *store_path(const struct store *store);

/* Free bytes of the file system now; -1 when unknown. */
int64_t store_space(const struct store *store);

/* Deletes the ballast file beside the journal, so that closing records fit on a full disk; true when there was one. store_ballast_restore makes it again (ERR_FULL when it still cannot). */
bool store_ballast_drop(struct store *store);
int store_ballast_restore(struct store *store, struct err *e);

/* Result of a check of the whole journal. */
struct verify_report {
	int64_t events;		/* read */
	int64_t bad_seq;	/* first bad event, 0 = none */
	int64_t payloads;	/* checked */
	int64_t purged;		/* missing with an event that says so */
	char head[65];		/* hash of the last event, hex */
	char text[252];		/* what is wrong with bad_seq, or "" */
	bool cut;		/* bad_seq is missing at the end, or replaced: see store_is_cut */
};

/* Recomputes every hash and digest and checks that seq has no gap, and that it reaches as far as the lock file or the ballast remembers; without both, a chain that is cut at the end or rewritten wholly cannot be seen. 0 also when bad_seq is set; -1 when it cannot be read. Read-only. */
int store_verify(const char *path, struct verify_report *report, struct err *e);

#endif
