/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/ui.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

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
	dialog_close(ui);
	for (size_t i = 0; i < ui->intent_count; i++)
		json_free(ui->intents[i]);
	mem_free(ui->intents);
	mem_free(ui->find);
	mem_free(ui->notice);
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

const struct model_call *ui_call(const struct ui *ui, const struct scene *scene)
{
	const struct model *model = scene->model;

	for (size_t i = model->call_count; ui->call && i-- > 0;)
		if (model->calls[i].seq == ui->call)
			return &model->calls[i];
	return scene_focus(scene);
}

/* Somebody else, or the session, closed the question in the dialog. What is typed on is for nobody. */
static void closed_under_us(struct ui *ui, const struct scene *scene, int64_t seq, int64_t now_us)
{
	bool typed = ui->edit.len > 0;
	char *text = mem_printf("%s%s", scene->gone && scene->gone_seq == seq ? scene->gone
		: "The question is closed.", typed ? " What you typed was not sent." : "");

	dialog_close(ui);
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
	int64_t seq = ui->dialog.seq;

	if (seq && !scene_question_find(scene, seq))
		closed_under_us(ui, scene, seq, now_us);
	if (ui->sent && !scene_question_find(scene, ui->sent))
		ui->sent = 0;
	question = scene_question(scene);
	if (!scene->caught_up || !question || question->seq == ui->dismissed || question->seq == ui->sent)
		return;
	if (ui->dialog.kind == DIALOG_NONE)
		dialog_question(ui, question, now_us + UI_GUARD_US);
	else if (ui->dialog.seq == 0 && !ui->notice)
		ui_notice(ui, "A question waits: it comes up when you close this.", now_us);
}

void ui_reply(struct ui *ui, const struct json *reply, int64_t now_us)
{
	const struct json *refused = json_at(reply, "refused");
	char *text;

	if (!refused)
		return;
	text = mem_printf("Refused: %s", json_text(refused, "why", "no reason was given"));
	ui_notice(ui, text, now_us);
	mem_free(text);
	if (!str_is(json_text(refused, "do", ""), "answer"))
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
		ui_notice(ui, backwards ? "Not found above." : "Not found below.", now_us);
		return;
	}
	ui->match = output_dropped(output) + found;
	ui->call = call->seq;
	ui->follow = false;
	ui->top = ui->match > ui->page / 2 ? ui->match - ui->page / 2 : 0;
}

/* Next call that has output, in order of begin. */
static void next_call(struct ui *ui, const struct scene *scene, int by)
{
	const struct model *model = scene->model;
	const struct model_call *now = ui_call(ui, scene);
	long count = (long)model->call_count, at = now ? now - model->calls : -1;

	for (long i = at + by; at >= 0 && i >= 0 && i < count; i += by) {
		if (!scene_output(scene, model->calls[i].seq) && model->calls[i].state != CALL_RUNNING)
			continue;
		ui->call = model->calls[i].seq;
		ui->follow = true;
		ui->match = -1;
		return;
	}
	if (by > 0)
		ui->call = 0;
}

static void open_question(struct ui *ui, const struct scene *scene, int64_t now_us)
{
	const struct question *question = scene_question(scene);

	if (question && question->seq == ui->sent)
		ui_notice(ui, "Your answer is under way.", now_us);
	else if (question)
		dialog_question(ui, question, 0);
	else
		ui_notice(ui, "Nothing is asked now.", now_us);
}

static void pause_or_go(struct ui *ui, const struct scene *scene)
{
	if (scene->model->state == SESSION_PAUSED)
		dialog_sure(ui, USE_CONTINUE, "CONTINUE", "The session is paused. Let it go on?", "continue");
	else
		dialog_sure(ui, USE_PAUSE, "PAUSE",
			"No new step or command starts on any host. What runs now goes on to its end.",
			"pause after what runs now");
}

static void follow(struct ui *ui)
{
	ui->follow = true;
	ui->call = 0;
}

static void act_on_output(struct ui *ui, const struct scene *scene, enum action action, int64_t now_us)
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
		next_call(ui, scene, action == ACTION_NEXT_CALL ? 1 : -1);
	else if (action == ACTION_RAW)
		ui->raw = !ui->raw;
	else if (action == ACTION_EXPLAIN)
		ui->explain = !ui->explain;
}

/* Actions that open something. */
static bool act_open(struct ui *ui, const struct scene *scene, enum action action, int64_t now_us)
{
	if (action == ACTION_HELP)
		dialog_help(ui);
	else if (action == ACTION_RECORD)
		dialog_record(ui, scene);
	else if (action == ACTION_QUESTION)
		open_question(ui, scene, now_us);
	else if (action == ACTION_NOTE)
		dialog_field(ui, USE_NOTE, "NOTE", "A note for the journal, at this step:");
	else if (action == ACTION_SAY)
		dialog_field(ui, USE_SAY, "SAY", "To the others who are here:");
	else if (action == ACTION_FIND)
		dialog_field(ui, USE_FIND, "FIND", "In the output (upper and lower case are the same):");
	else if (action == ACTION_PAUSE)
		pause_or_go(ui, scene);
	else if (action == ACTION_STOP || action == ACTION_MENU)
		dialog_stop(ui, scene, action == ACTION_MENU);
	else if (action == ACTION_TAKE)
		dialog_sure(ui, USE_TAKE, "TAKE THE WHEEL", "You will drive this session: you answer its questions.",
			"take the wheel");
	else if (action == ACTION_GIVE)
		dialog_field(ui, USE_GIVE, "HAND OVER", "Who shall drive this session? Type the name:");
	else
		return false;
	return true;
}

void ui_press(struct ui *ui, const struct scene *scene, const struct press *press, int64_t now_us)
{
	bool in_find = ui->dialog.kind == DIALOG_FIELD && ui->dialog.use == USE_FIND;
	enum action action;

	ui->pressed_us = now_us;
	if (is_deaf(ui, press, now_us))
		return;
	if (ui->notice && now_us - ui->notice_us > UI_GUARD_US)
		mem_set(&ui->notice, NULL);
	if (ui->dialog.kind != DIALOG_NONE && dialog_press(ui, scene, press, now_us)) {
		if (in_find && ui->dialog.kind == DIALOG_NONE && ui->find && press->code == PRESS_ENTER)
			find(ui, scene, false, now_us);
		ui_update(ui, scene, now_us);
		return;
	}
	if (press->code == PRESS_PASTE) {
		ui_notice(ui, "A paste was ignored: no field is open.", now_us);
		return;
	}
	action = keytable_find(press);
	if (action == ACTION_LEAVE)
		ui->leave = true;
	else if (action == ACTION_REDRAW)
		ui->redraw = true;
	else if (action == ACTION_SUSPEND)
		ui->suspend = true;
	else if (!act_open(ui, scene, action, now_us))
		act_on_output(ui, scene, action, now_us);
}
