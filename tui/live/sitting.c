/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * While the shell's terminal is on the screen all keys are the shell's, but
 * for Ctrl-], as in telnet: the key behind it is for bellbook. Whoever does
 * not drive sees the same, and leaves with Esc.
 */
#define _DEFAULT_SOURCE	/* explicit_bzero */
#include "tui/live/sitting.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tui/live/dialogs.h"
#include "tui/live/ui.h"

#define TERM_TYPE "xterm-256color"	/* what tui/term/vt.c understands */

static const char *host_of(const struct model_call *call)
{
	return *call->host ? call->host : "this computer";
}

/* Host keys and passwords of connections: without an answer the shell does not come up. */
static bool is_about_connection(const struct question *question)
{
	return question && (str_is(question->of, "hostkey") || (str_is(question->of, "secret") && *question->host));
}

bool sitting_is_on(const struct ui *ui, const struct scene *scene)
{
	return ui->sitting.on && scene->vt && !is_about_connection(scene_question(scene));
}

void sitting_done(struct ui *ui)
{
	json_free(ui->sitting.wish);
	ui->sitting.wish = NULL;
}

/* ---- where to go, and what for ---- */

static bool may_go(struct ui *ui, const struct scene *scene, int64_t now_us)
{
	if (!scene_drives(scene))
		ui_notice(ui, "Only the driver may go to a host by hand.", now_us);
	else if (scene->shell)
		ui_notice(ui, "One at a time: a shell is open.", now_us);
	else if (scene->model->dry_run)
		ui_notice(ui, "A dry run does nothing on the hosts.", now_us);
	else
		return true;
	return false;
}

void sitting_hosts(const struct scene *scene, struct buf *out)
{
	for (size_t i = 0; i < json_count(scene->hosts); i++)
		buf_printf(out, "%s\n", json_as_text(json_item(scene->hosts, i)));
}

void sitting_open(struct ui *ui, const struct scene *scene, int64_t now_us)
{
	if (scene->vt) {
		ui->sitting.on = true;
		return;
	}
	if (!may_go(ui, scene, now_us))
		return;
	dialogs_list(ui, "TO A HOST BY HAND", "The step stays as it is and its question stays open. "
		"What a shell shows is recorded, and the others watch; what you type is not recorded.");
	for (size_t i = 0; i < json_count(scene->hosts); i++) {
		const char *host = json_as_text(json_item(scene->hosts, i));
		char *label = mem_printf("a shell on %s", str_is(host, "here") ? "this computer" : host);

		dialogs_option(ui, (struct dialog_option){ .use = USE_SHELL, .choice = i }, label, "");
		mem_free(label);
	}
	dialogs_option(ui, (struct dialog_option){ .use = USE_RUN }, "one command", "on one host, or on several");
	dialogs_option(ui, (struct dialog_option){ .use = USE_NOTHING }, "nothing", "");
}

void sitting_shell(struct ui *ui, const struct scene *scene, const char *host, int64_t now_us)
{
	struct json *intent;

	if (!may_go(ui, scene, now_us))
		return;
	intent = json_new_object();
	json_set_text(intent, "do", "detour");
	json_set_text(intent, "host", host);
	json_set_bool(intent, "shell", true);
	json_set_text(intent, "term", TERM_TYPE);
	if (ui->sitting.rows > 0) {
		json_set_int(intent, "rows", ui->sitting.rows);
		json_set_int(intent, "cols", ui->sitting.cols);
	}
	ui->sitting.asked = true;
	ui_send(ui, intent);
}

/* The intent for "app1,app2 uptime"; NULL when it is none. Caller owns. */
static struct json *read_line(const char *line)
{
	size_t len = strcspn(line, " ");
	const char *cmd = line + len + strspn(line + len, " ");
	struct json *intent, *hosts;

	if (!*cmd || len == 0)
		return NULL;
	hosts = json_new_array();
	for (size_t at = 0; at < len;) {
		size_t n = strcspn(line + at, ", ");

		if (n > 0)
			json_add(hosts, json_new_text(line + at, n));
		at += n + 1;
	}
	intent = json_new_object();
	json_set_text(intent, "do", "detour");
	json_put(intent, "hosts", hosts);
	json_set_text(intent, "cmd", cmd);
	return intent;
}

/* The exact command and where it will run, before it does. */
static void confirm(struct ui *ui, struct json *intent)
{
	const struct json *hosts = json_at(intent, "hosts");
	struct buf text = { 0 };

	buf_puts(&text, "Exactly this runs, once, now, on ");
	for (size_t i = 0; i < json_count(hosts); i++)
		buf_printf(&text, "%s%s", i ? ", " : "", json_as_text(json_item(hosts, i)));
	buf_printf(&text, ":\n$ %s\nIt is recorded as done by hand at this step. Its output is kept in a file there until it is fetched: on a full disk take a shell, which needs none.\n",
		json_text(intent, "cmd", ""));
	dialogs_sure(ui, USE_RUN_SURE, "ONE COMMAND", buf_text(&text), "run it");
	json_free(ui->sitting.wish);
	ui->sitting.wish = intent;
	buf_done(&text);
}

static void ask_line(struct ui *ui)
{
	dialogs_field(ui, USE_RUN, "ONE COMMAND", "Where, commas between the hosts, then the command: app1,app2 uptime\n"
		"You see it once more before it runs.");
}

/* The first of its words is where it runs, and is no host: what is to be mended stays in the field. */
static bool is_nowhere(struct ui *ui, const struct scene *scene, const struct json *intent, const char *line, int64_t now_us)
{
	const struct json *hosts = json_at(intent, "hosts");
	char *words = NULL;

	for (size_t i = 0; i < json_count(hosts) && !words; i++)
		if (!scene_has_host(scene, json_as_text(json_item(hosts, i))))
			words = mem_printf("“%s” is no host of this fleet: say where first, then what.", json_as_text(json_item(hosts, i)));
	if (!words)
		return false;
	ask_line(ui);
	edit_paste(&ui->dialog.edit, line, strlen(line));
	ui_notice(ui, words, now_us);
	mem_free(words);
	return true;
}

void sitting_run(struct ui *ui, const struct scene *scene, const char *line, int64_t now_us)
{
	struct json *intent;

	if (!may_go(ui, scene, now_us))
		return;
	intent = read_line(line);
	if (!intent)
		ui_notice(ui, "Say where and what: app1,app2 uptime", now_us);
	else if (!is_nowhere(ui, scene, intent, line, now_us)) {
		confirm(ui, intent);
		return;
	}
	json_free(intent);
}

bool sitting_option(struct ui *ui, const struct scene *scene, const struct dialog_option *option, int64_t now_us)
{
	enum dialog_use use = (enum dialog_use)option->use;
	size_t choice = option->choice;

	if (use != USE_SHELL && use != USE_RUN && use != USE_RUN_SURE)
		return false;
	dialogs_close(ui);
	if (use == USE_SHELL)
		sitting_shell(ui, scene, json_as_text(json_item(scene->hosts, choice)), now_us);
	else if (use == USE_RUN)
		ask_line(ui);
	else if (ui->sitting.wish)
		ui_send(ui, ui->sitting.wish);
	ui->sitting.wish = use == USE_RUN_SURE ? NULL : ui->sitting.wish;
	return true;
}

bool sitting_field(struct ui *ui, const struct scene *scene, int64_t now_us)
{
	char *line;

	if (ui->dialog.use != USE_RUN)
		return false;
	line = mem_strdup(ui->dialog.edit.len ? ui->dialog.edit.text : "");
	dialogs_close(ui);
	if (*line)
		sitting_run(ui, scene, line, now_us);
	mem_free(line);
	return true;
}

void sitting_reply(struct ui *ui, const struct json *reply)
{
	const struct json *accepted = json_at(reply, "accepted"), *refused = json_at(reply, "refused");

	if (str_is(json_text(refused, "do", ""), "detour"))
		ui->sitting.asked = false;
	if (!str_is(json_text(accepted, "do", ""), "detour"))
		return;
	if (ui->sitting.asked)
		ui->sitting.mine = true;
	ui->sitting.asked = false;
}

/* ---- at the terminal ---- */

static void type(struct ui *ui, const struct scene *scene, const struct buf *keys)
{
	for (size_t at = 0; at < keys->len; at += LIMIT_TYPED) {
		size_t len = keys->len - at < LIMIT_TYPED ? keys->len - at : LIMIT_TYPED;
		struct json *intent = json_new_object();
		struct buf coded = { 0 };

		str_base64(&coded, keys->data + at, len);
		json_set_text(intent, "do", "detour.input");
		json_set_int(intent, "call", scene->shell);
		json_set_text(intent, "bytes", buf_text(&coded));
		ui_send(ui, intent);
		explicit_bzero(coded.data, coded.cap);
		buf_done(&coded);
	}
}

static void send_end(struct ui *ui, const struct scene *scene)
{
	struct json *intent = json_new_object();

	json_set_text(intent, "do", "detour.end");
	json_set_int(intent, "call", scene->shell);
	ui_send(ui, intent);
}

/* Back to the session; a question that came up unseen must not take the key behind this one. */
static void look_away(struct ui *ui, int64_t now_us)
{
	ui->sitting.on = ui->sitting.menu = false;
	if (ui->dialog.kind != DIALOG_NONE)
		ui->dialog.front.guard_us = now_us + FRONT_GUARD_US;
	ui_notice(ui, "The shell stays open: ! comes back to it.", now_us);
}

/* The key behind Ctrl-]. */
static bool menu_press(struct ui *ui, const struct scene *scene, const struct press *press, int64_t now_us)
{
	ui->sitting.menu = false;
	if (press->code == PRESS_CTRL && press->cp == ']')
		return false;
	if (press->code == PRESS_CHAR && press->cp == 'q')
		send_end(ui, scene);
	else if (press->code == PRESS_CHAR && press->cp == 's')
		look_away(ui, now_us);
	return true;
}

bool sitting_press(struct ui *ui, const struct scene *scene, const struct press *press, int64_t now_us)
{
	bool was_menu = ui->sitting.menu;
	struct buf keys = { 0 };

	if (!sitting_is_on(ui, scene))
		return false;
	ui->pressed_us = now_us;
	if (press->code == PRESS_MOUSE)
		return true;
	if (!scene_drives(scene)) {
		if (press->code == PRESS_ESC || (press->code == PRESS_CHAR && press->cp == 'q'))
			look_away(ui, now_us);
		return !(press->code == PRESS_CTRL && (press->cp == 'L' || press->cp == 'Z'));
	}
	if (was_menu && menu_press(ui, scene, press, now_us))
		return true;
	if (!was_menu && press->code == PRESS_CTRL && press->cp == ']') {
		ui->sitting.menu = true;
		return true;
	}
	vt_press(scene->vt, press, &keys);
	ui->sitting.mine = true;
	type(ui, scene, &keys);
	if (keys.data)
		explicit_bzero(keys.data, keys.cap);
	buf_done(&keys);
	return true;
}

void sitting_tell_size(struct ui *ui, const struct scene *scene)
{
	struct sitting *sitting = &ui->sitting;
	struct json *intent;

	if (!sitting_is_on(ui, scene) || !scene_drives(scene) || sitting->rows < 1)
		return;
	if (sitting->rows == sitting->told_rows && sitting->cols == sitting->told_cols)
		return;
	sitting->told_rows = sitting->rows;
	sitting->told_cols = sitting->cols;
	intent = json_new_object();
	json_set_text(intent, "do", "detour.size");
	json_set_int(intent, "call", scene->shell);
	json_set_int(intent, "rows", sitting->rows);
	json_set_int(intent, "cols", sitting->cols);
	ui_send(ui, intent);
}

static void shell_over(struct ui *ui, const struct scene *scene, int64_t now_us)
{
	const struct model *model = scene->model;

	for (size_t i = model->call_count; i-- > 0;) {
		const struct model_call *call = &model->calls[i];
		char *text, *why;

		if (call->seq != ui->sitting.seen)
			continue;
		why = *call->error ? mem_printf(": %s", call->error) : call->exit_code >= 0 ? mem_printf(", exit status %d", call->exit_code) : mem_strdup("");
		text = mem_printf("The shell on %s is over%s", host_of(call), why);
		ui_notice(ui, text, now_us);
		mem_free(text);
		mem_free(why);
	}
	if (ui->sitting.on && ui->dialog.kind != DIALOG_NONE)
		ui->dialog.front.guard_us = now_us + FRONT_GUARD_US;
	ui->sitting.on = ui->sitting.menu = ui->sitting.mine = false;
	ui->sitting.told_rows = ui->sitting.told_cols = 0;
	ui->sitting.seen = 0;
}

/* A new shell comes up by itself, unless something is being typed here. */
static void shell_up(struct ui *ui, const struct scene *scene, int64_t now_us)
{
	ui->sitting.seen = scene->shell;
	mem_set(&ui->notice, NULL);
	ui->sitting.on = ui->sitting.mine || (ui->dialog.edit.len == 0 && !ui->palette.is_open);
	if (!ui->sitting.on)
		ui_notice(ui, "A shell was opened: ! shows it.", now_us);
}

/* The output of a command by hand comes up, and goes when the step goes on; not when something else is looked at. */
static void follow_run(struct ui *ui, const struct scene *scene)
{
	const struct model *model = scene->model;
	const struct model_call *last = model->call_count ? &model->calls[model->call_count - 1] : NULL;

	if (!last || !scene->caught_up)
		return;
	if (last->by_hand && last->rows == 0 && last->seq != ui->sitting.run) {
		if (ui->call == 0 || ui->call == ui->sitting.run)
			ui->call = last->seq;
		ui->sitting.run = last->seq;
	} else if (!last->by_hand && ui->sitting.run && ui->call == ui->sitting.run) {
		ui->call = 0;
	}
}

void sitting_update(struct ui *ui, const struct scene *scene, int64_t now_us)
{
	const struct question *question = scene_question(scene);
	struct buf answers = { 0 };

	follow_run(ui, scene);
	if (ui->sitting.seen && ui->sitting.seen != scene->shell)
		shell_over(ui, scene, now_us);
	if (scene->shell && scene->shell != ui->sitting.seen && scene->caught_up)
		shell_up(ui, scene, now_us);
	/* The connection's question goes before the step's, unless that is being answered. */
	if (is_about_connection(question) && ui->matter.seq && ui->matter.seq != question->seq && ui->dialog.edit.len == 0)
		dialogs_close(ui);
	if (!scene->vt)
		return;
	vt_answers(scene->vt, &answers);
	if (ui->sitting.mine && scene->caught_up && scene_drives(scene))
		type(ui, scene, &answers);
	buf_done(&answers);
}
