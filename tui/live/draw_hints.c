/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "tui/live/dialogs.h"
#include "tui/live/draw_int.h"
#include "tui/part/fanout.h"
#include "tui/term/keytable.h"
#include "tui/live/look.h"
#include "tui/part/people.h"

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

	if (!people_may(scene, row->action))
		return NULL;
	if (row->action == ACTION_QUESTION)
		return scene_question(scene) && ui->dialog.kind == DIALOG_NONE ? row->hint : NULL;
	if (row->action == ACTION_NOW)
		return ui->step || ui->call ? "back to now" : NULL;
	if (row->action == ACTION_FOLLOW)
		return ui->follow ? NULL : "follow";
	if (row->action == ACTION_FIND_NEXT)
		return ui->find && ui->match >= 0 ? "next found" : NULL;
	if (row->action == ACTION_PAUSE)
		return scene->model->state == SESSION_PAUSED ? "continue" : row->hint;
	if (row->action == ACTION_TAKE)
		return people_wheel(scene) ? "answer about the wheel" : people_drives(scene) || !scene->me ? NULL : "take the wheel";
	if (row->action == ACTION_HOSTS)
		return has_hosts(frame) ? "hosts" : NULL;
	if (row->action == ACTION_SAY)
		return has_company(scene) ? row->hint : NULL;
	/* q has the box above it to close first. */
	if (row->action == ACTION_LEAVE)
		return ui->dialog.kind == DIALOG_NONE ? row->hint : "close";
	if (row->action == ACTION_COPY && str_is(look_box(ui, scene), "addresses"))
		return "copy addresses";
	return row->action == ACTION_RAW && ui->raw ? "back" : row->hint;
}

static int put_hint(struct frame *frame, int row, int col, const char *key, const char *text)
{
	int cols = frame->canvas->cols, need = utf8_columns(key, strlen(key)) + utf8_columns(text, strlen(text)) + 1;

	if (col + need > cols)
		return -1;
	col += canvas_text(frame->canvas, row, col, cols - col, ROLE_BOLD, key) + 1;
	return col + canvas_text(frame->canvas, row, col, cols - col, ROLE_TEXT, text) + 2;
}

/* Where a line is typed letters go into it: only what is no letter is offered. */
static void draw_typing(struct frame *frame, int row)
{
	const struct ui *ui = frame->ui;
	const char *box = look_box(ui, frame->scene);
	const struct hint { const char *key, *text; } hints[] = {
		{ "Enter", ui->palette.is_open ? "does it" : "sends what is typed" },
		{ "Esc", ui->palette.is_open || !ui->matter.seq ? "closes the box" : "decides nothing" },
		{ "Tab", ui->palette.is_open ? "completes" : ui->matter.buttons ? "other answers" : NULL },
		{ "PgDn PgUp", ui->dialog.page > 0 ? "read it all" : NULL },
		{ "Ctrl-Y", ui->palette.is_open || !box ? NULL : "copy" },
		{ "Ctrl-C", ui->palette.is_open ? NULL : "stop, leave" },
	};
	int col = 1;

	/* Nothing is taken yet, and the box says so. */
	if (!ui->palette.is_open && front_is_early(&ui->dialog.front, frame->mono_us))
		return;
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		int next = hints[i].text ? put_hint(frame, row, col, hints[i].key, hints[i].text) : 0;

		col = next > 0 ? next : col;
	}
}

/* Of a session that is over only what it came to is there. */
static void draw_end(struct frame *frame, int row)
{
	const struct dialog *dialog = &frame->ui->dialog;
	int col = put_hint(frame, row, 1, "q", "close and leave");

	if (frame->ui->matter.back)
		col = put_hint(frame, row, col, "b", "the way back");
	if (col > 0 && *keytable_key(ACTION_COPY))
		col = put_hint(frame, row, col, keytable_key(ACTION_COPY), "copy this");
	if (col > 0 && dialog->page > 0)
		put_hint(frame, row, col, "PgDn PgUp", "read it all");
}

void draw_hints(struct frame *frame, int row)
{
	/* What only now means something comes before what always does. */
	static const enum action order[] = { ACTION_HELP, ACTION_QUESTION, ACTION_NOW, ACTION_FOLLOW,
		ACTION_FIND_NEXT, ACTION_HOSTS, ACTION_TAKE, ACTION_LEAVE, ACTION_COPY, ACTION_RAW, ACTION_STOP, ACTION_PAUSE,
		ACTION_FIND, ACTION_NOTE, ACTION_RECORD, ACTION_PREVIOUS_STEP, ACTION_PALETTE, ACTION_SAY, ACTION_EXPLAIN,
		ACTION_COPY };
	static const enum action raw[] = { ACTION_HELP, ACTION_RAW, ACTION_QUESTION, ACTION_FIND, ACTION_FIND_NEXT, ACTION_FOLLOW,
		ACTION_COPY, ACTION_NOW, ACTION_LEAVE };
	const enum action *list = frame->ui->raw ? raw : order;
	size_t count = frame->ui->raw ? sizeof(raw) / sizeof(raw[0]) : sizeof(order) / sizeof(order[0]);
	bool addresses = str_is(look_box(frame->ui, frame->scene), "addresses");
	int col = 1;

	if (ui_types(frame->ui)) {
		draw_typing(frame, row);
		return;
	}
	if (frame->ui->matter.over) {
		draw_end(frame, row);
		return;
	}
	for (size_t i = 0; i < count && col > 0; i++) {
		const char *key = keytable_key(list[i]);
		const char *text = hint_now(frame, keytable_row(list[i]));
		bool last = i + 1 == count;

		/* Of use where addresses stand in the box; else it comes last. */
		if (list == order && list[i] == ACTION_COPY && last == addresses)
			continue;

		if (text && *key)
			col = put_hint(frame, row, col, key, text);
	}
}
