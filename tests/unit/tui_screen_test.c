/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Screens of the live view as text, drawn from recorded events: tests/screen/CASE.events and CASE-WHAT.screen.
 * GENERATE=1 writes the goldens anew; look at the difference before you commit it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/feed/feed.h"
#include "tui/live/dialogs.h"
#include "tui/live/draw.h"
#include "tui/term/keys.h"
#include "tui/term/looks.h"
#include "tui_golden.h"

#define LATER ((int64_t)10000000)	/* behind every guard */

struct screen_case {
	const char *events, *golden;
	int rows, cols;
	bool ascii;
	const char *keys;
	int64_t presses_us;	/* when the keys come after the last event */
	bool looks;		/* also CASE.color and CASE.mono */
};

static const struct screen_case cases[] = {
	{ "copying", "copying-80x24", 24, 80, false, "", LATER, true },
	{ "copying", "copying-132x43", 43, 132, false, "", LATER, true },
	{ "copying", "copying-60x20", 20, 60, false, "", LATER, false },
	{ "copying", "copying-ascii", 24, 80, true, "", LATER, false },
	{ "copying", "copying-no-explanations", 24, 80, false, "v", LATER, false },
	{ "copying", "copying-raw", 24, 80, false, "o", LATER, false },
	{ "copying", "copying-help-whole", 24, 80, false, "?skipped or put", LATER, false },
	{ "copying", "copying-help", 30, 100, false, "?", LATER, false },
	{ "copying", "copying-80x24", 24, 80, false, "?q", LATER, false },
	{ "copying", "copying-stop", 24, 80, false, "X", LATER, false },
	{ "copying", "copying-stop-why", 24, 80, false, "X1\rwrong file", LATER, false },
	{ "copying", "copying-ctrl-c", 24, 80, false, "\003", LATER, false },
	{ "copying", "copying-found", 24, 80, false, "/PUBLIC\r", LATER, false },
	{ "copying", "copying-found-right", 24, 80, false, "/accounts_pkey\r", LATER, false },
	{ "copying", "copying-found-raw", 24, 60, false, "o/accounts_pkey\r", LATER, false },
	{ "copying", "copying-found-wrapped", 24, 80, false, "/public\rnnnnnn", LATER, false },
	{ "copying", "copying-found-before", 24, 80, false, "/public\rNN", LATER, false },
	{ "copying", "copying-found-not", 24, 80, false, "/zebra\r", LATER, false },
	{ "copying", "copying-scrolled", 24, 80, false, "k", LATER, false },
	{ "copying", "copying-too-small", 9, 39, false, "", LATER, false },
	{ "warned", "warned-80x24", 24, 80, false, "", LATER, true },
	{ "warned", "warned-132x43", 43, 132, false, "", LATER, true },
	{ "asked", "asked-80x24", 24, 80, false, "", LATER, true },
	{ "asked", "asked-132x43", 43, 132, false, "", LATER, true },
	{ "failure", "failure-80x24", 24, 80, false, "", LATER, true },
	{ "failure", "failure-132x43", 43, 132, false, "", LATER, true },
	{ "failure", "failure-picked", 24, 80, false, "j", LATER, false },
	{ "failure", "failure-no-choice-yet", 24, 80, false, "\r", LATER, false },
	{ "failure", "failure-too-soon", 24, 80, false, "j\r", 1000, false },
	{ "failure", "failure-why", 24, 80, false, "3\r", LATER, false },
	{ "failure", "failure-dismissed", 24, 80, false, "q", LATER, false },
	{ "back", "back-80x24", 24, 80, false, "6", LATER, false },
	{ "back", "back-132x43", 43, 132, false, "6", LATER, false },
	{ "ended", "ended-80x24", 24, 80, false, "", LATER, true },
	{ "ended", "ended-132x43", 43, 132, false, "", LATER, true },
	{ "ended", "ended-stray", 24, 80, false, "P", LATER, false },
	{ "failure", "failure-enter", 24, 80, false, "E", LATER, true },
	{ "failure", "failure-enter-132x43", 43, 132, false, "E\033[B", LATER, false },
	{ "failure", "failure-enter-none", 24, 80, false, "q:enter 3\r", LATER, false },
	{ "wide", "wide-80x24", 24, 80, false, "", LATER, true },
	{ "wide", "wide-ascii", 24, 80, true, "", LATER, false },
	{ "wide", "wide-raw", 24, 81, false, "o", LATER, false },
	{ "fanout", "fanout-80x24", 24, 80, false, "", LATER, true },
	{ "fanout", "fanout-132x43", 43, 132, false, "", LATER, true },
	{ "hosts", "hosts-80x24", 24, 80, false, "", LATER, true },
	{ "hosts", "hosts-132x43", 43, 132, false, "", LATER, true },
	{ "hosts", "hosts-240x67", 67, 240, false, "", LATER, false },
	{ "hosts-failed", "hosts-failed-80x24", 24, 80, false, "", LATER, true },
	{ "hosts-failed", "hosts-failed-132x43", 43, 132, false, "", LATER, true },
	{ "hosts-failed", "hosts-failed-dismissed", 43, 132, false, "q", LATER, false },
	{ "hosts", "hosts-slow", 24, 80, false, ":slow on\r", LATER, false },
	{ "hosts", "hosts-table", 24, 80, false, "t\033[B", LATER, true },
	{ "hosts", "hosts-picked", 24, 80, false, "t\033[B\r", LATER, false },
	{ "meter", "meter-80x24", 24, 80, false, "", LATER, true },
	{ "meter", "meter-132x43", 43, 132, false, "", LATER, false },
	{ "meter", "meter-ascii", 24, 100, true, "", LATER, false },
	{ "locked", "locked-80x24", 24, 80, false, "", LATER, true },
	{ "locked", "locked-132x43", 43, 132, false, "", LATER, false },
	{ "stalled", "stalled-80x24", 24, 80, false, "", LATER, false },
	{ "down", "down-80x24", 24, 80, false, "", LATER, true },
	{ "down", "down-132x43", 43, 132, false, "", LATER, true },
	{ "down", "down-begins", 24, 80, false, ":step 7\r", LATER, false },
	{ "refuses", "refuses-80x24", 24, 80, false, "", LATER, true },
	{ "refuses", "refuses-raw", 24, 80, false, "o", LATER, false },
	{ "copying", "copying-palette", 24, 80, false, ":", LATER, true },
	{ "copying", "copying-palette-typed", 24, 80, false, ":ste", LATER, false },
	{ "copying", "copying-palette-words", 24, 80, false, ":step co", LATER, false },
	{ "copying", "copying-help-filter", 24, 80, false, "?output", LATER, false },
	{ "copying", "copying-step-before", 24, 80, false, "[", LATER, true },
	{ "copying", "copying-step-after", 24, 80, false, ":step 16\r", LATER, false },
	{ "wide", "wide-132x43", 43, 132, false, "", LATER, true },
	{ "agree", "agree-80x24", 24, 80, false, "", LATER, true },
	{ "agree", "agree-80x24-rest", 24, 80, false, "\033[6~", LATER, false },
	{ "agree", "agree-132x43", 43, 132, false, "db2", LATER, true },
	{ "agree", "agree-132x43-ascii", 43, 132, true, "\t", LATER, false },
	{ "agree", "agree-disagree", 24, 80, false, "\t\r" "not yet", LATER, false },
	{ "waits", "waits-80x24", 24, 80, false, "", LATER, true },
	{ "waits", "waits-132x43", 43, 132, false, "", LATER, false },
	{ "silent", "silent-80x24", 24, 80, false, "", LATER, true },
	{ "silent", "silent-132x43", 43, 132, false, "", LATER, true },
	{ "halted", "halted-80x24", 24, 80, false, "", LATER, true },
	{ "halted", "halted-raw", 24, 80, false, "\033o", LATER, false },
	{ "manual", "manual-80x24", 24, 80, false, "", LATER, true },
	{ "manual", "manual-132x43", 43, 132, false, "", LATER, true },
	{ "manual", "manual-who", 24, 80, false, "2\r", LATER, false },
	{ "manual", "manual-judge", 24, 80, false, "3\r", LATER, false },
	{ "manual-waits", "manual-waits-80x24", 24, 80, false, "", LATER, true },
	{ "doubt", "doubt-80x24", 24, 80, false, "", LATER, true },
	{ "doubt", "doubt-132x43", 43, 132, false, "", LATER, true },
	{ "doubt", "doubt-paged", 24, 80, false, "\033[6~", LATER, false },
	{ "doubt", "doubt-no-choice-yet", 24, 80, false, "\r", LATER, false },
	{ "doubt", "doubt-rerun", 24, 80, false, "4", LATER, false },
	{ "doubt", "doubt-ran-why", 24, 80, false, "3\r", LATER, false },
	{ "result", "result-80x24", 24, 80, false, "", LATER, true },
	{ "result", "result-wrong", 24, 80, false, "-\r", LATER, false },
	{ "result-out", "result-out-80x24", 24, 80, false, "", LATER, false },
	{ "approval", "approval-80x24", 24, 80, false, "", LATER, true },
	{ "approval", "approval-132x43", 43, 132, false, "", LATER, true },
	{ "approval", "approval-wrong", 24, 80, false, "db1\r", LATER, false },
	{ "approval", "approval-100x30", 30, 100, false, "db2\r", LATER, false },
	{ "failure", "failure-40x10", 10, 40, false, "", LATER, false },
	{ "failure", "failure-40x10-more", 10, 40, false, "\033[6~", LATER, false },
	{ "approval", "approval-more", 12, 70, false, "", LATER, false },
	{ "approval", "approval-paged", 12, 70, false, "\033[6~", LATER, false },
	{ "failure", "failure-record", 24, 80, false, "r", LATER, false },
	{ "shell", "shell-80x24", 24, 80, false, "", LATER, true },
	{ "shell", "shell-132x43", 43, 132, false, "", LATER, false },
	{ "shell", "shell-ascii", 24, 80, true, "", LATER, false },
	{ "shell", "shell-small", 12, 60, false, "", LATER, false },
	{ "shell", "shell-menu", 24, 80, false, "\035", LATER, false },
	{ "shell", "shell-session", 24, 80, false, "\035s", LATER, false },
	{ "shell", "shell-back", 24, 80, false, "\035sq!", 2 * LATER, false },
	{ "shell-watched", "shell-watched-80x24", 24, 80, false, "x", LATER, false },
	{ "shell-watched", "shell-watched-132x43", 43, 132, false, "", LATER, true },
	{ "shell-watched", "shell-watched-session", 24, 80, false, "q", LATER, false },
	{ "shell-over", "shell-over-80x24", 24, 80, false, "", LATER, false },
	{ "shell-over", "shell-over-output", 24, 80, false, "q\t", LATER, false },
	{ "shell-over", "shell-where", 24, 80, false, "!", LATER, true },
	{ "shell-over", "shell-command", 24, 80, false, ":run app1,db2 systemctl is-active \"mastodon-*\"\r", LATER, false },
	{ "shell-over", "shell-nowhere", 24, 80, false, ":run uptime -p\r", LATER, false },
	{ "secret", "secret-80x24", 24, 80, false, "hunter2", LATER, true },
};

static void play_text(struct scene *scene, const char *lines, size_t len)
{
	struct feed *feed = feed_memory(lines, len);
	struct event ev;
	const struct json *reply;
	struct err e = { 0 };
	enum feed_item item;

	while ((item = feed_next(feed, &ev, &reply, &e)) == FEED_EVENT || item == FEED_REPLY) {
		if (item == FEED_REPLY)
			scene_reply(scene, reply);
		else
			scene_event(scene, &ev);
	}
	if (item != FEED_END)
		fail_msg("%s", e.text);
	feed_close(feed);
}

static void play(struct scene *scene, const char *name)
{
	char *path = mem_printf("tests/screen/%s.events", name);
	size_t len = 0;
	char *lines = golden_read(path, &len);

	assert_non_null(lines);
	play_text(scene, lines, len);
	mem_free(lines);
	mem_free(path);
}

static void press_all(struct ui *ui, const struct scene *scene, const char *text, int64_t now_us)
{
	struct keys *keys = keys_new();
	struct press press;

	keys_feed(keys, text, strlen(text), now_us);
	while (keys_next(keys, now_us, &press)) {
		ui_press(ui, scene, &press, now_us);
		ui_update(ui, scene, now_us);
	}
	keys_free(keys);
}

/* The picture after the case's events and keys. Caller owns both. */
static struct canvas *picture(const struct screen_case *one, struct ui **ui_out)
{
	struct canvas *canvas = canvas_new(one->rows, one->cols, one->ascii);
	struct scene *scene = scene_new();
	struct ui *ui = ui_new();
	int64_t now = 1000000, wall;

	play(scene, one->events);
	assert_true(scene->caught_up);
	wall = scene->model->last_us + 5 * TIME_SECOND;
	ui_update(ui, scene, now);
	if (scene->model->state == SESSION_CLOSED)
		dialogs_ending(ui, scene, scene->model->session);
	draw(scene, ui, canvas, wall, now);
	press_all(ui, scene, one->keys, now + one->presses_us);
	draw(scene, ui, canvas, wall, now + one->presses_us);
	scene_free(scene);
	*ui_out = ui;
	return canvas;
}

static void screen__is(void **state)
{
	const struct screen_case *one = *state;
	struct canvas *canvas;
	struct ui *ui;

	if (OUTPUT_LINES < 1000)	/* MODE=tiny keeps too little for these pictures */
		skip();
	canvas = picture(one, &ui);
	golden_check(one->golden, canvas);
	if (one->looks)
		golden_check_looks(one->golden, canvas);
	canvas_free(canvas);
	ui_free(ui);
}

static void screen__hints_are_as_recorded(void **state)
{
	struct golden_hints hints = { .count = 0 };

	(void)state;
	if (OUTPUT_LINES < 1000)
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ui *ui;
		struct canvas *canvas = picture(&cases[i], &ui);

		golden_hint(&hints, cases[i].golden, canvas);
		canvas_free(canvas);
		ui_free(ui);
	}
	golden_hints(&hints, "live");
}

/* A window that was large, tiny and large again shows what it always would have. */
static void screen__after_a_resize_is_as_if_it_had_always_been_so(void **state)
{
	static const char *const stories[] = { "copying", "failure", "hosts", "wide", "down", "approval" };
	static const int sizes[][2] = { { 43, 132 }, { 9, 39 }, { 67, 240 }, { 12, 70 }, { 24, 80 } };

	(void)state;
	if (OUTPUT_LINES < 1000)
		skip();
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		struct scene *scene = scene_new();
		struct ui *ui = ui_new();
		char *name = mem_printf("%s-80x24", stories[i]);
		size_t last = sizeof(sizes) / sizeof(sizes[0]) - 1;

		play(scene, stories[i]);
		ui_update(ui, scene, 1000000);
		for (size_t k = 0; k <= last; k++) {
			struct canvas *canvas = canvas_new(sizes[k][0], sizes[k][1], false);

			draw(scene, ui, canvas, scene->model->last_us + 5 * TIME_SECOND, 1000000 + LATER);
			if (k == last)
				golden_check(name, canvas);
			canvas_free(canvas);
		}
		mem_free(name);
		ui_free(ui);
		scene_free(scene);
	}
}

static void screen__has_no_control_characters_and_whole_wide_ones(void **state)
{
	(void)state;
	for (int cols = 1; cols < 140; cols += 7)
		for (int rows = 1; rows < 50; rows += 5) {
			struct screen_case one = { "wide", NULL, rows, cols, cols % 2 == 0, cols % 3 ? "" : "oX", LATER, false };
			struct ui *ui;
			struct canvas *canvas = picture(&one, &ui);

			for (int i = 0; i < rows * cols; i++) {
				uint32_t cp = canvas->cells[i].cp;

				assert_true(cp == 0 || utf8_width(cp) > 0);
				assert_true(!canvas->ascii || (cp >= 0x20 && cp < 0x7f));
				if (utf8_width(cp) == 2)
					assert_true(i % cols + 1 < cols && canvas->cells[i + 1].cp == 0);
				if (cp == 0)
					assert_true(i % cols > 0 && utf8_width(canvas->cells[i - 1].cp) == 2);
			}
			canvas_free(canvas);
			ui_free(ui);
		}
}

static void assert_sends(struct ui *ui, const char *text)
{
	struct json *intent = ui_intent(ui);
	char *print = json_print(intent);

	assert_string_equal(print, text);
	mem_free(print);
	json_free(intent);
}

static void screen__going_back_is_chosen_and_needs_a_reason(void **state)
{
	struct screen_case one = { "back", NULL, 24, 80, false, "6\r" "too little room\r", LATER, false };
	struct ui *ui;

	(void)state;
	canvas_free(picture(&one, &ui));
	assert_sends(ui, "{\"do\":\"answer\",\"seq\":51,\"value\":\"back\",\"why\":\"too little room\"}");
	ui_free(ui);
}

/* The key at the end of a session opens the way back, for who may go it; any other only closes. */
static void screen__the_end_leads_back_by_a_key(void **state)
{
	static const struct { const char *keys; bool goes; } all[] = { { "b", true }, { "q", false }, { "xb", true }, { "B", false } };
	struct screen_case one = { "ended", NULL, 24, 80, false, "", LATER, false };
	struct scene *scene = scene_new();
	struct ui *ui;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		one.keys = all[i].keys;
		canvas_free(picture(&one, &ui));
		assert_int_equal(ui->go_back, all[i].goes);
		assert_null(ui_intent(ui));
		ui_free(ui);
	}
	play(scene, "ended");
	mem_set(&scene->my_role, "observer");
	ui = ui_new();
	dialogs_ending(ui, scene, 1);
	press_all(ui, scene, "b", LATER);
	assert_false(ui->go_back);
	assert_int_equal(ui->dialog.kind, DIALOG_TEXT);
	ui_free(ui);
	scene_free(scene);
}

/* Nothing is left to be done there: each key that is not the box's says so, and it stays what it is. */
static void screen__the_end_takes_no_key_for_something_else(void **state)
{
	static const char *const keys[] = { "P", "X", "!", "s", "i", "r", "E", "T", "H", "?", ":", "o", "v", "/", "[", "=", "\t", "\033[D" };
	struct screen_case one = { "ended", NULL, 24, 80, false, "", LATER, false };
	struct ui *ui;

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		one.keys = keys[i];
		canvas_free(picture(&one, &ui));
		assert_int_equal(ui->dialog.kind, DIALOG_TEXT);
		assert_string_equal(ui->dialog.title, "THE SESSION IS OVER");
		assert_non_null(strstr(ui->dialog.error, "the session is over"));
		assert_false(ui->palette.is_open || ui->raw || ui->leave || ui->step);
		assert_null(ui_intent(ui));
		ui_free(ui);
	}
	/* It is left as everything is, and what it says can be taken along. */
	one.keys = "\003";
	canvas_free(picture(&one, &ui));
	assert_int_equal(ui->dialog.kind, DIALOG_NONE);
	ui_free(ui);
	one.keys = "y";
	canvas_free(picture(&one, &ui));
	assert_string_equal(ui->copy_name, "ending");
	assert_non_null(strstr(ui->copy, "Read it with: bellbook log 1"));
	ui_free(ui);
}

/* The copy key takes what the box in front is about: addresses whole and once, else the commands; without a box the output. */
static void screen__a_box_is_copied_by_its_addresses_or_commands(void **state)
{
	static const struct { const char *events, *keys, *name, *text; } all[] = {
		{ "warned", "y", "addresses", "https://github.com/mastodon/mastodon/releases/tag/v4.6.4\nhttps://github.com/mastodon/mastodon/releases/tag/v4.6.5\n" },
		{ "asked", "y", "commands", "cd /home/mastodon/live\nPGHOST=db1 pg_dump -Fc -f /var/backups/mastodon/before-4.6.5.dump.part\n" },
		{ "copying", "y", "output", NULL },
		/* Where a line is typed, y is a letter of it. */
		{ "approval", "yes\031", "commands", "sed -i 's/^DB_HOST=.*/DB_HOST=db2.internal/' /home/mastodon/live/.env.production\nsystemctl start mastodon-web mastodon-sidekiq mastodon-streaming\n" },
	};
	struct ui *ui;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct screen_case one = { all[i].events, NULL, 24, 80, false, all[i].keys, LATER, false };

		canvas_free(picture(&one, &ui));
		assert_string_equal(ui->copy_name, all[i].name);
		if (all[i].text)
			assert_string_equal(ui->copy, all[i].text);
		assert_null(ui_intent(ui));
		ui_free(ui);
	}
}

/* Two views of one account answer at once: the second is told whose answer counts, and no box of before comes back. */
static void screen__a_second_answer_is_told_of_the_first(void **state)
{
	static const char first[] = "{\"seq\":1000,\"session\":1,\"at\":\"2026-11-21T18:06:00.000000Z\",\"kind\":\"answered\",\"v\":1,\"who\":\"ruud\",\"data\":{\"seq\":51,\"value\":\"abort\"}}\n";
	static const char refused[] = "{\"refused\":{\"do\":\"answer\",\"seq\":51,\"why\":\"that question is not open\"}}";
	struct scene *scene = scene_new();
	struct ui *ui = ui_new();
	struct err e = { 0 };
	struct json *reply = json_parse(refused, sizeof(refused) - 1, &e);

	(void)state;
	play(scene, "failure");
	press_all(ui, scene, "i" "disk is full\r", LATER);
	json_free(ui_intent(ui));
	ui_update(ui, scene, LATER);
	press_all(ui, scene, "1\r", 2 * LATER);
	assert_sends(ui, "{\"do\":\"answer\",\"seq\":51,\"value\":\"retry\"}");
	play_text(scene, first, sizeof(first) - 1);
	ui_update(ui, scene, 2 * LATER);
	scene_reply(scene, reply);
	ui_reply(ui, scene, reply, 2 * LATER);
	ui_update(ui, scene, 2 * LATER);
	assert_int_equal(ui->dialog.kind, DIALOG_NONE);
	assert_string_equal(ui->notice, "Your answer came later and does not count. ruud answered question 51: abort. That was in another view of your account.");
	json_free(reply);
	ui_free(ui);
	scene_free(scene);
}

static void reply_is(struct ui *ui, struct scene *scene, const char *text)
{
	struct err e = { 0 };
	struct json *reply = json_parse(text, strlen(text), &e);

	scene_reply(scene, reply);
	ui_reply(ui, scene, reply, LATER);
	json_free(reply);
}

/* An answer that waits for the journal is not told as refused, and that there is room again is said. */
static void screen__an_answer_that_is_kept_is_not_refused(void **state)
{
	struct scene *scene = scene_new();
	struct ui *ui = ui_new();

	(void)state;
	play(scene, "failure");
	reply_is(ui, scene, "{\"halted\":{\"why\":\"the disk is full\"}}");
	reply_is(ui, scene, "{\"refused\":{\"do\":\"answer\",\"seq\":51,\"why\":\"Your answer is kept and counts as soon as the journal can be written\"}}");
	assert_string_equal(ui->notice, "Your answer is kept and counts as soon as the journal can be written.");
	reply_is(ui, scene, "{\"cleared\":{}}");
	assert_string_equal(ui->notice, "The journal can be written again, and it goes on.");
	reply_is(ui, scene, "{\"refused\":{\"do\":\"pause\",\"why\":\"only who drives does that\"}}");
	assert_string_equal(ui->notice, "Refused: only who drives does that");
	ui_free(ui);
	scene_free(scene);
}

#define RUNS(seq, at, effect, shown) "{\"seq\":" #seq ",\"session\":1,\"at\":\"" at "T18:05:00.000000Z\",\"kind\":\"call.begun\",\"v\":1,\"step\":\"s12\",\"attempt\":1,\"call\":\"" #seq "\"," \
	"\"host\":\"app1\",\"data\":{\"action\":\"ssh.read\",\"effect\":\"" effect "\",\"shown\":\"" shown "\"}}\n"
#define ENDS(seq, of, host) "{\"seq\":" #seq ",\"session\":1,\"at\":\"2026-11-21T18:06:00.000000Z\",\"kind\":\"call.ended\",\"v\":1,\"step\":\"s12\",\"attempt\":1,\"call\":\"" of "\"," \
	"\"host\":\"" host "\",\"data\":{\"outcome\":\"ok\",\"exit\":0}}\n"

/* What ends while the box stands is not stopped, and no number changes; a look that has only just begun is not listed. */
static void screen__what_can_be_stopped_stays_true(void **state)
{
	static const char more[] = RUNS(1000, "2026-11-21", "change", "cd live\\ntrue") RUNS(1001, "2099-11-21", "read", "cat x"), ends[] = ENDS(1002, "1", "db2"), ends_too[] = ENDS(1003, "1000", "app1");
	struct scene *scene = scene_new();
	struct ui *ui = ui_new();

	(void)state;
	play(scene, "copying");
	press_all(ui, scene, "X", LATER);
	assert_int_equal(ui->dialog.option_count, 3);
	play_text(scene, more, sizeof(more) - 1);
	ui_update(ui, scene, LATER);
	assert_int_equal(ui->dialog.option_count, 4);
	assert_string_equal(ui->dialog.options[3].label, "stop on app1: cd live (and 1 more line)");
	press_all(ui, scene, "1", LATER);
	play_text(scene, ends, sizeof(ends) - 1);
	ui_update(ui, scene, LATER);
	press_all(ui, scene, "\r", 2 * LATER);
	assert_true(str_starts(ui->dialog.options[0].label, "ended on db2: pg_restore"));
	assert_non_null(strstr(ui->dialog.error, "ended by itself"));
	press_all(ui, scene, "4\r" "no", 2 * LATER);
	assert_string_equal(ui->dialog.title, "STOP ON app1");
	assert_true(str_starts(ui->dialog.text, "$ cd live\ntrue\nWhy?"));
	play_text(scene, ends_too, sizeof(ends_too) - 1);
	ui_update(ui, scene, 2 * LATER);
	assert_int_equal(ui->dialog.kind, DIALOG_NONE);
	assert_non_null(strstr(ui->notice, "nothing was stopped, and what you typed was not sent"));
	assert_null(ui_intent(ui));
	ui_free(ui);
	scene_free(scene);
}

/* In a window that is too small for anything to be read nothing is answered, and q leaves as it says. */
static void screen__nothing_is_answered_that_cannot_be_read(void **state)
{
	struct screen_case one = { "failure", NULL, 9, 39, false, "1\rX1\rP1\r", LATER, false };
	struct ui *ui;

	(void)state;
	canvas_free(picture(&one, &ui));
	assert_null(ui_intent(ui));
	assert_int_equal(ui->dialog.pick, -1);
	assert_false(ui->leave);
	ui_free(ui);
	one.keys = "q";
	canvas_free(picture(&one, &ui));
	assert_true(ui->leave);
	ui_free(ui);
}

#define EV(seq, kind, more) "{\"seq\":" #seq ",\"session\":1,\"at\":\"2026-11-21T18:05:0" #seq ".000000Z\",\"kind\":\"" kind "\",\"v\":1,\"who\":\"bellbook\"," more "}\n"
#define OF(call) "\"step\":\"a\",\"attempt\":1,\"call\":\"" call "\",\"host\":\"app1\","

/* The build failed; looks that came behind it, to say why, ended with another status than 0, too. */
static void screen__a_failure_is_shown_by_what_changed_something(void **state)
{
	static const char lines[] = EV(1, "session.opened", "\"data\":{\"runbook\":{\"id\":\"r\",\"title\":\"R\"},\"steps\":[{\"id\":\"a\",\"kind\":\"change\",\"title\":\"A\"}]}")
		EV(2, "step.begun", "\"step\":\"a\",\"attempt\":1,\"data\":{}")
		EV(3, "call.begun", OF("1") "\"data\":{\"action\":\"ssh.job\",\"effect\":\"change\",\"shown\":\"build it\"}") EV(4, "call.ended", OF("1") "\"data\":{\"outcome\":\"ok\",\"exit\":1}")
		EV(5, "call.begun", OF("2") "\"data\":{\"action\":\"ssh.read\",\"effect\":\"read\",\"shown\":\"test it\"}") EV(6, "call.ended", OF("2") "\"data\":{\"outcome\":\"ok\",\"exit\":1}")
		EV(7, "step.ended", "\"step\":\"a\",\"attempt\":1,\"data\":{\"state\":\"failed\",\"reason\":\"no room\"}");
	struct scene *scene = scene_new();

	(void)state;
	play_text(scene, lines, sizeof(lines) - 1);
	assert_string_equal(scene_focus(scene)->shown, "build it");
	scene_free(scene);
}

static void screen__failure_is_answered_by_choice_and_reason(void **state)
{
	struct screen_case one = { "failure", NULL, 24, 80, false, "3\r" "not needed\r", LATER, false };
	struct ui *ui;

	(void)state;
	canvas_free(picture(&one, &ui));
	assert_sends(ui, "{\"do\":\"answer\",\"seq\":51,\"value\":\"skip\",\"why\":\"not needed\"}");
	ui_free(ui);
}

static void screen__a_step_by_hand_is_done_by_who_is_named(void **state)
{
	struct screen_case one = { "manual", NULL, 24, 80, false, "2\r" "ben\r", LATER, false };
	struct ui *ui;

	(void)state;
	canvas_free(picture(&one, &ui));
	assert_sends(ui, "{\"do\":\"answer\",\"owner\":\"ben\",\"seq\":38,\"value\":\"other\"}");
	ui_free(ui);
}

static void screen__enter_alone_never_answers_without_a_default(void **state)
{
	struct screen_case one = { "failure", NULL, 24, 80, false, "\r\r\r", LATER, false };
	struct ui *ui;

	(void)state;
	canvas_free(picture(&one, &ui));
	assert_null(ui_intent(ui));
	ui_free(ui);
}

/* A step's question, with the default that sessions of before gave it. */
#define STEP_ASKED "{\"seq\":%d,\"session\":1,\"at\":\"2026-11-21T18:05:00.000000Z\",\"kind\":\"asked\",\"v\":1,\"step\":\"s13\",\"who\":\"bellbook\"," \
	"\"data\":{\"of\":\"step\",\"text\":\"Run it?\",\"type\":\"choice\",\"default\":\"go\",\"choices\":[{\"value\":\"go\",\"label\":\"Run it\"},{\"value\":\"skip\",\"label\":\"Skip\"}]}}\n"

/* What is typed at a step's question; the intent it makes, NULL for none, and the notice or error. Caller owns. */
static char *typed_at_a_step(const char *keys, char **said)
{
	struct scene *scene = scene_new();
	struct ui *ui = ui_new();
	char *line = mem_printf(STEP_ASKED, 1000), *sent = NULL;
	struct json *intent;

	play(scene, "copying");
	play_text(scene, line, strlen(line));
	ui_update(ui, scene, 1000000);
	press_all(ui, scene, keys, 1000000 + LATER);
	intent = ui_intent(ui);
	if (intent)
		sent = json_print(intent);
	if (said)
		*said = mem_strdup(ui->dialog.error ? ui->dialog.error : ui->notice ? ui->notice : "");
	json_free(intent);
	mem_free(line);
	ui_free(ui);
	scene_free(scene);
	return sent;
}

static void screen__a_step_is_chosen_and_never_preselected(void **state)
{
	static const char *const nothing[] = { "\r", "\r\r\r", "df -h\r", "df -h\r\r", "1d\r", "j\177\r", "x1\r", "pwd; ls\r" };
	char *said, *sent;

	(void)state;
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
		sent = typed_at_a_step(nothing[i], NULL);
		if (sent && strstr(sent, "answer"))
			fail_msg("\"%s\" sends %s", nothing[i], sent);
		mem_free(sent);
	}
	sent = typed_at_a_step("d", &said);
	assert_null(sent);
	assert_non_null(strstr(said, "The key d does nothing here: choose with the arrows or a number, then Enter"));
	mem_free(said);
	sent = typed_at_a_step("1\r", NULL);
	assert_string_equal(sent, "{\"do\":\"answer\",\"seq\":1000,\"value\":\"go\"}");
	mem_free(sent);
}

/* Whoever opens a box by a key chooses in it all the same. */
static void screen__boxes_that_change_something_have_no_preselection(void **state)
{
	static const char *const keys[] = { "P\r", "T\r", ":pause\r\r" };

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct screen_case one = { "copying", NULL, 24, 80, false, keys[i], LATER, false };
		struct ui *ui;

		canvas_free(picture(&one, &ui));
		assert_null(ui_intent(ui));
		ui_free(ui);
	}
}

static void screen__a_text_is_scrolled_to_its_end_and_not_closed(void **state)
{
	struct screen_case one = { "failure", NULL, 24, 80, false, "r\033[H\033[F g", LATER, false };
	struct ui *ui;

	(void)state;
	canvas_free(picture(&one, &ui));
	assert_int_equal(ui->dialog.kind, DIALOG_TEXT);
	ui_free(ui);
	one.keys = "r\033[Fq";
	canvas_free(picture(&one, &ui));
	assert_int_equal(ui->dialog.kind, DIALOG_LIST);
	ui_free(ui);
}

static void screen__keys_in_the_first_moment_are_ignored(void **state)
{
	struct screen_case one = { "failure", NULL, 24, 80, false, "1\r", 299999, false };
	struct ui *ui;

	(void)state;
	canvas_free(picture(&one, &ui));
	assert_null(ui_intent(ui));
	ui_free(ui);
	one.presses_us = 300000;
	canvas_free(picture(&one, &ui));
	assert_sends(ui, "{\"do\":\"answer\",\"seq\":51,\"value\":\"retry\"}");
	ui_free(ui);
}

static void screen__stop_names_the_call_and_needs_a_reason(void **state)
{
	struct screen_case one = { "copying", NULL, 24, 80, false, "X1\r\r" "wrong file\r", LATER, false };
	struct ui *ui;

	(void)state;
	canvas_free(picture(&one, &ui));
	assert_sends(ui, "{\"call\":39,\"do\":\"cancel\",\"why\":\"wrong file\"}");
	assert_null(ui_intent(ui));
	ui_free(ui);
}

/* Any keys: nothing that changes the session is sent without a dialog and an Enter (or a typed reason). */
static void screen__single_keys_change_nothing(void **state)
{
	(void)state;
	for (int c = 1; c < 256; c++) {
		char keys[2] = { (char)c, '\0' };
		struct screen_case one = { c % 2 ? "failure" : "copying", NULL, 24, 80, false, keys, LATER, false };
		struct ui *ui;

		canvas_free(picture(&one, &ui));
		assert_null(ui_intent(ui));
		ui_free(ui);
	}
}

/* Where a text stands in the picture, as xterm reports a click there with this button. */
static char *mouse_on(const struct canvas *canvas, const char *text, int button)
{
	struct buf dump = { 0 };
	const char *found;
	int row = 1;
	char *report;

	canvas_dump(canvas, &dump);
	found = strstr(buf_text(&dump), text);
	assert_non_null(found);
	for (const char *at = buf_text(&dump); at < found; at++)
		row += *at == '\n';
	while (found > buf_text(&dump) && found[-1] != '\n')
		found--;
	report = mem_printf("\033[<%d;%d;%dM", button, utf8_columns(found, (size_t)(strstr(found, text) - found)) + 1, row);
	buf_done(&dump);
	return report;
}

static void press_on(struct scene *scene, struct ui *ui, struct canvas *canvas, const char *text, int button)
{
	char *report;

	draw(scene, ui, canvas, scene->model->last_us, LATER);
	report = mouse_on(canvas, text, button);
	press_all(ui, scene, report, LATER);
	mem_free(report);
}

/* The mouse does nothing until it is turned on; then a click selects, and the wheel scrolls, and neither confirms. */
static void screen__mouse_selects_and_never_confirms(void **state)
{
	struct canvas *canvas = canvas_new(24, 80, false);
	struct scene *scene = scene_new();
	struct ui *ui = ui_new();

	(void)state;
	play(scene, "failure");
	ui_update(ui, scene, 0);
	press_on(scene, ui, canvas, "3 skip", 0);
	assert_int_equal(ui->dialog.pick, -1);
	ui->mouse = true;
	for (int i = 0; i < 3; i++)
		press_on(scene, ui, canvas, "3 skip", 0);
	assert_int_equal(ui->dialog.pick, 2);
	assert_null(ui_intent(ui));
	press_all(ui, scene, "\033", LATER);
	press_all(ui, scene, "q", LATER);
	assert_int_equal(ui->dialog.kind, DIALOG_NONE);
	press_on(scene, ui, canvas, "last backup", 0);
	assert_string_equal(ui_step(ui, scene)->title, "last backup");
	press_all(ui, scene, "=", LATER);
	press_on(scene, ui, canvas, "pg_restore: creating INDEX", 64);
	assert_false(ui->follow);
	press_on(scene, ui, canvas, "pg_restore: creating INDEX", 65);
	assert_true(ui->follow);
	assert_null(ui_intent(ui));
	canvas_free(canvas);
	ui_free(ui);
	scene_free(scene);
}

/* A dialog of a question that somebody else answers closes, and says who it was. */
static void screen__answer_of_another_closes_the_dialog(void **state)
{
	static const char answered[] = "{\"seq\":60,\"session\":1,\"at\":\"2026-11-21T18:10:00.000000Z\",\"kind\":\"answered\","
		"\"v\":1,\"who\":\"jello\",\"data\":{\"seq\":51,\"value\":\"retry\"}}\n";
	struct scene *scene = scene_new();
	struct ui *ui = ui_new();
	struct feed *feed = feed_memory(answered, sizeof(answered) - 1);
	struct event ev;
	const struct json *reply;
	struct err e;

	(void)state;
	play(scene, "failure");
	ui_update(ui, scene, 0);
	press_all(ui, scene, "3\r" "half a rea", LATER);
	assert_int_equal(ui->matter.seq, 51);
	assert_int_equal(feed_next(feed, &ev, &reply, &e), FEED_EVENT);
	scene_event(scene, &ev);
	ui_update(ui, scene, LATER);
	assert_int_equal(ui->dialog.kind, DIALOG_NONE);
	assert_string_equal(ui->notice, "jello answered question 51: retry. What you typed was not sent.");
	/* The rest of the line is for nobody; after Enter, or a pause, keys work again. */
	press_all(ui, scene, "son X", LATER);
	assert_int_equal(ui->dialog.kind, DIALOG_NONE);
	press_all(ui, scene, "\r", LATER);
	assert_int_equal(ui->dialog.kind, DIALOG_NONE);
	assert_null(ui_intent(ui));
	press_all(ui, scene, "X", LATER);
	assert_int_equal(ui->dialog.kind, DIALOG_LIST);
	feed_close(feed);
	ui_free(ui);
	scene_free(scene);
}

int main(void)
{
	static struct golden_tests all;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(screen__hints_are_as_recorded),
		cmocka_unit_test(screen__after_a_resize_is_as_if_it_had_always_been_so),
		cmocka_unit_test(screen__has_no_control_characters_and_whole_wide_ones),
		cmocka_unit_test(screen__going_back_is_chosen_and_needs_a_reason),
		cmocka_unit_test(screen__the_end_leads_back_by_a_key),
		cmocka_unit_test(screen__the_end_takes_no_key_for_something_else),
		cmocka_unit_test(screen__a_second_answer_is_told_of_the_first),
		cmocka_unit_test(screen__an_answer_that_is_kept_is_not_refused),
		cmocka_unit_test(screen__what_can_be_stopped_stays_true),
		cmocka_unit_test(screen__nothing_is_answered_that_cannot_be_read),
		cmocka_unit_test(screen__a_box_is_copied_by_its_addresses_or_commands),
		cmocka_unit_test(screen__a_failure_is_shown_by_what_changed_something),
		cmocka_unit_test(screen__failure_is_answered_by_choice_and_reason),
		cmocka_unit_test(screen__a_step_by_hand_is_done_by_who_is_named),
		cmocka_unit_test(screen__enter_alone_never_answers_without_a_default),
		cmocka_unit_test(screen__a_step_is_chosen_and_never_preselected),
		cmocka_unit_test(screen__boxes_that_change_something_have_no_preselection),
		cmocka_unit_test(screen__a_text_is_scrolled_to_its_end_and_not_closed),
		cmocka_unit_test(screen__keys_in_the_first_moment_are_ignored),
		cmocka_unit_test(screen__stop_names_the_call_and_needs_a_reason),
		cmocka_unit_test(screen__single_keys_change_nothing),
		cmocka_unit_test(screen__mouse_selects_and_never_confirms),
		cmocka_unit_test(screen__answer_of_another_closes_the_dialog),
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		golden_tests_case(&all, "screen", cases[i].golden, (struct CMUnitTest){ .test_func = screen__is,
			.initial_state = golden_state(&cases[i]) });
	return golden_tests_run(&all, tests, sizeof(tests) / sizeof(tests[0]));
}
