/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/live/ui.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tui/live/dialogs.h"
#include "tui/live/dialogs_people.h"
#include "tui/live/dialogs_stop.h"
#include "tui/live/look.h"
#include "tui/live/mouse.h"
#include "tui/part/people.h"
#include "tui/live/sitting.h"

struct ui *ui_new(void)
{
	struct ui *ui = mem_alloc(sizeof(*ui));

	ui->explain = true;
	ui->follow = true;
	ui->match = -1;
	ui->page = 10;
	ui->dialog.pick = -1;
	return ui;
}

void ui_free(struct ui *ui)
{
	if (!ui)
		return;
	dialogs_close(ui);
	kept_drop(ui);
	sitting_done(ui);
	palette_close(&ui->palette);
	for (size_t i = 0; i < ui->intent_count; i++)
		json_free(ui->intents[i]);
	mem_free(ui->intents);
	mem_free(ui->find);
	mem_free(ui->notice);
	mem_free(ui->step);
	mem_free(ui->copy);
	mem_free(ui->copy_name);
	mem_free(ui);
}

void ui_notice(struct ui *ui, const char *text, int64_t now_us)
{
	struct buf safe = { 0 };

	utf8_safe(&safe, text, strlen(text), false);
	mem_free(ui->notice);
	ui->notice = buf_take(&safe);
	ui->notice_us = now_us;
}

void ui_send(struct ui *ui, struct json *intent)
{
	ui->intents = mem_grow(ui->intents, ui->intent_count + 1, sizeof(struct json *));
	ui->intents[ui->intent_count++] = intent;
}

struct json *ui_intent(struct ui *ui)
{
	struct json *first;

	if (ui->intent_count == 0)
		return NULL;
	first = ui->intents[0];
	memmove(ui->intents, ui->intents + 1, --ui->intent_count * sizeof(struct json *));
	return first;
}

/* Somebody else, or the session, closed the question in the dialog. What is typed on is for nobody. */
static void closed_under_us(struct ui *ui, const struct scene *scene, int64_t seq, int64_t now_us)
{
	bool typed = ui->dialog.edit.len > 0;
	char *text = mem_printf("%s%s%s", scene->gone && scene->gone_seq == seq ? scene->gone
		: "The question is closed.", typed ? " What you typed was not sent." : "", scene->gone_seq == seq && scene->gone_mine ? " That was in another view of your account." : "");

	dialogs_close(ui);
	ui_notice(ui, text, now_us);
	if (now_us - ui->pressed_us < 2 * UI_DEAF_US)
		ui->deaf_us = now_us + UI_DEAF_US;
	mem_free(text);
}

/* True while keys were meant for a dialog that closed under the person's hands: until a pause, Enter or Esc. */
static bool is_deaf(struct ui *ui, const struct press *press, int64_t now_us)
{
	if (now_us >= ui->deaf_us)
		return false;
	ui->deaf_us = press->code == PRESS_ENTER || press->code == PRESS_ESC ? 0 : now_us + UI_DEAF_US;
	return true;
}

void ui_update(struct ui *ui, const struct scene *scene, int64_t now_us)
{
	const struct question *question;
	int64_t seq;

	sitting_update(ui, scene, now_us);
	dialogs_stop_update(ui, scene, now_us);
	seq = ui->matter.seq;
	if (!seq)
		seq = ui->matter.about;
	if (seq && !scene_question_find(scene, seq))
		closed_under_us(ui, scene, seq, now_us);
	if (ui->sent && !scene_question_find(scene, ui->sent))
		ui->sent = 0;
	question = scene_question(scene);
	if (!scene->caught_up || !question || !people_mine(scene, question) || question->seq == ui->dismissed || question->seq == ui->sent)
		return;
	if (ui->dialog.kind == DIALOG_NONE && !ui->palette.is_open)
		dialogs_question(ui, scene, question, now_us + FRONT_GUARD_US);
	else if (ui->matter.seq == 0 && !ui->notice)
		ui_notice(ui, "A question waits: it comes up when you close this.", now_us);
}

void ui_reply(struct ui *ui, const struct scene *scene, const struct json *reply, int64_t now_us)
{
	const struct json *refused = json_at(reply, "refused");
	char *text = people_notice(scene, reply, false);

	/* What is there to be read already counts more than a welcome. */
	if (text && (!ui->notice || !json_at(reply, "you")))
		ui_notice(ui, text, now_us);
	mem_free(text);
	sitting_reply(ui, reply);
	if (json_at(reply, "cleared"))
		ui_notice(ui, "The journal can be written again, and it goes on.", now_us);
	if (!refused)
		return;
	text = people_refusal(scene, refused);
	if (!str_is(json_text(refused, "do", ""), "here") && kept_back(ui, text)) {
		ui->sent = 0;
		mem_free(text);
		return;
	}
	ui_notice(ui, text, now_us);
	mem_free(text);
	if (!str_is(json_text(refused, "do", ""), "answer") && !str_is(json_text(refused, "do", ""), "disagree"))
		return;
	/* The refusal must be read before the question comes up over it again. */
	ui->dismissed = ui->sent;
	ui->sent = 0;
}

int64_t ui_top(const struct ui *ui, const struct output *output, int page)
{
	int64_t total = output_total(output), dropped = output_dropped(output);
	int64_t last = total - page > dropped ? total - page : dropped;

	if (ui->follow || ui->top > last)
		return last;
	return ui->top > dropped ? ui->top : dropped;
}

static void scroll(struct ui *ui, const struct scene *scene, int64_t by)
{
	const struct model_call *call = ui_call(ui, scene);
	struct output *output = call ? scene_output(scene, call->seq) : NULL;
	int64_t top;

	if (!output)
		return;
	top = ui_top(ui, output, ui->page) + by;
	ui->at_match = false;
	ui->call = call->seq;
	ui->follow = top + ui->page >= output_total(output) && by > 0;
	ui->top = top > 0 ? top : 0;
	if (ui->follow)
		ui->call = 0;
}

static void find(struct ui *ui, const struct scene *scene, bool backwards, int64_t now_us)
{
	const struct model_call *call = ui_call(ui, scene);
	struct output *output = call ? scene_output(scene, call->seq) : NULL;
	int64_t from;
	long found;
	char *text;

	if (!ui->find || !output) {
		ui_notice(ui, ui->find ? "No output to search." : "Search with / first.", now_us);
		return;
	}
	from = ui->match >= 0 ? ui->match + (backwards ? -1 : 1)
		: backwards ? output_total(output) - 1 : ui_top(ui, output, ui->page);
	if (from < output_dropped(output) && !backwards)
		from = output_dropped(output);
	found = output_find(output, ui->find, (long)(from - output_dropped(output)), backwards);
	if (found < 0) {
		found = output_find(output, ui->find, backwards ? (long)output_count(output) - 1 : 0, backwards);
		text = found < 0 ? mem_printf("“%s” is not in this output.", ui->find)
			: mem_printf("The search went on from the %s.", backwards ? "end" : "beginning");
		ui_notice(ui, text, now_us);
		mem_free(text);
	}
	if (found < 0)
		return;
	ui->match = output_dropped(output) + found;
	ui->at_match = true;
	ui->call = call->seq;
	ui->follow = false;
	ui->top = ui->match > ui->page / 2 ? ui->match - ui->page / 2 : 0;
}

static bool may(struct ui *ui, const struct scene *scene, enum action action, int64_t now_us)
{
	const char *driver = scene->model->driver && *scene->model->driver ? scene->model->driver : "nobody";
	const char *role = scene->my_role ? scene->my_role : "";
	char *text;

	if (people_may(scene, action))
		return true;
	if (str_is(role, "observer") || str_is(role, "guest"))
		text = mem_printf("You are here as %s: %s drives, and you watch.%s", role, driver, str_is(role, "guest") ? "" : " To take part: attach --role navigator.");
	else
		text = mem_printf("%s drives, and only who drives does that. T asks for the wheel, s says something.", driver);
	ui_notice(ui, text, now_us);
	mem_free(text);
	return false;
}

static void open_question(struct ui *ui, const struct scene *scene, int64_t now_us)
{
	const struct question *question = scene_question(scene);

	if (question && question->seq == ui->sent)
		ui_notice(ui, "Your answer is under way.", now_us);
	else if (question && !people_mine(scene, question))
		dialogs_watch(ui, scene, question);
	else if (question)
		dialogs_question(ui, scene, question, 0);
	else
		ui_notice(ui, "Nothing is asked now.", now_us);
}

static void pause_or_go(struct ui *ui, const struct scene *scene)
{
	if (scene->model->state == SESSION_PAUSED)
		dialogs_sure(ui, USE_CONTINUE, "CONTINUE", "The session is paused. Let it go on?", "continue");
	else
		dialogs_sure(ui, USE_PAUSE, "PAUSE",
			"No new step or command starts on any host. What runs now goes on to its end.",
			"pause after what runs now");
}

/* Names and numbers that an action of the palette may be followed by. */
static void palette_arguments(void *arg, enum action action, struct buf *out)
{
	const struct scene *scene = arg;

	if (action == ACTION_STEP || action == ACTION_ENTER)
		for (size_t i = 0; i < scene->model->step_count; i++)
			buf_printf(out, "%zu %s\n", i + 1, scene->model->steps[i].title);
	if (action == ACTION_DETOUR || action == ACTION_RUN)
		sitting_hosts(scene, out);
	if (action == ACTION_GIVE)
		for (size_t i = 0; i < json_count(scene->presence); i++)
			buf_printf(out, "%s\n", json_text(json_item(scene->presence, i), "who", ""));
}

static void open_palette(struct ui *ui, const struct scene *scene, bool keys)
{
	/* The words are asked for while a key is pressed, when the scene is the one it was opened with. */
	union { const struct scene *in; void *out; } pass = { .in = scene };

	palette_open(&ui->palette, IN_LIVE, keys, palette_arguments, pass.out);
}

static void follow(struct ui *ui)
{
	ui->follow = true;
	if (!ui->step)
		ui->call = 0;
}

static bool act_on_output(struct ui *ui, const struct scene *scene, enum action action, int64_t now_us)
{
	if (action == ACTION_UP || action == ACTION_DOWN)
		scroll(ui, scene, action == ACTION_UP ? -1 : 1);
	else if (action == ACTION_PAGE_UP || action == ACTION_PAGE_DOWN)
		scroll(ui, scene, action == ACTION_PAGE_UP ? -ui->page : ui->page);
	else if (action == ACTION_TOP)
		scroll(ui, scene, -((int64_t)1 << 40));
	else if (action == ACTION_FOLLOW)
		follow(ui);
	else if (action == ACTION_FIND_NEXT || action == ACTION_FIND_PREVIOUS)
		find(ui, scene, action == ACTION_FIND_PREVIOUS, now_us);
	else if (action == ACTION_NEXT_CALL || action == ACTION_PREVIOUS_CALL)
		look_call(ui, scene, action == ACTION_NEXT_CALL ? 1 : -1);
	else if (action == ACTION_RAW)
		ui->raw = !ui->raw;
	else
		return false;
	return true;
}

/* Actions that open something. */
static bool act_open(struct ui *ui, const struct scene *scene, enum action action, int64_t now_us)
{
	if (action == ACTION_HELP || action == ACTION_PALETTE)
		open_palette(ui, scene, action == ACTION_HELP);
	else if (action == ACTION_DETOUR || action == ACTION_RUN)
		sitting_open(ui, scene, now_us);
	else if (action == ACTION_RECORD)
		dialogs_record(ui, scene);
	else if (action == ACTION_HOSTS)
		dialogs_hosts(ui, scene, now_us);
	else if (action == ACTION_QUESTION)
		open_question(ui, scene, now_us);
	else if (action == ACTION_NOTE)
		dialogs_field(ui, USE_NOTE, "NOTE", "A note for the journal, at this step:");
	else if (action == ACTION_SAY)
		dialogs_field(ui, USE_SAY, "SAY", "To the others who are here:");
	else if (action == ACTION_FIND)
		dialogs_field(ui, USE_FIND, "FIND", "In the output (upper and lower case are the same):");
	else if (action == ACTION_PAUSE)
		pause_or_go(ui, scene);
	else if (action == ACTION_STOP || action == ACTION_MENU)
		dialogs_stop(ui, scene, action == ACTION_MENU);
	else if (action == ACTION_ENTER)
		dialogs_enter(ui, scene, 0, now_us);
	else if (action == ACTION_GIVE)
		dialogs_field(ui, USE_GIVE, "HAND OVER", "Who shall drive this session? They have 60 seconds to accept. Type the name:");
	else
		return dialogs_people(ui, scene, action, NULL, now_us);
	return true;
}

/* "on", "off", or the other one when nothing was said. */
static void turn(struct ui *ui, bool *what, const char *arg, const char *name, int64_t now_us)
{
	char *text;

	if (arg && !str_is(arg, "on") && !str_is(arg, "off")) {
		ui_notice(ui, "Say on or off.", now_us);
		return;
	}
	*what = arg ? str_is(arg, "on") : !*what;
	text = mem_printf("%s %s.", name, *what ? "on" : "off");
	ui_notice(ui, text, now_us);
	mem_free(text);
}

/* Actions of this screen alone: nothing is opened, nothing sent. */
static bool act_here(struct ui *ui, const struct scene *scene, enum action action, const char *arg, int64_t now_us)
{
	if (action == ACTION_LEAVE)
		ui->leave = true;
	else if (action == ACTION_REDRAW)
		ui->redraw = true;
	else if (action == ACTION_SUSPEND)
		ui->suspend = true;
	else if (action == ACTION_EXPLAIN)
		ui->explain = !ui->explain;
	else if (action == ACTION_MOUSE)
		turn(ui, &ui->mouse, arg, "The mouse is", now_us);
	else if (action == ACTION_SLOW)
		turn(ui, &ui->slow, arg, "Sparing a slow line is", now_us);
	else if (action == ACTION_NEXT_STEP || action == ACTION_PREVIOUS_STEP)
		look_step(ui, scene, action == ACTION_NEXT_STEP ? 1 : -1, now_us);
	else if (action == ACTION_NOW)
		look_now(ui);
	else if (action == ACTION_STEP)
		look_at(ui, scene, arg, now_us);
	else if (action == ACTION_COPY)
		look_copy(ui, scene, arg, now_us);
	else
		return false;
	return true;
}

/* What was typed behind the name in the palette; what changes something still asks. */
static bool act_with(struct ui *ui, const struct scene *scene, enum action action, const char *arg, int64_t now_us)
{
	int64_t number;

	if (!arg)
		return false;
	if (action == ACTION_DETOUR)
		sitting_shell(ui, scene, arg, now_us);
	else if (action == ACTION_RUN)
		sitting_run(ui, scene, arg, now_us);
	else if (action == ACTION_NOTE || action == ACTION_SAY)
		dialogs_send(ui, action == ACTION_NOTE ? "note" : "say", "text", arg);
	else if (action == ACTION_FIND) {
		mem_set(&ui->find, arg);
		ui->match = -1;
		find(ui, scene, false, now_us);
	} else if (action == ACTION_ENTER) {
		if (str_to_int(arg, 1, INT32_MAX, &number))
			dialogs_enter(ui, scene, (long)number, now_us);
		else
			ui_notice(ui, "Say the number of the step.", now_us);
	} else if (action == ACTION_GIVE) {
		dialogs_field(ui, USE_GIVE, "HAND OVER", "Who shall drive this session? Enter sends it:");
		edit_paste(&ui->dialog.edit, arg, strlen(arg));
	} else {
		return dialogs_people(ui, scene, action, arg, now_us);
	}
	return true;
}

void ui_act(struct ui *ui, const struct scene *scene, enum action action, const char *arg, int64_t now_us)
{
	if (action == ACTION_TAKE && people_wheel(scene)) {
		dialogs_question(ui, scene, people_wheel(scene), now_us + FRONT_GUARD_US);
		return;
	}
	if (!may(ui, scene, action, now_us))
		return;
	if (!act_with(ui, scene, action, arg, now_us) && !act_here(ui, scene, action, arg, now_us)
		&& !act_open(ui, scene, action, now_us))
		act_on_output(ui, scene, action, now_us);
}

static void palette_key(struct ui *ui, const struct scene *scene, const struct press *press, int64_t now_us)
{
	enum palette_did did = palette_press(&ui->palette, press);
	enum action action = ui->palette.run;
	char *arg;

	if (did == PALETTE_GOES_ON)
		return;
	arg = did == PALETTE_RUNS && ui->palette.arg ? mem_strdup(ui->palette.arg) : NULL;
	palette_close(&ui->palette);
	if (did == PALETTE_RUNS)
		ui_act(ui, scene, action, arg, now_us);
	mem_free(arg);
}

bool ui_types(const struct ui *ui)
{
	return ui->palette.is_open || (ui->dialog.kind == DIALOG_FIELD && ui->matter.focus == 0);
}

static enum keys_place place_of(const struct ui *ui)
{
	if (ui_types(ui))
		return KEYS_FIELD;
	return ui->dialog.kind == DIALOG_LIST ? KEYS_LIST : KEYS_NOWHERE;
}

/* There is nothing left to do in a session that is over. */
static bool is_for_the_end(enum action action)
{
	return action == ACTION_COPY || action == ACTION_REDRAW || action == ACTION_SUSPEND;
}

/* Keys of which nothing has to be seen. */
static bool is_for_the_blind(const struct press *press)
{
	return press->code == PRESS_CTRL && (press->cp == 'L' || press->cp == 'Z');
}

void ui_press(struct ui *ui, const struct scene *scene, const struct press *press, int64_t now_us)
{
	bool in_find = ui->dialog.kind == DIALOG_FIELD && ui->dialog.use == USE_FIND;
	bool leaves = press->code == PRESS_CTRL && press->cp == 'Z';
	enum action action;

	/* What nobody can read is answered by nobody. */
	if (ui->blind && !is_for_the_blind(press)) {
		if (press->code == PRESS_CHAR && press->cp == 'q')
			ui->leave = true;
		return;
	}
	if (sitting_press(ui, scene, press, now_us))
		return;
	if (press->code == PRESS_MOUSE) {
		mouse_press(ui, scene, press, now_us);
		return;
	}
	ui->pressed_us = now_us;
	if (is_deaf(ui, press, now_us))
		return;
	if (ui->notice && now_us - ui->notice_us > FRONT_GUARD_US)
		mem_set(&ui->notice, NULL);
	if (keys_stops(press, place_of(ui))) {
		ui_notice(ui, KEYS_BURST_WORDS, now_us);
		return;
	}
	if (ui->palette.is_open && !leaves) {
		palette_key(ui, scene, press, now_us);
		ui_update(ui, scene, now_us);
		return;
	}
	if (ui->dialog.kind != DIALOG_NONE && dialogs_press(ui, scene, press, now_us)) {
		if (in_find && ui->dialog.kind == DIALOG_NONE && ui->find && press->code == PRESS_ENTER)
			find(ui, scene, false, now_us);
		ui_update(ui, scene, now_us);
		return;
	}
	if (press->code == PRESS_PASTE) {
		ui_notice(ui, "A paste was ignored: no field is open.", now_us);
		return;
	}
	action = keytable_find(IN_LIVE, press);
	if (ui->matter.over && action == ACTION_MENU)
		dialogs_close(ui);
	else if ((action == ACTION_NONE && press->code != PRESS_ESC) || (ui->matter.over && !is_for_the_end(action)))
		dialogs_stray(ui, press, now_us);
	else
		ui_act(ui, scene, action, NULL, now_us);
}
