/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/store/store_int.h"

#include "base/mem.h"

/* closed is the last session.closed unless the session was resumed after it. event_state holds these three kinds alone, and only a
 * query that repeats its predicate literally may use it. ?1 = only open ones, ?2 = limit. */
const char *const store_sessions_sql[] = {
	"WITH state(session, opened_us, who, opened, last_us, resumed, closed) AS (SELECT o.session, o.at_us, o.who, o.data,"
	" (SELECT l.at_us FROM event l INDEXED BY event_session WHERE l.session = o.session ORDER BY l.seq DESC LIMIT 1),"
	" ifnull((SELECT max(r.seq) FROM event r INDEXED BY event_state WHERE r.kind = 2 AND r.kind IN (1, 2, 3) AND r.session = o.session), 0),"
	" ifnull((SELECT max(c.seq) FROM event c INDEXED BY event_state WHERE c.kind = 3 AND c.kind IN (1, 2, 3) AND c.session = o.session), 0)"
	" FROM event o INDEXED BY event_state WHERE o.kind = 1 AND o.kind IN (1, 2, 3) ORDER BY o.session DESC)"
	" SELECT s.session, s.opened_us, s.who, s.opened, s.last_us, c.at_us, c.data FROM state s"
	" LEFT JOIN event c ON c.seq = s.closed AND s.closed > s.resumed"
	" WHERE ?1 = 0 OR s.closed <= s.resumed ORDER BY s.session DESC LIMIT ?2",
	NULL,
};

struct rows {
	struct arena *arena;
	struct store_session *row;	/* owned array; strings in the arena */
	size_t n;
};

static const char *keep_text(struct rows *rows, sqlite3_stmt *stmt, int at)
{
	const unsigned char *text = sqlite3_column_text(stmt, at);

	return text ? arena_dup(rows->arena, text, (size_t)sqlite3_column_bytes(stmt, at)) : NULL;
}

static void keep_row(struct rows *rows, sqlite3_stmt *stmt)
{
	rows->row = mem_more(rows->row, rows->n, sizeof(*rows->row));
	rows->row[rows->n++] = (struct store_session){
		.session = sqlite3_column_int64(stmt, 0), .opened_us = sqlite3_column_int64(stmt, 1), .who = keep_text(rows, stmt, 2),
		.opened = keep_text(rows, stmt, 3), .last_us = sqlite3_column_int64(stmt, 4), .closed_us = sqlite3_column_int64(stmt, 5),
		.closed = keep_text(rows, stmt, 6),
	};
}

/* All rows at once, so that none is told before it is sure that no writer came between. */
static int load(struct store *store, bool only_open, int64_t limit, struct rows *rows, struct err *e)
{
	sqlite3_stmt *stmt = store_prepare(store->db, store_sessions_sql[0], e);
	int code;

	if (!stmt)
		return -1;
	sqlite3_bind_int(stmt, 1, only_open);
	sqlite3_bind_int64(stmt, 2, limit > 0 ? limit : -1);
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
		keep_row(rows, stmt);
	if (code != SQLITE_DONE)
		store_sql_err(store->db, e, "listing sessions");
	sqlite3_finalize(stmt);
	return code == SQLITE_DONE ? 0 : -1;
}

int store_sessions(struct store *store, bool only_open, int64_t limit, store_session_fn *fn, void *arg, struct err *e)
{
	struct rows rows = { .arena = arena_new() };
	int rc;

	do {
		arena_reset(rows.arena);
		rows.n = 0;
		rc = store_fresh(store, e);
		if (rc < 0)
			break;
		rc = load(store, only_open, limit, &rows, e);
	} while (!store_settled(store));
	for (size_t i = 0; rc == 0 && i < rows.n; i++)
		if (!fn(arg, &rows.row[i]))
			break;
	mem_free(rows.row);
	arena_free(rows.arena);
	return rc;
}

/* --- the roll --- */

/*
 * The list of sessions is what event_state has. Whoever opens a large journal to write, or to show a list,
 * makes sure once that it lacks none. event_session stands in another part of the file and names every session
 * too, by each of its events: from one to the next it is a jump. The row that opened a session has its number,
 * and the last event of all sessions is the last one of the table.
 */

enum { NEXT, LAST, OPENING, LISTED, OPENED, END };

const char *const store_roll_sql[] = {
	[NEXT] = "SELECT min(session) FROM event INDEXED BY event_session WHERE session > ?1",
	[LAST] = "SELECT max(seq) FROM event INDEXED BY event_session WHERE session = ?1",
	[OPENING] = "SELECT count(*) FROM event NOT INDEXED WHERE seq = ?1 AND session = ?1 AND kind = 1",
	[LISTED] = "SELECT count(*) FROM event INDEXED BY event_state WHERE kind = 1 AND kind IN (1, 2, 3) AND session = ?1 AND seq = ?1",
	[OPENED] = "SELECT count(*) FROM event INDEXED BY event_state WHERE kind = 1 AND kind IN (1, 2, 3)",
	[END] = "SELECT ifnull(max(seq), 0) FROM event",
	NULL,
};

#define ROLLS (END + 1)

struct roll {
	struct store *store;
	sqlite3_stmt *stmt[ROLLS];	/* owned */
};

/* First value of the only row; 0 for NULL. */
static int ask(struct roll *roll, int which, int64_t session, int64_t *out, struct err *e)
{
	sqlite3_stmt **stmt = &roll->stmt[which];
	int rc = 0;

	if (!*stmt)
		*stmt = store_prepare(roll->store->db, store_roll_sql[which], e);
	if (!*stmt)
		return -1;
	if (sqlite3_bind_parameter_count(*stmt) > 0)
		sqlite3_bind_int64(*stmt, 1, session);
	if (sqlite3_step(*stmt) == SQLITE_ROW)
		*out = sqlite3_column_int64(*stmt, 0);
	else
		rc = store_sql_err(roll->store->db, e, "counting sessions");
	sqlite3_reset(*stmt);
	return rc;
}

static int missing(const struct roll *roll, int64_t session, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "%s is damaged: its indexes and its events do not agree about session %lld. Nothing was changed; bellbook verify says more",
		roll->store->path, (long long)session);
}

static int call_one(struct roll *roll, int64_t session, int64_t *last, struct err *e)
{
	int64_t opening = 1, listed = 1, newest = 0;

	if (ask(roll, LAST, session, &newest, e) < 0)
		return -1;
	if (session > 0 && (ask(roll, OPENING, session, &opening, e) < 0 || ask(roll, LISTED, session, &listed, e) < 0))
		return -1;
	if (opening != 1 || listed != 1 || newest < session)
		return missing(roll, session, e);
	*last = newest > *last ? newest : *last;
	return 0;
}

static int call_all(struct roll *roll, struct err *e)
{
	int64_t session = -1, next = 0, n = 0, last = 0, opened = 0, end = 0;

	if (ask(roll, OPENED, 0, &opened, e) < 0 || ask(roll, END, 0, &end, e) < 0)
		return -1;
	/* 0 is the journal's own and may have none */
	if (ask(roll, LAST, 0, &last, e) < 0)
		return -1;
	for (session = 0; ask(roll, NEXT, session, &next, e) == 0 && next > session; session = next, n++)
		if (call_one(roll, next, &last, e) < 0)
			return -1;
	if (e->text[0])
		return -1;
	if (n != opened)
		return err_set(e, ERR_CORRUPT, "%s is damaged: one index has %lld sessions, another one %lld. Nothing was changed; bellbook verify says more",
			roll->store->path, (long long)n, (long long)opened);
	if (last != end)
		return err_set(e, ERR_CORRUPT, "%s is damaged: its last event is %lld in the table and %lld in an index. Nothing was changed; bellbook verify says "
			"more", roll->store->path, (long long)end, (long long)last);
	return 0;
}

int store_roll_call(struct store *store, struct err *e)
{
	int rc;

	do {
		struct roll roll = { .store = store };

		err_clear(e);
		if (store_fresh(store, e) < 0 || store_exec(store->db, "BEGIN", e) < 0)
			return -1;
		rc = call_all(&roll, e);
		for (size_t i = 0; i < ROLLS; i++)
			sqlite3_finalize(roll.stmt[i]);
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	} while (!store_settled(store));
	return rc;
}
