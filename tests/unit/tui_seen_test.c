/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/time.h"
#include "tui/term/seen.h"

/* A view whose terminal has answered once. */
static struct seen known(void)
{
	struct seen seen = { .can = true };

	seen_question(&seen, 1);
	assert_true(seen_painted(&seen, 0));
	assert_true(seen_answer(&seen));
	assert_false(seen_waits(&seen, 0));
	return seen;
}

static void seen__keys_before_the_answer_are_for_nobody(void **state)
{
	struct seen seen = known();

	(void)state;
	seen_question(&seen, 2);
	assert_true(seen_waits(&seen, 5 * SEEN_KNOWN_US));
	assert_int_equal(seen_wait(&seen, 5), -1);
	assert_true(seen_painted(&seen, 1000));
	assert_false(seen_painted(&seen, 2000));
	assert_true(seen_waits(&seen, 1000 + SEEN_KNOWN_US - 1));
	assert_int_equal(seen_wait(&seen, 1000), SEEN_KNOWN_US);
	assert_true(seen_answer(&seen));
	assert_false(seen_waits(&seen, 1001));
	seen_question(&seen, 0);
	assert_false(seen_painted(&seen, 3000));
	assert_false(seen_waits(&seen, 3000));
}

static void seen__an_answer_to_an_older_question_is_none(void **state)
{
	struct seen seen = known();

	(void)state;
	seen_question(&seen, 2);
	seen_painted(&seen, 1000);
	seen_question(&seen, 3);
	assert_false(seen_answer(&seen));
	seen_painted(&seen, 2000);
	assert_true(seen_waits(&seen, 2000));
	assert_true(seen_answer(&seen));
	assert_false(seen_answer(&seen));	/* nobody asked */
	assert_false(seen_waits(&seen, 2000));
}

static void seen__a_terminal_that_never_answers_is_waited_for_a_moment_only(void **state)
{
	struct seen deaf = { .can = true }, old = { 0 };

	(void)state;
	seen_question(&deaf, 1);
	assert_true(seen_painted(&deaf, 1000));
	assert_true(seen_waits(&deaf, 1000 + SEEN_UNKNOWN_US - 1));
	assert_false(seen_waits(&deaf, 1000 + SEEN_UNKNOWN_US));
	seen_question(&deaf, 2);
	assert_true(seen_painted(&deaf, 2 * SEEN_UNKNOWN_US));
	assert_false(seen_waits(&deaf, 2 * SEEN_UNKNOWN_US));
	seen_question(&old, 1);
	assert_true(seen_waits(&old, 0));
	assert_true(seen_painted(&old, 1000));
	assert_false(seen_waits(&old, 1000));
}

static void seen_drain__takes_back_what_is_still_to_come(void **state)
{
	struct seen seen = known();
	int ends[2];
	char rest;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	seen_question(&seen, 2);
	seen_painted(&seen, time_mono_us());
	assert_int_equal(write(ends[1], "abc\033[0n", 7), 7);
	seen_drain(&seen, ends[0], time_mono_us());
	close(ends[1]);
	assert_int_equal(read(ends[0], &rest, 1), 0);
	close(ends[0]);
	assert_int_equal(seen.asked, seen.answered);
	seen_drain(&seen, ends[0], time_mono_us());	/* nothing to wait for: reads nothing */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seen__keys_before_the_answer_are_for_nobody),
		cmocka_unit_test(seen__an_answer_to_an_older_question_is_none),
		cmocka_unit_test(seen__a_terminal_that_never_answers_is_waited_for_a_moment_only),
		cmocka_unit_test(seen_drain__takes_back_what_is_still_to_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
