/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/strip.h"
#include "base/utf8.h"
#include "journal/export_int.h"

#define LINE_MAX_BYTES ((size_t)64 << 10)	/* a longer line is given in parts */

struct part {		/* strings owned */
	char *step, *call, *host, *stream;
	int attempt;
	struct strip strip;	/* of a terminal's output */
	struct buf text;	/* begun, not ended by a newline yet */
};

struct export_lines {
	export_line_fn *fn;
	void *arg;
	struct part *parts;	/* owned */
	size_t count, cap;
};

struct export_lines *export_lines_new(export_line_fn *fn, void *arg)
{
	struct export_lines *lines = mem_alloc(sizeof(*lines));

	lines->fn = fn;
	lines->arg = arg;
	return lines;
}

static void part_done(struct part *part)
{
	mem_free(part->step);
	mem_free(part->call);
	mem_free(part->host);
	mem_free(part->stream);
	buf_done(&part->text);
}

void export_lines_free(struct export_lines *lines)
{
	if (!lines)
		return;
	for (size_t i = 0; i < lines->count; i++)
		part_done(&lines->parts[i]);
	mem_free(lines->parts);
	mem_free(lines);
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static bool is_of(const struct part *part, const struct event *ev)
{
	return part->attempt == ev->attempt && str_is(part->call, or_empty(ev->call)) &&
	       str_is(part->step, or_empty(ev->step));
}

static struct part *part_of(struct export_lines *lines, const struct event *ev, const char *stream)
{
	struct part *part;

	for (size_t i = 0; i < lines->count; i++) {
		part = &lines->parts[i];
		if (is_of(part, ev) && str_is(part->stream, stream))
			return part;
	}
	if (lines->count == lines->cap) {
		lines->cap = lines->cap ? lines->cap * 2 : 8;
		lines->parts = mem_grow(lines->parts, lines->cap, sizeof(*part));
	}
	part = &lines->parts[lines->count++];
	*part = (struct part){ .attempt = ev->attempt };
	mem_set(&part->step, or_empty(ev->step));
	mem_set(&part->call, or_empty(ev->call));
	mem_set(&part->host, or_empty(ev->host));
	mem_set(&part->stream, stream);
	return part;
}

static void give(struct export_lines *lines, const struct part *part, const char *text, size_t len)
{
	struct export_line line = {
		.step = part->step,
		.call = part->call,
		.host = part->host,
		.stream = part->stream,
		.attempt = part->attempt,
		.text = text,
		.len = len,
	};

	if (len > 0 && text[len - 1] == '\r')
		line.len--;
	lines->fn(lines->arg, &line);
}

/* Gives the whole lines of the part; with all, the rest too. */
static void drain(struct export_lines *lines, struct part *part, bool all)
{
	const char *text = buf_text(&part->text);
	size_t at = 0;

	for (;;) {
		size_t left = part->text.len - at;
		const char *end = left > 0 ? memchr(text + at, '\n', left) : NULL;
		size_t len = end ? (size_t)(end - text) - at : left;

		if (!end && len <= LINE_MAX_BYTES)
			break;
		if (len > LINE_MAX_BYTES) {
			len = utf8_border(text + at, LINE_MAX_BYTES);
			end = NULL;
		}
		give(lines, part, text + at, len);
		at += len + (end ? 1 : 0);
	}
	if (all && at < part->text.len)
		give(lines, part, text + at, part->text.len - at);
	buf_consume(&part->text, all ? part->text.len : at);
}

void export_lines_feed(struct export_lines *lines, const struct event *ev, const struct json *data)
{
	struct part *part = part_of(lines, ev, json_text(data, "stream", "out"));

	/* The recording of a terminal is for playing; here are its words. */
	if (str_is(part->stream, "pty"))
		strip_feed(&part->strip, ev->bytes ? ev->bytes : "", ev->bytes ? ev->len : 0, &part->text);
	else
		buf_append(&part->text, ev->bytes ? ev->bytes : "", ev->bytes ? ev->len : 0);
	drain(lines, part, false);
}

void export_lines_end(struct export_lines *lines, const struct event *ev)
{
	size_t kept = 0;

	for (size_t i = 0; i < lines->count; i++) {
		struct part *part = &lines->parts[i];

		if (!is_of(part, ev)) {
			lines->parts[kept++] = *part;
			continue;
		}
		drain(lines, part, true);
		part_done(part);
	}
	lines->count = kept;
}

void export_lines_flush(struct export_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++) {
		drain(lines, &lines->parts[i], true);
		part_done(&lines->parts[i]);
	}
	lines->count = 0;
}
