/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "journal_fixture.h"

#include <sqlite3.h>

#include "base/json.h"
#include "base/time.h"
#include "journal/index/index.h"
#include "journal/index/index_int.h"
#include "journal_story.h"

#define SECOND TIME_SECOND

/* The story as a session of its own behind what is there; returns the session. up_to = how many of its events. */
static int64_t tell(struct store *store, size_t up_to, int64_t later_us)
{
	struct arena *arena = arena_new();
	struct err e = { 0 };
	int64_t base = store_head(store, &e), session = base + 1;

	for (size_t i = 0; i < up_to; i++) {
		struct event ev = story_event(arena, i);
		int64_t seq = ev.seq;

		ev.session = i == 0 ? 0 : session;
		ev.seq = 0;
		ev.at_us += later_us;
		if (base > 0 && (ev.kind == EVENT_ANSWERED || ev.kind == EVENT_WITHDRAWN)) {
			char *moved = arena_printf(arena, "{\"seq\":%lld}", (long long)(base + (seq == 13 ? 11 : seq == 27 ? 25 : 35)));

			ev.data = moved;
		}
		append_ok(store, &ev, 1);
	}
	arena_free(arena);
	return session;
}

static struct index *index_ok(const char *journal)
{
	struct err e = { 0 };
	struct index *index = index_open(journal, &e);

	if (!index)
		fail_msg("%s: %s", err_kind_name(e.kind), e.text);
	if (index_update(index, INDEX_FACTS, NULL, NULL, &e) < 0)
		fail_msg("%s: %s", err_kind_name(e.kind), e.text);
	return index;
}

static bool put_session(void *arg, const struct index_session *row)
{
	char *people = json_print(row->people), *hosts = json_print(row->hosts);

	buf_printf(arg, "%lld %s|%s|%s|%s|%s|%s dry %d opened %lld closed %lld last %lld active %lld waited %lld since %lld down %lld since %lld step %lld of %lld,"
			" ok %lld warn %lld failed %lld skipped %lld deferred %lld left out %lld doubt %lld unsettled %lld %s@%s, %lld failures %lld warnings %lld notes %lld resumed %s %s\n",
		   (long long)row->session, row->runbook, row->title, row->fleet, row->who, row->outcome, row->reason, row->dry_run,
		   (long long)((row->opened_us - STORY_START_US) / SECOND), row->closed_us ? (long long)((row->closed_us - STORY_START_US) / SECOND) : -1,
		   (long long)((row->last_us - STORY_START_US) / SECOND), (long long)(row->active_us / SECOND), (long long)(row->waited_us / SECOND),
		   row->wait_since_us ? (long long)((row->wait_since_us - STORY_START_US) / SECOND) : -1, (long long)(row->down_us / SECOND),
		   row->down_since_us ? (long long)((row->down_since_us - STORY_START_US) / SECOND) : -1, (long long)row->step, (long long)row->steps,
		   (long long)row->ok, (long long)row->warn, (long long)row->failed, (long long)row->skipped, (long long)row->deferred, (long long)row->left_out, (long long)row->in_doubt,
		   (long long)row->unsettled, row->doubt_step, row->doubt_host, (long long)row->failures, (long long)row->warnings, (long long)row->notes,
		   (long long)row->resumed, people, hosts);
	mem_free(people);
	mem_free(hosts);
	return true;
}

/* Rows as text. Caller owns. */
static char *list(struct index *index, struct index_filter filter)
{
	struct buf out = { 0 };
	struct err e = { 0 };

	if (index_sessions(index, &filter, put_session, &out, &e) < 0)
		fail_msg("%s", e.text);
	return buf_take(&out);
}

static void index_facts__tell_a_session_as_its_model_does(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct index *index;
	char *text;

	tell(store, STORY_COUNT, 0);
	store_close(store);
	index = index_ok(place->path);
	assert_string_equal(index_words(index), "");
	text = list(index, (struct index_filter){ 0 });
	/* Questions were open from 4 to 14, 17 to 30 and 43 to 53; down from 14 to 61. */
	assert_string_equal(text, "1 es|Rebuild the search index|prod|ann|aborted|enough for today dry 0 opened 0 closed 70 last 70 active 70 waited 33 since -1"
				  " down 47 since -1 step 5 of 5, ok 1 warn 1 failed 0 skipped 1 deferred 1 left out 1 doubt 0 unsettled 0 @, 1 failures 2 warnings"
				  " 2 notes 0 resumed [\"ann\",\"bob\"] [\"app1\",\"app2\",\"db1\"]\n");
	mem_free(text);
	index_close(index);
}

/* The steps say 47 s; asked from outside it was refused from second 10 to 20, and from 30 on until 90, when who asked was gone. */
static void index_facts__downtime_is_what_was_met_from_outside_when_that_was_longer(void **state)
{
	static const struct { int at, from, to; const char *state; } counts[] = {
		{ 11, 5, 9, "answers" }, { 12, 10, 10, "refuses" }, { 15, 11, 14, "refuses" }, { 21, 20, 20, "answers" }, { 31, 30, 30, "refuses" }, { 66, 31, 90, "refuses" },
		{ 132, 130, 131, "answers" },
	};
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct index *index;
	char *text;

	tell(store, STORY_COUNT, 0);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		char *data = mem_printf("{\"from_us\":%lld,\"to_us\":%lld,\"state\":\"%s\",\"asked\":1}", (long long)(STORY_START_US + counts[i].from * SECOND),
			(long long)(STORY_START_US + counts[i].to * SECOND), counts[i].state);
		struct event ev = { .kind = EVENT_OUTSIDE_COUNTED, .session = 1, .at_us = STORY_START_US + counts[i].at * SECOND, .data = data };

		append_ok(store, &ev, 1);
		mem_free(data);
	}
	append_ok(store, &(struct event){ .kind = EVENT_OUTSIDE_ENDED, .session = 1, .at_us = STORY_START_US + 135 * SECOND, .data = "{\"reason\":\"the walk ended\"}" }, 1);
	store_close(store);
	index = index_ok(place->path);
	text = list(index, (struct index_filter){ 0 });
	assert_non_null(strstr(text, " down 70 since -1 "));
	mem_free(text);
	index_close(index);
}

static void index_facts__are_the_same_however_often_they_are_brought_up(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct index *index = NULL;
	struct arena *arena = arena_new();
	char *once, *whole, *path = index_path(place->path);

	for (size_t i = 0; i < STORY_COUNT; i++) {
		struct event ev = story_event(arena, i);

		ev.seq = 0;
		ev.session = i ? 1 : 0;
		append_ok(store, &ev, 1);
		index = index_ok(place->path);	/* another process each time */
		index_close(index);
	}
	index = index_ok(place->path);
	once = list(index, (struct index_filter){ 0 });
	index_close(index);
	assert_int_equal(unlink(path), 0);
	index = index_ok(place->path);
	assert_string_equal(index_words(index), "");
	whole = list(index, (struct index_filter){ 0 });
	assert_string_equal(once, whole);
	index_close(index);
	store_close(store);
	mem_free(once);
	mem_free(whole);
	mem_free(path);
	arena_free(arena);
}

static void index_facts__show_what_is_open_waiting_and_in_doubt(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct index *index;
	char *text;

	tell(store, 17, 0);	/* down, two orders out */
	index = index_ok(place->path);
	text = list(index, (struct index_filter){ .open = true });
	assert_non_null(strstr(text, "closed -1 last 14 active 14 waited 10 since -1 down 0 since 14"));
	assert_non_null(strstr(text, "doubt 0 unsettled 2 stop@app1,"));
	mem_free(text);
	tell(store, 25, 100 * SECOND);
	assert_int_equal(index_update(index, INDEX_FACTS, NULL, NULL, &(struct err){ 0 }), 0);
	text = list(index, (struct index_filter){ .open = true, .limit = 1 });
	assert_non_null(strstr(text, "18 es|"));
	assert_non_null(strstr(text, "failed 1 "));
	assert_non_null(strstr(text, "since 117 down"));	/* "What now?" */
	mem_free(text);
	index_close(index);
	store_close(store);
}

/* Killed at 20 with a step running, taken up at 520: neither active nor waited, and the step's work is without it too. */
static void index_facts__leave_out_the_time_when_nobody_carried_the_session(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct event more[] = {
		{ .kind = EVENT_CALL_OUTPUT, .who = "bellbook", .step = "stop", .attempt = 1, .call = "1/app1/1", .bytes = "x", .len = 1, .at_us = 20 },
		{ .kind = EVENT_SESSION_RESUMED, .who = "cleo", .data = "{\"reason\":\"killed\"}", .at_us = 520 },
		{ .kind = EVENT_STEP_BEGUN, .who = "bellbook", .step = "stop", .attempt = 1, .data = "{\"part\":\"run\",\"again\":true}", .at_us = 521 },
		{ .kind = EVENT_STEP_ENDED, .who = "bellbook", .step = "stop", .attempt = 1, .data = "{\"state\":\"ok\",\"took_us\":9000000}", .at_us = 530 },
		{ .kind = EVENT_SESSION_CLOSED, .who = "cleo", .data = "{\"outcome\":\"ok\"}", .at_us = 540 },
	};
	int64_t session = tell(store, 17, 0);
	struct index_runbook past;
	struct err e = { 0 };
	struct index *index;
	char *text;

	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		more[i].session = session;
		more[i].at_us = STORY_START_US + more[i].at_us * SECOND;
		append_ok(store, &more[i], 1);
	}
	index = index_ok(place->path);
	text = list(index, (struct index_filter){ .person = "cleo" });
	assert_non_null(strstr(text, "active 40 waited 10 "));
	assert_non_null(strstr(text, "1 resumed [\"ann\",\"bob\",\"cleo\"]"));
	assert_int_equal(index_runbook(index, "es", &past, &e), 0);
	assert_int_equal(past.active.median_us, 40 * SECOND);
	assert_int_equal(past.work.median_us, 30 * SECOND);
	mem_free(text);
	index_close(index);
	store_close(store);
}

static bool put_step(void *arg, const struct index_step *row)
{
	buf_printf(arg, "%s %lld %lld took %lld %lld %lld of %lld waited %lld\n", row->step, (long long)row->runs, (long long)row->failed,
		   (long long)(row->took.median_us / SECOND), (long long)(row->took.min_us / SECOND), (long long)(row->took.max_us / SECOND), (long long)row->took.count,
		   (long long)(row->waited.median_us / SECOND));
	return true;
}

static char *steps_of(struct index *index, const char *runbook, int64_t session)
{
	struct buf out = { 0 };
	struct err e = { 0 };

	assert_int_equal(index_steps(index, runbook, session, put_step, &out, &e), 0);
	return buf_take(&out);
}

static int64_t timed(struct store *store, const char *head, int work, int wait)
{
	struct event ev = { .kind = EVENT_SESSION_OPENED, .who = "ann", .data = head, .at_us = STORY_START_US };
	char *ended = mem_printf("{\"state\":\"ok\",\"took_us\":%d000000}", work), *answer;
	int64_t session, t = STORY_START_US + SECOND;

	append_ok(store, &ev, 1);
	session = ev.session;
	ev = (struct event){ .kind = EVENT_STEP_BEGUN, .session = session, .step = "a", .attempt = 1, .at_us = t };
	append_ok(store, &ev, 1);
	ev = (struct event){ .kind = EVENT_ASKED, .session = session, .step = "a", .data = "{\"of\":\"question\",\"text\":\"?\"}", .at_us = t };
	append_ok(store, &ev, 1);
	t += wait * SECOND;
	answer = mem_printf("{\"seq\":%lld}", (long long)ev.seq);
	ev = (struct event){ .kind = EVENT_ANSWERED, .session = session, .step = "a", .data = answer, .at_us = t };
	append_ok(store, &ev, 1);
	mem_free(answer);
	t += work * SECOND;
	ev = (struct event){ .kind = EVENT_STEP_ENDED, .session = session, .step = "a", .attempt = 1, .data = ended, .at_us = t };
	append_ok(store, &ev, 1);
	ev = (struct event){ .kind = EVENT_SESSION_CLOSED, .session = session, .who = "ann", .data = "{\"outcome\":\"ok\"}", .at_us = t };
	append_ok(store, &ev, 1);
	mem_free(ended);
	return session;
}

static void index_steps__give_median_and_range_of_work_and_waiting_apart(void **state)
{
	static const char head[] = "{\"runbook\":{\"id\":\"r\"},\"steps\":[{\"id\":\"a\",\"kind\":\"change\"}]}";
	static const char rehearsed[] = "{\"dry_run\":true,\"runbook\":{\"id\":\"r\"},\"steps\":[{\"id\":\"a\",\"kind\":\"change\"}]}";
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct index_runbook past;
	struct index *index;
	struct err e = { 0 };
	int64_t last;
	char *text;

	timed(store, head, 10, 100);
	timed(store, head, 30, 1);
	last = timed(store, head, 14, 7);
	timed(store, rehearsed, 999, 999);
	index = index_ok(place->path);
	text = steps_of(index, "r", 0);
	assert_string_equal(text, "a 3 0 took 14 10 30 of 3 waited 7\n");
	mem_free(text);
	text = steps_of(index, "r", last);
	assert_string_equal(text, "a 2 0 took 20 10 30 of 2 waited 50\n");
	mem_free(text);
	text = steps_of(index, "nothing", 0);
	assert_string_equal(text, "");
	mem_free(text);
	assert_int_equal(index_runbook(index, "r", &past, &e), 0);
	assert_int_equal(past.sessions, 3);
	assert_int_equal(past.ok, 3);
	assert_int_equal(past.last, last);
	assert_int_equal(past.work.count, 3);
	assert_int_equal(past.work.median_us, 15 * SECOND);
	assert_int_equal(past.active.max_us, 111 * SECOND);
	assert_int_equal(past.down.max_us, 0);
	index_close(index);
	store_close(store);
}

static void only(struct index *index, struct index_filter filter, const char *want)
{
	char *text = list(index, filter), *at = text;
	struct buf got = { 0 };

	while (*at) {
		buf_printf(&got, "%.*s ", (int)strcspn(at, " "), at);
		at = strchr(at, '\n') + 1;
	}
	assert_string_equal(buf_text(&got), want);
	buf_done(&got);
	mem_free(text);
}

static void index_sessions__are_filtered(void **state)
{
	static const char head[] = "{\"runbook\":{\"id\":\"r\"},\"steps\":[{\"id\":\"a\",\"kind\":\"change\"}]}";
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct index *index;

	tell(store, STORY_COUNT, 0);			/* 1: failed, hosts, ann and bob, until 70 */
	tell(store, 9, 1000 * SECOND);			/* 50: open, db1, ann, 1000 to 1003 */
	timed(store, head, 1, 1);			/* 59: ok, from 0 to 3 */
	index = index_ok(place->path);
	only(index, (struct index_filter){ 0 }, "59 50 1 ");
	only(index, (struct index_filter){ .limit = 2 }, "59 50 ");
	only(index, (struct index_filter){ .failed = true }, "1 ");
	only(index, (struct index_filter){ .open = true }, "50 ");
	only(index, (struct index_filter){ .host = "db1" }, "50 1 ");
	only(index, (struct index_filter){ .host = "db" }, "");
	only(index, (struct index_filter){ .person = "bob" }, "1 ");
	only(index, (struct index_filter){ .runbook = "r" }, "59 ");
	only(index, (struct index_filter){ .session = 50 }, "50 ");
	only(index, (struct index_filter){ .since_us = STORY_START_US + 60 * SECOND }, "50 1 ");
	only(index, (struct index_filter){ .until_us = STORY_START_US + 60 * SECOND }, "59 1 ");
	only(index, (struct index_filter){ .host = "db1", .person = "bob", .runbook = "es" }, "1 ");
	index_close(index);
	store_close(store);
}

static bool count_span(void *arg, int64_t from_us, int64_t to_us)
{
	int64_t *total = arg;

	*total += to_us ? to_us - from_us : 0;
	return true;
}

static void index_downtimes__are_given_one_by_one(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct err e = { 0 };
	struct index *index;
	int64_t total = 0;

	tell(store, STORY_COUNT, 0);
	index = index_ok(place->path);
	assert_int_equal(index_downtimes(index, 1, count_span, &total, &e), 0);
	assert_int_equal(total, 47 * SECOND);
	index_close(index);
	store_close(store);
}

/* --- what can be wrong with the file --- */

static void told(struct index *index, const char *part)
{
	if (!strstr(index_words(index), part))
		fail_msg("\"%s\" is not in: %s", part, index_words(index));
}

static void still_right(const char *journal, const char *words)
{
	struct index *index = index_ok(journal);

	only(index, (struct index_filter){ 0 }, "1 ");
	told(index, words);
	index_close(index);
	index = index_ok(journal);
	only(index, (struct index_filter){ 0 }, "1 ");
	index_close(index);
}

static void tell_one(struct place *place)
{
	struct store *store = open_ok(place->path, STORE_WRITE);

	tell(store, STORY_COUNT, 0);
	store_close(store);
	index_close(index_ok(place->path));
}

static void overwrite(const char *path, long at, const char *bytes, size_t len)
{
	FILE *f = fopen(path, "r+b");

	assert_non_null(f);
	assert_int_equal(fseek(f, at, SEEK_SET), 0);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void index_file__is_made_anew_when_it_is_damaged(void **state)
{
	struct place *place = *state;
	char *path, zeros[30000] = { 0 };
	struct stat st;

	tell_one(place);
	path = index_path(place->path);
	assert_true(strstr(path, "/index.db") != NULL);
	overwrite(path, 0, "this is no database", 19);
	still_right(place->path, "made anew: it is damaged");
	assert_int_equal(truncate(path, 5000), 0);
	still_right(place->path, "made anew");
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 40000);
	overwrite(path, 8192, zeros, sizeof(zeros));	/* tables gone, header fine */
	still_right(place->path, "made anew");
	assert_int_equal(truncate(path, 0), 0);
	still_right(place->path, "");
	mem_free(path);
}

static void sql(const char *path, const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

static void index_file__is_made_anew_when_it_is_older_and_left_alone_when_newer(void **state)
{
	struct place *place = *state;
	char *path, *was, *is;

	tell_one(place);
	path = index_path(place->path);
	sql(path, "PRAGMA user_version=0");
	still_right(place->path, "an older bellbook made it");
	sql(path, "PRAGMA user_version=99");
	was = directory_digest(place->dir);
	still_right(place->path, "a newer bellbook made it");
	is = directory_digest(place->dir);
	assert_string_equal(is, was);
	mem_free(was);
	mem_free(is);
	mem_free(path);
}

static void index_file__of_another_journal_is_noticed(void **state)
{
	struct place *place = *state;
	struct store *store;
	char *aside, *path;

	tell_one(place);
	path = index_path(place->path);
	aside = mem_printf("%s/other.db", place->dir);
	/* A second journal under the name of the first. */
	store = open_ok(aside, STORE_WRITE);
	tell(store, STORY_COUNT, 0);
	store_close(store);
	journal_alone(place->path);
	journal_alone(aside);
	assert_int_equal(rename(aside, place->path), 0);
	still_right(place->path, "it belongs to another journal");
	mem_free(aside);
	mem_free(path);
}

/* The same journal put back from an older copy, and gone on with otherwise. */
static void index_file__of_another_past_is_noticed(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	char *back = mem_printf("%s.copy", place->path);
	struct index *index;
	char lock[300];

	tell(store, 5, 0);
	store_close(store);
	journal_alone(place->path);
	{
		char *command[] = { (char[]){ "cp" }, place->path, back, NULL };
		pid_t pid = fork();

		if (pid == 0) {
			execvp("cp", command);
			_exit(127);
		}
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	store = open_ok(place->path, STORE_WRITE);
	note_ok(store, 1, "one way");
	store_close(store);
	index_close(index_ok(place->path));
	journal_alone(place->path);
	assert_int_equal(rename(back, place->path), 0);
	snprintf(lock, sizeof(lock), "%s-lock", place->path);
	assert_int_equal(unlink(lock), 0);	/* else nobody writes to an older copy … */
	snprintf(lock, sizeof(lock), "%s-ballast", place->path);
	assert_int_equal(unlink(lock), 0);	/* … nor by this one */
	store = open_ok(place->path, STORE_WRITE);
	note_ok(store, 1, "another way");
	note_ok(store, 1, "and further");
	store_close(store);
	index = index_ok(place->path);
	told(index, "the journal is not the one that it was made from");
	{
		char *text = list(index, (struct index_filter){ 0 });

		assert_non_null(strstr(text, "2 notes"));
		mem_free(text);
	}
	index_close(index);
	mem_free(back);
}

/* root may write anywhere: a directory in the way of the file does it for everybody. */
static void index_file__that_cannot_be_made_is_done_without(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	char *path = index_path(place->path);
	struct index *index;

	tell(store, STORY_COUNT, 0);
	assert_int_equal(mkdir(path, 0700), 0);
	index = index_ok(place->path);
	told(index, "working without ");
	told(index, "which takes longer");
	only(index, (struct index_filter){ 0 }, "1 ");
	tell(store, 3, 0);
	assert_int_equal(index_update(index, INDEX_FACTS, NULL, NULL, &(struct err){ 0 }), 0);
	only(index, (struct index_filter){ 0 }, "50 1 ");
	index_close(index);
	store_close(store);
	mem_free(path);
}

/* The file is there and good, its lock cannot be had: what it knows is taken over. */
static void index_file__that_cannot_be_locked_is_read(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	char *path = index_path(place->path), *lock = mem_printf("%s-lock", path);
	struct index *index;

	tell(store, STORY_COUNT, 0);
	index_close(index_ok(place->path));
	tell(store, 3, 0);
	assert_int_equal(unlink(lock), 0);
	assert_int_equal(mkdir(lock, 0700), 0);
	index = index_ok(place->path);
	told(index, "working without ");
	only(index, (struct index_filter){ 0 }, "50 1 ");
	index_close(index);
	store_close(store);
	mem_free(path);
	mem_free(lock);
}

/* Two writers of the index and one of the journal at once. */
static void index_file__is_brought_up_by_many_at_once(void **state)
{
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct index *index;
	pid_t pids[2];
	int status;
	char *text;

	tell(store, 3, 0);
	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			for (int k = 0; k < 10; k++) {
				struct err e = { 0 };
				struct index *mine = index_open(place->path, &e);

				if (!mine || index_update(mine, INDEX_FACTS, NULL, NULL, &e) < 0 || *index_words(mine))
					leave(1);
				index_close(mine);
			}
			leave(0);
		}
	}
	for (int i = 0; i < 60; i++)
		note_ok(store, 1, "more");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	index = index_ok(place->path);
	text = list(index, (struct index_filter){ 0 });
	assert_non_null(strstr(text, " 60 notes"));
	mem_free(text);
	index_close(index);
	store_close(store);
}

static void index_open__without_a_journal_says_so(void **state)
{
	struct place *place = *state;
	struct err e = { 0 };

	assert_null(index_open(place->path, &e));
	assert_int_equal(e.kind, ERR_NOTFOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(index_facts__tell_a_session_as_its_model_does, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_facts__downtime_is_what_was_met_from_outside_when_that_was_longer, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_facts__are_the_same_however_often_they_are_brought_up, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_facts__show_what_is_open_waiting_and_in_doubt, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_facts__leave_out_the_time_when_nobody_carried_the_session, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_steps__give_median_and_range_of_work_and_waiting_apart, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_sessions__are_filtered, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_downtimes__are_given_one_by_one, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_file__is_made_anew_when_it_is_damaged, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_file__is_made_anew_when_it_is_older_and_left_alone_when_newer, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_file__of_another_journal_is_noticed, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_file__of_another_past_is_noticed, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_file__that_cannot_be_made_is_done_without, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_file__that_cannot_be_locked_is_read, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_file__is_brought_up_by_many_at_once, place_make, place_remove),
		cmocka_unit_test_setup_teardown(index_open__without_a_journal_says_so, place_make, place_remove),
	};

	return cmocka_run_group_tests_name("journal_index", tests, NULL, NULL);
}
