/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The terminal side on pseudo-terminals of every class: bytes per frame stay in their budget, colours and
 * characters are those the terminal has. A child shows a recorded session and writes a mark behind each frame;
 * bytes between marks are counted, never time.
 */
#define _DEFAULT_SOURCE	/* forkpty */
#include <errno.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "journal/feed/feed.h"
#include "tui/live/draw.h"
#include "tui/part/output.h"
#include "tui/term/term.h"

#define MARK "\033]777;frame\007"

enum { PAINT, TICK, SAME, OUTPUT, DIALOG, CLOSED, RESIZED, COPY, MOUSE, LEAVE, FRAMES };

struct shown {
	struct buf bytes[FRAMES];	/* of each frame */
	int status;
};

static void take_in(struct scene *scene, const char *lines, size_t len)
{
	struct feed *feed = feed_memory(lines, len);
	struct event ev;
	const struct json *reply;
	struct err e;
	enum feed_item item;

	while ((item = feed_next(feed, &ev, &reply, &e)) == FEED_EVENT || item == FEED_REPLY) {
		if (item == FEED_REPLY)
			scene_reply(scene, reply);
		else
			scene_event(scene, &ev);
	}
	feed_close(feed);
}

static void play(struct scene *scene, const char *name)
{
	char *path = mem_printf("tests/screen/%s.events", name);
	FILE *file = fopen(path, "rb");
	struct buf text = { 0 };
	size_t n;

	if (!file)
		_exit(9);
	while ((n = fread(buf_room(&text, 4096), 1, 4096, file)) > 0)
		buf_added(&text, n);
	fclose(file);
	take_in(scene, buf_text(&text), text.len);
	buf_done(&text);
	mem_free(path);
}

/* Five more lines of the command that runs. */
static void more_output(struct scene *scene)
{
	const struct model_call *call = scene_focus(scene);
	char *line = mem_printf("{\"at\":\"2026-11-21T18:05:00.000000Z\",\"attempt\":%d,\"call\":\"%s\",\"data\":{\"stream\":\"out\"},"
		"\"host\":\"%s\",\"kind\":\"call.output\",\"seq\":%lld,\"session\":1,\"step\":\"%s\",\"v\":1,\"who\":\"bellbook\",\"text\":"
		"\"creating INDEX one\\ncreating INDEX two\\ncreating CONSTRAINT three\\nprocessing four\\nand five\\n\"}\n",
		call->attempt, call->path, call->host, (long long)scene->model->last_seq + 1, call->step);

	take_in(scene, line, strlen(line));
	mem_free(line);
}

static void frame(const struct scene *scene, struct ui *ui, int64_t wall_us)
{
	struct canvas *canvas;
	int rows, cols;

	term_size(&rows, &cols);
	canvas = canvas_new(rows, cols, term_is_ascii());
	draw(scene, ui, canvas, wall_us, 20 * TIME_SECOND);
	term_show(canvas);
	canvas_free(canvas);
	if (write(term_fd(), MARK, sizeof(MARK) - 1) != sizeof(MARK) - 1)
		_exit(8);
}

/* Sizes of all kinds, one after the other, with and without something open; back where it was at the end. */
static void resize_storm(const struct scene *scene, struct ui *ui, int64_t wall_us)
{
	struct winsize was, size;
	unsigned random = 7;

	if (ioctl(term_fd(), TIOCGWINSZ, &was) != 0)
		_exit(6);
	for (int i = 0; i < 60; i++) {
		struct press press = { .code = PRESS_CHAR, .cp = (uint32_t)"oX?:v\033"[i % 6] };
		struct canvas *canvas;
		int rows, cols;

		random = random * 1103515245u + 12345u;
		size = (struct winsize){ .ws_row = (unsigned short)(1 + (random >> 8) % 70), .ws_col = (unsigned short)(1 + (random >> 16) % 250) };
		if (ioctl(term_fd(), TIOCSWINSZ, i < 59 ? &size : &was) != 0)
			_exit(6);
		if (press.cp == '\033' || i >= 58)
			press.code = PRESS_ESC;
		ui_press(ui, scene, &press, 20 * TIME_SECOND);
		term_size(&rows, &cols);
		canvas = canvas_new(rows, cols, term_is_ascii());
		draw(scene, ui, canvas, wall_us, 20 * TIME_SECOND);
		term_show(canvas);
		canvas_free(canvas);
	}
	frame(scene, ui, wall_us);
}

static void show_all(const char *events)
{
	struct press stop = { .code = PRESS_CHAR, .cp = 'X' }, esc = { .code = PRESS_ESC };
	struct scene *scene = scene_new();
	struct ui *ui = ui_new();
	struct err e;
	int64_t wall;

	if (term_open(&e) != 0)
		_exit(7);
	play(scene, events);
	wall = scene->model->last_us + 5 * TIME_SECOND;
	frame(scene, ui, wall);
	frame(scene, ui, wall + TIME_SECOND);
	frame(scene, ui, wall + TIME_SECOND);
	more_output(scene);
	frame(scene, ui, wall + TIME_SECOND);
	ui_press(ui, scene, &stop, 20 * TIME_SECOND);
	frame(scene, ui, wall + TIME_SECOND);
	ui_press(ui, scene, &esc, 20 * TIME_SECOND);
	frame(scene, ui, wall + TIME_SECOND);
	resize_storm(scene, ui, wall + TIME_SECOND);
	term_copy("hello", 5);
	frame(scene, ui, wall + TIME_SECOND);
	term_mouse(true);
	frame(scene, ui, wall + TIME_SECOND);
	term_close();
	if (write(STDOUT_FILENO, MARK, sizeof(MARK) - 1) < 0)
		_exit(8);
	ui_free(ui);
	scene_free(scene);
	_exit(0);
}

/* What the child wrote, cut at the marks. */
static void cut(const struct buf *all, struct shown *shown)
{
	const char *at = buf_text(all), *end;

	for (int i = 0; i < FRAMES; i++) {
		end = strstr(at, MARK);
		assert_non_null(end);
		buf_append(&shown->bytes[i], at, (size_t)(end - at));
		at = end + strlen(MARK);
	}
}

/* A child shows the session on a terminal of this type and size. Environment NAME=VALUE, NULL for none. */
static struct shown show(const char *type, int rows, int cols, const char *name, const char *value)
{
	struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols };
	struct shown shown = { 0 };
	struct buf all = { 0 };
	int fd;
	pid_t pid = forkpty(&fd, NULL, NULL, &size);
	ssize_t n;

	assert_true(pid >= 0);
	if (pid == 0) {
		unsetenv("NO_COLOR");
		unsetenv("LC_CTYPE");
		unsetenv("COLORTERM");
		unsetenv("LINES");
		unsetenv("COLUMNS");
		setenv("TERM", type, 1);
		setenv("LC_ALL", "C.UTF-8", 1);
		if (name)
			setenv(name, value, 1);
		show_all("copying");
	}
	while ((n = read(fd, buf_room(&all, 65536), 65536)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			buf_added(&all, (size_t)n);
	close(fd);
	assert_int_equal(waitpid(pid, &shown.status, 0), pid);
	assert_int_equal(shown.status, 0);
	cut(&all, &shown);
	buf_done(&all);
	return shown;
}

static void shown_done(struct shown *shown)
{
	for (int i = 0; i < FRAMES; i++)
		buf_done(&shown->bytes[i]);
}

static void assert_budget(const struct shown *shown, const char *type, int rows)
{
	static const size_t budget[FRAMES] = { [PAINT] = 4000, [TICK] = 60, [SAME] = 0, [OUTPUT] = 1200, [DIALOG] = 2000,
		[CLOSED] = 2000, [RESIZED] = SIZE_MAX / 2, [COPY] = 60, [MOUSE] = 60, [LEAVE] = 200 };

	for (int i = 0; i < FRAMES; i++)
		if (shown->bytes[i].len > budget[i] * (i != TICK && rows > 24 ? 2 : 1))
			fail_msg("%s, %d rows: frame %d took %zu bytes, budget %zu", type, rows, i, shown->bytes[i].len, budget[i]);
}

static void term__frames_stay_in_their_byte_budget(void **state)
{
	static const char *const types[] = { "xterm-256color", "xterm", "tmux-256color", "screen", "screen-256color", "linux",
		"vt100", "rxvt" };

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		for (int large = 0; large < 2; large++) {
			int rows = large ? 43 : 24;
			struct shown shown = show(types[i], rows, large ? 132 : 80, NULL, NULL);

			if (getenv("TIMES"))
				print_message("%s %d: paint %zu, tick %zu, same %zu, output %zu, dialog %zu, closed %zu, leave %zu\n", types[i], rows,
					shown.bytes[PAINT].len, shown.bytes[TICK].len, shown.bytes[SAME].len, shown.bytes[OUTPUT].len,
					shown.bytes[DIALOG].len, shown.bytes[CLOSED].len, shown.bytes[LEAVE].len);
			assert_budget(&shown, types[i], rows);
			shown_done(&shown);
		}
}

/* What graphics a sequence of select-graphic-rendition asks for. */
struct graphics { bool color, many, background, blink; };

static struct graphics graphics_of(const struct shown *shown)
{
	struct graphics found = { 0 };

	for (int i = 0; i < FRAMES; i++) {
		const char *text = buf_text(&shown->bytes[i]);

		for (const char *at = strstr(text, "\033["); at; at = strstr(at + 2, "\033[")) {
			const char *p = at + 2;
			size_t len = strspn(p, "0123456789;");

			for (const char *end = p + len; *end == 'm' && p < end; p += strcspn(p, ";m") + 1) {
				long code = strtol(p, NULL, 10);

				if (code == 38) {	/* 38;5;N: one colour of many */
					found.many = found.color = true;
					break;
				}
				found.color = found.color || (code >= 30 && code <= 37);
				found.background = found.background || (code >= 40 && code <= 48) || code >= 100;
				found.blink = found.blink || code == 5 || code == 6;
			}
		}
	}
	return found;
}

static void term__colors_are_those_the_terminal_has(void **state)
{
	static const struct {
		const char *type, *name, *value;
		bool color, many;
	} want[] = {
		{ "xterm-256color", NULL, NULL, true, true }, { "tmux-256color", NULL, NULL, true, true },
		{ "xterm", NULL, NULL, true, false }, { "screen", NULL, NULL, true, false },
		{ "linux", NULL, NULL, true, false }, { "vt100", NULL, NULL, false, false },
		{ "xterm-mono", NULL, NULL, false, false }, { "xterm-256color", "NO_COLOR", "1", false, false },
		{ "xterm-256color", "NO_COLOR", "", true, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct shown shown = show(want[i].type, 24, 80, want[i].name, want[i].value);
		struct graphics found = graphics_of(&shown);

		assert_int_equal(found.color, want[i].color);
		assert_int_equal(found.many, want[i].many);
		assert_false(found.background || found.blink);
		shown_done(&shown);
	}
}

static bool is_ascii(const struct shown *shown)
{
	for (int i = 0; i < FRAMES; i++)
		for (size_t k = 0; k < shown->bytes[i].len; k++)
			if ((unsigned char)shown->bytes[i].data[k] >= 0x80)
				return false;
	return true;
}

static void term__without_utf8_only_ascii_is_sent(void **state)
{
	static const struct {
		const char *type, *locale;
		bool ascii;
	} want[] = { { "xterm", "C", true }, { "xterm", "POSIX", true }, { "linux", "C", true }, { "vt100", "C.UTF-8", true },
		{ "xterm", "C.UTF-8", false }, { "linux", "C.UTF-8", false } };

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct shown shown = show(want[i].type, 24, 80, "LC_ALL", want[i].locale);

		assert_int_equal(is_ascii(&shown), want[i].ascii);
		shown_done(&shown);
	}
}

static void term__refuses_terminals_that_cannot_place_text(void **state)
{
	static const char *const types[] = { "dumb", "no-such-terminal", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		int fd, status;
		pid_t pid = forkpty(&fd, NULL, NULL, NULL);
		char byte;

		assert_true(pid >= 0);
		if (pid == 0) {
			struct err e = { 0 };

			setenv("TERM", types[i], 1);
			_exit(term_open(&e) == -1 && strstr(e.text, "TERM") ? 0 : 1);
		}
		while (read(fd, &byte, 1) > 0)
			fail_msg("it wrote %d", byte);
		close(fd);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

static bool has(const struct buf *bytes, const char *text)
{
	return strstr(buf_text(bytes), text) != NULL;
}

/* What was turned on is turned off again; a terminal that has no such thing is not asked. */
static void term__mouse_paste_and_clipboard_are_for_those_that_have_them(void **state)
{
	static const struct {
		const char *type;
		bool mouse, paste, copy;
	} want[] = { { "xterm-256color", true, true, true }, { "tmux-256color", true, true, true }, { "screen", true, true, true },
		{ "linux", false, false, false }, { "vt100", false, false, false } };

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct shown shown = show(want[i].type, 24, 80, NULL, NULL);

		assert_int_equal(has(&shown.bytes[MOUSE], "\033[?1000h"), want[i].mouse);
		assert_int_equal(has(&shown.bytes[LEAVE], "\033[?1000l"), want[i].mouse);
		assert_int_equal(has(&shown.bytes[PAINT], "\033[?2004h"), want[i].paste);
		assert_int_equal(has(&shown.bytes[LEAVE], "\033[?2004l"), want[i].paste);
		assert_int_equal(has(&shown.bytes[COPY], "\033]52;c;aGVsbG8="), want[i].copy);
		assert_false(has(&shown.bytes[PAINT], "\033[?1000h"));
		shown_done(&shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(term__frames_stay_in_their_byte_budget),
		cmocka_unit_test(term__colors_are_those_the_terminal_has),
		cmocka_unit_test(term__without_utf8_only_ascii_is_sent),
		cmocka_unit_test(term__mouse_paste_and_clipboard_are_for_those_that_have_them),
		cmocka_unit_test(term__refuses_terminals_that_cannot_place_text),
	};

	if (OUTPUT_LINES < 1000)	/* MODE=tiny keeps too little for these pictures */
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
