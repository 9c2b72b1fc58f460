/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tui/part/board.h"
#include "tui/home/home_int.h"

#define TWO_COLUMNS 120		/* from so many columns on */
#define LEFT 78

/* "4.1 MB"; "" when it is not known. */
static void size_words(int64_t bytes, char *out, size_t size)
{
	if (bytes >= 1000000000)
		snprintf(out, size, "journal %.1f GB", (double)bytes / 1e9);
	else if (bytes > 0)
		snprintf(out, size, "journal %.1f MB", (double)bytes / 1e6);
	else
		snprintf(out, size, "%s", "");
}

static void draw_header(const struct home *home, struct canvas *canvas)
{
	const struct json *fleet = json_at(home->data, "fleet"), *journal = json_at(home->data, "journal");
	char *left = mem_printf(" bellbook  HOME  %s", json_text(fleet, "name", json_at(fleet, "error") ? "(fleet file cannot be read)" : "(no fleet file)"));
	char *down = home_down(home, home->now_us);
	char right[64];

	size_words(json_int(journal, "bytes", 0), right, sizeof(right));
	if (json_at(journal, "cut"))
		str_copy(right, sizeof(right), "JOURNAL IS CUT");
	board_header(canvas, left, down, json_at(journal, "error") ? "JOURNAL NOT READABLE" : right, home->now_us);
	mem_free(left);
	mem_free(down);
}

/* How a debt is paid, and why it was made. */
static const char *debt_words(const struct json *debt, struct buf *words)
{
	const char *reason = json_text(debt, "reason", "");

	buf_printf(words, "Done? bellbook debts settle %lld HOW. Enter reads session %lld. Because: ", (long long)json_int(debt, "debt", 0),
		(long long)json_int(debt, "session", 0));
	utf8_safe(words, reason, strlen(reason), false);
	return buf_text(words);
}

/* What Enter does on what is picked. */
static void draw_advice(const struct home *home, struct canvas *canvas, int row)
{
	const struct json *session = NULL, *debt = home_debt(home, home->pick);
	struct buf words = { 0 };
	int64_t number = 0;
	const char *text = "";

	if (home->pick && str_starts(home->pick, "session ") && str_to_int(home->pick + 8, 1, INT64_MAX, &number))
		session = home_session(home, number);
	if (home->notice)
		text = home->notice;
	else if (json_at(json_at(home->data, "journal"), "error"))
		text = json_text(json_at(home->data, "journal"), "error", "");
	else if (json_at(json_at(home->data, "journal"), "cut"))
		text = json_text(json_at(home->data, "journal"), "cut", "");
	else if (session && !str_is(json_text(session, "state", ""), "open"))
		text = "It is over. Enter reads it from its beginning.";
	else if (session && json_bool(session, "running", false))
		text = "It runs. Enter joins it; what needs an answer is asked there.";
	else if (session)
		text = "No process carries it now. Enter asks: take it over, or only read it?";
	else if (home->pick && str_starts(home->pick, "back "))
		text = "Enter shows its way back, filled in. Nothing starts there unasked. r reads it.";
	else if (debt)
		text = debt_words(debt, &words);
	else if (home->pick && str_starts(home->pick, "runbook "))
		text = "Enter shows its plan. Nothing starts there without a further question.";
	board_say(canvas, row, home->notice ? ROLE_WARN : ROLE_DIM, text);
	buf_done(&words);
}

static void draw_bottom(const struct home *home, struct canvas *canvas)
{
	int row = canvas->rows - 1;

	if (!home->typing && !home->filter.len) {
		board_bottom(canvas, IN_HOME, home_doubt(home) ? ACTION_NONE : ACTION_SETTLE);
		return;
	}
	canvas_text(canvas, row, 1, canvas->cols - 1, ROLE_BOLD, "find: ");
	if (home->typing)
		edit_draw(&home->filter, canvas, (struct area){ row, 7, 1, canvas->cols / 2 - 7 });
	else
		canvas_text(canvas, row, 7, canvas->cols / 2 - 7, ROLE_MATCH, home->filter.text);
	canvas_text(canvas, row, canvas->cols / 2 + 1, canvas->cols / 2 - 1, ROLE_DIM, home->typing ? "Enter opens, arrows choose, Esc shows all" : "Esc shows all again");
}

void home_draw(struct home *home, struct canvas *canvas, int64_t wall_us)
{
	bool two = canvas->cols >= TWO_COLUMNS;
	int left = two ? canvas->cols * LEFT / 132 : canvas->cols;
	struct area body = { 1, 0, canvas->rows - 4, left };
	long pick;

	home->now_us = wall_us;
	canvas_clear(canvas);
	home->blind = board_too_small(canvas);
	if (home->blind)
		return;
	home_build(home, left - 2, two ? canvas->cols - left - 2 : 0);
	pick = rows_find(&home->main, home->pick);
	if (pick < 0) {
		pick = rows_step(&home->main, -1, 1);
		mem_set(&home->pick, pick >= 0 ? home->main.row[pick].key : NULL);
	}
	home->page = body.rows;
	home->top = rows_top(&home->main, pick, home->top, body.rows);
	draw_header(home, canvas);
	rows_draw(&home->main, canvas, body, pick, home->top);
	if (two) {
		for (int row = 0; row < body.rows; row++)
			canvas_glyph(canvas, body.row + row, left, GLYPH_DOWN);
		rows_draw(&home->aside, canvas, (struct area){ body.row, left + 1, body.rows, canvas->cols - left - 1 }, -1, 0);
	}
	draw_advice(home, canvas, canvas->rows - 2);
	draw_bottom(home, canvas);
	if (home->dialog.kind != DIALOG_NONE)
		dialog_draw(&home->dialog, &(struct dialog_look){ .arg = NULL }, canvas, (struct area){ 1, 0, canvas->rows - 2, canvas->cols });
	if (home->palette.is_open)
		palette_draw(&home->palette, canvas, (struct area){ 1, 0, canvas->rows - 2, canvas->cols });
}
