/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/duration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

static void duration_of_seconds__takes_what_is_a_time(void **state)
{
	int64_t us = -1;

	(void)state;
	assert_true(duration_of_seconds(0, &us));
	assert_int_equal(us, 0);
	assert_true(duration_of_seconds(0.25, &us));
	assert_int_equal(us, 250000);
	assert_true(duration_of_seconds(86400, &us));
	assert_int_equal(us, (int64_t)86400 * 1000000);
	assert_true(duration_of_seconds((double)DURATION_MAX / 1e6, &us));
	assert_int_equal(us, DURATION_MAX);
}

static void duration_of_seconds__refuses_what_is_none(void **state)
{
	const double bad[] = { -1, -1e-9, 1e18, 1e308, (double)INFINITY, -(double)INFINITY, (double)NAN, -1e308 };
	int64_t us = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(duration_of_seconds(bad[i], &us));
	assert_int_equal(us, 42);
}

static void duration_of__reads_numbers_and_texts_alike(void **state)
{
	static const struct { const char *json; int64_t us; } cases[] = {
		{ "5", 5000000 }, { "0.5", 500000 }, { "\"2m\"", 120000000 }, { "\"500ms\"", 500000 },
		{ "-1", -1 }, { "9223372036854775807", -1 }, { "1e300", -1 }, { "\"9223372036854775807\"", -1 }, { "\"99999999d\"", -1 },
		{ "\"-5s\"", -1 }, { "\"\"", -1 }, { "true", -1 }, { "null", -1 }, { "[1]", -1 }, { "{}", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = { 0 };
		struct json *value = json_parse(cases[i].json, strlen(cases[i].json), &e);
		int64_t us = -1;

		assert_non_null(value);
		assert_int_equal(duration_of(value, &us), cases[i].us >= 0);
		assert_int_equal(us, cases[i].us);
		json_free(value);
	}
}

static void str_to_duration__has_the_same_limit(void **state)
{
	int64_t us = 0;

	(void)state;
	assert_true(str_to_duration("36525d", &us));
	assert_int_equal(us, DURATION_MAX);
	assert_false(str_to_duration("36526d", &us));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(duration_of_seconds__takes_what_is_a_time),
		cmocka_unit_test(duration_of_seconds__refuses_what_is_none),
		cmocka_unit_test(duration_of__reads_numbers_and_texts_alike),
		cmocka_unit_test(str_to_duration__has_the_same_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
