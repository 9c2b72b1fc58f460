/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lines a reviewer reads, and notes that are written afterwards. */
#include "journal_fixture.h"

#include <sched.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "journal/index/note.h"
#include "journal/store/place.h"
#include "journal/model/timeline.h"
#include "journal_story.h"

static struct timeline *told(void)
{
	struct timeline *timeline = timeline_new(1);
	struct arena *arena = arena_new();

	for (size_t i = 0; i < STORY_COUNT; i++) {
		struct event ev = story_event(arena, i);

		timeline_event(timeline, &ev);
	}
	arena_free(arena);
	return timeline;
}

static void put(struct buf *out, const struct timeline *timeline, unsigned groups)
{
	for (size_t i = 0; i < timeline->count; i++) {
		const struct mark *mark = &timeline->marks[i];

		if (mark->groups & groups)
			buf_printf(out, "%lld +%lld %lld %s %s %s%s\n", (long long)mark->seq, (long long)(mark->at_us - STORY_START_US) / 1000000,
				(long long)(mark->took_us < 0 ? -1 : mark->took_us / 1000000), *mark->who ? mark->who : "-", mark->word,
				mark->text ? mark->text : "(later)", mark->late ? " LATE" : "");
	}
}

static void timeline__has_steps_failures_decisions_notes_settings(void **state)
{
	static const char want[] =
		"1 +0 -1 ann OPEN opened \"Rebuild the search index\" (es), 5 steps, fleet prod\n"
		"3 +1 -1 ann SET workers = 2, given\n"
		"4 +1 -1 ann SET token = [secret token], secret\n"
		"6 +2 1 - ok 1 How much?\n"
		"14 +14 -1 - DOWN downtime begins\n"
		"15 +14 3 ann FAIL 2 Stop the workers: app2: exit status 5\n"
		"26 +20 -1 bob NOTE app2 was reinstalled on Tuesday\n"
		"27 +30 -1 ann CHOSE answers defer, because unit is missing, owner bob, due 2025-11-24 (to: What now?)\n"
		"28 +30 -1 - defer 2 Stop the workers: unit is missing\n"
		"30 +31 30 - warn 3 Index: slow\n"
		"33 +41 -1 - WORKER the worker (process 4712) died; 1 calls in doubt\n"
		"39 +61 -1 - UP downtime ends\n"
		"42 +63 -1 - WARN disk of app1 is 91 % full\n"
		"43 +64 -1 ann PAUSE paused: tea\n"
		"44 +65 -1 ann GO ON continued\n"
		"46 +67 -1 - skip 4 Tell the users: told already\n"
		"48 +69 -1 ann LESSON Check the unit first.\n"
		"49 +70 -1 ann CLOSE closed: aborted, 1 step put off, enough for today\n";
	struct timeline *timeline = told();
	struct buf got = { 0 };

	(void)state;
	put(&got, timeline, MARK_DEFAULT);
	assert_string_equal(buf_text(&got), want);
	buf_clear(&got);
	timeline_people(timeline, &got);
	assert_string_equal(buf_text(&got), "ann, bob");
	buf_done(&got);
	timeline_free(timeline);
}

static void timeline__spans_are_down_failed_and_waiting(void **state)
{
	struct timeline *timeline = told();

	(void)state;
	assert_int_equal(timeline_total(timeline, SPAN_DOWN), 47000000);
	assert_int_equal(timeline_total(timeline, SPAN_FAILED), 13000000);
	assert_int_equal(timeline_total(timeline, SPAN_WAIT), 10000000 + 13000000 + 10000000);
	assert_int_equal(timeline->end_us - STORY_START_US, 70000000);
	assert_int_equal(timeline_steps(timeline, STEP_SKIPPED), 1);
	timeline_free(timeline);
}

/* The story in a journal. */
static void write_story(const char *path)
{
	struct store *store = open_ok(path, STORE_WRITE);
	struct arena *arena = arena_new();

	for (size_t i = 0; i < STORY_COUNT; i++) {
		struct event ev = story_event(arena, i);

		ev.seq = 0;
		ev.session = i == 0 ? 0 : 1;
		append_ok(store, &ev, 1);
	}
	arena_free(arena);
	store_close(store);
}

static struct timeline *read_ok(const char *path, struct store **store)
{
	struct timeline *timeline = timeline_new(1);
	struct err e = { 0 };

	*store = open_ok(path, STORE_READ);
	if (timeline_read(timeline, *store, &e) < 0)
		fail_msg("%s", e.text);
	return timeline;
}

static void timeline__read_is_as_told_and_goes_on_where_it_ended(void **state)
{
	struct place *place = *state;
	struct timeline *from_memory = told(), *from_file;
	struct buf want = { 0 }, got = { 0 };
	struct store *store, *writer;
	struct err e = { 0 };

	write_story(place->path);
	from_file = read_ok(place->path, &store);
	put(&want, from_memory, MARK_ALL);
	put(&got, from_file, MARK_ALL);
	assert_string_equal(buf_text(&got), buf_text(&want));
	assert_null(from_file->damage);
	writer = open_ok(place->path, STORE_WRITE);
	note_ok(writer, 1, "the day after");
	store_close(writer);
	assert_int_equal(timeline_read(from_file, store, &e), 0);
	assert_int_equal(from_file->count, from_memory->count + 1);
	assert_string_equal(from_file->marks[from_file->count - 1].text, "the day after");
	assert_true(from_file->marks[from_file->count - 1].late);
	assert_int_equal(from_file->end_us, from_memory->end_us);
	store_close(store);
	buf_done(&want);
	buf_done(&got);
	timeline_free(from_memory);
	timeline_free(from_file);
}

static void timeline__text_that_is_not_kept_is_read(void **state)
{
	struct place *place = *state;
	struct timeline *timeline;
	struct buf got = { 0 };
	struct store *store;

	write_story(place->path);
	timeline = read_ok(place->path, &store);
	for (size_t i = 0; i < timeline->count; i++)
		if (timeline->marks[i].seq == 16)
			timeline_text(timeline, store, &timeline->marks[i], &got);
	assert_string_equal(buf_text(&got), "call 1/app1/1 on app1 as root: systemctl stop sidekiq");
	buf_done(&got);
	store_close(store);
	timeline_free(timeline);
}

/* Somebody writes the file past the journal: a payload no longer fits its digest. */
static void spoil(const char *path, int64_t seq)
{
	sqlite3_stmt *stmt;
	sqlite3 *db;
	char *sql = mem_printf("DROP TRIGGER payload_update; UPDATE payload SET bytes = x'00' WHERE seq = %lld", (long long)seq), *make;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT sql FROM sqlite_schema WHERE name = 'payload_update'", -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	make = mem_strdup((const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, make, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	mem_free(make);
	mem_free(sql);
}

static void timeline__damage_is_told_and_the_rest_is_read(void **state)
{
	struct place *place = *state;
	struct timeline *whole = told(), *timeline = timeline_new(1);
	struct store *store;
	struct err e = { 0 };

	write_story(place->path);
	store = open_ok(place->path, STORE_READ);
	spoil(place->path, 26);
	assert_int_equal(timeline_read(timeline, store, &e), 0);
	assert_int_equal(timeline->lost, 1);
	assert_non_null(strstr(timeline->damage, "event 26"));
	assert_int_equal(timeline->count, whole->count - 1);
	assert_int_equal(timeline->model->state, SESSION_CLOSED);
	store_close(store);
	timeline_free(whole);
	timeline_free(timeline);
}

static void timeline__by_hand_is_a_decision(void **state)
{
	struct timeline *timeline = told();
	struct event ev = { .seq = STORY_COUNT + 1, .session = 1, .at_us = STORY_START_US, .kind = EVENT_SESSION_RESUMED, .kind_number = EVENT_SESSION_RESUMED, .who = "ann" };
	struct event shell = { .seq = STORY_COUNT + 2, .session = 1, .at_us = STORY_START_US, .kind = EVENT_CALL_BEGUN, .kind_number = EVENT_CALL_BEGUN,
		.who = "ann", .step = "stop", .attempt = 1, .call = "d1", .host = "app2", .data = "{\"action\":\"ssh.shell\",\"shown\":\"bash\",\"of\":\"detour\"}" };

	(void)state;
	timeline_event(timeline, &ev);
	timeline_event(timeline, &shell);
	assert_string_equal(timeline->marks[timeline->count - 1].word, "HAND");
	assert_true(timeline->marks[timeline->count - 1].groups & MARK_DECISIONS);
	assert_non_null(strstr(timeline->marks[timeline->count - 1].text, "bash"));
	timeline_free(timeline);
}

static void timeline__no_such_session_is_said(void **state)
{
	struct place *place = *state;
	struct timeline *timeline = timeline_new(7);
	struct store *store;
	struct err e = { 0 };

	write_story(place->path);
	store = open_ok(place->path, STORE_READ);
	assert_int_equal(timeline_read(timeline, store, &e), -1);
	assert_int_equal(e.kind, ERR_NOTFOUND);
	store_close(store);
	timeline_free(timeline);
}

static void timeline__run_before_has_the_same_runbook(void **state)
{
	struct place *place = *state;
	struct event others[] = {
		{ .kind = EVENT_SESSION_OPENED, .who = "ann", .data = "{\"runbook\":{\"id\":\"other\"}}" },
		{ .kind = EVENT_SESSION_OPENED, .who = "ann", .data = "{\"runbook\":{\"id\":\"es\"},\"dry_run\":true}" },
		{ .kind = EVENT_SESSION_OPENED, .who = "ann", .data = "{\"runbook\":{\"id\":\"es\"}}" },
	};
	struct timeline *timeline;
	struct store *store;
	struct err e = { 0 };

	write_story(place->path);
	store = open_ok(place->path, STORE_WRITE);
	for (size_t i = 0; i < 3; i++)
		append_ok(store, &others[i], 1);
	timeline = timeline_new(others[2].session);
	assert_int_equal(timeline_read(timeline, store, &e), 0);
	assert_int_equal(timeline_before(timeline, store, &e), 1);
	timeline_free(timeline);
	timeline = timeline_new(1);
	assert_int_equal(timeline_read(timeline, store, &e), 0);
	assert_int_equal(timeline_before(timeline, store, &e), 0);
	timeline_free(timeline);
	store_close(store);
}

static void note__afterwards_is_an_event_of_its_own(void **state)
{
	struct place *place = *state;
	struct note note = { .session = 1, .text = "it was the cache", .step = "stop", .attempt = 1 };
	struct note pin = { .session = 1, .text = "Unit not loaded.", .step = "stop", .attempt = 1, .pin = 19, .at_us = STORY_START_US + 15000000 };
	struct timeline *timeline;
	struct store *store;
	struct buf got = { 0 };
	struct err e = { 0 };
	int64_t seq = 0;

	write_story(place->path);
	assert_int_equal(note_write(place->path, &note, &seq, &e), 0);
	assert_int_equal(seq, STORY_COUNT + 1);
	assert_int_equal(note_write(place->path, &pin, NULL, &e), 0);
	verify_ok(place->path, (int64_t)STORY_COUNT + 2);
	timeline = read_ok(place->path, &store);
	assert_int_equal(timeline->model->state, SESSION_CLOSED);
	assert_int_equal(timeline->model->last_seq, STORY_COUNT);
	for (size_t i = 1; i < timeline->count; i++)
		if (str_is(timeline->marks[i].word, "PIN")) {	/* in its place, at its time */
			assert_true(timeline->marks[i - 1].seq <= 19);
			assert_true(timeline->marks[i + 1].seq > 19);
			assert_int_equal(timeline->marks[i].at_us, pin.at_us);
		}
	put(&got, timeline, MARK_NOTES);
	assert_non_null(strstr(buf_text(&got), "PIN Unit not loaded. LATE\n"));
	assert_non_null(strstr(buf_text(&got), "NOTE it was the cache LATE\n"));
	buf_done(&got);
	store_close(store);
	timeline_free(timeline);
}

/* Whether the process sleeps: it waits for us then. */
static bool sleeps(pid_t pid)
{
	char *path = mem_printf("/proc/%d/stat", (int)pid), line[512] = "";
	FILE *f = fopen(path, "re");
	const char *name_end;

	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	mem_free(path);
	name_end = strrchr(line, ')');
	return name_end && name_end[1] == ' ' && name_end[2] == 'S';
}

/* In a child: carries session 1 and listens to nobody, as a session does that is about to end; ends when the other has been seen waiting. */
static void carry_until_asked(const char *journal, int ready, pid_t other)
{
	struct err e = { 0 };
	struct lease *lease = lease_take(journal, 1, NULL, &e);

	if (!lease || write(ready, "r", 1) != 1)
		_exit(1);
	while (!sleeps(other))
		sched_yield();
	lease_drop(lease);
	_exit(0);
}

static void note__is_written_when_the_session_ends_before_it_was_asked(void **state)
{
	struct place *place = *state;
	struct note note = { .session = 1, .text = "it was the cache" };
	struct err e = { 0 };
	pid_t self = getpid(), pid;
	int ready[2], status;
	char byte;

	write_story(place->path);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0)
		carry_until_asked(place->path, ready[1], self);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	assert_int_equal(note_write(place->path, &note, NULL, &e), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	verify_ok(place->path, (int64_t)STORY_COUNT + 1);
}

static void note__needs_a_text_and_a_session(void **state)
{
	struct place *place = *state;
	char *long_text = mem_alloc(LIMIT_TEXT + 2);
	struct note longer = { .session = 1, .text = long_text };
	struct note empty = { .session = 1, .text = "" }, nowhere = { .session = 2, .text = "x" }, other = { .session = 99, .text = "x" };
	struct err e = { 0 };

	write_story(place->path);
	assert_int_equal(note_write(place->path, &empty, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_int_equal(note_write(place->path, &nowhere, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_NOTFOUND);
	assert_int_equal(note_write(place->path, &other, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_NOTFOUND);
	memset(long_text, 'x', LIMIT_TEXT + 1);
	long_text[LIMIT_TEXT + 1] = '\0';
	assert_int_equal(note_write(place->path, &longer, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	mem_free(long_text);
	verify_ok(place->path, (int64_t)STORY_COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timeline__has_steps_failures_decisions_notes_settings),
		cmocka_unit_test(timeline__spans_are_down_failed_and_waiting),
		cmocka_unit_test(timeline__by_hand_is_a_decision),
		cmocka_unit_test_setup_teardown(timeline__read_is_as_told_and_goes_on_where_it_ended, place_make, place_remove),
		cmocka_unit_test_setup_teardown(timeline__text_that_is_not_kept_is_read, place_make, place_remove),
		cmocka_unit_test_setup_teardown(timeline__damage_is_told_and_the_rest_is_read, place_make, place_remove),
		cmocka_unit_test_setup_teardown(timeline__no_such_session_is_said, place_make, place_remove),
		cmocka_unit_test_setup_teardown(timeline__run_before_has_the_same_runbook, place_make, place_remove),
		cmocka_unit_test_setup_teardown(note__afterwards_is_an_event_of_its_own, place_make, place_remove),
		cmocka_unit_test_setup_teardown(note__is_written_when_the_session_ends_before_it_was_asked, place_make, place_remove),
		cmocka_unit_test_setup_teardown(note__needs_a_text_and_a_session, place_make, place_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
