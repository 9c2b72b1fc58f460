/* base_line_test.c - what programs print, as lines: colours go, progress is its last state, whatever is cut where. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/line.h"

#define MAX 64

/* What real programs wrote (rails, vite, systemctl, psql, yarn, apt, curl), and what is to be read of it; lines end with |. */
static const struct {
	const char *bytes, *lines;
} cases[] = {
	{ "plain\nlast", "plain|last|" },
	{ "a\r\n\r\nb\r\n", "a||b|" },
	{ "\033[33mwarning\033[0m: \033[1;31;40mred\033[m\n", "warning: red|" },
	{ "\033[38;5;208m\033[48;2;1;2;3mx\033[K\n", "x|" },
	{ "10%\r55%\r100%\nnext\n", "100%|next|" },
	{ "Receiving objects:  50%\rReceiving objects: 100%, done.\n", "Receiving objects: 100%, done.|" },
	{ "\033[2K\033[1G[1/4] Resolving\033[2K\033[1G[2/4] Fetching\n", "[2/4] Fetching|" },
	{ "building...\033[2K\rbuilt\n", "built|" },
	{ "working\r\033[Kdone\n", "done|" },
	{ "working\r\033[K\n", "|" },
	{ "\xe2\x9a\xa0\xef\xb8\x8f  careful \xe2\x9c\x93\n", "\xe2\x9a\xa0  careful \xe2\x9c\x93|" },
	{ "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xa7\n", "\xf0\x9f\x91\xa9\xf0\x9f\x94\xa7|" },
	{ "\xef\xb8\x8f" "alone stays\n", "\xef\xb8\x8f" "alone stays|" },
	{ "\033]8;;https://x\033\\link\033]8;;\033\\ \033]0;title\007end\n", "link end|" },
	{ "|\b/\b-\b\\\bok\n", "ok|" },
	{ "N\bNA\bAM\bME\bE\n", "NAME|" },
	{ "\033[?25lhidden cursor\033[?25h\n", "hidden cursor|" },
	{ "\033[?1049hstill seen\n", "still seen|" },
	{ "a\tb\n", "a       b|" },
	{ "bell\a nul\001\002 del\177\n", "bell nul del|" },
	{ "cut\033[", "cut|" },
};

static void take(void *arg, const char *text, size_t len)
{
	buf_append(arg, text, len);
	buf_putc(arg, '|');
}

static void line__is_what_a_terminal_would_have_left(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct line line = { 0 };
		struct buf out = { 0 };

		line_feed(&line, cases[i].bytes, strlen(cases[i].bytes), MAX, take, &out);
		line_end(&line, take, &out);
		assert_string_equal(buf_text(&out), cases[i].lines);
		line_done(&line);
		buf_done(&out);
	}
}

static void line__does_not_mind_where_it_is_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t cut = 1; cut < strlen(cases[i].bytes); cut++) {
			struct line line = { 0 };
			struct buf out = { 0 };

			line_feed(&line, cases[i].bytes, cut, MAX, take, &out);
			line_feed(&line, cases[i].bytes + cut, strlen(cases[i].bytes) - cut, MAX, take, &out);
			line_end(&line, take, &out);
			assert_string_equal(buf_text(&out), cases[i].lines);
			line_done(&line);
			buf_done(&out);
		}
}

static void line__that_is_too_long_is_given_in_parts(void **state)
{
	struct line line = { 0 };
	struct buf out = { 0 };
	char text[100];

	(void)state;
	memset(text, 'x', sizeof(text));
	/* No character is cut in two. */
	memcpy(text + MAX - 1, "\xc3\xa9", 2);
	line_feed(&line, text, sizeof(text), MAX, take, &out);
	line_end(&line, take, &out);
	assert_int_equal(strcspn(buf_text(&out), "|"), MAX - 1);
	assert_int_equal(out.len, sizeof(text) + 2);
	line_done(&line);
	buf_done(&out);
}

static void line__unfinished_is_its_last_state(void **state)
{
	struct line line = { 0 };
	struct buf out = { 0 };

	(void)state;
	line_feed(&line, "one\n10%\r\033[32m20%\r30%\xc3", 22, MAX, take, &out);
	buf_clear(&out);
	line_rest(&line, &out);
	assert_string_equal(buf_text(&out), "30%");
	line_done(&line);
	buf_done(&out);
}

static void words__are_safe_and_without_colours(void **state)
{
	struct buf out = { 0 };

	(void)state;
	line_words(&out, "\033[33mlow\033[0m\xe2\x80\xae disk\nsecond\n", 28, false);
	assert_string_equal(buf_text(&out), "low<U+202E> disk; second");
	buf_clear(&out);
	line_words(&out, "app1: a\033[2Kb\r\n\nc\rd\te\n", 21, true);
	assert_string_equal(buf_text(&out), "app1: ab\n\nc\nd\te\n");
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line__is_what_a_terminal_would_have_left),
		cmocka_unit_test(line__does_not_mind_where_it_is_cut),
		cmocka_unit_test(line__that_is_too_long_is_given_in_parts),
		cmocka_unit_test(line__unfinished_is_its_last_state),
		cmocka_unit_test(words__are_safe_and_without_colours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
