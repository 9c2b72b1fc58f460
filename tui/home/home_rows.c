/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The left column of the home screen: doubts, unfinished sessions, runbooks, what ended lately. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "journal/model/model.h"
#include "tui/home/home_int.h"
#include "tui/part/when.h"

#define ENDED 5		/* sessions that are shown of those that are over */
#define SLIM 70		/* with fewer columns, dates and names of people are left out */

bool home_lets(const struct home *home, const char *const *texts, size_t count)
{
	const char *word = home->filter.text;

	while (*word) {
		size_t len = strcspn(word, " ");
		bool found = len == 0;

		for (size_t i = 0; i < count && !found; i++)
			for (const char *at = texts[i]; *at && !found; at++)
				found = strncasecmp(at, word, len) == 0;
		if (!found)
			return false;
		word += len;
		word += *word == ' ';
	}
	return true;
}

const struct json *home_session(const struct home *home, int64_t session)
{
	const struct json *list = json_at(home->data, "sessions");

	for (size_t i = 0; i < json_count(list); i++)
		if (json_int(json_item(list, i), "session", 0) == session)
			return json_item(list, i);
	return NULL;
}

const struct json *home_debt(const struct home *home, const char *key)
{
	const struct json *list = json_at(home->data, "debts");

	if (!key || !str_starts(key, "debt "))
		return NULL;
	for (size_t i = 0; i < json_count(list); i++)
		if (strtoll(key + strlen("debt "), NULL, 10) == json_int(json_item(list, i), "debt", 0))
			return json_item(list, i);
	return NULL;
}

const struct json *home_doubt(const struct home *home)
{
	const struct json *list = json_at(home->data, "sessions");

	for (size_t i = 0; i < json_count(list); i++)
		if (json_count(json_at(json_item(list, i), "doubts")))
			return json_item(list, i);
	return NULL;
}

static bool is_open(const struct json *session)
{
	return str_is(json_text(session, "state", ""), "open");
}

static bool lets_session(const struct home *home, const struct json *session)
{
	const char *const texts[] = { json_text(session, "title", ""), json_text(session, "runbook", ""), json_text(session, "who", ""),
		json_text(session, "at", ""), json_text(session, "state", ""), json_text(session, "fleet", "") };

	return home_lets(home, texts, sizeof(texts) / sizeof(texts[0]));
}

static void head(struct rows *rows, const char *text)
{
	if (rows->count)
		rows_add(rows, ROLE_TEXT, "", NULL);
	rows_add(rows, ROLE_BOLD, text, NULL);
}

/* ---- doubts ---- */

static void doubts_of(struct rows *rows, const struct json *session, int cols)
{
	const struct json *list = json_at(session, "doubts");

	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *doubt = json_item(list, i);
		const char *host = json_text(doubt, "host", "");
		char *text = mem_printf("!! Session %lld: nobody knows whether step “%s” happened%s%s. No change may start %s%s until that is settled. Press u: bellbook looks, and "
			"shows you the choices.", (long long)json_int(session, "session", 0), json_text(doubt, "title", ""), *host ? " on " : "", host,
			*host ? "on " : "in it", host);
		struct buf safe = { 0 };

		utf8_safe(&safe, text, strlen(text), false);
		rows_add_text(rows, ROLE_DOUBT, buf_text(&safe), 0, cols);
		buf_done(&safe);
		mem_free(text);
	}
}

static void build_doubts(const struct home *home, struct rows *rows, int cols)
{
	const struct json *list = json_at(home->data, "sessions");

	for (size_t i = 0; i < json_count(list); i++)
		doubts_of(rows, json_item(list, i), cols);
}

/* ---- sessions ---- */

/* State in one or two words, and its role. */
static const char *session_state(const struct json *session, enum role *role)
{
	const char *at = json_text(session, "at_state", "");

	*role = ROLE_TEXT;
	if (json_count(json_at(session, "doubts"))) {
		*role = ROLE_DOUBT;
		return "IN DOUBT";
	}
	if (!json_bool(session, "running", false)) {
		*role = ROLE_WARN;
		return "stopped";
	}
	if (str_is(at, "failed")) {
		*role = ROLE_FAIL;
		return "FAILED";
	}
	if (json_at(session, "waits")) {
		*role = ROLE_WAIT;
		return "asks";
	}
	*role = ROLE_RUN;
	return "runs";
}

static void add_session(struct rows *rows, const struct json *session, int cols, int64_t now_us)
{
	char number[24], steps[48], when[TIME_TEXT], key[48];
	struct buf line = { 0 };
	int title = cols >= 90 ? 30 : cols < SLIM ? 18 : 22, state_col, rest;
	enum role role;
	const char *state = session_state(session, &role);
	struct row *row;

	snprintf(number, sizeof(number), "%lld", (long long)json_int(session, "session", 0));
	snprintf(steps, sizeof(steps), "%lld/%lld", (long long)json_int(session, "step", 0), (long long)json_int(session, "steps", 0));
	snprintf(key, sizeof(key), "session %s", number);
	cell_right(&line, number, 5);
	buf_putc(&line, ' ');
	cell_left(&line, json_text(session, "title", ""), json_bool(session, "dry_run", false) ? title - 6 : title);
	buf_puts(&line, json_bool(session, "dry_run", false) ? " (dry)" : "");
	buf_putc(&line, ' ');
	cell_right(&line, steps, 6);
	buf_putc(&line, ' ');
	state_col = utf8_columns(buf_text(&line), line.len);
	cell_left(&line, state, 8);
	buf_putc(&line, ' ');
	rest = cols - state_col - 9 - (cols < SLIM ? 0 : 20);
	cell_left(&line, json_text(session, "at", ""), rest > 4 ? rest : 4);
	if (cols >= SLIM) {
		buf_putc(&line, ' ');
		cell_left(&line, json_text(session, "who", ""), 8);
		buf_putc(&line, ' ');
		cell_right(&line, when_day(json_int(session, "last_us", 0), now_us, when), 10);
	}
	row = rows_add(rows, ROLE_TEXT, buf_text(&line), key);
	row_mark(row, state_col, (int)strlen(state), role);
	buf_done(&line);
}

static void build_open(const struct home *home, struct rows *rows, int cols, int64_t now_us)
{
	const struct json *list = json_at(home->data, "sessions");
	size_t count = 0;
	char text[64];

	for (size_t i = 0; i < json_count(list); i++)
		count += is_open(json_item(list, i)) && lets_session(home, json_item(list, i));
	if (!count)
		return;
	snprintf(text, sizeof(text), "UNFINISHED SESSIONS (%zu)", count);
	head(rows, text);
	for (size_t i = 0; i < json_count(list); i++)
		if (is_open(json_item(list, i)) && lets_session(home, json_item(list, i)))
			add_session(rows, json_item(list, i), cols, now_us);
}

#define ENDED_COLS 10

/* How it ended; "2 skipped" when it ended ok although people left steps out: ok alone would hide that. */
static const char *ended_word(const struct json *session, char out[MODEL_LEFT_OUT_WORD])
{
	const char *state = json_text(session, "state", "");
	const char *word = str_is(state, "ok") ? model_left_out_word(json_int(session, "left_out", 0), json_int(session, "put_off", 0), out) : NULL;

	return word ? word : state;
}

static void add_ended(struct rows *rows, const struct json *session, int cols, int64_t now_us)
{
	char number[24], when[TIME_TEXT], span[TIME_TEXT], key[48];
	char left_out[MODEL_LEFT_OUT_WORD];
	const char *state = ended_word(session, left_out);
	bool good = str_is(state, "ok");
	struct buf line = { 0 };
	int state_col;
	struct row *row;

	snprintf(number, sizeof(number), "%lld", (long long)json_int(session, "session", 0));
	snprintf(key, sizeof(key), "session %s", number);
	cell_right(&line, number, 5);
	buf_putc(&line, ' ');
	cell_left(&line, json_text(session, "title", ""), cols - 6 - (cols < SLIM ? 24 : 42));
	buf_puts(&line, json_bool(session, "dry_run", false) ? " (dry) " : "       ");
	state_col = utf8_columns(buf_text(&line), line.len);
	cell_left(&line, state, ENDED_COLS);
	cell_right(&line, when_span(json_int(session, "took_us", 0), span), 7);
	if (cols >= SLIM) {
		buf_putc(&line, ' ');
		cell_left(&line, json_text(session, "who", ""), 7);
		cell_right(&line, when_day(json_int(session, "closed_us", 0), now_us, when), 11);
	}
	row = rows_add(rows, ROLE_TEXT, buf_text(&line), key);
	row_mark(row, state_col, ENDED_COLS, good ? ROLE_OK : str_is(state, "failed") ? ROLE_FAIL : ROLE_WARN);
	buf_done(&line);
}

static void build_ended(const struct home *home, struct rows *rows, int cols, int64_t now_us)
{
	const struct json *list = json_at(home->data, "sessions");
	bool all = home->filter.len > 0;
	size_t shown = 0;

	for (size_t i = 0; i < json_count(list) && (all || shown < ENDED); i++) {
		const struct json *session = json_item(list, i);

		if (is_open(session) || !lets_session(home, session))
			continue;
		if (shown++ == 0)
			head(rows, "ENDED LATELY");
		add_ended(rows, session, cols, now_us);
	}
}

/* ---- ways back ---- */

static void add_back(struct rows *rows, const struct json *session, int cols, int64_t now_us)
{
	char number[24], when[TIME_TEXT], key[48];
	const char *state = json_text(session, "state", "");
	struct buf line = { 0 };
	int width = cols < SLIM ? 18 : 30, state_col, rest;
	struct row *row;

	snprintf(number, sizeof(number), "%lld", (long long)json_int(session, "session", 0));
	snprintf(key, sizeof(key), "back %s", number);
	cell_right(&line, number, 5);
	buf_putc(&line, ' ');
	cell_left(&line, json_text(session, "title", ""), width);
	buf_putc(&line, ' ');
	state_col = utf8_columns(buf_text(&line), line.len);
	cell_left(&line, state, 8);
	buf_putc(&line, ' ');
	rest = cols - state_col - 9 - (cols < SLIM ? 0 : 11);
	cell_left(&line, json_text(json_at(session, "way_back"), "runbook", ""), rest > 4 ? rest : 4);
	if (cols >= SLIM) {
		buf_putc(&line, ' ');
		cell_right(&line, when_day(json_int(session, "closed_us", 0), now_us, when), 10);
	}
	row = rows_add(rows, ROLE_TEXT, buf_text(&line), key);
	row_mark(row, state_col, 8, str_is(state, "ok") ? ROLE_OK : str_is(state, "failed") ? ROLE_FAIL : ROLE_WARN);
	buf_done(&line);
}

/* What ended and can still be undone, by a runbook of its own. */
static void build_back(const struct home *home, struct rows *rows, int cols, int64_t now_us)
{
	const struct json *list = json_at(home->data, "sessions");
	size_t count = 0;

	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *session = json_item(list, i);

		if (!json_bool(session, "back_open", false) || !lets_session(home, session))
			continue;
		if (count++ == 0)
			head(rows, "THE WAY BACK IS OPEN");
		add_back(rows, session, cols, now_us);
	}
}

/* ---- debts ---- */

static void add_debt(struct rows *rows, const struct json *debt, int cols, const char *today)
{
	const char *due = json_text(debt, "due", "");
	bool over = strcmp(due, today) < 0, soon = strcmp(due, today) == 0;
	struct buf line = { 0 };
	int rest, state_col;
	struct row *row;
	char key[32];

	snprintf(key, sizeof(key), "debt %lld", (long long)json_int(debt, "debt", 0));
	buf_puts(&line, "  ");
	state_col = 2;
	cell_left(&line, over ? "OVERDUE" : soon ? "today" : "due", 8);
	cell_left(&line, due, 11);
	cell_left(&line, json_text(debt, "owner", ""), 9);
	rest = cols - 30;
	cell_left(&line, json_text(debt, "title", ""), rest > 44 ? 30 : rest);
	if (rest > 44) {
		buf_puts(&line, "  ");
		cell_left(&line, json_text(debt, "reason", ""), rest - 32);
	}
	row = rows_add(rows, ROLE_TEXT, buf_text(&line), key);
	row_mark(row, state_col, 8, over ? ROLE_FAIL : ROLE_WARN);
	buf_done(&line);
}

static bool lets_debt(const struct home *home, const struct json *debt)
{
	const char *const texts[] = { json_text(debt, "title", ""), json_text(debt, "owner", ""), json_text(debt, "due", ""), json_text(debt, "reason", ""),
		json_text(debt, "of", ""), "debt" };

	return home_lets(home, texts, sizeof(texts) / sizeof(texts[0]));
}

/* What was put off, until somebody says that it is done. */
static void build_debts(const struct home *home, struct rows *rows, int cols, int64_t now_us)
{
	const struct json *list = json_at(home->data, "debts");
	char today[TIME_TEXT], text[64];
	size_t count = 0;

	time_format(now_us, today);
	today[10] = '\0';
	for (size_t i = 0; i < json_count(list); i++)
		count += lets_debt(home, json_item(list, i));
	if (!count)
		return;
	snprintf(text, sizeof(text), "PUT OFF, AND STILL OWED (%zu)", count);
	head(rows, text);
	for (size_t i = 0; i < json_count(list); i++)
		if (lets_debt(home, json_item(list, i)))
			add_debt(rows, json_item(list, i), cols, today);
}

/* ---- runbooks ---- */

static void add_broken(struct rows *rows, const struct json *runbook, const char *key, int cols)
{
	char *text = mem_printf("  %s cannot be read: %s", json_text(runbook, "id", "?"), json_text(runbook, "broken", ""));
	struct buf line = { 0 };

	cell_left(&line, text, cols);
	rows_add(rows, ROLE_WARN, buf_text(&line), key);
	buf_done(&line);
	mem_free(text);
}

static void span_cell(struct buf *line, const struct json *span, int cols)
{
	char text[TIME_TEXT];

	cell_right(line, span ? json_int(span, "median_us", 0) < TIME_SECOND / 2 ? "none" : when_span(json_int(span, "median_us", 0), text) : "-", cols);
}

static void add_runbook(struct rows *rows, const struct json *runbook, int cols, int64_t now_us)
{
	const struct json *usual = json_at(runbook, "usual"), *last = json_at(usual, "last");
	char left_out[MODEL_LEFT_OUT_WORD];
	const char *id = json_text(runbook, "id", ""), *state = ended_word(last, left_out);
	char *key = mem_printf("runbook %s", id);
	char when[TIME_TEXT];
	struct buf line = { 0 };
	int state_col;
	struct row *row;

	if (json_at(runbook, "broken")) {
		add_broken(rows, runbook, key, cols);
		mem_free(key);
		return;
	}
	buf_puts(&line, "  ");
	cell_left(&line, json_text(runbook, "title", id), cols - 2 - (cols < SLIM ? 29 : 49));
	buf_putc(&line, ' ');
	if (cols >= SLIM) {
		cell_left(&line, last ? when_day(json_int(last, "at_us", 0), now_us, when) : "never", 10);
		buf_putc(&line, ' ');
		cell_left(&line, json_text(last, "who", ""), 8);
		buf_putc(&line, ' ');
	}
	state_col = utf8_columns(buf_text(&line), line.len);
	cell_left(&line, str_is(state, "failed") ? "FAILED" : state, ENDED_COLS);
	span_cell(&line, json_at(usual, "took"), 8);
	buf_putc(&line, ' ');
	span_cell(&line, json_at(usual, "down"), 9);
	row = rows_add(rows, ROLE_TEXT, buf_text(&line), key);
	row_mark(row, state_col, ENDED_COLS, str_is(state, "ok") ? ROLE_OK : str_is(state, "failed") ? ROLE_FAIL : str_is(state, "open") ? ROLE_WAIT : ROLE_WARN);
	buf_done(&line);
	mem_free(key);
}

static bool lets_runbook(const struct home *home, const struct json *runbook)
{
	const char *const texts[] = { json_text(runbook, "title", ""), json_text(runbook, "id", "") };

	return home_lets(home, texts, sizeof(texts) / sizeof(texts[0]));
}

static void build_runbooks(const struct home *home, struct rows *rows, int cols, int64_t now_us)
{
	const struct json *list = json_at(home->data, "runbooks");
	struct buf line = { 0 };
	size_t shown = 0;

	for (size_t i = 0; i < json_count(list); i++) {
		if (!lets_runbook(home, json_item(list, i)))
			continue;
		if (shown++ == 0) {
			cell_left(&line, "RUNBOOKS", cols - (cols < SLIM ? 29 : 49));
			buf_puts(&line, cols < SLIM ? " ended    usual work  downtime" : " last run   by       ended    usual work  downtime");
			head(rows, buf_text(&line));
		}
		add_runbook(rows, json_item(list, i), cols, now_us);
	}
	buf_done(&line);
}

/* ---- the first start ---- */

static void build_welcome(struct rows *rows, const struct json *data, int cols)
{
	static const char words[] =
		"Nothing was run from here yet, and nothing can be broken by looking around.\n"
		"1. Pick a runbook with the arrows and press Enter: its plan says what it would do, step by step, and what it asks. Nothing starts there.\n"
		"2. In the plan, d makes a dry run: it looks, and changes nothing.\n"
		"3. A walk asks before every change and shows the exact command first. You can leave at any time; it waits for you.";
	static const char practice[] = "There is no fleet file yet: bellbook does not know your hosts. `make practice` in its source makes a fleet to practise on; "
		"docs/runbooks.md shows how to write one for your own hosts, at ~/.config/bellbook/fleet.lua.";

	head(rows, "WELCOME");
	rows_add_text(rows, ROLE_TEXT, words, 2, cols);
	if (!json_at(json_at(data, "fleet"), "name"))
		rows_add_text(rows, ROLE_TEXT, practice, 2, cols);
}

static bool is_first_start(const struct home *home)
{
	return home->filter.len == 0 && json_at(home->data, "sessions") && json_count(json_at(home->data, "sessions")) == 0
		&& !json_bool(home->data, "loading", false);
}

void home_build(struct home *home, int main_cols, int aside_cols)
{
	struct rows *rows = &home->main, *aside = aside_cols > 0 ? &home->aside : rows;
	int64_t now_us = home->now_us;

	rows_clear(&home->main);
	rows_clear(&home->aside);
	build_doubts(home, rows, main_cols);
	build_open(home, rows, main_cols, now_us);
	build_back(home, rows, main_cols, now_us);
	build_debts(home, rows, main_cols, now_us);
	if (is_first_start(home))
		build_welcome(rows, home->data, main_cols);
	build_runbooks(home, rows, main_cols, now_us);
	if (rows_step(rows, -1, 1) < 0 && home->filter.len)
		rows_add(rows, ROLE_TEXT, "Nothing here contains that. Esc shows all again.", NULL);
	if (home->filter.len == 0)
		home_build_fleet(home, aside, aside_cols > 0 ? aside_cols : main_cols);
	build_ended(home, rows, main_cols, now_us);
	if (home->filter.len == 0)
		home_build_notes(home, aside, aside_cols > 0 ? aside_cols : main_cols);
}
