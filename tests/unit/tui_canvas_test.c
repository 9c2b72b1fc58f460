/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "tui/term/canvas.h"
#include "tui/part/output.h"
#include "tui/part/question.h"

static void assert_row(struct canvas *canvas, int row, const char *want)
{
	struct buf out = { 0 };
	const char *line, *stop;

	canvas_dump(canvas, &out);
	line = buf_text(&out);
	while (row-- > 0)
		line = strchr(line, '\n') + 1;
	stop = strchr(line, '\n');
	if (strlen(want) != (size_t)(stop - line) || memcmp(want, line, (size_t)(stop - line)) != 0)
		fail_msg("\"%.*s\" is not \"%s\"", (int)(stop - line), line, want);
	buf_done(&out);
}

static void canvas__cuts_with_a_plus_at_columns_not_bytes(void **state)
{
	struct canvas *canvas = canvas_new(2, 8, false);

	(void)state;
	assert_int_equal(canvas_text(canvas, 0, 0, 8, ROLE_TEXT, "h\303\251\303\251\303\251\303\251\303\251\303\251o"), 8);
	assert_row(canvas, 0, "h\303\251\303\251\303\251\303\251\303\251\303\251o");
	canvas_text(canvas, 1, 0, 8, ROLE_TEXT, "123456789");
	assert_row(canvas, 1, "1234567+");
	canvas_clear(canvas);
	canvas_text(canvas, 0, 0, 4, ROLE_TEXT, "\346\227\245\346\234\254\350\252\236");
	assert_row(canvas, 0, "\346\227\245 +");
	canvas_free(canvas);
}

static void canvas__wide_characters_are_never_half(void **state)
{
	struct canvas *canvas = canvas_new(1, 6, false);

	(void)state;
	canvas_text(canvas, 0, 0, 6, ROLE_TEXT, "\346\227\245\346\234\254\350\252\236");
	canvas_put(canvas, 0, 1, 'x', ROLE_TEXT);	/* right half of the first */
	assert_row(canvas, 0, " x\346\234\254\350\252\236");
	canvas_put(canvas, 0, 2, 'y', ROLE_TEXT);	/* left half of the second */
	assert_row(canvas, 0, " xy \350\252\236");
	canvas_put(canvas, 0, 3, 0x65e5, ROLE_TEXT);	/* over a blank and the left half of the third */
	assert_row(canvas, 0, " xy\346\227\245");
	canvas_put(canvas, 0, 5, 0x65e5, ROLE_TEXT);	/* no room for the right half */
	assert_row(canvas, 0, " xy\346\227\245+");
	canvas_free(canvas);
}

static void canvas__combining_marks_join_their_cell(void **state)
{
	struct canvas *canvas = canvas_new(1, 4, false), *ascii = canvas_new(1, 4, true);

	(void)state;
	canvas_text(canvas, 0, 0, 4, ROLE_TEXT, "e\314\201x");
	assert_row(canvas, 0, "e\314\201x");
	canvas_text(canvas, 0, 0, 4, ROLE_TEXT, "abc");
	assert_row(canvas, 0, "abc");
	canvas_text(ascii, 0, 0, 4, ROLE_TEXT, "e\314\201\303\251");
	assert_row(ascii, 0, "e?");
	canvas_free(canvas);
	canvas_free(ascii);
}

static void canvas__wraps_at_blanks_and_says_that_more_was_there(void **state)
{
	struct canvas *canvas = canvas_new(4, 10, false);

	(void)state;
	assert_int_equal(canvas_wrap(canvas, (struct area){ 0, 0, 4, 10 }, ROLE_TEXT, "one two three\nfour abcdefghijklm"), 4);
	assert_row(canvas, 0, "one two");
	assert_row(canvas, 1, "three");
	assert_row(canvas, 2, "four");
	assert_row(canvas, 3, "abcdefghi+");
	canvas_clear(canvas);
	assert_int_equal(canvas_wrap(canvas, (struct area){ 0, 0, 4, 10 }, ROLE_TEXT, "exactly te"), 1);
	canvas_free(canvas);
}

static void canvas__outside_is_ignored(void **state)
{
	struct canvas *canvas = canvas_new(1, 1, false);

	(void)state;
	canvas_put(canvas, -1, 0, 'x', ROLE_TEXT);
	canvas_put(canvas, 0, 7, 'x', ROLE_TEXT);
	canvas_text(canvas, 0, 5, 10, ROLE_TEXT, "hello");
	canvas_box(canvas, (struct area){ -3, -3, 20, 20 }, "title of a box");
	canvas_wrap(canvas, (struct area){ 0, 0, 5, 0 }, ROLE_TEXT, "hello there");
	canvas_fill(canvas, (struct area){ 5, 5, 5, 5 }, ROLE_TEXT);
	canvas_free(canvas);
}

static void feed(struct output *output, const char *text)
{
	output_feed(output, text, strlen(text), false, 1);
}

static void output__makes_lines_of_pieces(void **state)
{
	struct output *output = output_new();

	(void)state;
	feed(output, "one\ntw");
	assert_int_equal(output_count(output), 1);
	assert_string_equal(output_partial(output, false), "tw");
	output_feed(output, "oops\n", 5, true, 2);
	feed(output, "o\r\n");
	assert_string_equal(output_at(output, 1)->text, "oops");
	assert_true(output_at(output, 1)->err);
	assert_string_equal(output_at(output, 2)->text, "two");
	feed(output, "no end");
	output_end(output);
	assert_string_equal(output_at(output, 3)->text, "no end");
	output_end(output);
	assert_int_equal(output_total(output), 4);
	output_free(output);
}

static void output__carriage_returns_overwrite(void **state)
{
	struct output *output = output_new();

	(void)state;
	for (int i = 0; i < 100000; i++)
		feed(output, "\r 50 percent of a long progress line");
	assert_string_equal(output_partial(output, false), " 50 percent of a long progress line");
	assert_true(output_bytes(output) < 1000);
	feed(output, "\rdone\n");
	assert_int_equal(output_count(output), 1);
	assert_string_equal(output_at(output, 0)->text, "done");
	output_free(output);
}

static void output__is_bounded(void **state)
{
	struct output *output = output_new();
	char line[64];

	(void)state;
	for (int i = 0; i < OUTPUT_LINES + 100; i++) {
		int n = snprintf(line, sizeof(line), "line %d\n", i);

		output_feed(output, line, (size_t)n, false, i);
	}
	assert_true(output_count(output) <= OUTPUT_LINES);
	assert_true(output_bytes(output) <= OUTPUT_BYTES);
	assert_int_equal(output_total(output), OUTPUT_LINES + 100);
	assert_int_equal(output_dropped(output), output_total(output) - (int64_t)output_count(output));
	snprintf(line, sizeof(line), "line %d", OUTPUT_LINES + 99);
	assert_string_equal(output_at(output, output_count(output) - 1)->text, line);
	output_free(output);
}

static void output__breaks_endless_lines_between_characters(void **state)
{
	struct output *output = output_new();

	(void)state;
	feed(output, "x");
	for (int i = 0; i < OUTPUT_LINE_MAX; i++)
		feed(output, "\346\227\245");
	assert_true(output_count(output) >= 2);
	assert_null(strstr(output_at(output, 0)->text, "<"));
	assert_null(strstr(output_at(output, 1)->text, "<"));
	output_free(output);
}

static void output__shows_no_control_characters(void **state)
{
	struct output *output = output_new();

	(void)state;
	output_feed(output, "a\033[2J\0b\tc\377\n", 11, false, 1);
	/* As a terminal would have left it. */
	assert_string_equal(output_at(output, 0)->text, "b       c<ff>");
	output_free(output);
}

static void output__finds_both_ways_without_case(void **state)
{
	struct output *output = output_new();

	(void)state;
	feed(output, "Error one\nfine\nan ERROR two\n");
	assert_int_equal(output_find(output, "error", 0, false), 0);
	assert_int_equal(output_find(output, "error", 1, false), 2);
	assert_int_equal(output_find(output, "error", 1, true), 0);
	assert_int_equal(output_find(output, "error", 3, false), -1);
	assert_int_equal(output_find(output, "none", 2, true), -1);
	output_free(output);
}

static struct question *ask(const char *data)
{
	struct event ev = { .seq = 7, .kind = EVENT_ASKED, .data = data };

	return question_new(&ev);
}

static void question__words_must_be_clear(void **state)
{
	struct question *question = ask("{\"of\":\"failure\",\"type\":\"choice\",\"choices\":[{\"value\":\"retry\"},{\"value\":\"rerun\"},\"abort\"]}");
	struct json *value;
	struct err e;

	(void)state;
	assert_null(question_value(question, "re", &e));	/* two begin so */
	assert_null(question_value(question, "a", &e));		/* too short to mean it */
	assert_null(question_value(question, "0", &e));
	assert_null(question_value(question, "4", &e));
	assert_null(question_value(question, "", &e));		/* no default */
	value = question_value(question, "ab", &e);
	assert_string_equal(json_as_text(value), "abort");
	json_free(value);
	assert_true(question_is_dangerous(question));
	question_free(question);
}

static void question__senseless_data_is_still_a_question(void **state)
{
	static const char *const bad[] = { "", "[]", "{\"type\":7}", "{\"type\":\"choice\",\"choices\":7}",
		"{\"type\":\"choice\",\"choices\":[null,{},[]]}", "{\"of\":null,\"default\":{}}", NULL };
	struct choice choice;

	(void)state;
	for (size_t i = 0; bad[i]; i++) {
		struct question *question = ask(bad[i]);
		struct err e;

		json_free(question_value(question, "x", &e));
		question_choice_at(question, 0, &choice);
		question_free(question);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canvas__cuts_with_a_plus_at_columns_not_bytes),
		cmocka_unit_test(canvas__wide_characters_are_never_half),
		cmocka_unit_test(canvas__combining_marks_join_their_cell),
		cmocka_unit_test(canvas__wraps_at_blanks_and_says_that_more_was_there),
		cmocka_unit_test(canvas__outside_is_ignored),
		cmocka_unit_test(output__makes_lines_of_pieces),
		cmocka_unit_test(output__carriage_returns_overwrite),
		cmocka_unit_test(output__is_bounded),
		cmocka_unit_test(output__breaks_endless_lines_between_characters),
		cmocka_unit_test(output__shows_no_control_characters),
		cmocka_unit_test(output__finds_both_ways_without_case),
		cmocka_unit_test(question__words_must_be_clear),
		cmocka_unit_test(question__senseless_data_is_still_a_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
