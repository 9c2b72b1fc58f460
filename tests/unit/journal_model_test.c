/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "journal_story.h"

struct world {
	struct model *model;
	struct arena *arena;
};

static int set_up(void **state)
{
	struct world *world = mem_alloc(sizeof(*world));

	world->model = model_new();
	world->arena = arena_new();
	*state = world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;

	model_free(world->model);
	arena_free(world->arena);
	mem_free(world);
	return 0;
}

/* Folds events [from, to) of the story. */
static void tell(struct world *world, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		struct event ev = story_event(world->arena, i);

		model_apply(world->model, &ev);
	}
}

/* One more event, seconds after the start, with data in ' for ". */
static void add(struct world *world, int second, enum event_kind kind, const char *who, const char *step, const char *data)
{
	char *text = story_data(data);
	struct event ev = {
		.seq = world->model->last_seq + 1,
		.session = 1,
		.at_us = STORY_START_US + second * 1000000LL,
		.kind = kind,
		.kind_number = (int)kind,
		.who = who,
		.step = step,
		.data = text,
	};

	model_apply(world->model, &ev);
	mem_free(text);
}

static void model__full_session_folds_to_its_end(void **state)
{
	struct world *world = *state;
	const struct model *model = world->model;
	const struct model_call *call;

	tell(world, 0, STORY_COUNT);
	assert_int_equal(model->session, 1);
	assert_int_equal(model->last_seq, STORY_COUNT);
	assert_int_equal(model->state, SESSION_CLOSED);
	assert_string_equal(model->outcome, "aborted");
	assert_string_equal(model->runbook, "es");
	assert_string_equal(model->title, "Rebuild the search index");
	assert_string_equal(model->fleet, "prod");
	assert_string_equal(model->who, "ann");
	assert_int_equal(model->process_pid, 4711);
	assert_int_equal(model->step_count, 5);
	assert_int_equal(model->steps[0].state, STEP_OK);
	assert_int_equal(model->steps[1].state, STEP_DEFERRED);
	assert_int_equal(model->steps[2].state, STEP_WARN);
	assert_int_equal(model->steps[3].state, STEP_SKIPPED);
	assert_int_equal(model->steps[4].state, STEP_READY);
	assert_int_equal(model->steps[4].kind, STEP_IRREVERSIBLE);
	assert_string_equal(model->steps[1].reason, "unit is missing (owed by bob until 2025-11-24)");
	assert_int_equal(json_int(model->params, "workers", 0), 2);
	assert_string_equal(json_text(model->params, "token", ""), "[secret token]");
	assert_int_equal(model->call_count, 4);
	call = model_call_find(model, "stop", 1, "1/app2/1");
	assert_int_equal(call->state, CALL_FAILED);
	assert_int_equal(call->exit_code, 5);
	assert_string_equal(call->error, "exit status 5");
	assert_string_equal(call->as, "root");
	assert_int_equal(call->out_bytes, 57);
	assert_int_equal(model->failures, 1);
	assert_int_equal(model->warnings, 2);
	assert_int_equal(model->notes, 2);
	assert_int_equal(model->ask_count, 0);
	assert_int_equal(model->people_count, 0);
	assert_false(model->gap);
}

static void model__fold_of_all_equals_fold_in_two_parts(void **state)
{
	struct world *world = *state;
	char *whole;

	tell(world, 0, STORY_COUNT);
	whole = story_dump(world->model);
	for (size_t n = 0; n <= STORY_COUNT; n++) {
		char *parts;

		model_free(world->model);
		world->model = model_new();
		tell(world, 0, n);
		/* The second part overlaps, as after a reconnect. */
		tell(world, n > 7 ? n - 7 : 0, STORY_COUNT);
		parts = story_dump(world->model);
		assert_string_equal(parts, whole);
		mem_free(parts);
	}
	mem_free(whole);
}

static void model__events_told_twice_count_once(void **state)
{
	struct world *world = *state;
	char *once, *twice;

	tell(world, 0, 27);
	once = story_dump(world->model);
	tell(world, 0, 27);
	twice = story_dump(world->model);
	assert_string_equal(once, twice);
	mem_free(once);
	mem_free(twice);
}

static void model__unknown_kind_changes_nothing_but_last_seq(void **state)
{
	struct world *world = *state;
	char *before, *after;

	tell(world, 0, 20);
	before = story_dump(world->model);
	add(world, 99, EVENT_UNKNOWN, "zoe", "stop", "{'state':'ok','seq':11}");
	after = story_dump(world->model);
	assert_string_equal(before, after);
	assert_int_equal(world->model->last_seq, 21);
	mem_free(before);
	mem_free(after);
}

static void model__malformed_data_changes_nothing_but_last_seq(void **state)
{
	static const enum event_kind kinds[] = {
		EVENT_SESSION_CLOSED, EVENT_PARAM_SET, EVENT_STEP_ENDED, EVENT_CALL_ENDED, EVENT_CALL_SETTLED,
		EVENT_WORKER_LOST, EVENT_ASKED, EVENT_ANSWERED, EVENT_WITHDRAWN, EVENT_LEFT,
	};
	static const char *const bad[] = {
		"[", "[]", "7", "null", "'x'", "{'a':", "{}", "{'state':7,'outcome':[],'seq':'11','name':{},'of':1,'how':2,'calls':{}}",
		"{'state':'excellent','outcome':'','seq':-1,'name':'','of':'','how':'','calls':[{},null]}",
		"{'state':'running'}", "{'state':'planned'}", "{'seq':99999999999999999999}",
	};
	struct world *world = *state;
	char *before;

	tell(world, 0, 26);
	before = story_dump(world->model);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			int64_t seq = world->model->last_seq;
			char *after;

			add(world, 99, kinds[k], "zoe", "stop", bad[i]);
			assert_int_equal(world->model->last_seq, seq + 1);
			after = story_dump(world->model);
			assert_string_equal(before, after);
			mem_free(after);
		}
	}
	mem_free(before);
}

static void model__data_that_are_no_object_make_no_event(void **state)
{
	static const enum event_kind kinds[] = { EVENT_STEP_ENTERED, EVENT_STEP_BEGUN, EVENT_NOTE, EVENT_DOWNTIME_BEGAN,
						 EVENT_CALL_BEGUN, EVENT_SESSION_PAUSED, EVENT_JOINED };
	static const char *const bad[] = { "[", "[]", "7", "null", "'x'" };
	struct world *world = *state;
	char *before, *after;

	tell(world, 0, 9);
	before = story_dump(world->model);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
			add(world, 99, kinds[k], "zoe", "count", bad[i]);
	}
	after = story_dump(world->model);
	assert_string_equal(before, after);
	mem_free(before);
	mem_free(after);
}

static void model__events_of_another_session_are_ignored(void **state)
{
	struct world *world = *state;
	struct event ev;
	char *before, *after;

	tell(world, 0, 16);
	before = story_dump(world->model);
	ev = story_event(world->arena, STORY_COUNT - 1);
	ev.session = 2;
	model_apply(world->model, &ev);
	after = story_dump(world->model);
	assert_string_equal(before, after);
	mem_free(before);
	mem_free(after);
}

static void model__hole_in_seq_of_other_sessions_is_no_gap(void **state)
{
	struct world *world = *state;

	for (size_t i = 0; i < 9; i++) {
		struct event ev = story_event(world->arena, i);

		/* Another session runs at the same time and takes every second seq. */
		ev.seq = ev.seq * 2 - 1;
		model_apply(world->model, &ev);
	}
	assert_int_equal(world->model->last_seq, 17);
	assert_false(world->model->gap);
}

static void model__gap_when_the_beginning_is_missing(void **state)
{
	struct world *world = *state;

	tell(world, 3, 9);
	assert_true(world->model->gap);
}

static void model__gap_when_a_call_was_never_begun(void **state)
{
	struct world *world = *state;

	tell(world, 0, 6);
	tell(world, 7, 9);
	assert_true(world->model->gap);
	assert_int_equal(world->model->steps[0].state, STEP_OK);
}

static void model__question_is_open_until_answered(void **state)
{
	struct world *world = *state;
	const struct model_ask *ask;

	tell(world, 0, 12);
	assert_int_equal(world->model->ask_count, 1);
	ask = model_ask_find(world->model, 11);
	assert_non_null(ask);
	assert_string_equal(ask->of, "step");
	assert_string_equal(ask->step, "stop");
	assert_string_equal(ask->default_value, "go");
	assert_int_equal(ask->choice_count, 2);
	assert_string_equal(ask->choices[1].value, "skip");
	assert_false(ask->choices[0].needs_why);
	assert_true(ask->choices[1].needs_why);
	assert_true(ask->needs_why);
	assert_false(ask->secret);
	tell(world, 12, 13);
	assert_int_equal(world->model->ask_count, 0);
	assert_null(model_ask_find(world->model, 11));
}

static void model__withdrawn_question_is_open_no_more(void **state)
{
	struct world *world = *state;

	tell(world, 0, 12);
	add(world, 12, EVENT_WITHDRAWN, "bellbook", "stop", "{'seq':11,'reason':'resumed'}");
	assert_int_equal(world->model->ask_count, 0);
}

static void model__two_questions_at_once_are_answered_apart(void **state)
{
	struct world *world = *state;

	tell(world, 0, 12);
	add(world, 12, EVENT_ASKED, "bellbook", "stop", "{'of':'secret','text':'?','type':'secret','name':'key'}");
	add(world, 12, EVENT_ASKED, "bellbook", "", "{'of':'hostkey','text':'?','type':'choice','choices':['trust','refuse']}");
	assert_int_equal(world->model->ask_count, 3);
	assert_true(world->model->asks[1].secret);
	assert_null(world->model->asks[1].default_value);
	assert_string_equal(world->model->asks[2].choices[1].label, "refuse");
	add(world, 13, EVENT_ANSWERED, "ann", "", "{'seq':13}");
	assert_int_equal(world->model->ask_count, 2);
	assert_int_equal(world->model->asks[0].seq, 11);
	assert_int_equal(world->model->asks[1].seq, 14);
	add(world, 13, EVENT_ANSWERED, "ann", "", "{'seq':13}");
	assert_int_equal(world->model->ask_count, 2);
}

static void model__took_leaves_out_waiting_for_people(void **state)
{
	struct world *world = *state;

	tell(world, 0, 38);
	/* Begun at 31, ended at 61, a question was open from 43 to 53. */
	assert_int_equal(world->model->steps[2].took_us, 20 * 1000000LL);
	assert_int_equal(world->model->steps[2].waited_us, 10 * 1000000LL);
}

static void model__took_counts_overlapping_questions_once(void **state)
{
	struct world *world = *state;

	tell(world, 0, 30);
	add(world, 40, EVENT_ASKED, "bellbook", "index", "{'of':'question','text':'a'}");
	add(world, 42, EVENT_ASKED, "bellbook", "index", "{'of':'question','text':'b'}");
	add(world, 46, EVENT_ANSWERED, "ann", "index", "{'seq':31}");
	add(world, 50, EVENT_ANSWERED, "ann", "index", "{'seq':32}");
	add(world, 51, EVENT_STEP_ENDED, "bellbook", "index", "{'state':'ok'}");
	assert_int_equal(world->model->steps[2].took_us, 10 * 1000000LL);
}

static void model__question_open_at_the_end_counts_as_waiting(void **state)
{
	struct world *world = *state;

	tell(world, 0, 30);
	add(world, 40, EVENT_ASKED, "bellbook", "index", "{'of':'question','text':'a'}");
	add(world, 50, EVENT_STEP_ENDED, "bellbook", "index", "{'state':'failed','reason':'canceled'}");
	assert_int_equal(world->model->steps[2].took_us, 9 * 1000000LL);
}

static void model__measured_took_wins(void **state)
{
	struct world *world = *state;

	tell(world, 0, 9);
	assert_int_equal(world->model->steps[0].took_us, 1000000);
}

static void model__decision_about_a_failed_step_keeps_its_took(void **state)
{
	struct world *world = *state;

	tell(world, 0, 28);
	assert_int_equal(world->model->steps[1].took_us, 3 * 1000000LL);
	assert_int_equal(world->model->steps[1].attempt, 1);
	/* Also when the person took their time without being asked. */
	add(world, 300, EVENT_STEP_ENDED, "ann", "stop", "{'state':'skipped','reason':'done by hand'}");
	assert_int_equal(world->model->steps[1].state, STEP_SKIPPED);
	assert_int_equal(world->model->steps[1].took_us, 3 * 1000000LL);
}

static void model__retry_counts_attempts_and_failures(void **state)
{
	struct world *world = *state;

	tell(world, 0, 26);
	add(world, 31, EVENT_ANSWERED, "ann", "stop", "{'seq':25,'value':'retry'}");
	add(world, 31, EVENT_STEP_BEGUN, "bellbook", "stop", "{}");
	assert_int_equal(world->model->steps[1].attempt, 2);
	assert_int_equal(world->model->steps[1].state, STEP_RUNNING);
	assert_string_equal(world->model->steps[1].reason, "");
	add(world, 32, EVENT_STEP_ENDED, "bellbook", "stop", "{'state':'failed','reason':'again'}");
	assert_int_equal(world->model->failures, 2);
}

static void model__an_attempt_that_goes_on_keeps_its_beginning(void **state)
{
	struct world *world = *state;
	const struct model_step *step;

	tell(world, 0, 26);
	add(world, 40, EVENT_STEP_BEGUN, "bellbook", "stop", "{'part':'run'}");
	add(world, 50, EVENT_STEP_DOUBTED, "bellbook", "stop", "{'reason':'power'}");
	add(world, 58, EVENT_STEP_BEGUN, "bellbook", "stop", "{'part':'run','again':true}");
	step = model_step_find(world->model, "stop");
	assert_int_equal(step->state, STEP_RUNNING);
	assert_int_equal(step->attempt, 2);
	assert_int_equal(world->model->last_us - step->begun_us, 18 * 1000000LL);
}

/* Going back to a step that was left out: it is next, and alone is. */
static void model__one_step_is_next_at_a_time(void **state)
{
	struct world *world = *state;
	const struct model *model = world->model;

	tell(world, 0, 47);
	assert_int_equal(model->steps[4].state, STEP_READY);
	assert_int_equal(model->steps[3].state, STEP_SKIPPED);
	add(world, 80, EVENT_STEP_ENTERED, "ann", "tell", "{'index':4,'total':5,'back':true}");
	assert_int_equal(model->steps[3].state, STEP_READY);
	assert_string_equal(model->steps[3].reason, "");
	assert_int_equal(model->steps[4].state, STEP_PLANNED);
	assert_int_equal(model_current(model), 3);
	assert_int_equal((int64_t)model_left_out(model), 1);
}

static void model__current_is_the_step_being_worked_on(void **state)
{
	struct world *world = *state;

	tell(world, 0, 4);
	assert_int_equal(model_current(world->model), -1);
	tell(world, 4, 6);
	assert_int_equal(model_current(world->model), 0);
	tell(world, 6, 9);
	assert_int_equal(model_current(world->model), -1);
	tell(world, 9, 24);
	assert_int_equal(world->model->steps[1].state, STEP_FAILED);
	assert_int_equal(model_current(world->model), 1);
	tell(world, 24, 30);
	assert_int_equal(model_current(world->model), 2);
	add(world, 33, EVENT_STEP_DOUBTED, "bellbook", "index", "{'reason':'no answer'}");
	assert_int_equal(world->model->steps[2].state, STEP_IN_DOUBT);
	assert_int_equal(model_current(world->model), 2);
}

static void model__people_are_counted_by_views(void **state)
{
	struct world *world = *state;
	struct model *model = world->model;

	tell(world, 0, 12);
	assert_int_equal(model->people_count, 2);
	assert_string_equal(model->driver, "ann");
	assert_int_equal(model->people[1].uid, 1002);
	add(world, 13, EVENT_JOINED, "bob", "", "{'uid':1002,'role':'observer','view':'json'}");
	assert_int_equal(model->people_count, 2);
	assert_int_equal(model->people[1].count, 2);
	assert_string_equal(model->people[1].role, "navigator");
	add(world, 14, EVENT_LEFT, "bob", "", "{'uid':1002}");
	assert_int_equal(model->people_count, 2);
	add(world, 15, EVENT_LEFT, "ann", "", "{'uid':1001}");
	assert_int_equal(model->people_count, 1);
	assert_string_equal(model->people[0].who, "bob");
	assert_string_equal(model->driver, "ann");
	add(world, 16, EVENT_LEFT, "zoe", "", "{}");
	add(world, 16, EVENT_WHEEL_PASSED, "bob", "", "{'from':'ann','to':'bob'}");
	assert_string_equal(model->driver, "bob");
	assert_string_equal(model->people[0].role, "driver");
	add(world, 17, EVENT_JOINED, "ann", "", "{'uid':1001,'role':'navigator'}");
	add(world, 18, EVENT_WHEEL_PASSED, "bob", "", "{'from':'bob','to':'ann'}");
	assert_string_equal(model->driver, "ann");
	assert_string_equal(model->people[0].role, "navigator");
	assert_string_equal(model->people[1].role, "driver");
}

static void model__downtime_clock_runs_between_its_events(void **state)
{
	struct world *world = *state;
	struct model *model = world->model;

	tell(world, 0, 14);
	assert_int_equal(model->down_since_us, STORY_START_US + 14 * 1000000LL);
	add(world, 20, EVENT_DOWNTIME_BEGAN, "bellbook", "", "{}");
	assert_int_equal(model->down_since_us, STORY_START_US + 14 * 1000000LL);
	add(world, 61, EVENT_DOWNTIME_ENDED, "bellbook", "", "{}");
	assert_int_equal(model->down_total_us, 47 * 1000000LL);
	add(world, 62, EVENT_DOWNTIME_ENDED, "bellbook", "", "{}");
	assert_int_equal(model->down_total_us, 47 * 1000000LL);
	add(world, 70, EVENT_DOWNTIME_BEGAN, "bellbook", "", "{}");
	/* The wall clock was set back: time never runs backwards here. */
	add(world, 65, EVENT_DOWNTIME_ENDED, "bellbook", "", "{}");
	assert_int_equal(model->down_total_us, 47 * 1000000LL);
	assert_int_equal(model->down_since_us, 0);
}

/* Asked from outside, the site was refused from second 12 to 20; then it was slow and asked each ten seconds alone; then nobody asked for half a minute; a wait is no refusal. */
static void model__outside_is_a_second_clock(void **state)
{
	struct world *world = *state;
	const struct model_outside *outside = &world->model->outside;
	struct buf words = { 0 };
	char *data;

	tell(world, 0, 14);
	model_outside_words(world->model, STORY_START_US, &words);
	assert_int_equal(words.len, 0);
	add(world, 20, EVENT_OUTSIDE_BEGAN, "bellbook", "", "{\"asks\":[\"POST /inbox\"],\"seq\":7,\"slow_us\":3000000,\"unproven\":\"that mail goes\"}");
	assert_int_equal(outside->seq, 7);
	static const struct { int from, to, asked, answered, refused, waited; const char *state; } counts[] = {
		{ 10, 11, 2, 2, 0, 0, "answers" }, { 12, 12, 1, 0, 1, 0, "refuses" }, { 13, 19, 7, 0, 7, 0, "refuses" }, { 20, 25, 6, 6, 0, 0, "answers" },
		{ 36, 36, 1, 1, 0, 1, "waits" }, { 66, 71, 6, 6, 0, 0, "answers" }, { 72, 72, 0, 0, 0, 0, "waits" }, { 72, 81, 9, 9, 0, 4, "answers" },
	};
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		data = mem_printf("{\"from_us\":%lld,\"to_us\":%lld,\"state\":\"%s\",\"asked\":%d,\"answered\":%d,\"refused\":%d,\"waited\":%d,\"longest_us\":5000000%s}",
			(long long)STORY_START_US + counts[i].from * 1000000LL, (long long)STORY_START_US + counts[i].to * 1000000LL, counts[i].state, counts[i].asked,
			counts[i].answered, counts[i].refused, counts[i].waited, counts[i].refused ? ",\"words\":\"POST /inbox answers 502\"" : "");
		add(world, 21 + (int)i, EVENT_OUTSIDE_COUNTED, "bellbook", "", data);
		mem_free(data);
		if (i == 2)
			assert_int_equal(outside->refuses_since_us, STORY_START_US + 12 * 1000000LL);
		if (i == 6)
			assert_int_equal(outside->waits_since_us, STORY_START_US + 72 * 1000000LL);
	}
	assert_int_equal(outside->asked, 32);
	assert_int_equal(outside->refused, 8);
	assert_int_equal(outside->refused_us, 8 * 1000000LL);
	assert_int_equal(outside->blind_us, 30 * 1000000LL);
	assert_int_equal(outside->waits_since_us, 0);
	assert_int_equal(outside->refusal_count, 1);
	assert_int_equal(outside->refusals[0].count, 8);
	add(world, 90, EVENT_OUTSIDE_ENDED, "bellbook", "", "{\"reason\":\"the walk ended\"}");
	assert_true(outside->ended_us > 0);
	model_outside_words(world->model, world->model->last_us, &words);
	assert_non_null(strstr(buf_text(&words), "it refused 8 of 32 requests, for 8.0 s"));
	assert_non_null(strstr(buf_text(&words), "5 waited longer than 3.0 s, one of them 5.0 s"));
	assert_non_null(strstr(buf_text(&words), "The two differ by"));
	assert_non_null(strstr(buf_text(&words), "For 30 s nothing was counted"));
	assert_non_null(strstr(buf_text(&words), "Not proved: that mail goes."));
	buf_done(&words);
}

/* The process that asked was gone from 14 to 50, and from 53 to 80: the site is told as down for what was seen. */
static void model__outside_tells_what_nobody_saw_as_unseen(void **state)
{
	struct world *world = *state;
	const struct model_outside *outside = &world->model->outside;
	static const struct { int from, to; const char *state; } seen[] = { { 10, 14, "refuses" }, { 50, 51, "answers" }, { 52, 53, "refuses" }, { 80, 82, "refuses" }, { 83, 84, "answers" } };

	tell(world, 0, 14);
	add(world, 20, EVENT_OUTSIDE_BEGAN, "bellbook", "", "{\"asks\":[\"POST /inbox\"],\"seq\":7}");
	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
		char *data = mem_printf("{\"from_us\":%lld,\"to_us\":%lld,\"state\":\"%s\",\"asked\":1,\"refused\":1}", (long long)STORY_START_US + seen[i].from * 1000000LL,
			(long long)STORY_START_US + seen[i].to * 1000000LL, seen[i].state);

		add(world, 21 + (int)i, EVENT_OUTSIDE_COUNTED, "bellbook", "", data);
		mem_free(data);
	}
	assert_int_equal(outside->blind_us, (36 + 27) * 1000000LL);
	assert_int_equal(outside->refused_us, (4 + 1 + 3) * 1000000LL);
	assert_int_equal(outside->refusal_count, 3);
}

static void refused(struct world *world, int at, int to, const char *state, const char *rest)
{
	char *data = mem_printf("{\"from_us\":%lld,\"to_us\":%lld,\"state\":\"%s\",%s}", (long long)STORY_START_US + at * 1000000LL,
		(long long)STORY_START_US + to * 1000000LL, state, rest);

	add(world, 20 + to, EVENT_OUTSIDE_COUNTED, "bellbook", "", data);
	mem_free(data);
}

/* Each time in which it refused tells what was seen in it; an answer that was no refusal, and the newest of all, stand for none. */
static void model__each_refusal_says_what_was_seen_in_it(void **state)
{
	struct world *world = *state;
	struct buf words = { 0 };

	tell(world, 0, 14);
	add(world, 20, EVENT_OUTSIDE_BEGAN, "bellbook", "", "{\"asks\":[\"POST /inbox\",\"GET home\"],\"seq\":7,\"slow_us\":3000000}");
	refused(world, 1, 2, "refuses", "\"asked\":3,\"refused\":2,\"words\":\"GET home: no connection\","
		"\"causes\":[{\"text\":\"POST /inbox answers 502\",\"count\":1},{\"text\":\"GET home: no connection\",\"count\":1}]");
	refused(world, 3, 4, "refuses", "\"asked\":2,\"refused\":2,\"words\":\"POST /inbox answers 502\",\"causes\":[{\"text\":\"POST /inbox answers 502\",\"count\":2}]");
	refused(world, 5, 6, "answers", "\"asked\":2,\"answered\":2");
	refused(world, 7, 8, "refuses", "\"asked\":2,\"refused\":2,\"words\":\"GET home answers 500\",\"causes\":[{\"text\":\"GET home answers 500\",\"count\":2}]");
	refused(world, 9, 9, "answers", "\"asked\":2,\"answered\":2");
	refused(world, 10, 10, "refuses", "\"asked\":1,\"refused\":1,\"words\":\"GET home answers 500\",\"causes\":[{\"text\":\"GET home answers 500\",\"count\":1}]");
	refused(world, 11, 12, "answers", "\"asked\":2,\"answered\":1,\"odd\":1,\"words\":\"GET home answers 404\"");
	model_outside_words(world->model, world->model->last_us, &words);
	assert_non_null(strstr(buf_text(&words), " (POST /inbox answers 502 3 times, GET home: no connection 1 time), "));
	assert_non_null(strstr(buf_text(&words), " (GET home answers 500), "));
	assert_non_null(strstr(buf_text(&words), " (the same). "));
	assert_null(strstr(buf_text(&words), "404"));
	buf_done(&words);
}

static void model__lost_worker_puts_calls_in_doubt_until_settled(void **state)
{
	struct world *world = *state;

	tell(world, 0, 33);
	assert_int_equal(world->model->calls[3].state, CALL_UNKNOWN);
	assert_int_equal(world->model->calls[0].state, CALL_OK);
	tell(world, 33, 34);
	assert_int_equal(world->model->calls[3].state, CALL_RUNNING);
}

static void model__late_settlement_does_not_reopen_a_call(void **state)
{
	struct world *world = *state;
	struct event ev;

	tell(world, 0, 37);
	ev = story_event(world->arena, 33);
	ev.seq = 38;
	model_apply(world->model, &ev);
	assert_int_equal(world->model->calls[3].state, CALL_OK);
}

static void model__progress_has_words_and_percent(void **state)
{
	struct world *world = *state;

	tell(world, 0, 21);
	assert_string_equal(world->model->calls[1].progress, "1 of 4 threads");
	assert_true(world->model->calls[1].percent > 24.9 && world->model->calls[1].percent < 25.1);
	tell(world, 21, 22);
	assert_string_equal(world->model->calls[1].progress, "");
}

static void model__same_path_in_another_attempt_is_another_call(void **state)
{
	struct world *world = *state;
	struct event ev;

	tell(world, 0, 24);
	ev = story_event(world->arena, 15);
	ev.seq = 25;
	ev.attempt = 2;
	model_apply(world->model, &ev);
	assert_int_equal(model_call_find(world->model, "stop", 1, "1/app1/1")->seq, 16);
	assert_int_equal(model_call_find(world->model, "stop", 2, "1/app1/1")->seq, 25);
	assert_null(model_call_find(world->model, "stop", 3, "1/app1/1"));
	assert_null(model_call_find(world->model, NULL, 1, NULL));
}

static void model__resume_keeps_the_state_of_steps_that_stay(void **state)
{
	struct world *world = *state;
	struct model *model = world->model;

	tell(world, 0, 26);
	add(world, 90, EVENT_SESSION_RESUMED, "bob", "",
	    "{'process':{'pid':9},'reason':'crash','steps':[{'id':'count','kind':'observe','title':'New title'},"
	    "{'id':'extra','kind':'change'},{'id':'halt','kind':'change','was':['gone','stop']},"
	    "{'id':'future','kind':'hologram'},{'kind':'change'}]}");
	assert_int_equal(model->step_count, 4);
	assert_int_equal(model->steps[0].state, STEP_OK);
	assert_string_equal(model->steps[0].title, "New title");
	assert_int_equal(model->steps[1].state, STEP_PLANNED);
	assert_string_equal(model->steps[1].title, "extra");
	assert_int_equal(model->steps[2].state, STEP_FAILED);
	assert_string_equal(model->steps[2].reason, "app2: exit status 5");
	assert_int_equal(model->steps[3].kind, STEP_CHANGE);
	assert_int_equal(model->process_pid, 9);
	/* The question is still open; the people were attached to a process that is gone. */
	assert_int_equal(model->ask_count, 1);
	assert_int_equal(model->people_count, 0);
	assert_null(model->driver);
}

static void model__resume_without_steps_keeps_the_list(void **state)
{
	struct world *world = *state;

	tell(world, 0, STORY_COUNT);
	add(world, 90, EVENT_SESSION_RESUMED, "bob", "", "{'process':{'pid':9},'runbook':{'digest':'d1'}}");
	assert_int_equal(world->model->step_count, 5);
	assert_int_equal(world->model->state, SESSION_RUNNING);
	assert_int_equal(world->model->closed_us, 0);
	assert_string_equal(world->model->outcome, "");
	assert_string_equal(world->model->runbook, "es");
}

static void model__pause_and_continue(void **state)
{
	struct world *world = *state;

	tell(world, 0, 43);
	assert_int_equal(world->model->state, SESSION_PAUSED);
	tell(world, 43, 44);
	assert_int_equal(world->model->state, SESSION_RUNNING);
	tell(world, 44, STORY_COUNT);
	add(world, 99, EVENT_SESSION_PAUSED, "ann", "", "{}");
	assert_int_equal(world->model->state, SESSION_CLOSED);
}

static void model__secret_parameter_is_masked_whatever_was_written(void **state)
{
	struct world *world = *state;

	tell(world, 0, 4);
	add(world, 5, EVENT_PARAM_SET, "ann", "", "{'name':'key','value':'hunter22','source':'secret'}");
	assert_string_equal(json_text(world->model->params, "key", ""), "[secret key]");
	/* A reference is no value; who resolves it needs it as it is. */
	add(world, 6, EVENT_PARAM_SET, "ann", "", "{'name':'key','value':{'$secret':'key'},'source':'secret'}");
	assert_string_equal(json_text(json_at(world->model->params, "key"), "$secret", ""), "key");
}

static void model__close_ends_open_questions(void **state)
{
	struct world *world = *state;

	tell(world, 0, 25);
	assert_int_equal(world->model->ask_count, 1);
	add(world, 26, EVENT_SESSION_CLOSED, "ann", "", "{'outcome':'failed'}");
	assert_int_equal(world->model->ask_count, 0);
	assert_int_equal(world->model->people_count, 0);
}

static void step_state__names_are_read_back(void **state)
{
	enum step_state step;
	enum step_kind kind;

	(void)state;
	for (int i = STEP_PLANNED; i <= STEP_STALE; i++) {
		assert_true(step_state_parse(step_state_name((enum step_state)i), &step));
		assert_int_equal(step, i);
	}
	for (int i = STEP_OBSERVE; i <= STEP_MANUAL; i++) {
		assert_true(step_kind_parse(step_kind_name((enum step_kind)i), &kind));
		assert_int_equal(kind, i);
	}
	assert_string_equal(step_state_name(STEP_IN_DOUBT), "in doubt");
	assert_false(step_state_parse("fine", &step));
	assert_false(step_state_parse(NULL, &step));
	assert_false(step_kind_parse("", &kind));
	assert_true(step_state_is_over(STEP_DEFERRED));
	assert_false(step_state_is_over(STEP_FAILED));
	assert_false(step_state_is_over(STEP_IN_DOUBT));
}

/* Any bytes in data, any kind at any place: no crash, and last_seq goes on (sanitizers watch). */
static void model__survives_damaged_data(void **state)
{
	struct world *world = *state;
	unsigned seed = 12345;

	for (int round = 0; round < 300; round++) {
		model_free(world->model);
		world->model = model_new();
		arena_reset(world->arena);
		for (size_t i = 0; i < STORY_COUNT; i++) {
			struct event ev = story_event(world->arena, i);
			char *data = arena_dup(world->arena, ev.data, strlen(ev.data));
			size_t len = strlen(data);

			seed = seed * 1103515245u + 12345u;
			if ((seed >> 16) % 4 == 0)
				data[(seed >> 8) % len] = "{}[]\",:0e-\\\x01\xff"[(seed >> 20) % 13];
			if ((seed >> 16) % 9 == 0)
				ev.kind = story_event(world->arena, (seed >> 12) % STORY_COUNT).kind;
			if ((seed >> 16) % 7 == 0)
				ev.step = ev.call = ev.host = ev.who = NULL;
			ev.data = data;
			model_apply(world->model, &ev);
			assert_int_equal(world->model->last_seq, i + 1);
		}
		mem_free(story_dump(world->model));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		T(model__full_session_folds_to_its_end),
		T(model__fold_of_all_equals_fold_in_two_parts),
		T(model__events_told_twice_count_once),
		T(model__unknown_kind_changes_nothing_but_last_seq),
		T(model__malformed_data_changes_nothing_but_last_seq),
		T(model__data_that_are_no_object_make_no_event),
		T(model__events_of_another_session_are_ignored),
		T(model__hole_in_seq_of_other_sessions_is_no_gap),
		T(model__gap_when_the_beginning_is_missing),
		T(model__gap_when_a_call_was_never_begun),
		T(model__question_is_open_until_answered),
		T(model__withdrawn_question_is_open_no_more),
		T(model__two_questions_at_once_are_answered_apart),
		T(model__took_leaves_out_waiting_for_people),
		T(model__took_counts_overlapping_questions_once),
		T(model__question_open_at_the_end_counts_as_waiting),
		T(model__measured_took_wins),
		T(model__decision_about_a_failed_step_keeps_its_took),
		T(model__retry_counts_attempts_and_failures),
		T(model__an_attempt_that_goes_on_keeps_its_beginning),
		T(model__one_step_is_next_at_a_time),
		T(model__current_is_the_step_being_worked_on),
		T(model__people_are_counted_by_views),
		T(model__downtime_clock_runs_between_its_events),
		T(model__outside_is_a_second_clock),
		T(model__outside_tells_what_nobody_saw_as_unseen),
		T(model__each_refusal_says_what_was_seen_in_it),
		T(model__lost_worker_puts_calls_in_doubt_until_settled),
		T(model__late_settlement_does_not_reopen_a_call),
		T(model__progress_has_words_and_percent),
		T(model__same_path_in_another_attempt_is_another_call),
		T(model__resume_keeps_the_state_of_steps_that_stay),
		T(model__resume_without_steps_keeps_the_list),
		T(model__pause_and_continue),
		T(model__secret_parameter_is_masked_whatever_was_written),
		T(model__close_ends_open_questions),
		T(model__survives_damaged_data),
#undef T
		cmocka_unit_test(step_state__names_are_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
