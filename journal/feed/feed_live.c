/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/utf8.h"
#include "base/wire.h"
#include "journal/feed/feed.h"
#include "journal/feed/feed_int.h"
#include "journal/store/place.h"

struct feed_live {
	struct feed feed;
	int fd;			/* owned */
	struct buf in;
	size_t start;		/* of the first line not given yet */
	size_t seen;		/* no newline in in.data[start..seen) */
	struct buf out;
	struct feed_line line;
	size_t skipped;		/* bytes dropped of a line that is too long; its beginning stands in front of what came last */
	bool eof;		/* nothing more will come; what is in `in` is still given */
	bool deaf;		/* the session reads no more; it may have said why */
};

/* A whole line behind start; its length without newline, or -1. */
static long find_line(struct feed_live *me)
{
	const char *from = buf_text(&me->in) + me->seen;
	const char *end = me->in.len > me->seen ? memchr(from, '\n', me->in.len - me->seen) : NULL;

	me->seen = me->in.len;
	return end ? (long)(end - (me->in.data + me->start)) : -1;
}

/* True when there is something new to look at. */
static int read_more(struct feed_live *me, struct err *e)
{
	long got;
	int eof = 0;

	/* Lines given are dropped here only, so that many small lines do not move the rest each time. */
	buf_consume(&me->in, me->start);
	me->seen -= me->start;
	me->start = 0;
	got = wire_read(me->fd, &me->in, &eof, e);
	me->eof = me->eof || eof != 0 || got < 0;
	return (int)(got < 0 ? -1 : got > 0);
}

/* Nobody is sent away because of what somebody else said: the line is told as one that cannot be read, and the next one is read. */
static enum feed_item skip(struct feed_live *me, const char *text, size_t len, const char *why, const struct json **reply)
{
	struct json *value = json_new_object(), *inside = json_new_object();

	json_put(inside, "text", json_new_text(text, utf8_border(text, len < LIMIT_BEGINNING ? len : LIMIT_BEGINNING)));
	json_set_text(inside, "why", why);
	json_put(value, "skipped", inside);
	json_free(me->line.value);
	me->line.value = value;
	*reply = value;
	return FEED_REPLY;
}

/* No end of the line is in sight: only its beginning is kept. */
static void hoard_not(struct feed_live *me)
{
	size_t len = me->in.len - me->start;

	if (len <= LIMIT_LINE_TAKEN)
		return;
	me->skipped += len - LIMIT_BEGINNING;
	buf_cut(&me->in, me->start + LIMIT_BEGINNING);
	me->seen = me->in.len;
}

static enum feed_item read_line(struct feed_live *me, const char *text, size_t len, struct event *ev, const struct json **reply)
{
	size_t whole = me->skipped + len;
	struct err e = {0};
	enum feed_item item;
	char *why;

	me->skipped = 0;
	if (whole >= LIMIT_LINE_TAKEN) {
		why = mem_printf("the session sent a line of %zu bytes; at most %zu are read", whole, LIMIT_LINE_TAKEN);
		item = skip(me, text, len, why, reply);
		mem_free(why);
		return item;
	}
	item = feed_line_read(&me->line, text, len, ev, reply, &e);
	return item == FEED_ERROR ? skip(me, text, len, e.text, reply) : item;
}

static void flush(struct feed_live *me)
{
	struct err ignored = {0};

	/* Not an error of ours yet: reading tells that it is gone, after its last words. */
	if (!me->deaf && me->out.len > 0 && wire_flush(me->fd, &me->out, &ignored) < 0) {
		me->deaf = true;
		buf_clear(&me->out);
	}
}

static enum feed_item next_live(struct feed *feed, struct event *ev, const struct json **reply, struct err *e)
{
	struct feed_live *me = (struct feed_live *)feed;

	flush(me);
	for (;;) {
		long len = find_line(me);
		const char *text = buf_text(&me->in) + me->start;
		enum feed_item item;
		int more;

		if (len >= 0) {
			me->start += (size_t)len + 1;
			me->seen = me->start;
			item = read_line(me, text, (size_t)len, ev, reply);
			if (item == FEED_NONE)
				continue;
			return item;
		}
		hoard_not(me);
		/* A line without its end was cut off with the connection; it is no event. */
		if (me->eof)
			return FEED_END;
		more = read_more(me, e);
		if (more < 0)
			return FEED_ERROR;
		if (more == 0 && !me->eof)
			return FEED_NONE;
	}
}

static int send_live(struct feed *feed, const struct json *intent, struct err *e)
{
	struct feed_live *me = (struct feed_live *)feed;
	char *text = json_print(intent);
	size_t len = strlen(text) + 1;
	int result = 0;

	flush(me);
	if (json_type_of(intent) != JSON_IS_OBJECT || !json_text(intent, "do", NULL))
		result = err_set(e, ERR_USAGE, "an intent is an object with \"do\"");
	else if (me->deaf || me->eof)
		result = err_set(e, ERR_IO, "the session does not listen any more");
	else if (len > LIMIT_LINE)
		result = err_set(e, ERR_USAGE, "too long to send: %zu bytes, at most %zu go into one line", len, LIMIT_LINE);
	else if (me->out.len + len > LIMIT_SEND)
		result = err_set(e, ERR_FULL, "the session takes nothing at the moment");
	if (result == 0) {
		buf_append(&me->out, text, len - 1);
		buf_putc(&me->out, '\n');
		flush(me);
		if (me->deaf)
			result = err_set(e, ERR_IO, "the session does not listen any more");
	}
	mem_free(text);
	return result;
}

static int fd_live(const struct feed *feed, bool *wants_write)
{
	const struct feed_live *me = (const struct feed_live *)feed;

	*wants_write = me->out.len > 0;
	return me->fd;
}

static void close_live(struct feed *feed)
{
	struct feed_live *me = (struct feed_live *)feed;

	close(me->fd);
	buf_done(&me->in);
	buf_done(&me->out);
	feed_line_done(&me->line);
	mem_free(me);
}

static const struct feed_ops live_ops = {
	.next = next_live,
	.send = send_live,
	.fd = fd_live,
	.close = close_live,
};

static void say_hello(struct feed_live *me, const char *view, const char *role)
{
	struct json *hello = json_new_object();
	char *text;

	json_set_text(hello, "do", "hello");
	json_set_int(hello, "after", me->feed.last);
	json_set_text(hello, "view", view);
	json_set_text(hello, "role", role);
	json_set_int(hello, "v", 1);
	text = json_print(hello);
	buf_puts(&me->out, text);
	buf_putc(&me->out, '\n');
	mem_free(text);
	json_free(hello);
	flush(me);
}

struct feed *feed_live(const char *journal, int64_t session, int64_t after, const char *view, const char *role,
		       struct err *e)
{
	int fd = place_connect(journal, session, e);
	struct feed_live *me;

	if (fd < 0)
		return NULL;
	if (proc_nonblock(fd, true, e) < 0) {
		close(fd);
		return NULL;
	}
	me = mem_alloc(sizeof(*me));
	me->feed.ops = &live_ops;
	me->feed.last = after;
	me->fd = fd;
	feed_line_init(&me->line);
	say_hello(me, view, role);
	return &me->feed;
}
