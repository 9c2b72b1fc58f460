/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/part/rows.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

void rows_clear(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		mem_free(rows->row[i].text);
		mem_free(rows->row[i].key);
	}
	mem_free(rows->row);
	*rows = (struct rows){ 0 };
}

struct row *rows_add(struct rows *rows, enum role role, const char *text, const char *key)
{
	struct row *row;

	rows->row = mem_more(rows->row, rows->count, sizeof(*row));
	row = &rows->row[rows->count++];
	*row = (struct row){ .text = mem_strdup(text), .role = role, .key = mem_strdup(key) };
	return row;
}

void rows_add_text(struct rows *rows, enum role role, const char *text, int indent, int cols)
{
	while (*text) {
		int next, len = canvas_break(text, cols - indent, &next);
		char *line = mem_printf("%*s%.*s", indent, "", len, text);

		rows_add(rows, role, line, NULL);
		mem_free(line);
		text += next;
	}
}

void row_mark(struct row *row, int col, int cols, enum role role)
{
	if (row->mark_count < ROW_MARKS && cols > 0)
		row->marks[row->mark_count++] = (struct row_mark){ col, cols, role };
}

long rows_find(const struct rows *rows, const char *key)
{
	for (size_t i = 0; key && i < rows->count; i++)
		if (rows->row[i].key && str_is(rows->row[i].key, key))
			return (long)i;
	return -1;
}

long rows_step(const struct rows *rows, long from, long by)
{
	long step = by < 0 ? -1 : 1, left = by < 0 ? -by : by, found = from;

	for (long i = from + step; left > 0 && i >= 0 && i < (long)rows->count; i += step) {
		if (!rows->row[i].key)
			continue;
		found = i;
		left--;
	}
	return found;
}

static void draw_row(const struct row *row, struct canvas *canvas, struct area at, bool picked)
{
	enum role role = picked ? ROLE_PICK : row->role;

	if (picked) {
		canvas_fill(canvas, at, ROLE_PICK);
		canvas_put(canvas, at.row, at.col, '>', ROLE_PICK);
	}
	canvas_text(canvas, at.row, at.col + 1, at.cols - 1, role, row->text);
	for (size_t i = 0; i < row->mark_count && !picked; i++) {
		const struct row_mark *mark = &row->marks[i];
		int col = at.col + 1 + mark->col, most = at.col + at.cols - col;

		if (most > 0)
			canvas_role(canvas, (struct area){ at.row, col, 1, mark->cols < most ? mark->cols : most }, mark->role);
	}
}

void rows_draw(const struct rows *rows, struct canvas *canvas, struct area area, long pick, long top)
{
	for (int i = 0; i < area.rows && top + i < (long)rows->count; i++)
		draw_row(&rows->row[top + i], canvas, (struct area){ area.row + i, area.col, 1, area.cols }, top + i == pick);
	if (top > 0)
		canvas_put(canvas, area.row, area.col + area.cols - 1, '^', ROLE_BOLD);
	if (top + area.rows < (long)rows->count)
		canvas_put(canvas, area.row + area.rows - 1, area.col + area.cols - 1, 'v', ROLE_BOLD);
}

long rows_top(const struct rows *rows, long pick, long top, int page)
{
	long last = (long)rows->count > page ? (long)rows->count - page : 0, first = pick;

	if (pick < 0)
		return top < last ? top : last;
	/* The lines above it that cannot be picked are its heading. */
	while (first > 0 && pick - first < page - 1 && !rows->row[first - 1].key)
		first--;
	if (top > first)
		top = first;
	if (top < pick - page + 1)
		top = pick - page + 1;
	return top < last ? top : last;
}

static void cell(struct buf *line, const char *text, int cols, bool right)
{
	struct buf safe = { 0 };
	int used;
	size_t fit;

	utf8_safe(&safe, text, strlen(text), false);
	fit = utf8_fit(buf_text(&safe), safe.len, cols, &used);
	if (fit < safe.len && cols > 0)
		fit = utf8_fit(buf_text(&safe), safe.len, cols - 1, &used);
	bool cut = fit < safe.len && cols > 0;

	used += cut;
	for (; right && used < cols; used++)
		buf_putc(line, ' ');
	buf_append(line, buf_text(&safe), fit);
	if (cut)
		buf_putc(line, '+');
	for (; !right && used < cols; used++)
		buf_putc(line, ' ');
	buf_done(&safe);
}

void cell_left(struct buf *line, const char *text, int cols)
{
	cell(line, text, cols, false);
}

void cell_right(struct buf *line, const char *text, int cols)
{
	cell(line, text, cols, true);
}

bool cell_alike(const char *text, const char *other, int cols)
{
	size_t fit = cols > 0 ? utf8_fit(text, strlen(text), cols - 1, NULL) : 0;

	return cols > 0 && utf8_columns(text, strlen(text)) > cols && strlen(other) > fit && strncmp(text, other, fit) == 0 && strcmp(text, other) != 0;
}

void cell_ends(struct buf *line, const char *text, int cols)
{
	struct buf safe = { 0 };
	size_t head, tail = 0, len;
	int used, rest;

	utf8_safe(&safe, text, strlen(text), false);
	len = safe.len;
	if (cols < 8 || utf8_columns(buf_text(&safe), len) <= cols) {
		cell_left(line, text, cols);
		buf_done(&safe);
		return;
	}
	head = utf8_fit(buf_text(&safe), len, cols / 2, NULL);
	while (head > 0 && safe.data[head - 1] == ' ')
		head--;
	used = utf8_columns(buf_text(&safe), head);
	rest = cols - used - 1;
	while (tail < len && utf8_columns(buf_text(&safe) + tail, len - tail) > rest) {
		size_t one = utf8_fit(buf_text(&safe) + tail, len - tail, 1, NULL);

		tail += one ? one : utf8_fit(buf_text(&safe) + tail, len - tail, 2, NULL);
	}
	buf_append(line, buf_text(&safe), head);
	buf_putc(line, '+');
	cell_left(line, buf_text(&safe) + tail, rest);
	buf_done(&safe);
}
