/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tui/part/prose.h"

static void flows(const char *text, const char *want)
{
	struct buf out = { 0 };

	prose_flow(&out, text);
	assert_string_equal(buf_text(&out), want);
	buf_done(&out);
}

static void commands(const char *list, const char *want)
{
	struct buf out = { 0 };
	struct err e;
	struct json *json = json_parse(list, strlen(list), &e);

	assert_non_null(json);
	prose_commands(&out, json);
	assert_string_equal(buf_text(&out), want);
	buf_done(&out);
	json_free(json);
}

static void prose__long_lines_flow_on(void **state)
{
	(void)state;
	flows("Brings a Mastodon server to a newer release: a patch\n(4.5.9 to 4.5.15).\n",
		"Brings a Mastodon server to a newer release: a patch (4.5.9 to 4.5.15).");
	flows("", "");
	flows("\n\n", "");
}

static void prose__paragraphs_short_lines_and_lists_keep_their_lines(void **state)
{
	(void)state;
	flows("This paragraph is long enough to have been broken by hand.\n\nNext.",
		"This paragraph is long enough to have been broken by hand.\nNext.");
	flows("exit status 1\nNothing more is run.", "exit status 1\nNothing more is run.");
	flows("The files lie where the steps above say that they lie:\n  $ scp a b\n- one\n* two\n",
		"The files lie where the steps above say that they lie:\n  $ scp a b\n- one\n* two");
}

static void prose__shows_no_control_characters(void **state)
{
	struct buf out = { 0 };

	(void)state;
	flows("a \033[2J b\r\nc", "a  b\nc");
	prose_command(&out, "if\n\ttrue\033\nfi");
	assert_string_equal(buf_text(&out), "if\n    true^[\nfi");
	buf_done(&out);
}

static void prose__commands_are_grouped_by_host(void **state)
{
	(void)state;
	commands("[{\"host\":\"a\",\"as\":\"root\",\"shown\":\"x\"},{\"host\":\"a\",\"as\":\"root\",\"shown\":\"y\"},"
		"{\"host\":\"a\",\"as\":\"web\",\"shown\":\"z\"},{\"shown\":\"w\"}]",
		"Will run on a as root:\n$ x\n$ y\nthen as web:\n$ z\nWill run on this computer:\n$ w\n");
}

static void prose__hosts_that_get_the_same_share_a_heading(void **state)
{
	(void)state;
	commands("[{\"host\":\"a\",\"shown\":\"x\"},{\"host\":\"b\",\"shown\":\"x\"},{\"host\":\"c\",\"shown\":\"x\"}]",
		"Will run on a, b and c:\n$ x\n");
	commands("[{\"host\":\"a\",\"as\":\"r\",\"shown\":\"x\"},{\"host\":\"a\",\"as\":\"r\",\"shown\":\"y\"},"
		"{\"host\":\"b\",\"as\":\"r\",\"shown\":\"x\"},{\"host\":\"b\",\"as\":\"r\",\"shown\":\"y\"}]",
		"Will run on a and b as r:\n$ x\n$ y\n");
	/* Another user, another order or one more command is not the same. */
	commands("[{\"host\":\"a\",\"as\":\"r\",\"shown\":\"x\"},{\"host\":\"b\",\"as\":\"s\",\"shown\":\"x\"}]",
		"Will run on a as r:\n$ x\nWill run on b as s:\n$ x\n");
	commands("[{\"host\":\"a\",\"shown\":\"x\"},{\"host\":\"b\",\"shown\":\"x\"},{\"host\":\"b\",\"shown\":\"y\"}]",
		"Will run on a:\n$ x\nWill run on b:\n$ x\n$ y\n");
}

static void wraps(const char *text, int cols, const char *want)
{
	struct buf out = { 0 };

	prose_wrap(&out, text, cols);
	assert_string_equal(buf_text(&out), want);
	buf_done(&out);
}

static void prose__wrapped_lines_end_at_blanks(void **state)
{
	(void)state;
	wraps("one two three\nfour\n", 8, "one two\nthree\nfour\n");
	wraps("one two", 7, "one two");
	wraps("one two  three", 7, "one two\nthree");
	wraps("/a/very/long/path and more", 8, "/a/very/long/path\nand more");
	wraps("  - indented", 40, "  - indented");
	wraps("\n\nlast", 4, "\n\nlast");
	wraps("日本語 日本語", 8, "日本語\n日本語");
	wraps("", 8, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prose__long_lines_flow_on),
		cmocka_unit_test(prose__paragraphs_short_lines_and_lists_keep_their_lines),
		cmocka_unit_test(prose__shows_no_control_characters),
		cmocka_unit_test(prose__commands_are_grouped_by_host),
		cmocka_unit_test(prose__hosts_that_get_the_same_share_a_heading),
		cmocka_unit_test(prose__wrapped_lines_end_at_blanks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
