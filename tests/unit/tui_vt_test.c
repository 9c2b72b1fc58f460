/* tui_vt_test.c - the terminal inside ours: cells, looks, keys, answers, sizes, and bytes that mean harm. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tui/term/shade.h"
#include "tui/term/vt.h"

static void feed(struct vt *vt, const char *text)
{
	vt_feed(vt, text, strlen(text));
}

/* The terminal on a canvas of its size. Caller frees. */
static struct canvas *drawn(const struct vt *vt, bool ascii)
{
	int rows, cols;
	struct canvas *canvas;

	vt_size(vt, &rows, &cols);
	canvas = canvas_new(rows, cols, ascii);
	vt_draw(vt, 0, 0, canvas, (struct area){ 0, 0, rows, cols });
	return canvas;
}

static void assert_shows(const struct vt *vt, const char *text)
{
	struct canvas *canvas = drawn(vt, false);
	struct buf out = { 0 };

	canvas_dump(canvas, &out);
	assert_string_equal(buf_text(&out), text);
	buf_done(&out);
	canvas_free(canvas);
}

static void vt__shows_what_a_terminal_would(void **state)
{
	struct vt *vt = vt_new(4, 20);
	int row, col;

	(void)state;
	feed(vt, "one\r\ntwo\033[1;10Hx\033[4;1Hna\303\257ve \346\227\245\346\234\254");
	assert_shows(vt, "one      x\ntwo\n\nna\303\257ve \346\227\245\346\234\254\n");
	assert_true(vt_cursor(vt, &row, &col));
	assert_int_equal(row, 3);
	assert_int_equal(col, 10);
	feed(vt, "\033[?25l");
	assert_false(vt_cursor(vt, &row, &col));
	vt_free(vt);
}

static void vt__gives_the_screen_back_after_a_full_screen_program(void **state)
{
	struct vt *vt = vt_new(3, 20);

	(void)state;
	feed(vt, "$ vim");
	feed(vt, "\033[?1049h\033[2J\033[Hin vim");
	assert_shows(vt, "in vim\n\n\n");
	feed(vt, "\033[?1049l");
	assert_shows(vt, "$ vim\n\n\n");
	vt_free(vt);
}

static void vt__survives_any_size(void **state)
{
	struct vt *vt = vt_new(0, -5);
	int rows, cols;

	(void)state;
	vt_size(vt, &rows, &cols);
	assert_int_equal(rows * cols, 4);
	feed(vt, "many words\r\non lines \346\227\245");
	for (int i = 0; i < 300; i++) {
		vt_resize(vt, 1 + i * 7 % 60, 1 + i * 13 % 140);
		feed(vt, "abc\r\n\346\227\245\033[5;5Hx\033[?1049h");
		canvas_free(drawn(vt, i % 2));
		feed(vt, "\033[?1049l");
	}
	vt_resize(vt, 1000000, 1000000);
	vt_size(vt, &rows, &cols);
	assert_int_equal(rows, VT_MAX);
	assert_int_equal(cols, VT_MAX);
	vt_free(vt);
}

static void vt__knows_colours_and_attributes(void **state)
{
	struct vt *vt = vt_new(1, 10);
	struct canvas *canvas;

	(void)state;
	feed(vt, "a\033[1;31mb\033[0;44mc\033[0;4;7md\033[0;38;5;200me\033[38;2;255;0;0mf\033[0mg\033[93mh");
	canvas = drawn(vt, false);
	assert_int_equal(canvas->cells[0].fg + canvas->cells[0].bg + canvas->cells[0].attrs, 0);
	assert_int_equal(canvas->cells[1].fg, 2);
	assert_int_equal(canvas->cells[1].attrs, CELL_BOLD);
	assert_int_equal(canvas->cells[2].bg, 5);
	assert_int_equal(canvas->cells[3].attrs, CELL_UNDERLINE | CELL_REVERSE);
	assert_int_equal(canvas->cells[4].fg, 201);
	assert_int_equal(canvas->cells[5].fg, 197);
	assert_int_equal(canvas->cells[6].fg, 0);
	assert_int_equal(canvas->cells[7].fg, 12);
	canvas_free(canvas);
	vt_free(vt);
}

static void shade__finds_the_nearest_colour(void **state)
{
	bool bold;

	(void)state;
	assert_int_equal(shade_of_rgb(255, 0, 0), 196);
	assert_int_equal(shade_of_rgb(128, 128, 128), 244);
	assert_int_equal(shade_of_rgb(0, 0, 0), 16);
	assert_int_equal(shade_of_rgb(255, 255, 255), 231);
	assert_int_equal(shade_for(200, 256, &bold), 200);
	assert_int_equal(shade_for(196, 16, &bold), 9);
	assert_int_equal(shade_for(196, 8, &bold), 1);
	assert_true(bold);
	assert_int_equal(shade_for(2, 8, &bold), 2);
	assert_false(bold);
}

/* No cell may hold what steers a terminal, or another width than the grid gives it. */
static void assert_harmless(const struct canvas *canvas)
{
	for (int i = 0; i < canvas->rows * canvas->cols; i++) {
		const struct cell *cell = &canvas->cells[i];
		bool right = i % canvas->cols && utf8_width(canvas->cells[i - 1].cp) == 2;

		if (cell->cp == 0) {
			assert_true(right);
			continue;
		}
		assert_true(utf8_is_safe(cell->cp));
		assert_true(utf8_width(cell->cp) == 1 || (utf8_width(cell->cp) == 2 && (i + 1) % canvas->cols && cell[1].cp == 0));
		for (int k = 0; k < CANVAS_COMBINING; k++)
			assert_true(cell->combining[k] == 0 || (utf8_is_safe(cell->combining[k]) && utf8_width(cell->combining[k]) == 0));
		if (canvas->ascii)
			assert_in_range(cell->cp, 0x20, 0x7e);
	}
}

static void vt__lets_nothing_hostile_through(void **state)
{
	static const char *const nasty[] = {
		"\033]52;c;cm0gLXJm\007\033]0;title\007\033]10;?\007", "\342\200\256txt.exe\342\200\213\342\201\246", "\302\233\063\061m\302\205\302\235x\302\234",
		"e\314\201\314\202\314\203\314\204\314\205\314\206", "\033[999999999;999999999H\033[999999999X\033[999999999b\033[999999999L\033[999999999S",
		"\033#8\033#3\033#6wide", "\356\200\200\363\260\200\200\357\277\276", "\033P+q544e\033\\\033[c\033[>c\033[6n\033[5n\033[?6n\033P$qm\033\\",
		"\377\376\300\200\355\240\200", "\346\227\245\033[1;2Hx\033[1;1H\346\227\245\b\b\033[P\033[@", "\033[1;1r\033[?6h\033[2J\033[r\033[?69h\033[3;2s\033[99@",
		"\033[38;2;999999999;1;1m\033[48:2::1:2:3mx\033[38;5mz", "\033[?1000h\033[?1006h\033[?2004h\033[?1h\033=", "\033c\033[!p\033[61\"p\016\017",
	};
	struct vt *vt = vt_new(6, 20);

	(void)state;
	for (size_t i = 0; i < sizeof(nasty) / sizeof(nasty[0]); i++) {
		struct canvas *canvas;

		feed(vt, nasty[i]);
		feed(vt, "\033[0m");
		for (int ascii = 0; ascii < 2; ascii++) {
			canvas = drawn(vt, ascii);
			assert_harmless(canvas);
			canvas_free(canvas);
		}
	}
	vt_free(vt);
}

static void vt__bears_random_bytes(void **state)
{
	static const char likely[] = "\033[]P?;:0123456789hlmHJKABCDrsuX@LMST\007\\\r\n\b\t \"$'!>=#\342\200\256\346\227\245";
	struct vt *vt = vt_new(12, 30);

	(void)state;
	srand(7);
	for (int round = 0; round < 400; round++) {
		char bytes[200];
		struct canvas *canvas;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)(rand() % 4 ? likely[(size_t)rand() % (sizeof(likely) - 1)] : rand() % 256);
		vt_feed(vt, bytes, sizeof(bytes));
		if (round % 16 == 0)
			vt_resize(vt, 1 + rand() % 40, 1 + rand() % 100);
		canvas = drawn(vt, false);
		assert_harmless(canvas);
		canvas_free(canvas);
	}
	vt_free(vt);
}

/* What the press is to the shell. */
static void assert_press(struct vt *vt, struct press press, const char *bytes)
{
	struct buf out = { 0 };

	vt_press(vt, &press, &out);
	assert_string_equal(buf_text(&out), bytes);
	buf_done(&out);
}

static void vt__turns_keys_into_bytes(void **state)
{
	struct vt *vt = vt_new(24, 80);

	(void)state;
	assert_press(vt, (struct press){ .code = PRESS_CHAR, .cp = 'a' }, "a");
	assert_press(vt, (struct press){ .code = PRESS_CHAR, .cp = 0xef }, "\303\257");
	assert_press(vt, (struct press){ .code = PRESS_CTRL, .cp = 'C' }, "\003");
	assert_press(vt, (struct press){ .code = PRESS_CTRL, .cp = ']' }, "\035");
	assert_press(vt, (struct press){ .code = PRESS_ALT, .cp = 'x' }, "\033x");
	assert_press(vt, (struct press){ .code = PRESS_ENTER }, "\r");
	assert_press(vt, (struct press){ .code = PRESS_BACKSPACE }, "\177");
	assert_press(vt, (struct press){ .code = PRESS_ESC }, "\033");
	assert_press(vt, (struct press){ .code = PRESS_UP }, "\033[A");
	assert_press(vt, (struct press){ .code = PRESS_RIGHT, .mods = 4 }, "\033[1;5C");
	assert_press(vt, (struct press){ .code = PRESS_BACKTAB }, "\033[Z");
	assert_press(vt, (struct press){ .code = PRESS_F, .cp = 5 }, "\033[15~");
	assert_press(vt, (struct press){ .code = PRESS_DELETE }, "\033[3~");
	feed(vt, "\033[?1h");
	assert_press(vt, (struct press){ .code = PRESS_UP }, "\033OA");
	vt_free(vt);
}

static void vt__pastes_without_keys_in_it(void **state)
{
	struct vt *vt = vt_new(24, 80);
	const char *text = "a\r\nb\nc\033[201~d\t\x03\x7f";

	(void)state;
	assert_press(vt, (struct press){ .code = PRESS_PASTE, .text = text, .len = strlen(text) }, "a\rb\rc[201~d\t");
	feed(vt, "\033[?2004h");
	assert_press(vt, (struct press){ .code = PRESS_PASTE, .text = text, .len = strlen(text) }, "\033[200~a\rb\rc[201~d\t\033[201~");
	vt_free(vt);
}

static void vt__keeps_its_answers_apart_from_keys(void **state)
{
	struct vt *vt = vt_new(24, 80);
	struct buf out = { 0 };

	(void)state;
	feed(vt, "\033[3;4H\033[6n");
	assert_press(vt, (struct press){ .code = PRESS_CHAR, .cp = 'a' }, "a");
	vt_answers(vt, &out);
	assert_string_equal(buf_text(&out), "\033[3;4R");
	buf_clear(&out);
	for (int i = 0; i < 100000; i++)
		feed(vt, "\033[6n");
	vt_answers(vt, &out);
	assert_in_range(out.len, 1, 4096);
	buf_done(&out);
	vt_free(vt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vt__shows_what_a_terminal_would),
		cmocka_unit_test(vt__gives_the_screen_back_after_a_full_screen_program),
		cmocka_unit_test(vt__survives_any_size),
		cmocka_unit_test(vt__knows_colours_and_attributes),
		cmocka_unit_test(shade__finds_the_nearest_colour),
		cmocka_unit_test(vt__lets_nothing_hostile_through),
		cmocka_unit_test(vt__bears_random_bytes),
		cmocka_unit_test(vt__turns_keys_into_bytes),
		cmocka_unit_test(vt__pastes_without_keys_in_it),
		cmocka_unit_test(vt__keeps_its_answers_apart_from_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
