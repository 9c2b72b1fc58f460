/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/store/store_int.h"

#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "journal/store/store_map.h"
#include "journal/store/store_whole.h"

enum query { ONE, ALL, MARKERS, HEAD, COUNT, STATE };

/* ?1 after or the event, ?2 rows of one page or the last event. */
const char *const store_read_sql[] = {
	[ONE] = "SELECT " STORE_COLUMNS " FROM event e LEFT JOIN payload p ON p.seq = e.seq WHERE e.seq = ?1",
	[ALL] = "SELECT " STORE_COLUMNS " FROM event e LEFT JOIN payload p ON p.seq = e.seq WHERE e.seq > ?1 ORDER BY e.seq LIMIT ?2",
	/* of all sessions: a walk along the events from ?1 on, which those who follow the journal do once. Only what is surely output is passed over
	 * unread: a damaged kind is some other number. */
	[MARKERS] = "SELECT " STORE_COLUMNS " FROM event e LEFT JOIN payload p ON p.seq = e.seq WHERE e.seq > ?1 AND e.kind <> 100"
		" ORDER BY e.seq LIMIT ?2",
	[HEAD] = "SELECT max(seq) FROM event",
	[COUNT] = "SELECT count(*) FROM event NOT INDEXED WHERE seq > ?1 AND seq <= ?2",
	/* what lists of sessions are made of has this event */
	[STATE] = "SELECT count(*) FROM event INDEXED BY event_state WHERE kind = ?1 AND kind IN (1, 2, 3) AND session = ?2 AND seq = ?3",
	NULL,
};

struct reading {
	int64_t session;	/* 0 = all */
	struct store_map_part part;	/* of all: MAP_ALL or MAP_MARKER */
	bool back;
	int64_t after;		/* moves on with every event; back: they are before it */
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

/* One page in memory. */
struct page {
	struct arena *arena;
	struct event *events;	/* in the arena */
	int64_t n;
	size_t bytes;		/* in them */
	bool whole;		/* all rows that were asked for; else it ended early for its size, or with an error */
	int rc;			/* -1: *e says what is wrong behind the last event */
};

/* Large data stands in the payload: see store.c. Purged, it is what stands in its place. */
static void take_data(struct event *ev)
{
	if (!ev->bytes || !ev->data || strcmp(ev->data, STORE_DATA_APART) != 0)
		return;
	ev->data = ev->bytes;
	ev->bytes = NULL;
	ev->len = 0;
}

static int sql_number(struct store *store, enum query query, const int64_t values[3], int64_t *out, struct err *e)
{
	sqlite3_stmt *stmt = store_prepare(store->db, store_read_sql[query], e);
	int rc = -1;

	for (int i = 0; stmt && i < 3 && i < sqlite3_bind_parameter_count(stmt); i++)
		sqlite3_bind_int64(stmt, i + 1, values[i]);
	if (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
		*out = sqlite3_column_int64(stmt, 0);
		rc = 0;
	} else if (stmt) {
		store_sql_err(store->db, e, "counting events");
	}
	sqlite3_finalize(stmt);
	return rc;
}

/* A writer goes on only with a journal whose lists have what its sessions have. */
static int check_listed(struct store *store, const struct event *ev, struct err *e)
{
	int64_t there = 1;

	if (store->mode != STORE_WRITE || ev->kind_number > EVENT_SESSION_CLOSED)
		return 0;
	if (sql_number(store, STATE, (int64_t[]){ ev->kind_number, ev->session, ev->seq }, &there, e) < 0)
		return -1;
	return there == 1 ? 0 : damaged(store, ev->seq, "is missing in an index, and so in the list of sessions", e);
}

/* The row under the statement, checked, into the page. */
static int keep_row(struct store *store, sqlite3_stmt *stmt, struct store_links *links, struct page *page, struct err *e)
{
	struct event ev;

	if (store_row(store, stmt, &ev, e) < 0 || store_link(store, links, &ev, e) < 0 || check_listed(store, &ev, e) < 0)
		return -1;
	event_copy(page->arena, &page->events[page->n], &ev);
	take_data(&page->events[page->n]);
	page->bytes += ev.len + strlen(page->events[page->n].data);
	page->n++;
	return 0;
}

/* Of a session: each event that the map has, by its number. */
static int load_mapped(struct store *store, const struct reading *reading, int64_t rows, struct page *page, struct err *e)
{
	struct store_map *map = store_map_take(store, reading->session, e);
	sqlite3_stmt *stmt = map ? store_prepare(store->db, store_read_sql[ONE], e) : NULL;
	struct store_links links = { 0 };
	int64_t seq = reading->after;
	int rc = stmt ? 0 : -1;

	while (rc == 0 && page->n < rows && page->bytes <= STORE_PAGE_BYTES) {
		int code;

		seq = reading->back ? store_map_before(map, &reading->part, seq) : store_map_next(map, &reading->part, seq);
		if (!seq)
			break;
		sqlite3_bind_int64(stmt, 1, seq);
		code = sqlite3_step(stmt);
		if (code == SQLITE_ROW)
			rc = keep_row(store, stmt, &links, page, e);
		else
			rc = code == SQLITE_DONE ? damaged(store, seq, "is missing", e) : store_sql_err(store->db, e, "reading events");
		sqlite3_reset(stmt);
	}
	page->whole = !seq || page->n == rows;
	store_links_done(&links);
	sqlite3_finalize(stmt);
	return rc;
}

/* From behind after up to the page's last event, or the journal's: nothing between them was passed over. */
static int check_gapless(struct store *store, int64_t after, int64_t rows, const struct page *page, struct err *e)
{
	int64_t upto = page->n ? page->events[page->n - 1].seq : after, there = 0, head = 0;

	if (page->whole && page->n < rows) {
		if (sql_number(store, HEAD, (int64_t[]){ 0, 0, 0 }, &head, e) < 0)
			return -1;
		upto = head > upto ? head : upto;
	}
	if (upto <= after)
		return 0;
	if (sql_number(store, COUNT, (int64_t[]){ after, upto, 0 }, &there, e) < 0)
		return -1;
	return there == upto - after ? 0 : err_set(e, ERR_CORRUPT, "%s is damaged: of the events %lld to %lld only %lld can be found", store->path,
		(long long)after + 1, (long long)upto, (long long)there);
}

/* Of all sessions: along the table. */
static int load_walked(struct store *store, const struct reading *reading, int64_t rows, struct page *page, struct err *e)
{
	sqlite3_stmt *stmt = store_prepare(store->db, store_read_sql[reading->part.part == MAP_ALL ? ALL : MARKERS], e);
	struct store_links links = { 0 };
	int code = SQLITE_ROW, rc = 0;

	if (!stmt)
		return -1;
	sqlite3_bind_int64(stmt, 1, reading->after);
	sqlite3_bind_int64(stmt, 2, rows);
	while (rc == 0 && page->bytes <= STORE_PAGE_BYTES && (code = sqlite3_step(stmt)) == SQLITE_ROW)
		rc = keep_row(store, stmt, &links, page, e);
	if (rc == 0 && code != SQLITE_DONE && code != SQLITE_ROW)
		rc = store_sql_err(store->db, e, "reading events");
	page->whole = code == SQLITE_DONE;
	store_links_done(&links);
	sqlite3_finalize(stmt);
	if (rc == 0 && check_gapless(store, reading->after, rows, page, e) < 0) {
		/* where the gap is among them nobody knows; of all events, each was compared with the one before it */
		page->n = reading->part.part == MAP_ALL ? page->n : 0;
		rc = -1;
	}
	return rc;
}

/* Reads again until nothing came between. One transaction: what is counted is what was read. */
static int load_page(struct store *store, const struct reading *reading, int64_t rows, struct page *page, struct err *e)
{
	do {
		arena_reset(page->arena);
		*page = (struct page){ .arena = page->arena, .events = arena_alloc(page->arena, (size_t)rows * sizeof(struct event)) };
		err_clear(e);
		if (store_fresh(store, e) < 0)
			return -1;
		page->rc = store_exec(store->db, "BEGIN", e);
		if (page->rc == 0)
			page->rc = reading->session ? load_mapped(store, reading, rows, page, e) : load_walked(store, reading, rows, page, e);
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
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
		.session = range.session, .after = range.after, .left = range.limit > 0 ? range.limit : INT64_MAX, .fn = fn, .arg = arg,
	};

	return read_pages(store, &reading, e);
}

/* Who wants some kinds of markers alone. */
struct sieve {
	int least, most;
	store_event_fn *fn;
	void *arg;
};

static bool pass(void *arg, const struct event *ev)
{
	const struct sieve *sieve = arg;

	return ev->kind_number < sieve->least || ev->kind_number > sieve->most || sieve->fn(sieve->arg, ev);
}

static int each_sieved(struct store *store, int64_t session, int64_t after, struct sieve *sieve, struct err *e)
{
	struct reading reading = {
		.session = session, .part = { .part = MAP_MARKER }, .after = after, .left = INT64_MAX, .fn = pass, .arg = sieve,
	};

	return read_pages(store, &reading, e);
}

int store_each_marker(struct store *store, int64_t session, int64_t after, store_event_fn *fn, void *arg, struct err *e)
{
	struct sieve markers = { .least = INT_MIN, .most = EVENT_OUTPUT_FIRST - 1, .fn = fn, .arg = arg };

	return each_sieved(store, session, after, &markers, e);
}

/* All markers are read: an index that lost one of these is not believed. */
int store_each_resumed(struct store *store, int64_t session, store_event_fn *fn, void *arg, struct err *e)
{
	struct sieve resumed = { .least = EVENT_SESSION_RESUMED, .most = EVENT_SESSION_RESUMED, .fn = fn, .arg = arg };

	return each_sieved(store, session, 0, &resumed, e);
}

int store_each_before(struct store *store, const struct store_call *call, int64_t before, store_event_fn *fn, void *arg, struct err *e)
{
	struct reading reading = {
		.session = call->session, .part = { .part = call->path ? MAP_OUTPUT : MAP_ALL, .call = call }, .back = true,
		.after = before, .left = STORE_BACK, .page = 1, .fn = fn, .arg = arg,	/* mostly the first one is enough */
	};

	return read_pages(store, &reading, e);
}

int store_each_output(struct store *store, const struct store_call *call, store_event_fn *fn, void *arg, struct err *e)
{
	struct reading reading = {
		.session = call->session, .part = { .part = MAP_OUTPUT, .call = call }, .left = INT64_MAX, .fn = fn, .arg = arg,
	};

	return read_pages(store, &reading, e);
}
