/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tui/live/dialogs.h"
#include "tui/live/draw_int.h"
#include "tui/term/mouse.h"

#define ERROR_ROWS 4
#define NARROW 76	/* columns, from which on hints are whole sentences */
#define OPTION_INDENT 4	/* "> 1 "; one more from the tenth on */

/* "Run it: why"; caller owns. */
static char *option_line(const struct option *option)
{
	return mem_printf("%s%s%s", option->label, *option->help ? ": " : "", option->help);
}

/* The same for one row: as many whole sentences as fit, for one that is cut may say the opposite. Caller owns. */
static char *option_short(const struct option *option, int cols)
{
	char *line = option_line(option);
	size_t label = strlen(option->label), end = strlen(line), keep = label;

	if (utf8_columns(line, end) <= cols || option->use != USE_ANSWER)
		return line;
	for (size_t i = label; i + 1 < end; i++)
		if (strchr(".?!;", line[i]) && line[i + 1] == ' ' && utf8_columns(line, i + 1) <= cols)
			keep = i + (line[i] != ';');
	line[keep] = '\0';
	return line;
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
	rows = canvas_rows(line, cols - option_indent(dialog));
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
		char *line = picked ? option_line(&dialog->options[i]) : option_short(&dialog->options[i], area.cols - indent);

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

	canvas_text(frame->canvas, at.row, at.col, at.cols, ROLE_BOLD, "> ");
	at.col += 2;
	at.cols -= 2;
	if (frame->ui->dialog.hidden) {
		canvas_fill(frame->canvas, at, ROLE_FIELD);
		frame->canvas->cursor_row = at.row;
		frame->canvas->cursor_col = at.col + canvas_text(frame->canvas, at.row, at.col, at.cols,
			ROLE_FIELD, edit->len > 0 ? "(typed, not shown)" : "");
		return;
	}
	edit_draw(edit, frame->canvas, at);
}

static int dialog_width(struct area area)
{
	return area.cols < 100 ? area.cols : 100;
}

/* What the keys do, where there is no room for sentences. */
static const char *short_hint(const struct dialog *dialog)
{
	if (dialog->kind == DIALOG_HELP)
		return dialog->page > 0 ? "PgDn scrolls; Esc closes" : "Esc closes";
	if (dialog->kind == DIALOG_LIST)
		return dialog->page > 0 ? "PgDn: more; number, Enter; Esc" : "number, then Enter; Esc: no answer";
	return dialog->buttons ? "Enter; Tab: other answers; Esc" : "Enter sends; Esc decides nothing";
}

static const char *dialog_hint(const struct frame *frame)
{
	const struct dialog *dialog = &frame->ui->dialog;

	if (front_is_early(&dialog->front, frame->mono_us))
		return "wait ...";
	if (dialog_width((struct area){ .cols = frame->canvas->cols }) - 4 < NARROW)
		return short_hint(dialog);
	if (dialog->kind == DIALOG_HELP && dialog->back)
		return dialog->page > 0 ? "b: the way back, filled in; arrows, PgUp and PgDn scroll; Esc closes" : "b: the way back, filled in; Esc closes";
	if (dialog->kind == DIALOG_HELP)
		return dialog->page > 0 ? "arrows, PgUp and PgDn scroll; Esc closes" : "Esc closes";
	if (dialog->kind == DIALOG_LIST)
		return dialog->seq ? "arrows or a number, then Enter; Esc decides nothing; r: record so far" : "arrows or a number, then Enter; Esc decides nothing";
	if (dialog->buttons)
		return dialog->focus ? "Enter does it; Tab goes on" : "Enter agrees; Tab: other answers; Esc leaves it open, that is not a no";
	return "Enter sends; Esc decides nothing";
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

static int error_rows(const struct dialog *dialog, int cols)
{
	int rows = dialog->error ? canvas_rows(dialog->error, cols) : 0;

	return rows > ERROR_ROWS ? ERROR_ROWS : rows;
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
	int rows = canvas_rows(dialog->text, inner) + dialog_tail(frame, inner) + 3 + error_rows(dialog, inner);

	return rows > most ? most : rows;
}

/* The dialog's text; when there is more than room, a line says so. */
static void draw_dialog_text(struct frame *frame, struct area area)
{
	struct dialog *dialog = &frame->ui->dialog;

	dialog->page = canvas_scroll(frame->canvas, area, dialog->text, &dialog->scroll);
}

/* Rows of the options or the field where not everything fits: what they answer must be read, so it keeps a few rows, and says that there is more. */
static int fitting_tail(int rows, int tail, int text)
{
	int few = rows < 6 ? 2 : 3, least = text < few ? text : few;

	if (tail <= rows - least)
		return tail;
	if (rows - least >= 2)
		return rows - least;
	return rows > 1 && tail > rows - 1 ? rows - 1 : tail > rows ? rows : tail;
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
		int used = error_rows(dialog, inner);

		canvas_wrap(frame->canvas, (struct area){ box.row + rows - 2 - used, in.col, used, inner }, ROLE_FAIL, dialog->error);
		in.rows -= used;
	}
	tail = fitting_tail(in.rows, tail, canvas_rows(dialog->text, inner));
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
