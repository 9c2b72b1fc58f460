/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/call/excerpt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static void excerpt__is_whole_up_to_its_limit(void **state)
{
	struct excerpt excerpt = {0};
	struct buf all = {0};

	(void)state;
	for (size_t i = 0; i < EXCERPT_MAX / 8; i++)
		excerpt_add(&excerpt, "0123456\n", 8);
	assert_false(excerpt_is_cut(&excerpt));
	excerpt_put(&excerpt, &all);
	assert_int_equal(all.len, EXCERPT_MAX);
	buf_clear(&all);
	excerpt_add(&excerpt, "x", 1);
	assert_true(excerpt_is_cut(&excerpt));
	excerpt_done(&excerpt);
	assert_false(excerpt_is_cut(&excerpt));
	buf_done(&all);
}

/* The error stands at the end: both ends are there, and the sum of all parts is right. */
static void excerpt__of_a_long_output_has_both_ends(void **state)
{
	struct excerpt excerpt = {0};
	struct buf all = {0};
	long long left = 0, sent = 0;
	char line[64];
	const char *mark;

	(void)state;
	for (int i = 0; i < 400000; i++) {
		int n = snprintf(line, sizeof(line), "line %d\n", i);

		excerpt_add(&excerpt, line, (size_t)n);
		sent += n;
	}
	excerpt_add(&excerpt, "ERROR the disk is full", 22);
	sent += 22;
	excerpt_put(&excerpt, &all);
	assert_true(all.len <= EXCERPT_MAX + 100);
	assert_true(str_starts(buf_text(&all), "line 0\nline 1\n"));
	assert_true(str_ends(buf_text(&all), "\nline 399999\nERROR the disk is full"));
	mark = strstr(buf_text(&all), "\n[... ");
	assert_non_null(mark);
	assert_int_equal(sscanf(mark, "\n[... %lld bytes are left out", &left), 1);
	assert_int_equal((long long)all.len - (long long)(strchr(mark + 1, '\n') - mark) + left, sent);
	assert_true(str_starts(strchr(mark + 1, '\n') + 1, "line "));
	excerpt_done(&excerpt);
	buf_done(&all);
}

static void excerpt__bears_a_line_without_end(void **state)
{
	struct excerpt excerpt = {0};
	struct buf all = {0}, big = {0};

	(void)state;
	for (size_t i = 0; i < 3 * EXCERPT_MAX; i++)
		buf_putc(&big, 'y');
	excerpt_add(&excerpt, big.data, big.len);
	excerpt_put(&excerpt, &all);
	assert_true(all.len <= EXCERPT_MAX + 100 && all.len > EXCERPT_MAX);
	buf_done(&big);
	buf_done(&all);
	excerpt_done(&excerpt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(excerpt__is_whole_up_to_its_limit),
		cmocka_unit_test(excerpt__of_a_long_output_has_both_ends),
		cmocka_unit_test(excerpt__bears_a_line_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
