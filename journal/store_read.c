/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/store_int.h"

#include <limits.h>
#include <string.h>

#include "base/mem.h"


enum query { ALL, SESSION, MARKER, OUTPUT, MARKERS, LAST, LAST_OUTPUT };

/* ?1 after, ?2 rows of one page, ?3 session, ?4 step, ?5 attempt, ?6 call. The predicates of partial indexes are repeated literally:
 * SQLite does not infer "kind < 100" from anything else. */
const char *const store_read_sql[] = {
	[ALL] = "SELECT " STORE_COLUMNS " FROM event e LEFT JOIN payload p ON p.seq = e.seq WHERE e.seq > ?1 ORDER BY e.seq LIMIT ?2",
	[SESSION] = "SELECT " STORE_COLUMNS " FROM event e INDEXED BY event_session LEFT JOIN payload p ON p.seq = e.seq"
		" WHERE e.session = ?3 AND e.seq > ?1 ORDER BY e.seq LIMIT ?2",
	[MARKER] = "SELECT " STORE_COLUMNS " FROM event e INDEXED BY event_marker LEFT JOIN payload p ON p.seq = e.seq"
		" WHERE e.session = ?3 AND e.kind < 100 AND e.seq > ?1 ORDER BY e.seq LIMIT ?2",
	[OUTPUT] = "SELECT " STORE_COLUMNS " FROM event e INDEXED BY event_output LEFT JOIN payload p ON p.seq = e.seq"
		" WHERE e.session = ?3 AND e.step = ?4 AND e.attempt = ?5 AND e.call = ?6 AND e.kind >= 100 AND e.seq > ?1"
		" ORDER BY e.seq LIMIT ?2",
	/* of all sessions: a walk along the events from ?1 on, which those who follow the journal do once */
	[MARKERS] = "SELECT " STORE_COLUMNS " FROM event e LEFT JOIN payload p ON p.seq = e.seq WHERE e.seq > ?1 AND e.kind < 100"
		" ORDER BY e.seq LIMIT ?2",
	/* backwards from ?1 */
	[LAST] = "SELECT " STORE_COLUMNS " FROM event e INDEXED BY event_session LEFT JOIN payload p ON p.seq = e.seq"
		" WHERE e.session = ?3 AND e.seq < ?1 ORDER BY e.seq DESC LIMIT ?2",
	[LAST_OUTPUT] = "SELECT " STORE_COLUMNS " FROM event e INDEXED BY event_output LEFT JOIN payload p ON p.seq = e.seq"
		" WHERE e.session = ?3 AND e.step = ?4 AND e.attempt = ?5 AND e.call = ?6 AND e.kind >= 100 AND e.seq < ?1"
		" ORDER BY e.seq DESC LIMIT ?2",
	NULL,
};

struct reading {
	enum query query;
	int64_t session;
	const char *step, *call;
	int attempt;
	int64_t after;		/* moves on with every event */
	int64_t left;		/* events still wanted; INT64_MAX = all */
	int64_t page;		/* how many are read at once; 0 = STORE_PAGE_EVENTS */
	store_event_fn *fn;
	void *arg;
};

static int damaged(struct store *store, int64_t seq, const char *what, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "%s is damaged: event %lld %s", store->path, (long long)seq, what);
}

static const char *column_text(sqlite3_stmt *stmt, int at)
{
	const unsigned char *text = sqlite3_column_text(stmt, at);

	return text ? (const char *)text : "";
}

/* The payload behind the event's columns; salt, length and digest must fit. */
static int read_payload(struct store *store, sqlite3_stmt *stmt, struct event *ev, struct err *e)
{
	unsigned char digest[SHA256_LEN];
	bool has = sqlite3_column_bytes(stmt, 12) == SHA256_LEN;

	if (sqlite3_column_type(stmt, 14) == SQLITE_NULL) {
		ev->purged = has;
		return 0;
	}
	ev->len = (size_t)sqlite3_column_bytes(stmt, 17);
	ev->bytes = sqlite3_column_blob(stmt, 17);
	if (!has)
		return damaged(store, ev->seq, "has a payload that it does not name", e);
	if (sqlite3_column_int(stmt, 14) != 0)
		return err_set(e, ERR_USAGE, "event %lld: its payload is coded (%d) in a way that this bellbook does not know", (long long)ev->seq,
			sqlite3_column_int(stmt, 14));
	if (sqlite3_column_int64(stmt, 15) != (sqlite3_int64)ev->len || sqlite3_column_bytes(stmt, 16) != 16)
		return damaged(store, ev->seq, "has a payload of another length than it says", e);
	store_digest(store, sqlite3_column_blob(stmt, 16), ev->bytes, ev->len, digest);
	if (memcmp(digest, ev->digest, SHA256_LEN) != 0)
		return damaged(store, ev->seq, "has a payload that was changed", e);
	return 0;
}

int store_row(struct store *store, sqlite3_stmt *stmt, struct event *ev, struct err *e)
{
	int digest_len = sqlite3_column_bytes(stmt, 12);

	*ev = (struct event){
		.seq = sqlite3_column_int64(stmt, 0), .session = sqlite3_column_int64(stmt, 1),
		.at_us = sqlite3_column_int64(stmt, 2), .mono_us = sqlite3_column_int64(stmt, 3),
		.kind_number = sqlite3_column_int(stmt, 4), .v = sqlite3_column_int(stmt, 5),
		.who = column_text(stmt, 6), .step = column_text(stmt, 7), .attempt = sqlite3_column_int(stmt, 8),
		.call = column_text(stmt, 9), .host = column_text(stmt, 10), .data = column_text(stmt, 11),
	};
	ev->kind = event_type_of((enum event_kind)ev->kind_number)->kind;
	if ((digest_len != 0 && digest_len != SHA256_LEN) || sqlite3_column_bytes(stmt, 13) != SHA256_LEN)
		return damaged(store, ev->seq, "has a hash of a wrong length", e);
	if (digest_len)
		memcpy(ev->digest, sqlite3_column_blob(stmt, 12), SHA256_LEN);
	memcpy(ev->hash, sqlite3_column_blob(stmt, 13), SHA256_LEN);
	return read_payload(store, stmt, ev, e);
}

static void bind(sqlite3_stmt *stmt, const struct reading *reading, int64_t rows)
{
	sqlite3_bind_int64(stmt, 1, reading->after);
	sqlite3_bind_int64(stmt, 2, rows);
	if (reading->query != ALL && reading->query != MARKERS)
		sqlite3_bind_int64(stmt, 3, reading->session);
	if (reading->query != OUTPUT && reading->query != LAST_OUTPUT)
		return;
	sqlite3_bind_text(stmt, 4, reading->step ? reading->step : "", -1, SQLITE_STATIC);
	sqlite3_bind_int(stmt, 5, reading->attempt);
	sqlite3_bind_text(stmt, 6, reading->call ? reading->call : "", -1, SQLITE_STATIC);
}

/* One page in memory. */
struct page {
	struct arena *arena;
	struct event *events;	/* in the arena */
	int64_t n;
	bool whole;		/* all rows that were asked for; else it ended early for its size, or with an error */
	int rc;			/* -1: *e says what is wrong behind the last event */
};

static void load_rows(struct store *store, sqlite3_stmt *stmt, struct page *page, struct err *e)
{
	size_t bytes = 0;
	struct event ev;
	int code;

	while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (store_row(store, stmt, &ev, e) < 0) {
			page->rc = -1;
			return;
		}
		event_copy(page->arena, &page->events[page->n++], &ev);
		bytes += ev.len;
		if (bytes > STORE_PAGE_BYTES)
			return;
	}
	page->whole = code == SQLITE_DONE;
	if (!page->whole)
		page->rc = store_sql_err(sqlite3_db_handle(stmt), e, "reading events");
}

/* Reads again until nothing came between. */
static int load_page(struct store *store, const struct reading *reading, int64_t rows, struct page *page, struct err *e)
{
	do {
		sqlite3_stmt *stmt;

		arena_reset(page->arena);
		*page = (struct page){ .arena = page->arena, .events = arena_alloc(page->arena, (size_t)rows * sizeof(struct event)) };
		err_clear(e);
		if (store_fresh(store, e) < 0)
			return -1;
		stmt = store_prepare(store->db, store_read_sql[reading->query], e);
		if (stmt) {
			bind(stmt, reading, rows);
			load_rows(store, stmt, page, e);
		} else {
			page->rc = -1;
		}
		sqlite3_finalize(stmt);
	} while (!store_settled(store));
	return 0;
}

/* 1 = there may be more, 0 = that was all or fn has enough, -1. */
static int read_page(struct store *store, struct reading *reading, struct page *page, struct err *e)
{
	int64_t most = reading->page ? reading->page : STORE_PAGE_EVENTS, rows = reading->left < most ? reading->left : most;

	if (load_page(store, reading, rows, page, e) < 0)
		return -1;
	for (int64_t i = 0; i < page->n; i++) {
		reading->after = page->events[i].seq;
		if (!reading->fn(reading->arg, &page->events[i]))
			return 0;
	}
	if (page->rc < 0)
		return -1;
	reading->left -= reading->left == INT64_MAX ? 0 : page->n;
	return reading->left > 0 && (!page->whole || page->n == rows);
}

/* fn may read and append on the same store: nothing is open while it runs. */
static int read_pages(struct store *store, struct reading *reading, struct err *e)
{
	struct page page = { .arena = arena_new() };
	int rc;

	do
		rc = read_page(store, reading, &page, e);
	while (rc > 0);
	arena_free(page.arena);
	return rc;
}

int store_each(struct store *store, struct store_range range, store_event_fn *fn, void *arg, struct err *e)
{
	struct reading reading = {
		.query = range.session ? SESSION : ALL, .session = range.session, .after = range.after,
		.left = range.limit > 0 ? range.limit : INT64_MAX, .fn = fn, .arg = arg,
	};

	return read_pages(store, &reading, e);
}

int store_each_marker(struct store *store, int64_t session, int64_t after, store_event_fn *fn, void *arg, struct err *e)
{
	struct reading reading = { .query = session ? MARKER : MARKERS, .session = session, .after = after, .left = INT64_MAX, .fn = fn, .arg = arg };

	return read_pages(store, &reading, e);
}

int store_each_before(struct store *store, const struct store_call *call, int64_t before, store_event_fn *fn, void *arg, struct err *e)
{
	struct reading reading = {
		.query = call->path ? LAST_OUTPUT : LAST, .session = call->session, .step = call->step, .attempt = call->attempt, .call = call->path,
		.after = before, .left = STORE_BACK, .page = 1, .fn = fn, .arg = arg,	/* mostly the first one is enough */
	};

	return read_pages(store, &reading, e);
}

int store_each_output(struct store *store, const struct store_call *call, store_event_fn *fn, void *arg, struct err *e)
{
	struct reading reading = {
		.query = OUTPUT, .session = call->session, .step = call->step, .attempt = call->attempt, .call = call->path, .left = INT64_MAX,
		.fn = fn, .arg = arg,
	};

	return read_pages(store, &reading, e);
}
