/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/term/canvas.h"

#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

struct canvas *canvas_new(int rows, int cols, bool ascii)
{
	struct canvas *canvas = mem_alloc(sizeof(*canvas));

	canvas->rows = rows > 0 ? rows : 1;
	canvas->cols = cols > 0 ? cols : 1;
	canvas->ascii = ascii;
	canvas->cells = mem_array((size_t)canvas->rows * (size_t)canvas->cols, sizeof(struct cell));
	canvas_clear(canvas);
	return canvas;
}

void canvas_free(struct canvas *canvas)
{
	if (!canvas)
		return;
	mem_free(canvas->cells);
	mem_free(canvas);
}

void canvas_clear(struct canvas *canvas)
{
	canvas_fill(canvas, (struct area){ 0, 0, canvas->rows, canvas->cols }, ROLE_TEXT);
	canvas->cursor_row = -1;
	canvas->cursor_col = 0;
}

static struct cell *cell_at(struct canvas *canvas, int row, int col)
{
	if (row < 0 || row >= canvas->rows || col < 0 || col >= canvas->cols)
		return NULL;
	return &canvas->cells[row * canvas->cols + col];
}

/* A half of a wide character that loses its other half becomes a blank. */
static void part(struct canvas *canvas, int row, int col)
{
	struct cell *cell = cell_at(canvas, row, col), *left = cell_at(canvas, row, col - 1);
	struct cell *right = cell_at(canvas, row, col + 1);

	if (!cell)
		return;
	if (cell->cp == 0 && left)
		*left = (struct cell){ .cp = ' ', .role = left->role };
	if (cell->cp != 0 && right && right->cp == 0)
		*right = (struct cell){ .cp = ' ', .role = right->role };
}

void canvas_put(struct canvas *canvas, int row, int col, uint32_t cp, enum role role)
{
	struct cell *cell = cell_at(canvas, row, col), *right = cell_at(canvas, row, col + 1);
	int width = utf8_width(cp);

	if (!cell)
		return;
	if (canvas->ascii && (cp < 0x20 || cp > 0x7e))
		cp = '?';
	part(canvas, row, col);
	if (width == 2 && right)
		part(canvas, row, col + 1);
	else if (width == 2)
		cp = '+';
	*cell = (struct cell){ .cp = cp, .role = role };
	if (width == 2 && right)
		*right = (struct cell){ .cp = canvas->ascii ? '?' : 0, .role = role };
}

/* The lines that full-screen programs draw, where only ASCII can be shown. */
static uint32_t plain_line(uint32_t cp)
{
	if (cp == 0x2500 || cp == 0x2501 || cp == 0x2550)
		return '-';
	if (cp == 0x2502 || cp == 0x2503 || cp == 0x2551)
		return '|';
	return cp > 0x2503 && cp < 0x2580 ? '+' : cp >= 0x2580 && cp < 0x25a0 ? '#' : cp;
}

void canvas_cell(struct canvas *canvas, int row, int col, const struct cell *cell)
{
	struct cell *to;

	canvas_put(canvas, row, col, canvas->ascii ? plain_line(cell->cp) : cell->cp, cell->role);
	to = cell_at(canvas, row, col);
	for (int part = 0; to && part < 2; part++) {
		to->fg = cell->fg;
		to->bg = cell->bg;
		to->attrs = cell->attrs;
		if (part == 0 && !canvas->ascii)
			memcpy(to->combining, cell->combining, sizeof(to->combining));
		to = utf8_width(cell->cp) == 2 && to->cp != '+' ? cell_at(canvas, row, col + 1) : NULL;
	}
}

void canvas_glyph(struct canvas *canvas, int row, int col, enum glyph glyph)
{
	static const uint32_t unicode[] = { 0x2500, 0x2502, 0x250c, 0x2510, 0x2514, 0x2518, 0x252c };
	static const char plain[] = "-|+++++";

	canvas_put(canvas, row, col, canvas->ascii ? (uint32_t)plain[glyph] : unicode[glyph], ROLE_DIM);
}

static void combine(struct canvas *canvas, int row, int col, uint32_t cp)
{
	struct cell *cell = cell_at(canvas, row, col);

	if (cell && cell->cp == 0)
		cell = cell_at(canvas, row, col - 1);
	for (int i = 0; cell && !canvas->ascii && i < CANVAS_COMBINING; i++)
		if (cell->combining[i] == 0) {
			cell->combining[i] = cp;
			return;
		}
}

static int put_text(struct canvas *canvas, struct area at, enum role role, const char *text, size_t len)
{
	int row = at.row, col = at.col, cols = at.cols;
	bool cut = utf8_columns(text, len) > cols;
	int room = cut ? cols - 1 : cols, used = 0;

	for (size_t i = 0; i < len;) {
		uint32_t cp;
		int width;

		i += utf8_decode(text + i, len - i, &cp);
		width = utf8_width(cp);
		if (width == 0 && used > 0)
			combine(canvas, row, col + used - 1, cp);
		if (width <= 0)
			continue;
		if (used + width > room)
			break;
		canvas_put(canvas, row, col + used, cp, role);
		used += width;
	}
	while (cut && used < room)
		canvas_put(canvas, row, col + used++, ' ', role);
	if (cut && cols > 0)
		canvas_put(canvas, row, col + used++, '+', ROLE_DIM);
	return used;
}

int canvas_text(struct canvas *canvas, int row, int col, int cols, enum role role, const char *text)
{
	if (cols > canvas->cols - col)
		cols = canvas->cols - col;
	if (!text || cols <= 0)
		return 0;
	return put_text(canvas, (struct area){ row, col, 1, cols }, role, text, strlen(text));
}

int canvas_printf(struct canvas *canvas, struct area at, enum role role, const char *fmt, ...)
{
	struct buf text = { 0 };
	va_list args;
	int used;

	va_start(args, fmt);
	buf_vprintf(&text, fmt, args);
	va_end(args);
	used = canvas_text(canvas, at.row, at.col, at.cols, role, buf_text(&text));
	buf_done(&text);
	return used;
}

int canvas_break(const char *text, int cols, int *next)
{
	const char *stop = strchr(text, '\n');
	size_t len = stop ? (size_t)(stop - text) : strlen(text);
	size_t fit = utf8_fit(text, len, cols > 0 ? cols : 1, NULL);
	size_t blank = fit;

	if (fit == 0 && len > 0) {
		uint32_t cp;

		fit = blank = utf8_decode(text, len, &cp);
	}
	if (fit == len) {
		*next = (int)(len + (stop ? 1 : 0));
		return (int)len;
	}
	while (blank > 0 && text[blank] != ' ')
		blank--;
	if (blank == 0) {
		*next = (int)fit;
		return (int)fit;
	}
	*next = (int)blank + 1;
	return (int)blank;
}

/* The last row there is room for, with a '+' at its end. */
static void wrap_last(struct canvas *canvas, struct area line, enum role role, const char *text)
{
	put_text(canvas, line, role, text, strcspn(text, "\n"));
	canvas_put(canvas, line.row, line.col + line.cols - 1, '+', ROLE_DIM);
}

int canvas_wrap(struct canvas *canvas, struct area area, enum role role, const char *text)
{
	int row = 0;

	while (text && *text && row < area.rows) {
		struct area line = { area.row + row, area.col, 1, area.cols };
		int next, len = canvas_break(text, area.cols, &next);

		if (row + 1 == area.rows && text[next] != '\0')
			wrap_last(canvas, line, role, text);
		else
			put_text(canvas, line, role, text, (size_t)len);
		text += next;
		row++;
	}
	return row;
}

int canvas_rows(const char *text, int cols)
{
	int rows = 0, next;

	for (; *text; text += next, rows++)
		canvas_break(text, cols, &next);
	return rows;
}

void canvas_page(struct canvas *canvas, struct area area, const char *text, int skip)
{
	int next;

	for (; *text && skip > 0; text += next, skip--)
		canvas_break(text, area.cols, &next);
	for (int row = 0; *text && row < area.rows; row++, text += next) {
		int len = canvas_break(text, area.cols, &next);
		char *line = mem_dup(text, (size_t)len);

		canvas_text(canvas, area.row + row, area.col, area.cols, ROLE_TEXT, line);
		mem_free(line);
	}
}

int canvas_scroll(struct canvas *canvas, struct area area, const char *text, int *scroll)
{
	int rows = canvas_rows(text, area.cols);
	int page = rows > area.rows && area.rows > 1 ? area.rows - 1 : 0;

	if (page > 0)
		area.rows--;
	if (*scroll > rows - area.rows)
		*scroll = rows > area.rows ? rows - area.rows : 0;
	canvas_page(canvas, area, text, *scroll);
	if (page > 0)
		canvas_printf(canvas, (struct area){ area.row + area.rows, area.col, 1, area.cols },
			ROLE_WARN, "-- lines %d to %d of %d: %s --", *scroll + 1, *scroll + area.rows,
			rows, *scroll + area.rows < rows ? "PgDn shows the rest" : "PgUp shows what is above");
	return page;
}

int canvas_whole(struct canvas *canvas, struct area area, const char *text)
{
	size_t len = strlen(text);
	int row = 0;

	do {
		size_t fit = utf8_fit(text, len, area.cols, NULL);
		char *part = mem_dup(text, fit);

		canvas_text(canvas, area.row + row, area.col, area.cols, ROLE_TEXT, part);
		mem_free(part);
		text += fit;
		len -= fit;
		row++;
	} while (len > 0 && row < area.rows);
	return row;
}

void canvas_fill(struct canvas *canvas, struct area area, enum role role)
{
	for (int row = area.row; row < area.row + area.rows; row++)
		for (int col = area.col; col < area.col + area.cols; col++) {
			struct cell *cell = cell_at(canvas, row, col);

			if (cell)
				*cell = (struct cell){ .cp = ' ', .role = role };
		}
}

void canvas_role(struct canvas *canvas, struct area area, enum role role)
{
	for (int row = area.row; row < area.row + area.rows; row++)
		for (int col = area.col; col < area.col + area.cols; col++) {
			struct cell *cell = cell_at(canvas, row, col);

			if (cell)
				cell->role = role;
		}
}

void canvas_box(struct canvas *canvas, struct area area, const char *title)
{
	int bottom = area.row + area.rows - 1, right = area.col + area.cols - 1;

	canvas_fill(canvas, area, ROLE_TEXT);
	for (int col = area.col + 1; col < right; col++) {
		canvas_glyph(canvas, area.row, col, GLYPH_ACROSS);
		canvas_glyph(canvas, bottom, col, GLYPH_ACROSS);
	}
	for (int row = area.row + 1; row < bottom; row++) {
		canvas_glyph(canvas, row, area.col, GLYPH_DOWN);
		canvas_glyph(canvas, row, right, GLYPH_DOWN);
	}
	canvas_glyph(canvas, area.row, area.col, GLYPH_TOP_LEFT);
	canvas_glyph(canvas, area.row, right, GLYPH_TOP_RIGHT);
	canvas_glyph(canvas, bottom, area.col, GLYPH_BOTTOM_LEFT);
	canvas_glyph(canvas, bottom, right, GLYPH_BOTTOM_RIGHT);
	if (title && *title && area.cols > 8)
		canvas_printf(canvas, (struct area){ area.row, area.col + 2, 1, area.cols - 4 }, ROLE_BOLD,
			" %s ", title);
}

void canvas_dump(const struct canvas *canvas, struct buf *out)
{
	for (int row = 0; row < canvas->rows; row++) {
		size_t end = out->len;

		for (int col = 0; col < canvas->cols; col++) {
			const struct cell *cell = &canvas->cells[row * canvas->cols + col];
			char bytes[4];

			if (cell->cp == 0)
				continue;
			buf_append(out, bytes, utf8_encode(cell->cp, bytes));
			for (int i = 0; i < CANVAS_COMBINING && cell->combining[i]; i++)
				buf_append(out, bytes, utf8_encode(cell->combining[i], bytes));
			if (cell->cp != ' ')
				end = out->len;
		}
		out->len = end;
		buf_putc(out, '\n');
	}
}
