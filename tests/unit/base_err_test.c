/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static void err_set__fills_kind_and_text_and_returns_minus_one(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(err_set(&e, ERR_REMOTE, "%s said %d", "es1", 503), -1);
	assert_int_equal(e.kind, ERR_REMOTE);
	assert_string_equal(e.text, "es1 said 503");
}

static void err_set__may_use_its_own_text_as_argument(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, ERR_IO, "inner");
	err_set(&e, ERR_USAGE, "<%s>", e.text);
	assert_string_equal(e.text, "<inner>");
}

/* Whatever the offset, a cut text ends with a whole character. */
static void err_set__cuts_at_a_character_border(void **state)
{
	static const char *const chars[] = { "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };
	struct err e;

	(void)state;
	for (size_t c = 0; c < 3; c++) {
		for (int shift = 0; shift < 8; shift++) {
			char text[1000] = "";
			size_t len = (size_t)shift;

			memset(text, 'x', len);
			while (len < 600) {
				memcpy(text + len, chars[c], strlen(chars[c]) + 1);
				len += strlen(chars[c]);
			}
			err_set(&e, ERR_IO, "%s", text);
			assert_true(utf8_valid(e.text, strlen(e.text)));
			assert_true(strlen(e.text) > sizeof(e.text) - 5);
			assert_memory_equal(e.text, text, strlen(e.text));
		}
	}
}

static void err_set__keeps_a_text_that_just_fits(void **state)
{
	struct err e;
	char text[sizeof(e.text) + 1];

	(void)state;
	memset(text, 'y', sizeof(text));
	text[sizeof(e.text) - 1] = '\0';
	err_set(&e, ERR_IO, "%s", text);
	assert_string_equal(e.text, text);
}

static void err_errno__chooses_the_kind_by_what_to_do_next(void **state)
{
	static const struct {
		int code;
		enum err_kind kind;
	} cases[] = {
		{ ENOENT, ERR_NOTFOUND }, { EACCES, ERR_DENIED }, { EPERM, ERR_DENIED },
		{ ENOSPC, ERR_FULL }, { EDQUOT, ERR_FULL }, { ETIMEDOUT, ERR_TIMEOUT },
		{ EIO, ERR_IO }, { ECONNREFUSED, ERR_IO }, { 0, ERR_IO }, { 99999, ERR_IO },
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		errno = cases[i].code;
		assert_int_equal(err_errno(&e, "cannot open %s", "x"), -1);
		assert_int_equal(e.kind, cases[i].kind);
		assert_int_equal(strncmp(e.text, "cannot open x: ", 15), 0);
		assert_true(strlen(e.text) > 15);
	}
	errno = ENOENT;
	err_errno(&e, "cannot open %s", "x");
	assert_string_equal(e.text, "cannot open x: No such file or directory");
}

static void err_wrap__puts_context_in_front_and_keeps_the_kind(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, ERR_TIMEOUT, "no answer in %d s", 5);
	assert_int_equal(err_wrap(&e, "es.reindex %s", "statuses"), -1);
	assert_int_equal(e.kind, ERR_TIMEOUT);
	assert_string_equal(e.text, "es.reindex statuses: no answer in 5 s");
}

static void err_wrap__never_overflows(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, ERR_IO, "bottom");
	for (int i = 0; i < 200; i++)
		err_wrap(&e, "\xe2\x82\xac level %d", i);
	assert_true(strlen(e.text) < sizeof(e.text));
	assert_true(utf8_valid(e.text, strlen(e.text)));
	assert_int_equal(strncmp(e.text, "\xe2\x82\xac level 199: ", 15), 0);
}

static void err_clear__empties(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, ERR_IO, "x");
	err_clear(&e);
	assert_int_equal(e.kind, ERR_NONE);
	assert_string_equal(e.text, "");
}

static void err_kind_name__goes_there_and_back(void **state)
{
	(void)state;
	for (int kind = ERR_NONE; kind <= ERR_FULL; kind++)
		assert_int_equal(err_kind_find(err_kind_name((enum err_kind)kind)), kind);
	assert_string_equal(err_kind_name(ERR_TIMEOUT), "timeout");
	assert_string_equal(err_kind_name((enum err_kind)77), "io");
	assert_int_equal(err_kind_find("weather"), ERR_IO);
	assert_int_equal(err_kind_find(NULL), ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_set__fills_kind_and_text_and_returns_minus_one),
		cmocka_unit_test(err_set__may_use_its_own_text_as_argument),
		cmocka_unit_test(err_set__cuts_at_a_character_border),
		cmocka_unit_test(err_set__keeps_a_text_that_just_fits),
		cmocka_unit_test(err_errno__chooses_the_kind_by_what_to_do_next),
		cmocka_unit_test(err_wrap__puts_context_in_front_and_keeps_the_kind),
		cmocka_unit_test(err_wrap__never_overflows),
		cmocka_unit_test(err_clear__empties),
		cmocka_unit_test(err_kind_name__goes_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
