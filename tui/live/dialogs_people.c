/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/live/dialogs_people.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tui/live/dialogs.h"
#include "tui/part/people.h"
#include "tui/part/prose.h"

#define HERE_US ((int64_t)60000000)	/* a key is told of so often at most */

/*
 * Letters go only into the field: what the buttons do is reached with Tab. With a key of its own
 * "disagree" would be one slip away from a name that begins with the same letter.
 */
enum button { BUTTON_FIELD, BUTTON_DISAGREE, BUTTON_SAY, BUTTON_TAKE, BUTTON_RECORD, BUTTON_COUNT };

const char *dialogs_button(size_t i)
{
	static const char *const words[] = { "disagree, say why", "ask in the chat", "take the wheel", "record so far", NULL };

	return i < sizeof(words) / sizeof(words[0]) ? words[i] : NULL;
}

static void send_two(struct ui *ui, const char *name, const char *key, const char *text, const char *more, const char *other)
{
	struct json *intent = json_new_object();

	json_set_text(intent, "do", name);
	json_set_text(intent, key, text);
	if (other && *other)
		json_set_text(intent, more, other);
	ui_send(ui, intent);
}

void dialogs_watch(struct ui *ui, const struct scene *scene, const struct question *question)
{
	struct buf text = { 0 };
	struct choice choice;

	if (str_is(question->of, "approval")) {
		people_approval(scene, question, &text);
		if (people_drives(scene))
			buf_puts(&text, "W takes the request back.\n");
	} else {
		people_asked(scene, question, &text);
		buf_puts(&text, "\n");
		prose_question(&text, question->details, question->data);
		for (size_t i = 0; question_choice_at(question, i, &choice); i++)
			buf_printf(&text, "- %s%s%s\n", choice.label, *choice.help ? ": " : "", choice.help);
		if (scene->me && str_is(scene->my_role, "observer"))
			buf_puts(&text, "You observe: nothing is asked of you. To take part: attach --role navigator.\n");
	}
	dialogs_text(ui, people_drives(scene) ? "YOU ASKED FOR AGREEMENT" : "ANOTHER IS ASKED", buf_text(&text));
	ui->matter.about = question->seq;
	buf_done(&text);
}

/* "NAME TIME": the words of an invitation. False when there is no name. */
static bool invite(struct ui *ui, const char *line)
{
	char *name = mem_strdup(line + strspn(line, " ")), *blank = strchr(name, ' ');
	const char *time = "";
	bool fine = *name != '\0';

	if (blank) {
		*blank = '\0';
		time = blank + 1 + strspn(blank + 1, " ");
	}
	if (fine)
		send_two(ui, "invite", "to", name, "for", time);
	mem_free(name);
	return fine;
}

bool dialogs_people(struct ui *ui, const struct scene *scene, enum action action, const char *arg, int64_t now_us)
{
	if (action == ACTION_TAKE)
		dialogs_sure(ui, USE_TAKE, "TAKE THE WHEEL", scene->lost_us ? "The driver is gone. You will drive this session: you answer its questions."
			: "You will drive this session: you answer its questions. The driver has 20 seconds to refuse; no answer hands it over.",
			"take the wheel");
	else if (action == ACTION_WITHDRAW)
		dialogs_field(ui, USE_WITHDRAW, "WITHDRAW", "Takes back your agreement while the step has not begun, or (driver) your request for it. Why?");
	else if (action == ACTION_INVITE && arg && invite(ui, arg))
		ui_notice(ui, "Invited: they attach with --guest.", now_us);
	else if (action == ACTION_INVITE)
		dialogs_field(ui, USE_INVITE, "INVITE", "A guest watches, and does nothing else. Whose account, for how long? Like: eve 30m");
	else if (action == ACTION_DISMISS && arg)
		dialogs_send(ui, "dismiss", "to", arg);
	else if (action == ACTION_DISMISS)
		dialogs_field(ui, USE_DISMISS, "DISMISS", "Which guest's time ends now?");
	else
		return false;
	return true;
}

static void push_button(struct ui *ui, const struct scene *scene, int button)
{
	int64_t seq = ui->matter.seq;

	if (button == BUTTON_DISAGREE) {
		dialogs_field(ui, USE_DISAGREE, "DISAGREE", "Why? The step is not run; who drives is asked anew. (Esc: back, nothing is decided)");
		ui->matter.call = seq;
	} else if (button == BUTTON_SAY) {
		dialogs_field(ui, USE_SAY, "SAY", "To the others who are here:");
	} else if (button == BUTTON_TAKE) {
		dialogs_people(ui, scene, ACTION_TAKE, NULL, 0);
	} else {
		dialogs_record(ui, scene);
	}
}

bool dialogs_people_press(struct ui *ui, const struct scene *scene, const struct press *press)
{
	struct dialog *dialog = &ui->dialog;

	if (!ui->matter.buttons || (dialog->use != USE_ANSWER && ui->matter.focus == 0))
		return false;
	if (press->code == PRESS_TAB || press->code == PRESS_BACKTAB) {
		ui->matter.focus = (ui->matter.focus + (press->code == PRESS_TAB ? 1 : BUTTON_COUNT - 1)) % BUTTON_COUNT;
		return true;
	}
	if (ui->matter.focus == BUTTON_FIELD)
		return false;
	if (press->code == PRESS_ENTER)
		push_button(ui, scene, ui->matter.focus);
	return press->code == PRESS_ENTER || press->code == PRESS_CHAR || press->code == PRESS_BACKSPACE || press->code == PRESS_PASTE;
}

bool dialogs_people_enter(struct ui *ui, int64_t now_us)
{
	struct dialog *dialog = &ui->dialog;
	struct json *intent;

	if (dialog->use != USE_DISAGREE && dialog->use != USE_WITHDRAW && dialog->use != USE_INVITE && dialog->use != USE_DISMISS)
		return false;
	if (!utf8_says(ui->dialog.edit.text)) {
		mem_set(&dialog->error, "something is needed here; Esc closes without doing anything");
		return true;
	}
	if (dialog->use == USE_DISAGREE) {
		intent = json_new_object();
		json_set_text(intent, "do", "disagree");
		json_set_int(intent, "seq", ui->matter.call);
		json_set_text(intent, "why", ui->dialog.edit.text);
		ui->sent = ui->matter.call;
		ui_send(ui, intent);
	} else if (dialog->use == USE_INVITE) {
		if (invite(ui, ui->dialog.edit.text))
			ui_notice(ui, "Invited: they attach with --guest.", now_us);
	} else {
		dialogs_send(ui, dialog->use == USE_WITHDRAW ? "withdraw" : "dismiss", dialog->use == USE_WITHDRAW ? "why" : "to", ui->dialog.edit.text);
	}
	dialogs_close(ui);
	return true;
}

struct json *dialogs_people_here(struct ui *ui, const struct scene *scene, int64_t now_us)
{
	bool typing = ui->dialog.kind == DIALOG_FIELD && (ui->dialog.use == USE_SAY || ui->dialog.use == USE_NOTE) && ui->dialog.edit.len > 0;
	struct json *intent;

	if (json_count(scene->presence) < 2)
		return NULL;
	if (typing == ui->told_typing && (ui->pressed_us <= ui->told_us || now_us - ui->told_us < HERE_US))
		return NULL;
	ui->told_typing = typing;
	ui->told_us = now_us;
	intent = json_new_object();
	json_set_text(intent, "do", "here");
	if (typing)
		json_set_bool(intent, "typing", true);
	return intent;
}
