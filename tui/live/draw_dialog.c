/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/str.h"
#include "tui/live/draw_int.h"
#include "tui/live/mouse.h"

#define NARROW 76	/* columns, from which on hints are whole sentences */

/* What the keys do, where there is no room for sentences. */
static const char *short_hint(const struct frame *frame, const struct dialog *dialog)
{
	if (dialog->kind == DIALOG_TEXT)
		return dialog->page > 0 ? "PgDn scrolls; Esc closes" : "Esc closes";
	if (dialog->kind == DIALOG_LIST)
		return dialog->page > 0 ? "PgDn: more; number, Enter; Esc" : "number, then Enter; Esc: no answer";
	return frame->ui->matter.buttons ? "Enter; Tab: other answers; Esc" : "Enter sends; Esc decides nothing";
}

static const char *hint_now(void *arg, const struct dialog *dialog)
{
	const struct frame *frame = arg;
	const struct matter *matter = &frame->ui->matter;

	if (front_is_early(&dialog->front, frame->mono_us))
		return "wait ...";
	if (dialog_inner(frame->canvas->cols) < NARROW)
		return short_hint(frame, dialog);
	if (dialog->kind == DIALOG_TEXT && matter->back)
		return dialog->page > 0 ? "b: the way back, filled in; arrows, PgUp and PgDn scroll; Esc closes" : "b: the way back, filled in; Esc closes";
	if (dialog->kind == DIALOG_LIST && matter->seq)
		return "arrows or a number, then Enter; Esc decides nothing; r: record so far";
	if (matter->buttons)
		return matter->focus ? "Enter does it; Tab goes on" : "Enter agrees; Tab: other answers; Esc leaves it open, that is not a no";
	return dialog_hint(dialog);
}

static void mark_option(void *arg, struct area area, long i)
{
	const struct frame *frame = arg;

	mouse_mark(frame->ui, area, HIT_OPTION, i);
}

static int rows_below(void *arg)
{
	return draw_approval_rows(arg);
}

static void draw_below(void *arg, struct area area)
{
	draw_approval(arg, area);
}

/* Rows above a dialog that stay free: a step's output is what its question is decided by. */
static int spares(const struct frame *frame, struct area area)
{
	const struct question *question = scene_question_find(frame->scene, frame->ui->matter.seq);

	if (area.rows < 18 || !question)
		return 0;
	return ask_type_of(question->of)->spare;
}

static struct dialog_look look_of_live(struct frame *frame, struct area area)
{
	return (struct dialog_look){ .arg = frame, .hint_now = hint_now, .rows = rows_below, .below = draw_below, .option = mark_option,
		.spare = spares(frame, area) };
}

int draw_dialog_rows(struct frame *frame, struct area area)
{
	struct dialog_look look = look_of_live(frame, area);

	return dialog_rows(&frame->ui->dialog, &look, area);
}

void draw_dialog(struct frame *frame, struct area area)
{
	struct dialog_look look = look_of_live(frame, area);

	dialog_draw(&frame->ui->dialog, &look, frame->canvas, area);
}
