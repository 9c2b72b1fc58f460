/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/mem.h"
#include "tui/draw_int.h"
#include "tui/meter.h"

#define BAR_MAX 30
#define SPARK_COLS 16

/* [#####-----] */
static int draw_bar(struct frame *frame, struct area area, double percent)
{
	int width = area.cols / 3 < BAR_MAX ? area.cols / 3 : BAR_MAX;
	int full = (int)(percent * (width - 2) / 100);

	if (width < 8)
		return 0;
	canvas_put(frame->canvas, area.row, area.col, '[', ROLE_TEXT);
	for (int i = 0; i < width - 2; i++)
		canvas_put(frame->canvas, area.row, area.col + 1 + i, i < full ? '#' : '-', ROLE_TEXT);
	canvas_put(frame->canvas, area.row, area.col + width - 1, ']', ROLE_TEXT);
	return width + 1;
}

int draw_meter(struct frame *frame, struct area area, const struct model_step *step)
{
	struct meter_look look = meter_look(step, frame->wall_us);
	struct buf words = {0}, spark = {0};
	int col = area.col, end = area.col + area.cols;

	if (!look.there || area.rows < 1 || step->state != STEP_RUNNING)
		return 0;
	if (look.percent >= 0)
		col += draw_bar(frame, area, look.percent);
	meter_words(step, frame->wall_us, true, &words);
	col += canvas_text(frame->canvas, area.row, col, end - col, look.still_since_us ? ROLE_WARN : ROLE_TEXT, buf_text(&words)) + 1;
	if (col + SPARK_COLS <= end) {
		meter_spark(step, frame->wall_us, SPARK_COLS, frame->canvas->ascii, &spark);
		canvas_text(frame->canvas, area.row, end - SPARK_COLS, SPARK_COLS, ROLE_RUN, buf_text(&spark));
	}
	buf_done(&words);
	buf_done(&spark);
	return 1;
}
