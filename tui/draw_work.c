/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "tui/draw_int.h"
#include "tui/prose.h"

#define TITLE_AT 10	/* column of a step's title: behind the mark, the state and the number */
#define CALLS_SHOWN 6	/* of a fan-out, above the output */

int draw_steps_width(const struct model *model, int cols)
{
	int most = cols * 3 / 8, want = 24;

	for (size_t i = 0; i < model->step_count && want < most; i++) {
		const struct model_step *step = &model->steps[i];
		int need = TITLE_AT + utf8_columns(step->title, strlen(step->title))
			+ (step->kind == STEP_IRREVERSIBLE ? 3 : 0) + 1;

		if (need > want)
			want = need;
	}
	return want < most ? want : most;
}

static void step_line(struct frame *frame, struct area area, size_t i, bool now)
{
	const struct model_step *step = &frame->scene->model->steps[i];
	enum role role;
	const char *word = draw_state(step->state, &role);
	char *title = draw_safe(step->title);
	char number[48];
	int col = area.col;

	snprintf(number, sizeof(number), "%3zu", i + 1);
	canvas_put(frame->canvas, area.row, col, now ? '>' : ' ', ROLE_BOLD);
	canvas_text(frame->canvas, area.row, col + 1, 5, role, word);
	canvas_text(frame->canvas, area.row, col + 6, 4, now ? ROLE_BOLD : ROLE_TEXT, number);
	canvas_text(frame->canvas, area.row, col + TITLE_AT,
		area.cols - TITLE_AT - (step->kind == STEP_IRREVERSIBLE ? 3 : 0), now ? ROLE_BOLD : ROLE_TEXT, title);
	if (step->kind == STEP_IRREVERSIBLE)
		canvas_text(frame->canvas, area.row, col + area.cols - 2, 2, ROLE_FAIL, "!!");
	mem_free(title);
}

void draw_steps(struct frame *frame, struct area area)
{
	const struct model *model = frame->scene->model;
	long count = (long)model->step_count, now = model_current(model);
	long rows = area.rows, from = 0;

	if (count > rows && now > rows / 2)
		from = now - rows / 2;
	if (count > rows && from > count - rows)
		from = count - rows;
	for (long i = 0; i < rows && from + i < count; i++) {
		struct area line = { area.row + (int)i, area.col, 1, area.cols };
		bool more = (i == 0 && from > 0) || (i == rows - 1 && from + i < count - 1);

		if (more)
			canvas_printf(frame->canvas, line, ROLE_DIM, "      ... %ld more",
				i == 0 ? from + 1 : count - from - i);
		else
			step_line(frame, line, (size_t)(from + i), from + i == now);
	}
}

/* The step that the right side is about. */
static const struct model_step *shown_step(const struct frame *frame)
{
	const struct model *model = frame->scene->model;
	const struct model_call *call = ui_call(frame->ui, frame->scene);
	long at = model_current(model);

	if (frame->ui->call && call)
		return model_step_find(model, call->step);
	if (at >= 0)
		return &model->steps[at];
	return call ? model_step_find(model, call->step) : NULL;
}

/* "Label: text" wrapped; moves the area down. */
static void explain(struct frame *frame, struct area *area, const char *label, const char *text)
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

static void draw_title(struct frame *frame, struct area *area, const struct model_step *step)
{
	const struct model *model = frame->scene->model;
	char *title = draw_safe(step->title);
	enum role role;
	const char *word = draw_state(step->state, &role);
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
	const struct question *question = scene_question_find(frame->scene, frame->ui->dialog.seq);

	explain(frame, area, "", step->reason);
	if (!frame->ui->explain || area->rows < 3)
		return;
	if (!question || !str_is(question->details, step->about))
		explain(frame, area, "", step->about);
	explain(frame, area, "Why: ", step->why);
	explain(frame, area, "If it fails: ", step->back);
	explain(frame, area, "Takes about ", step->takes);
}

static const char *call_word(enum call_state state, enum role *role)
{
	static const struct {
		const char *word;
		enum role role;
	} words[] = {
		[CALL_RUNNING] = { "RUN", ROLE_RUN }, [CALL_OK] = { "ok", ROLE_OK },
		[CALL_FAILED] = { "FAIL", ROLE_FAIL }, [CALL_CANCELED] = { "stop", ROLE_WARN },
		[CALL_UNKNOWN] = { "DOUBT", ROLE_DOUBT },
	};

	*role = words[state].role;
	return words[state].word;
}

/* One line of a fan-out. */
static void call_line(struct frame *frame, struct area area, const struct model_call *call, bool focus)
{
	enum role role;
	const char *word = call_word(call->state, &role);
	char *host = draw_safe(call->host && *call->host ? call->host : "here");
	char *text = draw_safe(call->error && *call->error ? call->error
		: call->progress && *call->progress ? call->progress : call->shown);
	int col = area.col;

	canvas_put(frame->canvas, area.row, col, focus ? '>' : ' ', ROLE_BOLD);
	canvas_text(frame->canvas, area.row, col + 1, 5, role, word);
	canvas_text(frame->canvas, area.row, col + 7, 14, focus ? ROLE_BOLD : ROLE_TEXT, host);
	if (call->percent >= 0 && call->state == CALL_RUNNING)
		canvas_printf(frame->canvas, (struct area){ area.row, col + 22, 1, 5 }, ROLE_TEXT, "%3.0f%%",
			call->percent);
	canvas_text(frame->canvas, area.row, col + 28, area.cols - 28, ROLE_TEXT, text);
	mem_free(host);
	mem_free(text);
}

/* The calls of one step and try that run, or ran, together. */
static void draw_calls(struct frame *frame, struct area *area, const struct model_call *focus)
{
	const struct model *model = frame->scene->model;
	int running = 0, shown = 0;

	for (size_t i = 0; i < model->call_count; i++)
		running += model->calls[i].state == CALL_RUNNING;
	if (running < 2)
		return;
	for (size_t i = 0; i < model->call_count && area->rows > 4; i++) {
		const struct model_call *call = &model->calls[i];

		if (call->state != CALL_RUNNING)
			continue;
		if (++shown == CALLS_SHOWN && running > CALLS_SHOWN) {
			canvas_printf(frame->canvas, *area, ROLE_DIM, "      ... %d more run (Tab)",
				running - shown + 1);
			skip_rows(area, 1);
			break;
		}
		call_line(frame, *area, call, call == focus);
		skip_rows(area, 1);
	}
}

static void draw_command(struct frame *frame, struct area *area, const struct model_call *call)
{
	char *host = draw_safe(call->host && *call->host ? call->host : "this computer");
	char *as = draw_safe(call->as);
	struct buf line = { 0 };
	enum role role;
	const char *word = call_word(call->state, &role);
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
	if (call->error && *call->error)
		explain(frame, area, "", call->error);
	mem_free(host);
	mem_free(as);
	buf_done(&line);
}

static void draw_progress(struct frame *frame, struct area *area, const struct model_call *call)
{
	char *text = draw_safe(call->progress);
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

void draw_work(struct frame *frame, struct area area)
{
	const struct model_step *step = shown_step(frame);
	const struct model_call *call = ui_call(frame->ui, frame->scene);

	if (!step) {
		explain(frame, &area, "", frame->scene->model->about);
		if (frame->scene->model->step_count == 0 && area.rows > 0)
			canvas_text(frame->canvas, area.row, area.col, area.cols, ROLE_DIM, "Reading the session ...");
		return;
	}
	draw_title(frame, &area, step);
	bool works = call && str_is(call->step, step->id);
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
	draw_calls(frame, &area, call);
	if (area.rows > 2)
		draw_command(frame, &area, call);
	draw_progress(frame, &area, call);
	if (area.rows > 1)
		draw_output(frame, area, area.cols >= 50);
}
