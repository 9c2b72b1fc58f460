/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The live view: how a screen comes about.
 *
 *     session's socket ── link ── pump ──► scene          (what is known: a fold of events)
 *     keyboard ── keys ── keytable ──────► ui             (what the person did here)
 *                              scene + ui ── draw ──► canvas ── term ──► terminal
 *                              ui ── intents ── pump ── link ──► session
 *
 * Everything is one process and one loop; nothing in it waits. The scene changes only by what the session
 * told, never by a key: a key makes an intent, the session decides, and its event changes the screen, here and
 * on everybody else's screen in the same way. So a view can be killed, drop its connection or fall behind at
 * any moment and lose nothing; a new one folds the same events to the same picture.
 *
 * Drawing is a pure function of scene, ui, size and time (draw.h). It draws the whole screen into a grid of
 * cells each time, which is cheap, and term.c sends what differs from the last grid, which may not be: over a
 * slow line bytes are what a person waits for. Hence:
 *
 *   - a frame is drawn only when something changed (dirty), and at most every FRAME_US, or KEY_FRAME_US
 *     after a key: what a person does is seen at once also in a flood of output;
 *   - while the kernel still holds much of the last frame, the next is left out (term_is_behind); what would
 *     have been on it is on the one after;
 *   - the clock ticks once a second, and only while something runs or the site is down.
 *
 * A question opens its dialog by itself, and ignores keys that were meant for the screen before: all that come before
 * the terminal has said that it took in the picture (seen.h), and for a moment after.
 * The answer carries the seq of the question in the dialog; when that question is closed, so is the dialog,
 * with a line that says who answered. No letter alone changes anything.
 *
 * The terminal is given back on every way out: normal end, signals (loop), failed asserts and crashes
 * (tty.c), Ctrl-Z. When it is gone (SIGHUP, end of file) we leave at once; a SIGHUP may come
 * on a terminal that lives, so it is given back without waiting for it.
 */
#define _DEFAULT_SOURCE /* explicit_bzero */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/time.h"
#include "tui/term/clip.h"
#include "tui/live/dialog.h"
#include "tui/live/dialog_people.h"
#include "tui/live/dialog_stop.h"
#include "tui/live/draw.h"
#include "tui/live/ending.h"
#include "tui/term/keyfile.h"
#include "tui/term/keys.h"
#include "tui/part/people.h"
#include "tui/part/prose.h"
#include "tui/part/pump.h"
#include "tui/term/seen.h"
#include "tui/live/sitting.h"
#include "tui/term/term.h"
#include "tui/term/tty.h"
#include "tui/live/ui.h"
#include "tui/live/view.h"

#define FRAME_US (TIME_SECOND / 10)
#define KEY_FRAME_US (TIME_SECOND / 25)	/* a key is seen sooner */
#define SLOW_FRAME_US (TIME_SECOND / 2)	/* with :slow, also after a key */
#define SLOW_TICK_US (10 * TIME_SECOND)
#define CALM_US (TIME_SECOND / 2)	/* silence after which history is taken as told */

struct live {
	struct loop *loop;
	struct pump *pump;
	struct scene *scene;
	struct ui *ui;
	struct keys *keys;
	struct canvas *canvas;
	struct seen seen;
	int64_t session;
	int64_t drawn_us, frame_due_us;
	int frame_timer, key_timer, calm_timer, tick_timer;
	enum ending ending;
	bool over;		/* the session was closed, and the person reads what came of it */
};

static void frame_due(void *arg);

/* Asks for a frame, soon but not sooner than gap_us after the last. */
static void dirty(struct live *live, int64_t gap_us)
{
	int64_t gap = live->ui->slow ? SLOW_FRAME_US : gap_us;
	int64_t due = live->drawn_us + gap, now = time_mono_us();

	if (live->frame_timer != 0 && live->frame_due_us <= due)
		return;
	loop_cancel(live->loop, live->frame_timer);
	live->frame_due_us = due;
	live->frame_timer = loop_after(live->loop, due > now ? due - now : 0, frame_due, live);
}

static void tick(void *arg)
{
	struct live *live = arg;

	live->tick_timer = 0;
	dirty(live, FRAME_US);
}

/* When the screen changes without an event: the end of a dialog's guard, clocks, a notice. -1 = never. */
static int64_t tick_wait(const struct live *live)
{
	const struct model *model = live->scene->model;
	int64_t guard = live->ui->dialog.guard_us - live->drawn_us, unseen = seen_wait(&live->seen, live->drawn_us);

	if (live->ui->dialog.kind != DIALOG_NONE && guard > 0)
		return guard;
	if (unseen >= 0)
		return unseen;
	if (model->down_since_us > 0 || model_current(model) >= 0 || live->ui->notice || people_wheel(live->scene))
		return live->ui->slow ? SLOW_TICK_US : TIME_SECOND;
	return -1;
}

static void send_all(struct live *live)
{
	struct json *intent;

	while ((intent = ui_intent(live->ui)) != NULL) {
		struct err e;

		if (pump_send(live->pump, intent, &e) != 0) {
			ui_notice(live->ui, e.text, time_mono_us());
			live->ui->sent = 0;
		}
		json_free(intent);
	}
}

/* What of the questions stands in front, and whether a key can be an answer to it. */
static void look_in_front(struct live *live)
{
	const struct ui *ui = live->ui;

	seen_question(&live->seen, ui->sitting.on || ui->dialog.kind == DIALOG_NONE ? 0 : ui->dialog.seq);
	live->ui->dialog.unseen = seen_waits(&live->seen, time_mono_us());
}

/* The question may be on the terminal now; a moment for the person to see that it is another screen. */
static void guard(struct live *live)
{
	live->ui->dialog.guard_us = time_mono_us() + UI_GUARD_US;
}

static void frame_due(void *arg)
{
	struct live *live = arg;
	int rows, cols;
	int64_t wait;

	live->frame_timer = 0;
	live->drawn_us = time_mono_us();
	if (term_is_behind()) {
		dirty(live, FRAME_US);
		return;
	}
	term_size(&rows, &cols);
	if (!live->canvas || live->canvas->rows != rows || live->canvas->cols != cols) {
		canvas_free(live->canvas);
		live->canvas = canvas_new(rows, cols, term_is_ascii());
	}
	dialog_stop_update(live->ui, live->scene, live->drawn_us);
	look_in_front(live);
	draw(live->scene, live->ui, live->canvas, time_wall_us(), live->drawn_us);
	term_show(live->canvas);
	if (seen_painted(&live->seen, time_mono_us())) {
		guard(live);
		if (live->seen.can)
			term_request();
	}
	sitting_tell_size(live->ui, live->scene);
	send_all(live);
	loop_cancel(live->loop, live->tick_timer);
	wait = tick_wait(live);
	live->tick_timer = wait >= 0 ? loop_after(live->loop, wait, tick, live) : 0;
}

static void end(struct live *live, enum ending ending)
{
	if (live->ending == ENDING_NONE)
		live->ending = live->over ? ENDING_CLOSED : ending;
	loop_stop(live->loop);
}

/* The session is closed: what came of it stands on the screen until a key takes it away. Whoever ended it to go back sees the way back next. */
static void close_walk(struct live *live)
{
	if (live->over)
		return;
	live->over = true;
	if (ending_goes_back(live->scene)) {
		live->ui->go_back = true;
		end(live, ENDING_CLOSED);
		return;
	}
	dialog_ending(live->ui, live->scene, live->session);
	guard(live);
}

/* Into a file, whose name is said, and into the terminal's clipboard where it may have one. */
static void copy_out(struct live *live)
{
	struct ui *ui = live->ui;
	char *path = NULL, *text;
	struct err e = { 0 };
	bool sent = term_copy(ui->copy, strlen(ui->copy));

	if (clip_save(ui->copy, live->session, ui->copy_name, &path, &e) == 0)
		text = mem_printf("Copied the %s to %s%s", ui->copy_name, path,
			sent ? ", and to the terminal's clipboard if it has one." : ".");
	else
		text = mem_printf("The copy could not be written: %s", e.text);
	ui_notice(ui, text, time_mono_us());
	mem_set(&ui->copy, NULL);
	mem_free(path);
	mem_free(text);
}

/* After keys or events: carries out what the ui wants. */
static void settle(struct live *live, int64_t gap_us)
{
	struct ui *ui = live->ui;
	struct json *here;

	ui_update(ui, live->scene, time_mono_us());
	if ((here = dialog_people_here(ui, live->scene, time_mono_us())) != NULL)
		ui_send(ui, here);
	send_all(live);
	if (ui->suspend) {
		ui->suspend = false;
		seen_drain(&live->seen, term_fd(), time_mono_us());
		term_suspend();
	}
	if (ui->copy)
		copy_out(live);
	if (!term_mouse(ui->mouse)) {
		ui->mouse = false;
		ui_notice(ui, "This type of terminal (TERM) has no mouse.", time_mono_us());
	}
	if (ui->redraw)
		term_redraw();
	ui->redraw = false;
	if (ui->leave || (live->over && ui->dialog.kind == DIALOG_NONE))
		end(live, ENDING_LEFT);
	dirty(live, gap_us);
}

static void keys_due(void *arg)
{
	struct live *live = arg;
	struct press press;
	int64_t wait;

	loop_cancel(live->loop, live->key_timer);
	live->key_timer = 0;
	while (!live->ui->leave && keys_next(live->keys, time_mono_us(), &press)) {
		look_in_front(live);
		if (press.code != PRESS_REPORT)
			ui_press(live->ui, live->scene, &press, time_mono_us());
		else if (seen_answer(&live->seen))
			guard(live);
	}
	wait = keys_wait(live->keys, time_mono_us());
	if (wait >= 0)
		live->key_timer = loop_after(live->loop, wait, keys_due, live);
	settle(live, KEY_FRAME_US);
}

static void keyboard_ready(void *arg, int fd, short events)
{
	struct live *live = arg;
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	(void)events;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0)	/* the terminal is gone, so is everything we could say; the session goes on */
		_exit(VIEW_LEFT);
	keys_read(live->keys, bytes, (size_t)n, time_mono_us());
	explicit_bzero(bytes, sizeof(bytes));
	keys_due(live);
}

static void item_in(void *arg, enum link_item item, const struct event *ev, const struct json *reply,
	const char *why)
{
	struct live *live = arg;
	bool closed = live->scene->model->state == SESSION_CLOSED;

	if (item == LINK_EVENT) {
		scene_is_news(live->scene, ev);
		scene_event(live->scene, ev);
	} else if (item == LINK_REPLY) {
		scene_reply(live->scene, reply);
		ui_reply(live->ui, live->scene, reply, time_mono_us());
		if (live->scene->turned_away)
			end(live, ENDING_REFUSED);
	} else if (item == LINK_GONE) {
		if (closed)
			close_walk(live);
		else
			end(live, ENDING_GONE);
	} else if (!live->over) {	/* whose process ends now, and nobody misses it */
		live->ui->lost = item == LINK_LOST || item == LINK_HALTED;
		live->ui->sent = 0;
		ui_notice(live->ui, item == LINK_HALTED ? why : item == LINK_LOST ? "The connection to the session is lost; trying again."
			: "The connection is back.", time_mono_us());
	}
}

static void calm(void *arg)
{
	struct live *live = arg;

	live->calm_timer = 0;
	live->scene->caught_up = true;
	settle(live, FRAME_US);
}

static void batch_end(void *arg)
{
	struct live *live = arg;

	loop_cancel(live->loop, live->calm_timer);
	live->calm_timer = 0;
	if (live->scene->head >= 0 && !live->scene->caught_up)
		live->calm_timer = loop_after(live->loop, CALM_US, calm, live);
	if (live->scene->model->state == SESSION_CLOSED)
		close_walk(live);
	/* Whoever types waits for the echo. */
	settle(live, sitting_is_on(live->ui, live->scene) ? KEY_FRAME_US : FRAME_US);
}

static void signal_in(void *arg, int signo)
{
	struct live *live = arg;

	if (signo == SIGHUP) {
		tty_hangup();
		_exit(VIEW_LEFT);
	}
	if (signo == SIGINT)
		dialog_stop(live->ui, live->scene, true);
	else if (signo == SIGTSTP)
		live->ui->suspend = true;
	else if (signo != SIGWINCH)
		live->ui->leave = true;
	settle(live, FRAME_US);
}

static void watch(struct live *live)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH };
	struct err e;

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		loop_signal(live->loop, signals[i], signal_in, live, &e);
	loop_watch(live->loop, term_fd(), POLLIN, keyboard_ready, live);
}

static void live_done(struct live *live)
{
	pump_free(live->pump);
	loop_free(live->loop);
	keys_free(live->keys);
	ui_free(live->ui);
	scene_free(live->scene);
	canvas_free(live->canvas);
}

int view_live(const struct view_options *options)
{
	struct live live = { .session = options->session };
	struct buf last = { 0 }, words = { 0 };
	struct err e = { 0 };
	int code;

	if (term_open(&e) != 0) {
		printf("bellbook: no full screen here, %s; this is the plain view.\n", e.text);
		fflush(stdout);
		return view_plain(options);
	}
	live.loop = loop_new(NULL);
	live.scene = scene_new();
	live.ui = ui_new();
	live.keys = keys_new();
	keys_reports(live.keys);
	live.seen.can = term_can_report();
	live.pump = pump_new(live.loop, link_new(options->journal, options->session, 0, "live",
		options->role), item_in, batch_end, &live);
	watch(&live);
	if (keyfile_load(&e) != 0) {
		const char *file = strstr(e.text, "/keys:");	/* its folder is too long for a line */

		ui_notice(live.ui, file ? file + 1 : e.text, time_mono_us());
	}
	if (loop_run(live.loop, &e) != 0)
		live.ending = ENDING_LEFT;
	loop_unwatch(live.loop, term_fd());
	seen_drain(&live.seen, term_fd(), time_mono_us());
	term_close();
	ending_tell(live.scene, live.session, live.ending, &last);
	prose_wrap(&words, buf_text(&last), live.canvas ? live.canvas->cols : 80);
	fputs(buf_text(&words), stdout);
	fflush(stdout);
	code = (int)ending_exit(live.ending, live.scene->model->outcome);
	if (live.ui->go_back && options->way_back)
		*options->way_back = json_copy_of(live.scene->model->way_back);
	buf_done(&last);
	buf_done(&words);
	live_done(&live);
	return code;
}
