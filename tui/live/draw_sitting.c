/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "tui/part/downtime.h"
#include "tui/live/draw_int.h"

/* Where a part of so many of all begins: with at in its middle, but no further than needed to fill it. */
static int part_from(int at, int part, int all)
{
	int from = at - part / 2;

	if (from > all - part)
		from = all - part;
	return from > 0 ? from : 0;
}

/* The part of the terminal that an area shows: with the cursor in it. */
static void part_of(const struct vt *vt, struct area area, int *row, int *col)
{
	int at_row, at_col, rows, cols;

	(void)vt_cursor(vt, &at_row, &at_col);
	vt_size(vt, &rows, &cols);
	*row = part_from(at_row, area.rows, rows);
	*col = part_from(at_col, area.cols, cols);
}

void draw_shell(struct frame *frame, struct area area)
{
	int row, col;

	part_of(frame->scene->vt, area, &row, &col);
	vt_draw(frame->scene->vt, row, col, frame->canvas, area);
}

/* ", jello and gov watch": who is here and does not drive, each name once. Caller owns. */
static char *watchers(const struct scene *scene)
{
	struct buf out = { 0 }, names = { 0 };
	size_t count = 0;

	for (size_t i = 0; i < json_count(scene->presence); i++) {
		const char *who = json_text(json_item(scene->presence, i), "who", "");
		char *safe = draw_safe(who), *key = mem_printf("\n%s\n", safe);

		if (!str_is(who, scene->model->driver) && !strstr(buf_text(&names), key)) {
			buf_printf(&out, "%s%s", ", ", safe);
			buf_puts(&names, key);
			count++;
		}
		mem_free(safe);
		mem_free(key);
	}
	if (count > 0)
		buf_puts(&out, count > 1 ? " watch" : " watches");
	buf_done(&names);
	return buf_take(&out);
}

static void draw_top(struct frame *frame, const struct model_call *call)
{
	const struct scene *scene = frame->scene;
	const char *driver = scene->model->driver;
	bool mine = scene_drives(scene);
	char *host = draw_safe(*call->host ? call->host : "this computer");
	char *who = draw_safe(driver && *driver ? driver : "nobody"), *watch = watchers(scene);
	int cols = frame->canvas->cols, end = 15;
	char clock[TIME_TEXT], down[112];

	canvas_fill(frame->canvas, (struct area){ 0, 0, 1, cols }, ROLE_HEADER);
	downtime_clock(scene->model, frame->wall_us, true, down, sizeof(down));
	if (downtime_is_now(scene->model) && *down) {
		end += (int)strlen(down) + 3;
		canvas_printf(frame->canvas, (struct area){ 0, cols - end + 1, 1, end }, ROLE_DOWN, " %s ", down);
	}
	canvas_printf(frame->canvas, (struct area){ 0, 1, 1, cols - end }, ROLE_HEADER, "SHELL on %s, recorded: %s%s%s", host,
		mine ? "you type" : who, mine ? "" : " types", watch);
	canvas_printf(frame->canvas, (struct area){ 0, cols - 13, 1, 13 }, ROLE_HEADER, "%s UTC",
		time_format_clock(frame->wall_us, clock));
	mem_free(host);
	mem_free(who);
	mem_free(watch);
}

static void draw_bottom(struct frame *frame, int rows, int cols)
{
	const struct scene *scene = frame->scene;
	const struct ui *ui = frame->ui;
	struct area at = { frame->canvas->rows - 1, 0, 1, frame->canvas->cols };
	bool cut = rows > frame->canvas->rows - 2 || cols > frame->canvas->cols;
	char *urgent = draw_urgent(frame);

	if (scene->halted)
		canvas_printf(frame->canvas, at, ROLE_FAIL, " NOTHING GOES ON: %s", scene->halted);
	else if (ui->lost)
		canvas_printf(frame->canvas, at, ROLE_FAIL, " NO CONNECTION to the session; trying again.");
	else if (ui->sitting.menu)
		canvas_printf(frame->canvas, at, ROLE_PICK, " q ends the shell  s shows the session  Ctrl-] sends it  any other key: back ");
	else if (urgent)
		canvas_printf(frame->canvas, at, ROLE_WARN, " %s", urgent);
	else if (ui->notice && frame->mono_us - ui->notice_us < UI_NOTICE_US)
		canvas_printf(frame->canvas, at, ROLE_WARN, " %s", ui->notice);
	else if (scene_drives(scene))
		canvas_printf(frame->canvas, at, ROLE_DIM, " All keys go to the shell. Ctrl-] is for bellbook: end it, look at the session.");
	else if (cut)
		canvas_printf(frame->canvas, at, ROLE_DIM, " You watch a part: the terminal is %dx%d. Esc: the session; ! comes back.", cols, rows);
	else
		canvas_printf(frame->canvas, at, ROLE_DIM, " You watch. Esc shows the session, ! comes back here.");
	mem_free(urgent);
}

void draw_sitting(struct frame *frame)
{
	const struct scene *scene = frame->scene;
	const struct model_call *call = scene_shell(scene);
	struct area area = { 1, 0, frame->canvas->rows - 2, frame->canvas->cols };
	int rows, cols, row, col, at_row, at_col;

	if (!call)
		return;
	vt_size(scene->vt, &rows, &cols);
	draw_top(frame, call);
	draw_shell(frame, area);
	draw_bottom(frame, rows, cols);
	part_of(scene->vt, area, &row, &col);
	if (vt_cursor(scene->vt, &at_row, &at_col)) {
		frame->canvas->cursor_row = area.row + at_row - row;
		frame->canvas->cursor_col = area.col + at_col - col;
	}
}
