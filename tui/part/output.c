/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/part/output.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/line.h"
#include "base/mem.h"
#include "base/utf8.h"

struct stream {
	struct line line;
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
	line_done(&output->streams[0].line);
	line_done(&output->streams[1].line);
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

static void add_line(struct output *output, bool err, const char *text, size_t len)
{
	struct buf safe = { 0 };
	struct output_line *line;

	utf8_safe(&safe, text, len, false);
	if (output->count == output->cap && output->cap < OUTPUT_LINES)
		grow(output);
	if (output->count == output->cap)
		drop_first(output);
	line = &output->ring[(output->first + output->count++) % output->cap];
	line->at_us = output->streams[err].at_us;
	line->err = err;
	line->text = mem_dup(buf_text(&safe), safe.len);
	output->bytes += safe.len + sizeof(*line);
	output->total++;
	buf_done(&safe);
	while (output->bytes > OUTPUT_BYTES && output->count > 1)
		drop_first(output);
}

static void out_line(void *arg, const char *text, size_t len)
{
	add_line(arg, false, text, len);
}

static void err_line(void *arg, const char *text, size_t len)
{
	add_line(arg, true, text, len);
}

void output_feed(struct output *output, const void *bytes, size_t len, bool err, int64_t at_us)
{
	output->streams[err].at_us = at_us;
	line_feed(&output->streams[err].line, bytes, len, OUTPUT_LINE_MAX, err ? err_line : out_line, output);
}

void output_end(struct output *output)
{
	line_end(&output->streams[0].line, out_line, output);
	line_end(&output->streams[1].line, err_line, output);
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
	struct buf rest = { 0 };

	buf_clear(&output->shown);
	line_rest(&output->streams[err].line, &rest);
	utf8_safe(&output->shown, buf_text(&rest), rest.len, false);
	buf_done(&rest);
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
