/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/store_int.h"

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

static bool tell(sqlite3_stmt *stmt, store_session_fn *fn, void *arg)
{
	struct store_session row = {
		.session = sqlite3_column_int64(stmt, 0), .opened_us = sqlite3_column_int64(stmt, 1),
		.who = (const char *)sqlite3_column_text(stmt, 2), .opened = (const char *)sqlite3_column_text(stmt, 3),
		.last_us = sqlite3_column_int64(stmt, 4), .closed_us = sqlite3_column_int64(stmt, 5),
		.closed = (const char *)sqlite3_column_text(stmt, 6),
	};

	return fn(arg, &row);
}

int store_sessions(struct store *store, bool only_open, int64_t limit, store_session_fn *fn, void *arg, struct err *e)
{
	sqlite3_stmt *stmt;
	int code = SQLITE_ERROR;

	if (store_read_begin(store, e) < 0)
		return -1;
	stmt = store_prepare(store->db, store_sessions_sql[0], e);
	if (!stmt)
		goto out;
	sqlite3_bind_int(stmt, 1, only_open);
	sqlite3_bind_int64(stmt, 2, limit > 0 ? limit : -1);
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
		if (!tell(stmt, fn, arg))
			break;
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		store_sql_err(sqlite3_db_handle(stmt), e, "listing sessions");
	sqlite3_finalize(stmt);
out:
	store_read_end(store);
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : -1;
}
