/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/sheet.h"

#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

static char *safe(const char *text, bool keep_lines)
{
	struct buf out = { 0 };

	utf8_safe(&out, text, strlen(text), keep_lines);
	return buf_take(&out);
}

void sheet_close(struct sheet *sheet)
{
	mem_free(sheet->title);
	mem_free(sheet->text);
	mem_free(sheet->error);
	for (size_t i = 0; i < sheet->option_count; i++)
		mem_free(sheet->options[i]);
	edit_clear(&sheet->edit);
	memset(sheet, 0, sizeof(*sheet));
}

void sheet_open(struct sheet *sheet, int use, const char *title, const char *text)
{
	sheet_close(sheet);
	sheet->open = true;
	sheet->use = use;
	sheet->title = safe(title, false);
	sheet->text = safe(text, true);
	sheet->pick = -1;
}

void sheet_option(struct sheet *sheet, const char *label)
{
	if (sheet->option_count < SHEET_OPTIONS)
		sheet->options[sheet->option_count++] = safe(label, false);
}

void sheet_field(struct sheet *sheet)
{
	sheet->field = true;
}

void sheet_error(struct sheet *sheet, const char *text)
{
	mem_free(sheet->error);
	sheet->error = safe(text, false);
}

static bool scrolls(struct sheet *sheet, const struct press *press)
{
	int by = press->code == PRESS_PAGE_DOWN ? sheet->page : press->code == PRESS_PAGE_UP ? -sheet->page
		: !sheet->option_count && press->code == PRESS_DOWN ? 1 : !sheet->option_count && press->code == PRESS_UP ? -1 : 0;

	if (sheet->page == 0 || by == 0)
		return false;
	sheet->scroll = sheet->scroll + by > 0 ? sheet->scroll + by : 0;
	return true;
}

static enum sheet_end enter(struct sheet *sheet)
{
	if (sheet->field || sheet->pick >= 0)
		return SHEET_DONE;
	if (sheet->option_count == 0) {
		sheet_close(sheet);
		return SHEET_CLOSED;
	}
	sheet_error(sheet, "Nothing was chosen: choose with the arrows or a number first.");
	return SHEET_STAYS;
}

static void pick(struct sheet *sheet, const struct press *press)
{
	long count = (long)sheet->option_count;

	if (press->code == PRESS_DOWN || (press->code == PRESS_CHAR && press->cp == 'j'))
		sheet->pick = sheet->pick + 1 < count ? sheet->pick + 1 : count - 1;
	else if (press->code == PRESS_UP || (press->code == PRESS_CHAR && press->cp == 'k'))
		sheet->pick = sheet->pick > 0 ? sheet->pick - 1 : 0;
	else if (press->code == PRESS_CHAR && press->cp >= '1' && press->cp < '1' + (uint32_t)count)
		sheet->pick = (long)(press->cp - '1');
}

enum sheet_end sheet_press(struct sheet *sheet, const struct press *press)
{
	bool back = press->code == PRESS_ESC || (press->code == PRESS_CTRL && press->cp == 'C');

	if (scrolls(sheet, press))
		return SHEET_STAYS;
	if (press->code == PRESS_ENTER)
		return enter(sheet);
	if (back || (!sheet->field && sheet->option_count == 0)
	    || (!sheet->field && press->code == PRESS_CHAR && press->cp == 'q')) {
		sheet_close(sheet);
		return SHEET_CLOSED;
	}
	if (sheet->field)
		edit_press(&sheet->edit, press);
	else
		pick(sheet, press);
	return SHEET_STAYS;
}

static int text_rows(const char *text, int cols)
{
	int rows = 0, next;

	for (; *text; text += next, rows++)
		canvas_break(text, cols, &next);
	return rows;
}

static void draw_text(struct sheet *sheet, struct canvas *canvas, struct area area)
{
	const char *text = sheet->text;
	int rows = text_rows(text, area.cols), next;

	sheet->page = rows > area.rows && area.rows > 1 ? area.rows - 1 : 0;
	if (sheet->page > 0)
		area.rows--;
	if (sheet->scroll > rows - area.rows)
		sheet->scroll = rows > area.rows ? rows - area.rows : 0;
	for (int i = 0; *text && i < sheet->scroll; i++, text += next)
		canvas_break(text, area.cols, &next);
	for (int row = 0; *text && row < area.rows; row++, text += next) {
		int len = canvas_break(text, area.cols, &next);
		char *line = mem_dup(text, (size_t)len);

		canvas_text(canvas, area.row + row, area.col, area.cols, ROLE_TEXT, line);
		mem_free(line);
	}
	if (sheet->page > 0)
		canvas_printf(canvas, (struct area){ area.row + area.rows, area.col, 1, area.cols }, ROLE_WARN, "-- lines %d to %d of %d: %s --",
			sheet->scroll + 1, sheet->scroll + area.rows, rows, sheet->scroll + area.rows < rows ? "PgDn shows the rest" : "PgUp shows what is above");
}

void sheet_line(const struct edit *edit, struct canvas *canvas, struct area at)
{
	const char *text = edit->text;
	int cursor = utf8_columns(text, edit->cursor);

	canvas_fill(canvas, at, ROLE_FIELD);
	while (cursor >= at.cols && *text) {
		uint32_t cp;
		size_t n = utf8_decode(text, strlen(text), &cp);

		cursor -= utf8_width(cp);
		text += n;
	}
	canvas_text(canvas, at.row, at.col, at.cols, ROLE_FIELD, text);
	canvas->cursor_row = at.row;
	canvas->cursor_col = at.col + cursor;
}

static const char *hint(const struct sheet *sheet)
{
	if (sheet->field)
		return "Enter sends; Esc decides nothing";
	if (sheet->option_count)
		return "arrows or a number, then Enter; Esc decides nothing";
	return sheet->page > 0 ? "arrows, PgUp and PgDn scroll, any other key closes" : "any key closes";
}

void sheet_draw(struct sheet *sheet, struct canvas *canvas, struct area area)
{
	int width = area.cols < 100 ? area.cols : 100, inner = width - 4;
	int tail = (sheet->field ? 1 : (int)sheet->option_count) + (sheet->error ? 1 : 0);
	int rows = text_rows(sheet->text, inner) + tail + 3;
	struct area box, in;

	rows = rows < area.rows ? rows : area.rows;
	box = (struct area){ area.row + area.rows - rows, area.col + (area.cols - width) / 2, rows, width };
	in = (struct area){ box.row + 1, box.col + 2, rows - 3 - tail, inner };
	canvas_box(canvas, box, sheet->title);
	draw_text(sheet, canvas, in);
	in.row += in.rows;
	for (long i = 0; i < (long)sheet->option_count; i++, in.row++) {
		enum role role = i == sheet->pick ? ROLE_PICK : ROLE_TEXT;

		canvas_fill(canvas, (struct area){ in.row, in.col, 1, inner }, role);
		canvas_printf(canvas, (struct area){ in.row, in.col, 1, inner }, role, "%s %ld %s", i == sheet->pick ? ">" : " ", i + 1, sheet->options[i]);
	}
	if (sheet->field) {
		canvas_text(canvas, in.row, in.col, 2, ROLE_BOLD, "> ");
		sheet_line(&sheet->edit, canvas, (struct area){ in.row++, in.col + 2, 1, inner - 2 });
	}
	if (sheet->error)
		canvas_text(canvas, in.row, in.col, inner, ROLE_FAIL, sheet->error);
	canvas_text(canvas, box.row + rows - 2, in.col, inner, ROLE_DIM, hint(sheet));
}
