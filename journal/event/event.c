/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/event/event.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"

/* Durability decides who waits: see enum durability. The members of data end with "?" when they may be missing. */
static const struct event_type types[] = {
#define KIND(id, number, name, durability, version, about, members, ...) { EVENT_##id, name, durability, version, about, members },
#include "journal/event/kinds.def"
	{ EVENT_UNKNOWN, NULL, DURABLE_DECISION, 0, NULL, NULL },
};

/* Where a kind's row is. */
enum type_row {
#define KIND(id, ...) ROW_##id,
#include "journal/event/kinds.def"
};

static const struct event_type unknown_type = {
	EVENT_UNKNOWN, "unknown", DURABLE_DECISION, 0, "Written by a newer bellbook; kept and shown raw.", "",
};

const struct event_type *event_type_of(enum event_kind kind)
{
	switch (kind) {
#define KIND(id, ...) \
	case EVENT_##id: \
		return &types[ROW_##id];
#include "journal/event/kinds.def"
	case EVENT_UNKNOWN:
		break;
	}
	return &unknown_type;
}

const struct event_type *event_type_find(const char *name)
{
	for (const struct event_type *type = types; type->name; type++)
		if (str_is(type->name, name))
			return type;
	return NULL;
}

const struct event_type *event_types(void)
{
	return types;
}

static const char *copy_text(struct arena *arena, const char *text)
{
	return text && *text ? arena_dup(arena, text, strlen(text)) : NULL;
}

void event_copy(struct arena *arena, struct event *to, const struct event *from)
{
	*to = *from;
	to->who = copy_text(arena, from->who);
	to->step = copy_text(arena, from->step);
	to->call = copy_text(arena, from->call);
	to->host = copy_text(arena, from->host);
	to->data = copy_text(arena, from->data);
	if (from->bytes)
		to->bytes = arena_dup(arena, from->bytes, from->len);
}

/* Each field is a tag, its length in 8 bytes (big endian) and its bytes: no two rows have the same encoding. */
static void put_field(struct buf *out, char tag, const void *bytes, size_t len)
{
	unsigned char head[9] = { (unsigned char)tag };

	for (int i = 0; i < 8; i++)
		head[8 - i] = (unsigned char)((uint64_t)len >> (8 * i));
	buf_append(out, head, sizeof(head));
	buf_append(out, bytes, len);
}

static void put_int(struct buf *out, char tag, int64_t value)
{
	unsigned char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[7 - i] = (unsigned char)((uint64_t)value >> (8 * i));
	put_field(out, tag, bytes, sizeof(bytes));
}

static void put_text(struct buf *out, char tag, const char *text, const char *empty)
{
	const char *whole = text && *text ? text : empty;

	put_field(out, tag, whole, strlen(whole));
}

static bool has_digest(const struct event *ev)
{
	static const unsigned char zero[SHA256_LEN];

	return memcmp(ev->digest, zero, sizeof(zero)) != 0;
}

void event_hash(const struct event *ev, const unsigned char previous[SHA256_LEN], unsigned char out[SHA256_LEN])
{
	struct buf row = { 0 };

	buf_append(&row, "bb1e", 4);
	buf_append(&row, previous, SHA256_LEN);
	put_int(&row, 'q', ev->seq);
	put_int(&row, 's', ev->session);
	put_int(&row, 't', ev->at_us);
	put_int(&row, 'm', ev->mono_us);
	put_int(&row, 'k', ev->kind != EVENT_UNKNOWN ? (int)ev->kind : ev->kind_number);
	put_int(&row, 'v', ev->v);
	put_text(&row, 'w', ev->who, "");
	put_text(&row, 'p', ev->step, "");
	put_int(&row, 'a', ev->attempt);
	put_text(&row, 'c', ev->call, "");
	put_text(&row, 'h', ev->host, "");
	put_text(&row, 'd', ev->data, "{}");
	put_field(&row, 'x', ev->digest, has_digest(ev) ? SHA256_LEN : 0);
	sha256_of(row.data, row.len, out);
	buf_done(&row);
}
