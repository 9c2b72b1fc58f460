/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/mem.h"
#include "journal/feed/feed.h"
#include "journal/feed/feed_int.h"

struct feed_memory {
	struct feed feed;
	char *text;		/* owned */
	size_t len, at;		/* at: start of the next line */
	struct feed_line line;
};

static enum feed_item next_line(struct feed *feed, struct event *ev, const struct json **reply, struct err *e)
{
	struct feed_memory *me = (struct feed_memory *)feed;

	while (me->at < me->len) {
		const char *start = me->text + me->at;
		const char *end = memchr(start, '\n', me->len - me->at);
		size_t len = end ? (size_t)(end - start) : me->len - me->at;
		enum feed_item item;

		me->at += len + 1;
		item = feed_line_read(&me->line, start, len, ev, reply, e);
		if (item != FEED_NONE)
			return item;
	}
	return FEED_END;
}

static void close_memory(struct feed *feed)
{
	struct feed_memory *me = (struct feed_memory *)feed;

	feed_line_done(&me->line);
	mem_free(me->text);
	mem_free(me);
}

static const struct feed_ops memory_ops = {
	.next = next_line,
	.close = close_memory,
};

struct feed *feed_memory(const char *lines, size_t len)
{
	struct feed_memory *me = mem_alloc(sizeof(*me));

	me->feed.ops = &memory_ops;
	me->text = mem_dup(lines, len);
	me->len = len;
	feed_line_init(&me->line);
	return &me->feed;
}
