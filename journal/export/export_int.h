/* export_int.h - what the writers of an export share; private to export*.c and timeline.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_EXPORT_EXPORT_INT_H
#define JOURNAL_EXPORT_EXPORT_INT_H

#include "base/buf.h"
#include "base/json.h"
#include "journal/event/event.h"
#include "journal/model/model.h"

#include <stddef.h>

/* One format. A writer is called with each event before the model has folded it, so that a question is still there when its answer comes. */
struct export_writer {
	/* New state of a writer; caller owns (drop). */
	void *(*start)(void);
	/* Appends what the event gives. data is an object or NULL. */
	void (*event)(void *state, struct buf *out, const struct model *model, const struct event *ev,
		      const struct json *data);
	/* Appends what comes behind the last event. */
	void (*finish)(void *state, struct buf *out, const struct model *model);
	/* Frees the state. */
	void (*drop)(void *state);
};

extern const struct export_writer export_text_writer, export_md_writer, export_html_writer, export_cast_writer;

/* Appends the event in words, as they came: not made safe, may hold newlines. */
void export_words(struct buf *out, const struct model *model, const struct event *ev, const struct json *data);

/* Appends a value as a person writes it: text as it is, a secret by its name, else JSON; not made safe. */
void export_value(struct buf *out, const struct json *value);

/* Whole lines of the outputs of many calls at once. */
struct export_lines;

/* A line of one stream of one call; borrowed by the callback. */
struct export_line {
	const char *step, *call, *host, *stream;
	int attempt;
	const char *text;	/* without newline and carriage return, not made safe */
	size_t len;
};

typedef void export_line_fn(void *arg, const struct export_line *line);

/* New; caller owns. fn gets each line. */
struct export_lines *export_lines_new(export_line_fn *fn, void *arg);

/* Frees without giving what is left. NULL is fine. */
void export_lines_free(struct export_lines *lines);

/* Takes a call.output event: gives the lines that are whole now. */
void export_lines_feed(struct export_lines *lines, const struct event *ev, const struct json *data);

/* The call of that event ended: gives what is left of its streams. */
void export_lines_end(struct export_lines *lines, const struct event *ev);

/* Gives what is left of all. */
void export_lines_flush(struct export_lines *lines);

/* Appends "2026-11-21" of a time. */
void export_date(struct buf *out, int64_t at_us);

#endif
