/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tui/live/dialogs_people.h"
#include "tui/live/draw_int.h"
#include "tui/part/people.h"

/* What stands below the field when a person's agreement is asked for. */

static const struct question *shown(const struct frame *frame)
{
	return frame->ui->dialog.use == USE_ANSWER ? scene_question_find(frame->scene, frame->ui->matter.seq) : NULL;
}

int draw_approval_rows(const struct frame *frame)
{
	const struct question *question = shown(frame);

	return (question && json_int(question->data, "until_us", 0) ? 1 : 0) + (frame->ui->matter.buttons && frame->ui->dialog.use == USE_ANSWER ? 1 : 0);
}

static void draw_countdown(struct frame *frame, struct area at, const struct question *question)
{
	struct buf text = { 0 };

	if (str_is(question->of, "approval") && question->expect) {
		buf_puts(&text, "To agree, type ");
		utf8_safe(&text, question->expect, strlen(question->expect), false);
		buf_puts(&text, ". It was ");
	}
	people_countdown(question, frame->wall_us, &text);
	canvas_text(frame->canvas, at.row, at.col, at.cols, ROLE_DIM, buf_text(&text));
	buf_done(&text);
}

/* "[ disagree, say why ]  [ … ]": on a narrow screen those from the focused one on. */
static void draw_buttons(struct frame *frame, struct area at)
{
	int focus = frame->ui->matter.focus;
	size_t from = at.cols < 90 && focus > 1 ? (size_t)focus - 2 : 0;

	for (size_t i = from; dialogs_button(i); i++) {
		char *text = mem_printf("[ %s ]", dialogs_button(i));
		int cols = utf8_columns(text, strlen(text));

		if (cols <= at.cols)
			canvas_text(frame->canvas, at.row, at.col, at.cols, focus == (int)i + 1 ? ROLE_PICK : ROLE_TEXT, text);
		mem_free(text);
		at.col += cols + 1;
		at.cols -= cols + 1;
		if (at.cols <= 0)
			break;
	}
}

void draw_approval(struct frame *frame, struct area area)
{
	const struct question *question = shown(frame);

	if (question && json_int(question->data, "until_us", 0) && area.rows > 0) {
		draw_countdown(frame, area, question);
		area.row++;
		area.rows--;
	}
	if (frame->ui->matter.buttons && question && area.rows > 0)
		draw_buttons(frame, area);
}
