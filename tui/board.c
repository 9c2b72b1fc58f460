/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/board.h"

#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "base/utf8.h"
#include "tui/rows.h"

bool board_too_small(struct canvas *canvas)
{
	if (canvas->rows >= 10 && canvas->cols >= 40)
		return false;
	canvas_text(canvas, canvas->rows / 2, 0, canvas->cols, ROLE_TEXT, "The window is too small (40x10).");
	return true;
}

void board_header(struct canvas *canvas, const char *left, const char *right, int64_t wall_us)
{
	char clock[TIME_TEXT];
	char *end = mem_printf("%s%s%.5s UTC ", right, *right ? "   " : "", time_format_clock(wall_us, clock));
	struct buf line = { 0 }, safe = { 0 };
	int cols;

	utf8_safe(&safe, end, strlen(end), false);
	cols = utf8_columns(buf_text(&safe), safe.len);
	/* The clock is what may go on a narrow screen. */
	cell_left(&line, left, canvas->cols - cols > canvas->cols / 2 ? canvas->cols - cols : canvas->cols);
	buf_append(&line, buf_text(&safe), safe.len);
	canvas_fill(canvas, (struct area){ 0, 0, 1, canvas->cols }, ROLE_HEADER);
	canvas_text(canvas, 0, 0, canvas->cols, ROLE_HEADER, buf_text(&line));
	buf_done(&line);
	buf_done(&safe);
	mem_free(end);
}

void board_say(struct canvas *canvas, int row, enum role role, const char *text)
{
	struct buf safe = { 0 };

	utf8_safe(&safe, text, strlen(text), false);
	canvas_text(canvas, row, 1, canvas->cols - 1, role, buf_text(&safe));
	buf_done(&safe);
}

void board_bottom(struct canvas *canvas, unsigned where, enum action useless)
{
	int col = 1;

	for (const struct action_row *row = keytable(); row->action != ACTION_NONE; row++) {
		const char *key = keytable_key(row->action);
		char *text;
		int cols;

		if (!(row->where & where) || !row->hint || !*key || row->action == useless)
			continue;
		text = mem_printf("%s %s  ", key, row->hint);
		cols = utf8_columns(text, strlen(text));
		if (col + cols - 2 <= canvas->cols)
			canvas_text(canvas, canvas->rows - 1, col, cols, ROLE_DIM, text);
		col += cols;
		mem_free(text);
	}
}
