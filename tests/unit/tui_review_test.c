/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Screens of the review as text, and playback, from events recorded in tests/screen/CASE.events, written into a journal first.
 * GENERATE=1 writes the goldens anew; look at the difference before you commit it.
 */
#include "journal_fixture.h"

#include "base/json.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/feed/feed.h"
#include "journal/model/timeline.h"
#include "tui/live/draw.h"
#include "tui/part/output.h"
#include "tui/review/replay.h"
#include "tui/review/review_int.h"
#include "tui/review/review_list.h"
#include "tui/review/review_work.h"
#include "tui_golden.h"

/* Recorded numbers may have gaps, a journal has none: what an event names is numbered anew with it. */
struct renumber {
	int64_t from[512], to[512];
	size_t n;
};

static const char *renumbered(struct renumber *map, struct arena *arena, const char *data)
{
	struct err e = { 0 };
	struct json *value = data && *data ? json_parse(data, strlen(data), &e) : NULL;
	int64_t seq = json_int(value, "seq", 0);
	char *text;

	for (size_t i = 0; seq && i < map->n; i++)
		if (map->from[i] == seq)
			json_set_int(value, "seq", map->to[i]);
	text = value ? json_print(value) : mem_strdup("{}");
	data = arena_dup(arena, text, strlen(text));
	mem_free(text);
	json_free(value);
	return data;
}

/* One more session of the recorded events; returns its number. */
static int64_t record(const char *journal, const char *name)
{
	char *path = mem_printf("tests/screen/%s.events", name), *lines;
	struct store *store = open_ok(journal, STORE_WRITE);
	struct renumber map = { .n = 0 };
	struct event *events = mem_array(512, sizeof(*events));
	struct arena *arena = arena_new();
	const struct json *reply;
	struct err e = { 0 };
	enum feed_item item;
	struct feed *feed;
	struct event ev;
	int64_t session, head = store_head(store, &e);
	size_t len = 0;

	lines = golden_read(path, &len);
	assert_non_null(lines);
	feed = feed_memory(lines, len);
	while ((item = feed_next(feed, &ev, &reply, &e)) == FEED_EVENT || item == FEED_REPLY) {
		if (item == FEED_REPLY)
			continue;
		assert_true(map.n < 512);
		map.from[map.n] = ev.seq;
		map.to[map.n] = head + 1 + (int64_t)map.n;
		event_copy(arena, &events[map.n], &ev);
		events[map.n].data = renumbered(&map, arena, ev.data);
		events[map.n].session = events[map.n].seq = 0;
		map.n++;
	}
	if (item != FEED_END)
		fail_msg("%s: %s", path, e.text);
	append_ok(store, events, map.n);
	session = events[0].session;
	mem_free(events);
	feed_close(feed);
	arena_free(arena);
	store_close(store);
	mem_free(lines);
	mem_free(path);
	return session;
}

static struct review *review_ok(const char *journal, int64_t session)
{
	struct err e = { 0 };
	struct review *review = review_new(journal, session, &e);

	if (!review)
		fail_msg("%s", e.text);
	return review;
}

static void press_all(struct review *review, const char *text)
{
	struct keys *keys = keys_new();
	struct press press;

	keys_feed(keys, text, strlen(text), 0);
	while (keys_next(keys, KEYS_ESC_US * 2, &press)) {
		review_press(review, &press, 0);
		while (review->finding != 0)	/* as the loop does between keys; on a slow machine more often */
			review_search(review, 0);
	}
	keys_free(keys);
}

struct screen_case {
	const char *events, *golden;
	int rows, cols;
	bool ascii;
	const char *keys;
};

static const struct screen_case cases[] = {
	{ "review", "review-80x24", 24, 80, false, "" },
	{ "review", "review-132x43", 43, 132, false, "]]]]]]]" },
	{ "review", "review-failure", 30, 100, false, "G[[" },
	{ "review", "review-wide-host", 24, 80, false, "/\xe5\x81\x9c\r" },
	{ "review", "review-ascii", 24, 80, true, "]" },
	{ "review", "review-60x20", 20, 60, false, "]" },
	{ "review", "review-40x12", 12, 40, false, "]" },
	{ "review", "review-filter", 30, 100, false, "f7" },
	{ "review", "review-everything", 30, 100, false, "fa\x1b\x1b" },
	{ "review", "review-found", 24, 80, false, "/refused\r" },
	{ "review", "review-raw", 24, 80, false, "/refused\ro" },
	{ "review", "review-help", 24, 80, false, "?failure" },
	{ "review", "review-pin", 24, 80, false, "/404\rm" },
	{ "review-down", "review-down-80x24", 24, 80, false, "" },
	{ "review-down", "review-down-132x43", 43, 132, false, "" },
	{ "failure", "review-forty", 24, 80, false, "G" },
	{ "failure", "review-forty-132x43", 43, 132, false, "G" },
};

/* A case and the journal it is drawn from. */
struct told {
	const struct screen_case *one;	/* NULL: all of them */
	struct place *place;
	int64_t walks[2], forty;
};

static int told_make(void **state)
{
	struct told *told = mem_alloc(sizeof(*told));
	void *place = NULL;

	told->one = *state;
	place_make(&place);
	told->place = place;
	told->walks[0] = record(told->place->path, "review");
	told->walks[1] = record(told->place->path, "review");
	told->forty = record(told->place->path, "failure");
	*state = told;
	return 0;
}

static int told_remove(void **state)
{
	struct told *told = *state;
	void *place = told->place;

	mem_free(told);
	return place_remove(&place);
}

/* Caller owns. */
static struct canvas *picture(const struct told *told, const struct screen_case *one)
{
	struct canvas *canvas = canvas_new(one->rows, one->cols, one->ascii);
	struct review *review = review_ok(told->place->path, str_is(one->events, "failure") ? told->forty : told->walks[one != &cases[0]]);

	if (str_is(one->events, "review-down"))
		mem_set(&review->down, "DOWN since 18:35 (session 201)");
	review_draw(review, canvas, 0);
	press_all(review, one->keys);
	review_draw(review, canvas, 0);
	review_free(review);
	return canvas;
}

static void review__is(void **state)
{
	const struct told *told = *state;
	struct canvas *canvas;

	if (OUTPUT_LINES < 1000)	/* MODE=tiny keeps too little for these pictures */
		skip();
	canvas = picture(told, told->one);
	golden_check(told->one->golden, canvas);
	if (golden_has_looks(told->one->golden))
		golden_check_looks(told->one->golden, canvas);
	canvas_free(canvas);
}

static void review__hints_are_as_recorded(void **state)
{
	struct golden_hints hints = { .count = 0 };

	if (OUTPUT_LINES < 1000)
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct canvas *canvas = picture(*state, &cases[i]);

		golden_hint(&hints, cases[i].golden, canvas);
		canvas_free(canvas);
	}
	golden_hints(&hints, "review");
}

/* Any size, in any state: no cell outside, wide characters whole. */
static void review__any_size_is_drawn(void **state)
{
	static const char *const keys[] = { "", "?", "f", "e", "i", "/x", "fa\x1b\x1bG", "\t", "o", "m" };
	struct place *place = *state;
	int64_t session = record(place->path, "review");

	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		struct review *review = review_ok(place->path, session);

		press_all(review, keys[k]);
		for (int cols = 1; cols < 140; cols += 23)
			for (int rows = 1; rows < 50; rows += 3) {
				struct canvas *canvas = canvas_new(rows, cols, cols % 2 == 0);

				review_draw(review, canvas, 0);
				for (int i = 0; i < rows * cols; i++) {
					uint32_t cp = canvas->cells[i].cp;

					assert_true(cp == 0 || utf8_width(cp) > 0);
					assert_true(cp != 0 || (i % cols > 0 && utf8_width(canvas->cells[i - 1].cp) == 2));
				}
				canvas_free(canvas);
			}
		review_free(review);
	}
}

/* A resize keeps what is picked in sight. */
static void review__resize_keeps_the_line_in_sight(void **state)
{
	struct place *place = *state;
	struct review *review = review_ok(place->path, record(place->path, "review"));
	static const int sizes[][2] = { { 43, 132 }, { 12, 40 }, { 24, 80 }, { 10, 41 }, { 60, 200 } };

	press_all(review, "G");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct canvas *canvas = canvas_new(sizes[i][0], sizes[i][1], false);

		review_draw(review, canvas, 0);
		assert_int_equal(review->at, (long)review->row_count - 1);
		assert_true(review->at >= review->top && review->at < review->top + review->page);
		canvas_free(canvas);
	}
	review_free(review);
}

static void review__jumps_and_search_land_on_their_line(void **state)
{
	struct place *place = *state;
	struct review *review = review_ok(place->path, record(place->path, "review"));

	press_all(review, "]");
	assert_string_equal(review_mark(review)->word, "PAUSE");
	press_all(review, "G[[");
	assert_string_equal(review_mark(review)->word, "FAIL");
	assert_string_equal(review_mark(review)->step, "smoke");
	pane_load(review, false);
	assert_true(review->pane.first_error >= 0);
	assert_non_null(strstr(review->pane.lines[review->pane.first_error].text, "404"));
	press_all(review, "g/CHECKPOINTS\r");
	assert_string_equal(review_mark(review)->step, "copy");
	assert_true(review->in_pane);
	assert_non_null(strstr(review->pane.lines[review->pane.at].text, "too frequently"));
	press_all(review, "n");
	assert_non_null(review->notice);
	press_all(review, "q/nowhere\r");
	assert_string_equal(review_mark(review)->step, "copy");
	review_free(review);
}

/* No key alone changes the journal; a note is written from its field, and the digest of what was there stays. */
static void review__single_keys_write_nothing(void **state)
{
	struct place *place = *state;
	struct review *review = review_ok(place->path, record(place->path, "review"));
	struct verify_report before = { 0 }, after = { 0 };
	struct err e = { 0 };

	assert_int_equal(store_verify(place->path, &before, &e), 0);
	for (int c = 1; c < 256; c++) {
		char keys[2] = { (char)c, '\0' };

		press_all(review, keys);
		press_all(review, "\x1b");
	}
	review_free(review);
	assert_int_equal(store_verify(place->path, &after, &e), 0);
	assert_string_equal(before.head, after.head);
}

static void review__notes_and_pins_are_written_at_the_end(void **state)
{
	struct place *place = *state;
	struct review *review = review_ok(place->path, record(place->path, "review"));
	size_t rows = review->row_count;
	int64_t events = review->timeline->last_seq;

	press_all(review, "G[[" "iit was the bucket\r");
	assert_int_equal(review->row_count, rows + 1);
	assert_string_equal(review_mark(review)->word, "FAIL");
	press_all(review, "/404\r" "m\r");
	assert_int_equal(review->dialog.use, USE_CLOSED);
	assert_int_equal(review->row_count, rows + 2);
	verify_ok(place->path, events + 2);
	for (size_t i = 1; i < review->row_count; i++) {
		const struct mark *mark = review_row(review, i);

		if (!str_is(mark->word, "PIN"))
			continue;
		assert_non_null(strstr(mark->text, "404"));
		assert_string_equal(mark->step, "smoke");
		assert_true(mark->order < events && mark->seq == events + 2);
		assert_string_equal(review_row(review, i - 1)->word, "FAIL");
	}
	review_free(review);
}

/* An error that was there before is found with what was decided then. */
static void review__same_error_elsewhere_is_told(void **state)
{
	struct place *place = *state;
	int64_t first = record(place->path, "review");
	struct review *review = review_ok(place->path, record(place->path, "review"));

	press_all(review, "G[[s");
	assert_int_equal(review->dialog.use, REVIEW_TEXT);
	assert_int_equal(first, 1);
	assert_non_null(strstr(review->dialog.text, "#1  2026-11-21 18:50 UTC  smoke on app1"));
	assert_non_null(strstr(review->dialog.text, "upstream: connection refused"));
	assert_non_null(strstr(review->dialog.text, "gov noted: images return 404, pages are fine"));
	press_all(review, "qGs");
	assert_int_equal(review->dialog.use, USE_CLOSED);
	assert_non_null(review->notice);
	review_free(review);
}

/* Whatever a server, a runbook or another person wrote, no control character comes to the terminal. */
static void review__hostile_text_is_shown_harmless(void **state)
{
	static const char evil[] = "\033]0;owned\a\033[2J\xe2\x80\xae \xff";
	struct place *place = *state;
	struct store *store = open_ok(place->path, STORE_WRITE);
	char *bad = mem_printf("%s", "{\"runbook\":{\"id\":\"\\u001b[2J\",\"title\":\"\\u001b]0;x\\u0007\"},\"steps\":[{\"id\":\"a\",\"kind\":\"change\",\"title\":\"\\u001b[31m\"}]}");
	struct event events[] = {
		{ .kind = EVENT_SESSION_OPENED, .who = "e\033[2Jvil", .data = bad },
		{ .kind = EVENT_STEP_BEGUN, .who = "bellbook", .step = "a", .attempt = 1, .data = "{}" },
		{ .kind = EVENT_CALL_BEGUN, .who = "bellbook", .step = "a", .attempt = 1, .call = "1", .host = "h\033[2J", .data = "{\"action\":\"ssh.run\",\"shown\":\"\\u001b[2J\"}" },
		{ .kind = EVENT_CALL_OUTPUT, .who = "bellbook", .step = "a", .attempt = 1, .call = "1", .host = "h", .data = "{\"stream\":\"err\"}", .bytes = evil, .len = sizeof(evil) - 1 },
		{ .kind = EVENT_CALL_ENDED, .who = "bellbook", .step = "a", .attempt = 1, .call = "1", .data = "{\"outcome\":\"failed\",\"exit\":1,\"error\":\"\\u001b[2J\"}" },
		{ .kind = EVENT_STEP_ENDED, .who = "bellbook", .step = "a", .attempt = 1, .data = "{\"state\":\"failed\",\"reason\":\"\\u001b[2J\"}" },
		{ .kind = EVENT_NOTE, .who = "e\033[2Jvil", .bytes = evil, .len = sizeof(evil) - 1 },
		{ .kind = EVENT_SESSION_CLOSED, .who = "bellbook", .data = "{\"outcome\":\"\\u001b[2J\"}" },
	};
	static const char *const keys[] = { "", "fa\x1b\x1bG", "[", "gjj\t", "o", "d", "e" };
	struct canvas *canvas = canvas_new(43, 132, false);

	append_ok(store, events, sizeof(events) / sizeof(events[0]));
	store_close(store);
	mem_free(bad);
	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		struct review *review = review_ok(place->path, 1);

		press_all(review, keys[k]);
		for (size_t at = 0; at < review->row_count; at++) {
			review_pick(review, (long)at);
			review_draw(review, canvas, 0);
			for (int i = 0; i < canvas->rows * canvas->cols; i++)
				assert_true(canvas->cells[i].cp == 0 || utf8_width(canvas->cells[i].cp) > 0);
		}
		review_free(review);
	}
	canvas_free(canvas);
}

static void review__diff_with_the_run_before(void **state)
{
	struct place *place = *state;
	struct review *review;

	record(place->path, "review");
	review = review_ok(place->path, record(place->path, "review"));
	press_all(review, "d");
	assert_int_equal(review->dialog.use, REVIEW_DIFF);
	assert_string_equal(review->dialog.edit.text, "1");
	press_all(review, "7\r");
	assert_non_null(review->dialog.error);
	press_all(review, "\x7f\r");
	assert_int_equal(review->dialog.use, REVIEW_TEXT);
	assert_true(strlen(review->dialog.text) > 0);
	press_all(review, "q");
	assert_int_equal(review->dialog.use, USE_CLOSED);
	review_free(review);
}

/* --- playback --- */

struct recording {
	const char *journal;
	int64_t session;
};

static struct feed *open_recording(void *arg, struct err *e)
{
	const struct recording *recording = arg;

	return feed_stored(recording->journal, recording->session, recording->session - 1, e);
}

static int64_t end_of(const struct recording *recording)
{
	struct review *review = review_ok(recording->journal, recording->session);
	int64_t end_us = review->timeline->end_us;

	review_free(review);
	return end_us;
}

static struct replay *replay_ok(struct recording *recording)
{
	struct err e = { 0 };
	struct replay *replay = replay_new((struct replay_source){ open_recording, recording }, end_of(recording), &e);

	if (!replay)
		fail_msg("%s", e.text);
	return replay;
}

/* The live view's last frame, from what the session sends: hello, each event as it happened, and who is here as the session tells it. */
static struct canvas *live_last(struct recording *recording, int rows, int cols)
{
	struct scene *scene = scene_new();
	struct ui *ui = ui_new();
	struct canvas *canvas = canvas_new(rows, cols, false);
	static const char hello[] = "{\"hello\":{\"head\":0,\"role\":\"driver\",\"session\":1,\"uid\":1001,\"v\":1,\"who\":\"ruud\"}}";
	static const char both[] = "{\"presence\":[{\"who\":\"jello\",\"role\":\"navigator\"},{\"who\":\"ruud\",\"role\":\"driver\"}]}";
	static const char one[] = "{\"presence\":[{\"who\":\"ruud\",\"role\":\"driver\"}]}";
	struct err e = { 0 };
	struct json *reply = json_parse(hello, sizeof(hello) - 1, &e);
	struct feed *feed = open_recording(recording, &e);
	const struct json *ignored;
	struct event ev;

	scene_reply(scene, reply);
	json_free(reply);
	while (feed_next(feed, &ev, &ignored, &e) == FEED_EVENT) {
		scene_is_news(scene, &ev);
		scene_event(scene, &ev);
		ui_update(ui, scene, ev.at_us);
		if (ev.kind == EVENT_JOINED || ev.kind == EVENT_LEFT) {
			bool alone = ev.kind == EVENT_LEFT || str_is(ev.who, "ruud");

			reply = json_parse(alone ? one : both, alone ? sizeof(one) - 1 : sizeof(both) - 1, &e);
			scene_reply(scene, reply);
			json_free(reply);
		}
		draw(scene, ui, canvas, ev.at_us, ev.at_us);
		if (ev.kind == EVENT_SESSION_CLOSED)	/* the session's process ends here, and the view with it */
			break;
	}
	feed_close(feed);
	ui_free(ui);
	scene_free(scene);
	return canvas;
}

static bool same_cell(const struct cell *a, const struct cell *b)
{
	return a->cp == b->cp && a->role == b->role && a->fg == b->fg && a->bg == b->bg && a->attrs == b->attrs
		&& memcmp(a->combining, b->combining, sizeof(a->combining)) == 0;
}

/* Every cell but those of the last row, which tells where the recording is. */
static void assert_same_screen(const struct canvas *a, const struct canvas *b)
{
	struct buf one = { 0 }, two = { 0 };

	assert_int_equal(a->rows, b->rows);
	assert_int_equal(a->cols, b->cols);
	canvas_dump(a, &one);
	canvas_dump(b, &two);
	for (int i = 0; i < (a->rows - 1) * a->cols; i++)
		if (!same_cell(&a->cells[i], &b->cells[i]))
			fail_msg("row %d, column %d differ:\n%s\nand\n%s", i / a->cols, i % a->cols, buf_text(&one), buf_text(&two));
	buf_done(&one);
	buf_done(&two);
}

static void wind(struct replay *replay)
{
	while (replay_work(replay, 7))
		;
}

static void replay__ends_with_the_live_views_last_screen(void **state)
{
	static const int sizes[][2] = { { 24, 80 }, { 43, 132 }, { 20, 60 } };
	struct place *place = *state;
	struct recording recording = { place->path, record(place->path, "review") };
	struct store *store;

	store = open_ok(place->path, STORE_WRITE);
	note_ok(store, recording.session, "written afterwards: on nobody's screen");
	store_close(store);
	for (size_t i = 0; i < 3; i++) {
		struct replay *replay = replay_ok(&recording);
		struct canvas *live = live_last(&recording, sizes[i][0], sizes[i][1]);
		struct canvas *played = canvas_new(sizes[i][0], sizes[i][1], false);

		replay_seek(replay, INT64_MAX);
		wind(replay);
		replay_draw(replay, played);
		assert_false(replay->has_next);
		assert_same_screen(live, played);
		canvas_free(live);
		canvas_free(played);
		replay_free(replay);
	}
}

/* Played through at x100, frame by frame, it comes to the same screen as wound to its end; so it does after going back. */
static void replay__playing_winding_and_going_back_agree(void **state)
{
	struct place *place = *state;
	struct recording recording = { place->path, record(place->path, "review") };
	struct replay *played = replay_ok(&recording), *wound = replay_ok(&recording);
	struct canvas *a = canvas_new(24, 80, false), *b = canvas_new(24, 80, false);
	int64_t middle = (wound->first_us + wound->last_us) / 2;
	int frames = 0;

	for (int i = 0; i < 9; i++)
		replay_speed(played, 1);
	assert_int_equal(played->speed, 100);
	played->playing = true;
	while (played->playing && frames < 100000) {
		replay_pass(played, TIME_SECOND / 10);
		wind(played);
		replay_draw(played, a);
		assert_int_equal(played->ui->intent_count, 0);
		frames++;
	}
	assert_in_range(frames, 50, 400);	/* 1702 s at x100 with idle time cut to a second */
	assert_int_equal(played->at_us, played->last_us);
	replay_seek(wound, wound->last_us);
	wind(wound);
	replay_draw(wound, b);
	assert_same_screen(a, b);
	replay_seek(wound, middle);
	wind(wound);
	assert_int_equal(wound->at_us, middle);
	assert_int_equal(wound->scene->model->state, SESSION_RUNNING);
	replay_seek(played, middle);
	wind(played);
	replay_draw(played, a);
	replay_draw(wound, b);
	assert_same_screen(a, b);
	canvas_free(a);
	canvas_free(b);
	replay_free(played);
	replay_free(wound);
}

/* A shell by hand comes up in playback as it did live; what the live view would answer its programs goes nowhere. */
static void replay__shows_a_shell_and_sends_nothing(void **state)
{
	struct place *place = *state;
	struct recording recording = { place->path, record(place->path, "shell") };
	struct replay *replay = replay_ok(&recording);
	struct canvas *canvas = canvas_new(24, 80, false);

	replay_seek(replay, replay->last_us);
	wind(replay);
	assert_non_null(replay->scene->vt);
	for (int i = 0; i < 3; i++) {
		replay_draw(replay, canvas);
		assert_int_equal(replay->ui->intent_count, 0);
	}
	canvas_free(canvas);
	replay_free(replay);
}

static void replay__idle_time_is_cut_only_when_asked(void **state)
{
	struct place *place = *state;
	struct recording recording = { place->path, record(place->path, "review") };
	struct replay *replay = replay_ok(&recording);

	/* A pause of 230 s; the next event is the first behind it. */
	replay_seek(replay, replay->first_us + 101 * TIME_SECOND);
	wind(replay);
	replay->playing = true;
	replay_pass(replay, TIME_SECOND / 2);
	wind(replay);
	assert_int_equal(replay->at_us, replay->first_us + 329 * TIME_SECOND + TIME_SECOND / 2);
	replay->cut = false;
	replay_seek(replay, replay->first_us + 101 * TIME_SECOND);
	wind(replay);
	replay_pass(replay, TIME_SECOND / 2);
	wind(replay);
	assert_int_equal(replay->at_us, replay->first_us + 101 * TIME_SECOND + TIME_SECOND / 2);
	replay_free(replay);
}

/* --- the list --- */

static void list__filter_looks_at_everything_that_is_known(void **state)
{
	struct listed row = {
		.session = 42, .opened_us = 1763751127000000LL, .last_us = 1763751127000000LL, .runbook = mem_strdup("es-reindex"), .title = mem_strdup("Rebuild"),
		.who = mem_strdup("ruud"), .state = mem_strdup("ok"), .people = mem_strdup("ruud jello"), .hosts = mem_strdup("db1 app1"),
		.words = mem_strdup("#42 es-reindex Rebuild ok ruud ruud jello db1 app1 2025-11-21"),
	};
	static const struct { const char *filter; bool passes; } all[] = {
		{ "", true }, { "  ", true }, { "REBUILD jello", true }, { "rebuild gov", false }, { "#42", true }, { "host:db1", true }, { "host:db2", false },
		{ "who:jello", true }, { "person:gov", false }, { "runbook:es", true }, { "runbook:upgrade", false }, { "failed", false }, { "open", false },
		{ "after:2025-11-21", true }, { "after:2025-11-22", false }, { "before:2025-11-22", true }, { "before:2025-11-21", false },
		{ "after:20", true }, { "2025-11", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (review_list_passes(&row, all[i].filter) != all[i].passes)
			fail_msg("%s", all[i].filter);
	row.failed = row.open = true;
	assert_true(review_list_passes(&row, "failed open"));
	mem_free(row.runbook);
	mem_free(row.title);
	mem_free(row.who);
	mem_free(row.state);
	mem_free(row.people);
	mem_free(row.hosts);
	mem_free(row.words);
}

static void list_press(struct review_list *list, const char *text)
{
	struct keys *keys = keys_new();
	struct press press;

	keys_feed(keys, text, strlen(text), 0);
	while (keys_next(keys, KEYS_ESC_US * 2, &press))
		review_list_press(list, &press);
	keys_free(keys);
}

static void list__is_filtered_by_typing_and_chosen_from(void **state)
{
	struct place *place = *state;
	struct err e = { 0 };
	struct review_list *list;
	struct canvas *canvas = canvas_new(24, 80, false);
	int64_t walk = record(place->path, "review");

	record(place->path, "failure");
	list = review_list_new(place->path, NULL, &e);
	if (!list)
		fail_msg("%s", e.text);
	assert_int_equal(list->shown_count, 2);
	list_press(list, "host:ns1");
	review_list_draw(list, canvas);
	assert_int_equal(list->shown_count, 1);
	list_press(list, "\r");
	assert_int_equal(list->chosen, walk);
	list_press(list, "\x1b");
	assert_int_equal(list->shown_count, 2);
	assert_false(list->leave);
	list_press(list, "\x1b");
	assert_true(list->leave);
	canvas_free(canvas);
	review_list_free(list);
}

static const struct screen_case lists[] = {
	{ NULL, "sessions-80x24", 24, 80, false, "" }, { NULL, "sessions-132x43", 43, 132, false, "\033[B" },
	{ NULL, "sessions-filtered", 24, 80, false, "failed host:db" }, { NULL, "sessions-help", 24, 80, false, "?" },
};

static int listed_make(void **state)
{
	struct told *told = mem_alloc(sizeof(*told));
	void *place = NULL;

	told->one = *state;
	place_make(&place);
	told->place = place;
	record(told->place->path, "review");
	record(told->place->path, "failure");
	record(told->place->path, "review");
	*state = told;
	return 0;
}

/* Caller owns. */
static struct canvas *list_picture(const struct told *told, const struct screen_case *one)
{
	struct canvas *canvas = canvas_new(one->rows, one->cols, false);
	struct review_list *list;
	struct err e = { 0 };

	list = review_list_new(told->place->path, NULL, &e);
	if (!list)
		fail_msg("%s", e.text);
	mem_set(&list->journal, "/home/ruud/.local/state/bellbook/journal.db");
	review_list_draw(list, canvas);
	list_press(list, one->keys);
	review_list_draw(list, canvas);
	review_list_free(list);
	return canvas;
}

static void list__is(void **state)
{
	const struct told *told = *state;
	struct canvas *canvas = list_picture(told, told->one);

	golden_check(told->one->golden, canvas);
	if (golden_has_looks(told->one->golden))
		golden_check_looks(told->one->golden, canvas);
	canvas_free(canvas);
}

static void list__hints_are_as_recorded(void **state)
{
	struct golden_hints hints = { .count = 0 };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct canvas *canvas = list_picture(*state, &lists[i]);

		golden_hint(&hints, lists[i].golden, canvas);
		canvas_free(canvas);
	}
	golden_hints(&hints, "sessions");
}

int main(void)
{
	static struct golden_tests all;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(review__hints_are_as_recorded, told_make, told_remove),
		cmocka_unit_test_setup_teardown(review__any_size_is_drawn, place_make, place_remove),
		cmocka_unit_test_setup_teardown(review__resize_keeps_the_line_in_sight, place_make, place_remove),
		cmocka_unit_test_setup_teardown(review__jumps_and_search_land_on_their_line, place_make, place_remove),
		cmocka_unit_test_setup_teardown(review__single_keys_write_nothing, place_make, place_remove),
		cmocka_unit_test_setup_teardown(review__notes_and_pins_are_written_at_the_end, place_make, place_remove),
		cmocka_unit_test_setup_teardown(review__same_error_elsewhere_is_told, place_make, place_remove),
		cmocka_unit_test_setup_teardown(review__hostile_text_is_shown_harmless, place_make, place_remove),
		cmocka_unit_test_setup_teardown(review__diff_with_the_run_before, place_make, place_remove),
		cmocka_unit_test_setup_teardown(replay__ends_with_the_live_views_last_screen, place_make, place_remove),
		cmocka_unit_test_setup_teardown(replay__playing_winding_and_going_back_agree, place_make, place_remove),
		cmocka_unit_test_setup_teardown(replay__shows_a_shell_and_sends_nothing, place_make, place_remove),
		cmocka_unit_test_setup_teardown(replay__idle_time_is_cut_only_when_asked, place_make, place_remove),
		cmocka_unit_test_setup_teardown(list__hints_are_as_recorded, listed_make, told_remove),
		cmocka_unit_test(list__filter_looks_at_everything_that_is_known),
		cmocka_unit_test_setup_teardown(list__is_filtered_by_typing_and_chosen_from, place_make, place_remove),
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		golden_tests_case(&all, "review", cases[i].golden, (struct CMUnitTest){ .test_func = review__is,
			.setup_func = told_make, .teardown_func = told_remove, .initial_state = golden_state(&cases[i]) });
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		golden_tests_case(&all, "list", lists[i].golden, (struct CMUnitTest){ .test_func = list__is,
			.setup_func = listed_make, .teardown_func = told_remove, .initial_state = golden_state(&lists[i]) });
	return golden_tests_run(&all, tests, sizeof(tests) / sizeof(tests[0]));
}
