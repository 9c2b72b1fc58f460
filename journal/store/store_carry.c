/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/store/store_carry.h"

/*
 * One process carries a session, and a lock on its lease file says so. Files are removed, restored
 * from copies, and shared with machines that do not see each other's locks; the journal is one. So
 * whoever carries a session says so in it (session.opened, session.resumed), and each of its appends
 * looks, in its own transaction, whether somebody said so later. The one before is refused then, and
 * as nothing is done that is not stored, it does nothing any more.
 */

enum { RESUMED, LAST };

#define CARRY_NEW (-1)	/* the next session.opened is it */

const char *const store_carry_sql[] = {
	[RESUMED] = "SELECT max(seq) FROM event INDEXED BY event_state WHERE kind = 2 AND kind IN (1, 2, 3) AND session = ?1",
	[LAST] = "SELECT max(seq) FROM event INDEXED BY event_session WHERE session = ?1",
	NULL,
};

void store_carry(struct store *store, int64_t session, int64_t known)
{
	store->carried = session ? session : CARRY_NEW;
	store->known = known;
	store->since = known;
	store->taken = false;
}

/* 0 when there is none. */
static int newest(struct store *store, int which, int64_t *seq, struct err *e)
{
	sqlite3_stmt *stmt = store_prepare(store->db, store_carry_sql[which], e);
	int rc = -1;

	if (!stmt)
		return -1;
	sqlite3_bind_int64(stmt, 1, store->carried);
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		*seq = sqlite3_column_int64(stmt, 0);
		rc = 0;
	} else {
		store_sql_err(store->db, e, "looking who carries the session");
	}
	sqlite3_finalize(stmt);
	return rc;
}

static int taken(struct store *store, int64_t seq, struct err *e)
{
	store->taken = true;
	return err_set(e, ERR_DENIED, "session %lld was taken over by another process (event %lld): this one has stopped and does nothing more",
		(long long)store->carried, (long long)seq);
}

/* -1 also when it was taken over. */
static int look(struct store *store, struct err *e)
{
	int64_t resumed = 0, last = 0;

	if (newest(store, RESUMED, &resumed, e) < 0)
		return -1;
	if (resumed > store->since)
		return taken(store, resumed, e);
	if (!store->known)
		return 0;
	if (newest(store, LAST, &last, e) < 0)
		return -1;
	if (last <= store->known)
		return 0;
	store->taken = true;
	return err_set(e, ERR_DENIED, "another process carries session %lld: it wrote event %lld just now", (long long)store->carried, (long long)last);
}

int store_carry_check(struct store *store, const struct event *events, size_t n, struct err *e)
{
	for (size_t i = 0; store->carried > 0 && i < n; i++)
		if (events[i].session == store->carried)
			return look(store, e);
	return 0;
}

void store_carry_stored(struct store *store, const struct event *events, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (store->carried == CARRY_NEW && events[i].kind == EVENT_SESSION_OPENED)
			store->carried = events[i].seq;
		if (store->carried <= 0 || events[i].session != store->carried)
			continue;
		if (events[i].kind == EVENT_SESSION_OPENED || events[i].kind == EVENT_SESSION_RESUMED)
			store->since = events[i].seq;
		store->known = 0;
	}
}

bool store_is_taken(struct store *store)
{
	struct err e = { 0 };

	if (!store->taken && store->carried > 0 && store->db)
		(void)look(store, &e);
	return store->taken;
}
