/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The live view: how a screen comes about.
 *
 *     session's socket ── link ── pump ──► scene          (what is known: a fold of events)
 *     keyboard ── stage ── keytable ─────► ui             (what the person did here)
 *                              scene + ui ── draw ──► canvas ── stage ──► terminal
 *                              ui ── intents ── pump ── link ──► session
 *
 * Everything is one process and one loop; nothing in it waits. The scene changes only by what the session
 * told, never by a key: a key makes an intent, the session decides, and its event changes the screen, here and
 * on everybody else's screen in the same way. So a view can be killed, drop its connection or fall behind at
 * any moment and lose nothing; a new one folds the same events to the same picture.
 *
 * Drawing is a pure function of scene, ui, size and time (draw.h). It draws the whole screen into a grid of
 * cells each time, which is cheap, and term.c sends what differs from the last grid, which may not be: over a
 * slow line bytes are what a person waits for. So the stage asks for a picture only when something changed
 * (stage.c), and the clock ticks once a second, and only while something runs or the site is down.
 *
 * A question opens its dialog by itself, and ignores keys that were meant for the screen before: all that come before
 * the terminal has said that it took in the picture (front.h), and for a moment after.
 * The answer carries the seq of the question in the dialog; when that question is closed, so is the dialog,
 * with a line that says who answered. No letter alone changes anything.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "tui/live/dialogs.h"
#include "tui/live/dialogs_people.h"
#include "tui/live/dialogs_stop.h"
#include "tui/live/draw.h"
#include "tui/live/ending.h"
#include "tui/live/sitting.h"
#include "tui/live/ui.h"
#include "tui/live/view.h"
#include "tui/part/people.h"
#include "tui/part/prose.h"
#include "tui/part/pump.h"
#include "tui/part/stage.h"
#include "tui/term/clip.h"
#include "tui/term/keyfile.h"
#include "tui/term/term.h"

#define SLOW_TICK_US (10 * TIME_SECOND)
#define CALM_US (TIME_SECOND / 2)	/* silence after which history is taken as told */

struct live {
	struct stage *stage;
	struct pump *pump;
	struct scene *scene;
	struct ui *ui;
	int64_t session;
	int calm_timer;
	enum ending ending;
	bool over;		/* the session was closed, and the person reads what came of it */
};

/* ---- pictures ---- */

static void paint(void *arg, struct canvas *canvas, int64_t wall_us, int64_t mono_us)
{
	struct live *live = arg;

	dialogs_stop_update(live->ui, live->scene, mono_us);
	draw(live->scene, live->ui, canvas, wall_us, mono_us);
}

/* Clocks, a notice. */
static int64_t fades(void *arg, int64_t now_us)
{
	const struct live *live = arg;
	const struct model *model = live->scene->model;

	(void)now_us;
	if (model->down_since_us > 0 || model_current(model) >= 0 || live->ui->notice || people_wheel(live->scene))
		return live->ui->slow ? SLOW_TICK_US : TIME_SECOND;
	return -1;
}

/* What of the questions stands in front. */
static struct front *front(void *arg)
{
	struct live *live = arg;
	struct dialog *dialog = &live->ui->dialog;

	if (dialog->kind == DIALOG_NONE)
		return NULL;
	dialog->front.question = live->ui->sitting.on ? 0 : live->ui->matter.seq;
	dialog->front.pause_us = FRONT_GUARD_US;
	return &dialog->front;
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

static void shown(void *arg)
{
	struct live *live = arg;

	sitting_tell_size(live->ui, live->scene);
	send_all(live);
}

/* ---- what the person wants ---- */

static void press(void *arg, const struct press *one, int64_t now_us)
{
	struct live *live = arg;

	ui_press(live->ui, live->scene, one, now_us);
}

static void interrupt(void *arg)
{
	struct live *live = arg;

	dialogs_stop(live->ui, live->scene, true);
}

static void end(struct live *live, enum ending ending)
{
	if (live->ending == ENDING_NONE)
		live->ending = live->over ? ENDING_CLOSED : ending;
}

static bool over(void *arg)
{
	struct live *live = arg;

	if (live->ui->leave || (live->over && live->ui->dialog.kind == DIALOG_NONE))
		end(live, ENDING_LEFT);
	return live->ending != ENDING_NONE;
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

static void settle(void *arg)
{
	struct live *live = arg;
	struct ui *ui = live->ui;
	struct json *here;

	ui_update(ui, live->scene, time_mono_us());
	if ((here = dialogs_people_here(ui, live->scene, time_mono_us())) != NULL)
		ui_send(ui, here);
	send_all(live);
	if (ui->copy)
		copy_out(live);
	if (!term_mouse(ui->mouse)) {
		ui->mouse = false;
		ui_notice(ui, "This type of terminal (TERM) has no mouse.", time_mono_us());
	}
	if (ui->suspend)
		stage_suspend(live->stage);
	if (ui->redraw)
		stage_redraw(live->stage);
	ui->suspend = ui->redraw = false;
	stage_slow(live->stage, ui->slow);
}

/* ---- what the session tells ---- */

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
	dialogs_ending(live->ui, live->scene, live->session);
	live->ui->dialog.front.guard_us = time_mono_us() + FRONT_GUARD_US;
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
	stage_changed(live->stage, false);
}

static void batch_end(void *arg)
{
	struct live *live = arg;
	struct loop *loop = stage_loop(live->stage);

	loop_cancel(loop, live->calm_timer);
	live->calm_timer = 0;
	if (live->scene->head >= 0 && !live->scene->caught_up)
		live->calm_timer = loop_after(loop, CALM_US, calm, live);
	if (live->scene->model->state == SESSION_CLOSED)
		close_walk(live);
	/* Whoever types waits for the echo. */
	stage_changed(live->stage, sitting_is_on(live->ui, live->scene));
}

/* ---- all of it ---- */

static const struct stage_screen screen = {
	.name = "live",
	.hangup = VIEW_LEFT,
	.draw = paint,
	.press = press,
	.over = over,
	.settle = settle,
	.front = front,
	.shown = shown,
	.fades = fades,
	.interrupt = interrupt,
};

static void live_init(struct live *live, const struct view_options *options)
{
	struct err e = { 0 };

	live->scene = scene_new();
	live->ui = ui_new();
	live->pump = pump_new(stage_loop(live->stage), link_new(options->journal, options->session, 0, "live",
		options->role), item_in, batch_end, live);
	if (keyfile_load(&e) != 0) {
		const char *file = strstr(e.text, "/keys:");	/* its folder is too long for a line */

		ui_notice(live->ui, file ? file + 1 : e.text, time_mono_us());
	}
}

/* The last words, on the terminal that was given back. */
static void tell(const struct live *live, int cols)
{
	struct buf last = { 0 }, words = { 0 };

	ending_tell(live->scene, live->session, live->ending, &last);
	prose_wrap(&words, buf_text(&last), cols);
	fputs(buf_text(&words), stdout);
	fflush(stdout);
	buf_done(&last);
	buf_done(&words);
}

int view_live(const struct view_options *options)
{
	struct live live = { .session = options->session };
	struct err e = { 0 };
	int code, cols;

	live.stage = stage_open(&e);
	if (!live.stage) {
		printf("bellbook: no full screen here, %s; this is the plain view.\n", e.text);
		fflush(stdout);
		return view_plain(options);
	}
	live_init(&live, options);
	if (!stage_run(live.stage, &screen, &live, &e))
		end(&live, ENDING_LEFT);
	cols = stage_cols(live.stage);
	pump_free(live.pump);
	stage_close(live.stage);
	tell(&live, cols);
	code = (int)ending_exit(live.ending, live.scene->model->outcome);
	if (live.ui->go_back && options->way_back)
		*options->way_back = json_copy_of(live.scene->model->way_back);
	ui_free(live.ui);
	scene_free(live.scene);
	return code;
}
