/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/live/dialogs_stop.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "tui/live/dialogs.h"
#include "tui/part/prose.h"

#define QUICK_US (2 * TIME_SECOND)	/* a look that is younger is not worth stopping */

static bool runs(const struct scene *scene, int64_t seq)
{
	const struct model_call *call = scene_call_find(scene, seq);

	return call && call->state == CALL_RUNNING;
}

static const char *host_of(const struct model_call *call)
{
	return call->host && *call->host ? call->host : "this computer";
}

static const char *command_of(const struct model_call *call)
{
	return call->shown && *call->shown ? call->shown : call->action;
}

/* "stop on app1: sleep 60". Caller owns. */
static char *label_of(const struct model_call *call, const char *what)
{
	struct buf text = { 0 };

	buf_printf(&text, "%s on %s: ", what, host_of(call));
	prose_line(&text, command_of(call));
	return buf_take(&text);
}

static bool is_listed(const struct dialog *dialog, int64_t seq)
{
	for (size_t i = 0; i < dialog->option_count; i++)
		if (dialog->options[i].about == seq)
			return true;
	return false;
}

/* What runs and is not in the list yet. */
static void add_running(struct ui *ui, const struct scene *scene)
{
	const struct model *model = scene->model;

	for (size_t i = 0; i < model->call_count; i++) {
		const struct model_call *call = &model->calls[i];
		char *label;

		if (call->state != CALL_RUNNING || is_listed(&ui->dialog, call->seq) || (call->reads && time_wall_us() - call->begun_us < QUICK_US))
			continue;
		label = label_of(call, "stop");
		dialogs_option(ui, (struct dialog_option){ .use = USE_CANCEL, .about = call->seq }, label, "it and its children get TERM, later KILL");
		mem_free(label);
	}
}

void dialogs_stop(struct ui *ui, const struct scene *scene, bool menu)
{
	dialogs_list(ui, menu ? "WHAT DO YOU WANT?" : "STOP",
		menu ? "Nothing was stopped." : "What is half done stays half done; nothing is undone.");
	ui->matter.stops = true;
	if (menu)
		dialogs_option(ui, (struct dialog_option){ .use = USE_PAUSE }, "pause after what runs now", "no new step or command starts");
	add_running(ui, scene);
	dialogs_option(ui, (struct dialog_option){ .use = USE_ABORT }, "abort the session", "ends it after what runs now has been stopped");
	if (menu)
		dialogs_option(ui, (struct dialog_option){ .use = USE_LEAVE }, "leave this view", "the session goes on");
	dialogs_option(ui, (struct dialog_option){ .use = USE_NOTHING }, "nothing", "");
}

static void mark_ended(struct dialog_option *option, const struct model_call *call)
{
	option->use = USE_ENDED;
	mem_free(option->label);
	option->label = call ? label_of(call, "ended") : mem_strdup("ended");
	mem_set(&option->help, "");
}

void dialogs_stop_update(struct ui *ui, const struct scene *scene, int64_t now_us)
{
	struct dialog *dialog = &ui->dialog;

	if (dialog->kind == DIALOG_FIELD && dialog->use == USE_CANCEL && !runs(scene, ui->matter.call)) {
		bool typed = ui->dialog.edit.len > 0;

		dialogs_close(ui);
		ui_notice(ui, typed ? "The command has ended by itself: nothing was stopped, and what you typed was not sent." : "The command has ended by itself: nothing was stopped.", now_us);
		ui->deaf_us = typed ? now_us + UI_DEAF_US : ui->deaf_us;
	}
	if (dialog->kind != DIALOG_LIST || !ui->matter.stops)
		return;
	for (size_t i = 0; i < dialog->option_count; i++)
		if (dialog->options[i].use == USE_CANCEL && !runs(scene, dialog->options[i].about))
			mark_ended(&dialog->options[i], scene_call_find(scene, dialog->options[i].about));
	add_running(ui, scene);
}

/* The command as it runs, and the question. */
static void ask_why(struct ui *ui, const struct scene *scene, const struct dialog_option *option)
{
	static const char *const why = "Why? (one line, kept in the journal; Esc: do nothing)";
	const struct model_call *call = option->use == USE_CANCEL ? scene_call_find(scene, option->about) : NULL;
	char *title = call ? mem_printf("STOP ON %s", host_of(call)) : mem_strdup("ABORT THE SESSION");
	struct buf text = { 0 };
	int64_t seq = option->about;

	if (call) {
		buf_puts(&text, "$ ");
		prose_command(&text, command_of(call));
		buf_putc(&text, '\n');
	}
	buf_puts(&text, why);
	dialogs_field(ui, (enum dialog_use)option->use, title, buf_text(&text));
	ui->matter.call = seq;
	mem_free(title);
	buf_done(&text);
}

bool dialogs_stop_picked(struct ui *ui, const struct scene *scene, const struct dialog_option *option)
{
	if (option->use == USE_ENDED)
		dialogs_error(ui, "That command has ended by itself: there is nothing to stop.");
	else if (option->use == USE_CANCEL || option->use == USE_ABORT)
		ask_why(ui, scene, option);
	else
		return false;
	return true;
}
