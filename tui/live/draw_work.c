/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "tui/part/downtime.h"
#include "tui/live/draw_int.h"
#include "tui/part/fanout.h"
#include "tui/live/mouse.h"
#include "tui/part/prose.h"
#include "tui/part/rows.h"
#include "tui/part/waits.h"

#define TITLE_AT 10	/* column of a step's title: behind the mark, the state and the number */

int draw_steps_width(const struct model *model, int cols)
{
	int most = cols * 3 / 8, want = 24;

	for (size_t i = 0; i < model->step_count && want < most; i++) {
		const struct model_step *step = &model->steps[i];
		int need = TITLE_AT + utf8_columns(step->title, strlen(step->title))
			+ (*step_type_of(step->kind)->glyph ? 3 : 0) + 1;

		if (need > want)
			want = need;
	}
	return want < most ? want : most;
}

/* A step's title within so many columns: the end tells apart what begins alike. */
static void put_step_title(struct frame *frame, struct area at, size_t i, enum role role)
{
	const struct model *model = frame->scene->model;
	char *title = draw_safe(model->steps[i].title);
	struct buf line = { 0 };
	bool alike = false;

	for (size_t k = 0; k < model->step_count && !alike; k++)
		alike = k != i && cell_alike(title, model->steps[k].title, at.cols);
	if (alike)
		cell_ends(&line, title, at.cols);
	canvas_text(frame->canvas, at.row, at.col, at.cols, role, alike ? buf_text(&line) : title);
	buf_done(&line);
	mem_free(title);
}

static void step_line(struct frame *frame, struct area area, size_t i, bool now)
{
	const struct model_step *step = &frame->scene->model->steps[i];
	enum role role;
	const char *word = draw_step_state(step, &role);
	const char *glyph = step_type_of(step->kind)->glyph;
	char number[48];
	int col = area.col;

	snprintf(number, sizeof(number), "%3zu", i + 1);
	bool looked = frame->ui->step && str_is(frame->ui->step, step->id);

	canvas_put(frame->canvas, area.row, col, looked ? '*' : now ? '>' : ' ', ROLE_BOLD);
	canvas_text(frame->canvas, area.row, col + 1, 5, role, word);
	canvas_text(frame->canvas, area.row, col + 6, 4, now ? ROLE_BOLD : ROLE_TEXT, number);
	put_step_title(frame, (struct area){ area.row, col + TITLE_AT, 1, area.cols - TITLE_AT - (*glyph ? 3 : 0) }, i,
		now ? ROLE_BOLD : ROLE_TEXT);
	if (*glyph)
		canvas_text(frame->canvas, area.row, col + area.cols - 2, 2, ROLE_FAIL, glyph);
	if (looked)
		canvas_role(frame->canvas, (struct area){ area.row, col, 1, area.cols }, ROLE_PICK);
}

/* Whether a step of these has a mark, like that of no return. */
static bool has_mark(const struct model *model, long from, long rows)
{
	for (long i = from; i >= 0 && i < from + rows && i < (long)model->step_count; i++)
		if (*step_type_of(model->steps[i].kind)->glyph)
			return true;
	return false;
}

void draw_steps(struct frame *frame, struct area area)
{
	const struct model *model = frame->scene->model;
	long count = (long)model->step_count, now = model_current(model);
	const struct model_step *looked = ui_step(frame->ui, frame->scene);
	long rows = area.rows, from = 0, at = frame->ui->step && looked ? looked - model->steps : now;

	if (count > rows && at > rows / 2)
		from = at - rows / 2;
	if (count > rows && from > count - rows)
		from = count - rows;
	/* What the mark means, where there is a line for it. */
	if (rows > 4 && has_mark(model, from, rows) && (count < rows || from + rows < count)) {
		if (from + rows < count)
			rows--;
		canvas_text(frame->canvas, area.row + area.rows - 1, area.col, area.cols, ROLE_DIM, " !! = no way back");
	}
	for (long i = 0; i < rows && from + i < count; i++) {
		struct area line = { area.row + (int)i, area.col, 1, area.cols };
		bool more = (i == 0 && from > 0) || (i == rows - 1 && from + i < count - 1);

		if (more)
			canvas_printf(frame->canvas, line, ROLE_DIM, "      ... %ld more",
				i == 0 ? from + 1 : count - from - i);
		else
			step_line(frame, line, (size_t)(from + i), from + i == now);
		if (!more)
			mouse_mark(frame->ui, line, HIT_STEP, from + i);
	}
}

void draw_explain(struct frame *frame, struct area *area, const char *label, const char *text)
{
	struct buf line = { 0 };
	int used;

	if (!text || !*text || area->rows <= 0)
		return;
	buf_puts(&line, label);
	prose_flow(&line, text);
	used = canvas_wrap(frame->canvas, *area, ROLE_TEXT, buf_text(&line));
	area->row += used;
	area->rows -= used;
	buf_done(&line);
}

static void skip_rows(struct area *area, int rows)
{
	area->row += rows;
	area->rows -= rows;
}

void draw_title(struct frame *frame, struct area *area, const struct model_step *step)
{
	const struct model *model = frame->scene->model;
	char *title = draw_safe(step->title);
	enum role role;
	const char *word = draw_step_state(step, &role);
	int64_t us = step->took_us > 0 && step->ended_us > 0 ? step->took_us
		: step->begun_us > 0 ? frame->wall_us - step->begun_us : 0;
	char span[TIME_TEXT], tail[128];
	char *full;
	int room, len = 0;

	if (step->attempt > 1)
		len = snprintf(tail, sizeof(tail), "try %d  ", step->attempt);
	len += snprintf(tail + len, sizeof(tail) - (size_t)len, "%s", us > 0 ? time_format_span(us, span) : "");
	room = area->cols - len - 8;
	full = mem_printf("%ld  %s (%s)", (long)(step - model->steps) + 1, title, step_kind_name(step->kind));
	if (utf8_columns(full, strlen(full)) > room)
		full[strlen(full) - strlen(step_kind_name(step->kind)) - 3] = '\0';
	canvas_text(frame->canvas, area->row, area->col, room, ROLE_BOLD, full);
	canvas_text(frame->canvas, area->row, area->col + room + 1, 5, role, word);
	canvas_text(frame->canvas, area->row, area->col + room + 7, len, ROLE_TEXT, tail);
	skip_rows(area, 1);
	mem_free(title);
	mem_free(full);
}

static void draw_why(struct frame *frame, struct area *area, const struct model_step *step)
{
	const struct question *question = scene_question_find(frame->scene, frame->ui->matter.seq);
	char *down;

	draw_explain(frame, area, "", step->reason);
	if (!frame->ui->explain || area->rows < 3)
		return;
	down = downtime_words(frame->scene->model, step);
	if (!question || !str_is(question->details, step->about))
		draw_explain(frame, area, "", step->about);
	draw_explain(frame, area, "", down);
	draw_explain(frame, area, "Why: ", step->why);
	draw_explain(frame, area, "If it fails: ", step->back);
	draw_explain(frame, area, "Takes about ", step->takes);
	mem_free(down);
}

/* Nobody sees what goes on there; that it goes on is likely. */
static void draw_silence(struct frame *frame, struct area *area, const struct model_call *call, const char *host)
{
	char clock[TIME_TEXT];
	struct buf line = { 0 };

	buf_printf(&line, "NO ANSWER from %s since %s UTC", host, time_format_clock(call->silent_us, clock));
	if (*call->silent)
		buf_puts(&line, ": ");
	prose_flow(&line, call->silent);
	buf_puts(&line, call->lost_us ? ". bellbook tries again by itself. What was begun there may go on, or be cut off: it is looked up when the host answers."
		: ". bellbook waits on, and tells when it answers again. Whether what was begun there goes on is not known.");
	skip_rows(area, canvas_wrap(frame->canvas, *area, ROLE_WARN, buf_text(&line)));
	buf_done(&line);
}

static void draw_command(struct frame *frame, struct area *area, const struct model_call *call)
{
	char *host = draw_safe(call->host && *call->host ? call->host : "this computer");
	char *as = draw_safe(call->as);
	struct buf line = { 0 };
	enum role role;
	const char *word = draw_call_state(call->state, &role);
	int col;

	col = canvas_printf(frame->canvas, *area, ROLE_TEXT, "%s on %s%s%s:",
		call->state == CALL_RUNNING ? "runs" : "ran", host, *as ? " as " : "", as);
	/* A call is ok when its outcome is known; whether another status than 0 is good is the runbook's to say. */
	if (call->state == CALL_OK && call->exit_code > 0)
		word = "";
	col += canvas_text(frame->canvas, area->row, area->col + col + 1, 6, role, word) + 2;
	if (call->exit_code >= 0)
		canvas_printf(frame->canvas, (struct area){ area->row, area->col + col, 1, area->cols - col },
			call->exit_code > 0 ? ROLE_WARN : ROLE_TEXT, "exit status %d", call->exit_code);
	skip_rows(area, 1);
	buf_puts(&line, "$ ");
	prose_command(&line, call->shown && *call->shown ? call->shown : call->action);
	skip_rows(area, canvas_wrap(frame->canvas, (struct area){ area->row, area->col,
		area->rows < 4 ? 1 : area->rows < 16 ? 3 : 6, area->cols }, ROLE_COMMAND, buf_text(&line)));
	/* Folder and variables: whole where there is room, for they decide what it does. */
	if (*call->where && area->rows >= 4) {
		buf_clear(&line);
		utf8_safe(&line, call->where + 1, strlen(call->where) - 1, false);
		skip_rows(area, canvas_wrap(frame->canvas, (struct area){ area->row, area->col, area->rows < 8 ? 1 : 4, area->cols }, ROLE_DIM, buf_text(&line)));
	}
	if (call->error && *call->error)
		draw_explain(frame, area, "", call->error);
	if (call->silent)
		draw_silence(frame, area, call, host);
	mem_free(host);
	mem_free(as);
	buf_done(&line);
}

void draw_call_line(struct frame *frame, struct area *area, const struct model_call *call)
{
	char *host = draw_safe(*call->host ? call->host : "this computer"), *as = draw_safe(call->as);
	struct buf line = { 0 };
	enum role role;
	const char *word = draw_call_state(call->state, &role);
	int col;

	if (call->state == CALL_OK && call->exit_code > 0)
		word = "";
	col = canvas_text(frame->canvas, area->row, area->col, area->cols, role, word);
	if (call->exit_code >= 0)
		col += canvas_printf(frame->canvas, (struct area){ area->row, area->col + col + (col > 0), 1, area->cols - col - 1 },
			call->exit_code > 0 ? ROLE_WARN : ROLE_TEXT, "exit status %d", call->exit_code) + (col > 0);
	buf_printf(&line, "%s%s%s $ ", host, *as ? " as " : "", as);
	prose_command(&line, call->shown && *call->shown ? call->shown : call->action);
	for (size_t i = 0; i < line.len; i++)
		line.data[i] = line.data[i] == '\n' ? ' ' : line.data[i];
	canvas_text(frame->canvas, area->row, area->col + col + (col > 0), area->cols - col - 1, ROLE_COMMAND, buf_text(&line));
	skip_rows(area, 1);
	mem_free(host);
	mem_free(as);
	buf_done(&line);
}

static void draw_progress(struct frame *frame, struct area *area, const struct model_call *call)
{
	char *text = draw_words(call->progress);
	int width = area->cols / 2, col = area->col;

	if (call->state == CALL_RUNNING && (call->percent >= 0 || *text) && area->rows > 3) {
		if (call->percent >= 0) {
			int full = (int)(call->percent * (width - 2) / 100);

			canvas_put(frame->canvas, area->row, col, '[', ROLE_TEXT);
			for (int i = 0; i < width - 2; i++)
				canvas_put(frame->canvas, area->row, col + 1 + i, i < full ? '#' : '-', ROLE_TEXT);
			canvas_put(frame->canvas, area->row, col + width - 1, ']', ROLE_TEXT);
			col += width + 1;
			col += canvas_printf(frame->canvas, (struct area){ area->row, col, 1, 6 }, ROLE_BOLD,
				"%3.0f%%", call->percent) + 2;
		}
		canvas_text(frame->canvas, area->row, col, area->col + area->cols - col, ROLE_TEXT, text);
		skip_rows(area, 1);
	}
	mem_free(text);
}

/* What it waits for, a paragraph for each branch. */
static void draw_waits(struct frame *frame, struct area *area, const struct model_step *step)
{
	const struct model_call *waits[WAITS_MOST];
	size_t n = waits_of(frame->scene->model, step, waits);
	struct buf words = { 0 };

	for (size_t i = 0; i < n && area->rows > 0; i++) {
		buf_clear(&words);
		waits_words(waits[i], frame->wall_us, &words);
		skip_rows(area, canvas_wrap(frame->canvas, *area, ROLE_WAIT, buf_text(&words)));
	}
	buf_done(&words);
}

void draw_work(struct frame *frame, struct area area)
{
	const struct model_step *step = ui_step(frame->ui, frame->scene);
	const struct model_call *call = ui_call(frame->ui, frame->scene);

	if (!step) {
		draw_explain(frame, &area, "", frame->scene->model->about);
		if (frame->scene->model->step_count == 0 && area.rows > 0)
			canvas_text(frame->canvas, area.row, area.col, area.cols, ROLE_DIM, "Reading the session ...");
		return;
	}
	draw_title(frame, &area, step);
	/* What was looked at before a step is for the record: the question is about what will be done. */
	bool works = call && str_is(call->step, step->id)
		&& (frame->ui->call || frame->ui->step || call->state == CALL_RUNNING
		|| !(step->state == STEP_READY && scene_is_probe(call)));
	/* Before a step its explanation is what counts, later its output. */
	int share = !works ? area.rows : step->state == STEP_READY ? area.rows * 2 / 3 : area.rows / 3;
	struct area why = { area.row, area.col, share, area.cols };
	int before = why.row;

	draw_why(frame, &why, step);
	skip_rows(&area, why.row - before);
	if (!works)
		return;
	if (area.rows > 6 && frame->ui->explain)
		skip_rows(&area, 1);
	draw_waits(frame, &area, step);
	skip_rows(&area, draw_fanout(frame, area, step, call));
	if (call->wait) {
		skip_rows(&area, draw_meter(frame, area, step));
		return;
	}
	if (area.rows > 2)
		draw_command(frame, &area, call);
	skip_rows(&area, draw_meter(frame, area, step));
	draw_progress(frame, &area, call);
	if (area.rows > 1)
		draw_output(frame, area, area.cols >= 50);
}
