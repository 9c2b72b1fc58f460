/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void str_is__treats_null_as_a_value_of_its_own(void **state)
{
	(void)state;
	assert_true(str_is("a", "a"));
	assert_false(str_is("a", "b"));
	assert_false(str_is("", NULL));
	assert_false(str_is(NULL, ""));
	assert_true(str_is(NULL, NULL));
}

static void str_starts__and_ends(void **state)
{
	(void)state;
	assert_true(str_starts("secret.env", "secret."));
	assert_true(str_starts("x", ""));
	assert_false(str_starts("sec", "secret"));
	assert_true(str_ends("a.lua", ".lua"));
	assert_true(str_ends("a", ""));
	assert_false(str_ends("lua", ".lua"));
	assert_false(str_ends("a.lua2", ".lua"));
}

static void str_to_int__accepts_exactly_decimal_integers(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
	} good[] = {
		{ "0", 0 }, { "-0", 0 }, { "7", 7 }, { "-7", -7 }, { "007", 7 },
		{ "9223372036854775807", INT64_MAX }, { "-9223372036854775808", INT64_MIN },
	};
	static const char *const bad[] = {
		"", "-", "+1", " 1", "1 ", "1x", "0x10", "1.0", "--1", "9223372036854775808",
		"-9223372036854775809", "99999999999999999999999", "18446744073709551616", NULL,
	};
	int64_t out = 42;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_true(str_to_int(good[i].text, INT64_MIN, INT64_MAX, &out));
		assert_true(out == good[i].value);
	}
	out = 42;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(str_to_int(bad[i], INT64_MIN, INT64_MAX, &out));
	assert_false(str_to_int("0", 1, 16, &out));
	assert_false(str_to_int("17", 1, 16, &out));
	assert_int_equal(out, 42);
	assert_true(str_to_int("16", 1, 16, &out));
	assert_true(str_to_int("1", 1, 16, &out));
}

static void str_to_duration__reads_what_people_write(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} good[] = {
		{ "90s", 90000000 }, { "10m", 600000000 }, { "6h", 21600000000 },
		{ "2d", 172800000000 }, { "500ms", 500000 }, { "5", 5000000 }, { "0", 0 },
		{ "3155760000000ms", 3155760000000000 },
	};
	static const char *const bad[] = {
		"", "s", "-1s", "1 s", "1.5h", "1sec", "1w", "1S", "1us", "3155760000001ms", "9223372036854776ms",
		"9223372036854775807d", "99999999999999999999s", "106751992d", NULL,
	};
	int64_t out = 42;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_true(str_to_duration(good[i].text, &out));
		assert_true(out == good[i].us);
	}
	out = 42;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(str_to_duration(bad[i], &out));
	assert_int_equal(out, 42);
}

static void str_distance__counts_slips(void **state)
{
	static const struct {
		const char *a, *b;
		int distance;
	} cases[] = {
		{ "", "", 0 }, { "", "abc", 3 }, { "abc", "", 3 }, { "abc", "abc", 0 },
		{ "kitten", "sitting", 3 }, { "reindex", "riendex", 1 }, { "ab", "ba", 1 },
		{ "observe", "obsreve", 1 }, { "gate", "gates", 1 }, { "change", "chnage", 1 },
		{ "abcd", "dcba", 3 },
	};
	char longest[400];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(str_distance(cases[i].a, cases[i].b), cases[i].distance);
		assert_int_equal(str_distance(cases[i].b, cases[i].a), cases[i].distance);
	}
	memset(longest, 'x', sizeof(longest));
	longest[399] = '\0';
	assert_int_equal(str_distance(longest, "a"), 99);
	assert_int_equal(str_distance("", longest), 99);
	assert_int_equal(str_distance(longest, longest), 0);
	longest[98] = '\0';
	assert_int_equal(str_distance(longest, ""), 98);
	assert_int_equal(str_distance(longest, "x"), 97);
}

static void str_nearest__suggests_only_what_is_near(void **state)
{
	static const char *const names[] = {
		"observe", "change", "irreversible", "manual", "gate", "wait", "hold", NULL,
	};
	static const char *const none[] = { NULL };
	static const char *const shorts[] = { "a", "db", NULL };

	(void)state;
	assert_string_equal(str_nearest("chnage", names), "change");
	assert_string_equal(str_nearest("obsrve", names), "observe");
	assert_string_equal(str_nearest("gates", names), "gate");
	assert_string_equal(str_nearest("irreversable", names), "irreversible");
	assert_string_equal(str_nearest("irrev", names), "irreversible");
	assert_string_equal(str_nearest("hold", names), "hold");
	assert_null(str_nearest("teapot", names));
	assert_null(str_nearest("x", names));
	assert_null(str_nearest("", names));
	assert_null(str_nearest("", shorts));
	assert_null(str_nearest("x", shorts));
	assert_string_equal(str_nearest("dc", shorts), "db");
	assert_null(str_nearest("gate", none));
}

static void str_copy__always_terminates_and_never_cuts_a_character(void **state)
{
	char small[5];

	(void)state;
	assert_true(str_copy(small, sizeof(small), "abcd"));
	assert_string_equal(small, "abcd");
	assert_false(str_copy(small, sizeof(small), "abcde"));
	assert_string_equal(small, "abcd");
	assert_false(str_copy(small, sizeof(small), "abc\xe2\x82\xac"));
	assert_string_equal(small, "abc");
	assert_false(str_copy(small, 1, "a"));
	assert_string_equal(small, "");
	assert_true(str_copy(small, 1, ""));
	small[0] = 'k';
	assert_false(str_copy(small, 0, ""));
	assert_int_equal(small[0], 'k');
}

static void str_shell_quote__gives_one_word(void **state)
{
	static const char *const cases[][2] = {
		{ "", "''" }, { "a b", "'a b'" }, { "it's", "'it'\\''s'" }, { "'", "''\\'''" },
		{ "$HOME `x` \"y\" \\ \n", "'$HOME `x` \"y\" \\ \n'" },
	};
	struct buf out = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		buf_clear(&out);
		str_shell_quote(&out, cases[i][0]);
		assert_string_equal(buf_text(&out), cases[i][1]);
	}
	buf_done(&out);
}

static void str_hex__writes_lower_case(void **state)
{
	struct buf out = {0};

	(void)state;
	str_hex(&out, "\x00\x7f\xff\xab", 4);
	str_hex(&out, "", 0);
	assert_string_equal(buf_text(&out), "007fffab");
	buf_done(&out);
}

/* The vectors of RFC 4648, section 10. */
static void str_base64__matches_the_rfc(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xfe", "+//+" },
	};
	struct buf out = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		buf_clear(&out);
		str_base64(&out, cases[i][0], strlen(cases[i][0]));
		assert_string_equal(buf_text(&out), cases[i][1]);
		buf_clear(&out);
		assert_true(str_unbase64(&out, cases[i][1], strlen(cases[i][1])));
		assert_string_equal(buf_text(&out), cases[i][0]);
	}
	buf_done(&out);
}

static void str_unbase64__goes_back_for_all_bytes(void **state)
{
	unsigned char bytes[259];
	struct buf text = {0};
	struct buf back = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7);
	for (size_t len = 250; len <= sizeof(bytes); len++) {
		buf_clear(&text);
		buf_clear(&back);
		str_base64(&text, bytes, len);
		assert_true(str_unbase64(&back, text.data, text.len));
		assert_int_equal(back.len, len);
		assert_memory_equal(back.data, bytes, len);
	}
	buf_done(&text);
	buf_done(&back);
}

static void str_unbase64__refuses_and_leaves_out_alone(void **state)
{
	static const char *const bad[] = {
		"A", "AA", "AAA", "=", "====", "A===", "AA=A", "Zg==Zg==", "Zg= =", "Zm9\n",
		" Zm9v", "Zm-_", "Zh==", "Zm9=", "Zm9vZg", "Zm9v!m9v", "Zm9vZm9v\xc3\xa9==",
	};
	struct buf out = {0};

	(void)state;
	buf_puts(&out, "kept");
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_false(str_unbase64(&out, bad[i], strlen(bad[i])));
		assert_int_equal(out.len, 4);
		assert_string_equal(buf_text(&out), "kept");
	}
	assert_false(str_unbase64(&out, "Zg\0=", 4));
	assert_string_equal(buf_text(&out), "kept");
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(str_is__treats_null_as_a_value_of_its_own),
		cmocka_unit_test(str_starts__and_ends),
		cmocka_unit_test(str_to_int__accepts_exactly_decimal_integers),
		cmocka_unit_test(str_to_duration__reads_what_people_write),
		cmocka_unit_test(str_distance__counts_slips),
		cmocka_unit_test(str_nearest__suggests_only_what_is_near),
		cmocka_unit_test(str_copy__always_terminates_and_never_cuts_a_character),
		cmocka_unit_test(str_shell_quote__gives_one_word),
		cmocka_unit_test(str_hex__writes_lower_case),
		cmocka_unit_test(str_base64__matches_the_rfc),
		cmocka_unit_test(str_unbase64__goes_back_for_all_bytes),
		cmocka_unit_test(str_unbase64__refuses_and_leaves_out_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
