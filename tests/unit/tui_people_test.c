/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two people in one view's eyes: whose a question is, who is away, agreement with its buttons, in the live and in the plain view. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "journal/feed/feed.h"
#include "tui/live/dialogs_people.h"
#include "tui/live/draw.h"
#include "tui/live/ending.h"
#include "tui/term/keys.h"
#include "tui/part/people.h"
#include "tui/plain/plain.h"
#include "tui/live/ui.h"

#define LATER ((int64_t)10000000)
#define NOW ((int64_t)1795284000000000)	/* 2026-11-21T18:00:00Z */

#define AT(seq, kind, who, more) "{\"seq\":" #seq ",\"session\":1,\"at\":\"2026-11-21T18:00:00.000000Z\",\"kind\":\"" kind "\",\"v\":1,\"who\":\"" who "\"," more "}\n"
#define BEGIN(me, role) "{\"hello\":{\"session\":1,\"who\":\"" me "\",\"role\":\"" role "\",\"head\":2,\"v\":1}}\n" \
	AT(1, "session.opened", "ruud", "\"data\":{\"runbook\":{\"id\":\"r\",\"title\":\"R\"},\"steps\":[{\"id\":\"drop\",\"kind\":\"irreversible\",\"title\":\"Drop it\"}]}") \
	AT(2, "joined", "ruud", "\"data\":{\"uid\":1000,\"role\":\"driver\",\"view\":\"live\"}") \
	"{\"presence\":[{\"who\":\"ruud\",\"uid\":1000,\"role\":\"driver\"},{\"who\":\"jello\",\"uid\":1001,\"role\":\"navigator\"}]}\n"
#define STEP AT(3, "asked", "bellbook", "\"step\":\"drop\",\"data\":{\"of\":\"step\",\"text\":\"Run it?\",\"type\":\"choice\",\"choices\":[{\"value\":\"go\",\"label\":\"Run it\"}]}")
#define APPROVAL AT(3, "asked", "bellbook", "\"step\":\"drop\",\"data\":{\"of\":\"approval\",\"text\":\"It cannot be undone.\",\"type\":\"typed\",\"expect\":\"db2\"," \
	"\"by\":\"ruud\",\"whole\":true,\"until_us\":1795284600000000,\"commands\":[{\"host\":\"db1\",\"shown\":\"drop it\",\"content\":\"fed to it\"}]," \
	"\"checked\":[],\"unchecked\":[{\"step\":\"a\",\"title\":\"Backup\",\"state\":\"skipped\",\"who\":\"ruud\",\"why\":\"no time\",\"at_us\":1795284000000000}]}")

static void play(struct scene *scene, const char *lines)
{
	struct feed *feed = feed_memory(lines, strlen(lines));
	const struct json *reply;
	struct event ev;
	struct err e;
	enum feed_item item;

	while ((item = feed_next(feed, &ev, &reply, &e)) == FEED_EVENT || item == FEED_REPLY) {
		if (item == FEED_REPLY)
			scene_reply(scene, reply);
		else
			scene_event(scene, &ev);
	}
	assert_int_equal(item, FEED_END);
	feed_close(feed);
}

static struct scene *scene_of(const char *begin, const char *more)
{
	struct scene *scene = scene_new();

	play(scene, begin);
	play(scene, more);
	return scene;
}

static void press_all(struct ui *ui, const struct scene *scene, const char *text)
{
	struct keys *keys = keys_new();
	struct press press;

	ui_update(ui, scene, 0);
	keys_feed(keys, text, strlen(text), LATER);
	while (keys_next(keys, LATER, &press))
		ui_press(ui, scene, &press, LATER);
	keys_free(keys);
}

static void assert_sends(struct ui *ui, const char *text)
{
	struct json *intent = ui_intent(ui);
	char *print = json_print(intent);

	assert_string_equal(print, text);
	mem_free(print);
	json_free(intent);
}

static void assert_header(const struct scene *scene, int64_t wall_us, const char *want)
{
	struct buf out = { 0 };

	people_header(scene, wall_us, &out);
	assert_string_equal(buf_text(&out), want);
	buf_done(&out);
}

static void question__of_another_is_shown_and_not_answered(void **state)
{
	struct scene *scene = scene_of(BEGIN("jello", "navigator"), STEP);
	struct ui *ui = ui_new();
	struct buf line = { 0 };

	(void)state;
	ui_update(ui, scene, 0);
	assert_int_equal(ui->dialog.kind, DIALOG_NONE);
	people_asked(scene, scene_question(scene), &line);
	assert_string_equal(buf_text(&line), "ruud is asked: Run it?");
	press_all(ui, scene, "\r");
	assert_int_equal(ui->dialog.kind, DIALOG_TEXT);
	press_all(ui, scene, "1\r\r");
	assert_null(ui_intent(ui));
	/* The wheel comes: now it is ours. */
	play(scene, AT(4, "wheel.passed", "ruud", "\"data\":{\"to\":\"jello\",\"from\":\"ruud\"}"));
	dialogs_people_here(ui, scene, 0);
	ui_update(ui, scene, LATER);
	buf_done(&line);
	ui_free(ui);
	ui = ui_new();
	press_all(ui, scene, "1\r");
	assert_sends(ui, "{\"do\":\"answer\",\"seq\":3,\"value\":\"go\"}");
	ui_free(ui);
	scene_free(scene);
}

static void agreement__letters_go_into_the_field_only(void **state)
{
	struct scene *scene = scene_of(BEGIN("jello", "navigator"), APPROVAL);
	struct ui *ui = ui_new();

	(void)state;
	press_all(ui, scene, "d");
	assert_string_equal(ui->dialog.edit.text, "d");
	press_all(ui, scene, "b2\rlooked at it\r");
	assert_sends(ui, "{\"do\":\"answer\",\"seq\":3,\"value\":\"db2\",\"why\":\"looked at it\"}");
	ui_free(ui);
	scene_free(scene);
}

static void agreement__is_refused_behind_tab_with_a_reason(void **state)
{
	struct scene *scene = scene_of(BEGIN("jello", "navigator"), APPROVAL);
	struct ui *ui = ui_new();

	(void)state;
	press_all(ui, scene, "\tdb2\r\r" "no backup\r");
	assert_sends(ui, "{\"do\":\"disagree\",\"seq\":3,\"why\":\"no backup\"}");
	assert_null(ui_intent(ui));
	ui_free(ui);
	scene_free(scene);
}

static void agreement__says_what_runs_and_what_was_not_checked(void **state)
{
	struct scene *scene = scene_of(BEGIN("jello", "navigator"), APPROVAL);
	struct buf text = { 0 };

	(void)state;
	people_approval(scene, scene_question(scene), &text);
	for (const char *const *want = (const char *const[]){ "ruud wants to run step 1, Drop it.", "Exactly this will run", "$ drop it", "fed to it", "NOT checked:",
		"Backup: skipped by ruud", "no time", "Nothing was checked", "no earlier run", "type exactly: db2", NULL }; *want; want++)
		if (!strstr(buf_text(&text), *want))
			fail_msg("\"%s\" is not in:\n%s", *want, buf_text(&text));
	buf_clear(&text);
	people_countdown(scene_question(scene), NOW + 72000000, &text);
	assert_string_equal(buf_text(&text), "asked 1 m 12 s ago, ends in 8 m 48 s");
	buf_done(&text);
	scene_free(scene);
}

#define ALONE "{\"presence\":[{\"who\":\"ruud\",\"uid\":1000,\"role\":\"driver\"}]}\n"
#define NEEDLESS AT(3, "asked", "bellbook", "\"step\":\"drop\",\"data\":{\"of\":\"approval\",\"text\":\"It cannot be undone.\",\"type\":\"typed\",\"expect\":\"db2\"," \
	"\"by\":\"ruud\",\"whole\":true,\"until_us\":1795284600000000,\"alone_us\":1795284030000000,\"commands\":[],\"checked\":[]," \
	"\"unchecked\":[{\"step\":\"a\",\"title\":\"Ruby\",\"state\":\"skipped\",\"why\":\"it is there\",\"at_us\":1795284000000000}," \
	"{\"step\":\"b\",\"title\":\"Room\",\"state\":\"warned\",\"why\":\"little\",\"at_us\":1795284000000000}]}")

static void agreement__tells_who_is_alone_what_holds_for_them(void **state)
{
	struct scene *scene = scene_of(BEGIN("ruud", "driver") ALONE, APPROVAL);
	struct buf text = { 0 };

	(void)state;
	people_approval(scene, scene_question(scene), &text);
	assert_non_null(strstr(buf_text(&text), "ANOTHER PERSON must agree, and nobody else is here: with an account of their own they type bellbook attach 1. You cannot,"));
	scene_free(scene);
	scene = scene_of(BEGIN("ruud", "driver") ALONE, NEEDLESS);
	buf_clear(&text);
	people_approval(scene, scene_question(scene), &text);
	assert_non_null(strstr(buf_text(&text), "You are alone: read it all. What you type counts from 18:00:30 UTC on."));
	buf_done(&text);
	scene_free(scene);
}

static void agreement__calls_unchecked_only_what_people_left_out(void **state)
{
	struct scene *scene = scene_of(BEGIN("jello", "navigator"), NEEDLESS);
	struct buf text = { 0 };

	(void)state;
	people_approval(scene, scene_question(scene), &text);
	assert_null(strstr(buf_text(&text), "NOT checked"));
	assert_null(strstr(buf_text(&text), "alone"));
	assert_non_null(strstr(buf_text(&text), "Warned of:\n- Room: warned at 18:00: little\nLeft out by the runbook:\n- Ruby: skipped at 18:00: it is there\n"));
	buf_done(&text);
	scene_free(scene);
}

#define DOWN "{\"seq\":3,\"session\":1,\"at\":\"2026-11-21T18:00:01.000000Z\",\"kind\":\"downtime.began\",\"v\":1,\"who\":\"bellbook\",\"step\":\"drop\",\"data\":{}}\n" \
	"{\"seq\":4,\"session\":1,\"at\":\"2026-11-21T18:01:01.000000Z\",\"kind\":\"downtime.ended\",\"v\":1,\"who\":\"bellbook\",\"step\":\"drop\",\"data\":{}}\n"
#define OUTSIDE AT(5, "outside.began", "bellbook", "\"data\":{\"asks\":[\"POST /inbox\"],\"seq\":5}")
#define OVER AT(6, "session.closed", "bellbook", "\"data\":{\"outcome\":\"ok\"}")

static void ending__tells_the_downtime_once(void **state)
{
	struct scene *scene = scene_of(BEGIN("ruud", "driver"), DOWN OVER);
	struct buf text = { 0 };

	(void)state;
	ending_tell(scene, 1, ENDING_CLOSED, &text);
	assert_non_null(strstr(buf_text(&text), "The site was down 1 m 00 s."));
	scene_free(scene);
	scene = scene_of(BEGIN("ruud", "driver"), DOWN OUTSIDE OVER);
	buf_clear(&text);
	ending_tell(scene, 1, ENDING_CLOSED, &text);
	assert_null(strstr(buf_text(&text), "The site was down 1 m 00 s."));
	assert_non_null(strstr(buf_text(&text), "By the steps the site was down for 1 m 00 s."));
	buf_done(&text);
	scene_free(scene);
}

static void agreement__is_not_the_drivers_while_another_is_here(void **state)
{
	struct scene *scene = scene_of(BEGIN("ruud", "driver"), APPROVAL);
	struct ui *ui = ui_new();

	(void)state;
	ui_update(ui, scene, 0);
	assert_int_equal(ui->dialog.kind, DIALOG_NONE);
	press_all(ui, scene, "W" "wrong window\r");
	assert_sends(ui, "{\"do\":\"withdraw\",\"why\":\"wrong window\"}");
	play(scene, "{\"presence\":[{\"who\":\"ruud\",\"role\":\"driver\"},{\"who\":\"gov\",\"role\":\"guest\"}]}\n");
	ui_update(ui, scene, LATER);
	assert_int_equal(ui->matter.seq, 3);
	ui_free(ui);
	scene_free(scene);
}

static void header__says_who_is_idle_lost_typing_or_a_guest(void **state)
{
	struct scene *scene = scene_of(BEGIN("jello", "navigator"), "");

	(void)state;
	assert_header(scene, NOW, "[ruud DRIVES] [YOU: jello]");
	play(scene, "{\"presence\":[{\"who\":\"ruud\",\"role\":\"driver\",\"active_us\":1795284000000000},{\"who\":\"jello\",\"role\":\"navigator\",\"active_us\":1},"
		"{\"who\":\"gov\",\"role\":\"guest\"},{\"who\":\"kai\",\"role\":\"observer\",\"typing\":true},{\"who\":\"kai\",\"role\":\"observer\"}]}\n");
	assert_header(scene, NOW + 119000000, "[ruud DRIVES] [YOU: jello], gov guest, kai typing");
	assert_header(scene, NOW + 360000000, "[ruud DRIVES idle 6m] [YOU: jello], gov guest, kai typing");
	play(scene, "{\"wheel\":{\"driver\":\"ruud\",\"lost_us\":1795284000000000}}\n");
	assert_header(scene, NOW + 40000000, "[ruud LOST 40 s] [YOU: jello], gov guest, kai typing");
	scene_free(scene);
}

static void invite__names_account_and_time(void **state)
{
	struct scene *scene = scene_of(BEGIN("ruud", "driver"), "");
	struct ui *ui = ui_new();

	(void)state;
	press_all(ui, scene, "Ieve 30m\r");
	assert_sends(ui, "{\"do\":\"invite\",\"for\":\"30m\",\"to\":\"eve\"}");
	press_all(ui, scene, ":dismiss eve\r");
	assert_sends(ui, "{\"do\":\"dismiss\",\"to\":\"eve\"}");
	ui_free(ui);
	scene_free(scene);
}

static void here__is_told_once_a_minute_and_when_typing_changes(void **state)
{
	struct scene *scene = scene_of(BEGIN("jello", "navigator"), "");
	struct ui *ui = ui_new();
	struct json *here;

	(void)state;
	assert_null(dialogs_people_here(ui, scene, LATER));
	press_all(ui, scene, "k");
	here = dialogs_people_here(ui, scene, LATER);
	assert_null(here);	/* the minute since nothing was ever told is not over yet */
	ui->told_us = -LATER * 10;
	here = dialogs_people_here(ui, scene, LATER);
	assert_non_null(here);
	json_free(here);
	press_all(ui, scene, "k");
	assert_null(dialogs_people_here(ui, scene, LATER + 1));
	press_all(ui, scene, "shi");
	here = dialogs_people_here(ui, scene, LATER + 2);
	assert_true(json_bool(here, "typing", false));
	json_free(here);
	assert_null(dialogs_people_here(ui, scene, LATER + 3));
	ui_free(ui);
	scene_free(scene);
}

static void notice__tells_a_newcomer_and_a_shared_account(void **state)
{
	static const char lines[] = "{\"you\":{\"who\":\"jello\",\"role\":\"navigator\",\"views\":2,\"newcomer\":true,\"why\":\"ruud drives; take asks for the wheel\"}}\n";
	static const char drives[] = "{\"you\":{\"who\":\"ruud\",\"role\":\"driver\",\"views\":1,\"newcomer\":true}}\n";
	struct scene *scene = scene_of(BEGIN("jello", "navigator"), "");
	struct feed *feed = feed_memory(lines, sizeof(lines) - 1);
	const struct json *reply;
	struct event ev;
	struct err e;
	char *text;

	(void)state;
	assert_int_equal(feed_next(feed, &ev, &reply, &e), FEED_REPLY);
	scene_reply(scene, reply);
	text = people_notice(scene, reply, false);
	assert_non_null(strstr(text, "first session"));
	assert_non_null(strstr(text, "You are navigator: ruud drives"));
	assert_non_null(strstr(text, "cannot tell you apart"));
	mem_free(text);
	feed_close(feed);
	scene_free(scene);
	/* Who drives, perhaps alone, is not told to join. */
	scene = scene_of(BEGIN("ruud", "driver"), "");
	feed = feed_memory(drives, sizeof(drives) - 1);
	assert_int_equal(feed_next(feed, &ev, &reply, &e), FEED_REPLY);
	text = people_notice(scene, reply, false);
	assert_non_null(strstr(text, "first session"));
	assert_non_null(strstr(text, "asked before every change"));
	assert_null(strstr(text, "attach"));
	mem_free(text);
	feed_close(feed);
	scene_free(scene);
}

/* ---- plain ---- */

static void plain_play(struct plain *plain, const char *lines)
{
	struct feed *feed = feed_memory(lines, strlen(lines));
	const struct json *reply;
	struct event ev;
	struct err e;
	enum feed_item item;

	while ((item = feed_next(feed, &ev, &reply, &e)) == FEED_EVENT || item == FEED_REPLY)
		plain_item(plain, item == FEED_EVENT ? LINK_EVENT : LINK_REPLY, &ev, reply, NULL, 0);
	plain_settle(plain);
	feed_close(feed);
}

static void assert_said(struct plain *plain, const char *text)
{
	if (!strstr(buf_text(plain_out(plain)), text))
		fail_msg("\"%s\" is not in:\n%s", text, buf_text(plain_out(plain)));
	buf_clear(plain_out(plain));
}

static void plain__tells_the_question_of_another_and_takes_no_answer(void **state)
{
	struct plain *plain = plain_new(1);

	(void)state;
	plain_play(plain, BEGIN("jello", "navigator"));
	plain_play(plain, STEP);
	assert_said(plain, "ruud is asked: Run it?");
	assert_false(plain_is_asking(plain));
	plain_line(plain, "go", plain_question(plain));
	assert_null(plain_intent(plain));
	buf_clear(plain_out(plain));
	plain_play(plain, AT(4, "wheel.passed", "ruud", "\"data\":{\"to\":\"jello\",\"from\":\"ruud\",\"how\":\"accepted\"}"));
	assert_said(plain, "You drive now (accepted).");
	assert_true(plain_is_asking(plain));
	plain_free(plain);
}

static void plain__agreement_is_told_whole_and_can_be_refused(void **state)
{
	struct plain *plain = plain_new(1);
	struct json *intent;
	char *print;

	(void)state;
	plain_play(plain, BEGIN("jello", "navigator"));
	plain_play(plain, APPROVAL);
	assert_said(plain, "$ drop it");
	plain_line(plain, ":disagree no backup", plain_question(plain));
	intent = plain_intent(plain);
	print = json_print(intent);
	assert_string_equal(print, "{\"do\":\"disagree\",\"seq\":3,\"why\":\"no backup\"}");
	mem_free(print);
	json_free(intent);
	plain_free(plain);
}

#define WHEEL(seq) AT(seq, "asked", "jello", "\"data\":{\"of\":\"wheel\",\"name\":\"take\",\"to\":\"ruud\",\"by\":\"jello\",\"text\":\"jello asks you for the wheel: you sleep\",\"type\":\"choice\"," \
	"\"until_us\":1795284020000000,\"choices\":[{\"value\":\"give\",\"label\":\"Hand it over\"},{\"value\":\"refuse\",\"label\":\"Keep it\"}]}")
#define SAID(seq) AT(seq, "said", "jello", "\"data\":{\"text\":\"wait, the backup is not there yet\"}")

/* The whole screen as text. Caller owns. */
static char *screen_of(const struct scene *scene, struct ui *ui, int64_t wall_us)
{
	struct canvas *canvas = canvas_new(24, 80, false);
	struct buf out = { 0 };

	draw(scene, ui, canvas, wall_us, LATER);
	canvas_dump(canvas, &out);
	canvas_free(canvas);
	return buf_take(&out);
}

static void assert_shows(const struct scene *scene, struct ui *ui, const char *text, bool want)
{
	char *screen = screen_of(scene, ui, NOW + 3000000);

	if ((strstr(screen, text) != NULL) != want)
		fail_msg("\"%s\" is%s in:\n%s", text, want ? " not" : "", screen);
	mem_free(screen);
}

static void wheel__is_asked_for_over_any_box(void **state)
{
	static const char *const boxes[] = { "", "r", "X", ":", ("\033" "o") };

	(void)state;
	for (size_t i = 0; i < sizeof(boxes) / sizeof(boxes[0]); i++) {
		struct scene *scene = scene_of(BEGIN("ruud", "driver"), STEP);
		struct ui *ui = ui_new();

		press_all(ui, scene, boxes[i]);
		ui->follow = true;
		play(scene, WHEEL(4) SAID(5));
		if (ui->dialog.kind != DIALOG_NONE || ui->palette.is_open)
			ui_update(ui, scene, LATER);
		assert_shows(scene, ui, "jello asks you for the wheel: you sleep", true);
		assert_shows(scene, ui, "jello says: wait, the backup is not there yet", true);
		ui_free(ui);
		scene_free(scene);
	}
}

static void wheel__is_answered_while_a_step_is_asked(void **state)
{
	struct scene *scene = scene_of(BEGIN("ruud", "driver"), STEP);
	struct ui *ui = ui_new();

	(void)state;
	press_all(ui, scene, "");
	play(scene, WHEEL(4));
	ui_update(ui, scene, LATER);
	assert_int_equal(ui->matter.seq, 3);
	assert_shows(scene, ui, "passes in 17 s. T", true);
	press_all(ui, scene, "T");
	assert_int_equal(ui->matter.seq, 4);
	ui->dialog.front.guard_us = 0;
	press_all(ui, scene, "2\r");
	assert_sends(ui, "{\"do\":\"answer\",\"seq\":4,\"value\":\"refuse\"}");
	ui_free(ui);
	scene_free(scene);
}

static void navigator__of_the_drivers_account_is_no_driver(void **state)
{
	struct scene *scene = scene_of(BEGIN("ruud", "navigator"), STEP);
	struct ui *ui = ui_new();

	(void)state;
	assert_false(people_drives(scene));
	assert_header(scene, NOW, "[ruud DRIVES] jello, [YOU HERE: navigator]");
	ui_update(ui, scene, 0);
	assert_int_equal(ui->dialog.kind, DIALOG_NONE);
	ui_free(ui);
	scene_free(scene);
	/* Nor is it the second person. */
	scene = scene_of(BEGIN("ruud", "navigator"), APPROVAL);
	assert_false(people_mine(scene, scene_question(scene)));
	scene_free(scene);
}

static void watching__ends_with_the_question(void **state)
{
	struct scene *scene = scene_of(BEGIN("jello", "navigator"), STEP);
	struct ui *ui = ui_new();

	(void)state;
	press_all(ui, scene, "\r");
	assert_int_equal(ui->dialog.kind, DIALOG_TEXT);
	play(scene, AT(4, "answered", "ruud", "\"data\":{\"seq\":3,\"value\":\"go\"}"));
	ui_update(ui, scene, LATER);
	assert_int_equal(ui->dialog.kind, DIALOG_NONE);
	assert_non_null(strstr(ui->notice, "ruud answered question 3: go."));
	ui_free(ui);
	scene_free(scene);
}

#define STEP_COMMANDS AT(3, "asked", "bellbook", "\"step\":\"drop\",\"data\":{\"of\":\"step\",\"text\":\"Run it?\",\"type\":\"choice\",\"commands\":[{\"host\":\"db1\",\"as\":\"root\",\"shown\":\"dropdb old\"}]," \
	"\"choices\":[{\"value\":\"go\",\"label\":\"Run it\"}]}")

static void observer__sees_all_and_is_offered_what_is_theirs(void **state)
{
	struct scene *scene = scene_of(BEGIN("kai", "observer"), STEP_COMMANDS);
	struct ui *ui = ui_new();

	(void)state;
	play(scene, "{\"presence\":[{\"who\":\"ruud\",\"role\":\"driver\"},{\"who\":\"kai\",\"role\":\"observer\"}]}\n");
	assert_header(scene, NOW, "[ruud DRIVES] [YOU: kai, you observe]");
	ui_update(ui, scene, 0);
	for (const char *const *not = (const char *const[]){ "X stop", "P pause", "T take", NULL }; *not; not++)
		assert_shows(scene, ui, *not, false);
	assert_shows(scene, ui, "i note", true);
	for (const char *const *key = (const char *const[]){ "X", "P", "T", "!", "H", NULL }; *key; key++) {
		press_all(ui, scene, *key);
		assert_int_equal(ui->dialog.kind, DIALOG_NONE);
		assert_non_null(strstr(ui->notice, "You are here as observer"));
	}
	press_all(ui, scene, "\r");
	assert_shows(scene, ui, "$ dropdb old", true);
	assert_shows(scene, ui, "You observe", true);
	assert_null(ui_intent(ui));
	ui_free(ui);
	scene_free(scene);
}

static void foot__offers_no_key_that_is_not_taken_yet(void **state)
{
	struct scene *scene = scene_of(BEGIN("jello", "navigator"), APPROVAL);
	struct ui *ui = ui_new();

	(void)state;
	ui_update(ui, scene, LATER);
	assert_shows(scene, ui, "wait ...", true);
	assert_shows(scene, ui, "Enter sends", false);
	ui->dialog.front.guard_us = 0;
	assert_shows(scene, ui, "Enter sends", true);
	ui_free(ui);
	scene_free(scene);
}

static void refusal__is_whole_and_what_was_typed_comes_back(void **state)
{
	static const char refused[] = "{\"refused\":{\"do\":\"answer\",\"seq\":3,\"why\":\"you drive: another person must agree. Ask somebody to attach (bellbook attach), or have the fleet's policy allow a waiver\"}}";
	struct scene *scene = scene_of(BEGIN("jello", "navigator"), APPROVAL);
	struct ui *ui = ui_new();
	struct json *intent, *reply;
	struct err e;

	(void)state;
	press_all(ui, scene, "db2\rlooked at it\r");
	intent = ui_intent(ui);
	assert_non_null(intent);
	json_free(intent);
	reply = json_parse(refused, strlen(refused), &e);
	scene_reply(scene, reply);
	ui_reply(ui, scene, reply, LATER);
	assert_string_equal(ui->dialog.edit.text, "looked at it");
	assert_shows(scene, ui, "Refused: you drive", true);
	assert_shows(scene, ui, "allow a waiver", true);
	press_all(ui, scene, " twice\r");
	assert_sends(ui, "{\"do\":\"answer\",\"seq\":3,\"value\":\"db2\",\"why\":\"looked at it twice\"}");
	json_free(reply);
	ui_free(ui);
	scene_free(scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wheel__is_asked_for_over_any_box),
		cmocka_unit_test(wheel__is_answered_while_a_step_is_asked),
		cmocka_unit_test(navigator__of_the_drivers_account_is_no_driver),
		cmocka_unit_test(watching__ends_with_the_question),
		cmocka_unit_test(observer__sees_all_and_is_offered_what_is_theirs),
		cmocka_unit_test(foot__offers_no_key_that_is_not_taken_yet),
		cmocka_unit_test(refusal__is_whole_and_what_was_typed_comes_back),
		cmocka_unit_test(question__of_another_is_shown_and_not_answered),
		cmocka_unit_test(agreement__letters_go_into_the_field_only),
		cmocka_unit_test(agreement__is_refused_behind_tab_with_a_reason),
		cmocka_unit_test(agreement__says_what_runs_and_what_was_not_checked),
		cmocka_unit_test(agreement__tells_who_is_alone_what_holds_for_them),
		cmocka_unit_test(agreement__calls_unchecked_only_what_people_left_out),
		cmocka_unit_test(ending__tells_the_downtime_once),
		cmocka_unit_test(agreement__is_not_the_drivers_while_another_is_here),
		cmocka_unit_test(header__says_who_is_idle_lost_typing_or_a_guest),
		cmocka_unit_test(invite__names_account_and_time),
		cmocka_unit_test(here__is_told_once_a_minute_and_when_typing_changes),
		cmocka_unit_test(notice__tells_a_newcomer_and_a_shared_account),
		cmocka_unit_test(plain__tells_the_question_of_another_and_takes_no_answer),
		cmocka_unit_test(plain__agreement_is_told_whole_and_can_be_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
