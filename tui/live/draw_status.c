/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lines above the hints: the most urgent thing to know, whole, and over any box what cannot wait: somebody
 * asks for the wheel, somebody says something.
 */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "tui/live/draw_int.h"
#include "tui/part/people.h"

#define CHAT_US (60 * TIME_SECOND)	/* so long what was said shows over a box */
#define LINE_ROWS 4			/* of one of the lines */

struct lines {
	struct { char *text; enum role role; } all[3];	/* owned */
	size_t count;
};

static void add(struct lines *lines, enum role role, char *text)
{
	lines->all[lines->count].text = text;
	lines->all[lines->count++].role = role;
}

static char *asked_line(const struct frame *frame, const struct question *question)
{
	struct buf text = { 0 }, left = { 0 };

	people_asked(frame->scene, question, &text);
	people_countdown(question, frame->wall_us, &left);
	buf_puts(&text, strchr(".?!", buf_text(&text)[text.len - 1]) ? " " : ". ");
	buf_printf(&text, "%s%sEnter shows it.", buf_text(&left), left.len ? ". " : "");
	buf_done(&left);
	return buf_take(&text);
}

/* The wheel's question, while another box or none of ours is in front. */
static char *wheel_line(const struct frame *frame)
{
	const struct question *question = people_wheel(frame->scene);
	const struct ui *ui = frame->ui;
	struct buf text = { 0 };

	if (!question || question->seq == ui->matter.seq || question->seq == ui->sent)
		return NULL;
	utf8_safe(&text, question->text, strlen(question->text), false);
	buf_puts(&text, strchr(".?!", buf_text(&text)[text.len - 1]) ? " " : "; ");
	people_countdown(question, frame->wall_us, &text);
	buf_printf(&text, ". %s answers.", ui->palette.is_open || ui->sitting.on || ui_types(ui) ? "Close this, then T" : "T");
	return buf_take(&text);
}

/* What somebody else said last, where a box lies over it. */
static char *chat_line(const struct frame *frame)
{
	const struct scene *scene = frame->scene;
	const struct ui *ui = frame->ui;
	bool covered = ui->dialog.kind != DIALOG_NONE || ui->palette.is_open || ui->raw || ui->sitting.on;

	for (size_t i = scene->talk_count; covered && i-- > 0;) {
		const struct talk *talk = &scene->talk[i];

		if (talk->note || talk->warned)
			continue;
		if (str_is(talk->who, scene->me) || frame->wall_us - talk->at_us > CHAT_US)
			return NULL;
		return mem_printf("%s says: %s", talk->who, talk->text);
	}
	return NULL;
}

static char *status_line(const struct frame *frame, enum role *role)
{
	const struct scene *scene = frame->scene;
	const struct question *question = scene_question(scene);
	const struct ui *ui = frame->ui;

	*role = ROLE_WARN;
	if (ui->notice && frame->mono_us - ui->notice_us < UI_NOTICE_US)
		return mem_strdup(ui->notice);
	if (!question || ui->matter.seq != 0)
		return NULL;
	if (question->seq == ui->sent) {
		*role = ROLE_WAIT;
		return mem_strdup("Your answer is under way.");
	}
	if (people_mine(scene, question))
		return mem_strdup("A question waits for an answer: Enter opens it.");
	*role = ROLE_WAIT;
	return ui->dialog.kind == DIALOG_NONE ? asked_line(frame, question) : NULL;
}

static void collect(const struct frame *frame, struct lines *lines)
{
	enum role role;
	char *text = chat_line(frame);

	if (text)
		add(lines, ROLE_TEXT, text);
	text = wheel_line(frame);
	if (text)
		add(lines, ROLE_WARN, text);
	text = status_line(frame, &role);
	if (text)
		add(lines, role, text);
}

static int rows_of(const struct frame *frame, const char *text)
{
	int rows = canvas_rows(text, frame->canvas->cols - 2);

	return rows > LINE_ROWS ? LINE_ROWS : rows;
}

static void lines_done(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		mem_free(lines->all[i].text);
}

int draw_status_rows(const struct frame *frame)
{
	struct lines lines = { 0 };
	int rows = 0, most = frame->canvas->rows / 3;

	collect(frame, &lines);
	for (size_t i = 0; i < lines.count; i++)
		rows += rows_of(frame, lines.all[i].text);
	lines_done(&lines);
	return rows > most ? most : rows;
}

void draw_status(struct frame *frame, int row)
{
	struct lines lines = { 0 };
	int cols = frame->canvas->cols, room = draw_status_rows(frame);

	collect(frame, &lines);
	/* From the last one up. */
	for (size_t i = lines.count; i-- > 0 && room > 0;) {
		int rows = rows_of(frame, lines.all[i].text);

		rows = rows > room ? room : rows;
		room -= rows;
		row -= rows;
		canvas_fill(frame->canvas, (struct area){ row + 1, 0, rows, cols }, ROLE_TEXT);
		canvas_wrap(frame->canvas, (struct area){ row + 1, 1, rows, cols - 2 }, lines.all[i].role, lines.all[i].text);
	}
	lines_done(&lines);
}

char *draw_urgent(const struct frame *frame)
{
	char *text = wheel_line(frame);

	return text ? text : chat_line(frame);
}
