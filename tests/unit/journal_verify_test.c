/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "journal_fixture.h"

#include <sqlite3.h>

/* Somebody with SQLite and bad intentions: the triggers are gone, and put back after. */
static void tamper(const char *path, const char *sql)
{
	static const char triggers[] = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid";
	struct buf drop = { 0 }, make = { 0 };
	sqlite3_stmt *stmt;
	char *message = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, triggers, -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		buf_printf(&drop, "DROP TRIGGER %s;", (const char *)sqlite3_column_text(stmt, 0));
		buf_printf(&make, "%s;", (const char *)sqlite3_column_text(stmt, 1));
	}
	sqlite3_finalize(stmt);
	if (sqlite3_exec(db, drop.data, NULL, NULL, &message) != SQLITE_OK || sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK
	    || sqlite3_exec(db, make.data, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s", message);
	sqlite3_close(db);
	buf_done(&drop);
	buf_done(&make);
}

static void found(const char *path, int64_t seq, const char *words)
{
	struct verify_report report;
	struct err e = { 0 };

	if (store_verify(path, &report, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(report.bad_seq, seq);
	if (!strstr(report.text, words))
		fail_msg("\"%s\", not \"%s\"", report.text, words);
	assert_int_equal(report.events, seq - 1);
}

/* Each row: what somebody did to a journal of 40 events, and what verify says. */
static const struct { const char *sql; int64_t seq; const char *words; } matrix[] = {
	{ "UPDATE payload SET bytes = CAST('note number 10' AS BLOB) WHERE seq = 7", 7, "another length" },
	{ "UPDATE payload SET bytes = CAST('note number 9' AS BLOB) WHERE seq = 7", 7, "was changed" },
	{ "UPDATE payload SET salt = zeroblob(16) WHERE seq = 7", 7, "was changed" },
	{ "UPDATE event SET who = 'eve' WHERE seq = 9", 9, "does not fit its hash" },
	{ "UPDATE event SET at_us = at_us + 1 WHERE seq = 9", 9, "does not fit its hash" },
	{ "UPDATE event SET mono_us = mono_us + 1 WHERE seq = 9", 9, "does not fit its hash" },
	{ "UPDATE event SET kind = 41 WHERE seq = 9", 9, "does not fit its hash" },
	{ "UPDATE event SET v = 2 WHERE seq = 9", 9, "does not fit its hash" },
	{ "UPDATE event SET session = 2 WHERE seq = 9", 9, "does not fit its hash" },
	{ "UPDATE event SET step = 'x' WHERE seq = 9", 9, "does not fit its hash" },
	{ "UPDATE event SET attempt = 2 WHERE seq = 9", 9, "does not fit its hash" },
	{ "UPDATE event SET call = 'x' WHERE seq = 9", 9, "does not fit its hash" },
	{ "UPDATE event SET host = 'x' WHERE seq = 9", 9, "does not fit its hash" },
	{ "UPDATE event SET data = '{\"a\":1}' WHERE seq = 9", 9, "does not fit its hash" },
	{ "UPDATE event SET hash = zeroblob(32) WHERE seq = 9", 9, "does not fit its hash" },
	{ "UPDATE event SET digest = zeroblob(32) WHERE seq = 9", 9, "was changed" },
	{ "DELETE FROM payload WHERE seq = 12", 12, "no later event says who purged it" },
	{ "UPDATE event SET digest = x'' WHERE seq = 12; DELETE FROM payload WHERE seq = 12", 12, "does not fit its hash" },
	{ "UPDATE event SET digest = x'' WHERE seq = 12", 12, "does not name" },
	{ "DELETE FROM event WHERE seq = 20", 20, "event 20 is missing" },
	{ "DELETE FROM event WHERE seq = 1", 1, "event 1 is missing" },
	{ "DELETE FROM event WHERE seq = 20; UPDATE event SET seq = seq - 1 WHERE seq > 20;"
	  "DELETE FROM payload WHERE seq = 20; UPDATE payload SET seq = seq - 1 WHERE seq > 20", 20, "does not fit its hash" },
	{ "UPDATE event SET seq = 99 WHERE seq = 20; UPDATE event SET seq = 20 WHERE seq = 21; UPDATE event SET seq = 21 WHERE seq = 99;"
	  "UPDATE payload SET seq = 99 WHERE seq = 20; UPDATE payload SET seq = 20 WHERE seq = 21; UPDATE payload SET seq = 21 WHERE seq = 99",
	  20, "does not fit its hash" },
	{ "INSERT INTO event SELECT 41, session, at_us, mono_us, kind, v, who, step, attempt, call, host, data, x'', hash FROM event WHERE seq = 40",
	  41, "does not fit its hash" },
};

static void store_verify__names_the_first_bad_event(void **state)
{
	struct place *place = *state;

	for (size_t i = 0; i < sizeof(matrix) / sizeof(matrix[0]); i++) {
		char path[300];

		snprintf(path, sizeof(path), "%s/journal%zu.db", place->dir, i);
		journal_with(path, 39);
		tamper(path, matrix[i].sql);
		found(path, matrix[i].seq, matrix[i].words);
	}
}

/* The lock file remembers the head, and so does the ballast. What the file alone cannot show, its hash kept elsewhere does. */
static void store_verify__sees_a_cut_end_by_the_lock_file_the_ballast_or_the_head(void **state)
{
	struct place *place = *state;
	char lock[300];
	struct verify_report before, after;
	struct err e = { 0 };

	journal_with(place->path, 39);
	assert_int_equal(store_verify(place->path, &before, &e), 0);
	assert_int_equal(strlen(before.head), 64);
	tamper(place->path, "DELETE FROM event WHERE seq > 30; DELETE FROM payload WHERE seq > 30");
	assert_int_equal(store_verify(place->path, &after, &e), 0);
	assert_int_equal(after.bad_seq, 31);
	assert_true(after.cut);
	snprintf(lock, sizeof(lock), "%s-lock", place->path);
	assert_int_equal(unlink(lock), 0);
	assert_int_equal(store_verify(place->path, &after, &e), 0);
	assert_int_equal(after.bad_seq, 31);
	assert_non_null(strstr(after.text, "journal.db-ballast remembers"));
	snprintf(lock, sizeof(lock), "%s-ballast", place->path);
	assert_int_equal(unlink(lock), 0);
	assert_int_equal(store_verify(place->path, &after, &e), 0);
	assert_int_equal(after.bad_seq, 0);
	assert_int_equal(after.events, 30);
	assert_string_not_equal(before.head, after.head);
}

static void purge(const char *path, int64_t seq, bool expected)
{
	char sql[100];
	sqlite3 *db;
	int code;

	snprintf(sql, sizeof(sql), "PRAGMA secure_delete=ON; DELETE FROM payload WHERE seq = %lld", (long long)seq);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
	code = sqlite3_exec(db, sql, NULL, NULL, NULL);
	sqlite3_close(db);
	assert_int_equal(code == SQLITE_OK, expected);
}

static bool is_purged(void *arg, const struct event *ev)
{
	assert_int_equal(ev->purged, ev->seq == 12 || ev->seq == 14);
	assert_int_equal(ev->bytes == NULL, ev->purged || ev->seq == 1 || ev->seq > 40);
	++*(int *)arg;
	return true;
}

static void store_verify__holds_after_a_purge_that_an_event_names(void **state)
{
	struct place *place = *state;
	struct event ev = { .kind = EVENT_PAYLOAD_PURGED, .who = "ada", .call = "12..14", .data = "{\"reason\":\"an address\"}" };
	struct verify_report report;
	struct store *store;
	struct err e = { 0 };
	int n = 0;

	journal_with(place->path, 39);
	store = open_ok(place->path, STORE_WRITE);
	append_ok(store, &ev, 1);
	store_close(store);
	purge(place->path, 11, false);
	purge(place->path, 15, false);
	purge(place->path, 12, true);
	purge(place->path, 14, true);
	assert_int_equal(store_verify(place->path, &report, &e), 0);
	assert_int_equal(report.bad_seq, 0);
	assert_int_equal(report.events, 41);
	assert_int_equal(report.purged, 2);
	assert_int_equal(report.payloads, 37);
	store = open_ok(place->path, STORE_WRITE);
	assert_int_equal(store_each(store, (struct store_range){0}, is_purged, &n, &e), 0);
	assert_int_equal(n, 41);
	store_close(store);
}

/* Every bit of the file counts: a flipped one is refused, named, or (unused space) makes no difference; never a wrong "all is well"
 * about another content. */
static void store_verify__a_flipped_byte_anywhere_is_never_wrong_content(void **state)
{
	struct place *place = *state;
	struct verify_report clean, report;
	struct err e = { 0 };
	struct stat st;
	int caught = 0, tried = 0;

	journal_with(place->path, 60);
	journal_alone(place->path);
	assert_int_equal(store_verify(place->path, &clean, &e), 0);
	assert_int_equal(stat(place->path, &st), 0);
	for (off_t at = 0; at < st.st_size; at += 131) {
		unsigned char byte, flipped;
		int fd = open(place->path, O_RDWR);

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		flipped = byte ^ 0x20;
		assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
		err_clear(&e);
		if (store_verify(place->path, &report, &e) < 0)
			assert_true(e.kind == ERR_CORRUPT || e.kind == ERR_USAGE);
		else if (!report.bad_seq)
			assert_string_equal(report.head, clean.head);
		caught += e.kind != ERR_NONE || report.bad_seq;
		tried++;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		close(fd);
	}
	assert_true(caught > tried / 8);
	verify_ok(place->path, 61);
}

static void store_verify__reads_beside_a_writer(void **state)
{
	struct place *place = *state;
	struct store *store;

	journal_with(place->path, 10);
	store = open_ok(place->path, STORE_WRITE);
	note_ok(store, 1, "one more");
	verify_ok(place->path, 12);
	note_ok(store, 1, "and one");
	verify_ok(place->path, 13);
	store_close(store);
}

static void store_verify__an_empty_journal_is_whole(void **state)
{
	struct place *place = *state;

	store_close(open_ok(place->path, STORE_WRITE));
	verify_ok(place->path, 0);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(store_verify__names_the_first_bad_event),
		WITH_PLACE(store_verify__sees_a_cut_end_by_the_lock_file_the_ballast_or_the_head),
		WITH_PLACE(store_verify__holds_after_a_purge_that_an_event_names),
		WITH_PLACE(store_verify__a_flipped_byte_anywhere_is_never_wrong_content),
		WITH_PLACE(store_verify__reads_beside_a_writer),
		WITH_PLACE(store_verify__an_empty_journal_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
