/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "tui/part/board.h"
#include "tui/review/review_int.h"

#define NOTICE_US (10 * TIME_SECOND)
#define LONG_US (72000 * TIME_SECOND)	/* a walk of 20 hours needs dates */
#define VERSUS_COLS 26	/* of the column with the run before */

/* One frame being drawn. */
struct sheet {
	struct review *review;
	struct canvas *canvas;
	int64_t now_us;
	bool days;	/* the walk is longer than a day: times need a date */
	bool narrow;	/* no room for durations and names */
	int versus;	/* columns for the run before, 0 = none */
};

/* "18:52:07", or "11-21 18:52:07" when the walk goes over days. */
static const char *clock_of(const struct sheet *sheet, int64_t at_us, char out[TIME_TEXT])
{
	char full[TIME_TEXT];

	if (!sheet->days)
		return time_format_clock(at_us, out);
	time_format(at_us, full);
	snprintf(out, TIME_TEXT, "%.5s %.8s", full + 5, full + 11);
	return out;
}

static const char *outcome(const struct review *review, enum role *role)
{
	const struct model *model = review->timeline->model;

	*role = ROLE_HEADER;
	if (model->state != SESSION_CLOSED)
		return review->running ? "RUNNING NOW (a attaches)" : "NOT CLOSED";
	if (str_is(model->outcome, "ok") && model_left_out(model) > 0)
		return "ok, with steps left out";
	if (str_is(model->outcome, "ok"))
		return model->failures > 0 ? "ok, after failures" : "ok";
	*role = ROLE_DOWN;
	return str_is(model->outcome, "failed") ? "FAILED" : str_is(model->outcome, "aborted") ? "ABORTED" : "closed";
}

static void draw_header(struct sheet *sheet)
{
	const struct timeline *timeline = sheet->review->timeline;
	const struct model *model = timeline->model;
	char from[TIME_TEXT], to[TIME_TEXT], first[TIME_TEXT];
	struct buf title = { 0 }, line = { 0 };
	enum role role;
	const char *word = outcome(sheet->review, &role);
	int cols = sheet->canvas->cols, room;

	utf8_safe(&title, model->title, strlen(model->title), false);
	time_format(model->opened_us, first);
	clock_of(sheet, timeline->end_us, to);
	to[strlen(to) - 3] = '\0';	/* no seconds here */
	buf_printf(&line, " #%lld  ", (long long)timeline->session);
	if (!sheet->review->down)
		buf_printf(&line, "%.10s %.5s - %s UTC%s  ", first, time_format_clock(model->opened_us, from), to, model->dry_run ? "  DRY RUN" : "");
	canvas_fill(sheet->canvas, (struct area){ 0, 0, 1, cols }, ROLE_HEADER);
	cols = board_flag(sheet->canvas, sheet->review->down);
	room = cols - 9 - utf8_columns(buf_text(&line), line.len) - (int)strlen(word) - 2;
	room = canvas_text(sheet->canvas, 0, 9, room > 6 ? room : 6, ROLE_HEADER, buf_text(&title));
	canvas_text(sheet->canvas, 0, 1, 7, ROLE_HEADER, "REVIEW");
	room += canvas_text(sheet->canvas, 0, 9 + room, cols - 9 - room, ROLE_HEADER, buf_text(&line));
	room += canvas_text(sheet->canvas, 0, 9 + room, cols - 9 - room, role, word);
	/* Where there is less room, what became of it comes before when it was. */
	if (sheet->review->down)
		canvas_printf(sheet->canvas, (struct area){ 0, 11 + room, 1, cols - 11 - room }, ROLE_HEADER, "%.10s %.5s - %s UTC%s", first,
			time_format_clock(model->opened_us, from), to, model->dry_run ? "  DRY RUN" : "");
	buf_done(&title);
	buf_done(&line);
}

static void count_steps(const struct timeline *timeline, struct buf *out)
{
	static const struct {
		enum step_state state;
		const char *word;
	} all[] = {
		{ STEP_OK, "ok" }, { STEP_WARN, "warned" }, { STEP_FAILED, "failed" }, { STEP_IN_DOUBT, "in doubt" }, { STEP_SKIPPED, "skipped" },
		{ STEP_DEFERRED, "deferred" }, { STEP_RUNNING, "running" }, { STEP_PLANNED, "not done" },
	};

	buf_printf(out, "%zu step%s:", timeline->model->step_count, timeline->model->step_count == 1 ? "" : "s");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		size_t n = timeline_steps(timeline, all[i].state);

		if (n > 0)
			buf_printf(out, " %zu %s", n, all[i].word);
	}
	if (timeline->model->failures > (int64_t)timeline_steps(timeline, STEP_FAILED))
		buf_printf(out, " (%lld failed tr%s)", (long long)timeline->model->failures, timeline->model->failures == 1 ? "y" : "ies");
}

static void draw_facts(struct sheet *sheet, int row)
{
	const struct review *review = sheet->review;
	const struct timeline *timeline = review->timeline;
	int64_t down = timeline_total(timeline, SPAN_DOWN), wait = timeline_total(timeline, SPAN_WAIT);
	int64_t lasted = timeline->end_us - timeline->model->opened_us;
	char span[TIME_TEXT];
	struct buf line = { 0 };
	int col = 1;

	/* A broken chain comes first: it says how much the rest can be trusted. */
	if (review->chain_bad)
		col += canvas_text(sheet->canvas, row, col, sheet->canvas->cols - col, ROLE_FAIL, review->chain) + 2;
	if (down > 0)
		col += canvas_printf(sheet->canvas, (struct area){ row, col, 1, sheet->canvas->cols - col }, ROLE_BOLD, "down %s%s",
			time_format_span(down, span), timeline->model->down_since_us && timeline->model->state == SESSION_CLOSED ? ", not over at its end" : "") + 2;
	buf_printf(&line, "lasted %s", time_format_span(lasted > 0 ? lasted : 0, span));
	if (wait > 0)
		buf_printf(&line, " (%s for people)", time_format_span(wait, span));
	buf_puts(&line, "  ");
	count_steps(timeline, &line);
	col += canvas_text(sheet->canvas, row, col, sheet->canvas->cols - col, ROLE_TEXT, buf_text(&line)) + 2;
	if (!review->chain_bad)
		col += canvas_text(sheet->canvas, row, col, sheet->canvas->cols - col, ROLE_DIM, review->chain) + 2;
	buf_clear(&line);
	timeline_people(timeline, &line);
	canvas_text(sheet->canvas, row, col, sheet->canvas->cols - col, ROLE_TEXT, buf_text(&line));
	buf_done(&line);
}

/* --- the strip --- */

static int column_of(const struct sheet *sheet, int64_t at_us)
{
	const struct timeline *timeline = sheet->review->timeline;
	int64_t from = timeline->model->opened_us, whole = timeline->end_us - from;
	int cols = sheet->canvas->cols - 2;

	if (whole <= 0 || at_us <= from)
		return 1;
	if (at_us >= timeline->end_us)
		return cols;
	return 1 + (int)((double)(at_us - from) / (double)whole * (cols - 1) + 0.5);
}

static void draw_axis(struct sheet *sheet, int row)
{
	const struct timeline *timeline = sheet->review->timeline;
	int64_t from = timeline->model->opened_us, whole = timeline->end_us - from;
	int width = sheet->days ? 11 : whole < 600 * TIME_SECOND ? 8 : 5, count = sheet->canvas->cols / (width + 9);

	for (int i = 0; whole > 0 && i <= count; i++) {
		int64_t at_us = from + whole / count * i;
		int col = column_of(sheet, at_us);
		char clock[TIME_TEXT];

		clock_of(sheet, at_us, clock);
		clock[width] = '\0';
		if (col + width > sheet->canvas->cols - 1)
			col = sheet->canvas->cols - 1 - width;
		canvas_text(sheet->canvas, row, col, width, ROLE_DIM, clock);
	}
}

static void draw_span(struct sheet *sheet, int row, const struct span *span)
{
	int64_t to_us = span->to_us ? span->to_us : sheet->review->timeline->end_us;
	int from = column_of(sheet, span->from_us), to = column_of(sheet, to_us);
	uint32_t mark = span->kind == SPAN_DOWN ? '#' : span->kind == SPAN_FAILED ? 'X' : '~';
	enum role role = span->kind == SPAN_DOWN ? ROLE_DOWN : span->kind == SPAN_FAILED ? ROLE_FAIL : ROLE_WAIT;

	for (int col = from; col == from || col < to; col++)
		canvas_put(sheet->canvas, row, col, mark, role);
}

/* What the strip's signs mean, beside the cursor that stands in this row. */
static void draw_legend(struct sheet *sheet, int row, int cursor)
{
	static const char words[] = ". up   ~ waits for people   # DOWN   X failed";
	int len = (int)strlen(words), cols = sheet->canvas->cols;

	if (cols < 2 * len - 16)
		return;
	canvas_text(sheet->canvas, row, cursor >= 0 && cursor >= cols - len - 2 ? 1 : cols - len - 1, len, ROLE_DIM, words);
}

/* What matters most is drawn last: waiting, down, failed. A wait under a second is nobody's. */
static void draw_strip(struct sheet *sheet, int row)
{
	static const enum span_kind order[] = { SPAN_WAIT, SPAN_DOWN, SPAN_FAILED };
	const struct timeline *timeline = sheet->review->timeline;
	const struct mark *mark = review_mark(sheet->review);

	for (int col = 1; col < sheet->canvas->cols - 1; col++)
		canvas_put(sheet->canvas, row, col, '.', ROLE_DIM);
	for (size_t k = 0; k < 3; k++)
		for (size_t i = 0; i < timeline->span_count; i++) {
			const struct span *span = &timeline->spans[i];

			if (span->kind == order[k] && (span->kind != SPAN_WAIT || span->to_us == 0 || span->to_us - span->from_us >= TIME_SECOND))
				draw_span(sheet, row, span);
		}
	draw_legend(sheet, row + 1, mark ? column_of(sheet, mark->at_us) : -1);
	if (mark)
		canvas_put(sheet->canvas, row + 1, column_of(sheet, mark->at_us), '^', ROLE_BOLD);
}

static void draw_shown(struct sheet *sheet, int row)
{
	const struct review *review = sheet->review;
	const char *before = " ";
	struct buf line = { 0 };

	buf_printf(&line, "%zu of %zu lines:", review->row_count, review->timeline->count);
	if (review->groups == MARK_ALL)
		buf_puts(&line, " everything");
	for (const struct review_group *group = review_groups(); review->groups != MARK_ALL && group->group; group++) {
		if (!(review->groups & group->group))
			continue;
		buf_printf(&line, "%s%s", before, group->name);
		before = ", ";
	}
	if (review->find) {
		buf_puts(&line, "  / ");
		utf8_safe(&line, review->find, strlen(review->find), false);
	}
	canvas_text(sheet->canvas, row, 1, sheet->canvas->cols - 1, ROLE_DIM, buf_text(&line));
	buf_done(&line);
}

/* --- the timeline --- */

static enum role word_role(const struct mark *mark)
{
	if (mark->is_step) {
		switch ((int)mark->state) {
		case STEP_OK:
			return ROLE_OK;
		case STEP_FAILED:
			return ROLE_FAIL;
		case STEP_RUNNING:
			return ROLE_RUN;
		case STEP_IN_DOUBT:
			return ROLE_DOUBT;
		default:
			return ROLE_WARN;
		}
	}
	if (mark->groups & MARK_FAILURES)
		return ROLE_FAIL;
	if (mark->kind == EVENT_DOWNTIME_BEGAN)
		return ROLE_DOWN;
	return mark->groups & (MARK_NOTES | MARK_DECISIONS) ? ROLE_BOLD : ROLE_TEXT;
}

/* The line with what was searched for marked. */
static void mark_found(struct sheet *sheet, struct area at, const char *text)
{
	const char *find = sheet->review->find;
	size_t len = find ? strlen(find) : 0;

	for (const char *p = text; len > 0 && *p; p++) {
		int col;

		if (strncasecmp(p, find, len) != 0)
			continue;
		col = utf8_columns(text, (size_t)(p - text));
		if (col >= at.cols)
			return;
		canvas_role(sheet->canvas, (struct area){ at.row, at.col + col, 1,
			utf8_columns(p, len) < at.cols - col ? utf8_columns(p, len) : at.cols - col }, ROLE_MATCH);
	}
}

static void draw_row(struct sheet *sheet, int row, const struct mark *mark, bool picked)
{
	struct review *review = sheet->review;
	struct canvas *canvas = sheet->canvas;
	int clock = sheet->days ? 14 : 8, col = 2 + clock + 1, cols = canvas->cols - sheet->versus;
	bool here = picked && !review->in_pane;
	char text[TIME_TEXT];
	struct buf line = { 0 };

	canvas_put(canvas, row, 0, picked ? '>' : ' ', ROLE_BOLD);
	canvas_text(canvas, row, 2, clock, mark->late ? ROLE_DIM : ROLE_TEXT, clock_of(sheet, mark->at_us, text));
	if (mark->took_us >= 0 && !sheet->narrow)
		canvas_printf(canvas, (struct area){ row, col, 1, 9 }, ROLE_TEXT, "%9s", time_format_span(mark->took_us, text));
	col += sheet->narrow ? 0 : 10;
	if (!sheet->narrow)
		canvas_text(canvas, row, col, 8, ROLE_TEXT, mark->who);
	col += sheet->narrow ? 0 : 9;
	canvas_text(canvas, row, col, 6, word_role(mark), mark->word);
	col += 7;
	timeline_text(review->timeline, review->store, mark, &line);
	if (mark->late)
		buf_puts(&line, " (written afterwards)");
	canvas_text(canvas, row, col, cols - col, here ? ROLE_BOLD : ROLE_TEXT, buf_text(&line));
	mark_found(sheet, (struct area){ row, col, 1, cols - col }, buf_text(&line));
	buf_clear(&line);
	if (sheet->versus > 0)
		review_versus(review, mark, &line);
	canvas_text(canvas, row, cols + 1, sheet->versus - 1, strstr(buf_text(&line), "new failure") ? ROLE_FAIL : ROLE_DIM, buf_text(&line));
	if (here)
		for (int i = 1; i < canvas->cols; i++)
			if (canvas->cells[row * canvas->cols + i].role == ROLE_TEXT)
				canvas->cells[row * canvas->cols + i].role = ROLE_BOLD;
	buf_done(&line);
}

/* Keeps what is picked in sight. */
static long top_of(long top, long at, long count, int rows)
{
	if (at < top)
		top = at;
	if (at >= top + rows)
		top = at - rows + 1;
	if (top > count - rows)
		top = count - rows;
	return top > 0 ? top : 0;
}

static void draw_rows(struct sheet *sheet, struct area area)
{
	struct review *review = sheet->review;

	review->page = area.rows > 1 ? area.rows : 1;
	review->list_row = area.row;
	review->top = top_of(review->top, review->at, (long)review->row_count, review->page);
	if (review->row_count == 0)
		canvas_text(sheet->canvas, area.row, 2, area.cols - 2, ROLE_DIM, "(nothing of this kind: f shows more)");
	for (int i = 0; i < area.rows && review->top + i < (long)review->row_count; i++)
		draw_row(sheet, area.row + i, review_row(review, (size_t)(review->top + i)), review->top + i == review->at);
}

static void draw_columns(struct sheet *sheet, int row)
{
	int col = sheet->days ? 17 : 11;
	char date[TIME_TEXT];

	canvas_text(sheet->canvas, row, 2, 8, ROLE_DIM, "time UTC");
	if (sheet->narrow)
		return;
	canvas_text(sheet->canvas, row, col + 5, 4, ROLE_DIM, "took");
	canvas_text(sheet->canvas, row, col + 10, 3, ROLE_DIM, "who");
	canvas_text(sheet->canvas, row, col + 19, 4, ROLE_DIM, "what");
	if (sheet->versus == 0)
		return;
	time_format(sheet->review->before->model->opened_us, date);
	canvas_printf(sheet->canvas, (struct area){ row, sheet->canvas->cols - sheet->versus + 1, 1, sheet->versus - 1 }, ROLE_DIM,
		"in #%lld of %.10s", (long long)sheet->review->before->session, date);
}

/* --- the pane --- */

static void draw_rule(struct sheet *sheet, int row)
{
	const struct review *review = sheet->review;
	const struct pane *pane = &review->pane;
	struct buf line = { 0 };
	int col;

	for (col = 0; col < sheet->canvas->cols; col++)
		canvas_glyph(sheet->canvas, row, col, GLYPH_ACROSS);
	buf_printf(&line, " %s  ", pane->title ? pane->title : "");
	col = 2 + canvas_text(sheet->canvas, row, 2, sheet->canvas->cols - 3, review->in_pane ? ROLE_BOLD : ROLE_TEXT, buf_text(&line));
	buf_clear(&line);
	if (pane->count > 0)
		buf_printf(&line, "line %ld of %zu%s", pane->at + 1, pane->count, pane->cut ? ", more is there" : "");
	if (pane->first_error >= 0)
		buf_printf(&line, ", first error is line %ld", pane->first_error + 1);
	buf_puts(&line, " ");
	canvas_text(sheet->canvas, row, col, sheet->canvas->cols - col - 1, ROLE_DIM, buf_text(&line));
	buf_done(&line);
}

static void draw_pane_line(struct sheet *sheet, struct area at, const struct pane_line *line, bool picked)
{
	char clock[TIME_TEXT];
	int col = 2;

	canvas_put(sheet->canvas, at.row, at.col, picked ? '>' : ' ', ROLE_BOLD);
	if (line->at_us)
		col = 3 + canvas_text(sheet->canvas, at.row, at.col + 2, at.cols - 2, ROLE_DIM, time_format_clock(line->at_us, clock));
	if (line->err)
		canvas_put(sheet->canvas, at.row, at.col + col, '!', ROLE_WARN);
	if (line->at_us)
		col += 2;
	canvas_text(sheet->canvas, at.row, at.col + col, at.cols - col, picked && sheet->review->in_pane && line->role == ROLE_TEXT ? ROLE_BOLD : line->role,
		line->text);
	mark_found(sheet, (struct area){ at.row, at.col + col, 1, at.cols - col }, line->text);
}

static void draw_pane(struct sheet *sheet, struct area area)
{
	struct pane *pane = &sheet->review->pane;

	pane->page = area.rows > 1 ? area.rows : 1;
	sheet->review->pane_row = area.row;
	/* A line or two before the first error belong to it. */
	if (!sheet->review->in_pane && pane->at > 0)
		pane->top = top_of(pane->at - (area.rows > 3 ? 2 : 0), pane->at, (long)pane->count, pane->page);
	else
		pane->top = top_of(pane->top, pane->at, (long)pane->count, pane->page);
	for (int i = 0; i < area.rows && pane->top + i < (long)pane->count; i++)
		draw_pane_line(sheet, (struct area){ area.row + i, 0, 1, area.cols }, &pane->lines[pane->top + i], pane->top + i == pane->at);
}

/* The pane alone, long lines whole: for reading, and for the terminal's own copying. */
static void draw_raw(struct sheet *sheet, struct area area)
{
	struct pane *pane = &sheet->review->pane;

	pane->page = area.rows > 1 ? area.rows : 1;
	for (long i = pane->at; i < (long)pane->count && area.rows > 0; i++) {
		int used = canvas_whole(sheet->canvas, area, pane->lines[i].text);

		area.row += used;
		area.rows -= used;
	}
}

/* --- the last two lines --- */

static void draw_status(struct sheet *sheet, int row)
{
	const struct review *review = sheet->review;
	const struct timeline *timeline = review->timeline;
	struct area at = { row, 0, 1, sheet->canvas->cols };

	if (review->notice && sheet->now_us - review->notice_us < NOTICE_US)
		canvas_printf(sheet->canvas, at, ROLE_WARN, " %s", review->notice);
	else if (timeline->damage) {
		struct buf safe = { 0 };

		utf8_safe(&safe, timeline->damage, strlen(timeline->damage), false);
		canvas_printf(sheet->canvas, at, ROLE_FAIL, " DAMAGED, %lld event%s could not be read: %s", (long long)timeline->lost,
			timeline->lost == 1 ? "" : "s", buf_text(&safe));
		buf_done(&safe);
	}
}

static void draw_hints(struct sheet *sheet, int row)
{
	int col = 1, cols = sheet->canvas->cols;

	for (const struct action_row *one = keytable(); one->action != ACTION_NONE; one++) {
		const char *key = keytable_key(one->action);
		int need = one->hint ? utf8_columns(key, strlen(key)) + (int)strlen(one->hint) + 1 : 0;

		if (!one->hint || !*key || !(one->where & IN_REVIEW))
			continue;
		if (col + need > cols)
			break;
		col += canvas_text(sheet->canvas, row, col, cols - col, ROLE_BOLD, key) + 1;
		col += canvas_text(sheet->canvas, row, col, cols - col, ROLE_TEXT, one->hint) + 2;
	}
}

/* Everything between the header and the last two lines. */
static void draw_body(struct sheet *sheet, int rows, int cols)
{
	int row = 1, pane = rows >= 16 ? (rows - 8) * 2 / 5 : 0;

	draw_facts(sheet, row++);
	if (rows >= 20) {
		draw_axis(sheet, row++);
		draw_strip(sheet, row);
		row += 2;
	}
	if (rows >= 16) {
		draw_shown(sheet, row++);
		draw_columns(sheet, row++);
	}
	draw_rows(sheet, (struct area){ row, 0, rows - 2 - row - (pane > 0 ? pane + 1 : 0), cols });
	if (pane == 0)
		return;
	draw_rule(sheet, rows - 3 - pane);
	draw_pane(sheet, (struct area){ rows - 2 - pane, 0, pane, cols });
}

void review_draw(struct review *review, struct canvas *canvas, int64_t now_us)
{
	const struct timeline *timeline = review->timeline;
	struct sheet sheet = { .review = review, .canvas = canvas, .now_us = now_us };
	int rows = canvas->rows, cols = canvas->cols;

	sheet.days = timeline->end_us - timeline->model->opened_us > LONG_US;
	sheet.narrow = cols < 60;
	sheet.versus = review->before && cols >= 100 ? VERSUS_COLS : 0;
	canvas_clear(canvas);
	if (rows < 10 || cols < 40) {
		canvas_text(canvas, rows / 2, 0, cols, ROLE_TEXT, "The window is too small (40x10). q leaves.");
		return;
	}
	review->pane_row = rows;
	pane_load(review, review->in_pane || review->raw);
	if (review->raw) {
		draw_raw(&sheet, (struct area){ 0, 0, rows - 2, cols });
		canvas_text(canvas, rows - 1, 1, cols - 1, ROLE_TEXT, "o back  / find  j k PgUp PgDn scroll  q back");
	} else {
		draw_header(&sheet);
		draw_body(&sheet, rows, cols);
		draw_hints(&sheet, rows - 1);
	}
	draw_status(&sheet, rows - 2);
	if (review->palette.is_open)
		palette_draw(&review->palette, canvas, (struct area){ 1, 0, rows - 2, cols });
	else if (review->dialog.use != USE_CLOSED)
		box_draw(review, canvas, (struct area){ 1, 0, rows - 2, cols });
}
