/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session_engine.h"

/* The walk: which step is next, and that it never goes round. */

static const char steps[] =
	"observe 'see' { title = 'See', run = function(s) s:note(ssh.read('app1', 'did it').out) end }\n"
	"change 'one' { title = 'One', why = 'w', run = function(s) ssh.run('app1', 'do one!') end, done = function(s) return ssh.read('app1', 'did one').out == 'yes\\n' end }\n"
	"manual 'hand' { title = 'Hand', why = 'w', text = 'Do it' }\n";

/* How often a kind stands in what was stored. */
static int count_of(const struct bench *bench, const char *kind)
{
	char *mark = mem_printf("%s bellbook ", kind);
	int n = 0;

	for (const char *at = buf_text(&bench->log); (at = strstr(at, mark)) != NULL; at++)
		n++;
	mem_free(mark);
	return n;
}

static void steps_come_in_their_order(void **state)
{
	struct bench bench;
	struct view ann;

	(void)state;
	bench_open(&bench, steps, "");
	view_open(&bench, &ann, 0, "");
	assert_int_equal(state_of(&bench, "see"), STEP_OK);
	assert_int_equal(state_of(&bench, "one"), STEP_READY);
	assert_int_equal(state_of(&bench, "hand"), STEP_PLANNED);
	assert_true(answer(&bench, &ann, "step", "\"go\"", ""));
	assert_int_equal(begun_of("one"), 1);
	assert_true(answer(&bench, &ann, "manual", "\"done\"", ""));
	assert_true(bench.engine.closed);
	assert_string_equal(bench.engine.model->outcome, "ok");
	view_close(&bench, &ann);
	bench_close(&bench);
}

#define MOST 200	/* more of one kind of event, and nobody stopped it */

/* Whatever fault makes what the session does change nothing: it stops, and says so. */
static void what_changes_nothing_is_not_done_for_ever(void **state)
{
	static const enum event_kind kinds[] = {EVENT_STEP_ENTERED, EVENT_STEP_BEGUN, EVENT_STEP_ENDED, EVENT_ASKED};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char *kind = event_type_of(kinds[i])->name;
		struct bench bench;
		struct view ann;

		bench_open(&bench, steps, "");
		deaf_to = kinds[i];
		view_open(&bench, &ann, 0, "");
		if (count_of(&bench, kind) > MOST)
			fail_msg("%s was stored %d times", kind, count_of(&bench, kind));
		assert_logged(&bench, "session.paused bellbook");
		assert_logged(&bench, "nothing changed");
		/* Once more, if somebody wants to; or the end. */
		assert_true(view_say(&bench, &ann, "{\"do\":\"continue\"}"));
		assert_true(count_of(&bench, kind) > 0 && count_of(&bench, kind) < MOST);
		assert_int_equal(bench.engine.model->state, SESSION_PAUSED);
		assert_true(view_say(&bench, &ann, "{\"do\":\"abort\",\"why\":\"x\"}"));
		assert_true(bench.engine.closed);
		deaf_to = EVENT_UNKNOWN;
		view_close(&bench, &ann);
		bench_close(&bench);
	}
}

static void a_long_walk_is_no_round(void **state)
{
	struct buf text = {0};
	struct bench bench;
	struct view ann;

	(void)state;
	for (int i = 0; i < 150; i++)
		buf_printf(&text, "observe 's%d' { title = 'S', run = function(s) s:note('x') end }\n", i);
	bench_open(&bench, buf_text(&text), "");
	view_open(&bench, &ann, 0, "");
	assert_true(bench.engine.closed);
	assert_string_equal(bench.engine.model->outcome, "ok");
	view_close(&bench, &ann);
	bench_close(&bench);
	buf_done(&text);
}

static void a_question_may_be_answered_as_often_as_one_likes(void **state)
{
	struct bench bench;
	struct view ann;

	(void)state;
	bench_open(&bench, "manual 'hand' { title = 'Hand', why = 'w', text = 'Do it' }\n", "");
	view_open(&bench, &ann, 0, "");
	for (int i = 0; i < 300; i++)
		assert_true(answer(&bench, &ann, "manual", "\"wait\"", ",\"owner\":\"ben\""));
	assert_int_equal(bench.engine.model->state, SESSION_RUNNING);
	view_close(&bench, &ann);
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_come_in_their_order),
		cmocka_unit_test(what_changes_nothing_is_not_done_for_ever),
		cmocka_unit_test(a_long_walk_is_no_round),
		cmocka_unit_test(a_question_may_be_answered_as_often_as_one_likes),
	};

	return cmocka_run_group_tests_name("session_engine_walk", tests, bench_setup, folder_teardown);
}
