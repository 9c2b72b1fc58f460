/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "tui/draw_int.h"

/* "-- following, 214 lines ---": what the lines below are. */
static void draw_rule(struct frame *frame, struct area area, const struct output *output)
{
	const struct ui *ui = frame->ui;
	int64_t total = output_total(output), dropped = output_dropped(output);
	char text[200];
	int col;

	for (col = 0; col < area.cols; col++)
		canvas_glyph(frame->canvas, area.row, area.col + col, GLYPH_ACROSS);
	snprintf(text, sizeof(text), " %s, %lld line%s%s%s ", ui->follow ? "following" : "NOT following (G)",
		(long long)total, total == 1 ? "" : "s", dropped > 0 ? ", oldest not kept here" : "",
		ui->call ? ", Tab: other commands" : "");
	canvas_text(frame->canvas, area.row, area.col + 2, area.cols - 3, ROLE_TEXT, text);
}

/* The line with what was searched for marked. */
static void mark_found(struct frame *frame, struct area at, const char *text)
{
	const char *find = frame->ui->find;
	size_t len = find ? strlen(find) : 0;

	for (const char *p = text; len > 0 && *p; p++) {
		int col;

		if (strncasecmp(p, find, len) != 0)
			continue;
		col = utf8_columns(text, (size_t)(p - text));
		canvas_role(frame->canvas, (struct area){ at.row, at.col + col, 1,
			utf8_columns(p, len) < at.cols - col ? utf8_columns(p, len) : at.cols - col }, ROLE_MATCH);
	}
}

static void draw_line(struct frame *frame, struct area at, const struct output_line *line, bool times)
{
	char clock[TIME_TEXT];
	int col = 0;

	if (times)
		col = canvas_printf(frame->canvas, at, ROLE_DIM, "%s ", time_format_clock(line->at_us, clock));
	canvas_put(frame->canvas, at.row, at.col + col, line->err ? '!' : ' ', ROLE_WARN);
	col += times || line->err ? 2 : 0;
	at.col += col;
	at.cols -= col;
	canvas_text(frame->canvas, at.row, at.col, at.cols, ROLE_TEXT, line->text);
	mark_found(frame, at, line->text);
}

/* Lines whole, as many rows as each needs; from the end when following. */
static void draw_wrapped(struct frame *frame, struct area area, const struct output *output)
{
	int64_t dropped = output_dropped(output);
	size_t from = (size_t)(ui_top(frame->ui, output, area.rows) - dropped);
	int rows = 0;

	if (frame->ui->follow) {
		from = output_count(output);
		while (from > 0) {
			int cols = utf8_columns(output_at(output, from - 1)->text,
				strlen(output_at(output, from - 1)->text));

			rows += cols / area.cols + 1;
			if (rows > area.rows)
				break;
			from--;
		}
	}
	for (size_t i = from; i < output_count(output) && area.rows > 0; i++) {
		const char *text = output_at(output, i)->text;
		size_t len = strlen(text);

		do {
			size_t fit = utf8_fit(text, len, area.cols, NULL);
			char *part = mem_dup(text, fit);

			canvas_text(frame->canvas, area.row, area.col, area.cols, ROLE_TEXT, part);
			mem_free(part);
			text += fit;
			len -= fit;
			area.row++;
			area.rows--;
		} while (len > 0 && area.rows > 0);
	}
}

/* Unfinished last lines, when following. */
static void draw_partial(struct frame *frame, struct area at, struct output *output, bool times)
{
	for (int err = 0; err < 2; err++) {
		const char *text = output_partial(output, err);
		int col = times ? 11 : 0;

		if (!*text)
			continue;
		canvas_fill(frame->canvas, at, ROLE_TEXT);
		canvas_text(frame->canvas, at.row, at.col + col, at.cols - col, ROLE_TEXT, text);
	}
}

void draw_output(struct frame *frame, struct area area, bool times)
{
	const struct model_call *call = ui_call(frame->ui, frame->scene);
	struct output *output = call ? scene_output(frame->scene, call->seq) : NULL;
	bool partial;
	int64_t top;

	if (call && call->seq == frame->scene->shell) {
		draw_shell(frame, area);
		return;
	}
	if (!output) {
		canvas_text(frame->canvas, area.row, area.col, area.cols, ROLE_DIM,
			call && call->state == CALL_RUNNING ? "(no output yet)" : "(no output)");
		return;
	}
	if (times || !frame->ui->raw) {
		draw_rule(frame, area, output);
		area.row++;
		area.rows--;
	}
	partial = frame->ui->follow && (*output_partial(output, false) || *output_partial(output, true));
	if (partial && area.rows > 1) {
		int row = (int64_t)output_count(output) < area.rows - 1 ? (int)output_count(output) : area.rows - 1;

		draw_partial(frame, (struct area){ area.row + row, area.col, 1, area.cols }, output, times);
	}
	area.rows -= partial;
	frame->ui->page = area.rows > 1 ? area.rows : 1;
	if (frame->ui->raw) {
		draw_wrapped(frame, area, output);
		return;
	}
	top = ui_top(frame->ui, output, area.rows) - output_dropped(output);
	for (int i = 0; i < area.rows; i++) {
		const struct output_line *line = output_at(output, (size_t)(top + i));

		if (line)
			draw_line(frame, (struct area){ area.row + i, area.col, 1, area.cols }, line, times);
	}
}
