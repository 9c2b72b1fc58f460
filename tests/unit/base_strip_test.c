/* base_strip_test.c - the words of a terminal's output: sequences go, whole or cut anywhere. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/strip.h"

static const struct {
	const char *bytes, *text;
} cases[] = {
	{ "plain\r\n\ttext\n", "plain\r\n\ttext\n" },
	{ "\033[1;31mred\033[0m and \033[?2004hback", "red and back" },
	{ "\033]0;title\007a\033]8;;http://x\033\\b", "ab" },
	{ "\033Pq#0;2;0\033\\c\033_x\033\\d\033^y\033\\e", "cde" },
	{ "\033(B\033)0f\033=\033>g\0337\0338h", "fgh" },
	{ "a\bb\ac\x7f" "d\x0e\x0f", "abcd" },
	{ "x\033[?1049h\033[2Jvim draws\033[?1049ly", "x\r\n(a full-screen program)\r\ny" },
	{ "\033[?47hold\033[?47l\033[?1047hold\033[?1047l.", "\r\n(a full-screen program)\r\n\r\n(a full-screen program)\r\n." },
	{ "\033[?25l\033[?1049lz", "z" },
	{ "\033[12\033[3mi", "i" },
	{ "\033[12\030j\033]0;\030k", "jk" },
	{ "na\303\257ve \360\237\246\243", "na\303\257ve \360\237\246\243" },
	{ "\033[00000000000000000000000000000000000000000000000001049hm", "m" },
	{ "\033]never ended", "" },
	{ "\033]0;left open\033[31mred\033(B\033$(Cx", "redx" },
	{ "\033[3\n1mx\033\033[31m red", "\nx red" },
	{ "\302\23331m\033Pone\007two\033\\a", "31ma" },
};

static void strip__leaves_words_and_nothing_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct strip strip = { 0 };
		struct buf out = { 0 };

		strip_feed(&strip, cases[i].bytes, strlen(cases[i].bytes), &out);
		assert_string_equal(buf_text(&out), cases[i].text);
		buf_done(&out);
	}
}

static void strip__does_not_mind_where_it_is_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t cut = 1; cut < strlen(cases[i].bytes); cut++) {
			struct strip strip = { 0 };
			struct buf out = { 0 };

			strip_feed(&strip, cases[i].bytes, cut, &out);
			strip_feed(&strip, cases[i].bytes + cut, strlen(cases[i].bytes) - cut, &out);
			assert_string_equal(buf_text(&out), cases[i].text);
			buf_done(&out);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strip__leaves_words_and_nothing_else),
		cmocka_unit_test(strip__does_not_mind_where_it_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
