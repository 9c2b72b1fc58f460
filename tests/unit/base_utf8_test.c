/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void utf8_decode__goes_back_and_forth_for_every_character(void **state)
{
	char text[4];
	uint32_t got;

	(void)state;
	for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
		size_t len;

		if (cp >= 0xd800 && cp <= 0xdfff)
			continue;
		len = utf8_encode(cp, text);
		if (utf8_decode(text, len, &got) != len || got != cp)
			fail_msg("U+%04X", (unsigned)cp);
		for (size_t cut = 1; cut < len; cut++) {
			if (utf8_decode(text, cut, &got) != 1 || got != UTF8_BAD)
				fail_msg("U+%04X cut to %zu", (unsigned)cp, cut);
		}
	}
}

static void utf8_encode__writes_bad_for_what_is_no_character(void **state)
{
	static const uint32_t bad[] = { 0xd800, 0xdfff, 0x110000, 0xffffffff };
	char text[4];

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(utf8_encode(bad[i], text), 3);
		assert_memory_equal(text, "\xef\xbf\xbd", 3);
	}
}

static void utf8_decode__takes_one_byte_of_invalid_input(void **state)
{
	static const char *const bad[] = {
		"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3(", "\xe0\x80\x80", "\xe0\x9f\xbf",
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xe2\x82(", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe", "\xff",
		"\xf0\x9f\x98(", "\xe2(\xac",
	};
	uint32_t cp;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(utf8_decode(bad[i], strlen(bad[i]), &cp), 1);
		assert_int_equal(cp, UTF8_BAD);
		assert_false(utf8_valid(bad[i], strlen(bad[i])));
	}
	assert_int_equal(utf8_decode("", 0, &cp), 0);
	assert_int_equal(cp, UTF8_BAD);
}

static void utf8_says__nothing_that_cannot_be_seen(void **state)
{
	static const char *const silent[] = {
		"", " ", " \t\r\n ", "\n\n\n", "\xe2\x80\x8b", "\xef\xbb\xbf \n", "\xc2\xa0\xc2\xa0", "\x01\x1b\x7f",
		"\xc2\x85", "\xe2\x80\xa8", "\xe2\x81\xa0", "\xe3\x80\x80", "\xe3\x85\xa4", "\xc2\xad", "\xe2\xa0\x80",
		"\xe2\x80\x8d\xef\xb8\x8f", "\xcc\x81", "\xff\xfe", "\xef\xbf\xbd", "\xf3\xa0\x81\x81", "\xee\x80\x80",
	};
	static const char *const said[] = { "x", ".", " \n x", ("\xe2\x80\x8b" "a"), "\xc3\xa9", "e\xcc\x81", "\xe6\x97\xa5", "\xf0\x9f\x91\x8d" };

	(void)state;
	assert_false(utf8_says(NULL));
	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
		if (utf8_says(silent[i]))
			fail_msg("no. %zu", i);
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		if (!utf8_says(said[i]))
			fail_msg("no. %zu", i);
}

static void utf8_valid__finds_a_bad_byte_anywhere_in_plain_text(void **state)
{
	char text[41];

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_true(utf8_valid(text, sizeof(text)));
	for (size_t len = 1; len <= sizeof(text); len++) {
		for (size_t i = 0; i < len; i++) {
			text[i] = '\xff';
			assert_false(utf8_valid(text, len));
			text[i] = 'a';
		}
	}
}

static void utf8_valid__accepts_nul_and_the_replacement_character(void **state)
{
	(void)state;
	assert_true(utf8_valid("", 0));
	assert_true(utf8_valid("a\0b", 3));
	assert_true(utf8_valid("\xef\xbf\xbd", 3));
	assert_true(utf8_valid("\xf4\x8f\xbf\xbf", 4));
	assert_false(utf8_valid("ok\xef\xbf", 4));
}

static void utf8_width__knows_what_terminals_do(void **state)
{
	static const struct {
		uint32_t cp;
		int width;
	} cases[] = {
		{ 0, -1 }, { '\t', -1 }, { '\n', -1 }, { 0x1b, -1 }, { 0x1f, -1 }, { ' ', 1 },
		{ '~', 1 }, { 0x7f, -1 }, { 0x80, -1 }, { 0x9f, -1 }, { 0xa0, 1 }, { 0xad, 1 },
		{ 0xe9, 1 }, { 0x2ff, 1 }, { 0x300, 0 }, { 0x36f, 0 }, { 0x370, 1 }, { 0x488, 0 },
		{ 0x5d0, 1 }, { 0x591, 0 }, { 0x600, 1 }, { 0x10ff, 1 }, { 0x1100, 2 },
		{ 0x115f, 2 }, { 0x1160, 0 }, { 0x11ff, 0 }, { 0x1200, 1 }, { 0x200b, 0 },
		{ 0x200d, 0 }, { 0x2010, 1 }, { 0x2028, -1 }, { 0x2029, -1 }, { 0x202e, 0 },
		{ 0x20ac, 1 }, { 0x20d0, 0 }, { 0x2500, 1 }, { 0x2588, 1 }, { 0x231a, 2 },
		{ 0x231c, 1 }, { 0x2603, 1 }, { 0x2705, 2 }, { 0x2714, 1 }, { 0x3000, 2 },
		{ 0x302a, 0 }, { 0x303f, 1 }, { 0x3042, 2 }, { 0x3099, 0 }, { 0x4e2d, 2 },
		{ 0xa4c6, 2 }, { 0xac00, 2 }, { 0xd7a3, 2 }, { 0xe000, 1 }, { 0xf900, 2 },
		{ 0xfe0f, 0 }, { 0xfe10, 2 }, { 0xfeff, 0 }, { 0xff01, 2 }, { 0xff60, 2 },
		{ 0xff61, 1 }, { 0xfffd, 1 }, { 0x1d165, 1 }, { 0x1d167, 0 }, { 0x1f1e6, 1 },
		{ 0x1f600, 2 }, { 0x1f680, 2 }, { 0x1f970, 2 }, { 0x1fae8, 2 }, { 0x20000, 2 },
		{ 0x3fffd, 2 }, { 0x3fffe, 1 }, { 0xe0001, 0 }, { 0xe0100, 0 }, { 0x10ffff, 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (utf8_width(cases[i].cp) != cases[i].width)
			fail_msg("U+%04X: %d", (unsigned)cases[i].cp, utf8_width(cases[i].cp));
	}
}

static void utf8_columns__adds_up(void **state)
{
	static const char mixed[] = "a\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80" "e\xcc\x81\t\xff";

	(void)state;
	assert_int_equal(utf8_columns("", 0), 0);
	/* 1 + 1 + 2 + 2 + 1 + 0 + 0 + 1 */
	assert_int_equal(utf8_columns(mixed, strlen(mixed)), 8);
}

static void utf8_fit__never_cuts_a_character(void **state)
{
	static const char text[] = "a\xe4\xb8\xad" "e\xcc\x81z";
	static const struct {
		int columns;
		size_t bytes;
		int used;
	} cases[] = {
		{ -1, 0, 0 }, { 0, 0, 0 }, { 1, 1, 1 }, { 2, 1, 1 }, { 3, 4, 3 }, { 4, 7, 4 },
		{ 5, 8, 5 }, { 99, 8, 5 },
	};
	int used;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(utf8_fit(text, strlen(text), cases[i].columns, &used),
				 cases[i].bytes);
		assert_int_equal(used, cases[i].used);
	}
	assert_int_equal(utf8_fit(text, strlen(text), 3, NULL), 4);
}

static void utf8_border__takes_off_only_a_cut_character(void **state)
{
	static const struct {
		const char *text;
		size_t border;
	} cases[] = {
		{ "", 0 }, { "a", 1 }, { "a\xc3", 1 }, { "a\xc3\xa9", 3 }, { "\xe2\x82", 0 },
		{ "\xe2\x82\xac", 3 }, { "\xf0\x9f\x98", 0 }, { "x\xf0\x9f", 1 },
		{ "\xf0\x9f\x98\x80", 4 }, { "\x80\x80\x80\x80", 4 }, { "a\xff", 2 },
		{ "\xc3\xa9\x80", 3 }, { "\x80", 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(utf8_border(cases[i].text, strlen(cases[i].text)),
				 cases[i].border);
}

static void utf8_scrub__replaces_each_bad_byte_and_nul_and_nothing_else(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		const char *out;
	} cases[] = {
		{ "", 0, "" }, { "plain\t\x1b\n", 8, "plain\t\x1b\n" },
		{ "a\0b", 3, "a\xef\xbf\xbd" "b" },
		{ "\xff\xfe", 2, "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "x\xe2\x82", 3, "x\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xe2\x82\xac\xef\xbf\xbd", 6, "\xe2\x82\xac\xef\xbf\xbd" },
		{ "\xc3\xa9\xc3", 3, "\xc3\xa9\xef\xbf\xbd" },
	};
	struct buf out = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		buf_clear(&out);
		utf8_scrub(&out, cases[i].in, cases[i].len);
		assert_string_equal(buf_text(&out), cases[i].out);
		assert_int_equal(out.len, strlen(cases[i].out));
	}
	buf_done(&out);
}

static void utf8_safe__names_what_must_not_reach_a_terminal(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		const char *out;
	} cases[] = {
		{ "", 0, "" }, { "plain \xc3\xa9", 8, "plain \xc3\xa9" },
		{ "\x1b[31m", 5, "^[[31m" }, { "a\0b\x7f\r", 5, "a^@b^?^M" },
		{ "\t\n", 2, "^I^J" }, { "\xc2\x9b" "1m", 4, "<9b>1m" }, { "\x9b", 1, "<9b>" },
		{ "\xff\xfe", 2, "<ff><fe>" }, { "\xe2\x80\xae" "txt", 6, "<U+202E>txt" },
		{ "\xe2\x80\x8b", 3, "<U+200B>" }, { "\xe2\x80\x8d", 3, "<U+200D>" },
		{ "\xef\xb8\x8f", 3, "<U+FE0F>" }, { "\xef\xbb\xbf", 3, "<U+FEFF>" },
		{ "\xee\x80\x80", 3, "<U+E000>" }, { "\xc2\xad", 2, "<U+00AD>" },
		{ "\xe2\x81\xa6", 3, "<U+2066>" }, { "\xd8\x9c", 2, "<U+061C>" },
		{ "\xf3\xa0\x80\x81", 4, "<U+E0001>" }, { "\xf4\x8f\xbf\xbf", 4, "<U+10FFFF>" },
		{ "\xe2\x80\xa8", 3, "<U+2028>" }, { "\xef\xbf\xbd", 3, "\xef\xbf\xbd" },
		{ "e\xcc\x81\xe4\xb8\xad\xf0\x9f\x98\x80", 10,
		  "e\xcc\x81\xe4\xb8\xad\xf0\x9f\x98\x80" },
		{ "\xe3\x85\xa4", 3, "<U+3164>" }, { "\xc2\xa0", 2, "\xc2\xa0" },
	};
	struct buf out = {0};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		buf_clear(&out);
		utf8_safe(&out, cases[i].in, cases[i].len, false);
		assert_string_equal(buf_text(&out), cases[i].out);
	}
	buf_clear(&out);
	utf8_safe(&out, "a\tb\r\nc", 6, true);
	assert_string_equal(buf_text(&out), "a\tb^M\nc");
	buf_done(&out);
}

/* Every character, made safe, is valid, has no control character and no hidden one. */
static void utf8_safe__gives_something_visible_for_every_character(void **state)
{
	struct buf out = {0};
	char text[4];

	(void)state;
	for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
		uint32_t first;
		size_t len = utf8_encode(cp, text);

		buf_clear(&out);
		utf8_safe(&out, text, len, false);
		utf8_decode(out.data, out.len, &first);
		if (!utf8_valid(out.data, out.len) || utf8_width(first) < 0 ||
		    (first != cp && first != '<' && first != '^' && first != UTF8_BAD))
			fail_msg("U+%04X", (unsigned)cp);
	}
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_decode__goes_back_and_forth_for_every_character),
		cmocka_unit_test(utf8_encode__writes_bad_for_what_is_no_character),
		cmocka_unit_test(utf8_decode__takes_one_byte_of_invalid_input),
		cmocka_unit_test(utf8_says__nothing_that_cannot_be_seen),
		cmocka_unit_test(utf8_valid__finds_a_bad_byte_anywhere_in_plain_text),
		cmocka_unit_test(utf8_valid__accepts_nul_and_the_replacement_character),
		cmocka_unit_test(utf8_width__knows_what_terminals_do),
		cmocka_unit_test(utf8_columns__adds_up),
		cmocka_unit_test(utf8_fit__never_cuts_a_character),
		cmocka_unit_test(utf8_border__takes_off_only_a_cut_character),
		cmocka_unit_test(utf8_scrub__replaces_each_bad_byte_and_nul_and_nothing_else),
		cmocka_unit_test(utf8_safe__names_what_must_not_reach_a_terminal),
		cmocka_unit_test(utf8_safe__gives_something_visible_for_every_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
