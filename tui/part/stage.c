/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _DEFAULT_SOURCE /* explicit_bzero */
#include "tui/part/stage.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/time.h"
#include "tui/term/term.h"
#include "tui/term/tty.h"

#define FRAME_US (TIME_SECOND / 10)
#define KEY_FRAME_US (TIME_SECOND / 25)
#define MINUTE_US (60 * TIME_SECOND)
#define SOURCES 4
#define LINE_MAX_BYTES ((size_t)1 << 20)	/* a longer line is no line of ours */

struct source {
	int name, fd;		/* name 0 = free */
	struct buf text;
};

struct stage {
	struct loop *loop;
	struct keys *keys;
	struct canvas *canvas;
	const struct stage_screen *screen;	/* borrowed while it runs */
	struct source sources[SOURCES];
	int64_t drawn_us, frame_due_us;
	int frame_timer, key_timer, tick_timer, refresh_timer;
	bool leave, redraw, suspend;
};

static void frame_due(void *arg);

/* Asks for a frame, not sooner than gap_us after the last. */
static void dirty(struct stage *stage, int64_t gap_us)
{
	int64_t due = stage->drawn_us + gap_us, now = time_mono_us();

	if (stage->frame_timer != 0 && stage->frame_due_us <= due)
		return;
	loop_cancel(stage->loop, stage->frame_timer);
	stage->frame_due_us = due;
	stage->frame_timer = loop_after(stage->loop, due > now ? due - now : 0, frame_due, stage);
}

static void tick(void *arg)
{
	struct stage *stage = arg;

	stage->tick_timer = 0;
	dirty(stage, FRAME_US);
}

static void refresh(void *arg)
{
	struct stage *stage = arg;
	bool changed = false;
	int64_t again_us;

	stage->refresh_timer = 0;
	again_us = stage->screen->refresh(stage->screen->arg, &changed);
	if (changed)
		dirty(stage, FRAME_US);
	stage->refresh_timer = loop_after(stage->loop, again_us, refresh, stage);
}

static void frame_due(void *arg)
{
	struct stage *stage = arg;
	int64_t wall = time_wall_us();
	int rows, cols;

	stage->frame_timer = 0;
	stage->drawn_us = time_mono_us();
	if (term_is_behind()) {
		dirty(stage, FRAME_US);
		return;
	}
	term_size(&rows, &cols);
	if (!stage->canvas || stage->canvas->rows != rows || stage->canvas->cols != cols) {
		canvas_free(stage->canvas);
		stage->canvas = canvas_new(rows, cols, term_is_ascii());
	}
	canvas_clear(stage->canvas);
	stage->screen->draw(stage->screen->arg, stage->canvas, wall);
	term_show(stage->canvas);
	/* The clock on the screen has minutes and no seconds. */
	loop_cancel(stage->loop, stage->tick_timer);
	stage->tick_timer = loop_after(stage->loop, MINUTE_US - wall % MINUTE_US, tick, stage);
	if (stage->refresh_timer == 0)
		stage->refresh_timer = loop_after(stage->loop, 0, refresh, stage);
}

/* After keys or lines: carries out what the screen wants. */
static void settle(struct stage *stage, int64_t gap_us)
{
	if (stage->suspend)
		term_suspend();
	if (stage->redraw)
		term_redraw();
	stage->suspend = stage->redraw = false;
	if (stage->screen->over(stage->screen->arg) || stage->leave)
		loop_stop(stage->loop);
	else
		dirty(stage, gap_us);
}

static void keys_due(void *arg)
{
	struct stage *stage = arg;
	struct press press;
	int64_t wait;

	loop_cancel(stage->loop, stage->key_timer);
	stage->key_timer = 0;
	while (!stage->screen->over(stage->screen->arg) && keys_next(stage->keys, time_mono_us(), &press))
		stage->screen->press(stage->screen->arg, &press);
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
	if (n <= 0)	/* the terminal is gone; sessions are not ours to end */
		_exit(0);
	keys_read(stage->keys, bytes, (size_t)n, time_mono_us());
	explicit_bzero(bytes, sizeof(bytes));
	keys_due(stage);
}

/* ---- sources ---- */

static void give_line(struct stage *stage, int name, const char *text, size_t len)
{
	struct err ignored = { 0 };
	struct json *line = json_parse(text, len, &ignored);

	if (line && stage->screen)
		stage->screen->line(stage->screen->arg, name, line);
	json_free(line);
}

static void end_source(struct stage *stage, struct source *source)
{
	loop_unwatch(stage->loop, source->fd);
	close(source->fd);
	buf_done(&source->text);
	*source = (struct source){ 0 };
}

static void source_ready(void *arg, int fd, short events)
{
	struct stage *stage = arg;
	struct source *source = NULL;
	char *end;
	ssize_t n;
	int name;

	(void)events;
	for (size_t i = 0; i < SOURCES; i++)
		if (stage->sources[i].name && stage->sources[i].fd == fd)
			source = &stage->sources[i];
	if (!source)
		return;
	name = source->name;
	n = read(fd, buf_room(&source->text, 65536), 65536);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0)
		buf_added(&source->text, (size_t)n);
	while (source->name == name && source->text.len && (end = memchr(source->text.data, '\n', source->text.len)) != NULL) {
		size_t len = (size_t)(end - source->text.data);
		char *line = mem_dup(source->text.data, len);

		buf_consume(&source->text, len + 1);
		give_line(stage, name, line, len);
		mem_free(line);
	}
	if (source->name == name && (n <= 0 || source->text.len > LINE_MAX_BYTES)) {
		end_source(stage, source);
		stage->screen->line(stage->screen->arg, name, NULL);
	}
	settle(stage, FRAME_US);
}

void stage_source(struct stage *stage, int name, int fd)
{
	struct err e = { 0 };

	stage_drop(stage, name);
	for (size_t i = 0; i < SOURCES; i++) {
		struct source *source = &stage->sources[i];

		if (source->name || proc_nonblock(fd, true, &e) < 0)
			continue;
		source->name = name;
		source->fd = fd;
		loop_watch(stage->loop, fd, POLLIN, source_ready, stage);
		return;
	}
	close(fd);
}

void stage_drop(struct stage *stage, int name)
{
	for (size_t i = 0; i < SOURCES; i++)
		if (stage->sources[i].name == name)
			end_source(stage, &stage->sources[i]);
}

/* ---- all of it ---- */

static void signal_in(void *arg, int signo)
{
	struct stage *stage = arg;

	if (signo == SIGHUP) {
		tty_hangup();
		_exit(0);
	}
	if (signo == SIGTSTP)
		stage->suspend = true;
	else if (signo != SIGWINCH)
		stage->leave = true;
	if (stage->screen)
		settle(stage, FRAME_US);
}

struct stage *stage_open(struct err *e)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH };
	struct stage *stage;

	if (term_open(e) != 0)
		return NULL;
	stage = mem_alloc(sizeof(*stage));
	stage->loop = loop_new(NULL);
	stage->keys = keys_new();
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
	for (size_t i = 0; i < SOURCES; i++)
		if (stage->sources[i].name)
			end_source(stage, &stage->sources[i]);
	loop_unwatch(stage->loop, term_fd());
	term_close();
	loop_free(stage->loop);
	keys_free(stage->keys);
	canvas_free(stage->canvas);
	mem_free(stage);
}

bool stage_run(struct stage *stage, const struct stage_screen *screen)
{
	struct err e = { 0 };

	stage->screen = screen;
	loop_cancel(stage->loop, stage->refresh_timer);
	stage->refresh_timer = 0;
	dirty(stage, 0);
	/* Keys that came behind the last one of the screen before. */
	keys_due(stage);
	if (loop_run(stage->loop, &e) != 0)
		stage->leave = true;
	stage->screen = NULL;
	loop_cancel(stage->loop, stage->frame_timer);
	loop_cancel(stage->loop, stage->key_timer);
	loop_cancel(stage->loop, stage->tick_timer);
	loop_cancel(stage->loop, stage->refresh_timer);
	stage->frame_timer = stage->key_timer = stage->tick_timer = stage->refresh_timer = 0;
	return !stage->leave;
}

void stage_redraw(struct stage *stage)
{
	stage->redraw = true;
}

void stage_suspend(struct stage *stage)
{
	stage->suspend = true;
}
