/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/part/sheet.h"

#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tui/term/keytable.h"

#define TEXT_END 1000000	/* drawing makes it the last page */

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
	sheet->front.question = sheet->front.question ? sheet->front.question : front_number();
}

void sheet_field(struct sheet *sheet)
{
	sheet->field = true;
	sheet->front.question = front_number();
}

struct front *sheet_front(struct sheet *sheet)
{
	return sheet->open ? &sheet->front : NULL;
}

void sheet_error(struct sheet *sheet, const char *text)
{
	mem_free(sheet->error);
	sheet->error = safe(text, false);
}

enum keys_place sheet_place(const struct sheet *sheet)
{
	return !sheet->open ? KEYS_NOWHERE : sheet->field ? KEYS_FIELD : KEYS_LIST;
}

static bool scrolls(struct sheet *sheet, const struct press *press)
{
	bool text = !sheet->option_count && !sheet->field;
	int by = press->code == PRESS_PAGE_DOWN ? sheet->page : press->code == PRESS_PAGE_UP ? -sheet->page
		: text && press->code == PRESS_DOWN ? 1 : text && press->code == PRESS_UP ? -1
		: text && press->code == PRESS_HOME ? -TEXT_END : text && press->code == PRESS_END ? TEXT_END : 0;

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

/* Said, and nothing stays chosen: whoever types words means another window. */
static void stray(struct sheet *sheet, const struct press *press)
{
	char *text = keytable_stray(press, sheet->option_count ? "choose with the arrows or a number, then Enter" : "Esc closes this");

	sheet_error(sheet, text);
	sheet->pick = -1;
	mem_free(text);
}

static void pick(struct sheet *sheet, const struct press *press)
{
	long count = (long)sheet->option_count;

	mem_free(sheet->error);
	sheet->error = NULL;

	if (press->code == PRESS_DOWN || (press->code == PRESS_CHAR && press->cp == 'j'))
		sheet->pick = sheet->pick + 1 < count ? sheet->pick + 1 : count - 1;
	else if (press->code == PRESS_UP || (press->code == PRESS_CHAR && press->cp == 'k'))
		sheet->pick = sheet->pick > 0 ? sheet->pick - 1 : 0;
	else if (press->code == PRESS_CHAR && press->cp >= '1' && press->cp < '1' + (uint32_t)count)
		sheet->pick = (long)(press->cp - '1');
	else
		stray(sheet, press);
}

enum sheet_end sheet_press(struct sheet *sheet, const struct press *press)
{
	bool back = press->code == PRESS_ESC || (press->code == PRESS_CTRL && press->cp == 'C');

	if (sheet->front.unseen) {
		sheet_error(sheet, FRONT_EARLY_WORDS);
		return SHEET_STAYS;
	}
	if (scrolls(sheet, press))
		return SHEET_STAYS;
	if (press->code == PRESS_ENTER)
		return enter(sheet);
	if (back || (!sheet->field && press->code == PRESS_CHAR && press->cp == 'q')) {
		sheet_close(sheet);
		return SHEET_CLOSED;
	}
	if (sheet->field)
		edit_press(&sheet->edit, press);
	else
		pick(sheet, press);
	return SHEET_STAYS;
}

static const char *hint(const struct sheet *sheet)
{
	if (sheet->field)
		return "Enter sends; Esc decides nothing";
	if (sheet->option_count)
		return "arrows or a number, then Enter; Esc decides nothing";
	return sheet->page > 0 ? "arrows, PgUp and PgDn scroll; Esc closes" : "Esc closes";
}

void sheet_draw(struct sheet *sheet, struct canvas *canvas, struct area area)
{
	int width = area.cols < 100 ? area.cols : 100, inner = width - 4;
	int error = sheet->error ? canvas_rows(sheet->error, inner) : 0, tail = (sheet->field ? 1 : (int)sheet->option_count) + error;
	int rows = canvas_rows(sheet->text, inner) + tail + 3;
	struct area box, in;

	rows = rows < area.rows ? rows : area.rows;
	box = (struct area){ area.row + area.rows - rows, area.col + (area.cols - width) / 2, rows, width };
	in = (struct area){ box.row + 1, box.col + 2, rows - 3 - tail, inner };
	canvas_box(canvas, box, sheet->title);
	sheet->page = canvas_scroll(canvas, in, sheet->text, &sheet->scroll);
	in.row += in.rows;
	for (long i = 0; i < (long)sheet->option_count; i++, in.row++) {
		enum role role = i == sheet->pick ? ROLE_PICK : ROLE_TEXT;

		canvas_fill(canvas, (struct area){ in.row, in.col, 1, inner }, role);
		canvas_printf(canvas, (struct area){ in.row, in.col, 1, inner }, role, "%s %ld %s", i == sheet->pick ? ">" : " ", i + 1, sheet->options[i]);
	}
	if (sheet->field) {
		canvas_text(canvas, in.row, in.col, 2, ROLE_BOLD, "> ");
		edit_draw(&sheet->edit, canvas, (struct area){ in.row++, in.col + 2, 1, inner - 2 });
	}
	if (sheet->error)
		canvas_wrap(canvas, (struct area){ in.row, in.col, error, inner }, ROLE_FAIL, sheet->error);
	canvas_text(canvas, box.row + rows - 2, in.col, inner, ROLE_DIM, hint(sheet));
}
