/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tui/draw_int.h"
#include "tui/mouse.h"

int draw_text_rows(const char *text, int cols)
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
static void draw_text(struct frame *frame, struct area area, const char *text, int skip)
{
	while (*text && skip-- > 0) {
		int next;

		canvas_break(text, area.cols, &next);
		text += next;
	}
	for (int row = 0; *text && row < area.rows; row++) {
		int next, len = canvas_break(text, area.cols, &next);
		char *line = mem_dup(text, (size_t)len);

		canvas_text(frame->canvas, area.row + row, area.col, area.cols, ROLE_TEXT, line);
		mem_free(line);
		text += next;
	}
}

#define OPTION_INDENT 4	/* "> 1 "; one more from the tenth on */

/* "Run it: why"; caller owns. */
static char *option_line(const struct option *option)
{
	return mem_printf("%s%s%s", option->label, *option->help ? ": " : "", option->help);
}

static int option_indent(const struct dialog *dialog)
{
	return OPTION_INDENT + (dialog->option_count > 9) + (dialog->option_count > 99);
}

/* Rows of an option: what the picked one does is read whole. */
static int option_rows(const struct dialog *dialog, long i, int cols)
{
	char *line;
	int rows;

	if (i != dialog->pick)
		return 1;
	line = option_line(&dialog->options[i]);
	rows = draw_text_rows(line, cols - option_indent(dialog));
	mem_free(line);
	return rows < 1 ? 1 : rows > 3 ? 3 : rows;
}

static void draw_options(struct frame *frame, struct area area)
{
	const struct dialog *dialog = &frame->ui->dialog;
	long from = 0;
	int need = 0, indent = option_indent(dialog);

	for (long i = dialog->pick; i >= 0 && from == 0; i--) {
		need += option_rows(dialog, i, area.cols);
		if (need > area.rows)
			from = i + 1 > dialog->pick ? dialog->pick : i + 1;
	}
	for (long i = from; i < (long)dialog->option_count && area.rows > 0; i++) {
		bool picked = i == dialog->pick;
		int rows = option_rows(dialog, i, area.cols);
		char *line = option_line(&dialog->options[i]);

		rows = rows > area.rows ? area.rows : rows;
		if (picked)
			canvas_fill(frame->canvas, (struct area){ area.row, area.col, rows, area.cols }, ROLE_PICK);
		canvas_printf(frame->canvas, (struct area){ area.row, area.col, 1, indent },
			picked ? ROLE_PICK : ROLE_TEXT, "%s %ld", picked ? ">" : " ", i + 1);
		canvas_wrap(frame->canvas, (struct area){ area.row, area.col + indent, rows,
			area.cols - indent }, picked ? ROLE_PICK : ROLE_TEXT, line);
		mouse_mark(frame->ui, (struct area){ area.row, area.col, rows, area.cols }, HIT_OPTION, i);
		mem_free(line);
		area.row += rows;
		area.rows -= rows;
	}
}

/* The text typed, scrolled so that the cursor is in sight. */
static void draw_field(struct frame *frame, struct area at)
{
	const struct edit *edit = &frame->ui->edit;
	const char *text = edit->text;
	int cursor = utf8_columns(text, edit->cursor);

	canvas_text(frame->canvas, at.row, at.col, at.cols, ROLE_BOLD, "> ");
	at.col += 2;
	at.cols -= 2;
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
		return dialog->page > 0 ? "arrows, PgUp and PgDn scroll, any other key closes" : "any key closes";
	if (dialog->kind == DIALOG_LIST)
		return "arrows or a number, then Enter; Esc decides nothing; r: record so far";
	if (dialog->buttons)
		return dialog->focus ? "Enter does it; Tab goes on" : "Enter agrees; Tab: other answers; Esc leaves it open, that is not a no";
	return "Enter sends; Esc decides nothing";
}

static int dialog_width(struct area area)
{
	return area.cols < 100 ? area.cols : 100;
}

static int dialog_tail(const struct frame *frame, int cols)
{
	const struct dialog *dialog = &frame->ui->dialog;
	int rows = 0;

	if (dialog->kind == DIALOG_FIELD)
		return 1 + draw_approval_rows(frame);
	for (long i = 0; i < (long)dialog->option_count; i++)
		rows += option_rows(dialog, i, cols);
	return rows;
}

/* Rows above a dialog that stay free: a step's output is what its question is decided by. */
static int dialog_spares(const struct frame *frame, struct area area)
{
	const struct question *question = scene_question_find(frame->scene, frame->ui->dialog.seq);

	if (area.rows < 18 || !question)
		return 0;
	return str_is(question->of, "failure") || str_is(question->of, "doubt") ? 6
		: str_is(question->of, "step") ? 3 : 0;
}

int draw_dialog_rows(const struct frame *frame, struct area area)
{
	const struct dialog *dialog = &frame->ui->dialog;
	int inner = dialog_width(area) - 4, most = area.rows - dialog_spares(frame, area);
	int rows = draw_text_rows(dialog->text, inner) + dialog_tail(frame, inner) + 3
		+ (dialog->error ? 1 : 0);

	return rows > most ? most : rows;
}

/* The dialog's text; when there is more than room, a line says so. */
static void draw_dialog_text(struct frame *frame, struct area area)
{
	struct dialog *dialog = &frame->ui->dialog;
	int rows = draw_text_rows(dialog->text, area.cols);

	dialog->page = rows > area.rows && area.rows > 1 ? area.rows - 1 : 0;
	if (dialog->page > 0)
		area.rows--;
	if (dialog->scroll > rows - area.rows)
		dialog->scroll = rows > area.rows ? rows - area.rows : 0;
	draw_text(frame, area, dialog->text, dialog->scroll);
	if (dialog->page > 0)
		canvas_printf(frame->canvas, (struct area){ area.row + area.rows, area.col, 1, area.cols },
			ROLE_WARN, "-- lines %d to %d of %d: %s --", dialog->scroll + 1, dialog->scroll + area.rows,
			rows, dialog->scroll + area.rows < rows ? "PgDn shows the rest" : "PgUp shows what is above");
}

void draw_dialog(struct frame *frame, struct area area)
{
	struct dialog *dialog = &frame->ui->dialog;
	int rows = draw_dialog_rows(frame, area), width = dialog_width(area), inner = width - 4;
	int tail = dialog_tail(frame, inner), room;
	struct area box = { area.row + area.rows - rows, area.col + (area.cols - width) / 2, rows, width };
	struct area in = { box.row + 1, box.col + 2, rows - 3, inner };

	canvas_box(frame->canvas, box, dialog->title);
	if (dialog->error) {
		canvas_text(frame->canvas, box.row + rows - 3, in.col, inner, ROLE_FAIL, dialog->error);
		in.rows--;
	}
	if (tail > in.rows - 1)
		tail = in.rows > 1 ? in.rows - 1 : in.rows;
	room = in.rows - tail;
	draw_dialog_text(frame, (struct area){ in.row, in.col, room, inner });
	canvas_text(frame->canvas, box.row + rows - 2, in.col, inner, ROLE_DIM, dialog_hint(frame));
	if (dialog->kind == DIALOG_FIELD) {
		draw_field(frame, (struct area){ in.row + room, in.col, 1, inner });
		draw_approval(frame, (struct area){ in.row + room + 1, in.col, tail - 1, inner });
	} else {
		draw_options(frame, (struct area){ in.row + room, in.col, tail, inner });
	}
}
