/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session_engine.h"

/* What an action made durable in the middle of a call, when the session is killed on either side of it. */

#define STEP "change 'one' { title = 'One', why = 'w', run = function(s) ssh.run('app1', '%s') end, done = function(s) return true end }\n" \
	"manual 'next' { title = 'Next', why = 'w', text = 'Do it' }\n"
#define FACT "call.fact bellbook one {\"count\":"

/* A walk whose step runs that command, up to where nothing more comes. deaf: the command does not hear that its fact is kept. */
static void walk_as(struct bench *bench, struct view *view, const char *command, bool deaf)
{
	char *steps = mem_printf(STEP, command);

	bench_open(bench, steps, "");
	world.deaf = deaf;
	view_open(bench, view, 0, "");
	assert_true(answer(bench, view, "step", "\"go\"", ""));
	mem_free(steps);
}

static void walk(struct bench *bench, struct view *view, const char *command)
{
	walk_as(bench, view, command, false);
}

/* Killed, and taken over. */
static void kill_it(struct bench *bench, struct view *view)
{
	int64_t session = bench->engine.session;

	bench->views[0] = NULL;
	close(view->fd);
	buf_done(&view->in);
	bench_resume(bench, session);
	buf_clear(&bench->log);
	view_open(bench, view, 0, "");
}

static void end(struct bench *bench, struct view *view)
{
	view_close(bench, view);
	bench_close(bench);
}

static void a_fact_is_stored_before_what_follows_it(void **state)
{
	struct bench bench;
	struct view view;

	(void)state;
	walk(&bench, &view, "do one! fact");
	assert_logged(&bench, FACT "1,\"fact\":{\"n\":1}}");
	assert_true(strstr(buf_text(&bench.log), FACT) < strstr(buf_text(&bench.log), "call.ended bellbook one"));
	assert_int_equal(begun_of("fact"), 1);
	assert_int_equal(state_of(&bench, "one"), STEP_OK);
	end(&bench, &view);
}

/* It was stored, and its command did not hear so and did nothing: it is settled with the fact, and begun anew without it. */
static void killed_before_the_answer__it_is_settled_with_its_fact(void **state)
{
	struct bench bench;
	struct view view;

	(void)state;
	walk_as(&bench, &view, "do one! fact", true);
	assert_logged(&bench, FACT "1");
	assert_int_equal(begun_of("fact"), 0);
	assert_int_equal(state_of(&bench, "one"), STEP_RUNNING);
	world.deaf = false;
	kill_it(&bench, &view);
	assert_string_equal(world.facts, "[{\"n\":1}]");
	assert_string_equal(world.started, "");
	assert_logged(&bench, "\"how\":\"never\"");
	assert_logged(&bench, FACT "2");
	assert_int_equal(begun_of("fact"), 1);
	assert_int_equal(state_of(&bench, "one"), STEP_OK);
	end(&bench, &view);
}

/* Its command went on: it is found, with the fact, and not begun a second time. */
static void killed_after_the_answer__it_is_settled_with_its_fact(void **state)
{
	struct bench bench;
	struct view view;

	(void)state;
	walk(&bench, &view, "do one! fact wait");
	assert_logged(&bench, FACT "1");
	assert_int_equal(begun_of("fact"), 1);
	world.go = true;
	kill_it(&bench, &view);
	assert_string_equal(world.facts, "[{\"n\":1}]");
	assert_logged(&bench, "\"how\":\"running\"");
	assert_false(logged(&bench, FACT));
	assert_int_equal(begun_of("fact"), 1);
	assert_int_equal(state_of(&bench, "one"), STEP_OK);
	end(&bench, &view);
}

/* What the host did not know at first it is asked once more, with the same facts. */
static void in_doubt_and_looked_at_again__the_fact_is_still_there(void **state)
{
	struct bench bench;
	struct view view;

	(void)state;
	walk(&bench, &view, "do one! fact wait vanish");
	kill_it(&bench, &view);
	assert_logged(&bench, "\"how\":\"unknown\"");
	world.clear = true;
	world.facts[0] = '\0';
	assert_true(answer(&bench, &view, "doubt", "\"probe\"", ""));
	assert_string_equal(world.facts, "[{\"n\":1}]");
	assert_int_equal(begun_of("fact"), 1);
	end(&bench, &view);
}

/* A person says that it did not run: what it told before is not about what is begun now. */
static void begun_anew__it_has_no_facts(void **state)
{
	struct bench bench;
	struct view view;

	(void)state;
	walk(&bench, &view, "do one! fact vanish");
	str_copy(world.started, sizeof(world.started), "?");
	assert_true(answer(&bench, &view, "doubt", "\"rerun\"", ",\"why\":\"seen\""));
	assert_string_equal(world.started, "");
	assert_logged(&bench, FACT "2");
	end(&bench, &view);
}

static void facts_are_masked_as_what_comes_from_outside(void **state)
{
	(void)state;
	assert_int_equal(event_member_of(EVENT_CALL_FACT, "fact"), MEMBER_TEXT);
	assert_int_equal(event_type_of(EVENT_CALL_FACT)->durability, DURABLE_DECISION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fact_is_stored_before_what_follows_it),
		cmocka_unit_test(killed_before_the_answer__it_is_settled_with_its_fact),
		cmocka_unit_test(killed_after_the_answer__it_is_settled_with_its_fact),
		cmocka_unit_test(in_doubt_and_looked_at_again__the_fact_is_still_there),
		cmocka_unit_test(begun_anew__it_has_no_facts),
		cmocka_unit_test(facts_are_masked_as_what_comes_from_outside),
	};

	return cmocka_run_group_tests_name("session_engine_facts", tests, bench_setup, folder_teardown);
}
