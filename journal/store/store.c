/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How the journal is kept
 * =======================
 *
 * The journal is one SQLite file. What it must survive decides everything here: a process that is killed at any instant, a power
 * cut, a full disk, several sessions that write at once, a reader on a machine that is already broken, and a person who edits it.
 *
 * One lock for all writes and all checkpoints.  SQLite 3.40.1 (Debian 12) loses commits when one connection restarts the write-ahead
 * log while another checkpoints it (fixed upstream in 3.51.3; reproduced, see the notes on the journal). SQLite's own locks do not
 * prevent it. So every transaction and every checkpoint of every process happens under flock(2) on "<journal>-lock",
 * wal_autocheckpoint is 0, and closing never checkpoints (NO_CKPT_ON_CLOSE). The flock is held for one short BEGIN IMMEDIATE ..
 * COMMIT and never across anything else: buffering output is the caller's work, a transaction is never left open to gather more.
 *
 * Durability by class.  A transaction with a decision or a note in it commits with synchronous=FULL: when store_append returns, the
 * bytes were fsynced, and with them all that was written before, because it is the same log. A transaction of output alone commits
 * with synchronous=NORMAL: it survives the death of the process, a power cut may take the last of it, never an older part.
 * That an event is stored does not mean that its sender heard so: killed between fsync and return, the event is there. So a
 * call.begun without call.ended says "unknown", never "not done".
 *
 * Gapless and chained.  seq counts 1, 2, 3 … over the whole file; a trigger refuses anything else, which also closes the hole that
 * INSERT OR REPLACE leaves beside triggers against UPDATE and DELETE. hash = SHA-256("bb1e" || previous hash || row), see
 * event_hash; the payload enters by its salted digest, so that it can be purged later (after a payload.purged event) and the
 * chain still holds. It is tamper-evident, not tamper-proof: who can write the file can cut its end or rewrite all of it, and only a
 * hash kept elsewhere shows that. The authorizer denies this program itself everything but SELECT and INSERT.
 *
 * Before anything is touched, the first 100 bytes are read through SQLite's own descriptor (a descriptor of ours, once closed,
 * would drop the POSIX locks of the whole process): no journal, a newer one, a cut one is refused with its bytes as they were.
 *
 * Readers never change anything.  A plain read-only open of a WAL database makes or rewrites -shm, and fails on a full disk or a
 * read-only one. So a reader asks first whether a writer lives (each holds a lock on a byte of "<journal>-lock") and what is there:
 *	a writer	  SQLite's shared memory, as SQLite means it
 *	none, a -wal	  no locks, index of the log in memory (unix-none, locking_mode=EXCLUSIVE)
 *	none, no -wal	  immutable: an export, or a copy that was checkpointed
 * In the last two a writer may come and overwrite what is being read. So every read goes into memory first, in pages of some hundred
 * events; then the reader looks whether a writer lives or the files changed, and if so throws the page away, opens again and repeats
 * it. Callers get rows only after that, with no transaction open, so that a slow view never stops a checkpoint either.
 * SQLite's own readonly_shm is no way: a process maps -shm once, so a reader would make it read-only for a writer in the same process.
 *
 * Large values.  What a command reads on stdin, a long list that a step gives: data longer than LIMIT_APART is kept as the event's
 * payload, with STORE_DATA_APART in its place. So it enters the hash like any payload and can be purged like one, and whoever reads
 * rows gets it back as data. Events of older journals have all of it in data; they are read as ever.
 *
 * A log that is gone.  Without its -wal the file is a good one that ends earlier. Each synced commit leaves a mark in the lock
 * file, which no one deletes with the log: store_mark.c. A writer that finds less than the mark says refuses, a reader says so.
 *
 * A log that was removed while in use is still open here: store_log.c moves it into the file and goes on. A file or a log that was
 * cut while in use stops all that is stored, until its bytes are back.
 *
 * Damage.  Indexes are believed only where two of them agree: store_map.c for the events of a session, store_sessions.c for the
 * sessions. What is walked along the table is counted. A reader then takes the rows themselves, a writer refuses.
 *
 * A failed fsync.  Nobody knows then what the disk holds, and asking again proves nothing: the kernel forgets what it could not
 * write. store_mend.c opens the file anew, compares it with what was told, moves all of the log into the file and goes on.
 *
 * A full disk.  SQLITE_FULL rolls the transaction back and store_append says ERR_FULL; nothing of it was stored. The ballast beside
 * the journal ("<journal>-ballast", 32 MiB) is dropped by the session so that its closing records fit.
 */
#include "journal/store/store_int.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/store/store_carry.h"
#include "journal/store/store_log.h"
#include "journal/store/store_mark.h"
#include "journal/store/store_mend.h"

static const char insert_event[] = "INSERT INTO event(seq, session, at_us, mono_us, kind, v, who, step, attempt, call, host, data, digest, hash)"
	" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
static const char insert_payload[] = "INSERT INTO payload(seq, codec, length, salt, bytes) VALUES(?1, 0, ?2, ?3, ?4)";
static const char select_head[] = "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1";

void store_digest(struct store *store, const void *salt, const void *bytes, size_t len, unsigned char out[SHA256_LEN])
{
	sha256_add(store->sha, "bb1p", 4);
	sha256_add(store->sha, salt, 16);
	sha256_add(store->sha, bytes, len);
	sha256_end(store->sha, out);
}

static int read_head(struct store *store, sqlite3_stmt *stmt, int64_t *seq, unsigned char hash[SHA256_LEN], struct err *e)
{
	int code = sqlite3_step(stmt), rc = 0;

	*seq = 0;
	memset(hash, 0, SHA256_LEN);
	if (code == SQLITE_ROW && sqlite3_column_bytes(stmt, 1) == SHA256_LEN) {
		*seq = sqlite3_column_int64(stmt, 0);
		memcpy(hash, sqlite3_column_blob(stmt, 1), SHA256_LEN);
	} else if (code == SQLITE_ROW) {
		rc = err_set(e, ERR_CORRUPT, "%s is damaged: its last event has no hash", store->path);
	} else if (code != SQLITE_DONE) {
		rc = store_sql_err(store->db, e, "reading the last event");
	}
	sqlite3_reset(stmt);
	return rc;
}

int store_head_row(struct store *store, int64_t *seq, unsigned char hash[SHA256_LEN], struct err *e)
{
	int rc;

	do {
		sqlite3_stmt *stmt;

		rc = -1;
		if (store_fresh(store, e) < 0)
			return -1;
		stmt = store_prepare(store->db, select_head, e);
		if (stmt)
			rc = read_head(store, stmt, seq, hash, e);
		sqlite3_finalize(stmt);
	} while (!store_settled(store));
	return rc;
}

int64_t store_head(struct store *store, struct err *e)
{
	unsigned char hash[SHA256_LEN];
	int64_t seq;

	return store_head_row(store, &seq, hash, e) < 0 ? -1 : seq;
}

/* --- appending --- */

static int prepare_writer(struct store *store, struct err *e)
{
	if (store->event_stmt)
		return 0;
	if (!store->head_stmt)
		store->head_stmt = store_prepare(store->db, select_head, e);
	if (store->head_stmt && !store->payload_stmt)
		store->payload_stmt = store_prepare(store->db, insert_payload, e);
	if (store->payload_stmt)
		store->event_stmt = store_prepare(store->db, insert_event, e);
	return store->event_stmt ? 0 : -1;
}

/* Text as it will be stored: never NULL, always UTF-8. */
static const char *clean(struct arena *arena, const char *text)
{
	struct buf out = { 0 };
	const char *kept;

	if (!text)
		return "";
	if (utf8_valid(text, strlen(text)))
		return text;
	utf8_scrub(&out, text, strlen(text));
	kept = arena_dup(arena, buf_text(&out), out.len);
	buf_done(&out);
	return kept;
}

/* data with sorted keys and no blanks, so that an export can be hashed again. */
static const char *clean_data(struct arena *arena, const char *text, struct err *e)
{
	struct json *value;
	const char *kept = NULL;
	char *printed;

	if (!text || !*text || str_is(text, "{}"))
		return "{}";
	if (strlen(text) > LIMIT_DATA) {
		err_set(e, ERR_USAGE, "event: data of %zu bytes is too long", strlen(text));
		return NULL;
	}
	value = json_parse(text, strlen(text), e);
	if (!value) {
		err_wrap(e, "event: data");
		e->kind = ERR_USAGE;
		return NULL;
	}
	if (json_type_of(value) == JSON_IS_OBJECT) {
		printed = json_print(value);
		kept = arena_dup(arena, printed, strlen(printed));
		mem_free(printed);
	} else {
		err_set(e, ERR_USAGE, "event: data is no JSON object");
	}
	json_free(value);
	return kept;
}

static bool belongs_to_journal(enum event_kind kind)
{
	return kind == EVENT_JOURNAL_GAP || kind == EVENT_PAYLOAD_PURGED || kind == EVENT_ANCHORED;
}

/* Fills in what the caller left open. *opened is the session.opened of this batch, 0 when there was none yet. */
static int complete(struct event *ev, int64_t *opened, struct err *e)
{
	const struct event_type *type = event_type_of(ev->kind);

	if (ev->kind == EVENT_UNKNOWN || type->kind == EVENT_UNKNOWN)
		return err_set(e, ERR_USAGE, "event: kind %d is none that can be written", (int)ev->kind);
	if (ev->kind == EVENT_SESSION_OPENED) {
		if (ev->session && ev->session != ev->seq)
			return err_set(e, ERR_USAGE, "event: session.opened numbers its session itself");
		ev->session = *opened = ev->seq;
	}
	if (!ev->session)
		ev->session = *opened;
	if (!ev->session && !belongs_to_journal(ev->kind))
		return err_set(e, ERR_USAGE, "event: %s without a session", type->name);
	if (ev->len > LIMIT_PAYLOAD)
		return err_set(e, ERR_USAGE, "event: %zu bytes in one payload are too many", ev->len);
	ev->kind_number = (int)ev->kind;
	ev->v = ev->v ? ev->v : type->v;
	ev->at_us = ev->at_us ? ev->at_us : time_wall_us();
	ev->mono_us = ev->mono_us ? ev->mono_us : time_mono_us();
	ev->purged = false;
	memset(ev->digest, 0, SHA256_LEN);
	return 0;
}

static int step_done(struct store *store, sqlite3_stmt *stmt, struct err *e, const char *doing)
{
	int rc = sqlite3_step(stmt) == SQLITE_DONE ? 0 : store_sql_err(store->db, e, doing);

	sqlite3_reset(stmt);
	return rc;
}

static void bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

static int write_event(struct store *store, const struct event *ev, struct err *e)
{
	sqlite3_stmt *stmt = store->event_stmt;

	sqlite3_bind_int64(stmt, 1, ev->seq);
	sqlite3_bind_int64(stmt, 2, ev->session);
	sqlite3_bind_int64(stmt, 3, ev->at_us);
	sqlite3_bind_int64(stmt, 4, ev->mono_us);
	sqlite3_bind_int(stmt, 5, ev->kind_number);
	sqlite3_bind_int(stmt, 6, ev->v);
	bind_text(stmt, 7, ev->who);
	bind_text(stmt, 8, ev->step);
	sqlite3_bind_int(stmt, 9, ev->attempt);
	bind_text(stmt, 10, ev->call);
	bind_text(stmt, 11, ev->host);
	bind_text(stmt, 12, ev->data);
	sqlite3_bind_blob(stmt, 13, ev->digest, ev->len ? SHA256_LEN : 0, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 14, ev->hash, SHA256_LEN, SQLITE_STATIC);
	return step_done(store, stmt, e, "storing an event");
}

static int write_payload(struct store *store, const struct event *ev, const unsigned char salt[16], struct err *e)
{
	sqlite3_stmt *stmt = store->payload_stmt;

	sqlite3_bind_int64(stmt, 1, ev->seq);
	sqlite3_bind_int64(stmt, 2, (sqlite3_int64)ev->len);
	sqlite3_bind_blob(stmt, 3, salt, 16, SQLITE_STATIC);
	sqlite3_bind_blob64(stmt, 4, ev->bytes, ev->len, SQLITE_STATIC);
	return step_done(store, stmt, e, "storing a payload");
}

/* The rows that lists of sessions are made of are read without their payloads. */
static bool is_listed(enum event_kind kind)
{
	return kind == EVENT_SESSION_OPENED || kind == EVENT_SESSION_RESUMED || kind == EVENT_SESSION_CLOSED;
}

static void put_apart(struct event *row)
{
	if (row->len || strlen(row->data) <= LIMIT_APART || is_listed(row->kind))
		return;
	row->bytes = row->data;
	row->len = strlen(row->data);
	row->data = STORE_DATA_APART;
}

/* One event behind previous; previous becomes its hash. */
static int append_one(struct store *store, struct arena *arena, struct event *ev, unsigned char previous[SHA256_LEN], struct err *e)
{
	unsigned char salt[16];
	struct event row;

	if (!ev->bytes)
		ev->len = 0;
	row = *ev;
	row.who = clean(arena, ev->who);
	row.step = clean(arena, ev->step);
	row.call = clean(arena, ev->call);
	row.host = clean(arena, ev->host);
	row.data = clean_data(arena, ev->data, e);
	if (!row.data)
		return -1;
	put_apart(&row);
	if (row.len) {
		random_bytes(salt, sizeof(salt));
		store_digest(store, salt, row.bytes, row.len, row.digest);
	}
	event_hash(&row, previous, row.hash);
	if (write_event(store, &row, e) < 0 || (row.len && write_payload(store, &row, salt, e) < 0))
		return -1;
	memcpy(ev->digest, row.digest, SHA256_LEN);
	memcpy(ev->hash, row.hash, SHA256_LEN);
	memcpy(previous, row.hash, SHA256_LEN);
	return 0;
}

static int append_all(struct store *store, struct event *events, size_t n, struct err *e)
{
	unsigned char previous[SHA256_LEN];
	struct arena *arena;
	int64_t head, opened = 0;
	int rc = 0;

	if (read_head(store, store->head_stmt, &head, previous, e) < 0)
		return -1;
	if (head < store->told)		/* it was cut, and made longer again, since it was looked at */
		return store_log_cut_index(store, e);
	arena = arena_new();
	for (size_t i = 0; i < n && rc == 0; i++) {
		events[i].seq = head + 1 + (int64_t)i;
		rc = complete(&events[i], &opened, e);
		if (rc == 0)
			rc = append_one(store, arena, &events[i], previous, e);
	}
	arena_free(arena);
	return rc;
}

static int set_synchronous(struct store *store, bool full, struct err *e)
{
	if (store->full == full)
		return 0;
	if (store_exec(store->db, full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", e) < 0)
		return -1;
	store->full = full;
	return 0;
}

static void roll_back(struct store *store)
{
	/* After a failed fsync nobody knows what the disk holds; going on would hide it: store_mend. */
	if (sqlite3_extended_errcode(store->db) == SQLITE_IOERR_FSYNC)
		store->broken = true;
	if (!sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

/* All that the index tells of is in the file behind it. One that was cut meanwhile may have told of nothing, and SQLite would forget the
 * log for it: then it is made anew from the log, by store_mend. */
static int checkpoint_once(struct store *store, int how, bool *all, struct err *e)
{
	int in_log = -1, done = -1, code = sqlite3_wal_checkpoint_v2(store->db, "main", how, &in_log, &done);

	*all = false;
	if (code != SQLITE_OK && code != SQLITE_BUSY && code != SQLITE_LOCKED)	/* busy: a reader is in the way, later then */
		return store_sql_err(store->db, e, "moving the log into the journal");
	if (store_log_index_lacks(store))
		return store_log_cut_index(store, e);
	*all = in_log >= 0 && in_log == done;	/* both -1 where another connection is at it */
	return 0;
}

int store_checkpoint_locked(struct store *store, bool truncate, bool *all, struct err *e)
{
	if (checkpoint_once(store, truncate ? SQLITE_CHECKPOINT_FULL : SQLITE_CHECKPOINT_PASSIVE, all, e) < 0)
		return -1;
	/* it is emptied only when all of it is in the file for sure */
	if (truncate && *all && checkpoint_once(store, SQLITE_CHECKPOINT_TRUNCATE, all, e) < 0)
		return -1;
	if (*all)
		store->wal_pages = 0;
	return 0;
}

/* What a commit that fails may have left in the log is remembered: see store_mend.c. */
static int commit(struct store *store, const struct event *events, size_t n, struct err *e)
{
	store->doubt = events[0].seq;
	store->doubt_n = n;
	memcpy(store->doubt_hash, events[n - 1].hash, SHA256_LEN);
	return store_exec(store->db, "COMMIT", e);
}

/* From here on the caller may tell and act on them. */
static void told(struct store *store, const struct event *events, size_t n)
{
	store->doubt = 0;
	store->told = events[n - 1].seq;
	memcpy(store->told_hash, events[n - 1].hash, SHA256_LEN);
	store_carry_stored(store, events, n);
}

static int append_locked(struct store *store, struct event *events, size_t n, bool full, struct err *e)
{
	struct err ignored = { 0 };
	bool all;

	if (store_still_there(store, e) < 0 || store_log_check(store, e) < 0 || prepare_writer(store, e) < 0 || set_synchronous(store, full, e) < 0)
		return -1;
	if (store_exec(store->db, "BEGIN IMMEDIATE", e) < 0)
		return -1;
	if (store_carry_check(store, events, n, e) < 0 || append_all(store, events, n, e) < 0 || commit(store, events, n, e) < 0) {
		roll_back(store);
		return -1;
	}
	told(store, events, n);
	if (full)
		store_mark_write(store, &events[n - 1]);
	/* A net for callers that forget store_checkpoint; what was appended is safe whatever comes of it. */
	if (store->wal_pages > 4 * STORE_CKPT_PAGES)
		(void)store_checkpoint_locked(store, false, &all, &ignored);
	return 0;
}

int store_append(struct store *store, struct event *events, size_t n, struct err *e)
{
	struct event *before;
	size_t there = 0;
	bool full = false;
	int rc;

	assert(store->mode == STORE_WRITE && store->pid == getpid());
	if (n == 0)
		return 0;
	if (store->broken && store_mend(store, e) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		full = full || event_type_of(events[i].kind)->durability != DURABLE_OUTPUT;
	if (store_lock(store, e) < 0)
		return -1;
	before = mem_dup(events, n * sizeof(*events));
	rc = store_take_revived(store, events, n, &there, e);
	if (rc == 0 && there < n)
		rc = append_locked(store, events + there, n - there, full, e);
	store_unlock(store);
	if (rc < 0) {	/* the caller's events are what they were */
		memcpy(events, before, n * sizeof(*events));
	} else {
		store->revived = 0;
		store->revived_n = 0;
	}
	mem_free(before);
	return rc;
}

int store_look(struct store *store, struct err *e)
{
	bool gone;

	assert(store->mode == STORE_WRITE && store->pid == getpid());
	if (store_still_there(store, e) < 0)
		return -1;
	if (!store->broken && store_log_look(store, e) < 0 && !store->log_gone)
		return -1;
	if (!store->broken)
		return 0;
	gone = store->log_gone || store->cut;
	return store_mend(store, e) < 0 ? -1 : gone;
}

int store_checkpoint(struct store *store, bool truncate, struct err *e)
{
	bool all;
	int rc;

	assert(store->mode == STORE_WRITE && store->pid == getpid());
	if (!store->db || store->broken)
		return err_set(e, ERR_IO, "%s: an earlier write is not confirmed", store->path);
	if (!truncate && store->wal_pages < STORE_CKPT_PAGES)
		return 0;
	if (store_lock(store, e) < 0)
		return -1;
	rc = store_still_there(store, e) < 0 || store_log_check(store, e) < 0 ? -1 : store_checkpoint_locked(store, truncate, &all, e);
	store_unlock(store);
	return rc;
}
