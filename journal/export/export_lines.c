/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/line.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "journal/export/export_int.h"

#define LINE_MAX_BYTES ((size_t)64 << 10)	/* a longer line is given in parts */

struct part {		/* strings owned */
	char *step, *call, *host, *stream;
	int attempt;
	struct line line;
	struct export_lines *lines;	/* borrowed: whose it is */
};

struct export_lines {
	export_line_fn *fn;
	void *arg;
	struct part *parts;	/* owned */
	size_t count;
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
	line_done(&part->line);
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
	lines->parts = mem_more(lines->parts, lines->count, sizeof(*part));
	part = &lines->parts[lines->count++];
	*part = (struct part){ .attempt = ev->attempt, .lines = lines };
	part->line.tabs = true;
	/* The recording of a terminal is for playing; here are its words. */
	part->line.terminal = str_is(stream, "pty");
	mem_set(&part->step, or_empty(ev->step));
	mem_set(&part->call, or_empty(ev->call));
	mem_set(&part->host, or_empty(ev->host));
	mem_set(&part->stream, stream);
	return part;
}

static void give(void *arg, const char *text, size_t len)
{
	const struct part *part = arg;
	struct export_line line = {
		.step = part->step,
		.call = part->call,
		.host = part->host,
		.stream = part->stream,
		.attempt = part->attempt,
		.text = text,
		.len = len,
	};

	part->lines->fn(part->lines->arg, &line);
}

void export_lines_feed(struct export_lines *lines, const struct event *ev, const struct json *data)
{
	struct part *part = part_of(lines, ev, json_text(data, "stream", "out"));

	line_feed(&part->line, ev->bytes ? ev->bytes : "", ev->bytes ? ev->len : 0, LINE_MAX_BYTES, give, part);
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
		line_end(&part->line, give, part);
		part_done(part);
	}
	lines->count = kept;
}

void export_lines_flush(struct export_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++) {
		line_end(&lines->parts[i].line, give, &lines->parts[i]);
		part_done(&lines->parts[i]);
	}
	lines->count = 0;
}
