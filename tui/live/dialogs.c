/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Dialogs of the live view. What changes something is either picked from a list with the arrows and Enter,
 * or typed into a field; a letter alone never answers. A dialog that came up by itself ignores keys for
 * FRONT_GUARD_US: they were meant for what was on the screen before.
 */
#include "tui/live/dialogs.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tui/live/dialogs_people.h"
#include "tui/live/dialogs_stop.h"
#include "tui/live/ending.h"
#include "tui/part/fanout.h"
#include "tui/part/kept.h"
#include "tui/live/look.h"
#include "tui/part/people.h"
#include "tui/part/prose.h"
#include "tui/part/record.h"
#include "tui/live/sitting.h"

#define TEXT_END 1000000	/* draw makes it the last page */

static char *safe(const char *text, bool keep_lines)
{
	struct buf out = { 0 };

	utf8_safe(&out, text, strlen(text), keep_lines);
	return buf_take(&out);
}

static void options_done(struct dialog *dialog)
{
	for (size_t i = 0; i < dialog->option_count; i++) {
		mem_free(dialog->options[i].label);
		mem_free(dialog->options[i].help);
	}
	mem_free(dialog->options);
	dialog->options = NULL;
	dialog->option_count = 0;
}

void dialogs_close(struct ui *ui)
{
	struct dialog *dialog = &ui->dialog;

	options_done(dialog);
	answer_done(&dialog->answer);
	mem_free(dialog->title);
	mem_free(dialog->text);
	mem_free(dialog->error);
	edit_clear(&ui->edit);
	*dialog = (struct dialog){ .pick = -1 };
}

static void dialog_open(struct ui *ui, enum dialog_kind kind, const char *title, const char *text)
{
	dialogs_close(ui);
	ui->dialog.kind = kind;
	ui->dialog.title = safe(title, false);
	ui->dialog.text = safe(text, true);
}

static void option_add(struct dialog *dialog, struct option option, const char *label, const char *help)
{
	option.label = safe(label, false);
	option.help = safe(help, false);
	dialog->options = mem_grow(dialog->options, dialog->option_count + 1, sizeof(option));
	dialog->options[dialog->option_count++] = option;
}

void dialogs_list(struct ui *ui, const char *title, const char *text)
{
	dialog_open(ui, DIALOG_LIST, title, text);
}

void dialogs_option(struct ui *ui, struct option option, const char *label, const char *help)
{
	option_add(&ui->dialog, option, label, help);
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
		option_add(&ui->dialog, (struct option){ .use = USE_ANSWER, .choice = i }, choice.label,
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
	dialog_open(ui, list ? DIALOG_LIST : DIALOG_FIELD, title, buf_text(&text));
	ui->dialog.use = USE_ANSWER;
	ui->dialog.seq = question->seq;
	ui->dialog.hidden = question->secret;
	ui->dialog.buttons = second;
	ui->dialog.front.guard_us = guard_us;
	if (list)
		question_options(ui, question);
	mem_free(title);
	buf_done(&text);
}

void dialogs_sure(struct ui *ui, enum dialog_use use, const char *title, const char *text,
	const char *label)
{
	dialog_open(ui, DIALOG_LIST, title, text);
	option_add(&ui->dialog, (struct option){ .use = use }, label, "");
	option_add(&ui->dialog, (struct option){ .use = USE_NOTHING }, "nothing", "");
}

void dialogs_field(struct ui *ui, enum dialog_use use, const char *title, const char *text)
{
	dialog_open(ui, DIALOG_FIELD, title, text);
	ui->dialog.use = use;
}

void dialogs_text(struct ui *ui, const char *title, const char *text)
{
	dialog_open(ui, DIALOG_HELP, title, text);
}

void dialogs_ending(struct ui *ui, const struct scene *scene, int64_t session)
{
	struct buf text = { 0 };

	ending_tell(scene, session, ENDING_CLOSED, &text);
	dialog_open(ui, DIALOG_HELP, "THE SESSION IS OVER", buf_text(&text));
	ui->dialog.over = true;
	ui->dialog.back = ending_may_go_back(scene);
	buf_done(&text);
}

void dialogs_record(struct ui *ui, const struct scene *scene)
{
	struct buf text = { 0 };

	record_text(scene, &text);
	dialog_open(ui, DIALOG_HELP, "RECORD", buf_text(&text));
	ui->dialog.scroll = TEXT_END;
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
		option_add(&ui->dialog, (struct option){ .use = USE_ENTER, .choice = i + 1 }, label, help);
		mem_free(label);
		mem_free(help);
	}
}

void dialogs_enter(struct ui *ui, const struct scene *scene, long number, int64_t now_us)
{
	dialog_open(ui, DIALOG_LIST, "GO BACK TO A STEP", "It is next then, and asked about as usual. What is asked now is asked again after it.");
	enter_options(ui, scene->model, true, number);
	enter_options(ui, scene->model, false, number);
	if (ui->dialog.option_count == 0) {
		dialogs_close(ui);
		ui_notice(ui, number ? "That step was neither skipped nor put off." : "No step was skipped or put off.", now_us);
		return;
	}
	option_add(&ui->dialog, (struct option){ .use = USE_NOTHING }, "nothing", "");
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

	option_add(&ui->dialog, (struct option){ .use = USE_HOST, .call = call->seq }, label, help);
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
	dialog_open(ui, DIALOG_LIST, "HOSTS", words);
	for (size_t i = 0; i < fanout.count; i++)
		host_option(ui, scene, &fanout, i);
	ui->dialog.pick = 0;
	mem_free(words);
	fanout_done(&fanout);
}

static void set_error(struct dialog *dialog, const char *text)
{
	mem_free(dialog->error);
	dialog->error = safe(text, false);
}

void dialogs_error(struct ui *ui, const char *text)
{
	set_error(&ui->dialog, text);
}

/* The answer is complete or needs one more line. */
static void answer_on(struct ui *ui, const struct question *question)
{
	struct dialog *dialog = &ui->dialog;
	enum answer_need need = answer_lacks(question, &dialog->answer);

	if (need == ANSWER_COMPLETE) {
		ui_send(ui, answer_intent(&dialog->answer));
		ui->sent = question->seq;
		dialogs_close(ui);
		return;
	}
	dialog->kind = DIALOG_FIELD;
	dialog->use = USE_NEED;
	dialog->hidden = false;
	dialog->scroll = 0;
	mem_free(dialog->text);
	dialog->text = mem_strdup(answer_prompt(question, &dialog->answer, need));
	mem_set(&dialog->error, NULL);
	edit_clear(&ui->edit);
}

static void give_value(struct ui *ui, const struct question *question, const char *line)
{
	struct err e;
	struct json *value = question_value(question, line, &e);

	if (!value) {
		set_error(&ui->dialog, e.text);
		return;
	}
	answer_done(&ui->dialog.answer);
	ui->dialog.answer.seq = question->seq;
	ui->dialog.answer.value = value;
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
	const struct question *question = scene_question_find(scene, dialog->seq);
	const struct option option = dialog->options[dialog->pick];
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
		look_output(ui, option.call);
}

static void find_enter(struct ui *ui)
{
	mem_set(&ui->find, ui->edit.len > 0 ? ui->edit.text : NULL);
	ui->match = -1;
}

static void why_enter(struct ui *ui)
{
	struct dialog *dialog = &ui->dialog;
	struct json *intent;

	if (!utf8_says(ui->edit.text)) {
		set_error(dialog, "a reason is needed; Esc closes without doing anything");
		return;
	}
	intent = json_new_object();
	json_set_text(intent, "do", dialog->use == USE_ABORT ? "abort" : "cancel");
	if (dialog->use == USE_CANCEL)
		json_set_int(intent, "call", dialog->call);
	json_set_text(intent, "why", ui->edit.text);
	ui_send(ui, intent);
	dialogs_close(ui);
}

static void need_enter(struct ui *ui, const struct question *question)
{
	struct answer *answer = &ui->dialog.answer;
	struct err e;

	if (answer_fill(answer, answer_lacks(question, answer), ui->edit.text, &e) != 0)
		set_error(&ui->dialog, e.text);
	else
		answer_on(ui, question);
}

static void field_enter(struct ui *ui, const struct scene *scene, int64_t now_us)
{
	const struct question *question = scene_question_find(scene, ui->dialog.seq);
	enum dialog_use use = ui->dialog.use;

	if (dialogs_people_enter(ui, now_us))
		return;
	if (use == USE_CANCEL || use == USE_ABORT) {
		why_enter(ui);
		return;
	}
	if (use == USE_ANSWER || use == USE_NEED) {
		if (question && use == USE_ANSWER)
			give_value(ui, question, ui->edit.text);
		else if (question)
			need_enter(ui, question);
		return;
	}
	if (sitting_field(ui, scene, now_us))
		return;
	if (use == USE_FIND)
		find_enter(ui);
	else if (utf8_says(ui->edit.text))
		dialogs_send(ui, use == USE_NOTE ? "note" : use == USE_SAY ? "say" : "give",
			use == USE_GIVE ? "to" : "text", ui->edit.text);
	dialogs_close(ui);
}

/* Esc: back to the list of the question when it was asked for more, else closes without deciding. */
static void escape(struct ui *ui, const struct scene *scene, int64_t now_us)
{
	struct dialog *dialog = &ui->dialog;
	const struct question *question = scene_question_find(scene, dialog->seq);

	if (question && dialog->use == USE_NEED) {
		dialogs_question(ui, scene, question, 0);
		return;
	}
	if (question) {
		ui->dismissed = dialog->seq;
		ui_notice(ui, "Nothing was decided: the question stays open. Enter opens it again.", now_us);
	}
	dialogs_close(ui);
}

static void move_pick(struct dialog *dialog, long to)
{
	if (to >= (long)dialog->option_count)
		to = (long)dialog->option_count - 1;
	dialog->pick = to < 0 ? 0 : to;
	mem_set(&dialog->error, NULL);
}

static bool list_press(struct ui *ui, const struct scene *scene, const struct press *press, int64_t now_us)
{
	struct dialog *dialog = &ui->dialog;
	bool letter = press->code == PRESS_CHAR;

	if (press->code == PRESS_UP || (letter && press->cp == 'k'))
		move_pick(dialog, dialog->pick < 0 ? (long)dialog->option_count - 1 : dialog->pick - 1);
	else if (press->code == PRESS_DOWN || (letter && press->cp == 'j'))
		move_pick(dialog, dialog->pick + 1);
	else if (letter && press->cp >= '1' && press->cp < '1' + (uint32_t)dialog->option_count)
		move_pick(dialog, (long)(press->cp - '1'));
	else if (press->code != PRESS_ENTER)
		return false;
	else if (dialog->pick < 0)
		set_error(dialog, "choose with the arrows or a number first, then Enter");
	else
		option_enter(ui, scene, now_us);
	return true;
}

/* Scrolls the text of a dialog; draw keeps it within the text. False when the key is for something else. */
static bool text_press(struct dialog *dialog, const struct press *press)
{
	if (dialog->page == 0)
		return false;
	if (press->code == PRESS_PAGE_UP)
		dialog->scroll -= dialog->scroll < dialog->page ? dialog->scroll : dialog->page;
	else if (press->code == PRESS_PAGE_DOWN)
		dialog->scroll += dialog->page;
	else
		return false;
	return true;
}

static bool is_letter(const struct press *press, const char *letters)
{
	return press->code == PRESS_CHAR && press->cp < 0x80 && press->cp && strchr(letters, (int)press->cp);
}

/* A text to be read: keys that move never close it. */
static bool help_press(struct ui *ui, const struct press *press)
{
	struct dialog *dialog = &ui->dialog;
	int page = dialog->page > 0 ? dialog->page : 1;

	mem_set(&dialog->error, NULL);
	if (press->code == PRESS_UP || is_letter(press, "k"))
		dialog->scroll -= dialog->scroll > 0;
	else if (press->code == PRESS_DOWN || is_letter(press, "j"))
		dialog->scroll++;
	else if (press->code == PRESS_PAGE_UP || (press->code == PRESS_CTRL && press->cp == 'U'))
		dialog->scroll -= dialog->scroll < page ? dialog->scroll : page;
	else if (press->code == PRESS_PAGE_DOWN || is_letter(press, " ") || (press->code == PRESS_CTRL && press->cp == 'D'))
		dialog->scroll += page;
	else if (press->code == PRESS_HOME || is_letter(press, "g"))
		dialog->scroll = 0;
	else if (press->code == PRESS_END || is_letter(press, "G"))
		dialog->scroll = TEXT_END;
	else if (press->code == PRESS_ENTER || press->code == PRESS_ESC || is_letter(press, "q"))
		dialogs_close(ui);
	else if (dialog->back && is_letter(press, "b")) {
		ui->go_back = true;
		dialogs_close(ui);
	} else
		return false;
	return true;
}

void dialogs_stray(struct ui *ui, const struct press *press, int64_t now_us)
{
	enum dialog_kind kind = ui->dialog.kind;
	char *text = keytable_stray(press, kind == DIALOG_NONE ? NULL : kind == DIALOG_LIST ? "choose with the arrows or a number, then Enter"
		: ui->dialog.over ? "the session is over, Esc closes this" : "Esc closes this");

	if (kind == DIALOG_NONE)
		ui_notice(ui, text, now_us);
	else
		set_error(&ui->dialog, text);
	mem_free(text);
	/* Whoever types on means another window: nothing is chosen, and no Enter decides, before there is a pause. */
	if (ui->dialog.seq && ui->dialog.kind == DIALOG_LIST) {
		ui->dialog.pick = -1;
		ui->deaf_us = now_us + UI_DEAF_US;
	}
}

bool dialogs_press(struct ui *ui, const struct scene *scene, const struct press *press, int64_t now_us)
{
	struct dialog *dialog = &ui->dialog;
	bool scrolls = press->code == PRESS_PAGE_UP || press->code == PRESS_PAGE_DOWN;

	if (front_is_early(&dialog->front, now_us)) {
		ui_notice(ui, FRONT_EARLY_WORDS, now_us);
		return true;
	}
	if (dialog->kind == DIALOG_HELP)
		return help_press(ui, press);
	if (press->code == PRESS_ESC) {
		escape(ui, scene, now_us);
		return true;
	}
	if (text_press(dialog, press) || dialogs_people_press(ui, scene, press))
		return true;
	if (scrolls || (press->code == PRESS_CTRL && (press->cp == 'C' || press->cp == 'L'
		|| press->cp == 'Y' || press->cp == 'Z')))
		return false;
	if (dialog->kind == DIALOG_LIST) {
		if (press->code == PRESS_CHAR && press->cp == 'q') {
			escape(ui, scene, now_us);
			return true;
		}
		return list_press(ui, scene, press, now_us);
	}
	if (press->code == PRESS_ENTER) {
		kept_take(ui);
		field_enter(ui, scene, now_us);
		if (ui->dialog.kind != DIALOG_NONE)
			kept_drop(ui);
	} else if (edit_press(&ui->edit, press))
		mem_set(&dialog->error, NULL);
	return true;
}
