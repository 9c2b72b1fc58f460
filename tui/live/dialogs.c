/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/live/dialogs.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tui/live/dialogs_people.h"
#include "tui/live/dialogs_stop.h"
#include "tui/live/ending.h"
#include "tui/part/fanout.h"
#include "tui/live/kept.h"
#include "tui/live/look.h"
#include "tui/part/people.h"
#include "tui/part/prose.h"
#include "tui/part/record.h"
#include "tui/live/sitting.h"

void dialogs_close(struct ui *ui)
{
	dialog_close(&ui->dialog);
	answer_done(&ui->matter.answer);
	ui->matter = (struct matter){ 0 };
}

static void open_kind(struct ui *ui, enum dialog_kind kind, const char *title, const char *text)
{
	answer_done(&ui->matter.answer);
	ui->matter = (struct matter){ 0 };
	dialog_open(&ui->dialog, kind, USE_NOTHING, title, text);
}

void dialogs_list(struct ui *ui, const char *title, const char *text)
{
	open_kind(ui, DIALOG_LIST, title, text);
}

void dialogs_option(struct ui *ui, struct dialog_option option, const char *label, const char *help)
{
	dialog_option(&ui->dialog, option, label, help);
}

static void question_text(const struct question *question, struct buf *text)
{
	prose_flow(text, question->text);
	buf_putc(text, '\n');
	prose_question(text, question->details, question->data);
	if (question->expect && question_choices(question) == 0)
		buf_printf(text, "To agree, type exactly: %s\n", question->expect);
	else if (question->secret)
		buf_puts(text, "It is not shown and never stored.\n");
	if (question->fallback && *question->fallback && !question_is_dangerous(question) && question_choices(question) == 0)
		buf_printf(text, "Enter alone means: %s\n", question->fallback);
}

static void question_options(struct ui *ui, const struct question *question)
{
	struct choice choice;

	for (size_t i = 0; question_choice_at(question, i, &choice); i++) {
		dialog_option(&ui->dialog, (struct dialog_option){ .use = USE_ANSWER, .choice = i, .sentences = true }, choice.label,
			*choice.help ? choice.help : choice.why ? "needs a reason" : "");
		if (!question_is_dangerous(question) && str_is(question->fallback, choice.value))
			ui->dialog.pick = (long)i;
	}
}

void dialogs_question(struct ui *ui, const struct scene *scene, const struct question *question, int64_t guard_us)
{
	bool list = question_choices(question) > 0, approval = str_is(question->of, "approval");
	bool second = approval && json_text(question->data, "by", NULL) && !people_drives(scene);
	char *title = second ? mem_strdup("YOUR AGREEMENT IS NEEDED") : mem_printf("QUESTION%s%s", *question->host ? " about " : "", question->host);
	struct buf text = { 0 };

	if (approval)
		people_approval(scene, question, &text);
	else
		question_text(question, &text);
	open_kind(ui, list ? DIALOG_LIST : DIALOG_FIELD, title, buf_text(&text));
	ui->dialog.use = USE_ANSWER;
	ui->matter.seq = question->seq;
	ui->dialog.hidden = question->secret;
	ui->matter.buttons = second;
	ui->dialog.front.guard_us = guard_us;
	if (list)
		question_options(ui, question);
	mem_free(title);
	buf_done(&text);
}

void dialogs_sure(struct ui *ui, enum dialog_use use, const char *title, const char *text,
	const char *label)
{
	open_kind(ui, DIALOG_LIST, title, text);
	dialog_option(&ui->dialog, (struct dialog_option){ .use = (int)use }, label, "");
	dialog_option(&ui->dialog, (struct dialog_option){ .use = USE_NOTHING }, "nothing", "");
}

void dialogs_field(struct ui *ui, enum dialog_use use, const char *title, const char *text)
{
	open_kind(ui, DIALOG_FIELD, title, text);
	ui->dialog.use = (int)use;
}

void dialogs_text(struct ui *ui, const char *title, const char *text)
{
	open_kind(ui, DIALOG_TEXT, title, text);
}

void dialogs_ending(struct ui *ui, const struct scene *scene, int64_t session)
{
	struct buf text = { 0 };

	ending_tell(scene, session, ENDING_CLOSED, &text);
	open_kind(ui, DIALOG_TEXT, "THE SESSION IS OVER", buf_text(&text));
	ui->matter.over = true;
	ui->matter.back = ending_may_go_back(scene);
	buf_done(&text);
}

void dialogs_record(struct ui *ui, const struct scene *scene)
{
	struct buf text = { 0 };

	record_text(scene, &text);
	open_kind(ui, DIALOG_TEXT, "RECORD", buf_text(&text));
	ui->dialog.scroll = DIALOG_END;
	buf_done(&text);
}

/* Offers the steps that people left out, or those that were not needed. */
static void enter_options(struct ui *ui, const struct model *model, bool left_out, long number)
{
	for (size_t i = 0; i < model->step_count; i++) {
		const struct model_step *step = &model->steps[i];
		char *label, *help;

		if (number && (long)i + 1 != number)
			continue;
		if ((step->state != STEP_SKIPPED && step->state != STEP_DEFERRED) || model_step_is_left_out(step) != left_out)
			continue;
		label = mem_printf("go back to step %zu, %s", i + 1, step->title);
		help = mem_printf("%s%s%s: %s", step_state_name(step->state), *step->by ? " by " : "", step->by, *step->reason ? step->reason : "no reason was given");
		dialog_option(&ui->dialog, (struct dialog_option){ .use = USE_ENTER, .choice = i + 1 }, label, help);
		mem_free(label);
		mem_free(help);
	}
}

void dialogs_enter(struct ui *ui, const struct scene *scene, long number, int64_t now_us)
{
	open_kind(ui, DIALOG_LIST, "GO BACK TO A STEP", "It is next then, and asked about as usual. What is asked now is asked again after it.");
	enter_options(ui, scene->model, true, number);
	enter_options(ui, scene->model, false, number);
	if (ui->dialog.option_count == 0) {
		dialogs_close(ui);
		ui_notice(ui, number ? "That step was neither skipped nor put off." : "No step was skipped or put off.", now_us);
		return;
	}
	dialog_option(&ui->dialog, (struct dialog_option){ .use = USE_NOTHING }, "nothing", "");
}

/* One row of the table of hosts. */
static void host_option(struct ui *ui, const struct scene *scene, const struct fanout *fanout, size_t i)
{
	const struct model_call *call = fanout->calls[i];
	bool bad = fanout_is_bad(fanout, call);
	static const char *const words[] = { "RUN", "ok", "FAIL", "stop", "DOUBT" };
	char *why = bad ? fanout_why(scene, call) : mem_strdup(call->progress);
	char *label = mem_printf("%-5s %s", words[bad && call->state == CALL_OK ? CALL_FAILED : call->state], call->host);
	char *help = call->exit_code > 0 ? mem_printf("exit status %d%s%s", call->exit_code, *why ? ", " : "", why)
		: mem_strdup(why);

	dialog_option(&ui->dialog, (struct dialog_option){ .use = USE_HOST, .about = call->seq }, label, help);
	mem_free(why);
	mem_free(label);
	mem_free(help);
}

void dialogs_hosts(struct ui *ui, const struct scene *scene, int64_t now_us)
{
	struct fanout fanout;
	char *words;

	fanout_init(&fanout, scene, ui_step(ui, scene));
	if (fanout.count == 0) {
		ui_notice(ui, "This step does not work on several hosts at once.", now_us);
		return;
	}
	words = fanout_words(&fanout);
	open_kind(ui, DIALOG_LIST, "HOSTS", words);
	for (size_t i = 0; i < fanout.count; i++)
		host_option(ui, scene, &fanout, i);
	ui->dialog.pick = 0;
	mem_free(words);
	fanout_done(&fanout);
}

void dialogs_error(struct ui *ui, const char *text)
{
	dialog_error(&ui->dialog, text);
}

/* The answer is complete or needs one more line. */
static void answer_on(struct ui *ui, const struct question *question)
{
	struct dialog *dialog = &ui->dialog;
	enum answer_need need = answer_lacks(question, &ui->matter.answer);

	if (need == ANSWER_COMPLETE) {
		ui_send(ui, answer_intent(&ui->matter.answer));
		ui->sent = question->seq;
		dialogs_close(ui);
		return;
	}
	dialog->kind = DIALOG_FIELD;
	dialog->use = USE_NEED;
	dialog->hidden = false;
	dialog->scroll = 0;
	mem_free(dialog->text);
	dialog->text = mem_strdup(answer_prompt(question, &ui->matter.answer, need));
	mem_set(&dialog->error, NULL);
	edit_clear(&ui->dialog.edit);
}

static void give_value(struct ui *ui, const struct question *question, const char *line)
{
	struct err e;
	struct json *value = question_value(question, line, &e);

	if (!value) {
		dialog_error(&ui->dialog, e.text);
		return;
	}
	answer_done(&ui->matter.answer);
	ui->matter.answer.seq = question->seq;
	ui->matter.answer.value = value;
	answer_on(ui, question);
}

void dialogs_send(struct ui *ui, const char *name, const char *key, const char *text)
{
	struct json *intent = json_new_object();

	json_set_text(intent, "do", name);
	if (key && *text)
		json_set_text(intent, key, text);
	ui_send(ui, intent);
}

static void option_enter(struct ui *ui, const struct scene *scene, int64_t now_us)
{
	struct dialog *dialog = &ui->dialog;
	const struct question *question = scene_question_find(scene, ui->matter.seq);
	const struct dialog_option option = dialog->options[dialog->pick];
	struct choice choice;

	kept_drop(ui);	/* what is refused now was no line */
	if (option.use == USE_ANSWER) {
		if (question && question_choice_at(question, option.choice, &choice))
			give_value(ui, question, choice.value);
		return;
	}
	if (dialogs_stop_picked(ui, scene, &option))
		return;
	if (sitting_option(ui, scene, &option, now_us))
		return;
	dialogs_close(ui);
	if (option.use == USE_ENTER && option.choice <= scene->model->step_count)
		dialogs_send(ui, "enter", "step", scene->model->steps[option.choice - 1].id);
	if (option.use == USE_PAUSE)
		dialogs_send(ui, "pause", NULL, "");
	else if (option.use == USE_CONTINUE)
		dialogs_send(ui, "continue", NULL, "");
	else if (option.use == USE_TAKE)
		dialogs_send(ui, "take", NULL, "");
	else if (option.use == USE_LEAVE)
		ui->leave = true;
	else if (option.use == USE_HOST)
		look_output(ui, option.about);
}

static void find_enter(struct ui *ui)
{
	mem_set(&ui->find, ui->dialog.edit.len > 0 ? ui->dialog.edit.text : NULL);
	ui->match = -1;
}

static void why_enter(struct ui *ui)
{
	struct dialog *dialog = &ui->dialog;
	struct json *intent;

	if (!utf8_says(ui->dialog.edit.text)) {
		dialog_error(dialog, "a reason is needed; Esc closes without doing anything");
		return;
	}
	intent = json_new_object();
	json_set_text(intent, "do", dialog->use == USE_ABORT ? "abort" : "cancel");
	if (dialog->use == USE_CANCEL)
		json_set_int(intent, "call", ui->matter.call);
	json_set_text(intent, "why", ui->dialog.edit.text);
	ui_send(ui, intent);
	dialogs_close(ui);
}

static void need_enter(struct ui *ui, const struct question *question)
{
	struct answer *answer = &ui->matter.answer;
	struct err e;

	if (answer_fill(answer, answer_lacks(question, answer), ui->dialog.edit.text, &e) != 0)
		dialog_error(&ui->dialog, e.text);
	else
		answer_on(ui, question);
}

static void field_enter(struct ui *ui, const struct scene *scene, int64_t now_us)
{
	const struct question *question = scene_question_find(scene, ui->matter.seq);
	enum dialog_use use = (enum dialog_use)ui->dialog.use;

	if (dialogs_people_enter(ui, now_us))
		return;
	if (use == USE_CANCEL || use == USE_ABORT) {
		why_enter(ui);
		return;
	}
	if (use == USE_ANSWER || use == USE_NEED) {
		if (question && use == USE_ANSWER)
			give_value(ui, question, ui->dialog.edit.text);
		else if (question)
			need_enter(ui, question);
		return;
	}
	if (sitting_field(ui, scene, now_us))
		return;
	if (use == USE_FIND)
		find_enter(ui);
	else if (utf8_says(ui->dialog.edit.text))
		dialogs_send(ui, use == USE_NOTE ? "note" : use == USE_SAY ? "say" : "give",
			use == USE_GIVE ? "to" : "text", ui->dialog.edit.text);
	dialogs_close(ui);
}

/* Esc: back to the list of the question when it was asked for more, else closes without deciding. */
static void escape(struct ui *ui, const struct scene *scene, int64_t now_us)
{
	struct dialog *dialog = &ui->dialog;
	const struct question *question = scene_question_find(scene, ui->matter.seq);

	if (question && dialog->use == USE_NEED) {
		dialogs_question(ui, scene, question, 0);
		return;
	}
	if (question) {
		ui->dismissed = ui->matter.seq;
		ui_notice(ui, "Nothing was decided: the question stays open. Enter opens it again.", now_us);
	}
	dialogs_close(ui);
}

void dialogs_stray(struct ui *ui, const struct press *press, int64_t now_us)
{
	if (ui->dialog.kind == DIALOG_NONE) {
		char *text = keytable_stray(press, NULL);

		ui_notice(ui, text, now_us);
		mem_free(text);
	} else {
		dialog_stray(&ui->dialog, press, ui->matter.over ? "the session is over, Esc closes this" : NULL);
	}
	/* Whoever types on means another window: nothing is chosen, and no Enter decides, before there is a pause. */
	if (ui->matter.seq && ui->dialog.kind == DIALOG_LIST) {
		ui->dialog.pick = -1;
		ui->deaf_us = now_us + UI_DEAF_US;
	}
}

/* Enter, where something is picked or typed. */
static void done(struct ui *ui, const struct scene *scene, int64_t now_us)
{
	if (ui->dialog.kind == DIALOG_LIST) {
		option_enter(ui, scene, now_us);
		return;
	}
	kept_take(ui);
	field_enter(ui, scene, now_us);
	if (ui->dialog.kind != DIALOG_NONE)
		kept_drop(ui);
}

/* Keys that mean the same over any box, and pages of the output where the box has none. */
static bool is_for_the_table(const struct press *press)
{
	return press->code == PRESS_PAGE_UP || press->code == PRESS_PAGE_DOWN || (press->code == PRESS_CTRL
		&& (press->cp == 'C' || press->cp == 'L' || press->cp == 'Y' || press->cp == 'Z'));
}

/* A key that the dialog itself has no use for. */
static bool other(struct ui *ui, const struct press *press)
{
	if (ui->matter.back && press->code == PRESS_CHAR && press->cp == 'b') {
		ui->go_back = true;
		dialogs_close(ui);
		return true;
	}
	return ui->dialog.kind == DIALOG_FIELD && !is_for_the_table(press);
}

bool dialogs_press(struct ui *ui, const struct scene *scene, const struct press *press, int64_t now_us)
{
	if (!front_is_early(&ui->dialog.front, now_us) && dialogs_people_press(ui, scene, press))
		return true;
	switch (dialog_press(&ui->dialog, press, now_us)) {
	case DIALOG_EARLY:
		ui_notice(ui, FRONT_EARLY_WORDS, now_us);
		break;
	case DIALOG_DONE:
		done(ui, scene, now_us);
		break;
	case DIALOG_LEFT:
		escape(ui, scene, now_us);
		break;
	case DIALOG_OTHER:
		return other(ui, press);
	case DIALOG_STAYS:
		break;
	}
	return true;
}
