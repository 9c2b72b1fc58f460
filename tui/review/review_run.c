/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _DEFAULT_SOURCE /* explicit_bzero */
#include "tui/review/review.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/index/history.h"
#include "tui/term/clip.h"
#include "tui/part/down_now.h"
#include "tui/term/keyfile.h"
#include "tui/review/replay.h"
#include "tui/review/review_int.h"
#include "tui/review/review_list.h"
#include "tui/review/review_work.h"
#include "tui/term/term.h"
#include "tui/term/tty.h"
#include "tui/live/view.h"

#define FRAME_US (TIME_SECOND / 25)
#define SLOW_FRAME_US (TIME_SECOND / 2)
#define LOOK_US (2 * TIME_SECOND)	/* between two looks at a session that is running */
#define WIND_EVENTS 500		/* of a recording, between two looks at the keyboard */
#define SEEK_US (10 * TIME_SECOND)

struct desk {
	const char *journal;
	struct loop *loop;
	struct keys *keys;
	struct canvas *canvas;
	struct review_list *list;	/* NULL when a session was named */
	struct review *review;		/* NULL while the list is shown */
	struct replay *replay;		/* NULL while nothing is played */
	struct palette palette;		/* of playback */
	struct history *history;	/* of the journal: is a site down? */
	int64_t drawn_us, passed_us;
	int frame_timer, key_timer, play_timer, look_timer, search_timer;
	bool leave, gone;		/* gone: no terminal to give back */
	struct err e;			/* why it ended, "" = the person left */
};

/* --- frames --- */

static void frame_due(void *arg)
{
	struct desk *desk = arg;
	int rows, cols;

	desk->frame_timer = 0;
	desk->drawn_us = time_mono_us();
	if (term_is_behind()) {
		desk->frame_timer = loop_after(desk->loop, FRAME_US, frame_due, desk);
		return;
	}
	term_size(&rows, &cols);
	if (!desk->canvas || desk->canvas->rows != rows || desk->canvas->cols != cols) {
		canvas_free(desk->canvas);
		desk->canvas = canvas_new(rows, cols, term_is_ascii());
	}
	if (desk->replay)
		replay_draw(desk->replay, desk->canvas);
	else if (desk->review)
		review_draw(desk->review, desk->canvas, desk->drawn_us);
	else
		review_list_draw(desk->list, desk->canvas);
	if (desk->replay && desk->palette.is_open)
		palette_draw(&desk->palette, desk->canvas, (struct area){ 1, 0, rows - 2, cols });
	term_show(desk->canvas);
}

static void dirty(struct desk *desk)
{
	int64_t gap = desk->review && desk->review->slow ? SLOW_FRAME_US : FRAME_US, due = desk->drawn_us + gap - time_mono_us();

	if (desk->frame_timer == 0)
		desk->frame_timer = loop_after(desk->loop, due > 0 ? due : 0, frame_due, desk);
}

static void stop(struct desk *desk)
{
	desk->leave = true;
	loop_stop(desk->loop);
}

/* --- playback --- */

static struct feed *open_stored(void *arg, struct err *e)
{
	const struct review *review = arg;

	return feed_stored(review->journal, review->timeline->session, review->timeline->session - 1, e);
}

static void play_due(void *arg)
{
	struct desk *desk = arg;
	int64_t now = time_mono_us(), wait;

	desk->play_timer = 0;
	if (!desk->replay)
		return;
	replay_pass(desk->replay, now - desk->passed_us);
	desk->passed_us = now;
	(void)replay_work(desk->replay, WIND_EVENTS);
	wait = replay_wait(desk->replay);
	if (wait >= 0)
		desk->play_timer = loop_after(desk->loop, wait, play_due, desk);
	dirty(desk);
}

static void play_on(struct desk *desk)
{
	loop_cancel(desk->loop, desk->play_timer);
	desk->passed_us = time_mono_us();
	desk->play_timer = loop_after(desk->loop, 0, play_due, desk);
}

static void play_begin(struct desk *desk)
{
	struct review *review = desk->review;
	const struct mark *mark = review_mark(review);
	struct err e = { 0 };

	desk->replay = replay_new((struct replay_source){ open_stored, review }, review->timeline->end_us, &e);
	if (!desk->replay) {
		review_notice(review, e.text, time_mono_us());
		return;
	}
	replay_seek(desk->replay, mark && review->at > 0 ? mark->at_us : 0);
	desk->replay->playing = true;
	play_on(desk);
}

static void play_end(struct desk *desk)
{
	loop_cancel(desk->loop, desk->play_timer);
	desk->play_timer = 0;
	replay_free(desk->replay);
	desk->replay = NULL;
}

/* To the next or previous step, failure or decision. */
static void play_jump(struct desk *desk, int by)
{
	const struct timeline *timeline = desk->review->timeline;
	const struct replay *replay = desk->replay;
	int64_t at_us = replay->target_us > replay->at_us ? replay->target_us : replay->at_us, best = -1;

	for (size_t i = 0; i < timeline->count; i++) {
		const struct mark *mark = &timeline->marks[i];

		if (mark->late || !(mark->groups & (MARK_JUMP | MARK_STEPS)))
			continue;
		if (by > 0 && mark->at_us > at_us && (best < 0 || mark->at_us < best))
			best = mark->at_us;
		if (by < 0 && mark->at_us < at_us - TIME_SECOND && mark->at_us > best)
			best = mark->at_us;
	}
	replay_seek(desk->replay, best >= 0 ? best : by > 0 ? replay->last_us : replay->first_us);
}

static void play_act(struct desk *desk, enum action action)
{
	struct replay *replay = desk->replay;

	assert(desk->review);	/* what is played is a session under review */
	if (action == ACTION_PLAY_PAUSE)
		replay->playing = !replay->playing && (replay->has_next || replay->at_us < replay->last_us);
	else if (action == ACTION_FASTER || action == ACTION_SLOWER)
		replay_speed(replay, action == ACTION_FASTER ? 1 : -1);
	else if (action == ACTION_LATER || action == ACTION_EARLIER)
		replay_seek(replay, replay->at_us + (action == ACTION_LATER ? SEEK_US : -SEEK_US));
	else if (action == ACTION_TOP || action == ACTION_FOLLOW)
		replay_seek(replay, action == ACTION_TOP ? replay->first_us : replay->last_us);
	else if (action == ACTION_JUMP_BACK || action == ACTION_JUMP_ON)
		play_jump(desk, action == ACTION_JUMP_ON ? 1 : -1);
	else if (action == ACTION_CUT)
		replay->cut = !replay->cut;
	else if (action == ACTION_RAW)
		replay->ui->raw = !replay->ui->raw;
	else if (action == ACTION_HELP || action == ACTION_PALETTE)
		palette_open(&desk->palette, IN_PLAYBACK, action == ACTION_HELP, NULL, NULL);
	else if (action == ACTION_REDRAW)
		term_redraw();
	else if (action == ACTION_SUSPEND)
		term_suspend();
}

static void play_press(struct desk *desk, const struct press *press)
{
	enum action action = press->code == PRESS_ESC ? ACTION_LEAVE : keytable_find(IN_PLAYBACK, press);

	if (desk->palette.is_open) {
		enum palette_did did = palette_press(&desk->palette, press);

		if (did == PALETTE_GOES_ON)
			return;
		action = did == PALETTE_RUNS ? desk->palette.run : ACTION_NONE;
		palette_close(&desk->palette);
	}
	if (action == ACTION_LEAVE) {
		play_end(desk);
		return;
	}
	play_act(desk, action);
	play_on(desk);
}

/* --- the list and the timeline --- */

static void choose(struct desk *desk)
{
	struct err e = { 0 };
	struct buf safe = { 0 };
	int64_t session = desk->list->chosen;

	desk->list->chosen = 0;
	desk->review = review_new(desk->journal, session, &e);
	if (desk->review) {
		mem_set(&desk->review->down, desk->list->down);
		return;
	}
	utf8_safe(&safe, e.text, strlen(e.text), false);
	mem_free(desk->list->words);
	desk->list->words = buf_take(&safe);
}

static void watch(struct desk *desk);

/* The running session in its own view; afterwards we are back here. */
static void attach(struct desk *desk)
{
	struct view_options options = { .journal = desk->journal, .session = desk->review->timeline->session, .role = "navigator" };
	struct err e = { 0 };

	loop_unwatch(desk->loop, term_fd());
	term_close();
	(void)view_live(&options);
	if (term_open(&e) != 0) {
		desk->e = e;
		stop(desk);
		return;
	}
	watch(desk);
	review_refresh(desk->review);
}

/* Into a file, whose name is said, and into the terminal's clipboard where it may have one. */
static void copy_out(struct review *review)
{
	char *path = NULL, *text;
	struct err e = { 0 };
	bool sent = term_copy(review->copy, strlen(review->copy));

	if (clip_save(review->copy, review->timeline->session, review->copy_name, &path, &e) == 0)
		text = mem_printf("Copied the %s to %s%s", review->copy_name, path, sent ? ", and to the terminal's clipboard if it has one." : ".");
	else
		text = mem_printf("The copy could not be written: %s", e.text);
	review_notice(review, text, time_mono_us());
	mem_set(&review->copy, NULL);
	mem_free(path);
	mem_free(text);
}

static void settle_review(struct desk *desk)
{
	struct review *review = desk->review;

	if (review->play)
		play_begin(desk);
	if (review->copy)
		copy_out(review);
	if (!term_mouse(review->mouse)) {
		review->mouse = false;
		review_notice(review, "This type of terminal (TERM) has no mouse.", time_mono_us());
	}
	if (review->suspend)
		term_suspend();
	if (review->redraw)
		term_redraw();
	review->play = review->suspend = review->redraw = false;
	if (review->attach) {
		review->attach = false;
		attach(desk);
	}
	if (!review->leave)
		return;
	review_free(review);
	desk->review = NULL;
	if (!desk->list)
		stop(desk);
}

static void settle_list(struct desk *desk)
{
	struct review_list *list = desk->list;

	if (list->suspend)
		term_suspend();
	if (list->redraw)
		term_redraw();
	list->suspend = list->redraw = false;
	if (list->chosen)
		choose(desk);
	if (list->leave)
		stop(desk);
}

static void press_in(struct desk *desk, const struct press *press)
{
	if (desk->replay) {
		play_press(desk, press);
	} else if (desk->review) {
		review_press(desk->review, press, time_mono_us());
		settle_review(desk);
	} else {
		review_list_press(desk->list, press);
		settle_list(desk);
	}
}

/* A long search leaves the keyboard its turn. */
static void search_due(void *arg)
{
	struct desk *desk = arg;

	desk->search_timer = 0;
	if (!desk->review || desk->review->finding == 0)
		return;
	review_search(desk->review, time_mono_us());
	dirty(desk);
	desk->search_timer = loop_after(desk->loop, 0, search_due, desk);
}

static void keys_due(void *arg)
{
	struct desk *desk = arg;
	struct press press;
	int64_t wait;

	loop_cancel(desk->loop, desk->key_timer);
	desk->key_timer = 0;
	while (!desk->leave && keys_next(desk->keys, time_mono_us(), &press))
		press_in(desk, &press);
	wait = desk->leave ? -1 : keys_wait(desk->keys, time_mono_us());
	if (wait >= 0)
		desk->key_timer = loop_after(desk->loop, wait, keys_due, desk);
	if (desk->review && desk->review->finding != 0 && desk->search_timer == 0)
		desk->search_timer = loop_after(desk->loop, 0, search_due, desk);
	if (!desk->leave)
		dirty(desk);
}

static void keyboard_ready(void *arg, int fd, short events)
{
	struct desk *desk = arg;
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	(void)events;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0)	/* the terminal is gone */
		_exit(VIEW_OK);
	keys_read(desk->keys, bytes, (size_t)n, time_mono_us());
	explicit_bzero(bytes, sizeof(bytes));
	keys_due(desk);
}

/* Whatever is read: whether a site is down now stands in the head. */
static void look_at_sites(struct desk *desk)
{
	char **shown = desk->review ? &desk->review->down : desk->list ? &desk->list->down : NULL, *words;
	struct err ignored = { 0 };

	if (!shown || desk->replay)
		return;
	(void)history_read(desk->history, desk->journal, true, 0, &ignored);
	words = down_now(history_sessions(desk->history), NULL, time_wall_us());
	if (!str_is(words, *shown)) {
		mem_set(shown, words);
		dirty(desk);
	}
	mem_free(words);
}

/* A session that runs is read on; the others do not change. */
static void look_due(void *arg)
{
	struct desk *desk = arg;

	desk->look_timer = loop_after(desk->loop, LOOK_US, look_due, desk);
	look_at_sites(desk);
	if (!desk->review || desk->replay || !desk->review->running || desk->review->box.use != USE_CLOSED || desk->review->finding != 0)
		return;
	review_refresh(desk->review);
	dirty(desk);
}

static void signal_in(void *arg, int signo)
{
	struct desk *desk = arg;

	if (signo == SIGHUP) {
		tty_hangup();
		_exit(VIEW_OK);
	}
	if (signo == SIGTSTP)
		term_suspend();
	else if (signo != SIGWINCH && signo != SIGINT)
		stop(desk);
	if (!desk->leave)
		dirty(desk);
}

static void watch(struct desk *desk)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH };
	struct err e;

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		loop_signal(desk->loop, signals[i], signal_in, desk, &e);
	loop_watch(desk->loop, term_fd(), POLLIN, keyboard_ready, desk);
}

static int open_desk(struct desk *desk, const struct review_options *options)
{
	if (options->session)
		desk->review = review_new(options->journal, options->session, &desk->e);
	else
		desk->list = review_list_new(options->journal, options->filter, &desk->e);
	return desk->review || desk->list ? 0 : -1;
}

static void close_desk(struct desk *desk)
{
	palette_close(&desk->palette);
	replay_free(desk->replay);
	review_free(desk->review);
	review_list_free(desk->list);
	history_free(desk->history);
	keys_free(desk->keys);
	canvas_free(desk->canvas);
	loop_free(desk->loop);
}

static int tell(const struct err *e)
{
	struct buf out = { 0 };

	if (!e->text[0])
		return VIEW_OK;
	utf8_safe(&out, e->text, strlen(e->text), true);
	fprintf(stderr, "bellbook: %s\n", buf_text(&out));
	buf_done(&out);
	return VIEW_FAILED;
}

int view_review(const struct review_options *options)
{
	struct desk desk = { .journal = options->journal };
	struct err e = { 0 };

	if (open_desk(&desk, options) < 0) {
		close_desk(&desk);
		return tell(&desk.e);
	}
	if (term_open(&e) != 0) {
		close_desk(&desk);
		printf("bellbook: no full screen here, %s; this is the plain review.\n", e.text);
		fflush(stdout);
		return review_plain(options);
	}
	desk.loop = loop_new(NULL);
	desk.history = history_new();
	if (keyfile_load(&e) < 0 && desk.review)
		review_notice(desk.review, e.text, time_mono_us());
	desk.keys = keys_new();
	watch(&desk);
	desk.look_timer = loop_after(desk.loop, 0, look_due, &desk);
	dirty(&desk);
	if (loop_run(desk.loop, &e) != 0 && !desk.e.text[0])
		desk.e = e;
	loop_unwatch(desk.loop, term_fd());
	term_close();
	close_desk(&desk);
	return tell(&desk.e);
}
