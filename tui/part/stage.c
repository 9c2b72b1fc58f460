/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A picture is drawn only when something changed (dirty), and at most every FRAME_US, or KEY_FRAME_US after a key: what a
 * person does is seen at once also in a flood of output. While the kernel still holds much of the last one (term_is_behind)
 * the next is left out; what would have been on it is on the one after.
 *
 * The terminal is given back on every way out: normal end, signals (loop), failed asserts and crashes (tty.c), Ctrl-Z.
 * When it is gone (SIGHUP, end of file) we leave at once; a SIGHUP may come on a terminal that lives, so it is given back
 * without waiting for it.
 */
#define _DEFAULT_SOURCE /* explicit_bzero */
#include "tui/part/stage.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/time.h"
#include "tui/part/sources.h"
#include "tui/term/seen.h"
#include "tui/term/term.h"
#include "tui/term/tty.h"

#define FRAME_US (TIME_SECOND / 10)
#define KEY_FRAME_US (TIME_SECOND / 25)	/* a key is seen sooner */
#define SLOW_FRAME_US (TIME_SECOND / 2)	/* on a slow line, also after a key */
#define MINUTE_US (60 * TIME_SECOND)

struct stage {
	struct loop *loop;
	struct keys *keys;
	struct canvas *canvas;
	struct sources *sources;
	struct seen seen;
	const struct stage_screen *screen;	/* borrowed while it runs, NULL between two */
	void *arg;				/* its */
	int64_t drawn_us, frame_due_us;
	int frame_timer, key_timer, fade_timer, tick_timer;
	bool leave, redraw, suspend, slow, ticks;	/* ticks: the first picture is shown */
};

/* ---- what stands in front ---- */

static struct front *front_of(struct stage *stage)
{
	return stage->screen->front ? stage->screen->front(stage->arg) : NULL;
}

/* Before a key or a picture: what is in front, and whether a key can be an answer to it. */
static void look_in_front(struct stage *stage)
{
	struct front *front = front_of(stage);

	seen_question(&stage->seen, front ? front->question : 0);
	if (front)
		front->unseen = seen_waits(&stage->seen, time_mono_us());
}

/* It may be on the terminal now; a moment for the person to see that it is another screen. */
static void guard(struct stage *stage)
{
	struct front *front = front_of(stage);

	if (front && front->pause_us > 0)
		front->guard_us = time_mono_us() + front->pause_us;
}

/* Answers that the terminal still owes must not end up in the shell. */
static void drain(struct stage *stage)
{
	seen_drain(&stage->seen, term_fd(), time_mono_us());
}

/* ---- pictures ---- */

static void frame_due(void *arg);

/* Asks for a picture, not sooner than gap_us after the last. */
static void dirty(struct stage *stage, int64_t gap_us)
{
	int64_t due = stage->drawn_us + (stage->slow ? SLOW_FRAME_US : gap_us), now = time_mono_us();

	if (stage->frame_timer != 0 && stage->frame_due_us <= due)
		return;
	loop_cancel(stage->loop, stage->frame_timer);
	stage->frame_due_us = due;
	stage->frame_timer = loop_after(stage->loop, due > now ? due - now : 0, frame_due, stage);
}

static void faded(void *arg)
{
	struct stage *stage = arg;

	stage->fade_timer = 0;
	dirty(stage, FRAME_US);
}

/* When the picture changes by time alone: the end of a guard, clocks. -1 = never. */
static int64_t fade_wait(struct stage *stage, int64_t wall_us)
{
	const struct front *front = front_of(stage);
	int64_t guarded = front ? front->guard_us - stage->drawn_us : 0, unseen = seen_wait(&stage->seen, stage->drawn_us);

	if (guarded > 0)
		return guarded;
	if (unseen >= 0)
		return unseen;
	return stage->screen->fades ? stage->screen->fades(stage->arg, stage->drawn_us) : MINUTE_US - wall_us % MINUTE_US;
}

static void fit_canvas(struct stage *stage)
{
	int rows, cols;

	term_size(&rows, &cols);
	if (stage->canvas && stage->canvas->rows == rows && stage->canvas->cols == cols)
		return;
	canvas_free(stage->canvas);
	stage->canvas = canvas_new(rows, cols, term_is_ascii());
}

static void frame_due(void *arg)
{
	struct stage *stage = arg;
	int64_t wall = time_wall_us(), wait;

	stage->frame_timer = 0;
	stage->drawn_us = time_mono_us();
	if (term_is_behind()) {
		dirty(stage, FRAME_US);
		return;
	}
	fit_canvas(stage);
	look_in_front(stage);
	canvas_clear(stage->canvas);
	stage->screen->draw(stage->arg, stage->canvas, wall, stage->drawn_us);
	term_show(stage->canvas);
	if (seen_painted(&stage->seen, time_mono_us())) {
		guard(stage);
		if (stage->seen.can)
			term_request();
	}
	if (stage->screen->shown)
		stage->screen->shown(stage->arg);
	loop_cancel(stage->loop, stage->fade_timer);
	wait = fade_wait(stage, wall);
	stage->fade_timer = wait >= 0 ? loop_after(stage->loop, wait, faded, stage) : 0;
	if (!stage->ticks)
		stage_wake(stage, 0);
	stage->ticks = true;
}

/* ---- what happens ---- */

/* After whatever happened: carries out what the screen wants. */
static void settle(struct stage *stage, int64_t gap_us)
{
	if (stage->screen->settle)
		stage->screen->settle(stage->arg);
	if (stage->suspend) {
		drain(stage);
		term_suspend();
	}
	if (stage->redraw)
		term_redraw();
	stage->suspend = stage->redraw = false;
	if (stage->screen->over(stage->arg) || stage->leave)
		loop_stop(stage->loop);
	else
		dirty(stage, gap_us);
}

void stage_changed(struct stage *stage, bool echo)
{
	if (stage->screen)
		settle(stage, echo ? KEY_FRAME_US : FRAME_US);
}

static void tick(void *arg)
{
	struct stage *stage = arg;
	bool changed = false;
	int64_t again_us;

	stage->tick_timer = 0;
	again_us = stage->screen->tick(stage->arg, &changed);
	if (again_us >= 0 && stage->tick_timer == 0)
		stage_wake(stage, again_us);
	if (changed)
		settle(stage, KEY_FRAME_US);
}

void stage_wake(struct stage *stage, int64_t us)
{
	loop_cancel(stage->loop, stage->tick_timer);
	stage->tick_timer = stage->screen && stage->screen->tick ? loop_after(stage->loop, us, tick, stage) : 0;
}

static void press_one(struct stage *stage, const struct press *press)
{
	look_in_front(stage);
	if (press->code != PRESS_REPORT)
		stage->screen->press(stage->arg, press, time_mono_us());
	else if (seen_answer(&stage->seen))
		guard(stage);
}

static void keys_due(void *arg)
{
	struct stage *stage = arg;
	struct press press;
	int64_t wait;

	loop_cancel(stage->loop, stage->key_timer);
	stage->key_timer = 0;
	while (!stage->screen->over(stage->arg) && keys_next(stage->keys, time_mono_us(), &press))
		press_one(stage, &press);
	wait = keys_wait(stage->keys, time_mono_us());
	if (wait >= 0)
		stage->key_timer = loop_after(stage->loop, wait, keys_due, stage);
	settle(stage, KEY_FRAME_US);
}

static void keyboard_ready(void *arg, int fd, short events)
{
	struct stage *stage = arg;
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	(void)events;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0)	/* the terminal is gone, so is everything we could say; sessions are not ours to end */
		_exit(stage->screen->hangup);
	keys_read(stage->keys, bytes, (size_t)n, time_mono_us());
	explicit_bzero(bytes, sizeof(bytes));
	keys_due(stage);
}

static void line_in(void *arg, int source, const struct json *line)
{
	struct stage *stage = arg;

	stage->screen->line(stage->arg, source, line);
	settle(stage, FRAME_US);
}

static void signal_in(void *arg, int signo)
{
	struct stage *stage = arg;

	if (signo == SIGHUP) {
		tty_hangup();
		_exit(stage->screen->hangup);
	}
	if (signo == SIGTSTP)
		stage->suspend = true;
	else if (signo == SIGINT && stage->screen->interrupt)
		stage->screen->interrupt(stage->arg);
	else if (signo != SIGWINCH)
		stage->leave = true;
	settle(stage, FRAME_US);
}

void stage_source(struct stage *stage, int source, int fd)
{
	sources_add(stage->sources, source, fd);
}

void stage_drop(struct stage *stage, int source)
{
	sources_drop(stage->sources, source);
}

/* ---- all of it ---- */

struct stage *stage_open(struct err *e)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH };
	struct stage *stage;

	if (term_open(e) != 0)
		return NULL;
	stage = mem_alloc(sizeof(*stage));
	stage->loop = loop_new(NULL);
	stage->keys = keys_new();
	keys_reports(stage->keys);
	stage->seen.can = term_can_report();
	stage->sources = sources_new(stage->loop, line_in, stage);
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		loop_signal(stage->loop, signals[i], signal_in, stage, e);
	loop_watch(stage->loop, term_fd(), POLLIN, keyboard_ready, stage);
	return stage;
}

void stage_close(struct stage *stage)
{
	if (!stage)
		return;
	sources_free(stage->sources);
	loop_unwatch(stage->loop, term_fd());
	drain(stage);
	term_close();
	loop_free(stage->loop);
	keys_free(stage->keys);
	canvas_free(stage->canvas);
	mem_free(stage);
}

bool stage_run(struct stage *stage, const struct stage_screen *screen, void *arg, struct err *e)
{
	stage->screen = screen;
	stage->arg = arg;
	stage->ticks = stage->slow = false;
	dirty(stage, 0);
	/* Keys that came behind the last one of the screen before. */
	keys_due(stage);
	if (loop_run(stage->loop, e) != 0)
		stage->leave = true;
	stage->screen = NULL;
	stage->arg = NULL;
	loop_cancel(stage->loop, stage->frame_timer);
	loop_cancel(stage->loop, stage->key_timer);
	loop_cancel(stage->loop, stage->fade_timer);
	loop_cancel(stage->loop, stage->tick_timer);
	stage->frame_timer = stage->key_timer = stage->fade_timer = stage->tick_timer = 0;
	return !stage->leave;
}

struct loop *stage_loop(struct stage *stage)
{
	return stage->loop;
}

int stage_cols(const struct stage *stage)
{
	return stage->canvas ? stage->canvas->cols : 80;
}

void stage_redraw(struct stage *stage)
{
	stage->redraw = true;
}

void stage_suspend(struct stage *stage)
{
	stage->suspend = true;
}

void stage_slow(struct stage *stage, bool slow)
{
	stage->slow = slow;
}
