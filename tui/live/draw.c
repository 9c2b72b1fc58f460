/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/live/draw.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/line.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "tui/part/downtime.h"
#include "tui/live/draw_int.h"
#include "tui/live/mouse.h"
#include "tui/part/people.h"
#include "tui/live/sitting.h"

char *draw_safe(const char *text)
{
	struct buf safe = { 0 };

	if (text)
		utf8_safe(&safe, text, strlen(text), false);
	return buf_take(&safe);
}

char *draw_words(const char *text)
{
	struct buf safe = { 0 };

	if (text)
		line_words(&safe, text, strlen(text), false);
	return buf_take(&safe);
}

const char *draw_step_state(const struct model_step *step, enum role *role)
{
	const char *word = draw_state(step->state, role);

	return step->already ? "done" : word;
}

const char *draw_state(enum step_state state, enum role *role)
{
	static const struct {
		const char *word;
		enum role role;
	} words[] = {
		[STEP_PLANNED] = { "", ROLE_TEXT }, [STEP_READY] = { "ready", ROLE_WAIT },
		[STEP_RUNNING] = { "RUN", ROLE_RUN }, [STEP_DETACHED] = { "away", ROLE_WAIT },
		[STEP_IN_DOUBT] = { "DOUBT", ROLE_DOUBT }, [STEP_OK] = { "ok", ROLE_OK },
		[STEP_WARN] = { "warn", ROLE_WARN }, [STEP_FAILED] = { "FAIL", ROLE_FAIL },
		[STEP_SKIPPED] = { "skip", ROLE_WARN }, [STEP_DEFERRED] = { "defer", ROLE_WARN },
		[STEP_STALE] = { "stale", ROLE_WARN },
	};

	*role = words[state].role;
	return words[state].word;
}

/* Text at col of the header, returns the column behind it. */
static int header_put(struct frame *frame, int col, enum role role, const char *text)
{
	return col + canvas_text(frame->canvas, 0, col, frame->canvas->cols - col, role, text);
}

/* "[ruud DRIVES] jello, gov". Caller owns. */
static char *people(const struct frame *frame)
{
	struct buf out = { 0 };

	people_header(frame->scene, frame->wall_us, &out);
	return buf_take(&out);
}

/* What must be seen in the header, behind the title; with draw false only measured. */
static int header_flags(struct frame *frame, int col, const char *who, bool draw)
{
	const struct model *model = frame->scene->model;
	const char *const flags[] = { model->dry_run ? " DRY RUN " : "",
		model->state == SESSION_PAUSED ? " PAUSED " : "", frame->ui->lost ? " NO CONNECTION " : "" };
	char clock[112], down[128] = "";

	downtime_clock(model, frame->wall_us, frame->canvas->cols < 110, clock, sizeof(clock));
	if (*clock)
		snprintf(down, sizeof(down), " %s ", clock);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (*flags[i])
			col = draw ? header_put(frame, col + 2, ROLE_DOWN, flags[i])
				: col + 2 + (int)strlen(flags[i]);
	if (*down)
		col = draw ? header_put(frame, col + 2, downtime_is_now(model) ? ROLE_DOWN : ROLE_HEADER, down)
			: col + 2 + (int)strlen(down);
	return draw ? header_put(frame, col + 2, ROLE_HEADER, who)
		: col + 2 + utf8_columns(who, strlen(who));
}

/* " #3  step 12/32"; before the first step how many there are. Caller owns. */
static char *header_steps(const struct scene *scene)
{
	const struct model *model = scene->model;
	long at = model_current(model), over = (long)scene_steps_over(scene);

	if (at < 0 && over == 0)
		return mem_printf(" #%lld  %zu step%s", (long long)model->session, model->step_count,
			model->step_count == 1 ? "" : "s");
	return mem_printf(" #%lld  step %ld/%zu", (long long)model->session, at >= 0 ? at + 1 : over,
		model->step_count);
}

static void draw_header(struct frame *frame)
{
	const struct model *model = frame->scene->model;
	char *title = draw_safe(model->title && *model->title ? model->title : model->runbook);
	char *text = header_steps(frame->scene);
	char *who = people(frame);
	int cols = frame->canvas->cols, col;
	int room = cols - header_flags(frame, 0, who, false) - (int)strlen(text) - 1;
	char clock[TIME_TEXT];

	canvas_fill(frame->canvas, (struct area){ 0, 0, 1, cols }, ROLE_HEADER);
	col = 1 + canvas_text(frame->canvas, 0, 1, room > 8 ? room : 8, ROLE_HEADER, title);
	col = header_put(frame, col, ROLE_HEADER, text);
	col = header_flags(frame, col, who, true);
	time_format_clock(frame->wall_us, clock);
	if (frame->ui->slow || downtime_is_now(model))	/* bytes are dear; one clock that runs is enough */
		clock[5] = '\0';
	if (col + 14 <= cols)
		canvas_printf(frame->canvas, (struct area){ 0, cols - 5 - (int)strlen(clock), 1, 13 }, ROLE_HEADER, "%s UTC",
			clock);
	mem_free(title);
	mem_free(text);
	mem_free(who);
}

/* Why the site is down, below the header, where the window has room for it. Returns the rows. */
static int draw_down(struct frame *frame)
{
	struct canvas *canvas = frame->canvas;
	char *words = canvas->rows >= 16 ? downtime_reason(frame->scene->model, frame->wall_us) : mem_strdup("");
	struct area at = { 1, 1, 0, canvas->cols - 2 };

	if (*words) {
		at.rows = canvas_rows(words, at.cols);
		at.rows = at.rows > 2 ? 2 : at.rows;
		canvas_wrap(canvas, at, ROLE_WARN, words);
	}
	mem_free(words);
	return at.rows;
}

/* "18:44 jello: sidekiq is ready". Caller owns. */
static char *talk_line(const struct talk *talk)
{
	char clock[TIME_TEXT];

	time_format_clock(talk->at_us, clock);
	clock[5] = '\0';
	if (talk->warned)
		return mem_printf("%s WARNING: %s", clock, talk->text);
	if (talk->note && str_is(talk->who, "bellbook"))
		return mem_printf("%s noted: %s", clock, talk->text);
	return mem_printf("%s %s%s: %s", clock, talk->who, talk->note ? " NOTE" : "", talk->text);
}

void draw_talk(struct frame *frame, struct area area)
{
	const struct scene *scene = frame->scene;

	/* From the last one up; what no longer fits whole is cut, an older one left out. */
	for (size_t i = scene->talk_count; i-- > 0 && area.rows > 0;) {
		const struct talk *talk = &scene->talk[i];
		char *line = talk_line(talk);
		int rows = canvas_rows(line, area.cols);

		if (rows > area.rows && i + 1 < scene->talk_count) {
			mem_free(line);
			break;
		}
		rows = rows > area.rows ? area.rows : rows;
		area.rows -= rows;
		canvas_wrap(frame->canvas, (struct area){ area.row + area.rows, area.col, rows, area.cols },
			talk->warned ? ROLE_WARN : ROLE_TEXT, line);
		mem_free(line);
	}
}

static void draw_palette(struct frame *frame, struct area area)
{
	const struct palette *palette = &frame->ui->palette;
	struct area list = palette_draw(palette, frame->canvas, area);
	long from = palette_first(palette, list.rows);

	for (int i = 0; i < list.rows && (size_t)(from + i) < palette->count; i++)
		mouse_mark(frame->ui, (struct area){ list.row + i, list.col, 1, list.cols }, HIT_OPTION, from + i);
}

/* What lies over the rest. */
static void draw_over(struct frame *frame, struct area area)
{
	if (frame->ui->palette.is_open)
		draw_palette(frame, area);
	else if (frame->ui->dialog.kind != DIALOG_NONE)
		draw_dialog(frame, area);
}

/* Why nothing goes on, whole, over whatever stands there: that is what has to be read now. */
static void draw_halted(struct frame *frame)
{
	struct canvas *canvas = frame->canvas;
	char *words = frame->scene->halted ? mem_printf("NOTHING GOES ON: %s", frame->scene->halted) : NULL;
	struct area at = { 0, 1, 0, canvas->cols - 2 };

	if (!words)
		return;
	at.rows = canvas_rows(words, at.cols);
	at.rows = at.rows > canvas->rows / 3 ? canvas->rows / 3 : at.rows;
	at.row = canvas->rows - 1 - at.rows;
	canvas_fill(canvas, (struct area){ at.row, 0, at.rows, canvas->cols }, ROLE_FAIL);
	canvas_wrap(canvas, at, ROLE_FAIL, words);
	mem_free(words);
}

/* What the output is of: the step with its state and time, the command with its own. Returns the rows. */
static int draw_raw_head(struct frame *frame)
{
	const struct model_step *step = ui_step(frame->ui, frame->scene);
	const struct model_call *call = ui_call(frame->ui, frame->scene);
	struct area area = { 1, 0, 3, frame->canvas->cols };

	draw_header(frame);
	if (frame->canvas->rows < 16)
		return 1;
	area.row += draw_down(frame);
	if (step)
		draw_title(frame, &area, step);
	if (call)
		draw_call_line(frame, &area, call);
	return area.row;
}

static void draw_raw(struct frame *frame)
{
	int rows = frame->canvas->rows, cols = frame->canvas->cols, said = draw_status_rows(frame);
	int head = draw_raw_head(frame);

	draw_output(frame, (struct area){ head, 0, rows - 1 - head - (said > 1 ? said : 1), cols }, false);
	draw_status(frame, rows - 2);
	draw_over(frame, (struct area){ 1, 0, rows - 2 - (said > 1 ? said : 1), cols });
	draw_hints(frame, rows - 1);
	draw_halted(frame);
}

void draw(const struct scene *scene, struct ui *ui, struct canvas *canvas, int64_t wall_us, int64_t mono_us)
{
	struct frame frame = { scene, ui, canvas, wall_us, mono_us };
	int rows = canvas->rows, cols = canvas->cols;
	int talk = rows >= 24 ? 3 : rows >= 16 ? 1 : 0;
	int left = cols < 70 ? 0 : draw_steps_width(scene->model, cols);
	int body = rows - 3 - talk, top = 1;

	canvas_clear(canvas);
	mouse_clear(ui);
	ui->blind = rows < 10 || cols < 40;
	if (ui->blind) {
		canvas_text(canvas, rows / 2, 0, cols, ROLE_TEXT, "The window is too small (40x10).");
		canvas_text(canvas, rows / 2 + 1, 0, cols, ROLE_TEXT, "The session goes on. q leaves.");
		return;
	}
	ui->sitting.rows = rows - 2;
	ui->sitting.cols = cols;
	if (sitting_is_on(ui, scene)) {
		draw_sitting(&frame);
		return;
	}
	if (ui->raw) {
		draw_raw(&frame);
		return;
	}
	draw_header(&frame);
	top += draw_down(&frame);
	body -= top - 1;
	if (left > 0)
		draw_steps(&frame, (struct area){ top, 0, body, left });
	for (int row = top; left > 0 && row < top + body; row++)
		canvas_glyph(canvas, row, left, GLYPH_DOWN);
	/* The output stays in sight above a dialog; what is said below it takes its rows from both. A tall one may cover why the site is down. */
	int said = draw_status_rows(&frame) - 1;
	struct area over = { 1, 0, top - 1 + body + talk - (said > 0 ? said : 0), cols };
	int covered = ui->dialog.kind == DIALOG_NONE ? 0 : draw_dialog_rows(&frame, over) + (said > 0 ? said : 0) - talk;

	draw_work(&frame, (struct area){ top, left ? left + 2 : 1, covered > 0 ? body - covered : body,
		cols - (left ? left + 2 : 1) });
	draw_talk(&frame, (struct area){ top + body, 1, talk, cols - 1 });
	draw_status(&frame, rows - 2);
	draw_over(&frame, over);
	draw_hints(&frame, rows - 1);
	draw_halted(&frame);
}
