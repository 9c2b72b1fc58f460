/* line.h - lines out of what a program printed, as a terminal would have left them: colours dropped, progress at its last state. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_LINE_H
#define BASE_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/strip.h"

/* A line that has ended, without its end; borrowed while it is called. It may be no UTF-8, and is not safe to show. */
typedef void line_fn(void *arg, const char *text, size_t len);

/* Zero-initialised is the beginning of a stream. */
struct line {
	struct strip strip;
	struct buf text;	/* since the last line end */
	bool back;		/* a carriage return came: what follows overwrites, unless it is a line end */
	bool terminal;		/* set by the owner: what a full-screen program draws is one line that says so */
	bool tabs;		/* set by the owner: they stay, else they are blanks up to the next multiple of 8 */
};

/* Takes bytes, cut anywhere, and gives the lines that end in them; one longer than max bytes (64 at least) is given in parts. */
void line_feed(struct line *line, const void *bytes, size_t len, size_t max, line_fn *fn, void *arg);

/* The stream is over: what is left is a line. */
void line_end(struct line *line, line_fn *fn, void *arg);

/* Appends the unfinished line, without the beginning of a character at its end. */
void line_rest(const struct line *line, struct buf *out);

/* Frees; it can be used again. */
void line_done(struct line *line);

/* Appends words that may hold some of what a program printed (a reason, a warning, a note), without its colours, safe to show; their lines stay when keep_lines is true, else they are joined by "; ". */
void line_words(struct buf *out, const char *text, size_t len, bool keep_lines);

#endif
