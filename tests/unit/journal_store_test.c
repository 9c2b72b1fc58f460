/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "journal_fixture.h"

#include <sqlite3.h>

#include "base/limits.h"

static void store_append__numbers_from_one_without_a_gap(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct event batch[3] = {
		{ .kind = EVENT_SESSION_OPENED, .who = "ada" }, { .kind = EVENT_PARAM_SET, .who = "ada", .data = "{\"name\":\"n\"}" },
		{ .kind = EVENT_STEP_ENTERED, .who = "bellbook", .step = "count" },
	};
	struct err e = { 0 };

	assert_int_equal(store_head(store, &e), 0);
	append_ok(store, batch, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(batch[i].seq, i + 1);
		assert_int_equal(batch[i].session, 1);
		assert_true(batch[i].at_us > 0 && batch[i].mono_us > 0 && batch[i].v == 1);
	}
	assert_int_equal(store_head(store, &e), 3);
	assert_int_equal(session_ok(store), 4);
	store_close(store);
	verify_ok(place->path, 4);
}

struct seen {
	struct arena *arena;
	struct event events[16];
	int n;
};

static bool keep(void *arg, const struct event *ev)
{
	struct seen *seen = arg;

	assert_true(seen->n < 16);
	event_copy(seen->arena, &seen->events[seen->n++], ev);
	return true;
}

static void store_each__gives_back_what_was_appended(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	static const unsigned char raw[] = { 0, 1, 255, 27, '[', 'm', 0 };
	int64_t session = session_ok(store);
	struct event ev = {
		.session = session, .kind = EVENT_CALL_OUTPUT, .who = "bellbook", .step = "count", .attempt = 2, .call = "3/app1/1",
		.host = "app1", .data = "{ \"stream\" : \"out\", \"a\":1}", .bytes = raw, .len = sizeof(raw), .at_us = 5, .mono_us = 6, .v = 7,
	};
	struct seen seen = { .arena = arena_new() };
	struct err e = { 0 };
	const struct event *got = &seen.events[1];

	append_ok(store, &ev, 1);
	assert_int_equal(store_each(store, (struct store_range){.session = session}, keep, &seen, &e), 0);
	assert_int_equal(seen.n, 2);
	assert_int_equal(got->seq, 2);
	assert_int_equal(got->session, session);
	assert_int_equal(got->kind, EVENT_CALL_OUTPUT);
	assert_int_equal(got->at_us, 5);
	assert_int_equal(got->mono_us, 6);
	assert_int_equal(got->v, 7);
	assert_string_equal(got->step, "count");
	assert_int_equal(got->attempt, 2);
	assert_string_equal(got->call, "3/app1/1");
	assert_string_equal(got->host, "app1");
	assert_string_equal(got->data, "{\"a\":1,\"stream\":\"out\"}");
	assert_int_equal(got->len, sizeof(raw));
	assert_memory_equal(got->bytes, raw, sizeof(raw));
	assert_memory_equal(got->hash, ev.hash, SHA256_LEN);
	assert_memory_equal(got->digest, ev.digest, SHA256_LEN);
	assert_false(got->purged);
	arena_free(seen.arena);
	store_close(store);
}

static void refused(struct store *store, struct event ev, enum err_kind kind)
{
	struct err e = { 0 };
	struct event before = ev;

	assert_int_equal(store_append(store, &ev, 1, &e), -1);
	assert_int_equal(e.kind, kind);
	assert_true(e.text[0] != '\0');
	assert_memory_equal(&ev, &before, sizeof(ev));
}

static void store_append__refuses_what_makes_no_sense_and_stores_nothing(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct event batch[2] = { { .kind = EVENT_NOTE, .session = 1 }, { .kind = EVENT_NOTE, .session = 1, .data = "[1]" } };
	struct err e = { 0 };

	session_ok(store);
	refused(store, (struct event){ .kind = EVENT_NOTE }, ERR_USAGE);
	refused(store, (struct event){ .kind = EVENT_UNKNOWN, .kind_number = 77, .session = 1 }, ERR_USAGE);
	refused(store, (struct event){ .kind = EVENT_SESSION_OPENED, .session = 1 }, ERR_USAGE);
	refused(store, (struct event){ .kind = EVENT_NOTE, .session = 1, .data = "{" }, ERR_USAGE);
	refused(store, (struct event){ .kind = EVENT_NOTE, .session = 1, .data = "3" }, ERR_USAGE);
	assert_int_equal(store_append(store, batch, 2, &e), -1);
	assert_int_equal(batch[0].seq, 0);
	assert_int_equal(store_head(store, &e), 1);
	note_ok(store, 1, "after");
	store_close(store);
	verify_ok(place->path, 2);
}

static void store_append__invalid_utf8_becomes_valid_and_still_verifies(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct event ev = { .kind = EVENT_NOTE, .session = session_ok(store), .who = "ad\xff" "a", .host = "\xc3" };
	struct seen seen = { .arena = arena_new() };
	struct err e = { 0 };

	append_ok(store, &ev, 1);
	assert_int_equal(store_each(store, (struct store_range){.after = 1}, keep, &seen, &e), 0);
	assert_string_equal(seen.events[0].who, "ad\xef\xbf\xbd" "a");
	arena_free(seen.arena);
	store_close(store);
	verify_ok(place->path, 2);
}

static sqlite3 *raw(const char *path)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL), SQLITE_OK);
	return db;
}

static void schema_refuses(sqlite3 *db, const char *sql, const char *words)
{
	char *message = NULL;
	int code = sqlite3_exec(db, sql, NULL, NULL, &message);

	if (code == SQLITE_OK)
		fail_msg("done: %s", sql);
	if (!strstr(message, words))
		fail_msg("%s: \"%s\", not \"%s\"", sql, message, words);
	sqlite3_free(message);
}

#define EVENT_VALUES "1, 0, 0, 40, 1, 'eve', '', 0, '', '', '{}', x'', zeroblob(32))"

/* With every pragma at its default, as any other program would come. */
static void schema__refuses_change_removal_gap_and_second_payload(void **state)
{
	struct place *place = *state;
	sqlite3 *db;

	journal_with(place->path, 3);
	db = raw(place->path);
	schema_refuses(db, "UPDATE event SET who = 'eve' WHERE seq = 2", "append-only");
	schema_refuses(db, "DELETE FROM event WHERE seq = 4", "append-only");
	schema_refuses(db, "INSERT INTO event VALUES(6, " EVENT_VALUES, "last one plus 1");
	schema_refuses(db, "INSERT INTO event VALUES(3, " EVENT_VALUES, "last one plus 1");
	schema_refuses(db, "INSERT OR REPLACE INTO event VALUES(3, " EVENT_VALUES, "last one plus 1");
	schema_refuses(db, "REPLACE INTO event VALUES(4, " EVENT_VALUES, "last one plus 1");
	schema_refuses(db, "INSERT INTO event VALUES(3, " "1, 0, 0, 40, 1, 'eve', '', 0, '', '', '{}', x'', zeroblob(32)) "
		"ON CONFLICT(seq) DO UPDATE SET who = 'eve'", "last one plus 1");
	schema_refuses(db, "UPDATE payload SET bytes = x'00'", "written once");
	schema_refuses(db, "INSERT OR REPLACE INTO payload VALUES(2, 0, 1, zeroblob(16), x'00')", "written once");
	schema_refuses(db, "INSERT INTO payload VALUES(1, 0, 1, zeroblob(16), x'00')", "with its event");
	schema_refuses(db, "DELETE FROM payload WHERE seq = 2", "payload.purged");
	schema_refuses(db, "UPDATE meta SET v = 'x'", "meta is written once");
	schema_refuses(db, "INSERT OR REPLACE INTO meta VALUES('id', 'x')", "meta is written once");
	schema_refuses(db, "DELETE FROM meta", "meta is written once");
	sqlite3_close(db);
	verify_ok(place->path, 4);
}

static void store_append__two_handles_share_one_chain(void **state)
{
	struct place *place = *state;
	struct store *one = open_ok(place->path, STORE_WRITE), *two = open_ok(place->path, STORE_WRITE);
	int64_t session = session_ok(one);

	for (int i = 0; i < 20; i++)
		assert_int_equal(note_ok(i % 2 ? one : two, session, "x"), i + 2);
	store_close(one);
	store_close(two);
	verify_ok(place->path, 21);
}

static void store_append__says_so_when_the_file_is_gone(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct event ev = { .kind = EVENT_NOTE, .session = session_ok(store) };
	struct err e = { 0 };
	char away[300];

	snprintf(away, sizeof(away), "%s.away", place->path);
	assert_int_equal(rename(place->path, away), 0);
	assert_int_equal(store_append(store, &ev, 1, &e), -1);
	assert_int_equal(e.kind, ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "moved or deleted"));
	assert_int_equal(rename(away, place->path), 0);
	append_ok(store, &ev, 1);
	store_close(store);
}

static off_t wal_size(const struct place *place)
{
	char name[300];
	struct stat st;

	snprintf(name, sizeof(name), "%s-wal", place->path);
	return stat(name, &st) == 0 ? st.st_size : -1;
}

static void store_checkpoint__waits_for_size_and_truncates_on_demand(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	int64_t session = session_ok(store);
	struct err e = { 0 };

	note_ok(store, session, "small");
	assert_true(wal_size(place) > 0);
	assert_int_equal(store_checkpoint(store, false, &e), 0);
	assert_true(wal_size(place) > 0);
	assert_int_equal(store_checkpoint(store, true, &e), 0);
	assert_int_equal(wal_size(place), 0);
	note_ok(store, session, "again");
	store_close(store);
	assert_true(wal_size(place) > 0);	/* closing never checkpoints */
	verify_ok(place->path, 3);
}

static void store_append__log_does_not_grow_for_ever_without_checkpoint(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	int64_t session = session_ok(store);
	size_t len = 1 << 20;
	char *much = mem_alloc(len);

	for (int i = 0; i < 40; i++) {
		struct event ev = { .kind = EVENT_CALL_OUTPUT, .session = session, .step = "s", .call = "1", .bytes = much, .len = len };

		append_ok(store, &ev, 1);
	}
	assert_true(wal_size(place) < (off_t)24 << 20);
	mem_free(much);
	store_close(store);
	verify_ok(place->path, 41);
}

struct listed {
	int64_t session[8];
	int64_t closed[8];
	char outcome[8][64];
	int n;
};

static bool list(void *arg, const struct store_session *row)
{
	struct listed *listed = arg;

	listed->session[listed->n] = row->session;
	listed->closed[listed->n] = row->closed_us;
	snprintf(listed->outcome[listed->n], 64, "%s %s", row->who, row->closed ? row->closed : "-");
	assert_true(row->opened_us > 0 && row->last_us >= row->opened_us);
	assert_non_null(strstr(row->opened, "upgrade"));
	return ++listed->n < 8;
}

static void end_session(struct store *store, int64_t session, enum event_kind kind)
{
	struct event ev = { .kind = kind, .session = session, .data = kind == EVENT_SESSION_CLOSED ? "{\"outcome\":\"ok\"}" : NULL };

	append_ok(store, &ev, 1);
}

static void store_sessions__newest_first_with_how_they_ended(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	int64_t one = session_ok(store), two = session_ok(store), three = session_ok(store);
	struct listed all = { 0 }, open = { 0 }, last = { 0 };
	struct err e = { 0 };

	end_session(store, one, EVENT_SESSION_CLOSED);
	end_session(store, two, EVENT_SESSION_CLOSED);
	end_session(store, two, EVENT_SESSION_RESUMED);
	assert_int_equal(store_sessions(store, false, 0, list, &all, &e), 0);
	assert_int_equal(all.n, 3);
	assert_int_equal(all.session[0], three);
	assert_int_equal(all.session[2], one);
	assert_string_equal(all.outcome[2], "ada {\"outcome\":\"ok\"}");
	assert_true(all.closed[2] > 0);
	assert_string_equal(all.outcome[1], "ada -");
	assert_int_equal(store_sessions(store, true, 0, list, &open, &e), 0);
	assert_int_equal(open.n, 2);
	assert_int_equal(open.session[0], three);
	assert_int_equal(open.session[1], two);
	assert_int_equal(store_sessions(store, false, 1, list, &last, &e), 0);
	assert_int_equal(last.n, 1);
	store_close(store);
}

static void store_id__is_random_and_stays(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE), *again, *other;
	char second[300];

	snprintf(second, sizeof(second), "%s.second", place->path);
	assert_int_equal(strlen(store_id(store)), 32);
	again = open_ok(place->path, STORE_READ);
	other = open_ok(second, STORE_WRITE);
	assert_string_equal(store_id(store), store_id(again));
	assert_string_not_equal(store_id(store), store_id(other));
	store_close(other);
	store_close(again);
	store_close(store);
}

/* {"gives":{"x":"xxx…"}} of just len bytes. */
static char *data_of(size_t len)
{
	struct buf text = { 0 };

	buf_puts(&text, "{\"gives\":{\"x\":\"");
	while (text.len < len - 3)
		buf_putc(&text, 'x');
	buf_puts(&text, "\"}}");
	return buf_take(&text);
}

static int64_t count(const char *path, const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	int64_t n;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	n = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

static void store_append__keeps_large_data_as_a_payload_and_gives_it_back(void **state)
{
	static const size_t sizes[] = { LIMIT_APART - 1, LIMIT_APART, LIMIT_APART + 1, 40 * LIMIT_APART, LIMIT_DATA };
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	int64_t session = session_ok(store);
	struct seen seen = { .arena = arena_new() };
	struct err e = { 0 };
	char *text;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct event ev = { .session = session, .kind = EVENT_STEP_ENDED, .who = "bellbook", .step = "a", .data = text = data_of(sizes[i]) };

		append_ok(store, &ev, 1);
		assert_string_equal(ev.data, text);
		assert_null(ev.bytes);
		mem_free(text);
	}
	assert_int_equal(store_each(store, (struct store_range){.session = session}, keep, &seen, &e), 0);
	assert_int_equal(seen.n, 6);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		text = data_of(sizes[i]);
		assert_string_equal(seen.events[i + 1].data, text);
		assert_true(!seen.events[i + 1].bytes && seen.events[i + 1].len == 0);
		mem_free(text);
	}
	store_close(store);
	verify_ok(place->path, 6);
	assert_int_equal(count(place->path, "SELECT count(*) FROM payload"), 3);
	assert_true(count(place->path, "SELECT max(length(data)) FROM event") <= (int64_t)LIMIT_APART);
	arena_free(seen.arena);
}

/* A journal of before has all of it in its rows. */
static void store_each__reads_large_data_of_an_older_journal(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct event ev = { .kind = EVENT_SESSION_OPENED, .who = "ada" };
	struct seen seen = { .arena = arena_new() };
	struct err e = { 0 };
	char *text = data_of(3 << 20);

	/* This kind's rows are still written so. */
	ev.data = text;
	append_ok(store, &ev, 1);
	assert_int_equal(store_each(store, (struct store_range){.session = 1}, keep, &seen, &e), 0);
	assert_string_equal(seen.events[0].data, text);
	store_close(store);
	verify_ok(place->path, 1);
	assert_int_equal(count(place->path, "SELECT count(*) FROM payload"), 0);
	arena_free(seen.arena);
	mem_free(text);
}

static void store_append__refuses_data_over_the_limit(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	int64_t session = session_ok(store);
	char *text = data_of(LIMIT_DATA + 1);
	struct event ev = { .session = session, .kind = EVENT_STEP_ENDED, .step = "a", .data = text };
	struct err e = { 0 };

	assert_int_equal(store_append(store, &ev, 1, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	store_close(store);
	verify_ok(place->path, 1);
	mem_free(text);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(store_append__numbers_from_one_without_a_gap),
		WITH_PLACE(store_each__gives_back_what_was_appended),
		WITH_PLACE(store_append__refuses_what_makes_no_sense_and_stores_nothing),
		WITH_PLACE(store_append__invalid_utf8_becomes_valid_and_still_verifies),
		WITH_PLACE(schema__refuses_change_removal_gap_and_second_payload),
		WITH_PLACE(store_append__two_handles_share_one_chain),
		WITH_PLACE(store_append__says_so_when_the_file_is_gone),
		WITH_PLACE(store_checkpoint__waits_for_size_and_truncates_on_demand),
		WITH_PLACE(store_append__log_does_not_grow_for_ever_without_checkpoint),
		WITH_PLACE(store_sessions__newest_first_with_how_they_ended),
		WITH_PLACE(store_id__is_random_and_stays),
		WITH_PLACE(store_append__keeps_large_data_as_a_payload_and_gives_it_back),
		WITH_PLACE(store_each__reads_large_data_of_an_older_journal),
		WITH_PLACE(store_append__refuses_data_over_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
