/* feed.h - "events after seq" from wherever they are: a live session's socket, the stored journal, or memory. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_FEED_FEED_H
#define JOURNAL_FEED_FEED_H

#include "base/err.h"
#include "base/json.h"
#include "journal/event/event.h"

#include <stdbool.h>
#include <stdint.h>

struct feed;

enum feed_item {
	FEED_NONE,	/* nothing now; poll feed_fd */
	FEED_EVENT,	/* *ev is valid until the next call */
	FEED_REPLY,	/* *reply: a message to this view alone: {"hello":…}, {"refused":{"do","seq","why"}}, {"accepted":…}, {"presence":[…]}; borrowed until the next call.
			 * {"skipped":{"why","text"}} is the feed's own: the live session sent a line that cannot be read; its beginning, and it goes on */
	FEED_END,	/* stored: all given; live: the session's process is gone or closed the connection */
	FEED_ERROR,
};

/* Events of one session from the journal file, once, to its present end. Caller owns. */
struct feed *feed_stored(const char *journal, int64_t session, int64_t after, struct err *e);

/* Live from the session's socket; sends {"do":"hello","after":after,"view":view,"role":role,"v":1}. ERR_NOTFOUND when no process carries the session. Caller owns. */
struct feed *feed_live(const char *journal, int64_t session, int64_t after, const char *view, const char *role, struct err *e);

/* From lines of JSON in memory (tests, playback of an export); text is copied. Caller owns. */
struct feed *feed_memory(const char *lines, size_t len);

/* Frees. NULL is fine. */
void feed_close(struct feed *feed);

/* Descriptor to poll for reading, -1 when feed_next never waits; *wants_write tells to poll for writing too. */
int feed_fd(const struct feed *feed, bool *wants_write);

/* Next item; never blocks. */
enum feed_item feed_next(struct feed *feed, struct event *ev, const struct json **reply, struct err *e);

/* Sends an intent (JSON object with "do"); queued when the socket is full (bounded: 1 MiB). -1 when not live. Does not take intent. */
int feed_send(struct feed *feed, const struct json *intent, struct err *e);

/* seq of the last event given; reconnect with it. */
int64_t feed_last(const struct feed *feed);

#endif
