/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/part/prose.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/shown.h"
#include "base/line.h"
#include "base/str.h"
#include "base/utf8.h"

#define PROSE_LONG 50	/* columns: a shorter line was ended on purpose */

/* Begins a list item, a command or something indented: it keeps its line. */
static bool stands_alone(const char *line, size_t len)
{
	return line[0] == ' ' || line[0] == '\t' || (len > 1 && line[1] == ' ' && strchr("-*$>", line[0]));
}

static size_t trimmed(const char *line, size_t len)
{
	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t' || line[len - 1] == '\r'))
		len--;
	return len;
}

void prose_flow(struct buf *out, const char *text)
{
	size_t start = out->len;
	bool open = false;	/* the line before flows on */
	struct buf words = { 0 };

	if (text)
		line_words(&words, text, strlen(text), true);
	for (const char *p = buf_text(&words); *p;) {
		size_t whole = strcspn(p, "\n"), len = trimmed(p, whole);
		bool alone = len > 0 && stands_alone(p, len);

		if (len > 0) {
			if (out->len > start)
				buf_putc(out, open && !alone ? ' ' : '\n');
			utf8_safe(out, p, len, false);
		}
		open = len > 0 && !alone && utf8_columns(p, len) >= PROSE_LONG;
		p += whole + (p[whole] == '\n');
	}
	buf_done(&words);
}

void prose_command(struct buf *out, const char *shown)
{
	for (const char *p = shown; *p;) {
		size_t len = strcspn(p, "\t");

		utf8_safe(out, p, len, true);
		p += len;
		for (; *p == '\t'; p++)
			buf_puts(out, "    ");
	}
}

void prose_line(struct buf *out, const char *shown)
{
	size_t len = strcspn(shown, "\n"), more = 0;

	for (const char *p = shown + len; *p; p++)
		more += *p == '\n' && p[1] != '\0';
	utf8_safe(out, shown, len, false);
	if (more > 0)
		buf_printf(out, " (and %zu more line%s)", more, more == 1 ? "" : "s");
}

/* Bytes of the line that fit, ended at a blank; the first word whole when it alone is too long. */
static size_t wrap_at(const char *text, size_t len, int cols)
{
	size_t fit = utf8_fit(text, len, cols, NULL);

	if (fit == len || text[fit] == ' ')
		return fit;
	while (fit > 0 && text[fit - 1] != ' ')
		fit--;
	return fit > 0 ? fit : strcspn(text, " \n") < len ? strcspn(text, " \n") : len;
}

void prose_wrap(struct buf *out, const char *text, int cols)
{
	while (*text) {
		size_t len = strcspn(text, "\n"), fit = wrap_at(text, len, cols), keep = fit;

		while (fit < len && keep > 0 && text[keep - 1] == ' ')
			keep--;
		buf_append(out, text, keep);
		text += fit;
		if (fit < len) {
			text += strspn(text, " ");
			buf_putc(out, '\n');
		} else if (*text == '\n') {
			buf_putc(out, '\n');
			text++;
		}
	}
}

/* A stretch of the list that is about one host. */
struct stretch { size_t from, to; };

static const char *host_at(const struct json *commands, size_t i)
{
	return json_text(json_item(commands, i), "host", "");
}

static struct stretch stretch_at(const struct json *commands, size_t from)
{
	struct stretch one = { from, from };

	while (one.to < json_count(commands) && str_is(host_at(commands, one.to), host_at(commands, from)))
		one.to++;
	return one;
}

/* " as root in /srv with A=b", and under which condition: what two commands must share to stand under one heading. Caller owns. */
static char *heading_of(const struct json *command)
{
	const char *as = json_text(command, "as", ""), *only = json_text(command, "if", NULL);
	struct buf out = { 0 };

	if (*as)
		buf_printf(&out, " as %s", as);
	shown_where(&out, command);
	if (only)
		buf_printf(&out, ", if %s", only);
	return buf_take(&out);
}

/* Are both lists of texts the same? NULL is an empty one. */
static bool same_texts(const struct json *a, const struct json *b)
{
	if (json_count(a) != json_count(b))
		return false;
	for (size_t i = 0; i < json_count(a); i++)
		if (!str_is(json_as_text(json_item(a, i)), json_as_text(json_item(b, i))))
			return false;
	return true;
}

static bool stretch_same(const struct json *commands, struct stretch a, struct stretch b)
{
	if (a.to - a.from != b.to - b.from)
		return false;
	for (size_t i = 0; i < a.to - a.from; i++) {
		const struct json *x = json_item(commands, a.from + i), *y = json_item(commands, b.from + i);
		char *of_x = heading_of(x), *of_y = heading_of(y);
		bool same = str_is(of_x, of_y) && str_is(json_text(x, "shown", ""), json_text(y, "shown", ""))
			&& str_is(json_text(x, "content", ""), json_text(y, "content", ""))
			&& same_texts(json_at(x, "also"), json_at(y, "also")) && !json_at(x, "bytes") && !json_at(y, "bytes");

		mem_free(of_x);
		mem_free(of_y);
		if (!same)
			return false;
	}
	return true;
}

static void put_safe(struct buf *out, const char *text)
{
	utf8_safe(out, text, strlen(text), false);
}

static void put_host(struct buf *out, const char *host, const char *before)
{
	buf_puts(out, before);
	put_safe(out, *host ? host : "this computer");
}

/* What a file gets or a command is fed, as it will be, and what else goes with it: lengths and digests. (An older session told the number of bytes alone.) */
static void put_content(struct buf *out, const struct json *command)
{
	const char *content = json_text(command, "content", NULL);
	const struct json *also = json_at(command, "also");

	if (content) {
		buf_puts(out, "  fed with:\n");
		prose_command(out, content);
		buf_puts(out, out->data[out->len - 1] == '\n' ? "" : "\n");
	} else if (json_at(command, "bytes")) {
		buf_printf(out, "  fed with %lld bytes; sha256 of all arguments ", (long long)json_int(command, "bytes", 0));
		put_safe(out, json_text(command, "digest", ""));
		buf_putc(out, '\n');
	}
	for (size_t i = 0; i < json_count(also); i++) {
		buf_puts(out, "  ");
		put_safe(out, json_as_text(json_item(also, i)));
		buf_putc(out, '\n');
	}
}

/* Its commands; user, folder and variables are named where they change. */
static void put_stretch(struct buf *out, const struct json *commands, struct stretch one)
{
	char *before = NULL;

	for (size_t i = one.from; i < one.to; i++) {
		const struct json *command = json_item(commands, i);
		char *heading = heading_of(command);

		if (!before || !str_is(before, heading)) {
			buf_puts(out, !before ? "" : strncmp(heading, " as ", 4) != 0 ? "then as you" : "then");
			put_safe(out, heading);
			buf_puts(out, ":\n");
		}
		buf_puts(out, "$ ");
		prose_command(out, json_text(command, "shown", ""));
		buf_putc(out, '\n');
		put_content(out, command);
		mem_free(before);
		before = heading;
	}
	mem_free(before);
}

void prose_commands(struct buf *out, const struct json *commands)
{
	for (size_t i = 0; i < json_count(commands);) {
		struct stretch one = stretch_at(commands, i), next = one;

		put_host(out, host_at(commands, i), "Will run on ");
		while (next.to < json_count(commands)) {
			struct stretch after = stretch_at(commands, next.to);

			if (!stretch_same(commands, one, after))
				break;
			next = after;
			put_host(out, host_at(commands, next.from), next.to < json_count(commands)
				&& stretch_same(commands, one, stretch_at(commands, next.to)) ? ", " : " and ");
		}
		put_stretch(out, commands, one);
		i = next.to;
	}
}

void prose_question(struct buf *out, const char *details, const struct json *data)
{
	const struct json *commands = json_at(data, "commands");

	if (*details) {
		prose_flow(out, details);
		buf_putc(out, '\n');
	}
	prose_commands(out, commands);
	if (str_is(json_text(data, "of", ""), "step") && json_at(data, "whole") && !json_bool(data, "whole", true))
		buf_puts(out, json_count(commands) ? "If what it finds then wants it, more comes after these.\n" : "What it will run depends on what it finds then.\n");
}
