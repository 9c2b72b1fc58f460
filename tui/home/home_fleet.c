/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The right column of the home screen: hosts at a glance, the site from outside, notes. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tui/home/home_int.h"
#include "tui/part/when.h"

#define NOTES 4
#define MANY 6		/* from so many hosts on, those that are fine share a line */

static void head(struct rows *rows, const char *text, int cols)
{
	struct buf line = { 0 };

	if (rows->count)
		rows_add(rows, ROLE_TEXT, "", NULL);
	cell_left(&line, text, cols);
	rows_add(rows, ROLE_BOLD, buf_text(&line), NULL);
	buf_done(&line);
}

/* A text of a list; what is none is "?". */
static const char *text_at(const struct json *names, size_t i)
{
	const char *name = json_as_text(json_item(names, i));

	return name ? name : "?";
}

/* ---- hosts ---- */

static enum role state_role(const char *state)
{
	return str_is(state, "ok") ? ROLE_OK : str_is(state, "silent") ? ROLE_FAIL : str_is(state, "attention") ? ROLE_WARN : ROLE_DIM;
}

static void percent(struct buf *line, const struct json *host, const char *key)
{
	char text[16] = "-";

	if (json_at(host, key))
		snprintf(text, sizeof(text), "%lld%%", (long long)json_int(host, key, 0));
	cell_right(line, text, 6);
}

/* What is wrong with it, "" when nothing is. Appends. */
static void problems_of(const struct json *host, struct buf *out)
{
	const struct json *problems = json_at(host, "problems");

	buf_puts(out, json_text(host, "text", ""));
	for (size_t i = 0; i < json_count(problems); i++)
		buf_printf(out, "%s%s", out->len ? "; " : "", text_at(problems, i));
}

static void add_host(struct rows *rows, const char *name, const struct json *host, bool asking, int cols)
{
	const char *state = host ? json_text(host, "state", "") : asking ? "asking" : "not asked";
	struct buf line = { 0 }, words = { 0 };
	struct row *row;
	int name_cols = cols >= 60 ? 16 : 12;

	problems_of(host, &words);
	buf_puts(&line, "  ");
	cell_left(&line, name, name_cols);
	buf_putc(&line, ' ');
	cell_left(&line, state, 9);
	if (host && !str_is(state, "silent")) {
		percent(&line, host, "disk_pct");
		percent(&line, host, "memory_pct");
		cell_right(&line, json_text(host, "load", "-"), 7);
		buf_puts(&line, "  ");
		cell_left(&line, buf_text(&words), cols - name_cols - 33 > 0 ? cols - name_cols - 33 : 0);
	} else {
		buf_putc(&line, ' ');
		cell_left(&line, buf_text(&words), cols - name_cols - 13);
	}
	row = rows_add(rows, ROLE_TEXT, buf_text(&line), NULL);
	row_mark(row, 2 + name_cols + 1, 9, state_role(state));
	buf_done(&line);
	/* Where the line has no room for what is wrong, it gets one of its own. */
	if (words.len && (!host || !str_is(state, "silent")) && cols - name_cols - 33 < utf8_columns(buf_text(&words), words.len)) {
		struct buf safe = { 0 };

		utf8_safe(&safe, words.data, words.len, false);
		rows_add_text(rows, ROLE_WARN, buf_text(&safe), 4, cols);
		buf_done(&safe);
	}
	buf_done(&words);
}

/* "fine: app1 app2 …", broken where the column ends. */
static void add_fine(const struct home *home, struct rows *rows, size_t count, int cols)
{
	const struct json *names = json_at(json_at(home->data, "fleet"), "hosts");
	struct buf text = { 0 }, safe = { 0 };

	buf_printf(&text, "%zu ok:", count);
	for (size_t i = 0; i < json_count(names); i++) {
		const char *name = text_at(names, i);

		if (str_is(json_text(json_at(home->hosts, name), "state", ""), "ok"))
			buf_printf(&text, " %s", name);
	}
	utf8_safe(&safe, text.data, text.len, false);
	rows_add_text(rows, ROLE_OK, buf_text(&safe), 2, cols);
	buf_done(&text);
	buf_done(&safe);
}

static void build_hosts(const struct home *home, struct rows *rows, int cols)
{
	const struct json *names = json_at(json_at(home->data, "fleet"), "hosts");
	size_t count = json_count(names), fine = 0;
	int name_cols = cols >= 60 ? 16 : 12;
	struct buf line = { 0 };

	for (size_t i = 0; i < count; i++)
		fine += str_is(json_text(json_at(home->hosts, text_at(names, i)), "state", ""), "ok");
	if (!count)
		return;
	cell_left(&line, "HOSTS", name_cols + 12);
	buf_puts(&line, "  disk memory   load");
	head(rows, buf_text(&line), cols);
	buf_done(&line);
	for (size_t i = 0; i < count; i++) {
		const char *name = text_at(names, i);
		const struct json *host = json_at(home->hosts, name);

		if (count < MANY || !str_is(json_text(host, "state", ""), "ok"))
			add_host(rows, name, host, home->asking, cols);
	}
	if (count >= MANY && fine)
		add_fine(home, rows, fine, cols);
}

/* ---- the site ---- */

static void build_site(const struct home *home, struct rows *rows, int cols)
{
	const struct json *seen = home->outside;
	const char *site = json_text(json_at(home->data, "fleet"), "site", NULL), *state = json_text(seen, "state", "");
	struct buf line = { 0 }, safe = { 0 };
	char clock[TIME_TEXT];
	int64_t at = 0;
	size_t from;

	if (!site)
		return;
	head(rows, "FROM OUTSIDE", cols);
	buf_printf(&line, "%s  ", site);
	from = line.len;
	if (!seen) {
		buf_puts(&line, home->asking ? "being asked" : "not asked yet; c asks");
	} else {
		buf_puts(&line, state);
		if (json_at(seen, "status"))
			buf_printf(&line, "  http %lld in %lld ms", (long long)json_int(seen, "status", 0), (long long)json_int(seen, "took_us", 0) / 1000);
		if (json_at(seen, "cert_days"))
			buf_printf(&line, "  certificate %lld days", (long long)json_int(seen, "cert_days", 0));
		else if (str_is(json_text(seen, "tls", ""), "none"))
			buf_puts(&line, "  without TLS");
		if (json_at(seen, "version"))
			buf_printf(&line, "  Mastodon %s", json_text(seen, "version", ""));
		if (json_at(seen, "moved"))
			buf_printf(&line, "  moved to %s", json_text(seen, "moved", ""));
		if (json_at(seen, "text"))
			buf_printf(&line, "  %s", json_text(seen, "text", ""));
		if (time_parse(json_text(seen, "at", ""), &at) == 0)
			buf_printf(&line, "  asked %.5s UTC", time_format_clock(at, clock));
	}
	utf8_safe(&safe, line.data, line.len, false);
	size_t before = rows->count;

	rows_add_text(rows, ROLE_TEXT, buf_text(&safe), 2, cols);
	if (seen && rows->count > before)
		row_mark(&rows->row[before], 2 + utf8_columns(line.data, from), (int)strlen(state), state_role(state));
	buf_done(&line);
	buf_done(&safe);
}

void home_build_fleet(const struct home *home, struct rows *rows, int cols)
{
	const struct json *fleet = json_at(home->data, "fleet");

	if (json_at(fleet, "error")) {
		struct buf safe = { 0 };
		const char *text = json_text(fleet, "error", "");

		head(rows, "FLEET FILE", cols);
		utf8_safe(&safe, text, strlen(text), false);
		rows_add_text(rows, ROLE_FAIL, buf_text(&safe), 2, cols);
		buf_done(&safe);
	}
	build_hosts(home, rows, cols);
	build_site(home, rows, cols);
}

/* ---- notes ---- */

struct note {
	const struct json *note;
	int64_t session;
};

/* The newest notes of all sessions, newest first; returns how many. */
static size_t newest(const struct home *home, struct note out[NOTES])
{
	const struct json *sessions = json_at(home->data, "sessions");
	size_t count = 0;

	for (size_t i = 0; i < json_count(sessions); i++) {
		const struct json *session = json_item(sessions, i), *notes = json_at(session, "notes");

		for (size_t k = 0; k < json_count(notes); k++) {
			struct note one = { json_item(notes, k), json_int(session, "session", 0) };
			size_t at = count < NOTES ? count++ : NOTES;

			while (at > 0 && json_int(out[at - 1].note, "at_us", 0) < json_int(one.note, "at_us", 0)) {
				if (at < NOTES)
					out[at] = out[at - 1];
				at--;
			}
			if (at < NOTES)
				out[at] = one;
		}
	}
	return count;
}

void home_build_notes(const struct home *home, struct rows *rows, int cols)
{
	struct note notes[NOTES];
	size_t count = newest(home, notes);

	if (!count)
		return;
	head(rows, "LATEST NOTES", cols);
	for (size_t i = 0; i < count; i++) {
		char when[TIME_TEXT];
		char *text = mem_printf("%s %s (%lld): %s", when_day(json_int(notes[i].note, "at_us", 0), home->now_us, when), json_text(notes[i].note, "who", ""),
			(long long)notes[i].session, json_text(notes[i].note, "text", ""));
		struct buf safe = { 0 };

		utf8_safe(&safe, text, strcspn(text, "\n"), false);
		rows_add_text(rows, ROLE_TEXT, buf_text(&safe), 2, cols);
		buf_done(&safe);
		mem_free(text);
	}
}
