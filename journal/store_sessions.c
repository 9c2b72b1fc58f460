/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/store_int.h"

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
	size_t n, room;
};

static const char *keep_text(struct rows *rows, sqlite3_stmt *stmt, int at)
{
	const unsigned char *text = sqlite3_column_text(stmt, at);

	return text ? arena_dup(rows->arena, text, (size_t)sqlite3_column_bytes(stmt, at)) : NULL;
}

static void keep_row(struct rows *rows, sqlite3_stmt *stmt)
{
	if (rows->n == rows->room) {
		rows->room = rows->room ? 2 * rows->room : 64;
		rows->row = mem_grow(rows->row, rows->room, sizeof(*rows->row));
	}
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
