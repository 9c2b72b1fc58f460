/* tui_golden.h - screens as golden text, for the tests of tui/: reading a case, comparing a picture; GENERATE=1 writes the goldens anew. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_UNIT_TUI_GOLDEN_H
#define TESTS_UNIT_TUI_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "tui/term/canvas.h"
#include "tui/term/keys.h"
#include "tui/term/looks.h"

/* A file's bytes, NULL when there is none. Caller owns. */
static inline char *golden_read(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	struct buf text = { 0 };
	size_t n;

	if (!file)
		return NULL;
	do {
		n = fread(buf_room(&text, 65536), 1, 65536, file);
		buf_added(&text, n);
	} while (n > 0);
	fclose(file);
	*len = text.len;
	return buf_take(&text);
}

/* tests/screen/NAME.json. Caller owns. */
static inline struct json *golden_case(const char *name)
{
	char *path = mem_printf("tests/screen/%s.json", name);
	size_t len = 0;
	char *text = golden_read(path, &len);
	struct err e = { 0 };
	struct json *value;

	assert_non_null(text);
	value = json_parse(text, len, &e);
	if (!value)
		fail_msg("%s: %s", path, e.text);
	mem_free(text);
	mem_free(path);
	return value;
}

/* got is what tests/screen/NAME.KIND has. */
static inline void golden_same(const char *name, const char *kind, const struct buf *got)
{
	char *path = mem_printf("tests/screen/%s.%s", name, kind);
	size_t len = 0;
	char *want;

	if (getenv("GENERATE")) {
		FILE *file = fopen(path, "wb");

		assert_non_null(file);
		assert_int_equal(fwrite(buf_text(got), 1, got->len, file), got->len);
		fclose(file);
	}
	want = golden_read(path, &len);
	if (!want || len != got->len || memcmp(want, got->data, len) != 0)
		fail_msg("%s differs; it is now:\n%s", path, buf_text(got));
	mem_free(want);
	mem_free(path);
}

/* The canvas is as tests/screen/NAME.screen says. */
static inline void golden_check(const char *name, const struct canvas *canvas)
{
	struct buf got = { 0 };

	canvas_dump(canvas, &got);
	golden_same(name, "screen", &got);
	buf_done(&got);
}

/* The roles of the cells, a letter each: what a terminal with colours shows. */
static inline void golden_roles(const struct canvas *canvas, struct buf *out)
{
	static const char letters[ROLE_COUNT + 1] = ".dbHDorwF!?P_m$";

	for (int row = 0; row < canvas->rows; row++) {
		size_t end = out->len;

		for (int col = 0; col < canvas->cols; col++) {
			enum role role = canvas->cells[row * canvas->cols + col].role;

			buf_putc(out, letters[role]);
			if (role != ROLE_TEXT)
				end = out->len;
		}
		out->len = end;
		buf_putc(out, '\n');
	}
}

/* What is left of them without colours: bold, underlined, reversed, or two of these. */
static inline void golden_mono(const struct canvas *canvas, struct buf *out)
{
	static const char letters[] = ".burBxyz";

	for (int row = 0; row < canvas->rows; row++) {
		size_t end = out->len;

		for (int col = 0; col < canvas->cols; col++) {
			struct look look = look_of(canvas->cells[row * canvas->cols + col].role, 0);
			int mix = look.reverse && look.bold ? 4 : look.reverse ? 3 : look.underline ? 2 : look.bold;

			assert_int_equal(look.color, LOOK_OWN);
			buf_putc(out, letters[mix]);
			if (mix)
				end = out->len;
		}
		out->len = end;
		buf_putc(out, '\n');
	}
}

/* The canvas looks as NAME.color says with colours, and as NAME.mono without. */
static inline void golden_check_looks(const char *name, const struct canvas *canvas)
{
	struct buf got = { 0 };

	golden_roles(canvas, &got);
	golden_same(name, "color", &got);
	buf_clear(&got);
	golden_mono(canvas, &got);
	golden_same(name, "mono", &got);
	buf_done(&got);
}

/* Is it one of the two sizes of which colours are kept too? */
static inline bool golden_has_looks(const char *name)
{
	return strstr(name, "80x24") || strstr(name, "132x43");
}

/* At 80 columns and more no sentence of that row is cut. */
static inline void golden_whole(const struct canvas *canvas, int row)
{
	if (canvas->cols >= 80)
		assert_true(canvas->cells[row * canvas->cols + canvas->cols - 1].cp != '+');
}

/* No control character, wide characters whole, ASCII where it must be. */
static inline void golden_sound(const struct canvas *canvas)
{
	for (int i = 0; i < canvas->rows * canvas->cols; i++) {
		uint32_t cp = canvas->cells[i].cp;

		assert_true(cp == 0 || utf8_width(cp) > 0);
		assert_true(!canvas->ascii || (cp >= 0x20 && cp < 0x7f));
		if (utf8_width(cp) == 2)
			assert_true(i % canvas->cols + 1 < canvas->cols && canvas->cells[i + 1].cp == 0);
		if (cp == 0)
			assert_true(i % canvas->cols > 0 && utf8_width(canvas->cells[i - 1].cp) == 2);
	}
}

#endif
