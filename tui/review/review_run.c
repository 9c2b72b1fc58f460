/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/review/review.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/index/history.h"
#include "tui/live/view.h"
#include "tui/part/down_now.h"
#include "tui/part/stage.h"
#include "tui/review/replay.h"
#include "tui/review/review_int.h"
#include "tui/review/review_list.h"
#include "tui/review/review_work.h"
#include "tui/term/clip.h"
#include "tui/term/keyfile.h"
#include "tui/term/term.h"

#define LOOK_US (2 * TIME_SECOND)	/* between two looks at a session that is running */
#define WIND_EVENTS 500		/* of a recording, between two looks at the keyboard */
#define SEEK_US (10 * TIME_SECOND)

struct desk {
	const char *journal;
	struct stage *stage;		/* NULL while the live view has the terminal */
	struct review_list *list;	/* NULL when a session was named */
	struct review *review;		/* NULL while the list is shown */
	struct replay *replay;		/* NULL while nothing is played */
	struct palette palette;		/* of playback */
	struct history *history;	/* of the journal: is a site down? */
	int64_t passed_us;
	bool leave, attach;
	struct err e;			/* why it ended, "" = the person left */
};

static void paint(void *arg, struct canvas *canvas, int64_t wall_us, int64_t mono_us)
{
	struct desk *desk = arg;

	(void)wall_us;
	if (desk->replay)
		replay_draw(desk->replay, canvas);
	else if (desk->review)
		review_draw(desk->review, canvas, mono_us);
	else
		review_list_draw(desk->list, canvas);
	if (desk->replay && desk->palette.is_open)
		palette_draw(&desk->palette, canvas, (struct area){ 1, 0, canvas->rows - 2, canvas->cols });
}

/* --- playback --- */

static struct feed *open_stored(void *arg, struct err *e)
{
	const struct review *review = arg;

	return feed_stored(review->journal, review->timeline->session, review->timeline->session - 1, e);
}

/* Plays on for the time that has passed; how long until there is more to show, -1 = it stands still. */
static int64_t play(struct desk *desk)
{
	int64_t now = time_mono_us();

	replay_pass(desk->replay, now - desk->passed_us);
	desk->passed_us = now;
	(void)replay_work(desk->replay, WIND_EVENTS);
	return replay_wait(desk->replay);
}

static void play_on(struct desk *desk)
{
	desk->passed_us = time_mono_us();
	stage_wake(desk->stage, 0);
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
	replay_free(desk->replay);
	desk->replay = NULL;
	stage_wake(desk->stage, LOOK_US);
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
		stage_redraw(desk->stage);
	else if (action == ACTION_SUSPEND)
		stage_suspend(desk->stage);
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
		stage_suspend(desk->stage);
	if (review->redraw)
		stage_redraw(desk->stage);
	desk->attach = review->attach;
	review->play = review->suspend = review->redraw = review->attach = false;
	stage_slow(desk->stage, review->slow);
	if (!review->leave)
		return;
	stage_slow(desk->stage, false);
	review_free(review);
	desk->review = NULL;
	desk->leave = !desk->list;
}

static void settle_list(struct desk *desk)
{
	struct review_list *list = desk->list;

	if (list->suspend)
		stage_suspend(desk->stage);
	if (list->redraw)
		stage_redraw(desk->stage);
	list->suspend = list->redraw = false;
	if (list->chosen)
		choose(desk);
	desk->leave = desk->leave || list->leave;
}

static void press(void *arg, const struct press *one, int64_t now_us)
{
	struct desk *desk = arg;

	if (desk->replay) {
		play_press(desk, one);
	} else if (desk->review) {
		review_press(desk->review, one, now_us);
		settle_review(desk);
	} else {
		review_list_press(desk->list, one);
		settle_list(desk);
	}
	/* A long search leaves the keyboard its turn. */
	if (desk->review && desk->review->finding != 0)
		stage_wake(desk->stage, 0);
}

static bool over(void *arg)
{
	const struct desk *desk = arg;

	return desk->leave || desk->attach;
}

/* From outside: Ctrl-C is a key, and nothing that is read here can be interrupted. */
static void interrupt(void *arg)
{
	(void)arg;
}

/* --- what changes by itself --- */

/* Whatever is read: whether a site is down now stands in the head. */
static bool look_at_sites(struct desk *desk)
{
	char **shown = desk->review ? &desk->review->down : &desk->list->down, *words;
	struct err ignored = { 0 };
	bool changed;

	(void)history_read(desk->history, desk->journal, true, 0, &ignored);
	words = down_now(history_sessions(desk->history), NULL, time_wall_us());
	changed = !str_is(words, *shown);
	if (changed)
		mem_set(shown, words);
	mem_free(words);
	return changed;
}

/* A session that runs is read on; the others do not change. */
static bool look(struct desk *desk)
{
	const struct review *review = desk->review;
	bool changed = look_at_sites(desk);

	if (!review || !review->running || review->dialog.use != USE_CLOSED)
		return changed;
	review_refresh(desk->review);
	return true;
}

static int64_t tick(void *arg, bool *changed)
{
	struct desk *desk = arg;

	*changed = true;
	if (desk->replay)
		return play(desk);
	if (desk->review && desk->review->finding != 0) {
		review_search(desk->review, time_mono_us());
		return desk->review->finding != 0 ? 0 : LOOK_US;
	}
	*changed = look(desk);
	return LOOK_US;
}

/* --- all of it --- */

static const struct stage_screen screen = {
	.name = "review",
	.hangup = VIEW_OK,
	.draw = paint,
	.press = press,
	.over = over,
	.tick = tick,
	.interrupt = interrupt,
};

/* The running session in its own view; afterwards we are back here. */
static void attach(struct desk *desk)
{
	struct view_options options = { .journal = desk->journal, .session = desk->review->timeline->session, .role = "navigator" };

	desk->attach = false;
	stage_close(desk->stage);
	(void)view_live(&options);
	desk->stage = stage_open(&desk->e);
	if (desk->stage)
		review_refresh(desk->review);
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
	desk.stage = stage_open(&e);
	if (!desk.stage) {
		close_desk(&desk);
		printf("bellbook: no full screen here, %s; this is the plain review.\n", e.text);
		fflush(stdout);
		return review_plain(options);
	}
	desk.history = history_new();
	if (keyfile_load(&e) < 0 && desk.review)
		review_notice(desk.review, e.text, time_mono_us());
	while (desk.stage && stage_run(desk.stage, &screen, &desk, &desk.e) && desk.attach)
		attach(&desk);
	stage_close(desk.stage);
	close_desk(&desk);
	return tell(&desk.e);
}
