/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/review/review_list.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/index/index.h"
#include "journal/store/place.h"
#include "tui/part/board.h"
#include "tui/term/keytable.h"

static const struct list_key {
	enum press_code code;
	uint32_t cp;
	enum action action;
	const char *name, *hint, *help;
} list_keys[] = {
	{ PRESS_F, 1, ACTION_HELP, "F1", "help", "this list (also ? while the filter is empty)" },
	{ PRESS_ENTER, 0, ACTION_DETAILS, "Enter", "review", "review the session" },
	{ PRESS_UP, 0, ACTION_UP, "Up", NULL, "one line up" },
	{ PRESS_DOWN, 0, ACTION_DOWN, "Down", NULL, "one line down" },
	{ PRESS_PAGE_UP, 0, ACTION_PAGE_UP, "PgUp", NULL, "a page up" },
	{ PRESS_PAGE_DOWN, 0, ACTION_PAGE_DOWN, "PgDn", NULL, "a page down" },
	{ PRESS_HOME, 0, ACTION_TOP, "Home", NULL, "to the newest session" },
	{ PRESS_END, 0, ACTION_FOLLOW, "End", NULL, "to the oldest session" },
	{ PRESS_ESC, 0, ACTION_LEAVE, "Esc", "back", "empties the filter; when it is empty: leave (also Ctrl-C)" },
	{ PRESS_CTRL, 'C', ACTION_LEAVE, "Ctrl-C", NULL, NULL },
	{ PRESS_CTRL, 'R', ACTION_REFRESH, "Ctrl-R", "read again", "read the journal again" },
	{ PRESS_CTRL, 'L', ACTION_REDRAW, "Ctrl-L", NULL, "draw the screen anew" },
	{ PRESS_CTRL, 'Z', ACTION_SUSPEND, "Ctrl-Z", NULL, "suspend bellbook" },
	{ PRESS_CHAR, 0, ACTION_NONE, NULL, NULL, NULL },
};

#define STEP_COLS 10	/* of the last column, on wide screens */

/* --- reading --- */

static char *safe(const char *text)
{
	struct buf out = { 0 };

	utf8_safe(&out, text ? text : "", text ? strlen(text) : 0, false);
	return buf_take(&out);
}

static char *names(const struct json *list)
{
	struct buf raw = { 0 };
	char *out;

	for (size_t i = 0; i < json_count(list); i++)
		buf_printf(&raw, "%s%s", i ? " " : "", json_as_text(json_item(list, i)) ? json_as_text(json_item(list, i)) : "");
	out = safe(buf_text(&raw));
	buf_done(&raw);
	return out;
}

static void listed_done(struct listed *row)
{
	mem_free(row->runbook);
	mem_free(row->title);
	mem_free(row->who);
	mem_free(row->state);
	mem_free(row->people);
	mem_free(row->hosts);
	mem_free(row->words);
}

static void rows_free(struct listed *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		listed_done(&rows[i]);
	mem_free(rows);
}

struct gathering {
	const char *journal;
	struct listed *rows;
	size_t count;
};

static const char *state_of(const char *journal, const struct index_session *from)
{
	if (*from->outcome)
		return from->outcome;
	if (lease_is_held(journal, from->session))
		return "running";
	return from->unsettled > 0 || from->in_doubt > 0 ? "IN DOUBT" : "open";
}

static bool gather(void *arg, const struct index_session *from)
{
	struct gathering *all = arg;
	struct listed *row;
	char date[TIME_TEXT];

	all->rows = mem_more(all->rows, all->count, sizeof(*row));
	row = &all->rows[all->count++];
	*row = (struct listed){
		.session = from->session, .opened_us = from->opened_us, .down_us = from->down_us, .step = from->step, .steps = from->steps,
		.last_us = from->closed_us ? from->closed_us : from->last_us, .failures = from->failures, .dry_run = from->dry_run, .open = !*from->outcome,
		.failed = from->failures > 0 || (*from->outcome && !str_is(from->outcome, "ok")), .lasted_us = from->active_us,
	};
	row->runbook = safe(from->runbook);
	row->title = safe(from->title);
	row->who = safe(from->who);
	row->left_out = from->left_out;
	row->state = safe(state_of(all->journal, from));
	row->people = names(from->people);
	row->hosts = names(from->hosts);
	row->words = mem_printf("#%lld %s %s %s %s %s %s %.10s%s", (long long)row->session, row->runbook, row->title, row->state, row->who, row->people,
		row->hosts, time_format(row->opened_us, date), row->dry_run ? " dry run" : "");
	return true;
}

static int read_rows(struct review_list *list, struct err *e)
{
	struct gathering all = { .journal = list->journal };
	struct index_filter every = { 0 };
	struct index *index = index_open(list->journal, e);
	int rc = index ? index_update(index, INDEX_FACTS, NULL, NULL, e) : -1;

	if (index && rc == 0)
		rc = index_sessions(index, &every, gather, &all, e);
	if (index && *index_words(index)) {
		mem_free(list->words);
		list->words = safe(index_words(index));
	}
	index_close(index);
	if (rc < 0) {
		rows_free(all.rows, all.count);
		return -1;
	}
	rows_free(list->rows, list->count);
	list->rows = all.rows;
	list->count = all.count;
	return 0;
}

/* --- the filter --- */

static bool occurs(const char *text, const char *word, size_t len)
{
	for (; *text; text++)
		if (strncasecmp(text, word, len) == 0)
			return true;
	return len == 0;
}

/* What stands behind "name:" in the word, NULL when it does not begin so. */
static const char *behind(const char *word, const char *name)
{
	size_t len = strlen(name);

	return strncasecmp(word, name, len) == 0 ? word + len : NULL;
}

static bool word_passes(const struct listed *row, const char *word)
{
	const char *value;
	int64_t us;

	if ((value = behind(word, "host:")) != NULL)
		return occurs(row->hosts, value, strlen(value));
	if ((value = behind(word, "who:")) != NULL || (value = behind(word, "person:")) != NULL)
		return occurs(row->people, value, strlen(value)) || occurs(row->who, value, strlen(value));
	if ((value = behind(word, "runbook:")) != NULL)
		return occurs(row->runbook, value, strlen(value));
	if ((value = behind(word, "after:")) != NULL)
		return time_parse(value, &us) < 0 || row->last_us >= us;
	if ((value = behind(word, "before:")) != NULL)
		return time_parse(value, &us) < 0 || row->opened_us < us;
	if (str_is(word, "failed"))
		return row->failed;
	if (str_is(word, "open"))
		return row->open;
	return occurs(row->words, word, strlen(word));
}

bool review_list_passes(const struct listed *row, const char *filter)
{
	bool passes = true;

	while (passes && *filter) {
		size_t len = strcspn(filter, " ");
		char *word = mem_dup(filter, len);

		passes = len == 0 || word_passes(row, word);
		mem_free(word);
		filter += len + (filter[len] == ' ');
	}
	return passes;
}

static void show(struct review_list *list)
{
	int64_t picked = list->at >= 0 && (size_t)list->at < list->shown_count ? list->rows[list->shown[list->at]].session : 0;
	long at = 0;

	list->shown = mem_grow(list->shown, list->count + 1, sizeof(*list->shown));
	list->shown_count = 0;
	for (size_t i = 0; i < list->count; i++) {
		if (!review_list_passes(&list->rows[i], list->filter.text))
			continue;
		if (list->rows[i].session == picked)
			at = (long)list->shown_count;
		list->shown[list->shown_count++] = i;
	}
	list->at = at;
}

struct review_list *review_list_new(const char *journal, const char *filter, struct err *e)
{
	struct review_list *list = mem_alloc(sizeof(*list));

	list->journal = mem_strdup(journal);
	list->page = 1;
	if (read_rows(list, e) < 0) {
		review_list_free(list);
		return NULL;
	}
	if (filter)
		edit_paste(&list->filter, filter, strlen(filter));
	show(list);
	return list;
}

void review_list_free(struct review_list *list)
{
	if (!list)
		return;
	rows_free(list->rows, list->count);
	mem_free(list->journal);
	mem_free(list->shown);
	mem_free(list->words);
	mem_free(list->down);
	mem_free(list);
}

void review_list_refresh(struct review_list *list)
{
	struct err e = { 0 };
	size_t was = list->shown_count;

	/* The indexes in shown are of the rows before. */
	int64_t picked = list->at >= 0 && (size_t)list->at < was ? list->rows[list->shown[list->at]].session : 0;

	mem_set(&list->words, NULL);
	if (read_rows(list, &e) < 0) {
		list->words = safe(e.text);
		return;
	}
	list->shown_count = 0;
	show(list);
	for (size_t i = 0; i < list->shown_count; i++)
		if (list->rows[list->shown[i]].session == picked)
			list->at = (long)i;
}

/* --- keys --- */

static void pick(struct review_list *list, long at)
{
	long last = (long)list->shown_count - 1;

	list->at = at > last ? last : at;
	list->at = list->at < 0 ? 0 : list->at;
}

static void leave(struct review_list *list)
{
	if (list->filter.len == 0) {
		list->leave = true;
		return;
	}
	edit_clear(&list->filter);
	show(list);
}

/* Letters are for the filter here, so only keys that type nothing do anything, and none of them can be bound otherwise. */
static enum action list_key(const struct press *press)
{
	for (const struct list_key *key = list_keys; key->name; key++)
		if (key->code == press->code && key->cp == press->cp)
			return key->action;
	return ACTION_NONE;
}

void review_list_press(struct review_list *list, const struct press *press)
{
	enum action action = list_key(press);

	if (list->help) {
		list->help = false;
		return;
	}
	if (action == ACTION_UP || action == ACTION_DOWN)
		pick(list, list->at + (action == ACTION_UP ? -1 : 1));
	else if (action == ACTION_PAGE_UP || action == ACTION_PAGE_DOWN)
		pick(list, list->at + (action == ACTION_PAGE_UP ? -list->page : list->page));
	else if (action == ACTION_TOP || action == ACTION_FOLLOW)
		pick(list, action == ACTION_TOP ? 0 : LONG_MAX);
	else if (action == ACTION_DETAILS && list->shown_count > 0)
		list->chosen = list->rows[list->shown[list->at]].session;
	else if (action == ACTION_LEAVE || press->code == PRESS_ESC)
		leave(list);
	else if (action == ACTION_REFRESH)
		review_list_refresh(list);
	else if (action == ACTION_REDRAW)
		list->redraw = true;
	else if (action == ACTION_SUSPEND)
		list->suspend = true;
	else if (action == ACTION_HELP || (press->code == PRESS_CHAR && press->cp == '?' && list->filter.len == 0))
		list->help = true;
	else if (press->code == PRESS_PASTE ? (edit_paste(&list->filter, press->text, press->len), true) : edit_press(&list->filter, press))
		show(list);
}

/* --- drawing --- */

static enum role state_role(const struct listed *row)
{
	if (str_is(row->state, "ok"))
		return row->failures > 0 || row->left_out > 0 ? ROLE_WARN : ROLE_OK;
	if (str_is(row->state, "running"))
		return ROLE_RUN;
	return str_is(row->state, "IN DOUBT") ? ROLE_DOUBT : row->open ? ROLE_WAIT : ROLE_FAIL;
}

static void draw_row(struct canvas *canvas, int row, const struct listed *one, bool picked)
{
	char date[TIME_TEXT], span[TIME_TEXT];
	int cols = canvas->cols, steps = cols >= 100 ? STEP_COLS : 0;

	time_format(one->opened_us, date);
	date[10] = ' ';
	date[16] = '\0';
	canvas_put(canvas, row, 0, picked ? '>' : ' ', ROLE_BOLD);
	canvas_printf(canvas, (struct area){ row, 2, 1, 7 }, ROLE_TEXT, "#%lld", (long long)one->session);
	canvas_text(canvas, row, 9, 16, ROLE_TEXT, date);
	canvas_printf(canvas, (struct area){ row, 26, 1, 9 }, ROLE_TEXT, "%9s", time_format_span(one->lasted_us, span));
	if (str_is(one->state, "ok") && one->left_out > 0)
		canvas_printf(canvas, (struct area){ row, 37, 1, 8 }, state_role(one), "%lld skip%s", (long long)one->left_out, one->left_out == 1 ? "" : "s");
	else
		canvas_text(canvas, row, 37, 8, state_role(one), one->state);
	canvas_text(canvas, row, 46, 8, ROLE_TEXT, one->who);
	canvas_printf(canvas, (struct area){ row, 55, 1, cols - 55 - steps }, ROLE_TEXT, "%s%s", *one->title ? one->title : one->runbook,
		one->dry_run ? " (dry run)" : "");
	if (steps > 0)
		canvas_printf(canvas, (struct area){ row, cols - steps + 1, 1, steps - 1 }, ROLE_TEXT, "%lld/%lld", (long long)one->step,
			(long long)one->steps);
	for (int i = 1; picked && i < cols; i++)
		if (canvas->cells[row * cols + i].role == ROLE_TEXT)
			canvas->cells[row * cols + i].role = ROLE_BOLD;
}

/* What the lines have no room for, of the session picked. */
static void draw_more(const struct review_list *list, struct canvas *canvas, struct area area)
{
	const struct listed *one = list->shown_count > 0 ? &list->rows[list->shown[list->at]] : NULL;
	char span[TIME_TEXT];
	struct buf text = { 0 };

	if (!one)
		return;
	buf_printf(&text, "#%lld %s (%s), %s, step %lld of %lld", (long long)one->session, one->title, one->runbook, one->state,
		(long long)one->step, (long long)one->steps);
	if (one->left_out > 0)
		buf_printf(&text, ", %lld step%s left out by people", (long long)one->left_out, one->left_out == 1 ? "" : "s");
	if (one->failures > 0)
		buf_printf(&text, ", %lld failure%s", (long long)one->failures, one->failures == 1 ? "" : "s");
	if (one->down_us > 0)
		buf_printf(&text, ", site down %s", time_format_span(one->down_us, span));
	if (*one->people)
		buf_printf(&text, ". People: %s", one->people);
	if (*one->hosts)
		buf_printf(&text, ". Hosts: %s", one->hosts);
	canvas_wrap(canvas, area, ROLE_TEXT, buf_text(&text));
	buf_done(&text);
}

static void draw_help(struct canvas *canvas, struct area area)
{
	struct buf text = { 0 };

	for (const struct list_key *key = list_keys; key->name; key++)
		if (key->help)
			buf_printf(&text, "%-7s %s\n", key->name, key->help);
	buf_puts(&text, "\nWhat you type filters: each word must occur in the number, runbook, title, state, date, people or hosts. "
			"host:db1 who:ruud runbook:es failed open after:2026-11-01 before:2026-12-01 look at one thing alone.\nAny key closes this.");
	canvas_box(canvas, area, "SESSIONS");
	canvas_wrap(canvas, (struct area){ area.row + 1, area.col + 2, area.rows - 2, area.cols - 4 }, ROLE_TEXT, buf_text(&text));
	buf_done(&text);
}

static void draw_filter(const struct review_list *list, struct canvas *canvas, int row)
{
	int col = 1 + canvas_text(canvas, row, 1, 8, ROLE_BOLD, "filter ");
	int width = canvas->cols - col - 18;

	canvas_fill(canvas, (struct area){ row, col, 1, width }, ROLE_FIELD);
	canvas_text(canvas, row, col, width, ROLE_FIELD, list->filter.text);
	canvas->cursor_row = row;
	canvas->cursor_col = col + utf8_columns(list->filter.text, list->filter.cursor);
	if (canvas->cursor_col >= col + width)
		canvas->cursor_col = col + width - 1;
	canvas_printf(canvas, (struct area){ row, canvas->cols - 16, 1, 16 }, ROLE_DIM, "%zu of %zu", list->shown_count, list->count);
}

static void draw_last(const struct review_list *list, struct canvas *canvas)
{
	int rows = canvas->rows, cols = canvas->cols, col = 1;

	if (list->words)
		canvas_printf(canvas, (struct area){ rows - 2, 1, 1, cols - 1 }, ROLE_WARN, "%s", list->words);
	for (const struct list_key *key = list_keys; key->name; key++) {
		if (!key->hint || col + (int)(strlen(key->name) + strlen(key->hint)) + 1 > cols)
			continue;
		col += canvas_text(canvas, rows - 1, col, cols - col, ROLE_BOLD, key->name) + 1;
		col += canvas_text(canvas, rows - 1, col, cols - col, ROLE_TEXT, key->hint) + 2;
	}
	canvas_text(canvas, rows - 1, col, cols - col, ROLE_TEXT, "typing filters");
}

void review_list_draw(struct review_list *list, struct canvas *canvas)
{
	int rows = canvas->rows, cols = canvas->cols, more = rows >= 16 ? 3 : 0;

	canvas_clear(canvas);
	if (rows < 10 || cols < 40) {
		canvas_text(canvas, rows / 2, 0, cols, ROLE_TEXT, "The window is too small (40x10). Esc leaves.");
		return;
	}
	canvas_fill(canvas, (struct area){ 0, 0, 1, cols }, ROLE_HEADER);
	canvas_printf(canvas, (struct area){ 0, 1, 1, cols - 1 }, ROLE_HEADER, "REVIEW  sessions of %s", list->journal);
	board_flag(canvas, list->down);
	draw_filter(list, canvas, 1);
	canvas_text(canvas, 2, 2, cols - 2, ROLE_DIM, "session opened (UTC)      lasted  state    who      what");
	if (cols >= 100)
		canvas_text(canvas, 2, cols - STEP_COLS + 1, STEP_COLS - 1, ROLE_DIM, "step");
	list->page = rows - 5 - more;
	if (list->at < list->top)
		list->top = list->at;
	if (list->at >= list->top + list->page)
		list->top = list->at - list->page + 1;
	if (list->shown_count == 0)
		canvas_text(canvas, 3, 2, cols - 2, ROLE_DIM, list->count == 0 ? "(no session yet)" : "(none passes the filter: Esc empties it)");
	for (int i = 0; i < list->page && list->top + i < (long)list->shown_count; i++)
		draw_row(canvas, 3 + i, &list->rows[list->shown[list->top + i]], list->top + i == list->at);
	if (more > 0)
		draw_more(list, canvas, (struct area){ rows - 2 - more, 1, more, cols - 2 });
	draw_last(list, canvas);
	if (list->help)
		draw_help(canvas, (struct area){ 1, 0, rows - 2, cols < 100 ? cols : 100 });
}
