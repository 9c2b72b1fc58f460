/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/feed/feed.h"

#include <ctype.h>
#include <stddef.h>

#include "journal/feed/feed_int.h"

void feed_line_init(struct feed_line *line)
{
	line->value = NULL;
	line->arena = arena_new();
}

void feed_line_done(struct feed_line *line)
{
	json_free(line->value);
	arena_free(line->arena);
}

static bool is_blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!isspace((unsigned char)text[i]))
			return false;
	}
	return true;
}

enum feed_item feed_line_read(struct feed_line *line, const char *text, size_t len, struct event *ev,
			      const struct json **reply, struct err *e)
{
	if (is_blank(text, len))
		return FEED_NONE;
	json_free(line->value);
	line->value = json_parse(text, len, e);
	if (!line->value) {
		err_wrap(e, "a line that is no JSON");
		return FEED_ERROR;
	}
	if (json_type_of(line->value) != JSON_IS_OBJECT) {
		err_set(e, ERR_CORRUPT, "a line that is no JSON object");
		return FEED_ERROR;
	}
	if (!json_at(line->value, "kind")) {
		*reply = line->value;
		return FEED_REPLY;
	}
	arena_reset(line->arena);
	return event_from_json(line->value, line->arena, ev, e) < 0 ? FEED_ERROR : FEED_EVENT;
}

enum feed_item feed_next(struct feed *feed, struct event *ev, const struct json **reply, struct err *e)
{
	for (;;) {
		enum feed_item item = feed->ops->next(feed, ev, reply, e);

		if (item != FEED_EVENT)
			return item;
		/* Each event once and in order, whatever comes. */
		if (ev->seq > feed->last) {
			feed->last = ev->seq;
			return FEED_EVENT;
		}
	}
}

int feed_send(struct feed *feed, const struct json *intent, struct err *e)
{
	if (!feed->ops->send)
		return err_set(e, ERR_USAGE, "this session is only being read; nobody takes orders");
	return feed->ops->send(feed, intent, e);
}

int feed_fd(const struct feed *feed, bool *wants_write)
{
	*wants_write = false;
	return feed->ops->fd ? feed->ops->fd(feed, wants_write) : -1;
}

int64_t feed_last(const struct feed *feed)
{
	return feed->last;
}

void feed_close(struct feed *feed)
{
	if (feed)
		feed->ops->close(feed);
}
