/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/review/replay.h"

#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "base/utf8.h"
#include "tui/live/draw.h"

/* --- events --- */

/* The walk ends where it was closed: a note written afterwards was on nobody's screen. */
static bool is_after(const struct replay *replay, const struct event *ev)
{
	return replay->scene->model->state == SESSION_CLOSED && ev->kind != EVENT_SESSION_RESUMED;
}

static void fetch(struct replay *replay)
{
	const struct json *reply = NULL;
	struct err e = { 0 };
	struct event ev;
	enum feed_item item;

	replay->has_next = false;
	if (replay->ended)
		return;
	do
		item = feed_next(replay->feed, &ev, &reply, &e);
	while (item == FEED_REPLY);
	if (item == FEED_ERROR) {
		struct buf safe = { 0 };

		utf8_safe(&safe, e.text, strlen(e.text), false);
		mem_free(replay->damage);
		replay->damage = buf_take(&safe);
	}
	if (item != FEED_EVENT || is_after(replay, &ev)) {
		replay->ended = true;
		return;
	}
	arena_reset(replay->arena);
	event_copy(replay->arena, &replay->next, &ev);
	replay->next_us = ev.at_us > replay->next_us ? ev.at_us : replay->next_us;
	replay->has_next = true;
}

/* The one who opened the session is who sees: questions stand on the screen as they stood on that one's. */
static void greet(struct replay *replay)
{
	struct json *reply = json_new_object(), *hello = json_new_object();

	json_set_text(hello, "who", replay->next.who);
	json_set_text(hello, "role", "driver");
	json_set_int(hello, "head", 0);
	json_put(reply, "hello", hello);
	scene_reply(replay->scene, reply);
	json_free(reply);
}

/* The session tells its views who is here, the newest first; when it closes, those who were stay on the screen. */
static void keep_people(struct replay *replay)
{
	const struct model *model = replay->scene->model;
	struct json *reply = json_new_object(), *list = json_new_array();

	for (size_t i = model->people_count; i-- > 0;) {
		struct json *one = json_new_object();

		json_set_text(one, "who", model->people[i].who);
		json_set_text(one, "role", model->people[i].role);
		json_add(list, one);
	}
	json_put(reply, "presence", list);
	scene_reply(replay->scene, reply);
	json_free(reply);
}

static void forget_people(struct replay *replay)
{
	json_free(replay->scene->presence);
	replay->scene->presence = NULL;
}

/* What a live view would send by itself (the size of a shell's terminal, say) goes nowhere: there is nobody to send it to. */
static void drop_intents(struct replay *replay)
{
	struct json *intent;

	while ((intent = ui_intent(replay->ui)) != NULL)
		json_free(intent);
}

static void apply(struct replay *replay)
{
	const struct event *ev = &replay->next;

	if (ev->kind == EVENT_SESSION_OPENED)
		greet(replay);
	else if (ev->kind == EVENT_SESSION_RESUMED)
		forget_people(replay);
	scene_is_news(replay->scene, ev);
	scene_event(replay->scene, ev);
	if (ev->kind == EVENT_JOINED || ev->kind == EVENT_LEFT || ev->kind == EVENT_WHEEL_PASSED)
		keep_people(replay);
	replay->at_us = replay->next_us > replay->at_us ? replay->next_us : replay->at_us;
	ui_update(replay->ui, replay->scene, replay->at_us);
	drop_intents(replay);
	fetch(replay);
}

/* --- opening and winding --- */

static int begin(struct replay *replay, struct err *e)
{
	struct feed *feed = replay->source.open(replay->source.arg, e);
	bool raw = replay->ui && replay->ui->raw;

	if (!feed)
		return -1;
	feed_close(replay->feed);
	scene_free(replay->scene);
	ui_free(replay->ui);
	replay->feed = feed;
	replay->scene = scene_new();
	replay->ui = ui_new();
	replay->ui->raw = raw;
	replay->ended = false;
	replay->next_us = 0;
	fetch(replay);
	replay->at_us = replay->first_us = replay->next_us;
	return 0;
}

struct replay *replay_new(struct replay_source source, int64_t last_us, struct err *e)
{
	struct replay *replay = mem_alloc(sizeof(*replay));

	replay->source = source;
	replay->arena = arena_new();
	replay->speed = 1;
	replay->cut = true;
	replay->target_us = -1;
	if (begin(replay, e) < 0) {
		replay_free(replay);
		return NULL;
	}
	replay->last_us = last_us > replay->first_us ? last_us : replay->first_us;
	return replay;
}

void replay_free(struct replay *replay)
{
	if (!replay)
		return;
	feed_close(replay->feed);
	arena_free(replay->arena);
	scene_free(replay->scene);
	ui_free(replay->ui);
	mem_free(replay->damage);
	mem_free(replay);
}

void replay_seek(struct replay *replay, int64_t at_us)
{
	struct err e = { 0 };

	at_us = at_us > replay->last_us ? replay->last_us : at_us < replay->first_us ? replay->first_us : at_us;
	if (at_us < replay->at_us && begin(replay, &e) < 0) {
		struct buf safe = { 0 };

		utf8_safe(&safe, e.text, strlen(e.text), false);
		mem_free(replay->damage);
		replay->damage = buf_take(&safe);
		return;
	}
	replay->target_us = at_us;
}

bool replay_work(struct replay *replay, int events)
{
	if (replay->target_us < 0)
		return false;
	while (replay->has_next && replay->next_us <= replay->target_us) {
		if (events-- <= 0)
			return true;
		apply(replay);
	}
	replay->at_us = replay->target_us > replay->at_us ? replay->target_us : replay->at_us;
	replay->target_us = -1;
	if (!replay->has_next) {
		replay->playing = false;
		replay->at_us = replay->at_us > replay->last_us ? replay->last_us : replay->at_us;
	}
	return false;
}

void replay_pass(struct replay *replay, int64_t real_us)
{
	int64_t from = replay->target_us > replay->at_us ? replay->target_us : replay->at_us, most;

	if (!replay->playing || real_us <= 0)
		return;
	most = TIME_SECOND * replay->speed;
	if (replay->cut && replay->has_next && replay->next_us - from > most)
		from = replay->next_us - most;
	if (!replay->has_next)
		from = replay->last_us;
	replay->target_us = from + real_us * replay->speed;
	/* What cannot be told as fast as it is played is told late, not left out. */
	if (replay->target_us > replay->last_us)
		replay->target_us = replay->last_us;
}

int64_t replay_wait(const struct replay *replay)
{
	if (replay->target_us >= 0)
		return 0;
	return replay->playing ? TIME_SECOND / 10 : -1;
}

void replay_speed(struct replay *replay, int by)
{
	static const int speeds[] = { 1, 2, 5, 10, 20, 50, 100 };
	const int count = (int)(sizeof(speeds) / sizeof(speeds[0]));
	int at = 0;

	while (at + 1 < count && speeds[at] < replay->speed)
		at++;
	at += by;
	replay->speed = speeds[at < 0 ? 0 : at >= count ? count - 1 : at];
}

/* --- the screen --- */

static void draw_bar(const struct replay *replay, struct canvas *canvas)
{
	int row = canvas->rows - 1, cols = canvas->cols, width, col;
	int64_t whole = replay->last_us - replay->first_us, done = replay->at_us - replay->first_us;
	const char *state = replay->target_us - replay->at_us > 5 * TIME_SECOND * replay->speed ? "WINDING" : replay->playing ? "PLAY" : !replay->has_next ? "END" : "PAUSED";
	char clock[TIME_TEXT];

	canvas_fill(canvas, (struct area){ row, 0, 1, cols }, ROLE_HEADER);
	col = 1 + canvas_printf(canvas, (struct area){ row, 1, 1, cols - 1 }, ROLE_HEADER, "%s x%d  %s UTC ", state, replay->speed,
		time_format_clock(replay->at_us, clock));
	width = cols - col - 54;
	if (width >= 10) {
		int full = whole > 0 ? (int)((double)done / (double)whole * (width - 2)) : width - 2;

		canvas_put(canvas, row, col, '[', ROLE_HEADER);
		for (int i = 0; i < width - 2; i++)
			canvas_put(canvas, row, col + 1 + i, i < full ? '#' : '-', ROLE_HEADER);
		canvas_put(canvas, row, col + width - 1, ']', ROLE_HEADER);
		col += width + 1;
	}
	canvas_printf(canvas, (struct area){ row, col, 1, cols - col }, ROLE_HEADER, "space %s  + - speed  [ ] step  c %s  q back",
		replay->playing ? "pause" : "play", replay->cut ? "no cut" : "cut idle");
}

void replay_draw(struct replay *replay, struct canvas *canvas)
{
	draw(replay->scene, replay->ui, canvas, replay->at_us, replay->at_us);
	draw_bar(replay, canvas);
	if (replay->damage && canvas->rows > 2) {
		struct area at = { canvas->rows - 2, 0, 1, canvas->cols };

		canvas_fill(canvas, at, ROLE_TEXT);
		canvas_printf(canvas, at, ROLE_FAIL, " The recording cannot be read on from here: %s", replay->damage);
	}
}
