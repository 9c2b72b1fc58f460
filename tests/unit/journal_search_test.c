/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "journal_fixture.h"

#include <signal.h>
#include <sqlite3.h>
#include <time.h>

#include "base/secret.h"
#include "base/utf8.h"
#include "journal/index/index.h"
#include "journal/index/index_int.h"
#include "journal_story.h"

static struct index *index_ok(const char *journal)
{
	struct err e = { 0 };
	struct index *index = index_open(journal, &e);

	if (!index || index_update(index, INDEX_TEXT, NULL, NULL, &e) < 0)
		fail_msg("%s: %s", err_kind_name(e.kind), e.text);
	return index;
}

static bool put_hit(void *arg, const struct index_hit *hit)
{
	struct buf *out = arg;

	buf_printf(out, "%lld %s %s %s ", (long long)hit->seq, hit->kind, hit->step, hit->host);
	assert_true(hit->mark + hit->mark_len <= strlen(hit->line));
	buf_append(out, hit->line, hit->mark);
	buf_printf(out, "[%.*s]%s\n", (int)hit->mark_len, hit->line + hit->mark, hit->line + hit->mark + hit->mark_len);
	return true;
}

static void finds_in(struct index *index, const char *words, struct index_filter filter, const char *want)
{
	struct buf out = { 0 };
	struct err e = { 0 };

	if (index_search(index, words, &filter, put_hit, &out, &e) < 0)
		fail_msg("%s", e.text);
	if (!str_is(buf_text(&out), want))
		fail_msg("%s: wanted\n%sgot\n%s", words, want, buf_text(&out));
	buf_done(&out);
}

static void finds(const char *journal, const char *words, struct index_filter filter, const char *want)
{
	struct index *index = index_ok(journal);

	finds_in(index, words, filter, want);
	index_close(index);
}

static void tell(struct store *store)
{
	struct arena *arena = arena_new();

	for (size_t i = 0; i < STORY_COUNT; i++) {
		struct event ev = story_event(arena, i);

		ev.seq = 0;
		ev.session = i ? 1 : 0;
		append_ok(store, &ev, 1);
	}
	arena_free(arena);
}

static void index_search__finds_words_wherever_they_were_said(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct index *index;

	tell(store);
	index = index_ok(place->path);
	assert_string_equal(index_words(index), "");
	finds_in(index, "reinstalled", (struct index_filter){ 0 }, "26 note stop  app2 was [reinstalled] on Tuesday\n");
	finds_in(index, "REINSTALLÉD app2", (struct index_filter){ 0 }, "26 note stop  [app2] was reinstalled on Tuesday\n");
	finds_in(index, "\"well done\"", (struct index_filter){ 0 }, "40 said   [well done]\n");
	finds_in(index, "\"done well\"", (struct index_filter){ 0 }, "");
	finds_in(index, "select count", (struct index_filter){ 0 }, "7 call.begun count db1 [select] count(*) from statuses\n");
	finds_in(index, "tootc*", (struct index_filter){ 0 }, "31 call.begun index app1 [tootctl] search deploy\n");
	finds_in(index, "sidekiq.service", (struct index_filter){ 0 }, "19 call.output stop app2 Failed to stop [sidekiq.service]: Unit not loaded.\n");
	finds_in(index, "w3", (struct index_filter){ 0 }, "1 session.opened   [w3]\n");
	finds_in(index, "tea", (struct index_filter){ 0 }, "43 session.paused   [tea]\n");
	finds_in(index, "slow", (struct index_filter){ .limit = 2 }, "38 step.ended index  [slow]\n36 answered index  [slow]\n");
	finds_in(index, "absent", (struct index_filter){ 0 }, "");
	index_close(index);
	store_close(store);
}

static void index_search__filters_by_host_person_session_and_time(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct index_filter filter;
	struct index *index;
	int64_t other;

	tell(store);
	other = session_ok(store);
	note_ok(store, other, "systemctl again");
	index = index_ok(place->path);
	finds_in(index, "systemctl", (struct index_filter){ .host = "app2" }, "17 call.begun stop app2 [systemctl] stop sidekiq\n");
	finds_in(index, "systemctl", (struct index_filter){ .host = "app" }, "");
	finds_in(index, "systemctl", (struct index_filter){ .session = other }, "51 note   [systemctl] again\n");
	finds_in(index, "systemctl", (struct index_filter){ .runbook = "upgrade" }, "51 note   [systemctl] again\n");
	finds_in(index, "unit", (struct index_filter){ .person = "ann" }, "48 lesson wipe  Check the [unit] first.\n27 answered stop  [unit] is missing\n");
	filter = (struct index_filter){ .since_us = STORY_START_US + 14 * 1000000LL, .until_us = STORY_START_US + 15 * 1000000LL, .host = "app1" };
	finds_in(index, "stop", filter, "16 call.begun stop app1 systemctl [stop] sidekiq\n");
	index_close(index);
	store_close(store);
}

static int64_t output(struct store *store, int64_t session, const char *call, const char *text)
{
	struct event ev = { .kind = EVENT_CALL_OUTPUT, .session = session, .who = "bellbook", .step = "s", .attempt = 1, .call = call,
		.data = "{\"stream\":\"out\",\"to\":5}", .bytes = text, .len = strlen(text) };

	append_ok(store, &ev, 1);
	return ev.seq;
}

/* A word cut in two between chunks, with another call's chunk between; also when another process indexed the first half. */
static void index_search__finds_words_that_were_cut_in_two(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	int64_t session = session_ok(store);

	output(store, session, "1", "one line\nconnec");
	output(store, session, "2", "elsewhere");
	finds(place->path, "elsewhere", (struct index_filter){ 0 }, "3 call.output s  [elsewhere]\n");
	output(store, session, "1", "tion lost\n");
	finds(place->path, "\"connection lost\"", (struct index_filter){ 0 }, "4 call.output s  [connection lost]\n");
	finds(place->path, "elsewheretion", (struct index_filter){ 0 }, "");
	store_close(store);
}

static void index_search__sees_text_as_a_terminal_shows_it(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	int64_t session = session_ok(store);

	output(store, session, "1", "\033[1;31mERROR\033[0m: bo\bat \033]0;title\007missing\r\n");
	output(store, session, "2", "10 %\r20 %\rready\n");
	output(store, session, "3", "caf\xc3\xa9 \xff\xfe broken\n");
	finds(place->path, "error", (struct index_filter){ 0 }, "2 call.output s  [ERROR]: bat missing\n");
	finds(place->path, "title", (struct index_filter){ 0 }, "");
	finds(place->path, "31mERROR", (struct index_filter){ 0 }, "");
	finds(place->path, "ready", (struct index_filter){ 0 }, "3 call.output s  [ready]\n");
	finds(place->path, "CAFE", (struct index_filter){ 0 }, "4 call.output s  [caf\xc3\xa9] \xef\xbf\xbd\xef\xbf\xbd broken\n");
	store_close(store);
}

static void index_search__takes_any_words(void **state)
{
	static const char *const nothing[] = { "", "  ", "\"\"", "--", "*", "\"*", "(", ":" };
	static const char *const odd[] = { "body : x", "a AND", "NEAR(", "\"unclosed", "tags:s1", "x OR y", "^x", "{a} : b", "-a", "a*b*", "%", "x'); drop table text;--" };
	struct place *place = *state;
	struct buf out = { 0 };
	struct index *index;

	journal_with(place->path, 3);
	index = index_ok(place->path);
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
		struct err e = { 0 };

		if (strcmp(nothing[i], "%") != 0)
			assert_int_equal(index_search(index, nothing[i], &(struct index_filter){ 0 }, put_hit, &out, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
	}
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct err e = { 0 };

		if (index_search(index, odd[i], &(struct index_filter){ 0 }, put_hit, &out, &e) < 0 && e.kind != ERR_USAGE)
			fail_msg("%s: %s", odd[i], e.text);
	}
	finds_in(index, "number 2", (struct index_filter){ 0 }, "4 note   note [number] 2\n");
	buf_done(&out);
	index_close(index);
}

/* What the purge names is gone from what is found and from the file, even when it was indexed before. */
static void index_search__forgets_purged_payloads(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	int64_t session = session_ok(store), seq = note_ok(store, session, "hunter2supersecret was the password");
	char range[60], *path = index_path(place->path), *command;
	struct event purge = { .kind = EVENT_PAYLOAD_PURGED, .session = session, .who = "ann", .call = range, .data = "{\"reason\":\"a password\"}" };
	struct index *index = index_ok(place->path);
	struct err e = { 0 };

	snprintf(range, sizeof(range), "%lld..%lld", (long long)seq, (long long)seq);
	finds_in(index, "hunter2supersecret", (struct index_filter){ 0 }, "2 note   [hunter2supersecret] was the password\n");
	append_ok(store, &purge, 1);
	assert_int_equal(index_update(index, INDEX_TEXT, NULL, NULL, &e), 0);
	finds_in(index, "hunter2supersecret", (struct index_filter){ 0 }, "");
	assert_non_null(strstr(index_words(index), "payloads were purged"));
	finds_in(index, "\"a password\"", (struct index_filter){ 0 }, "3 payload.purged   [a password]\n");
	index_close(index);
	/* Not merely hidden: no byte of it is left in the file. (The journal's own purge is the journal's.) */
	command = mem_printf("! grep -aq hunter2 '%s'", path);
	{
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			execl("/bin/sh", "sh", "-c", command, (char *)NULL);
			_exit(127);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	store_close(store);
	mem_free(command);
	mem_free(path);
}

/* The journal has secrets by their names alone; so has the index, also where a chunk border cut one in two. */
static void index_search__never_knew_a_secret(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct redactor *redactor = redactor_new();
	struct err e = { 0 };
	struct secret *secret = secret_new("db", "correcthorsebattery", 19, &e);
	struct redact_stream *stream;
	struct buf first = { 0 }, second = { 0 };
	int64_t session = session_ok(store);

	redactor_add(redactor, secret);
	stream = redact_stream_new(redactor);
	redact_stream_feed(stream, &first, "password is correcthor", 22);
	redact_stream_feed(stream, &second, "sebattery indeed\n", 17);
	redact_stream_end(stream, &second);
	output(store, session, "1", buf_text(&first));
	output(store, session, "1", buf_text(&second));
	finds(place->path, "correct*", (struct index_filter){ 0 }, "");
	finds(place->path, "*battery", (struct index_filter){ 0 }, "");
	finds(place->path, "indeed", (struct index_filter){ 0 }, "3 call.output s  password is [secret db] [indeed]\n");
	redact_stream_free(stream);
	redactor_free(redactor);
	secret_free(secret);
	buf_done(&first);
	buf_done(&second);
	store_close(store);
}

/* A good file that cannot be written is searched, and what is newer is found too. */
static void index_search__finds_all_with_a_file_that_cannot_be_written(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	char *path = index_path(place->path), *lock = mem_printf("%s-lock", path);
	int64_t session = session_ok(store);
	struct index *index;

	note_ok(store, session, "old apple");
	index_close(index_ok(place->path));
	note_ok(store, session, "new apple");
	assert_int_equal(unlink(lock), 0);
	assert_int_equal(mkdir(lock, 0700), 0);
	index = index_ok(place->path);
	assert_non_null(strstr(index_words(index), "working without"));
	finds_in(index, "apple", (struct index_filter){ 0 }, "3 note   new [apple]\n2 note   old [apple]\n");
	finds_in(index, "apple", (struct index_filter){ .limit = 1 }, "3 note   new [apple]\n");
	index_close(index);
	store_close(store);
	mem_free(path);
	mem_free(lock);
}

static void index_search__mends_a_damaged_index(void **state)
{
	struct place *place = *state;
	char *path = index_path(place->path), junk[4096];
	struct index *index;
	struct stat st;
	int fd;

	journal_with(place->path, 100);
	index_close(index_ok(place->path));
	assert_int_equal(stat(path, &st), 0);
	memset(junk, 0xa5, sizeof(junk));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	for (off_t at = 4096; at < st.st_size; at += (off_t)sizeof(junk))
		assert_int_equal(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
	close(fd);
	index = index_ok(place->path);
	finds_in(index, "99", (struct index_filter){ 0 }, "101 note   note number [99]\n");
	assert_non_null(strstr(index_words(index), "made anew"));
	index_close(index);
	mem_free(path);
}

static void index_search__long_lines_are_cut_at_characters(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	int64_t session = session_ok(store);
	struct index *index;
	struct buf text = { 0 }, out = { 0 };
	struct err e = { 0 };

	for (int i = 0; i < 300; i++)
		buf_puts(&text, "\xc3\xa4\xe4\xb8\xad ");
	buf_puts(&text, "here ");
	for (int i = 0; i < 300; i++)
		buf_puts(&text, "\xe4\xb8\xad\xc3\xa4 ");
	output(store, session, "1", buf_text(&text));
	index = index_ok(place->path);
	assert_int_equal(index_search(index, "here", &(struct index_filter){ 0 }, put_hit, &out, &e), 0);
	assert_true(out.len > 0 && out.len < 400);
	assert_true(strstr(out.data, "[here]") != NULL);
	{
		struct buf scrubbed = { 0 };

		utf8_scrub(&scrubbed, out.data, out.len);
		assert_string_equal(buf_text(&scrubbed), out.data);
		buf_done(&scrubbed);
	}
	buf_done(&text);
	buf_done(&out);
	index_close(index);
	store_close(store);
}

static void fill(struct store *store, int64_t session, int rounds)
{
	static const char data[] = "{\"action\":\"ssh.run\",\"effect\":\"change\",\"shown\":\"systemctl restart apple\"}";

	for (int i = 0; i < rounds; i++) {
		struct event events[100];

		for (size_t k = 0; k < 100; k++)
			events[k] = (struct event){ .kind = k % 4 ? EVENT_CALL_OUTPUT : EVENT_CALL_BEGUN, .session = session, .who = "bellbook", .step = "s", .attempt = 1, .call = "1",
				.host = "app1", .data = k % 4 ? "{\"stream\":\"out\"}" : data, .bytes = k % 4 ? "one line of output\n" : NULL, .len = k % 4 ? 19 : 0 };
		append_ok(store, events, 100);
	}
}

/* Killed at any instant, in the first half or the second: what comes after goes on from the last batch, and nothing is doubled or missing. */
static void flip(const char *path, const char *needle)
{
	struct buf bytes = { 0 };
	char *at;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	ssize_t got;

	while ((got = read(fd, buf_room(&bytes, 65536), 65536)) > 0)
		buf_added(&bytes, (size_t)got);
	at = memmem(bytes.data, bytes.len, needle, strlen(needle));
	assert_non_null(at);
	assert_int_equal(pwrite(fd, "X", 1, at - bytes.data), 1);
	close(fd);
	buf_done(&bytes);
}

/* One changed byte costs what stands behind it, not everything. */
static void index_search__finds_what_stands_before_damage(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	int64_t session = session_ok(store);
	struct index *index;

	note_ok(store, session, "apple before");
	note_ok(store, session, "qqwwee damaged");
	note_ok(store, session, "apple behind");
	store_close(store);
	journal_alone(place->path);
	flip(place->path, "qqwwee");
	for (int i = 0; i < 2; i++) {	/* made, and as it was kept */
		index = index_ok(place->path);
		finds_in(index, "apple", (struct index_filter){ 0 }, "2 note   [apple] before\n");
		assert_non_null(strstr(index_words(index), "event 3 has a payload that was changed"));
		index_close(index);
	}
}

static void index_file__survives_being_killed(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	int64_t session = session_ok(store);
	char *path = index_path(place->path);
	struct index *index;
	struct err e = { 0 };
	int64_t hits;
	sqlite3 *db;
	sqlite3_stmt *stmt;

	fill(store, session, 120);
	for (int i = 0; i < 10; i++) {
		struct timespec moment = { .tv_nsec = i * i * 1500000L };
		pid_t pid = fork();

		if (pid == 0) {
			index = index_open(place->path, &e);
			if (index)
				(void)index_update(index, INDEX_TEXT, NULL, NULL, &e);
			leave(0);
		}
		nanosleep(&moment, NULL);	/* whenever that is: before, in or behind a batch */
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	index = index_ok(place->path);
	assert_string_equal(index_words(index), "");
	index_close(index);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM text WHERE text MATCH 'apple OR output'", -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	hits = sqlite3_column_int64(stmt, 0);
	assert_int_equal(hits, 12000);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	store_close(store);
	mem_free(path);
}

static void index_queries__use_their_indexes(void **state)
{
	struct place *place = *state;
	char *path = index_path(place->path);
	struct buf explain = { 0 };
	sqlite3_stmt *stmt;
	sqlite3 *db;

	journal_with(place->path, 3);
	index_close(index_ok(place->path));
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	buf_printf(&explain, "EXPLAIN QUERY PLAN %s", index_search_sql);
	assert_int_equal(sqlite3_prepare_v2(db, explain.data, -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		if (strstr((const char *)sqlite3_column_text(stmt, 3), "TEMP B-TREE"))
			fail_msg("a sort of all hits");
	sqlite3_finalize(stmt);
	for (const char *const *sql = index_query_sql + 2; *sql; sql++) {	/* the first two walk over the sessions and the debts, which are few */
		buf_clear(&explain);
		buf_printf(&explain, "EXPLAIN QUERY PLAN %s", *sql);
		assert_int_equal(sqlite3_prepare_v2(db, explain.data, -1, &stmt, NULL), SQLITE_OK);
		while (sqlite3_step(stmt) == SQLITE_ROW)
			if (strstr((const char *)sqlite3_column_text(stmt, 3), "SCAN"))
				fail_msg("%s: %s", (const char *)sqlite3_column_text(stmt, 3), *sql);
		sqlite3_finalize(stmt);
	}
	sqlite3_close(db);
	buf_done(&explain);
	mem_free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(index_search__finds_words_wherever_they_were_said, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_search__filters_by_host_person_session_and_time, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_search__finds_words_that_were_cut_in_two, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_search__sees_text_as_a_terminal_shows_it, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_search__takes_any_words, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_search__forgets_purged_payloads, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_search__never_knew_a_secret, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_search__finds_all_with_a_file_that_cannot_be_written, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_search__mends_a_damaged_index, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_search__long_lines_are_cut_at_characters, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_search__finds_what_stands_before_damage, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_file__survives_being_killed, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_queries__use_their_indexes, place_make, place_remove),
	};

	return cmocka_run_group_tests_name("journal_search", tests, NULL, NULL);
}
