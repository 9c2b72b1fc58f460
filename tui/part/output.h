/* output.h - what a command printed, as lines safe to show: own scrollback, bounded, progress lines collapsed. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_OUTPUT_H
#define TUI_PART_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef TINY_LIMITS
#define OUTPUT_LINES 16
#define OUTPUT_BYTES 512
#define OUTPUT_LINE_MAX 64
#else
#define OUTPUT_LINES 20000		/* lines kept */
#define OUTPUT_BYTES (4u << 20)		/* bytes kept */
#define OUTPUT_LINE_MAX 8192		/* a longer line is broken */
#endif

struct output_line {
	char *text;	/* owned by the output: through utf8_safe, no line end */
	int64_t at_us;
	bool err;	/* from standard error */
};

struct output;

/* Empty scrollback. Caller owns. */
struct output *output_new(void);

/* Frees. NULL is fine. */
void output_free(struct output *output);

/* Adds bytes of one of the two streams, cut anywhere. */
void output_feed(struct output *output, const void *bytes, size_t len, bool err, int64_t at_us);

/* The command has ended: an unfinished last line is a line. */
void output_end(struct output *output);

/* Lines kept now; unfinished lines are not counted. */
size_t output_count(const struct output *output);

/* i-th kept line, NULL when there is none. Borrowed until the next feed. */
const struct output_line *output_at(const struct output *output, size_t i);

/* The unfinished line of a stream, "" when there is none; safe. Borrowed until the next call. */
const char *output_partial(struct output *output, bool err);

/* Lines ever completed, and how many of them were dropped from the front. */
int64_t output_total(const struct output *output);
int64_t output_dropped(const struct output *output);

/* Bytes held. */
size_t output_bytes(const struct output *output);

/* Index of the first line at or after/before from that holds text (case-insensitive for ASCII), -1 when none. */
long output_find(const struct output *output, const char *text, long from, bool backwards);

#endif
