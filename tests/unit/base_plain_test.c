/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/plain.h"
#include "base/utf8.h"

static void plain_text__is_what_can_be_read(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "", "" },
		{ "plain\n", "plain\n" },
		{ "\033[1;31mred\033[0m", "red" },
		{ "\033]0;title\007x\033]8;;http://x\033\\link\033]8;;\033\\", "xlink" },
		{ "\033P1$r\033\\a\033_apc\033\\b", "ab" },
		{ "\033(Bascii\033=", "ascii" },
		{ "10 %\r20 %\r\n", "10 %\n20 %\n" },
		{ "N\bNA\bAM\bME\bE", "NAME" },
		{ "\xc3\xa4\bb", "b" },
		{ "\n\bx", "\nx" },
		{ "a\tb\001c\177d", "a b c d" },
		{ "\xff", "\xef\xbf\xbd" },
		{ "\033\033[31m red", " red" },
		{ "\033[31\030X", "X" },
		{ "\033]0;left open\033[31mred", "red" },
		{ "\033$(Ca\033#8b\033 Fc", "abc" },
		{ "\302\23331m\302\205", " 31m " },
		{ "\302\033[m\23331m", "\xef\xbf\xbd\xef\xbf\xbd" "31m" },
		{ "a\r\033[K\nb\r", "a\n\nb\n" },
		{ "cut \303", "cut \xef\xbf\xbd" },
		{ "cut \033[3", "cut " },
		{ "cut \033", "cut " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = { 0 };

		plain_text(&out, cases[i].in, strlen(cases[i].in));
		assert_string_equal(buf_text(&out), cases[i].out);
		buf_done(&out);
	}
}

static void plain_text__never_lets_a_control_character_through(void **state)
{
	uint32_t seed = 7;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct buf out = { 0 };
		char bytes[64];

		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1103515245u + 12345u;
			bytes[i] = (seed >> 16) % 4 == 0 ? "\033[]\r\b\007P\\"[(seed >> 20) % 8] : (char)(seed >> 18);
		}
		plain_text(&out, bytes, sizeof(bytes));
		assert_true(utf8_valid(buf_text(&out), out.len));
		for (size_t i = 0; i < out.len;) {
			uint32_t cp;

			i += utf8_decode(out.data + i, out.len - i, &cp);
			assert_true(cp == '\n' || (cp >= 0x20 && cp < 0x7f) || cp >= 0xa0);
		}
		buf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text__is_what_can_be_read),
		cmocka_unit_test(plain_text__never_lets_a_control_character_through),
	};

	return cmocka_run_group_tests_name("base_plain", tests, NULL, NULL);
}
