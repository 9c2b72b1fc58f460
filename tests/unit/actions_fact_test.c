/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an action makes durable in the middle of a call, and what lanes keep and how many there are: with actions that only this test has, in a real worker. */
#define _GNU_SOURCE
#include "actions_fixture.h"

#include <signal.h>

#include "actions/worker/call.h"
#include "actions/worker/call_int.h"

/* ---- the actions ---- */

static const struct action_param no_params[] = { { .name = NULL } };
static const struct action_gives no_gives[] = { { .name = NULL } };

static void show(const struct action *action, const struct json *args, struct buf *out)
{
	(void)args;
	buf_puts(out, action->name);
}

static void touch(const char *job, int n)
{
	char name[100];
	FILE *file;

	snprintf(name, sizeof(name), "%s.%d", job, n);
	file = fopen(at_home(name), "a");
	assert_non_null(file);
	fclose(file);
}

static void tell(struct call *call, const char *text)
{
	call_output(call, "out", text, strlen(text));
}

/* Three facts, and behind each, when it is kept, a file. */
static int fact_start(struct call *call, struct err *e)
{
	for (int n = 1; n <= 3; n++) {
		struct json *fact = json_new_object();

		json_set_int(fact, "n", n);
		if (call_fact(call, fact, e) < 0)
			return -1;
		touch(call_job(call), n);
	}
	call_set_result(call, json_new_object());
	return 0;
}

/* Tells what it has found. */
static int fact_settle(struct call *call, enum action_settled *how, struct err *e)
{
	char *facts = json_print(call_facts(call));

	(void)e;
	*how = json_count(call_facts(call)) ? SETTLED_FINISHED : SETTLED_NEVER;
	if (*how == SETTLED_FINISHED) {
		call_settled(call, *how);
		tell(call, facts);
		call_set_result(call, json_new_object());
	}
	mem_free(facts);
	return 0;
}

/* A fact that is too large, behind one that is not. */
static int large_start(struct call *call, struct err *e)
{
	char *text = mem_alloc((1 << 20) + 1);
	struct json *fact = json_new_object();

	if (call_fact(call, json_new_object(), e) < 0)
		return -1;
	memset(text, 'x', 1 << 20);
	json_set_text(fact, "text", text);
	mem_free(text);
	return call_fact(call, fact, e);
}

static int hold_start(struct call *call, struct err *e)
{
	tell(call, "begun");
	while (call_wait(call, -1, 0, TIME_SECOND, e) >= 0)
		;
	return -1;
}

static int pass_start(struct call *call, struct err *e)
{
	(void)e;
	tell(call, "passed");
	call_set_result(call, json_new_object());
	return 0;
}

static void free_one(void *keep)
{
	touch(keep, 0);
	mem_free(keep);
}

static const struct keep_type types[] = { { "one", free_one }, { "other", free_one } };

/* Tells what was kept, and keeps its own name when nothing was. */
static int keep(struct call *call, const struct keep_type *type)
{
	const char *kept = call_keep(call, type);

	tell(call, kept ? kept : "nothing");
	if (!kept)
		call_set_keep(call, type, mem_printf("kept-%s", type->name));
	call_set_result(call, json_new_object());
	return 0;
}

static int keep_one_start(struct call *call, struct err *e)
{
	(void)e;
	return keep(call, &types[0]);
}

static int keep_other_start(struct call *call, struct err *e)
{
	(void)e;
	return keep(call, &types[1]);
}

#define TEST .params = no_params, .gives = no_gives, .shown = show, .help = "of a test"

static const struct action actions[] = {
	{ .name = "test.fact", .target = TARGET_HOST, .effect = EFFECT_CHANGE, TEST, .start = fact_start, .settle = fact_settle },
	{ .name = "test.large", .target = TARGET_HOST, .effect = EFFECT_READ, TEST, .start = large_start },
	{ .name = "test.hold", .target = TARGET_DATABASE, .effect = EFFECT_READ, TEST, .start = hold_start },
	{ .name = "test.pass", .target = TARGET_HOST, .effect = EFFECT_READ, TEST, .start = pass_start },
	{ .name = "test.one", .target = TARGET_DATABASE, .effect = EFFECT_READ, TEST, .start = keep_one_start },
	{ .name = "test.other", .target = TARGET_DATABASE, .effect = EFFECT_READ, TEST, .start = keep_other_start },
	{ .name = "test.idle", .target = TARGET_SERVICE, .effect = EFFECT_READ, TEST, .start = keep_one_start },
};

/* ---- facts ---- */

#define ON(name) (struct worker_call){ .host = (name) }

/* Until the nth fact of call 1 was told: it waits then. */
static void until_fact(struct fixture *f, const char *facts)
{
	UNTIL(f, strcmp(buf_text(&f->told[1].facts), facts) == 0);
}

static void call_fact__waits_until_it_is_kept(void **state)
{
	struct fixture *f = *state;

	begin_as(f, 1, "test.fact", "waits", "{}", ON("db1"));
	until_fact(f, "{\"n\":1}\n");
	assert_false(exists("waits.1"));
	worker_kept(f->worker, 1, f->told[1].fact, NULL);
	until_fact(f, "{\"n\":1}\n{\"n\":2}\n");
	assert_true(exists("waits.1"));
	assert_false(exists("waits.2"));
	/* An answer to another one is none. */
	worker_kept(f->worker, 1, f->told[1].fact - 1, NULL);
	run(f, "here.read", "r", "{'cmd':'true'}");
	assert_false(exists("waits.2"));
}

static void call_fact__goes_on_behind_each(void **state)
{
	struct fixture *f = *state;
	int64_t last = 0;

	begin_as(f, 1, "test.fact", "on", "{}", ON("db1"));
	for (int n = 1; n <= 3; n++) {
		UNTIL(f, f->told[1].fact != last);
		last = f->told[1].fact;
		worker_kept(f->worker, 1, last, NULL);
	}
	assert_string_equal(finish(f, 1)->outcome, "ok");
	assert_true(exists("on.3"));
}

static void call_fact__that_is_not_kept_ends_it(void **state)
{
	struct fixture *f = *state;
	struct told *told;

	begin_as(f, 1, "test.fact", "refused", "{}", ON("db1"));
	UNTIL(f, f->told[1].fact);
	worker_kept(f->worker, 1, f->told[1].fact, "no room");
	told = finish(f, 1);
	assert_string_equal(told->outcome, "failed");
	assert_string_equal(told->error, "no room");
	assert_false(exists("refused.1"));
}

static void call_fact__ends_when_it_is_cancelled(void **state)
{
	struct fixture *f = *state;

	begin_as(f, 1, "test.fact", "canceled", "{}", ON("db1"));
	UNTIL(f, f->told[1].fact);
	worker_cancel(f->worker, 1);
	assert_string_equal(finish(f, 1)->outcome, "canceled");
	assert_false(exists("canceled.1"));
}

static void call_fact__has_a_limit_for_all_of_a_call(void **state)
{
	struct fixture *f = *state;
	struct told *told;

	begin_as(f, 1, "test.large", "large", "{}", ON("db1"));
	UNTIL(f, f->told[1].fact);
	worker_kept(f->worker, 1, f->told[1].fact, NULL);
	told = finish(f, 1);
	assert_string_equal(told->outcome, "failed");
	assert_true(str_starts(told->error, "the facts of this call take 10485"));
	assert_string_equal(buf_text(&told->facts), "{}\n");
}

static void call_fact__without_anybody_to_keep_it_fails(void **state)
{
	static const struct worker_events others = { .output = on_output, .progress = on_progress, .link = on_link,
		.settled = on_settled, .ask = on_ask, .ended = on_ended, .lost = on_lost };
	struct fixture *f = *state;
	struct err e;

	worker_free(f->worker);
	f->worker = worker_new(f->loop, server, &others, f, &e);
	assert_non_null(f->worker);
	begin_as(f, 1, "test.fact", "alone", "{}", ON("db1"));
	assert_string_equal(finish(f, 1)->outcome, "failed");
	assert_false(exists("alone.1"));
}

static void kill_worker(struct fixture *f)
{
	struct err e;

	assert_int_equal(kill(worker_pid(f->worker), SIGKILL), 0);
	UNTIL(f, f->lost);
	f->lost = 0;
	assert_int_equal(worker_restart(f->worker, &e), 0);
}

/* Settles call 1 with these facts, as the journal has them (NULL = none); gives what the action has found. */
static struct told *settle_with(struct fixture *f, const char *job, const char *facts)
{
	struct err e;
	struct json *list = facts ? json_parse(facts, strlen(facts), &e) : NULL;

	begin_as(f, 1, "test.fact", job, "{}", (struct worker_call){ .host = "db1", .settle = true, .facts = list });
	json_free(list);
	return finish(f, 1);
}

static void killed_before_the_answer__the_fact_is_there_when_it_was_stored(void **state)
{
	struct fixture *f = *state;
	struct told *told;

	begin_as(f, 1, "test.fact", "before", "{}", ON("db1"));
	UNTIL(f, f->told[1].fact);
	kill_worker(f);
	assert_false(exists("before.1"));
	told = settle_with(f, "before", NULL);
	assert_string_equal(buf_text(&told->how), "never ");
	told = settle_with(f, "before", "[{\"n\":1}]");
	assert_string_equal(buf_text(&told->how), "finished ");
	assert_string_equal(buf_text(&told->out), "[{\"n\":1}]");
}

static void killed_after_the_answer__the_facts_are_there(void **state)
{
	struct fixture *f = *state;
	struct told *told;

	begin_as(f, 1, "test.fact", "after", "{}", ON("db1"));
	UNTIL(f, f->told[1].fact);
	worker_kept(f->worker, 1, f->told[1].fact, NULL);
	UNTIL(f, exists("after.1"));
	kill_worker(f);
	assert_false(exists("after.2"));
	told = settle_with(f, "after", "[{\"n\":1},{\"n\":2}]");
	assert_string_equal(buf_text(&told->out), "[{\"n\":1},{\"n\":2}]");
	assert_string_equal(told->outcome, "ok");
}

/* The worker outlives its session for a moment: what waits for an answer does not go on. */
static void session_gone__nothing_follows_a_fact(void **state)
{
	struct fixture *f = *state;
	struct err e;

	begin_as(f, 1, "test.fact", "gone", "{}", ON("db1"));
	UNTIL(f, f->told[1].fact);
	worker_free(f->worker);
	assert_false(exists("gone.1"));
	f->worker = worker_new(f->loop, server, &(struct worker_events){ .output = on_output, .settled = on_settled, .ended = on_ended, .lost = on_lost }, f, &e);
	assert_non_null(f->worker);
	assert_string_equal(buf_text(&settle_with(f, "gone", NULL)->how), "never ");
}

/* ---- lanes ---- */

static void lanes__of_a_kind_are_capped_and_its_own(void **state)
{
	struct fixture *f = *state;

	for (uint64_t call = 1; call <= 3; call++)
		begin_as(f, call, "test.hold", "hold", "{}", ON("db1"));
	UNTIL(f, f->told[1].out.len && f->told[2].out.len);
	/* A host of that name does not wait for them, nor does another database. */
	begin_as(f, 4, "test.pass", "pass", "{}", ON("db1"));
	assert_string_equal(finish(f, 4)->outcome, "ok");
	begin_as(f, 5, "test.hold", "hold", "{}", ON("db2"));
	UNTIL(f, f->told[5].out.len);
	assert_int_equal(f->told[3].out.len, 0);
	worker_cancel(f->worker, 1);
	UNTIL(f, f->told[3].out.len);
}

static const char *keeps(struct fixture *f, const char *action)
{
	begin_as(f, 1, action, "keep", "{}", ON("db1"));
	return buf_text(&finish(f, 1)->out);
}

static void call_keep__gives_to_each_module_its_own(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(keeps(f, "test.one"), "nothing");
	assert_string_equal(keeps(f, "test.other"), "nothing");
	assert_string_equal(keeps(f, "test.one"), "kept-one");
	assert_string_equal(keeps(f, "test.other"), "kept-other");
	/* Both are freed at the end. */
	worker_free(f->worker);
	f->worker = NULL;
	assert_true(exists("kept-one.0") && exists("kept-other.0"));
	remove(at_home("kept-one.0"));
}

static void idle_connections__are_closed(void **state)
{
	struct fixture *f = *state;

	assert_false(exists("kept-one.0"));
	assert_string_equal(keeps(f, "test.idle"), "nothing");
	UNTIL(f, exists("kept-one.0"));
	assert_string_equal(keeps(f, "test.idle"), "nothing");
}

int main(void)
{
#define TEST_OF(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST_OF(call_fact__waits_until_it_is_kept),
		TEST_OF(call_fact__goes_on_behind_each),
		TEST_OF(call_fact__that_is_not_kept_ends_it),
		TEST_OF(call_fact__ends_when_it_is_cancelled),
		TEST_OF(call_fact__has_a_limit_for_all_of_a_call),
		TEST_OF(call_fact__without_anybody_to_keep_it_fails),
		TEST_OF(killed_before_the_answer__the_fact_is_there_when_it_was_stored),
		TEST_OF(killed_after_the_answer__the_facts_are_there),
		TEST_OF(session_gone__nothing_follows_a_fact),
		TEST_OF(lanes__of_a_kind_are_capped_and_its_own),
		TEST_OF(call_keep__gives_to_each_module_its_own),
		TEST_OF(idle_connections__are_closed),
	};

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		action_add(&actions[i]);
	targets_limits(TARGET_SERVICE)->idle_us = TIME_SECOND / 20;
	fixture_open();
	return fixture_close(cmocka_run_group_tests(tests, NULL, NULL));
}
