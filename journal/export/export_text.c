/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/export/export_int.h"

#define STEP_COLUMNS 14
#define WHO_COLUMNS 9
#define INDENT "          "	/* of what belongs to the line above; a line of an event starts with its time */

struct text_state {
	struct export_lines *lines;
	struct buf *out;		/* borrowed for one event */
	char date[TIME_TEXT];		/* of the last line */
};

/* Appends text safe for a terminal, at least columns wide. */
static void cell(struct buf *out, const char *text, int columns)
{
	size_t before = out->len;
	int used;

	utf8_safe(out, text, strlen(text), false);
	used = utf8_columns(buf_text(out) + before, out->len - before);
	for (; used < columns; used++)
		buf_putc(out, ' ');
	buf_putc(out, ' ');
}

static void output_line(void *arg, const struct export_line *line)
{
	struct text_state *me = arg;
	bool err = strcmp(line->stream, "err") == 0;
	bool note = strcmp(line->stream, "note") == 0;

	buf_puts(me->out, INDENT);
	if (line->host[0])
		cell(me->out, line->host, 0);
	buf_puts(me->out, err ? "! " : note ? "~ " : "| ");
	/* A tab is harmless; there is no newline in it. */
	utf8_safe(me->out, line->text, line->len, true);
	buf_putc(me->out, '\n');
}

static void *text_start(void)
{
	struct text_state *me = mem_alloc(sizeof(*me));

	me->lines = export_lines_new(output_line, me);
	return me;
}

static void date_line(struct text_state *me, int64_t at_us)
{
	struct buf date = {0};

	export_date(&date, at_us);
	if (strcmp(buf_text(&date), me->date) != 0) {
		buf_printf(me->out, "%s (UTC)\n", buf_text(&date));
		snprintf(me->date, sizeof(me->date), "%s", buf_text(&date));
	}
	buf_done(&date);
}

/* Further lines of the words are indented: text from outside can never look like an event of its own. */
static void words_lines(struct buf *out, const struct buf *words)
{
	const char *text = buf_text(words);
	size_t left = words->len;

	for (;;) {
		const char *end = left > 0 ? memchr(text, '\n', left) : NULL;
		size_t len = end ? (size_t)(end - text) : left;

		utf8_safe(out, text, len, false);
		buf_putc(out, '\n');
		if (!end || left == len + 1)
			return;
		buf_puts(out, INDENT ": ");
		text += len + 1;
		left -= len + 1;
	}
}

static void output_event(struct text_state *me, const struct event *ev, const struct json *data)
{
	int64_t dropped = json_int(data, "dropped", 0);

	export_lines_feed(me->lines, ev, data);
	if (ev->purged)
		buf_puts(me->out, INDENT "~ (output purged)\n");
	if (dropped > 0)
		buf_printf(me->out, INDENT "~ (%lld bytes of output were not kept)\n", (long long)dropped);
}

static void text_event(void *state, struct buf *out, const struct model *model, const struct event *ev,
		       const struct json *data)
{
	struct text_state *me = state;
	struct buf words = {0};
	char clock[TIME_TEXT];

	me->out = out;
	if (ev->kind == EVENT_CALL_OUTPUT) {
		output_event(me, ev, data);
		return;
	}
	if (ev->kind == EVENT_CALL_ENDED)
		export_lines_end(me->lines, ev);
	date_line(me, ev->at_us);
	buf_printf(out, "%s  ", time_format_clock(ev->at_us, clock));
	cell(out, ev->step && ev->step[0] ? ev->step : "-", STEP_COLUMNS);
	cell(out, ev->who ? ev->who : "", WHO_COLUMNS);
	export_words(&words, model, ev, data);
	words_lines(out, &words);
	buf_done(&words);
}

static void text_finish(void *state, struct buf *out, const struct model *model)
{
	struct text_state *me = state;

	(void)model;
	me->out = out;
	export_lines_flush(me->lines);
}

static void text_drop(void *state)
{
	struct text_state *me = state;

	export_lines_free(me->lines);
	mem_free(me);
}

const struct export_writer export_text_writer = {
	.start = text_start,
	.event = text_event,
	.finish = text_finish,
	.drop = text_drop,
};
