/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/output.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

struct stream {
	struct buf line;	/* raw bytes since the last line end */
	bool cr;		/* a carriage return came: what follows overwrites, unless it is a line end */
	int64_t at_us;
};

struct output {
	struct output_line *ring;	/* of OUTPUT_LINES, grown on demand */
	size_t cap, first, count, bytes;
	int64_t total;
	struct stream streams[2];
	struct buf shown;		/* what output_partial gave out */
};

struct output *output_new(void)
{
	return mem_alloc(sizeof(struct output));
}

void output_free(struct output *output)
{
	if (!output)
		return;
	for (size_t i = 0; i < output->count; i++)
		mem_free(output->ring[(output->first + i) % output->cap].text);
	mem_free(output->ring);
	buf_done(&output->streams[0].line);
	buf_done(&output->streams[1].line);
	buf_done(&output->shown);
	mem_free(output);
}

static void drop_first(struct output *output)
{
	struct output_line *line = &output->ring[output->first];

	output->bytes -= strlen(line->text) + sizeof(*line);
	mem_free(line->text);
	output->first = (output->first + 1) % output->cap;
	output->count--;
}

/* Twice the room, lines moved so that the first is at 0. */
static void grow(struct output *output)
{
	size_t cap = output->cap ? output->cap * 2 : 16;
	struct output_line *ring;

	if (cap > OUTPUT_LINES)
		cap = OUTPUT_LINES;
	ring = mem_array(cap, sizeof(*ring));
	for (size_t i = 0; i < output->count; i++)
		ring[i] = output->ring[(output->first + i) % output->cap];
	mem_free(output->ring);
	output->ring = ring;
	output->cap = cap;
	output->first = 0;
}

static void line_ends(struct output *output, struct stream *stream, bool err)
{
	struct buf safe = { 0 };
	struct output_line *line;

	utf8_safe(&safe, buf_text(&stream->line), stream->line.len, false);
	buf_clear(&stream->line);
	stream->cr = false;
	if (output->count == output->cap && output->cap < OUTPUT_LINES)
		grow(output);
	if (output->count == output->cap)
		drop_first(output);
	line = &output->ring[(output->first + output->count++) % output->cap];
	line->at_us = stream->at_us;
	line->err = err;
	line->text = mem_dup(buf_text(&safe), safe.len);
	output->bytes += safe.len + sizeof(*line);
	output->total++;
	buf_done(&safe);
	while (output->bytes > OUTPUT_BYTES && output->count > 1)
		drop_first(output);
}

/* Tabs are blanks up to the next multiple of 8: a terminal's habit, made explicit. */
static void put_tab(struct buf *line)
{
	int column = utf8_columns(buf_text(line), line->len);

	do
		buf_putc(line, ' ');
	while (++column % 8 != 0);
}

/* Adds plain bytes to the line; breaks a line that is too long at a character border when there is one. Returns how many were taken. */
static size_t put_text(struct output *output, bool err, const char *text, size_t n)
{
	struct stream *stream = &output->streams[err];
	size_t room, keep, back;
	char rest[4];

	if (stream->cr)
		buf_clear(&stream->line);
	stream->cr = false;
	room = OUTPUT_LINE_MAX - stream->line.len;
	if (n < room) {
		buf_append(&stream->line, text, n);
		return n;
	}
	buf_append(&stream->line, text, room);
	keep = utf8_border(buf_text(&stream->line), stream->line.len);
	back = stream->line.len - keep;
	if (keep == 0 || back >= sizeof(rest))
		back = 0;
	/* The beginning of a character goes on to the next line, also when it came alone. */
	stream->line.len -= back;
	memcpy(rest, stream->line.data + stream->line.len, back);
	stream->line.data[stream->line.len] = '\0';
	line_ends(output, stream, err);
	buf_append(&stream->line, rest, back);
	return room;
}

void output_feed(struct output *output, const void *bytes, size_t len, bool err, int64_t at_us)
{
	struct stream *stream = &output->streams[err];
	const char *text = bytes, *end = text + len;

	stream->at_us = at_us;
	while (text < end) {
		const char *stop = text;

		while (stop < end && *stop != '\n' && *stop != '\r' && *stop != '\t')
			stop++;
		if (stop > text) {
			text += put_text(output, err, text, (size_t)(stop - text));
			continue;
		}
		if (*text == '\n' || (*text == '\t' && stream->line.len + 8 >= OUTPUT_LINE_MAX))
			line_ends(output, stream, err);
		else if (*text == '\r')
			stream->cr = true;
		else
			put_tab(&stream->line);
		text++;
	}
}

void output_end(struct output *output)
{
	for (int err = 0; err < 2; err++)
		if (output->streams[err].line.len > 0)
			line_ends(output, &output->streams[err], err);
}

size_t output_count(const struct output *output)
{
	return output->count;
}

const struct output_line *output_at(const struct output *output, size_t i)
{
	if (i >= output->count)
		return NULL;
	return &output->ring[(output->first + i) % output->cap];
}

const char *output_partial(struct output *output, bool err)
{
	const struct buf *line = &output->streams[err].line;

	buf_clear(&output->shown);
	utf8_safe(&output->shown, buf_text(line), utf8_border(buf_text(line), line->len), false);
	return buf_text(&output->shown);
}

int64_t output_total(const struct output *output)
{
	return output->total;
}

int64_t output_dropped(const struct output *output)
{
	return output->total - (int64_t)output->count;
}

size_t output_bytes(const struct output *output)
{
	return output->bytes;
}

static bool holds(const char *line, const char *text)
{
	size_t n = strlen(text);

	for (; *line; line++)
		if (strncasecmp(line, text, n) == 0)
			return true;
	return n == 0;
}

long output_find(const struct output *output, const char *text, long from, bool backwards)
{
	for (long i = from; i >= 0 && (size_t)i < output->count; i += backwards ? -1 : 1)
		if (holds(output_at(output, (size_t)i)->text, text))
			return i;
	return -1;
}
