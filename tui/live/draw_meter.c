/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/buf.h"
#include "base/utf8.h"
#include "tui/live/draw_int.h"
#include "tui/part/meter.h"

#define BAR_MAX 30
#define SPARK_COLS 16
#define SPARK_MIN 6

/* [#####-----] */
static int draw_bar(struct frame *frame, struct area area, double percent)
{
	int width = area.cols / 2 < BAR_MAX ? area.cols / 2 : BAR_MAX;
	int full = (int)(percent * (width - 2) / 100);

	if (width < 8)
		return 0;
	canvas_put(frame->canvas, area.row, area.col, '[', ROLE_TEXT);
	for (int i = 0; i < width - 2; i++)
		canvas_put(frame->canvas, area.row, area.col + 1 + i, i < full ? '#' : '-', ROLE_TEXT);
	canvas_put(frame->canvas, area.row, area.col + width - 1, ']', ROLE_TEXT);
	return width + 1;
}

/* The speed over the time, at the right end of what is left behind col. */
static void draw_spark(struct frame *frame, struct area area, int col, const struct model_step *step)
{
	struct buf spark = {0};
	int room = area.col + area.cols - col, cols = room < SPARK_COLS ? room : SPARK_COLS;

	if (cols >= SPARK_MIN)
		meter_spark(step, frame->wall_us, cols, frame->canvas->ascii, &spark);
	canvas_text(frame->canvas, area.row, area.col + area.cols - cols, cols, ROLE_RUN, buf_text(&spark));
	buf_done(&spark);
}

/* Words alone, as many rows as they need: who blocks a step stands at their end. Half of the room is left for the output. */
static int put_words(struct frame *frame, struct area area, const char *words)
{
	if (area.rows > 3)
		area.rows -= area.rows / 2 - 1;
	return canvas_wrap(frame->canvas, area, ROLE_WAIT, words);
}

/* One row when it is wide enough, else bar and speed above the words. */
int draw_meter(struct frame *frame, struct area area, const struct model_step *step)
{
	struct meter_look look = meter_look(step, frame->wall_us);
	enum role role = look.still_since_us ? ROLE_WARN : ROLE_TEXT;
	struct buf words = {0};
	int rows = 1, col = area.col, width;

	if (!look.there || area.rows < 1 || step->state != STEP_RUNNING)
		return 0;
	meter_words(step, frame->wall_us, true, &words);
	width = utf8_columns(buf_text(&words), words.len);
	if (area.rows >= 4 && look.percent >= 0 && width + BAR_MAX + SPARK_COLS + 3 > area.cols) {
		col += draw_bar(frame, area, look.percent);
		draw_spark(frame, area, col, step);
		rows = 2;
		area.row++;
		canvas_text(frame->canvas, area.row, area.col, area.cols, role, buf_text(&words));
	} else if (look.percent < 0 && width > area.cols) {
		rows = put_words(frame, area, buf_text(&words));
	} else {
		col += look.percent >= 0 && width + BAR_MAX + 1 <= area.cols ? draw_bar(frame, area, look.percent) : 0;
		col += canvas_text(frame->canvas, area.row, col, area.col + area.cols - col, role, buf_text(&words)) + 1;
		draw_spark(frame, area, col, step);
	}
	buf_done(&words);
	return rows;
}
