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

static void list_fill(struct review *review);

void box_open(struct review *review, enum review_use use, const char *title, const char *text)
{
	bool list = use == REVIEW_FILTER || use == REVIEW_FORMAT;

	dialog_open(&review->dialog, use == REVIEW_TEXT ? DIALOG_TEXT : list ? DIALOG_LIST : DIALOG_FIELD, (int)use, title, text);
	if (!list)
		return;
	list_fill(review);
	review->dialog.pick = 0;
	review->dialog.wraps = true;
}

void box_close(struct review *review)
{
	dialog_close(&review->dialog);
}

static void box_error(struct review *review, const char *text)
{
	dialog_error(&review->dialog, text);
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
	bool pin = review->dialog.use == REVIEW_PIN;
	struct err e = { 0 };

	if (review_note(review, review->dialog.edit.text, pin, &e) < 0) {
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

	if (review_export(review, review->format, review->dialog.edit.text, &e) < 0) {
		box_error(review, e.text);
		return;
	}
	text = mem_printf("Written: %s", review->dialog.edit.text);
	box_close(review);
	review_notice(review, text, now_us);
	mem_free(text);
}

static void start_find(struct review *review, int64_t now_us)
{
	char *text = mem_strdup(review->dialog.edit.text);

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

	if (review->dialog.use != REVIEW_DIFF)
		box_open(review, REVIEW_DIFF, "DIFF", "What was otherwise in this session than in session number:");
	if (!number) {
		if (review->before)
			buf_printf(&text, "%lld", (long long)review->before->session);
		edit_paste(&review->dialog.edit, buf_text(&text), text.len);
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
	char *number = mem_strdup(review->dialog.edit.text);

	box_diff(review, number);
	mem_free(number);
}

static void enter(struct review *review, int64_t now_us)
{
	if (!utf8_says(review->dialog.edit.text)) {
		box_error(review, "nothing is written there yet; Esc closes");
		return;
	}
	if (review->dialog.use == REVIEW_FIND)
		start_find(review, now_us);
	else if (review->dialog.use == REVIEW_DIFF)
		diff_typed(review);
	else if (review->dialog.use == REVIEW_FILE)
		write_file(review, now_us);
	else
		write_note(review, now_us);
}

/* --- lists --- */

/* What can be chosen, as it is now. */
static void list_fill(struct review *review)
{
	bool filter = review->dialog.use == REVIEW_FILTER;
	const struct review_group *group = review_groups();

	dialog_clear(&review->dialog);
	for (long i = 0; filter ? group[i].group != 0 : format_at(i) != NULL; i++) {
		char *label = filter ? mem_printf("[%c] %s", review->groups & group[i].group ? 'x' : ' ', group[i].name)
			: mem_printf("%-6s %s", format_at(i), format_about(format_at(i)));

		dialog_option(&review->dialog, (struct dialog_option){ .use = (int)i }, label, "");
		mem_free(label);
	}
}

/* Which lines are shown changed: so did the marks of the filter. */
static void show(struct review *review, unsigned groups)
{
	review_show(review, groups);
	list_fill(review);
}

static void choose(struct review *review)
{
	long i = review->dialog.pick;
	char *name;

	if (review->dialog.use == REVIEW_FILTER) {
		show(review, review->groups ^ review_groups()[i].group);
		return;
	}
	review->format = format_at(i);
	box_open(review, REVIEW_FILE, "EXPORT", "To which file? It must not be there yet.");
	name = mem_printf("bellbook-%lld.%s", (long long)review->timeline->session, str_is(review->format, "text") ? "txt" : review->format);
	edit_paste(&review->dialog.edit, name, strlen(name));
	mem_free(name);
}

/* Nothing here changes what was recorded: a number chooses at once. */
static void list_press(struct review *review, const struct press *press, int64_t now_us)
{
	uint32_t letter = press->code == PRESS_CHAR ? press->cp : 0;
	bool filter = review->dialog.use == REVIEW_FILTER;
	enum dialog_did did = dialog_press(&review->dialog, press, now_us);

	if (did == DIALOG_LEFT || letter == 'f')
		box_close(review);
	else if (did == DIALOG_DONE || letter == ' ' || (did == DIALOG_STAYS && letter >= '1' && letter <= '9'))
		choose(review);
	else if (filter && (letter == 'a' || letter == 'd'))
		show(review, letter == 'a' ? MARK_ALL : MARK_DEFAULT);
}

/* --- texts --- */

/* It moves by the same keys as the lines below it, also by a person's own. */
static bool moves(struct review *review, enum action action)
{
	struct dialog *dialog = &review->dialog;
	int page = dialog->page > 0 ? dialog->page : 1;
	int by = action == ACTION_UP ? -1 : action == ACTION_DOWN ? 1 : action == ACTION_PAGE_UP ? -page : action == ACTION_PAGE_DOWN ? page
		: action == ACTION_TOP ? -DIALOG_END : action == ACTION_FOLLOW ? DIALOG_END : 0;

	if (by != 0)
		dialog_scroll(dialog, by);
	return by != 0;
}

static void text_press(struct review *review, const struct press *press, int64_t now_us)
{
	enum action action = keytable_find(IN_REVIEW, press);

	if (!moves(review, action) && (dialog_press(&review->dialog, press, now_us) == DIALOG_LEFT || action == ACTION_LEAVE))
		box_close(review);
}

bool box_types(const struct review *review)
{
	return review->dialog.kind == DIALOG_FIELD;
}

static void field_press(struct review *review, const struct press *press, int64_t now_us)
{
	enum dialog_did did = dialog_press(&review->dialog, press, now_us);

	if (did == DIALOG_DONE)
		enter(review, now_us);
	else if (did == DIALOG_LEFT)
		box_close(review);
}

void box_press(struct review *review, const struct press *press, int64_t now_us)
{
	if (press->code == PRESS_CTRL && press->cp == 'C')
		box_close(review);
	else if (review->dialog.kind == DIALOG_TEXT)
		text_press(review, press, now_us);
	else if (review->dialog.kind == DIALOG_LIST)
		list_press(review, press, now_us);
	else
		field_press(review, press, now_us);
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
	return NULL;
}

void box_draw(struct review *review, struct canvas *canvas, struct area area)
{
	struct dialog_look look = { .hint = hint_of((enum review_use)review->dialog.use), .digits = 2 };

	dialog_draw(&review->dialog, &look, canvas, area);
}
