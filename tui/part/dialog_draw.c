/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tui/part/dialog.h"

#define WIDTH 100	/* columns at most */
#define BORDERS 4	/* columns of the frame, left and right */
#define ERROR_ROWS 4
#define PICKED_ROWS 3
#define OPTION_INDENT 4	/* "> 1 "; one more from the tenth on */

static int width_of(int cols)
{
	return cols < WIDTH ? cols : WIDTH;
}

int dialog_inner(int cols)
{
	return width_of(cols) - BORDERS;
}

/* ---- options ---- */

/* "Run it: why"; caller owns. */
static char *option_line(const struct dialog_option *option)
{
	return mem_printf("%s%s%s", option->label, *option->help ? ": " : "", option->help);
}

/* The same for one row: as many whole sentences as fit. Caller owns. */
static char *option_short(const struct dialog_option *option, int cols)
{
	char *line = option_line(option);
	size_t label = strlen(option->label), end = strlen(line), keep = label;

	if (utf8_columns(line, end) <= cols || !option->sentences)
		return line;
	for (size_t i = label; i + 1 < end; i++)
		if (strchr(".?!;", line[i]) && line[i + 1] == ' ' && utf8_columns(line, i + 1) <= cols)
			keep = i + (line[i] != ';');
	line[keep] = '\0';
	return line;
}

static int option_indent(const struct dialog *dialog, const struct dialog_look *look)
{
	return look->digits > 0 ? OPTION_INDENT - 1 + look->digits
		: OPTION_INDENT + (dialog->option_count > 9) + (dialog->option_count > 99);
}

/* Rows of an option: what the picked one does is read whole. */
static int option_rows(const struct dialog *dialog, const struct dialog_look *look, long i, int cols)
{
	char *line;
	int rows;

	if (i != dialog->pick)
		return 1;
	line = option_line(&dialog->options[i]);
	rows = canvas_rows(line, cols - option_indent(dialog, look));
	mem_free(line);
	return rows < 1 ? 1 : rows > PICKED_ROWS ? PICKED_ROWS : rows;
}

/* The first option shown: so that the picked one is. */
static long first_option(const struct dialog *dialog, const struct dialog_look *look, struct area area)
{
	int need = 0;

	for (long i = dialog->pick; i >= 0; i--) {
		need += option_rows(dialog, look, i, area.cols);
		if (need > area.rows)
			return i + 1 > dialog->pick ? dialog->pick : i + 1;
	}
	return 0;
}

static void draw_option(const struct dialog *dialog, const struct dialog_look *look, struct canvas *canvas, struct area at, long i)
{
	bool picked = i == dialog->pick;
	int indent = option_indent(dialog, look);
	enum role role = picked ? ROLE_PICK : ROLE_TEXT;
	char *line = picked ? option_line(&dialog->options[i]) : option_short(&dialog->options[i], at.cols - indent);

	if (picked)
		canvas_fill(canvas, at, ROLE_PICK);
	canvas_printf(canvas, (struct area){ at.row, at.col, 1, indent }, role, "%s %*ld", picked ? ">" : " ", look->digits, i + 1);
	canvas_wrap(canvas, (struct area){ at.row, at.col + indent, at.rows, at.cols - indent }, role, line);
	if (look->option)
		look->option(look->arg, at, i);
	mem_free(line);
}

static void draw_options(const struct dialog *dialog, const struct dialog_look *look, struct canvas *canvas, struct area area)
{
	for (long i = first_option(dialog, look, area); i < (long)dialog->option_count && area.rows > 0; i++) {
		int rows = option_rows(dialog, look, i, area.cols);

		rows = rows > area.rows ? area.rows : rows;
		draw_option(dialog, look, canvas, (struct area){ area.row, area.col, rows, area.cols }, i);
		area.row += rows;
		area.rows -= rows;
	}
}

/* ---- all of it ---- */

/* The text typed, scrolled so that the cursor is in sight. */
static void draw_field(const struct dialog *dialog, struct canvas *canvas, struct area at)
{
	canvas_text(canvas, at.row, at.col, at.cols, ROLE_BOLD, "> ");
	at.col += 2;
	at.cols -= 2;
	if (dialog->hidden) {
		canvas_fill(canvas, at, ROLE_FIELD);
		canvas->cursor_row = at.row;
		canvas->cursor_col = at.col + canvas_text(canvas, at.row, at.col, at.cols, ROLE_FIELD,
			dialog->edit.len > 0 ? "(typed, not shown)" : "");
		return;
	}
	edit_draw(&dialog->edit, canvas, at);
}

const char *dialog_hint(const struct dialog *dialog)
{
	if (dialog->kind == DIALOG_FIELD)
		return "Enter sends; Esc decides nothing";
	if (dialog->kind == DIALOG_LIST)
		return "arrows or a number, then Enter; Esc decides nothing";
	return dialog->page > 0 ? "arrows, PgUp and PgDn scroll; Esc closes" : "Esc closes";
}

/* Rows of the options, or of the field and what is below it. */
static int tail_rows(const struct dialog *dialog, const struct dialog_look *look, int cols)
{
	int rows = 0;

	if (dialog->kind == DIALOG_FIELD)
		return 1 + (look->rows ? look->rows(look->arg) : 0);
	for (long i = 0; i < (long)dialog->option_count; i++)
		rows += option_rows(dialog, look, i, cols);
	return rows;
}

static int error_rows(const struct dialog *dialog, int cols)
{
	int rows = dialog->error ? canvas_rows(dialog->error, cols) : 0;

	return rows > ERROR_ROWS ? ERROR_ROWS : rows;
}

int dialog_rows(const struct dialog *dialog, const struct dialog_look *look, struct area area)
{
	int inner = dialog_inner(area.cols), most = area.rows - look->spare;
	int rows = canvas_rows(dialog->text, inner) + tail_rows(dialog, look, inner) + 3 + error_rows(dialog, inner);

	return rows > most ? most : rows;
}

/* Rows of the options or the field where not everything fits: what they answer must be read, so it keeps a few rows, and says that there is more. */
static int fitting_tail(int rows, int tail, int text)
{
	int few = rows < 6 ? 2 : 3, least = text < few ? text : few;

	if (tail <= rows - least)
		return tail;
	if (rows - least >= 2)
		return rows - least;
	return rows > 1 && tail > rows - 1 ? rows - 1 : tail > rows ? rows : tail;
}

/* What is typed or picked, below the text. */
static void draw_tail(const struct dialog *dialog, const struct dialog_look *look, struct canvas *canvas, struct area area)
{
	if (dialog->kind != DIALOG_FIELD) {
		draw_options(dialog, look, canvas, area);
		return;
	}
	draw_field(dialog, canvas, (struct area){ area.row, area.col, 1, area.cols });
	if (look->below)
		look->below(look->arg, (struct area){ area.row + 1, area.col, area.rows - 1, area.cols });
}

void dialog_draw(struct dialog *dialog, const struct dialog_look *look, struct canvas *canvas, struct area area)
{
	int rows = dialog_rows(dialog, look, area), width = width_of(area.cols), inner = width - BORDERS, tail, room;
	struct area box = { area.row + area.rows - rows, area.col + (area.cols - width) / 2, rows, width };
	struct area in = { box.row + 1, box.col + 2, rows - 3, inner };
	const char *hint;

	canvas_box(canvas, box, dialog->title);
	if (dialog->error) {
		int used = error_rows(dialog, inner);

		canvas_wrap(canvas, (struct area){ box.row + rows - 2 - used, in.col, used, inner }, ROLE_FAIL, dialog->error);
		in.rows -= used;
	}
	tail = fitting_tail(in.rows, tail_rows(dialog, look, inner), canvas_rows(dialog->text, inner));
	room = in.rows - tail;
	dialog->page = canvas_scroll(canvas, (struct area){ in.row, in.col, room, inner }, dialog->text, &dialog->scroll);
	hint = look->hint_now ? look->hint_now(look->arg, dialog) : look->hint ? look->hint : dialog_hint(dialog);
	canvas_text(canvas, box.row + rows - 2, in.col, inner, ROLE_DIM, hint);
	draw_tail(dialog, look, canvas, (struct area){ in.row + room, in.col, tail, inner });
}
