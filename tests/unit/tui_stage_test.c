/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The frame of all screens, on a pseudo-terminal: a child shows a small screen and tells in words, through a pipe, what is on
 * each picture; this side is the terminal, which answers when it is told to, and the person.
 */
#define _DEFAULT_SOURCE	/* forkpty */
#include <poll.h>
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
#include "base/time.h"
#include "tui/part/sources.h"
#include "tui/part/stage.h"
#include "tui/term/seen.h"

enum { LEFT_BY_KEY = 3, LEFT_BY_SIGNAL = 4, HUNG_UP = 5, NO_STAGE = 6 };

/* ---- the child ---- */

struct small {
	struct stage *stage;
	struct front front;
	int out;		/* where pictures are told */
	int taken, early, ticks, lines;
	bool leave;
};

static void tell(const struct small *small, const char *what, const struct canvas *canvas, bool early)
{
	char *text = mem_printf("%s %dx%d front=%s taken=%d early=%d ticks=%d lines=%d\n", what, canvas->rows, canvas->cols,
		!small->front.question ? "none" : early ? "early" : "seen", small->taken, small->early, small->ticks, small->lines);

	if (write(small->out, text, strlen(text)) < 0)
		_exit(9);
	mem_free(text);
}

static void draw_small(void *arg, struct canvas *canvas, int64_t wall_us, int64_t mono_us)
{
	struct small *small = arg;

	(void)wall_us;
	canvas_text(canvas, 0, 0, canvas->cols, ROLE_TEXT, "small");
	tell(small, "picture", canvas, front_is_early(&small->front, mono_us));
}

static void press_small(void *arg, const struct press *press, int64_t now_us)
{
	struct small *small = arg;

	if (press->code == PRESS_CHAR && press->cp == 'q') {
		small->leave = true;
	} else if (press->code == PRESS_CHAR && (press->cp == 'o' || press->cp == 'b')) {
		small->front = (struct front){ .question = front_number(), .pause_us = press->cp == 'b' ? TIME_SECOND : 0 };
	} else if (small->front.question && front_is_early(&small->front, now_us)) {
		small->early++;
	} else {
		small->taken++;
	}
}

static bool over_small(void *arg)
{
	const struct small *small = arg;

	return small->leave;
}

static struct front *front_small(void *arg)
{
	struct small *small = arg;

	return small->front.question ? &small->front : NULL;
}

/* Once by itself, and not again before somebody wakes it. */
static int64_t tick_small(void *arg, bool *changed)
{
	struct small *small = arg;

	small->ticks++;
	*changed = true;
	return -1;
}

static void line_small(void *arg, int source, const struct json *line)
{
	struct small *small = arg;

	assert_int_equal(source, 2);
	small->lines += line ? 1 : 100;
}

static const struct stage_screen small_screen = {
	.name = "small", .hangup = HUNG_UP, .draw = draw_small, .press = press_small, .over = over_small,
	.front = front_small, .tick = tick_small, .line = line_small,
};

static int show_small(int out, int lines)
{
	struct small small = { .out = out };
	struct err e = { 0 };
	bool stays;

	small.stage = stage_open(&e);
	if (!small.stage)
		return NO_STAGE;
	if (lines >= 0)
		stage_source(small.stage, 2, lines);
	stays = stage_run(small.stage, &small_screen, &small, &e);
	stage_close(small.stage);
	return stays ? LEFT_BY_KEY : LEFT_BY_SIGNAL;
}

/* ---- the terminal and the person ---- */

struct world {
	pid_t pid;
	int terminal, told, lines;
	struct buf shown, words;	/* what came of each and was not waited for yet */
};

static int world_make(void **state)
{
	struct world *world = mem_alloc(sizeof(*world));
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	int told[2], lines[2];

	assert_int_equal(pipe(told), 0);
	assert_int_equal(pipe(lines), 0);
	world->pid = forkpty(&world->terminal, NULL, NULL, &size);
	assert_true(world->pid >= 0);
	if (world->pid == 0) {
		close(told[0]);
		close(lines[1]);
		setenv("TERM", "xterm-256color", 1);
		setenv("LC_ALL", "C.UTF-8", 1);
		_exit(show_small(told[1], lines[0]));
	}
	close(told[1]);
	close(lines[0]);
	world->told = told[0];
	world->lines = lines[1];
	*state = world;
	return 0;
}

static int world_remove(void **state)
{
	struct world *world = *state;

	if (world->pid > 0) {
		kill(world->pid, SIGKILL);
		waitpid(world->pid, NULL, 0);
	}
	close(world->terminal);
	close(world->told);
	close(world->lines);
	buf_done(&world->shown);
	buf_done(&world->words);
	mem_free(world);
	return 0;
}

static bool take(int fd, struct buf *buf)
{
	ssize_t n = read(fd, buf_room(buf, 4096), 4096);

	if (n > 0)
		buf_added(buf, (size_t)n);
	return n > 0;
}

/* Waits until that has come; what came behind it stays for the next. */
static void await_text(struct world *world, struct buf *buf, const char *text)
{
	const char *patience = getenv("PATIENCE");
	int64_t until = time_mono_us() + (patience ? strtol(patience, NULL, 10) : 60) * TIME_SECOND;
	const char *found;

	while ((found = strstr(buf_text(buf), text)) == NULL) {
		struct pollfd in[] = { { .fd = world->terminal, .events = POLLIN }, { .fd = world->told, .events = POLLIN } };
		bool more = false;

		if (poll(in, 2, 1000) > 0) {
			if (in[0].revents)
				more = take(world->terminal, &world->shown);
			if (in[1].revents)
				more = take(world->told, &world->words) || more;
			if (!more)
				fail_msg("ended without: %s\n%s", text, buf_text(&world->words));
		}
		if (time_mono_us() > until)
			fail_msg("never: %s\n%s", text, buf_text(&world->words));
	}
	buf_consume(buf, (size_t)(found - buf_text(buf)) + strlen(text));
}

static void type(const struct world *world, const char *keys)
{
	assert_int_equal(write(world->terminal, keys, strlen(keys)), strlen(keys));
}

static int ended(struct world *world)
{
	int status;

	while (poll(&(struct pollfd){ .fd = world->told, .events = POLLIN }, 1, -1) > 0 && take(world->told, &world->words))
		(void)take(world->terminal, &world->shown);
	assert_int_equal(waitpid(world->pid, &status, 0), world->pid);
	world->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void stage__keys_before_the_terminal_has_a_question_are_early(void **state)
{
	struct world *world = *state;

	await_text(world, &world->words, "ticks=1");
	type(world, "x");
	await_text(world, &world->words, "front=none taken=1 early=0");
	/* A terminal that answered once is waited for. */
	type(world, "o");
	await_text(world, &world->shown, SEEN_REQUEST);
	type(world, "\033[0n");
	await_text(world, &world->words, "front=seen taken=1 early=0");
	type(world, "o");
	await_text(world, &world->shown, SEEN_REQUEST);
	type(world, "1");
	await_text(world, &world->words, "front=early taken=1 early=1");
	type(world, "\033[0n");
	await_text(world, &world->words, "front=seen taken=1 early=1");
	type(world, "1");
	await_text(world, &world->words, "front=seen taken=2 early=1");
	/* Also in the moment before anything is painted. */
	type(world, "o2");
	await_text(world, &world->words, "front=early taken=2 early=2");
	await_text(world, &world->shown, SEEN_REQUEST);
	type(world, "\033[0n" "q");
	assert_int_equal(ended(world), LEFT_BY_KEY);
}

/* What came up by itself leaves the person a moment; its end is shown without a key. */
static void stage__what_comes_up_by_itself_waits_a_moment(void **state)
{
	struct world *world = *state;

	await_text(world, &world->words, "ticks=1");
	type(world, "b");
	await_text(world, &world->shown, SEEN_REQUEST);
	type(world, "\033[0n" "1");
	await_text(world, &world->words, "front=early taken=0 early=1");
	await_text(world, &world->words, "front=seen taken=0 early=1");
	type(world, "q");
	assert_int_equal(ended(world), LEFT_BY_KEY);
}

static void stage__a_resize_is_painted(void **state)
{
	struct world *world = *state;
	struct winsize size = { .ws_row = 50, .ws_col = 200 };

	await_text(world, &world->words, "picture 24x80");
	assert_int_equal(ioctl(world->terminal, TIOCSWINSZ, &size), 0);
	await_text(world, &world->words, "picture 50x200");
	type(world, "q");
	assert_int_equal(ended(world), LEFT_BY_KEY);
}

static void stage__lines_of_a_source_come_whole_and_its_end_is_told(void **state)
{
	struct world *world = *state;

	await_text(world, &world->words, "picture");
	assert_int_equal(write(world->lines, "{\"a\":1}\n{\"b\"", 12), 12);
	await_text(world, &world->words, "lines=1\n");
	assert_int_equal(write(world->lines, ":2}\nno line of ours\n", 20), 20);
	await_text(world, &world->words, "lines=2\n");
	close(world->lines);
	world->lines = -1;
	await_text(world, &world->words, "lines=102\n");
	type(world, "q");
	assert_int_equal(ended(world), LEFT_BY_KEY);
}

static void stage__signals_give_the_terminal_back(void **state)
{
	struct world *world = *state;

	await_text(world, &world->words, "ticks=1");
	kill(world->pid, SIGTERM);
	await_text(world, &world->shown, "\033[?1049l");
	assert_int_equal(ended(world), LEFT_BY_SIGNAL);
}

static void stage__a_hang_up_ends_it_with_the_screens_own_status(void **state)
{
	struct world *world = *state;

	await_text(world, &world->words, "ticks=1");
	kill(world->pid, SIGHUP);
	await_text(world, &world->shown, "\033[?1049l");
	assert_int_equal(ended(world), HUNG_UP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(stage__keys_before_the_terminal_has_a_question_are_early, world_make, world_remove),
		cmocka_unit_test_setup_teardown(stage__what_comes_up_by_itself_waits_a_moment, world_make, world_remove),
		cmocka_unit_test_setup_teardown(stage__a_resize_is_painted, world_make, world_remove),
		cmocka_unit_test_setup_teardown(stage__lines_of_a_source_come_whole_and_its_end_is_told, world_make, world_remove),
		cmocka_unit_test_setup_teardown(stage__signals_give_the_terminal_back, world_make, world_remove),
		cmocka_unit_test_setup_teardown(stage__a_hang_up_ends_it_with_the_screens_own_status, world_make, world_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
