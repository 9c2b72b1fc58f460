/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person looks at in the live view: a step other than the present one, a command's output, what is copied. */
#include "tui/live/look.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tui/part/fanout.h"
#include "tui/part/prose.h"
#include "tui/part/record.h"

const struct model_step *ui_step(const struct ui *ui, const struct scene *scene)
{
	const struct model *model = scene->model;
	const struct model_step *chosen = ui->step ? model_step_find(scene->model, ui->step) : NULL;
	const struct model_call *call;
	long at = model_current(model);

	if (chosen)
		return chosen;
	call = ui_call(ui, scene);
	if (ui->call && call)
		return model_step_find(scene->model, call->step);
	if (at >= 0)
		return &model->steps[at];
	return call ? model_step_find(scene->model, call->step) : NULL;
}

const struct model_call *ui_call(const struct ui *ui, const struct scene *scene)
{
	const struct model_step *step = ui->step ? model_step_find(scene->model, ui->step) : NULL;
	const struct model_call *call = scene_call_find(scene, ui->call);

	if (call)
		return call;
	return step ? scene_step_call(scene, step) : scene_focus(scene);
}

static void choose_step(struct ui *ui, const struct scene *scene, long i)
{
	const struct model_step *step = scene->model->steps;

	if (!step)
		return;
	mem_set(&ui->step, i == model_current(scene->model) ? NULL : step[i].id);
	ui->call = 0;
	ui->follow = true;
	ui->match = -1;
}

void look_now(struct ui *ui)
{
	mem_set(&ui->step, NULL);
	ui->call = 0;
	ui->follow = true;
	ui->match = -1;
}

void look_step(struct ui *ui, const struct scene *scene, long by, int64_t now_us)
{
	const struct model *model = scene->model;
	const struct model_step *from = ui_step(ui, scene);
	long to = from ? from - model->steps + by : by > 0 ? 0 : (long)model->step_count - 1;

	if (to < 0 || to >= (long)model->step_count) {
		ui_notice(ui, to < 0 ? "This is the first step." : "This is the last step.", now_us);
		return;
	}
	choose_step(ui, scene, to);
}

void look_at(struct ui *ui, const struct scene *scene, const char *word, int64_t now_us)
{
	const struct model *model = scene->model;
	size_t len = word ? strcspn(word, " ") : 0;
	char *first = mem_dup(word ? word : "", len);
	int64_t number = 0;
	long found = -1;

	if (str_to_int(first, 1, (int64_t)model->step_count, &number))
		found = (long)number - 1;
	for (size_t i = 0; found < 0 && i < model->step_count; i++)
		if (str_is(model->steps[i].id, first))
			found = (long)i;
	if (found >= 0)
		choose_step(ui, scene, found);
	else
		ui_notice(ui, "Which step? Type its number, as in  :step 3", now_us);
	mem_free(first);
}

void look_output(struct ui *ui, int64_t call)
{
	ui->call = call;
	ui->follow = true;
	ui->match = -1;
}

void look_call(struct ui *ui, const struct scene *scene, int by)
{
	const struct model *model = scene->model;
	const struct model_call *now = ui_call(ui, scene);
	long count = (long)model->call_count, at = now ? now - model->calls : -1;

	for (long i = at + by; at >= 0 && i >= 0 && i < count; i += by) {
		if (ui->step && !str_is(model->calls[i].step, ui->step))
			continue;
		if (!scene_output(scene, model->calls[i].seq) && model->calls[i].state != CALL_RUNNING)
			continue;
		look_output(ui, model->calls[i].seq);
		return;
	}
	if (by > 0)
		ui->call = 0;
}

/* As a shell takes it: folder and variables before it. */
static void copy_command(const struct model_call *call, struct buf *out)
{
	prose_command(out, call->before);
	prose_command(out, call->shown && *call->shown ? call->shown : call->action);
	buf_putc(out, '\n');
}

static void copy_output(const struct scene *scene, const struct model_call *call, struct buf *out)
{
	struct output *output = scene_output(scene, call->seq);

	buf_printf(out, "# on %s%s%s", call->host && *call->host ? call->host : "this computer", *call->as ? " as " : "", call->as);
	if (call->exit_code >= 0)
		buf_printf(out, ", exit status %d", call->exit_code);
	if (output && output_dropped(output) > 0)
		buf_printf(out, ", without the oldest %lld lines", (long long)output_dropped(output));
	utf8_safe(out, call->where, strlen(call->where), false);
	buf_puts(out, "\n$ ");
	prose_command(out, call->shown && *call->shown ? call->shown : call->action);
	buf_putc(out, '\n');
	for (size_t i = 0; output && i < output_count(output); i++)
		buf_printf(out, "%s\n", output_at(output, i)->text);
	for (int err = 0; output && err < 2; err++)
		if (*output_partial(output, err))
			buf_printf(out, "%s\n", output_partial(output, err));
}

/* The line found, else the last one. */
static void copy_line(const struct ui *ui, const struct scene *scene, const struct model_call *call, struct buf *out)
{
	struct output *output = scene_output(scene, call->seq);
	int64_t last = output ? (int64_t)output_count(output) - 1 : -1;
	int64_t at = output && ui->match >= 0 ? ui->match - output_dropped(output) : last;
	const struct output_line *line = at >= 0 ? output_at(output, (size_t)at) : NULL;

	buf_puts(out, line ? line->text : "");
}

/* Length of the web address that text begins with, without the mark of the sentence behind it; 0 = none. */
static size_t address_len(const char *text)
{
	size_t scheme = str_starts(text, "https://") ? 8 : str_starts(text, "http://") ? 7 : 0;
	size_t len = scheme ? strcspn(text, " \t\n\"<>|") : 0;

	while (len > scheme && strchr(".,;:!?)'", text[len - 1]))
		len--;
	return len > scheme ? len : 0;
}

/* Each address once, a line each. */
static void copy_addresses(const char *text, struct buf *out)
{
	for (; *text; text++) {
		size_t len = address_len(text);
		char *line = len ? mem_printf("%.*s\n", (int)len, text) : NULL;

		if (line && !strstr(buf_text(out), line))
			buf_puts(out, line);
		text += len ? len - 1 : 0;
		mem_free(line);
	}
}

/* What a question would run, each as a shell takes it. */
static void copy_asked(const struct question *question, struct buf *out)
{
	const struct json *commands = question ? json_at(question->data, "commands") : NULL;

	for (size_t i = 0; i < json_count(commands); i++) {
		prose_command(out, json_text(json_item(commands, i), "exact", json_text(json_item(commands, i), "shown", "")));
		buf_putc(out, '\n');
	}
}

/* Of the box that is in front: its addresses, else its commands; of the end's all. NULL = it has neither. */
static const char *copy_box(const struct ui *ui, const struct scene *scene, struct buf *out)
{
	if (ui->dialog.kind == DIALOG_NONE || !ui->dialog.text)
		return NULL;
	if (ui->matter.over) {
		buf_puts(out, ui->dialog.text);
		return "ending";
	}
	copy_addresses(ui->dialog.text, out);
	if (out->len)
		return "addresses";
	copy_asked(scene_question_find(scene, ui->matter.seq), out);
	return out->len ? "commands" : NULL;
}

const char *look_box(const struct ui *ui, const struct scene *scene)
{
	struct buf text = { 0 };
	const char *what = copy_box(ui, scene, &text);

	buf_done(&text);
	return what;
}

void look_copy(struct ui *ui, const struct scene *scene, const char *what, int64_t now_us)
{
	const struct model_call *call = ui_call(ui, scene);
	struct buf text = { 0 };

	if (!what)
		what = copy_box(ui, scene, &text);
	if (text.len) {
		mem_free(ui->copy);
		ui->copy = buf_take(&text);
		mem_set(&ui->copy_name, what);
		return;
	}
	if (!what)
		what = "output";
	if (str_is(what, "record"))
		record_text(scene, &text);
	else if (call && str_is(what, "output"))
		copy_output(scene, call, &text);
	else if (call && str_is(what, "command"))
		copy_command(call, &text);
	else if (call && str_is(what, "line"))
		copy_line(ui, scene, call, &text);
	if (text.len == 0) {
		ui_notice(ui, call ? "Copy what? output, command, line or record." : "There is nothing to copy yet.", now_us);
		buf_done(&text);
		return;
	}
	mem_free(ui->copy);
	ui->copy = buf_take(&text);
	mem_set(&ui->copy_name, what);
}
