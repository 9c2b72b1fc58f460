/* feed_int.h - the table of functions behind struct feed; private to feed*.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_FEED_FEED_INT_H
#define JOURNAL_FEED_FEED_INT_H

#include "base/buf.h"
#include "base/mem.h"
#include "journal/feed/feed.h"

#include <stddef.h>

struct feed_ops {
	/* As feed_next; may give events again that were given before (feed_next drops them). */
	enum feed_item (*next)(struct feed *feed, struct event *ev, const struct json **reply, struct err *e);
	/* As feed_send; NULL when the feed is not live. */
	int (*send)(struct feed *feed, const struct json *intent, struct err *e);
	/* As feed_fd; NULL when next never waits. */
	int (*fd)(const struct feed *feed, bool *wants_write);
	/* Frees what is beside struct feed, and it too. */
	void (*close)(struct feed *feed);
};

/* First member of each feed's own struct. */
struct feed {
	const struct feed_ops *ops;
	int64_t last;		/* seq of the last event given */
};

/* What reads lines of JSON: the present line's value and event. */
struct feed_line {
	struct json *value;	/* owned; the reply, borrowed by the caller until the next line */
	struct arena *arena;	/* owned; the event's strings */
};

/* Ready for feed_line_read. */
void feed_line_init(struct feed_line *line);

/* Frees both. */
void feed_line_done(struct feed_line *line);

/* Reads one line (without newline): an event when it has "kind", else a reply; FEED_NONE for a blank line, FEED_ERROR for garbage. */
enum feed_item feed_line_read(struct feed_line *line, const char *text, size_t len, struct event *ev,
			      const struct json **reply, struct err *e);

#endif
