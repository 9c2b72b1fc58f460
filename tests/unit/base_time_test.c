/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void time_mono_us__never_goes_back(void **state)
{
	int64_t last = time_mono_us();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int64_t now = time_mono_us();

		assert_true(now >= last);
		last = now;
	}
	/* After this was written. */
	assert_true(time_wall_us() > 1700000000 * TIME_SECOND);
}

static void time_format__writes_utc(void **state)
{
	static const struct {
		int64_t us;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00.000000Z" }, { -1, "1969-12-31T23:59:59.999999Z" },
		{ 1795287127123456, "2026-11-21T18:52:07.123456Z" },
		{ 951782400000000, "2000-02-29T00:00:00.000000Z" },
		{ 4107542399000000, "2100-02-28T23:59:59.000000Z" },
		{ 4107542400000000, "2100-03-01T00:00:00.000000Z" },
		{ 253402300799999999, "9999-12-31T23:59:59.999999Z" },
		{ -62135596800000000, "0001-01-01T00:00:00.000000Z" },
		{ -62167219200000000, "0000-01-01T00:00:00.000000Z" },
		{ INT64_MAX, "294247-01-10T04:00:54.775807Z" },
		{ INT64_MIN, "-290308-12-21T19:59:05.224192Z" },
	};
	char out[TIME_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(time_format(cases[i].us, out), cases[i].text);
	assert_string_equal(time_format_clock(1795287127123456, out), "18:52:07");
	assert_string_equal(time_format_clock(-1, out), "23:59:59");
}

static void time_parse__reads_what_time_format_writes(void **state)
{
	char text[TIME_TEXT];
	int64_t back;

	(void)state;
	/* Every 9.3 days over two centuries, with a changing time of day. */
	for (int64_t us = -3155673600000000; us < 4102444800000000; us += 803520123457) {
		assert_int_equal(time_parse(time_format(us, text), &back), 0);
		assert_true(back == us);
	}
}

static void time_parse__takes_dates_and_short_fractions(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} cases[] = {
		{ "1970-01-01", 0 }, { "1970-01-02", 86400000000 }, { "2000-02-29", 951782400000000 },
		{ "1970-01-01T00:00:01Z", 1000000 }, { "1970-01-01T00:00:00.5Z", 500000 },
		{ "1970-01-01T00:00:00.000001Z", 1 }, { "1970-01-01T00:00:00.123456789Z", 123456 },
		{ "1969-12-31T23:59:59.9Z", -100000 },
	};
	int64_t out;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(time_parse(cases[i].text, &out), 0);
		assert_true(out == cases[i].us);
	}
}

static void time_parse__refuses_the_rest(void **state)
{
	static const char *const bad[] = {
		NULL, "", "2026", "2026-11", "2026-1-1", "2026-13-01", "2026-00-01", "2026-01-00",
		"2026-01-32", "2026-02-29", "1900-02-29", "2026-04-31", "2026-11-21T",
		"2026-11-21T18:52:07", "2026-11-21T24:00:00Z", "2026-11-21T18:60:00Z",
		"2026-11-21T18:52:60Z", "2026-11-21T18:52:07.Z", "2026-11-21T18:52:07.1234567890Z",
		"2026-11-21T18:52:07+01:00", "2026-11-21 18:52:07Z", "2026-11-21T18:52:07Zx",
		"2026-11-21x", " 2026-11-21", "-026-11-21", "2026-11-21T18:52Z", "2026-11-21T1",
	};
	int64_t out = 42;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(time_parse(bad[i], &out), -1);
	assert_int_equal(out, 42);
}

static void time_format_span__reads_well_at_every_size(void **state)
{
	static const struct {
		int64_t us;
		const char *text;
	} cases[] = {
		{ 0, "0.0 s" }, { 400000, "0.4 s" }, { 9999999, "9.9 s" }, { 10000000, "10 s" },
		{ 12 * TIME_SECOND, "12 s" }, { 59999999, "59 s" }, { 60 * TIME_SECOND, "1 m 00 s" },
		{ 185 * TIME_SECOND, "3 m 05 s" }, { 3599 * TIME_SECOND, "59 m 59 s" },
		{ 3600 * TIME_SECOND, "1 h 00 m" }, { 8040 * TIME_SECOND, "2 h 14 m" },
		{ 86399 * TIME_SECOND, "23 h 59 m" }, { 86400 * TIME_SECOND, "1 d 0 h" },
		{ 262800 * TIME_SECOND, "3 d 1 h" }, { -400000, "-0.4 s" }, { -1, "0.0 s" },
		{ -185 * TIME_SECOND, "-3 m 05 s" }, { INT64_MAX, "106751991 d 4 h" },
		{ INT64_MIN, "-106751991 d 4 h" },
	};
	char out[TIME_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(time_format_span(cases[i].us, out), cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_mono_us__never_goes_back),
		cmocka_unit_test(time_format__writes_utc),
		cmocka_unit_test(time_parse__reads_what_time_format_writes),
		cmocka_unit_test(time_parse__takes_dates_and_short_fractions),
		cmocka_unit_test(time_parse__refuses_the_rest),
		cmocka_unit_test(time_format_span__reads_well_at_every_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
