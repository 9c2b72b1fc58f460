/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/part/board.h"

#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "base/utf8.h"
#include "tui/part/rows.h"

bool board_too_small(struct canvas *canvas)
{
	if (canvas->rows >= 10 && canvas->cols >= 40)
		return false;
	canvas_text(canvas, canvas->rows / 2, 0, canvas->cols, ROLE_TEXT, "The window is too small (40x10).");
	canvas_text(canvas, canvas->rows / 2 + 1, 0, canvas->cols, ROLE_TEXT, "Nothing is chosen there. q leaves.");
	return true;
}

#define LEFT_LEAST 18	/* columns of left that stay, if it has so many */

static int columns(const char *text)
{
	return utf8_columns(text, strlen(text));
}

/* right and the time, without what there is no room for: the clock is what may go last. Safe. */
static void header_end(struct buf *out, const char *right, int64_t wall_us, int room)
{
	char clock[TIME_TEXT];

	utf8_safe(out, right, strlen(right), false);
	buf_printf(out, "%s%.5s UTC ", *right ? "   " : "", time_format_clock(wall_us, clock));
	if (columns(buf_text(out)) > room)
		buf_clear(out);
}

void board_header(struct canvas *canvas, const char *left, const char *flag, const char *right, int64_t wall_us)
{
	int least = columns(left), taken = flag ? columns(flag) + 4 : 0, at;
	struct buf line = { 0 }, end = { 0 };

	canvas_fill(canvas, (struct area){ 0, 0, 1, canvas->cols }, ROLE_HEADER);
	header_end(&end, right, wall_us, flag ? canvas->cols - taken - least : canvas->cols / 2);
	if (!end.len)
		header_end(&end, "", wall_us, canvas->cols - taken - (least < LEFT_LEAST ? least : LEFT_LEAST));
	taken += columns(buf_text(&end));
	cell_left(&line, left, flag && least + taken <= canvas->cols ? least : canvas->cols - taken - (least >= canvas->cols - taken));
	at = canvas_text(canvas, 0, 0, canvas->cols, ROLE_HEADER, buf_text(&line));
	if (flag)
		canvas_printf(canvas, (struct area){ 0, at + 2, 1, canvas->cols - at - 2 }, ROLE_DOWN, " %s ", flag);
	at = canvas->cols - columns(buf_text(&end));
	canvas_text(canvas, 0, at, canvas->cols - at, ROLE_HEADER, buf_text(&end));
	buf_done(&line);
	buf_done(&end);
}

int board_flag(struct canvas *canvas, const char *words)
{
	int cols = words ? columns(words) + 2 : 0;

	if (!words || cols > canvas->cols - 9)
		return canvas->cols;
	canvas_printf(canvas, (struct area){ 0, canvas->cols - cols, 1, cols }, ROLE_DOWN, " %s ", words);
	return canvas->cols - cols - 1;
}

/* Bytes of text that fit: all, else as many whole sentences as do, for one that is cut may say the opposite; all when not even one does. */
static size_t sentences(const char *text, int cols)
{
	size_t len = strlen(text), keep = 0;

	if (utf8_columns(text, len) <= cols)
		return len;
	for (size_t i = 0; i + 1 < len; i++)
		if (strchr(".?!", text[i]) && text[i + 1] == ' ' && utf8_columns(text, i + 1) <= cols)
			keep = i + 1;
	return keep ? keep : len;
}

void board_say(struct canvas *canvas, int row, enum role role, const char *text)
{
	struct buf safe = { 0 };
	size_t keep;

	utf8_safe(&safe, text, strlen(text), false);
	keep = sentences(buf_text(&safe), canvas->cols - 1);
	if (keep < safe.len)
		safe.data[keep] = '\0';
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
