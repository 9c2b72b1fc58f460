/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "journal_fixture.h"

#include <sqlite3.h>

#include "journal/store/store_int.h"

/* Neither a walk over all events nor a sort: both are seconds on ten million events. */
static void plan_is_good(sqlite3 *db, const char *sql)
{
	struct buf explain = { 0 };
	sqlite3_stmt *stmt;
	int lines = 0;

	buf_printf(&explain, "EXPLAIN QUERY PLAN %s", sql);
	if (sqlite3_prepare_v2(db, explain.data, -1, &stmt, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sqlite3_errmsg(db), sql);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		const char *line = (const char *)sqlite3_column_text(stmt, 3);

		if (strstr(line, "SCAN") || strstr(line, "TEMP B-TREE") || strstr(line, "AUTOMATIC"))
			fail_msg("%s: %s", line, sql);
		lines++;
	}
	assert_true(lines > 0);
	sqlite3_finalize(stmt);
	buf_done(&explain);
}

static void store_queries__never_walk_over_all_events(void **state)
{
	struct place *place = *state;
	sqlite3 *db;

	journal_with(place->path, 3);
	assert_int_equal(sqlite3_open_v2(place->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	for (const char *const *sql = store_read_sql; *sql; sql++)
		plan_is_good(db, *sql);
	for (const char *const *sql = store_sessions_sql; *sql; sql++)
		plan_is_good(db, *sql);
	for (const char *const *sql = store_verify_sql; *sql; sql++)
		plan_is_good(db, *sql);
	for (const char *const *sql = store_roll_sql; *sql; sql++)
		plan_is_good(db, *sql);
	for (const char *const *sql = store_map_sql; *sql; sql++)
		plan_is_good(db, *sql);
	sqlite3_close(db);
}

/* Two sessions in turn: for each, 20 rounds of a marker and an output of call "1" or "2" of attempt 1. */
static void fill(struct store *store, int64_t sessions[2])
{
	sessions[0] = session_ok(store);
	sessions[1] = session_ok(store);
	for (int i = 0; i < 40; i++) {
		struct event batch[2] = {
			{ .kind = EVENT_CALL_PROGRESS, .session = sessions[i % 2], .step = "s", .attempt = 1, .call = "1" },
			{ .kind = EVENT_CALL_OUTPUT, .session = sessions[i % 2], .step = "s", .attempt = 1, .call = i % 4 < 2 ? "1" : "2",
			  .bytes = "out", .len = 3 },
		};

		append_ok(store, batch, 2);
	}
}

struct check {
	int64_t session;	/* 0 = any */
	int64_t after;
	int n;
	int stop_at;		/* 0 = never */
	bool markers, output;
};

static bool check_row(void *arg, const struct event *ev)
{
	struct check *check = arg;

	assert_true(ev->seq > check->after);
	check->after = ev->seq;
	if (check->session)
		assert_int_equal(ev->session, check->session);
	if (check->markers)
		assert_true(ev->kind_number < EVENT_OUTPUT_FIRST);
	if (check->output)
		assert_true(ev->kind == EVENT_CALL_OUTPUT && str_is(ev->call, "2"));
	return ++check->n != check->stop_at;
}

static void store_each__gives_the_right_rows_in_order(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct err e = { 0 };
	int64_t sessions[2];
	struct store_call second = { .step = "s", .attempt = 1, .path = "2" }, retried = { .step = "s", .attempt = 2, .path = "2" };
	struct check all = { 0 }, one = { 0 }, markers = { .markers = true }, output = { .output = true }, late = { .after = 70 },
		some = { 0 }, stopped = { .stop_at = 5 }, none = { 0 };

	fill(store, sessions);
	second.session = retried.session = sessions[1];
	one.session = markers.session = output.session = sessions[1];
	assert_int_equal(store_each(store, (struct store_range){0}, check_row, &all, &e), 0);
	assert_int_equal(all.n, 82);
	assert_int_equal(store_each(store, (struct store_range){.session = sessions[1]}, check_row, &one, &e), 0);
	assert_int_equal(one.n, 41);
	assert_int_equal(store_each_marker(store, sessions[1], 0, check_row, &markers, &e), 0);
	assert_int_equal(markers.n, 21);
	assert_int_equal(store_each_output(store, &second, check_row, &output, &e), 0);
	assert_int_equal(output.n, 10);
	assert_int_equal(store_each(store, (struct store_range){.after = 70}, check_row, &late, &e), 0);
	assert_int_equal(late.n, 12);
	assert_int_equal(store_each(store, (struct store_range){.limit = 7}, check_row, &some, &e), 0);
	assert_int_equal(some.n, 7);
	assert_int_equal(store_each(store, (struct store_range){0}, check_row, &stopped, &e), 0);
	assert_int_equal(stopped.n, 5);
	assert_int_equal(store_each_output(store, &retried, check_row, &none, &e), 0);
	assert_int_equal(store_each(store, (struct store_range){.session = 99}, check_row, &none, &e), 0);
	assert_int_equal(none.n, 0);
	store_close(store);
}

/* More than one page, so that the seam between pages is crossed. */
static void store_each__crosses_pages(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	int64_t session = session_ok(store);
	struct check check = { .session = session };
	struct err e = { 0 };
	enum { MANY = 2 * STORE_PAGE_EVENTS + 1 };

	for (int i = 1; i < MANY; i++) {
		struct event ev = { .kind = EVENT_CALL_PROGRESS, .session = session };

		append_ok(store, &ev, 1);
	}
	assert_int_equal(store_each(store, (struct store_range){.session = session}, check_row, &check, &e), 0);
	assert_int_equal(check.n, MANY);
	store_close(store);
}

static void store_each__says_which_event_is_damaged(void **state)
{
	struct place *place = *state;
	struct check check = { 0 };
	struct store *store;
	struct err e = { 0 };
	sqlite3 *db;

	journal_with(place->path, 10);
	assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DROP TRIGGER payload_update; UPDATE payload SET bytes = x'00' WHERE seq = 6", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TRIGGER payload_update BEFORE UPDATE ON payload\n"
		" BEGIN SELECT RAISE(ABORT, 'journal: a payload is written once'); END", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	store = open_ok(place->path, STORE_READ);
	assert_int_equal(store_each(store, (struct store_range){0}, check_row, &check, &e), -1);
	assert_int_equal(e.kind, ERR_CORRUPT);
	assert_non_null(strstr(e.text, "event 6"));
	assert_int_equal(check.n, 5);
	store_close(store);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(store_queries__never_walk_over_all_events),
		WITH_PLACE(store_each__gives_the_right_rows_in_order),
		WITH_PLACE(store_each__crosses_pages),
		WITH_PLACE(store_each__says_which_event_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
