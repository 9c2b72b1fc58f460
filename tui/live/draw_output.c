/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "tui/live/draw_int.h"

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

/* Where the next hit is in text from p on; NULL = none. */
static const char *next_hit(const struct ui *ui, const char *p)
{
	size_t len = ui->find ? strlen(ui->find) : 0;

	for (; len > 0 && *p; p++)
		if (strncasecmp(p, ui->find, len) == 0)
			return p;
	return NULL;
}

/* The line with what was searched for marked; behind shift bytes, which are not shown. */
static void mark_found(struct frame *frame, struct area at, const char *text)
{
	size_t len = frame->ui->find ? strlen(frame->ui->find) : 0;

	for (const char *p = text; (p = next_hit(frame->ui, p)) != NULL; p++) {
		int col = utf8_columns(text, (size_t)(p - text)), cols = utf8_columns(p, len);

		if (col < at.cols)
			canvas_role(frame->canvas, (struct area){ at.row, at.col + col, 1, cols < at.cols - col ? cols : at.cols - col }, ROLE_MATCH);
	}
}

/* How much of the line's beginning is left out so that the hit is in sight. */
static size_t shift_of(const struct frame *frame, const char *text, int cols)
{
	const char *hit = next_hit(frame->ui, text);
	int end = hit ? utf8_columns(text, (size_t)(hit - text)) + utf8_columns(hit, strlen(frame->ui->find)) : 0;

	return end > cols - 1 ? utf8_fit(text, strlen(text), end - cols * 2 / 3 > 0 ? end - cols * 2 / 3 : 0, NULL) : 0;
}

static void draw_line(struct frame *frame, struct area at, const struct output_line *line, bool times, bool found)
{
	const char *text = line->text;
	char clock[TIME_TEXT];
	int col = 0;

	if (times)
		col = canvas_printf(frame->canvas, at, ROLE_DIM, "%s ", time_format_clock(line->at_us, clock));
	canvas_put(frame->canvas, at.row, at.col + col, found ? '>' : line->err ? '!' : ' ', found ? ROLE_MATCH : ROLE_WARN);
	col += times || line->err || found ? 2 : 0;
	at.col += col;
	at.cols -= col;
	if (found && shift_of(frame, text, at.cols) > 0) {
		text += shift_of(frame, text, at.cols);
		canvas_put(frame->canvas, at.row, at.col++, '+', ROLE_DIM);
		at.cols--;
	}
	canvas_text(frame->canvas, at.row, at.col, at.cols, ROLE_TEXT, text);
	mark_found(frame, at, text);
}

/* Rows of a line that is shown whole. */
static int whole_rows(const struct output *output, size_t i, int cols)
{
	const char *text = output_at(output, i)->text;

	return utf8_columns(text, strlen(text)) / cols + 1;
}

/* The first of the lines shown whole: the last rows when following, the one found with what stands before it. */
static size_t wrapped_from(const struct frame *frame, struct area area, const struct output *output)
{
	const struct ui *ui = frame->ui;
	int64_t dropped = output_dropped(output);
	bool found = ui->at_match && ui->match >= dropped && ui->match - dropped < (int64_t)output_count(output);
	size_t from = found ? (size_t)(ui->match - dropped) : output_count(output);
	int rows = 0;

	if (!ui->follow && !found)
		return (size_t)(ui_top(ui, output, area.rows) - dropped);
	while (from > 0) {
		rows += whole_rows(output, from - 1, area.cols);
		if (rows > (found ? area.rows / 3 : area.rows))
			break;
		from--;
	}
	return from;
}

/* Hits of a line that was drawn whole over rows. */
static void mark_whole(struct frame *frame, struct area area, const char *text, bool found)
{
	size_t len = frame->ui->find ? strlen(frame->ui->find) : 0;

	for (const char *p = text; (p = next_hit(frame->ui, p)) != NULL; p++)
		for (int col = utf8_columns(text, (size_t)(p - text)), end = col + utf8_columns(p, len); col < end && col / area.cols < area.rows; col++)
			canvas_role(frame->canvas, (struct area){ area.row + col / area.cols, area.col + col % area.cols, 1, 1 }, found ? ROLE_PICK : ROLE_MATCH);
}

/* Lines whole, as many rows as each needs; from the end when following. */
static void draw_wrapped(struct frame *frame, struct area area, const struct output *output)
{
	int64_t dropped = output_dropped(output);

	for (size_t i = wrapped_from(frame, area, output); i < output_count(output) && area.rows > 0; i++) {
		const char *text = output_at(output, i)->text;
		int used = canvas_whole(frame->canvas, area, text);

		mark_whole(frame, (struct area){ area.row, area.col, used, area.cols }, text, frame->ui->match == dropped + (int64_t)i);
		area.row += used;
		area.rows -= used;
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
			draw_line(frame, (struct area){ area.row + i, area.col, 1, area.cols }, line, times,
				frame->ui->match == output_dropped(output) + top + i);
	}
}
