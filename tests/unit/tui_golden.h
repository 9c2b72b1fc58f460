/* tui_golden.h - screens as golden text, for the tests of tui/: each golden a test of its own, the rows of hints in one golden a screen; GENERATE=1 writes them anew. */
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

/* Says what the golden would be now, before the result, as tests/run wants its notes; rows that differ are marked. cmocka's own messages are cut after a kilobyte. */
static inline void golden_tell(const char *path, const char *want, const char *got)
{
	printf("%s differs; it is now:\n", path);
	while (*got) {
		size_t len = strcspn(got, "\n"), old = strcspn(want, "\n");
		bool same = len == old && memcmp(got, want, len) == 0;

		printf("%c %.*s\n", same ? ' ' : '>', (int)len, got);
		got += len + (got[len] == '\n');
		want += old + (want[old] == '\n');
	}
	fflush(stdout);
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
	if (!want || len != got->len || memcmp(want, got->data, len) != 0) {
		golden_tell(path, want ? want : "", buf_text(got));
		fail_msg("%s differs", path);
	}
	mem_free(want);
	mem_free(path);
}

/* Takes the last row off: hints stand there, and they have a golden of their own (golden_hints). */
static inline void golden_cut(struct buf *out)
{
	assert_true(out->len > 0);
	do
		out->len--;
	while (out->len > 0 && out->data[out->len - 1] != '\n');
}

/* The canvas is as tests/screen/NAME.screen says, but for its last row. */
static inline void golden_check(const char *name, const struct canvas *canvas)
{
	struct buf got = { 0 };

	canvas_dump(canvas, &got);
	golden_cut(&got);
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

/* The canvas looks as NAME.color says with colours, and as NAME.mono without; the last row again left out. */
static inline void golden_check_looks(const char *name, const struct canvas *canvas)
{
	struct buf got = { 0 };

	golden_roles(canvas, &got);
	golden_cut(&got);
	golden_same(name, "color", &got);
	buf_clear(&got);
	golden_mono(canvas, &got);
	golden_cut(&got);
	golden_same(name, "mono", &got);
	buf_done(&got);
}

/* The last rows of a screen's cases, each once with its roles and what shows it. All zero = none yet. */
struct golden_hints {
	struct buf rows[64], who[64];
	size_t count;
};

/* Keeps the last row of a case. Takes nothing. */
static inline void golden_hint(struct golden_hints *hints, const char *name, const struct canvas *canvas)
{
	struct buf text = { 0 }, roles = { 0 }, row = { 0 };
	size_t i = 0, at, role_at;

	canvas_dump(canvas, &text);
	golden_roles(canvas, &roles);
	at = text.len;
	role_at = roles.len;
	golden_cut(&text);
	golden_cut(&roles);
	buf_append(&row, text.data + text.len, at - text.len);
	buf_append(&row, roles.data + roles.len, role_at - roles.len);
	while (i < hints->count && strcmp(buf_text(&hints->rows[i]), buf_text(&row)) != 0)
		i++;
	if (i == hints->count) {
		assert_true(hints->count < sizeof(hints->rows) / sizeof(hints->rows[0]));
		buf_puts(&hints->rows[hints->count++], buf_text(&row));
	}
	buf_printf(&hints->who[i], "\t%s\n", name);
	buf_done(&text);
	buf_done(&roles);
	buf_done(&row);
}

/* They are as tests/screen/SCREEN.hints says. Frees them. */
static inline void golden_hints(struct golden_hints *hints, const char *screen)
{
	struct buf got = { 0 };

	for (size_t i = 0; i < hints->count; i++) {
		buf_printf(&got, "%s%s", buf_text(&hints->rows[i]), buf_text(&hints->who[i]));
		buf_done(&hints->rows[i]);
		buf_done(&hints->who[i]);
	}
	golden_same(screen, "hints", &got);
	buf_done(&got);
}

/* cmocka's state is not const, though nothing here writes it. */
static inline void *golden_state(const void *one)
{
	union { const void *in; void *out; } state = { .in = one };

	return state.out;
}

/* A program's tests: those that are always there, and one for each golden. */
struct golden_tests {
	struct CMUnitTest all[256];
	size_t count;
};

static inline void golden_tests_add(struct golden_tests *tests, struct CMUnitTest test)
{
	assert_true(tests->count < sizeof(tests->all) / sizeof(tests->all[0]));
	tests->all[tests->count++] = test;
}

/* The test of a golden is named after it: screen__is_copying-80x24; another way to the same picture is told by _again. */
static inline void golden_tests_case(struct golden_tests *tests, const char *screen, const char *golden,
	struct CMUnitTest test)
{
	char *name = mem_printf("%s__is_%s", screen, golden);

	for (size_t i = 0; i < tests->count; i++)
		if (strcmp(tests->all[i].name, name) == 0) {
			mem_free(name);
			name = mem_printf("%s__is_%s_again", screen, golden);
			break;
		}
	test.name = name;
	golden_tests_add(tests, test);
}

/* Runs them; the tests' names of golden_tests_case are kept until the program's end. */
static inline int golden_tests_run(struct golden_tests *tests, const struct CMUnitTest *fixed, size_t count)
{
	for (size_t i = 0; i < count; i++)
		golden_tests_add(tests, fixed[i]);
	return _cmocka_run_group_tests("tests", tests->all, tests->count, NULL, NULL);
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
