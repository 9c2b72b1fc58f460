/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/day.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const int64_t MONDAY = 1796032800000000;	/* 2026-11-30T10:00:00Z */

static void day_parse__takes_what_people_say(void **state)
{
	static const struct {
		const char *text, *date;
	} cases[] = {
		{ "2026-12-01", "2026-12-01" }, { " 2026-11-30 ", "2026-11-30" }, { "2028-02-29", "2028-02-29" },
		{ "today", "2026-11-30" }, { "Tomorrow", "2026-12-01" }, { "3d", "2026-12-03" }, { "0d", "2026-11-30" },
		{ "3 days", "2026-12-03" }, { "1 day", "2026-12-01" }, { "in 3 days", "2026-12-03" }, { "in 3d", "2026-12-03" },
		{ "2w", "2026-12-14" }, { "2 weeks", "2026-12-14" }, { "in 1 week", "2026-12-07" }, { "next week", "2026-12-07" },
		{ "friday", "2026-12-04" }, { "FRI", "2026-12-04" }, { "monday", "2026-12-07" }, { "sun", "2026-12-06" },
		{ "next friday", "2026-12-04" }, { "thursday", "2026-12-03" }, { "wed", "2026-12-02" }, { "3650d", "2036-11-27" },
	};
	char out[DAY_TEXT];
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (day_parse(cases[i].text, MONDAY, out, &e) < 0)
			fail_msg("%s: %s", cases[i].text, e.text);
		assert_string_equal(out, cases[i].date);
	}
}

static void day_parse__refuses_the_rest_in_words(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "is no day" }, { "soon", "is no day" }, { "3", "is no day" }, { "3h", "is no day" }, { "d", "is no day" }, { "-3d", "is no day" },
		{ "3 d x", "is no day" }, { "3d days", "is no day" }, { "in", "is no day" }, { "next", "is no day" }, { "2026-02-30", "is no day" },
		{ "2026-12-01 please", "is no day" }, { "tomorrow at the latest", "is no day" }, { "\xff\xfe", "is no day" },
		{ "2026-11-29", "is over" }, { "1969-12-31", "is no day" }, { "9999-12-31", "ten years" }, { "4000d", "ten years" },
		{ "99999999999999999999d", "ten years" }, { "2026-12-01T10:00:00Z", "is no day" },
	};
	char out[DAY_TEXT] = "kept";
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		err_clear(&e);
		assert_int_equal(day_parse(cases[i].text, MONDAY, out, &e), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		if (!strstr(e.text, cases[i].says))
			fail_msg("%s: %s", cases[i].text, e.text);
	}
	assert_string_equal(out, "kept");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(day_parse__takes_what_people_say),
		cmocka_unit_test(day_parse__refuses_the_rest_in_words),
	};

	return cmocka_run_group_tests_name("base_day", tests, NULL, NULL);
}
