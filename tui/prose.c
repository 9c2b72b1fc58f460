/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/prose.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
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

	for (const char *p = text; p && *p;) {
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

static bool stretch_same(const struct json *commands, struct stretch a, struct stretch b)
{
	if (a.to - a.from != b.to - b.from)
		return false;
	for (size_t i = 0; i < a.to - a.from; i++) {
		const struct json *x = json_item(commands, a.from + i), *y = json_item(commands, b.from + i);

		if (!str_is(json_text(x, "as", ""), json_text(y, "as", ""))
			|| !str_is(json_text(x, "shown", ""), json_text(y, "shown", "")))
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

/* Its commands; the user is named where it changes. */
static void put_stretch(struct buf *out, const struct json *commands, struct stretch one)
{
	const char *as = NULL;

	for (size_t i = one.from; i < one.to; i++) {
		const struct json *command = json_item(commands, i);
		const char *user = json_text(command, "as", "");

		if (!as || !str_is(as, user)) {
			buf_puts(out, as && !*user ? "then as you" : as ? "then" : "");
			buf_puts(out, *user ? " as " : "");
			put_safe(out, user);
			buf_puts(out, ":\n");
			as = user;
		}
		buf_puts(out, "$ ");
		prose_command(out, json_text(command, "shown", ""));
		buf_putc(out, '\n');
	}
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
