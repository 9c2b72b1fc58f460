/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "tui/draw_int.h"
#include "tui/fanout.h"
#include "tui/keytable.h"

/* Somebody else is here too. */
static bool has_company(const struct scene *scene)
{
	for (size_t i = 0; i < json_count(scene->presence); i++)
		if (!str_is(json_text(json_item(scene->presence, i), "who", ""), scene->me))
			return true;
	return false;
}

static bool has_hosts(const struct frame *frame)
{
	struct fanout fanout;
	bool many;

	fanout_init(&fanout, frame->scene, ui_step(frame->ui, frame->scene));
	many = fanout.count > 0;
	fanout_done(&fanout);
	return many;
}

/* What the key does just now, NULL when it would do nothing. */
static const char *hint_now(const struct frame *frame, const struct action_row *row)
{
	const struct scene *scene = frame->scene;
	const struct ui *ui = frame->ui;
	bool driving = scene->me && str_is(scene->model->driver, scene->me);

	if (row->action == ACTION_QUESTION)
		return scene_question(scene) && ui->dialog.seq == 0 ? row->hint : NULL;
	if (row->action == ACTION_NOW)
		return ui->step || ui->call ? "back to now" : NULL;
	if (row->action == ACTION_FOLLOW)
		return ui->follow ? NULL : "follow";
	if (row->action == ACTION_FIND_NEXT)
		return ui->find && ui->match >= 0 ? "next found" : NULL;
	if (row->action == ACTION_PAUSE)
		return scene->model->state == SESSION_PAUSED ? "continue" : row->hint;
	if (row->action == ACTION_TAKE)
		return driving || !scene->me ? NULL : "take the wheel";
	if (row->action == ACTION_HOSTS)
		return has_hosts(frame) ? "hosts" : NULL;
	if (row->action == ACTION_SAY)
		return has_company(scene) ? row->hint : NULL;
	return row->action == ACTION_RAW && ui->raw ? "back" : row->hint;
}

void draw_hints(struct frame *frame, int row)
{
	/* What only now means something comes before what always does. */
	static const enum action order[] = { ACTION_HELP, ACTION_QUESTION, ACTION_NOW, ACTION_FOLLOW,
		ACTION_FIND_NEXT, ACTION_HOSTS, ACTION_TAKE, ACTION_LEAVE, ACTION_STOP, ACTION_PAUSE, ACTION_PALETTE,
		ACTION_NOTE, ACTION_RECORD, ACTION_PREVIOUS_STEP, ACTION_FIND, ACTION_SAY, ACTION_EXPLAIN,
		ACTION_RAW, ACTION_COPY };
	static const enum action raw[] = { ACTION_HELP, ACTION_RAW, ACTION_FIND, ACTION_FIND_NEXT, ACTION_FOLLOW,
		ACTION_COPY, ACTION_NOW, ACTION_LEAVE };
	const enum action *list = frame->ui->raw ? raw : order;
	size_t count = frame->ui->raw ? sizeof(raw) / sizeof(raw[0]) : sizeof(order) / sizeof(order[0]);
	int col = 1, cols = frame->canvas->cols;

	for (size_t i = 0; i < count; i++) {
		const char *key = keytable_key(list[i]);
		const char *text = hint_now(frame, keytable_row(list[i]));
		int need;

		if (!text || !*key)
			continue;
		need = utf8_columns(key, strlen(key)) + utf8_columns(text, strlen(text)) + 1;
		if (col + need > cols)
			break;
		col += canvas_text(frame->canvas, row, col, cols - col, ROLE_BOLD, key) + 1;
		col += canvas_text(frame->canvas, row, col, cols - col, ROLE_TEXT, text) + 2;
	}
}
