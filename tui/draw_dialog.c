/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tui/draw_int.h"

/* Rows the text needs at this width. */
static int text_rows(const char *text, int cols)
{
	int rows = 0;

	while (*text) {
		int next;

		canvas_break(text, cols, &next);
		text += next;
		rows++;
	}
	return rows;
}

/* Text from its skip-th row on. */
static int draw_text(struct frame *frame, struct area area, const char *text, int skip)
{
	while (*text && skip-- > 0) {
		int next;

		canvas_break(text, area.cols, &next);
		text += next;
	}
	return canvas_wrap(frame->canvas, area, ROLE_TEXT, text);
}

static void draw_options(struct frame *frame, struct area area)
{
	const struct dialog *dialog = &frame->ui->dialog;
	long from = dialog->pick >= area.rows ? dialog->pick - area.rows + 1 : 0;

	for (long i = from; i < (long)dialog->option_count && i - from < area.rows; i++) {
		const struct option *option = &dialog->options[i];
		bool picked = i == dialog->pick;

		canvas_printf(frame->canvas, (struct area){ area.row + (int)(i - from), area.col, 1, area.cols },
			picked ? ROLE_PICK : ROLE_TEXT, "%s %ld %s%s%s", picked ? ">" : " ", i + 1, option->label,
			*option->help ? ": " : "", option->help);
	}
}

/* The text typed, scrolled so that the cursor is in sight. */
static void draw_field(struct frame *frame, struct area at)
{
	const struct edit *edit = &frame->ui->edit;
	const char *text = edit->text;
	int cursor = utf8_columns(text, edit->cursor);

	canvas_fill(frame->canvas, at, ROLE_FIELD);
	frame->canvas->cursor_row = at.row;
	if (frame->ui->dialog.hidden) {
		frame->canvas->cursor_col = at.col + canvas_text(frame->canvas, at.row, at.col, at.cols,
			ROLE_FIELD, edit->len > 0 ? "(typed, not shown)" : "");
		return;
	}
	while (cursor >= at.cols) {
		uint32_t cp;
		size_t n = utf8_decode(text, strlen(text), &cp);

		cursor -= utf8_width(cp);
		text += n;
	}
	canvas_text(frame->canvas, at.row, at.col, at.cols, ROLE_FIELD, text);
	frame->canvas->cursor_col = at.col + cursor;
}

static const char *dialog_hint(const struct frame *frame)
{
	const struct dialog *dialog = &frame->ui->dialog;

	if (frame->mono_us < dialog->guard_us)
		return "wait ...";
	if (dialog->kind == DIALOG_HELP)
		return "arrows scroll, any other key closes";
	if (dialog->kind == DIALOG_LIST)
		return "arrows or a number, then Enter; Esc decides nothing";
	return "Enter sends; Esc decides nothing";
}

static int dialog_width(struct area area)
{
	return area.cols < 100 ? area.cols : 100;
}

static int dialog_tail(const struct dialog *dialog)
{
	return dialog->kind == DIALOG_FIELD ? 1 : (int)dialog->option_count;
}

int draw_dialog_rows(const struct frame *frame, struct area area)
{
	const struct dialog *dialog = &frame->ui->dialog;
	int rows = text_rows(dialog->text, dialog_width(area) - 4) + dialog_tail(dialog) + 3
		+ (dialog->error ? 1 : 0);

	return rows > area.rows ? area.rows : rows;
}

void draw_dialog(struct frame *frame, struct area area)
{
	struct dialog *dialog = &frame->ui->dialog;
	int rows = draw_dialog_rows(frame, area), width = dialog_width(area), inner = width - 4;
	int text = text_rows(dialog->text, inner), tail = dialog_tail(dialog), room;
	struct area box = { area.row + area.rows - rows, area.col + (area.cols - width) / 2, rows, width };
	struct area in = { box.row + 1, box.col + 2, rows - 3, inner };

	canvas_box(frame->canvas, box, dialog->title);
	canvas_text(frame->canvas, box.row + rows - 2, in.col, inner, ROLE_DIM, dialog_hint(frame));
	if (dialog->error) {
		canvas_text(frame->canvas, box.row + rows - 3, in.col, inner, ROLE_FAIL, dialog->error);
		in.rows--;
	}
	if (tail > in.rows - 1)
		tail = in.rows > 1 ? in.rows - 1 : in.rows;
	room = in.rows - tail;
	if (dialog->scroll > text - room)
		dialog->scroll = text > room ? text - room : 0;
	draw_text(frame, (struct area){ in.row, in.col, room, inner }, dialog->text, dialog->scroll);
	if (dialog->kind == DIALOG_FIELD)
		draw_field(frame, (struct area){ in.row + room, in.col, 1, inner });
	else
		draw_options(frame, (struct area){ in.row + room, in.col, tail, inner });
}
