/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/index/history.h"

#include "base/time.h"
#include "journal_fixture.h"

#define START_US (1700000000 * TIME_SECOND)

static const char opened[] = "{\"runbook\":{\"id\":\"up\",\"title\":\"Upgrade\"},\"steps\":[{\"id\":\"look\",\"kind\":\"observe\",\"title\":\"Look\"},"
	"{\"id\":\"stop\",\"kind\":\"change\",\"title\":\"Stop it\"}]}";

/* A step that was asked about for wait seconds and then worked for work seconds, down all the while. */
static void walk_step(struct store *store, int64_t session, int64_t at, int wait, int work)
{
	char took[64], data[64];
	struct event asked = { .kind = EVENT_ASKED, .session = session, .step = "stop", .at_us = at, .data = "{\"of\":\"step\",\"text\":\"Run it?\"}" };

	append_ok(store, &asked, 1);
	snprintf(data, sizeof(data), "{\"seq\":%lld,\"value\":\"go\"}", (long long)asked.seq);
	snprintf(took, sizeof(took), "{\"state\":\"ok\",\"took_us\":%lld}", (long long)work * TIME_SECOND);
	at += wait * TIME_SECOND;
	struct event rest[] = {
		{ .kind = EVENT_ANSWERED, .session = session, .step = "stop", .at_us = at, .who = "ada", .data = data },
		{ .kind = EVENT_DOWNTIME_BEGAN, .session = session, .step = "stop", .at_us = at },
		{ .kind = EVENT_STEP_BEGUN, .session = session, .step = "stop", .attempt = 1, .at_us = at },
		{ .kind = EVENT_NOTE, .session = session, .step = "stop", .at_us = at, .who = "ada", .bytes = "mind the gap", .len = 12 },
		{ .kind = EVENT_NOTE, .session = session, .step = "stop", .at_us = at, .who = "bellbook", .bytes = "machine", .len = 7 },
		{ .kind = EVENT_STEP_ENDED, .session = session, .step = "stop", .attempt = 1, .at_us = at + work * TIME_SECOND, .data = took },
		{ .kind = EVENT_DOWNTIME_ENDED, .session = session, .step = "stop", .at_us = at + work * TIME_SECOND },
	};

	append_ok(store, rest, sizeof(rest) / sizeof(rest[0]));
}

/* outcome NULL leaves it open. */
static int64_t walk(struct store *store, int number, const char *outcome, int wait, int work)
{
	int64_t at = START_US + number * 1000 * TIME_SECOND;
	struct event ev = { .kind = EVENT_SESSION_OPENED, .who = "ada", .at_us = at, .data = opened };

	append_ok(store, &ev, 1);
	walk_step(store, ev.session, at, wait, work);
	if (outcome) {
		char data[64];
		struct event closed = { .kind = EVENT_SESSION_CLOSED, .session = ev.session, .at_us = at + 500 * TIME_SECOND, .data = data };

		snprintf(data, sizeof(data), "{\"outcome\":\"%s\"}", outcome);
		append_ok(store, &closed, 1);
	}
	return ev.session;
}

static void history__keeps_people_and_work_apart(void **state)
{
	const struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct history *history = history_new();
	const struct json *one, *step;
	struct err e = { 0 };

	walk(store, 1, "ok", 7, 40);
	walk(store, 2, "failed", 3, 90);
	store_close(store);
	assert_int_equal(history_read(history, place->path, false, HISTORY_SESSIONS, &e), 0);
	assert_int_equal(json_count(history_sessions(history)), 2);
	assert_string_equal(json_text(json_item(history_sessions(history), 0), "state", ""), "failed");
	one = json_item(history_sessions(history), 1);
	assert_string_equal(json_text(one, "state", ""), "ok");
	assert_int_equal(json_int(one, "took_us", 0), 500 * TIME_SECOND);
	assert_int_equal(json_int(one, "work_us", 0), 40 * TIME_SECOND);
	assert_int_equal(json_int(one, "wait_us", 0), 7 * TIME_SECOND);
	assert_int_equal(json_int(one, "down_us", 0), 40 * TIME_SECOND);
	step = json_item(json_at(one, "list"), 1);
	assert_string_equal(json_text(step, "id", ""), "stop");
	assert_int_equal(json_int(step, "wait_us", 0), 7 * TIME_SECOND);
	assert_string_equal(json_text(json_item(json_at(one, "notes"), 0), "text", ""), "mind the gap");
	assert_int_equal(json_count(json_at(one, "notes")), 1);
	history_free(history);
}

/* A step that a person skipped, and one that was not needed: only the first is left out. */
static void history__counts_what_people_left_out(void **state)
{
	const struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct history *history = history_new();
	int64_t session = walk(store, 1, NULL, 1, 1);
	struct event more[] = {
		{ .kind = EVENT_STEP_ENDED, .session = session, .step = "look", .who = "bellbook", .data = "{\"state\":\"skipped\",\"reason\":\"not needed here\"}" },
		{ .kind = EVENT_STEP_ENDED, .session = session, .step = "stop", .who = "ada", .data = "{\"state\":\"skipped\",\"reason\":\"no time\"}" },
	};
	struct err e = { 0 };

	append_ok(store, more, 1);
	assert_int_equal(history_read(history, place->path, false, HISTORY_SESSIONS, &e), 0);
	assert_int_equal(json_int(json_item(history_sessions(history), 0), "left_out", -1), 0);
	append_ok(store, more + 1, 1);
	assert_int_equal(history_read(history, place->path, false, HISTORY_SESSIONS, &e), 0);
	assert_int_equal(json_int(json_item(history_sessions(history), 0), "left_out", -1), 1);
	store_close(store);
	history_free(history);
}

static void history__finds_doubts_and_open_questions(void **state)
{
	const struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct history *history = history_new();
	int64_t session = walk(store, 1, NULL, 1, 1);
	struct event more[] = {
		{ .kind = EVENT_STEP_BEGUN, .session = session, .step = "stop", .attempt = 2 },
		{ .kind = EVENT_CALL_BEGUN, .session = session, .step = "stop", .attempt = 2, .call = "1", .host = "db2", .data = "{\"effect\":\"change\"}" },
		{ .kind = EVENT_CALL_SETTLED, .session = session, .step = "stop", .attempt = 2, .call = "1", .host = "db2", .data = "{\"how\":\"unknown\"}" },
		{ .kind = EVENT_STEP_DOUBTED, .session = session, .step = "stop", .attempt = 2, .data = "{\"reason\":\"nobody knows\"}" },
		{ .kind = EVENT_ASKED, .session = session, .step = "stop", .data = "{\"of\":\"doubt\",\"text\":\"What became of it?\"}" },
	};
	const struct json *one, *doubt;
	struct err e = { 0 };

	walk(store, 2, "ok", 1, 1);
	append_ok(store, more, sizeof(more) / sizeof(more[0]));
	assert_int_equal(history_read(history, place->path, true, HISTORY_SESSIONS, &e), 0);
	assert_int_equal(json_count(history_sessions(history)), 1);
	one = json_item(history_sessions(history), 0);
	assert_string_equal(json_text(one, "state", ""), "open");
	assert_string_equal(json_text(one, "waits", ""), "What became of it?");
	assert_false(json_bool(one, "running", true));
	doubt = json_item(json_at(one, "doubts"), 0);
	assert_string_equal(json_text(doubt, "title", ""), "Stop it");
	assert_string_equal(json_text(doubt, "host", ""), "db2");
	/* It moves on: what was read before is not kept for it. */
	struct event ended = { .kind = EVENT_STEP_ENDED, .session = session, .step = "stop", .attempt = 2, .data = "{\"state\":\"ok\"}" };
	append_ok(store, &ended, 1);
	assert_int_equal(history_read(history, place->path, false, HISTORY_SESSIONS, &e), 0);
	assert_int_equal(json_count(history_sessions(history)), 2);
	assert_int_equal(json_count(json_at(json_item(history_sessions(history), 1), "doubts")), 0);
	store_close(store);
	history_free(history);
}

/* A session of a runbook on a fleet; closed NULL leaves it open. */
static int64_t brief(struct store *store, const char *runbook, const char *fleet, bool dry_run, const char *closed)
{
	char *data = mem_printf("{\"runbook\":{\"id\":\"%s\",\"title\":\"T\"},\"fleet\":{\"name\":\"%s\"},\"dry_run\":%s,\"steps\":[]}", runbook, fleet, dry_run ? "true" : "false");
	struct event ev = { .kind = EVENT_SESSION_OPENED, .who = "ada", .at_us = START_US, .data = data };
	struct event end = { .kind = EVENT_SESSION_CLOSED, .at_us = START_US + 1, .data = closed };

	append_ok(store, &ev, 1);
	end.session = ev.session;
	if (closed)
		append_ok(store, &end, 1);
	mem_free(data);
	return ev.session;
}

static bool back_is_open(const char *journal, int64_t session)
{
	struct history *history = history_new();
	struct err e = { 0 };
	bool open = false;

	assert_int_equal(history_read(history, journal, false, HISTORY_SESSIONS, &e), 0);
	for (size_t i = 0; i < json_count(history_sessions(history)); i++)
		if (json_int(json_item(history_sessions(history), i), "session", 0) == session)
			open = json_bool(json_item(history_sessions(history), i), "back_open", false);
	history_free(history);
	return open;
}

#define BACK_CLOSED(outcome) "{\"outcome\":\"" outcome "\",\"way_back\":{\"runbook\":\"down\",\"params\":{}}}"

/* What leaves the way back of a session open, and what shuts it. */
static void history__tells_which_ways_back_are_open(void **state)
{
	static const struct { const char *runbook, *fleet, *closed; bool dry_run, open; } later[] = {
		{ "other", "one", BACK_CLOSED("ok"), false, true },
		{ "down", "two", "{\"outcome\":\"ok\"}", false, true },
		{ "down", "one", "{\"outcome\":\"ok\"}", true, true },
		{ "down", "one", "{\"outcome\":\"failed\"}", false, true },
		{ "up", "one", "{\"outcome\":\"aborted\"}", false, true },
		{ "down", "one", "{\"outcome\":\"ok\"}", false, false },
		{ "down", "one", NULL, false, false },
		{ "up", "one", NULL, false, false },
		{ "up", "one", BACK_CLOSED("ok"), false, false },
	};
	const struct place *place = *state;

	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		struct store *store = open_ok(place->path, STORE_WRITE);
		char *fleet = mem_printf("one%zu", i), *there = mem_printf("%s%zu", later[i].fleet, i);
		int64_t session = brief(store, "up", fleet, false, BACK_CLOSED("aborted"));

		assert_true(back_is_open(place->path, session));
		brief(store, later[i].runbook, there, later[i].dry_run, later[i].closed);
		if (back_is_open(place->path, session) != later[i].open)
			fail_msg("case %zu: it should be %s", i, later[i].open ? "open" : "shut");
		store_close(store);
		mem_free(fleet);
		mem_free(there);
	}
}

/* A runbook whose steps were inserted, renamed and moved while people were waited for: what they took stays with its step. */
static void history__keeps_waits_with_their_steps_when_the_runbook_changes(void **state)
{
	const struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	struct history *history = history_new();
	int64_t session = walk(store, 1, NULL, 7, 1);
	const char *steps = "{\"steps\":[{\"id\":\"first\",\"title\":\"New\"},{\"id\":\"halt\",\"title\":\"Stop it\",\"was\":[\"stop\"]},{\"id\":\"look\",\"title\":\"Look\"}]}";
	struct event resumed = { .kind = EVENT_SESSION_RESUMED, .session = session, .who = "ada", .data = steps };
	struct event fewer = { .kind = EVENT_SESSION_RESUMED, .session = session, .who = "ada", .data = "{\"steps\":[{\"id\":\"look\",\"title\":\"Look\"}]}" };
	static const struct { const char *id; int wait; } wanted[] = { { "first", 0 }, { "halt", 7 }, { "look", 0 } };
	const struct json *one;
	struct err e = { 0 };

	append_ok(store, &resumed, 1);
	assert_int_equal(history_read(history, place->path, true, HISTORY_SESSIONS, &e), 0);
	one = json_item(history_sessions(history), 0);
	for (size_t i = 0; i < 3; i++) {
		const struct json *step = json_item(json_at(one, "list"), i);

		assert_string_equal(json_text(step, "id", ""), wanted[i].id);
		assert_int_equal(json_int(step, "wait_us", -1), wanted[i].wait * TIME_SECOND);
	}
	assert_int_equal(json_int(one, "wait_us", 0), 7 * TIME_SECOND);
	/* A step that is gone takes nothing along from the sum. */
	append_ok(store, &fewer, 1);
	assert_int_equal(history_read(history, place->path, true, HISTORY_SESSIONS, &e), 0);
	one = json_item(history_sessions(history), 0);
	assert_int_equal(json_int(json_item(json_at(one, "list"), 0), "wait_us", -1), 0);
	assert_int_equal(json_int(one, "wait_us", 0), 7 * TIME_SECOND);
	store_close(store);
	history_free(history);
}

static void history__of_no_journal_is_empty(void **state)
{
	const struct place *place = *state;
	struct history *history = history_new();
	struct err e = { 0 };

	assert_int_equal(history_read(history, place->path, false, HISTORY_SESSIONS, &e), 0);
	assert_int_equal(json_count(history_sessions(history)), 0);
	history_free(history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(history__tells_which_ways_back_are_open, place_make, place_remove),
		cmocka_unit_test_setup_teardown(history__keeps_people_and_work_apart, place_make, place_remove),
		cmocka_unit_test_setup_teardown(history__counts_what_people_left_out, place_make, place_remove),
		cmocka_unit_test_setup_teardown(history__finds_doubts_and_open_questions, place_make, place_remove),
		cmocka_unit_test_setup_teardown(history__keeps_waits_with_their_steps_when_the_runbook_changes, place_make, place_remove),
		cmocka_unit_test_setup_teardown(history__of_no_journal_is_empty, place_make, place_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
