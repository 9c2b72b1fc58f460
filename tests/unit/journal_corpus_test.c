/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Journals of earlier versions in tests/journal/ must open for ever. They are never made again: GENERATE=PATH makes a new one of the
 * present schema version, to be added beside them when the schema changes.
 */
#define _GNU_SOURCE
#include "journal_fixture.h"

#include <sqlite3.h>

#include "base/json.h"

static const struct {
	const char *name;
	int64_t events, payloads, purged;
	const char *head;
} corpus[] = {
	{ "v1.db", 50, 43, 2, "8231d3c28d29ae4c047467e236d9db51aec178dc78fa2bffd46ee3ac2c560248" },
};

/* --- making one --- */

/* As a newer bellbook would: kind 77 with its right hash. */
static void add_unknown_kind(const char *path)
{
	struct event ev = { .session = 1, .at_us = 1795287127000000, .mono_us = 9, .kind_number = 77, .v = 3, .who = "eve", .data = "{\"x\":1}" };
	sqlite3_stmt *stmt;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1", -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	ev.seq = sqlite3_column_int64(stmt, 0) + 1;
	event_hash(&ev, sqlite3_column_blob(stmt, 1), ev.hash);
	sqlite3_finalize(stmt);
	assert_int_equal(sqlite3_prepare_v2(db, "INSERT INTO event VALUES(?1, 1, 1795287127000000, 9, 77, 3, 'eve', '', 0, '', '', '{\"x\":1}', x'', ?2)",
		-1, &stmt, NULL), SQLITE_OK);
	sqlite3_bind_int64(stmt, 1, ev.seq);
	sqlite3_bind_blob(stmt, 2, ev.hash, SHA256_LEN, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(stmt), SQLITE_DONE);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

static void purge_two(const char *path)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DELETE FROM payload WHERE seq IN (5, 6)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* One event of every kind, with text that needs care, in two sessions of which one is closed. */
static void generate(const char *path)
{
	static const char raw[] = "\x1b[31mred\x1b[0m \0 \xff\n";
	struct event purged = { .kind = EVENT_PAYLOAD_PURGED, .who = "ada", .call = "5..6", .data = "{\"reason\":\"an address\"}" };
	struct event opened = { .kind = EVENT_SESSION_OPENED, .who = "grace", .data = "{\"runbook\":{\"id\":\"es-reindex\",\"title\":\"Rebuild\"}}" };
	struct store *store = open_ok(path, STORE_WRITE);
	int64_t session = session_ok(store);
	int n = 0;

	for (const struct event_type *type = event_types(); type->name; type++) {
		struct event ev = {
			.kind = type->kind, .session = session, .who = "ad\xc3\xa4", .step = "count", .attempt = 1 + n % 2, .call = "3/app1/1", .host = "app1",
			.data = "{\"reason\":\"\\u00fcber\",\"of\":\"step\",\"text\":\"x\"}", .bytes = n % 3 ? (const char *)raw : type->name,
			.len = n % 3 ? sizeof(raw) - 1 : strlen(type->name),
		};

		if (type->kind == EVENT_SESSION_OPENED || type->kind == EVENT_SESSION_CLOSED || type->kind == EVENT_PAYLOAD_PURGED)
			continue;
		append_ok(store, &ev, 1);
		n++;
	}
	append_ok(store, &purged, 1);
	append_ok(store, &opened, 1);
	for (int i = 0; i < 9; i++)
		note_ok(store, opened.session, "a note");
	append_ok(store, &(struct event){ .kind = EVENT_SESSION_CLOSED, .session = session, .data = "{\"outcome\":\"ok\"}" }, 1);
	store_close(store);
	add_unknown_kind(path);
	purge_two(path);
	journal_alone(path);
}

/* --- reading them --- */

static void journal_path(char *out, size_t size, const char *name)
{
	snprintf(out, size, "tests/journal/%s", name);
	if (access(out, R_OK) < 0)
		fail_msg("%s is missing: run this from the top of the tree", out);
}

static void corpus__opens_verifies_and_is_not_touched(void **state)
{
	char *before = directory_digest("tests/journal"), *after;

	(void)state;
	for (size_t i = 0; i < sizeof(corpus) / sizeof(corpus[0]); i++) {
		struct verify_report report;
		struct err e = { 0 };
		char path[200];

		journal_path(path, sizeof(path), corpus[i].name);
		if (store_verify(path, &report, &e) < 0)
			fail_msg("%s", e.text);
		assert_string_equal(report.text, "");
		assert_int_equal(report.bad_seq, 0);
		assert_string_equal(report.head, corpus[i].head);
		assert_int_equal(report.events, corpus[i].events);
		assert_int_equal(report.payloads, corpus[i].payloads);
		assert_int_equal(report.purged, corpus[i].purged);
	}
	after = directory_digest("tests/journal");
	assert_string_equal(before, after);
	mem_free(before);
	mem_free(after);
}

struct seen { int64_t sessions, closed, unknown, rounds; };

static bool see_session(void *arg, const struct store_session *row)
{
	struct seen *seen = arg;

	seen->sessions++;
	seen->closed += row->closed_us != 0;
	return true;
}

/* Every event also goes through its JSON form. */
static bool see_event(void *arg, const struct event *ev)
{
	struct json *value = event_to_json(ev, true);
	struct arena *arena = arena_new();
	struct seen *seen = arg;
	struct event back;
	struct err e = { 0 };

	assert_int_equal(event_from_json(value, arena, &back, &e), 0);
	assert_memory_equal(back.hash, ev->hash, SHA256_LEN);
	assert_int_equal(back.kind_number, ev->kind_number);
	assert_int_equal(back.len, ev->len);
	seen->unknown += ev->kind == EVENT_UNKNOWN;
	seen->rounds++;
	json_free(value);
	arena_free(arena);
	return true;
}

static void corpus__is_read_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(corpus) / sizeof(corpus[0]); i++) {
		struct seen seen = { 0 };
		struct err e = { 0 };
		struct store *store;
		char path[200];

		journal_path(path, sizeof(path), corpus[i].name);
		store = open_ok(path, STORE_READ);
		assert_int_equal(store_sessions(store, false, 0, see_session, &seen, &e), 0);
		assert_int_equal(store_each(store, (struct store_range){0}, see_event, &seen, &e), 0);
		assert_int_equal(seen.sessions, 2);
		assert_int_equal(seen.closed, 1);
		assert_int_equal(seen.unknown, 1);
		assert_int_equal(seen.rounds, corpus[i].events);
		store_close(store);
	}
}

static void corpus__a_copy_can_be_gone_on_with(void **state)
{
	struct place *place = *state;

	for (size_t i = 0; i < sizeof(corpus) / sizeof(corpus[0]); i++) {
		char from[200], to[300], chunk[4096];
		struct store *store;
		int in, out;
		ssize_t got;

		journal_path(from, sizeof(from), corpus[i].name);
		snprintf(to, sizeof(to), "%s/%s", place->dir, corpus[i].name);
		in = open(from, O_RDONLY);
		out = open(to, O_WRONLY | O_CREAT, 0600);
		while ((got = read(in, chunk, sizeof(chunk))) > 0)
			assert_int_equal(write(out, chunk, (size_t)got), got);
		close(in);
		close(out);
		store = open_ok(to, STORE_WRITE);
		assert_int_equal(note_ok(store, 1, "years later"), corpus[i].events + 1);
		store_close(store);
		verify_ok(to, corpus[i].events + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(corpus__opens_verifies_and_is_not_touched),
		cmocka_unit_test(corpus__is_read_whole),
		cmocka_unit_test_setup_teardown(corpus__a_copy_can_be_gone_on_with, place_make, place_remove),
	};
	const char *name = getenv("GENERATE");

	if (name && strchr(name, '/')) {
		setenv("BELLBOOK_BALLAST", "0", 1);
		generate(name);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
