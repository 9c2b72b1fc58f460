/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "journal/export/export.h"
#include "journal/index/note.h"
#include "tui/review/review_work.h"

static const char *const formats[] = { "md", "html", "jsonl", "cast", "text", NULL };

/* The formats that this program can write, by number; NULL behind the last. */
static const char *format_at(long i)
{
	enum export_format ignored;

	for (size_t k = 0; formats[k]; k++)
		if (export_format_parse(formats[k], &ignored) && i-- == 0)
			return formats[k];
	return NULL;
}

static const char *format_about(const char *format)
{
	static const char *const about[][2] = {
		{ "md", "a post-mortem to fill in, with the facts" }, { "html", "one page for any browser" },
		{ "jsonl", "every event, lossless" }, { "cast", "for asciinema" }, { "text", "the log as text" },
	};

	for (size_t i = 0; i < sizeof(about) / sizeof(about[0]); i++)
		if (str_is(about[i][0], format))
			return about[i][1];
	return "";
}

static char *safe_lines(const char *text)
{
	struct buf out = { 0 };

	utf8_safe(&out, text, strlen(text), true);
	return buf_take(&out);
}

void box_open(struct review *review, enum review_use use, const char *title, const char *text)
{
	box_close(review);
	review->box = (struct review_box){ .use = use, .title = safe_lines(title), .text = safe_lines(text) };
}

void box_close(struct review *review)
{
	mem_free(review->box.title);
	mem_free(review->box.text);
	mem_free(review->box.error);
	edit_clear(&review->edit);
	review->box = (struct review_box){ .use = USE_CLOSED };
}

static void box_error(struct review *review, const char *text)
{
	struct buf out = { 0 };

	utf8_safe(&out, text, strlen(text), false);
	mem_free(review->box.error);
	review->box.error = buf_take(&out);
}

/* --- fields --- */

int review_note(struct review *review, const char *text, bool pin, struct err *e)
{
	const struct mark *mark = review_mark(review);
	const struct pane *pane = &review->pane;
	bool line = review->in_pane && pane->at < (long)pane->count && pane->lines[pane->at].seq;
	struct note note = { .session = review->timeline->session, .text = text };
	char *step = mark ? mem_strdup(mark->step) : NULL;
	int rc;

	if (step && *step)
		note.step = step;
	note.attempt = mark && note.step ? mark->attempt : 0;
	if (pin && mark) {
		note.pin = line ? pane->lines[pane->at].seq : mark->seq;
		note.at_us = line && pane->lines[pane->at].at_us ? pane->lines[pane->at].at_us : mark->at_us;
	}
	rc = note_write(review->journal, &note, NULL, e);
	if (rc == 0)
		review_refresh(review);
	mem_free(step);
	return rc;
}

static void write_note(struct review *review, int64_t now_us)
{
	bool pin = review->box.use == REVIEW_PIN;
	struct err e = { 0 };

	if (review_note(review, review->edit.text, pin, &e) < 0) {
		box_error(review, e.text);
		return;
	}
	box_close(review);
	review_notice(review, pin ? "Pinned. What was recorded is unchanged." : "Noted. What was recorded is unchanged.", now_us);
}

int review_export(struct review *review, const char *format, const char *path, struct err *e)
{
	enum export_format kind;
	int fd, rc = -1;
	FILE *file;

	if (!export_format_parse(format, &kind))
		return err_set(e, ERR_USAGE, "there is no format %s", format);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return err_set(e, ERR_USAGE, "%s: there is a file of that name; give another one", path);
	file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!file)
		return err_errno(e, "%s", path);
	if (export_log(review->journal, review->timeline->session, kind, export_to_file, file, e) < 0)
		err_wrap(e, "%s could not be written", path);
	else if (fflush(file) != 0)
		err_errno(e, "%s", path);
	else
		rc = 0;
	fclose(file);
	if (rc < 0)
		unlink(path);
	return rc;
}

static void write_file(struct review *review, int64_t now_us)
{
	struct err e = { 0 };
	char *text;

	if (review_export(review, review->format, review->edit.text, &e) < 0) {
		box_error(review, e.text);
		return;
	}
	text = mem_printf("Written: %s", review->edit.text);
	box_close(review);
	review_notice(review, text, now_us);
	mem_free(text);
}

static void start_find(struct review *review, int64_t now_us)
{
	char *text = mem_strdup(review->edit.text);

	box_close(review);
	review_find_text(review, text, now_us);
	mem_free(text);
}

void box_diff(struct review *review, const char *number)
{
	int64_t other = 0, mine = review->timeline->session;
	struct json *diff = NULL;
	struct buf text = { 0 };
	struct err e = { 0 };

	if (review->box.use != REVIEW_DIFF)
		box_open(review, REVIEW_DIFF, "DIFF", "What was otherwise in this session than in session number:");
	if (!number) {
		if (review->before)
			buf_printf(&text, "%lld", (long long)review->before->session);
		edit_paste(&review->edit, buf_text(&text), text.len);
		buf_done(&text);
		return;
	}
	if (str_to_int(*number == '#' ? number + 1 : number, 1, INT64_MAX, &other))
		diff = export_diff(review->journal, other, mine, &e);
	else
		err_set(&e, ERR_USAGE, "that is no session number");
	if (diff) {
		export_diff_text(diff, false, &text);
		box_open(review, REVIEW_TEXT, "DIFF", buf_text(&text));
	} else {
		box_error(review, e.text);
	}
	json_free(diff);
	buf_done(&text);
}

static void diff_typed(struct review *review)
{
	char *number = mem_strdup(review->edit.text);

	box_diff(review, number);
	mem_free(number);
}

static void enter(struct review *review, int64_t now_us)
{
	if (!utf8_says(review->edit.text)) {
		box_error(review, "nothing is written there yet; Esc closes");
		return;
	}
	if (review->box.use == REVIEW_FIND)
		start_find(review, now_us);
	else if (review->box.use == REVIEW_DIFF)
		diff_typed(review);
	else if (review->box.use == REVIEW_FILE)
		write_file(review, now_us);
	else
		write_note(review, now_us);
}

/* --- lists --- */

static long choices(const struct review *review)
{
	long n = 0;

	if (review->box.use == REVIEW_FILTER)
		while (review_groups()[n].group)
			n++;
	else if (review->box.use == REVIEW_FORMAT)
		while (format_at(n))
			n++;
	return n;
}

static void choose(struct review *review, long i)
{
	char *name;

	if (review->box.use == REVIEW_FILTER) {
		review_show(review, review->groups ^ review_groups()[i].group);
		return;
	}
	review->format = format_at(i);
	box_open(review, REVIEW_FILE, "EXPORT", "To which file? It must not be there yet.");
	name = mem_printf("bellbook-%lld.%s", (long long)review->timeline->session, str_is(review->format, "text") ? "txt" : review->format);
	edit_paste(&review->edit, name, strlen(name));
	mem_free(name);
}

static void list_press(struct review *review, const struct press *press)
{
	struct review_box *box = &review->box;
	long n = choices(review);

	if (press->code == PRESS_DOWN || (press->code == PRESS_CHAR && press->cp == 'j'))
		box->pick = (box->pick + 1) % n;
	else if (press->code == PRESS_UP || (press->code == PRESS_CHAR && press->cp == 'k'))
		box->pick = (box->pick + n - 1) % n;
	else if (press->code == PRESS_CHAR && press->cp >= '1' && press->cp < '1' + (uint32_t)(n < 9 ? n : 9))
		choose(review, box->pick = (long)(press->cp - '1'));
	else if (press->code == PRESS_ENTER || (press->code == PRESS_CHAR && press->cp == ' '))
		choose(review, box->pick);
	else if (press->code == PRESS_CHAR && press->cp == 'a' && box->use == REVIEW_FILTER)
		review_show(review, MARK_ALL);
	else if (press->code == PRESS_CHAR && press->cp == 'd' && box->use == REVIEW_FILTER)
		review_show(review, MARK_DEFAULT);
	else if (press->code == PRESS_CHAR && (press->cp == 'f' || press->cp == 'q'))
		box_close(review);
}

static void text_press(struct review *review, const struct press *press)
{
	struct review_box *box = &review->box;
	enum action action = keytable_find(IN_REVIEW, press);

	if (action == ACTION_UP || action == ACTION_DOWN)
		box->scroll += action == ACTION_UP ? -1 : 1;
	else if (action == ACTION_PAGE_UP || action == ACTION_PAGE_DOWN)
		box->scroll += action == ACTION_PAGE_UP ? -box->page : box->page;
	else if (action == ACTION_TOP)
		box->scroll = 0;
	else if (action == ACTION_FOLLOW)
		box->scroll = 1 << 20;
	else if (press->code == PRESS_ESC || press->code == PRESS_ENTER || action == ACTION_LEAVE)
		box_close(review);
	if (box->scroll < 0)
		box->scroll = 0;
}

bool box_types(const struct review *review)
{
	enum review_use use = review->box.use;

	return use != USE_CLOSED && use != REVIEW_TEXT && use != REVIEW_FILTER && use != REVIEW_FORMAT;
}

void box_press(struct review *review, const struct press *press, int64_t now_us)
{
	enum review_use use = review->box.use;

	if (press->code == PRESS_ESC || (press->code == PRESS_CTRL && press->cp == 'C'))
		box_close(review);
	else if (use == REVIEW_TEXT)
		text_press(review, press);
	else if (use == REVIEW_FILTER || use == REVIEW_FORMAT)
		list_press(review, press);
	else if (press->code == PRESS_ENTER)
		enter(review, now_us);
	else if (press->code == PRESS_PASTE)
		edit_paste(&review->edit, press->text, press->len);
	else
		edit_press(&review->edit, press);
}

/* --- drawing --- */

static const char *hint_of(enum review_use use)
{
	switch (use) {
	case REVIEW_FIND:
		return "Enter finds; Esc closes";
	case REVIEW_NOTE:
	case REVIEW_PIN:
		return "Enter writes it into the journal; Esc writes nothing";
	case REVIEW_FILE:
		return "Enter writes the file; Esc writes nothing";
	case REVIEW_FILTER:
		return "arrows, Enter: on or off; a all, d the usual ones; Esc closes";
	case REVIEW_FORMAT:
		return "arrows or a number, then Enter; Esc closes";
	case REVIEW_DIFF:
		return "Enter compares; Esc closes";
	case USE_CLOSED:
	case REVIEW_TEXT:
		break;
	}
	return "arrows, PgUp and PgDn scroll; any other key closes";
}

static char *choice_text(const struct review *review, long i)
{
	const struct review_group *group = &review_groups()[i];

	if (review->box.use == REVIEW_FILTER)
		return mem_printf("[%c] %s", review->groups & group->group ? 'x' : ' ', group->name);
	return mem_printf("%-6s %s", format_at(i), format_about(format_at(i)));
}

static void draw_choices(const struct review *review, struct canvas *canvas, struct area area)
{
	long from = review->box.pick >= area.rows ? review->box.pick - area.rows + 1 : 0;

	for (long i = from; i < choices(review) && i - from < area.rows; i++) {
		struct area at = { area.row + (int)(i - from), area.col, 1, area.cols };
		bool picked = i == review->box.pick;
		char *text = choice_text(review, i);

		if (picked)
			canvas_fill(canvas, at, ROLE_PICK);
		canvas_printf(canvas, at, picked ? ROLE_PICK : ROLE_TEXT, "%c %2ld %s", picked ? '>' : ' ', i + 1, text);
		mem_free(text);
	}
}

/* The text typed, its end in sight. */
static void draw_field(const struct review *review, struct canvas *canvas, struct area at)
{
	canvas_text(canvas, at.row, at.col, at.cols, ROLE_BOLD, "> ");
	at.col += 2;
	at.cols -= 2;
	edit_draw(&review->edit, canvas, at);
}

/* Text of so many rows; PgUp and PgDn go by what there is room for. */
static void draw_text(struct review_box *box, struct canvas *canvas, struct area area, int rows)
{
	box->page = area.rows;
	if (box->scroll > rows - area.rows)
		box->scroll = rows > area.rows ? rows - area.rows : 0;
	canvas_page(canvas, area, box->text, box->scroll);
}

void box_draw(struct review *review, struct canvas *canvas, struct area area)
{
	struct review_box *box = &review->box;
	int width = area.cols < 100 ? area.cols : 100, inner = width - 4;
	long list = choices(review);
	bool field = box->use != REVIEW_TEXT && list == 0;
	int text = canvas_rows(box->text, inner), rows = text + (int)list + (field ? 1 : 0) + (box->error ? 1 : 0) + 3;
	struct area at, in;

	rows = rows > area.rows ? area.rows : rows;
	at = (struct area){ area.row + area.rows - rows, area.col + (area.cols - width) / 2, rows, width };
	in = (struct area){ at.row + 1, at.col + 2, rows - 3, inner };
	canvas_box(canvas, at, box->title);
	canvas_text(canvas, at.row + rows - 2, in.col, inner, ROLE_DIM, hint_of(box->use));
	if (box->error)
		canvas_text(canvas, in.row + --in.rows, in.col, inner, ROLE_FAIL, box->error);
	if (field)
		draw_field(review, canvas, (struct area){ in.row + --in.rows, in.col, 1, inner });
	if (list > 0) {
		int room = (int)list < in.rows - 1 ? (int)list : in.rows > 1 ? in.rows - 1 : in.rows;

		in.rows -= room;
		draw_choices(review, canvas, (struct area){ in.row + in.rows, in.col, room, inner });
	}
	if (in.rows > 0)
		draw_text(box, canvas, in, text);
}
