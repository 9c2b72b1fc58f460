/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/event/event.h"

#include <stdio.h>
#include <string.h>

#include "base/json_cut.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"

/* The same object as event_to_json makes, written as json_print would: keys sorted. A test holds them together. */

struct line {
	struct buf *out;
	bool more;	/* a member stands before */
};

static struct buf *key(struct line *line, const char *name)
{
	buf_putc(line->out, line->more ? ',' : '{');
	line->more = true;
	buf_putc(line->out, '"');
	buf_puts(line->out, name);
	buf_puts(line->out, "\":");
	return line->out;
}

static void put_int(struct line *line, const char *name, int64_t value)
{
	buf_printf(key(line, name), "%lld", (long long)value);
}

static void put_text(struct line *line, const char *name, const char *text)
{
	if (text && *text)
		json_write_text(key(line, name), text, strlen(text));
}

static void put_data(struct line *line, const char *text)
{
	struct err e = {0};
	struct json *data;
	char *printed;

	if (!text || !*text || str_is(text, "{}"))
		return;
	key(line, "data");
	data = json_parse(text, strlen(text), &e);
	if (!data) {
		json_write_text(line->out, text, strlen(text));
		return;
	}
	printed = json_print(data);
	buf_puts(line->out, printed);
	mem_free(printed);
	json_free(data);
}

static void put_hex(struct line *line, const char *name, const unsigned char digest[SHA256_LEN])
{
	static const unsigned char zero[SHA256_LEN];

	if (memcmp(digest, zero, SHA256_LEN) == 0)
		return;
	buf_putc(key(line, name), '"');
	str_hex(line->out, digest, SHA256_LEN);
	buf_putc(line->out, '"');
}

static void put_kind(struct line *line, const struct event *ev)
{
	char name[40];

	if (ev->kind != EVENT_UNKNOWN) {
		put_text(line, "kind", event_type_of(ev->kind)->name);
		return;
	}
	snprintf(name, sizeof(name), EVENT_UNKNOWN_PREFIX "%d", ev->kind_number);
	put_text(line, "kind", name);
}

static void put_base64(struct line *line, const struct event *ev)
{
	buf_putc(key(line, "b64"), '"');
	str_base64(line->out, ev->bytes, ev->len);
	buf_putc(line->out, '"');
}

void event_print(const struct event *ev, bool with_hash, struct buf *out)
{
	struct line line = {.out = out};
	bool bytes = ev->bytes && ev->len > 0;
	bool text = bytes && !memchr(ev->bytes, 0, ev->len) && utf8_valid(ev->bytes, ev->len);
	char at[TIME_TEXT];

	put_text(&line, "at", time_format(ev->at_us, at));
	if (ev->attempt)
		put_int(&line, "attempt", ev->attempt);
	if (bytes && !text)
		put_base64(&line, ev);
	put_text(&line, "call", ev->call);
	if (ev->cut)
		buf_puts(key(&line, "cut"), "true");
	put_data(&line, ev->data);
	if (with_hash) {
		put_hex(&line, "digest", ev->digest);
		put_hex(&line, "hash", ev->hash);
	}
	put_text(&line, "host", ev->host);
	put_kind(&line, ev);
	if (with_hash)
		put_int(&line, "mono_us", ev->mono_us);
	if (ev->purged)
		buf_puts(key(&line, "purged"), "true");
	put_int(&line, "seq", ev->seq);
	put_int(&line, "session", ev->session);
	put_text(&line, "step", ev->step);
	if (text)
		json_write_clean(key(&line, "text"), ev->bytes, ev->len);
	put_int(&line, "v", ev->v);
	put_text(&line, "who", ev->who);
	buf_putc(out, '}');
}

/* ---- what is told ---- */

static const char *cut_name(struct arena *arena, const char *name)
{
	struct buf out = {0};
	const char *copy;

	if (!name || strlen(name) <= LIMIT_NAME)
		return name;
	text_cut(&out, name, strlen(name), LIMIT_NAME);
	copy = arena_dup(arena, buf_text(&out), out.len);
	buf_done(&out);
	return copy;
}

static const char *cut_data(struct arena *arena, const char *text)
{
	struct err e = {0};
	struct json *data = text && *text ? json_parse(text, strlen(text), &e) : NULL, *small;
	const char *copy;
	char *printed;

	if (!data)
		return "{}";
	small = json_cut(data, LIMIT_TOLD_DATA);
	printed = json_print(small);
	copy = arena_dup(arena, printed, strlen(printed));
	mem_free(printed);
	json_free(small);
	json_free(data);
	return copy;
}

static void cut_payload(struct arena *arena, struct event *ev)
{
	struct buf out = {0};

	if (!ev->bytes || ev->len <= LIMIT_TOLD_TEXT)
		return;
	if (utf8_valid(ev->bytes, ev->len))
		text_cut(&out, ev->bytes, ev->len, LIMIT_TOLD_TEXT);
	else
		buf_append(&out, ev->bytes, LIMIT_TOLD_TEXT);
	ev->bytes = arena_dup(arena, buf_text(&out), out.len);
	ev->len = out.len;
	buf_done(&out);
}

/* Longer than it can be told is seen without printing it first: it may be many times longer. */
static bool may_fit(const struct event *ev)
{
	return ev->len <= LIMIT_LINE && (!ev->data || strlen(ev->data) <= LIMIT_LINE);
}

void event_tell(const struct event *ev, struct buf *out)
{
	size_t start = out->len;
	struct event small = *ev;
	struct arena *arena;

	if (may_fit(ev)) {
		event_print(ev, false, out);
		if (out->len - start < LIMIT_LINE)
			return;
		buf_cut(out, start);
	}
	arena = arena_new();
	small.who = cut_name(arena, ev->who);
	small.step = cut_name(arena, ev->step);
	small.call = cut_name(arena, ev->call);
	small.host = cut_name(arena, ev->host);
	small.data = cut_data(arena, ev->data);
	cut_payload(arena, &small);
	small.cut = true;
	event_print(&small, false, out);
	arena_free(arena);
}
