/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Colours by class of terminal: 256, 16, 8, none; on dark and light backgrounds. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tui/term/looks.h"

/* Part of one channel in the relative luminance (WCAG 2). */
static double linear(int channel)
{
	double c = channel / 255.0;

	return c <= 0.03928 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

/* Luminance of a colour of xterm's cube of 256. */
static double luminance(int color)
{
	static const int steps[] = { 0, 95, 135, 175, 215, 255 };
	int cube = color - 16;

	assert_in_range(color, 16, 231);
	return 0.2126 * linear(steps[cube / 36]) + 0.7152 * linear(steps[cube / 6 % 6]) + 0.0722 * linear(steps[cube % 6]);
}

static void looks__of_256_are_readable_on_black_and_on_white(void **state)
{
	(void)state;
	for (int role = 0; role < ROLE_COUNT; role++) {
		struct look look = look_of((enum role)role, 256);

		if (look.color == LOOK_OWN)
			continue;
		assert_true(1.05 / (luminance(look.color) + 0.05) >= 3.5);
		assert_true((luminance(look.color) + 0.05) / 0.05 >= 3.5);
	}
}

static void looks__of_8_and_16_are_never_black_yellow_or_white(void **state)
{
	(void)state;
	for (int role = 0; role < ROLE_COUNT; role++)
		for (int colors = 8; colors <= 88; colors += 8) {
			int color = look_of((enum role)role, colors).color;

			assert_true(color == LOOK_OWN || color == 1 || color == 2 || color == 5 || color == 6);
		}
}

/* The table itself: what each state of a step or call looks like, per class. */
static void looks__of_states_are_as_written(void **state)
{
	static const struct {
		enum role role;
		int of_256, of_16, of_8, of_none;
		bool bold, underline, reverse;
	} want[] = {
		{ ROLE_OK, 28, 2, 2, LOOK_OWN, false, false, false },
		{ ROLE_RUN, 30, 6, 6, LOOK_OWN, true, false, false },
		{ ROLE_WAIT, 30, 6, 6, LOOK_OWN, false, false, false },
		{ ROLE_FAIL, 160, 1, 1, LOOK_OWN, true, false, false },
		{ ROLE_WARN, 130, LOOK_OWN, LOOK_OWN, LOOK_OWN, true, false, false },
		{ ROLE_DOUBT, 133, 5, 5, LOOK_OWN, false, false, true },
		{ ROLE_DOWN, 160, 1, 1, LOOK_OWN, true, false, true },
		{ ROLE_HEADER, LOOK_OWN, LOOK_OWN, LOOK_OWN, LOOK_OWN, false, false, true },
		{ ROLE_PICK, LOOK_OWN, LOOK_OWN, LOOK_OWN, LOOK_OWN, false, false, true },
		{ ROLE_FIELD, LOOK_OWN, LOOK_OWN, LOOK_OWN, LOOK_OWN, false, true, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct look look = look_of(want[i].role, 0);

		assert_int_equal(look_of(want[i].role, 256).color, want[i].of_256);
		assert_int_equal(look_of(want[i].role, 16).color, want[i].of_16);
		assert_int_equal(look_of(want[i].role, 8).color, want[i].of_8);
		assert_int_equal(look.color, want[i].of_none);
		/* Attributes are the same everywhere, so that nothing hangs on a hue. */
		assert_true(look.bold == want[i].bold && look.underline == want[i].underline && look.reverse == want[i].reverse);
		assert_true(look_of(want[i].role, 256).bold == look.bold && look_of(want[i].role, 8).reverse == look.reverse);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(looks__of_256_are_readable_on_black_and_on_white),
		cmocka_unit_test(looks__of_8_and_16_are_never_black_yellow_or_white),
		cmocka_unit_test(looks__of_states_are_as_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
