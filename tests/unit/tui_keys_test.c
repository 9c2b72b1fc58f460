/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "tui/part/edit.h"
#include "tui/term/keys.h"

static const char *const names[] = { "", "C-", "A-", "Enter", "Tab", "S-Tab", "Backspace", "Delete", "Insert", "Esc",
	"Up", "Down", "Left", "Right", "Home", "End", "PgUp", "PgDn", "F", "Paste", "Report", "Mouse" };

static void name(struct buf *out, const struct press *press)
{
	if (out->len > 0)
		buf_putc(out, ' ');
	buf_puts(out, names[press->code]);
	if (press->code == PRESS_F)
		buf_printf(out, "%u", press->cp);
	else if (press->code == PRESS_PASTE)
		buf_printf(out, "(%.*s)", (int)press->len, press->text);
	else if (press->code == PRESS_MOUSE)
		buf_printf(out, "%u@%d,%d", press->cp, press->row, press->col);
	else if (press->code <= PRESS_ALT)
		buf_printf(out, press->cp < 0x7f ? "%c" : "U+%04X", press->cp);
}

static void drain(struct keys *keys, int64_t now_us, struct buf *out)
{
	struct press press;

	while (keys_next(keys, now_us, &press))
		name(out, &press);
}

/* The same bytes at once, and one by one: both must give want at once, and nothing more two seconds later. */
static void check(const char *bytes, size_t len, const char *want)
{
	for (int one = 0; one < 2; one++) {
		struct keys *keys = keys_new();
		struct buf out = { 0 };

		for (size_t i = 0; one && i < len; i++) {
			keys_feed(keys, bytes + i, 1, 1000);
			drain(keys, 1000, &out);
		}
		if (!one)
			keys_feed(keys, bytes, len, 1000);
		drain(keys, 1000, &out);
		drain(keys, 2001000, &out);
		assert_string_equal(buf_text(&out), want);
		assert_int_equal(keys_wait(keys, 2001000), -1);
		buf_done(&out);
		keys_free(keys);
	}
}

#define CHECK(bytes, want) check(bytes, sizeof(bytes) - 1, want)

static void keys__decodes_what_terminals_send(void **state)
{
	(void)state;
	CHECK("aB?", "a B ?");
	CHECK("\r\n\t\177\b", "Enter Enter Tab Backspace Backspace");
	CHECK("\001\003\032", "C-A C-C C-Z");
	CHECK("\033[A\033OA\033[1;5A", "Up Up Up");
	CHECK("\033[H\033[F\033[1~\033[4~\033OH", "Home End Home End Home");
	CHECK("\033[5~\033[6~\033[3~\033[2~\033[Z", "PgUp PgDn Delete Insert S-Tab");
	CHECK("\033OP\033[11~\033[[A\033[24~", "F1 F1 F1 F12");
	CHECK("\303\251\346\227\245\360\237\220\230", "U+00E9 U+65E5 U+1F418");
	CHECK("\033[<0;10;3M\033[<64;1;1M", "Mouse0@2,9 Mouse64@0,0");
	CHECK("\033x", "A-x");
	CHECK("\033\033", "Esc Esc");
}

static void keys__invalid_bytes_swallow_nothing(void **state)
{
	(void)state;
	CHECK("\351yes", "y e s");		/* Latin-1 é */
	CHECK("\200\377\300z", "z");
	CHECK("\342\202q", "q");		/* cut three-byte character */
	CHECK("\302\233A", "A");		/* C1 CSI as UTF-8: dropped, not interpreted */
	CHECK("\303", "");
}

static void keys__unknown_sequences_are_dropped_whole(void **state)
{
	(void)state;
	CHECK("\033[?1;2c" "a", "a");			/* device attributes */
	CHECK("\033[12;40R" "a", "a");			/* cursor position */
	CHECK("\033]11;rgb:0000/0000/0000\007" "a", "a");
	CHECK("\033]11;rgb:0000/0000/0000\033\\" "a", "a");
	CHECK("\033P1$r0m\033\\" "a", "a");
	CHECK("\033[M qX" "a", "a");			/* mouse: the bytes are letters */
	CHECK("\033[<0;10;10m" "a", "a");
	CHECK("\033[<0;10M" "\033[<0;1;2;3M" "\033[<0;0;1M" "\033[<0;1;999999999M" "a", "a");
	CHECK("\033[200", "");
	CHECK("\033[12\rq", "Enter q");
}

static void keys__lone_escape_waits_a_moment(void **state)
{
	struct keys *keys = keys_new();
	struct press press;

	(void)state;
	keys_feed(keys, "\033", 1, 0);
	assert_false(keys_next(keys, KEYS_ESC_US - 1, &press));
	assert_int_equal(keys_wait(keys, KEYS_ESC_US - 1), 1);
	assert_true(keys_next(keys, KEYS_ESC_US, &press));
	assert_int_equal(press.code, PRESS_ESC);
	/* An arrow key split by a slow link stays an arrow key. */
	keys_feed(keys, "\033", 1, 0);
	assert_false(keys_next(keys, KEYS_ESC_US - 1, &press));
	keys_feed(keys, "[", 1, KEYS_ESC_US - 1);
	assert_false(keys_next(keys, 5 * KEYS_ESC_US, &press));
	keys_feed(keys, "B", 1, 5 * KEYS_ESC_US);
	assert_true(keys_next(keys, 5 * KEYS_ESC_US, &press));
	assert_int_equal(press.code, PRESS_DOWN);
	keys_free(keys);
}

static void keys__paste_is_one_press(void **state)
{
	(void)state;
	CHECK("\033[200~rm -rf\rX\033[A\033[201~q", "Paste(rm -rf\rX\033[A) q");
	CHECK("\033[200~\033[201~q", "Paste() q");
	CHECK("\033[200~never ends", "Paste(never ends)");
	CHECK("\033[201~q", "q");
}

static void keys__huge_paste_is_bounded(void **state)
{
	struct keys *keys = keys_new();
	struct press press;
	size_t len = (size_t)3 << 20;
	char *bytes = mem_alloc(len);

	(void)state;
	memset(bytes, 'x', len);
	keys_feed(keys, "\033[200~", 6, 0);
	for (size_t i = 0; i < len; i += 65536) {
		keys_feed(keys, bytes + i, 65536, 0);
		assert_false(keys_next(keys, 0, &press));
	}
	keys_feed(keys, "\033[201~", 6, 0);
	assert_true(keys_next(keys, 0, &press));
	assert_int_equal(press.code, PRESS_PASTE);
	assert_int_equal(press.len, KEYS_PASTE_MAX);
	mem_free(bytes);
	keys_free(keys);
}

static void keys__garbage_ends_and_never_becomes_a_paste_or_sticks(void **state)
{
	struct keys *keys = keys_new();
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		char bytes[64];
		struct press press;
		int64_t now = (int64_t)round * 10 * KEYS_CUT_US;

		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1103515245u + 12345u;
			bytes[i] = (char)(seed >> 16);
			if (seed % 5 == 0)
				bytes[i] = "\033[]OP;2~0"[seed / 5 % 9];
		}
		keys_feed(keys, bytes, sizeof(bytes), now);
		for (int n = 0; keys_next(keys, now, &press); n++)
			assert_true(n < 65 && (press.code != PRESS_CHAR || press.cp >= 0x20));
		/* After a silence nothing is held back, and a plain key works. */
		while (keys_next(keys, now + 2 * KEYS_CUT_US, &press))
			continue;
		assert_int_equal(keys_wait(keys, now + 2 * KEYS_CUT_US), -1);
		keys_feed(keys, "k", 1, now + 3 * KEYS_CUT_US);
		assert_true(keys_next(keys, now + 3 * KEYS_CUT_US, &press));
		assert_int_equal(press.cp, 'k');
	}
	keys_free(keys);
}

static void type(struct edit *edit, const char *bytes)
{
	struct keys *keys = keys_new();
	struct press press;

	keys_feed(keys, bytes, strlen(bytes), 0);
	while (keys_next(keys, 0, &press))
		edit_press(edit, &press);
	keys_free(keys);
}

static void edit__edits_by_characters_and_words(void **state)
{
	struct edit edit = { 0 };

	(void)state;
	type(&edit, "h\303\251llo w\346\227\245rld");
	assert_string_equal(edit.text, "h\303\251llo w\346\227\245rld");
	type(&edit, "\033[D\033[D\033[D\177");
	assert_string_equal(edit.text, "h\303\251llo wrld");
	type(&edit, "o");
	assert_string_equal(edit.text, "h\303\251llo world");
	type(&edit, "\005\027");
	assert_string_equal(edit.text, "h\303\251llo ");
	type(&edit, "\001\033[3~\033[3~");
	assert_string_equal(edit.text, "llo ");
	type(&edit, "\005\025");
	assert_string_equal(edit.text, "");
	type(&edit, "\177\033[3~\033[D");
	assert_int_equal(edit.len, 0);
	edit_clear(&edit);
}

static void edit__is_bounded_and_free_of_control_characters(void **state)
{
	struct edit edit = { 0 };

	(void)state;
	for (int i = 0; i < 5000; i++)
		edit_insert(&edit, i % 2 ? 0x65e5 : 'x');
	assert_true(edit.len < EDIT_MAX);
	assert_int_equal(strlen(edit.text), edit.len);
	edit_clear(&edit);
	for (size_t i = 0; i < sizeof(edit.text); i++)
		assert_int_equal(edit.text[i], 0);
	edit_paste(&edit, "a\nb\033[c\377d", 8);
	assert_string_equal(edit.text, "a b [cd");
	assert_false(edit_insert(&edit, 0x07));
	edit_clear(&edit);
}

/* Reads bytes at a time; the marks of its presses, '-' or 'b'. Static. */
static const char *bursts(struct keys *keys, const char *bytes, int64_t now_us)
{
	static char marks[64];
	struct press press;
	size_t n = 0;

	keys_read(keys, bytes, strlen(bytes), now_us);
	if (keys_wait(keys, now_us) >= 0)	/* an Enter alone waits for what may come behind it */
		now_us += KEYS_BURST_US;
	while (keys_next(keys, now_us, &press) && n < sizeof(marks) - 1)
		marks[n++] = press.burst ? 'b' : '-';
	marks[n] = '\0';
	return marks;
}

static void keys_read__an_enter_among_other_keys_belongs_to_a_burst(void **state)
{
	struct keys *keys = keys_new();

	(void)state;
	assert_string_equal(bursts(keys, "1\rrm -rf\r", 0), "bbbbbbbbb");
	assert_string_equal(bursts(keys, "x", KEYS_BURST_US - 1), "b");
	assert_string_equal(bursts(keys, "x", 2 * KEYS_BURST_US), "-");
	assert_string_equal(bursts(keys, "\r", 3 * KEYS_BURST_US - 1), "b");
	assert_string_equal(bursts(keys, "hello", 9000000), "-----");
	assert_string_equal(bursts(keys, "\r", 9000000 + KEYS_BURST_US), "-");
	assert_string_equal(bursts(keys, "\033[B\r", 20000000), "bb");
	keys_free(keys);
}

static void keys_read__a_held_enter_counts_once(void **state)
{
	struct keys *keys = keys_new();
	int64_t now = 5 * KEYS_REPEAT_US;

	(void)state;
	assert_string_equal(bursts(keys, "\r", now), "-");
	for (int i = 0; i < 20; i++)
		assert_string_equal(bursts(keys, "\r", now += i == 0 ? 660000 : 40000), "b");
	assert_string_equal(bursts(keys, "\r", now + KEYS_REPEAT_US), "-");
	assert_string_equal(bursts(keys, "2", now + KEYS_REPEAT_US + 100000), "-");
	assert_string_equal(bursts(keys, "\r", now + KEYS_REPEAT_US + 200000), "-");
	keys_free(keys);
}

static void keys_read__an_enter_alone_waits_for_what_comes_behind_it(void **state)
{
	struct keys *keys = keys_new();
	struct press press;

	(void)state;
	/* A paste over a slow line, a byte at a time. */
	keys_read(keys, "\r", 1, 9000000);
	assert_false(keys_next(keys, 9000000, &press));
	assert_int_equal(keys_wait(keys, 9010000), KEYS_BURST_US - 10000);
	keys_read(keys, "x", 1, 9005000);
	assert_true(keys_next(keys, 9005000, &press));
	assert_true(press.code == PRESS_ENTER && press.burst);
	assert_true(keys_next(keys, 9005000, &press));
	assert_true(press.burst);
	/* Nothing came. */
	keys_read(keys, "\r", 1, 20000000);
	assert_true(keys_next(keys, 20000000 + KEYS_BURST_US, &press));
	assert_true(press.code == PRESS_ENTER && !press.burst);
	assert_int_equal(keys_wait(keys, 20000000 + KEYS_BURST_US), -1);
	keys_free(keys);
}

static void keys_read__an_answer_of_the_terminal_is_no_key(void **state)
{
	struct keys *keys = keys_new();
	struct press press;
	int64_t now = 5 * KEYS_REPEAT_US;

	(void)state;
	assert_string_equal(bursts(keys, "\033[0n", now), "");
	keys_reports(keys);
	keys_read(keys, "\033[0n", 4, now);
	assert_true(keys_next(keys, now, &press));
	assert_int_equal(press.code, PRESS_REPORT);
	/* Neither makes it a burst of what comes with it, nor is a held Enter another one behind it. */
	assert_string_equal(bursts(keys, "\033[0n\r", now += 9000000), "--");
	assert_string_equal(bursts(keys, "\033[0n", now += 500000), "-");
	assert_string_equal(bursts(keys, "\r", now + 100000), "b");
	for (const char *const *other = (const char *const[]){ "\033[3n", "\033[0;1n", "\033[?0n", "\033[n", NULL }; *other; other++)
		assert_string_equal(bursts(keys, *other, now += 9000000), "");
	keys_free(keys);
}

static void keys_stops__what_a_burst_may_not_do(void **state)
{
	const struct press enter = { .code = PRESS_ENTER, .burst = true }, letter = { .code = PRESS_CHAR, .cp = 'q', .burst = true };
	const struct press digit = { .code = PRESS_CHAR, .cp = '1', .burst = true }, down = { .code = PRESS_DOWN, .burst = true };
	const struct press alone = { .code = PRESS_ENTER };

	(void)state;
	for (enum keys_place place = KEYS_NOWHERE; place <= KEYS_FIELD; place++) {
		assert_true(keys_stops(&enter, place));
		assert_false(keys_stops(&down, place));
		assert_false(keys_stops(&alone, place));
		assert_int_equal(keys_stops(&letter, place), place != KEYS_FIELD);
		assert_int_equal(keys_stops(&digit, place), place == KEYS_NOWHERE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_read__an_enter_among_other_keys_belongs_to_a_burst),
		cmocka_unit_test(keys_read__a_held_enter_counts_once),
		cmocka_unit_test(keys_read__an_enter_alone_waits_for_what_comes_behind_it),
		cmocka_unit_test(keys_read__an_answer_of_the_terminal_is_no_key),
		cmocka_unit_test(keys_stops__what_a_burst_may_not_do),
		cmocka_unit_test(keys__decodes_what_terminals_send),
		cmocka_unit_test(keys__invalid_bytes_swallow_nothing),
		cmocka_unit_test(keys__unknown_sequences_are_dropped_whole),
		cmocka_unit_test(keys__lone_escape_waits_a_moment),
		cmocka_unit_test(keys__paste_is_one_press),
		cmocka_unit_test(keys__huge_paste_is_bounded),
		cmocka_unit_test(keys__garbage_ends_and_never_becomes_a_paste_or_sticks),
		cmocka_unit_test(edit__edits_by_characters_and_words),
		cmocka_unit_test(edit__is_bounded_and_free_of_control_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
