/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/event/event.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"

static void put_text(struct json *out, const char *key, const char *text)
{
	if (text && *text)
		json_set_text(out, key, text);
}

static void put_kind(struct json *out, const struct event *ev)
{
	char name[40];

	if (ev->kind != EVENT_UNKNOWN) {
		json_set_text(out, "kind", event_type_of(ev->kind)->name);
		return;
	}
	snprintf(name, sizeof(name), EVENT_UNKNOWN_PREFIX "%d", ev->kind_number);
	json_set_text(out, "kind", name);
}

static void put_data(struct json *out, const char *text)
{
	struct err e = { 0 };
	struct json *data;

	if (!text || !*text || str_is(text, "{}"))
		return;
	data = json_parse(text, strlen(text), &e);
	json_put(out, "data", data ? data : json_new_text(text, strlen(text)));
}

static void put_payload(struct json *out, const struct event *ev)
{
	struct buf coded = { 0 };

	if (ev->purged)
		json_set_bool(out, "purged", true);
	if (!ev->bytes || !ev->len)
		return;
	if (utf8_valid(ev->bytes, ev->len) && !memchr(ev->bytes, 0, ev->len)) {
		json_put(out, "text", json_new_text(ev->bytes, ev->len));
		return;
	}
	str_base64(&coded, ev->bytes, ev->len);
	json_set_text(out, "b64", buf_text(&coded));
	buf_done(&coded);
}

static void put_hex(struct json *out, const char *key, const unsigned char digest[SHA256_LEN])
{
	static const unsigned char zero[SHA256_LEN];
	struct buf hex = { 0 };

	if (memcmp(digest, zero, SHA256_LEN) == 0)
		return;
	str_hex(&hex, digest, SHA256_LEN);
	json_set_text(out, key, buf_text(&hex));
	buf_done(&hex);
}

struct json *event_to_json(const struct event *ev, bool with_hash)
{
	struct json *out = json_new_object();
	char at[TIME_TEXT];

	json_set_int(out, "seq", ev->seq);
	json_set_int(out, "session", ev->session);
	json_set_text(out, "at", time_format(ev->at_us, at));
	put_kind(out, ev);
	json_set_int(out, "v", ev->v);
	put_text(out, "who", ev->who);
	put_text(out, "step", ev->step);
	if (ev->attempt)
		json_set_int(out, "attempt", ev->attempt);
	put_text(out, "call", ev->call);
	put_text(out, "host", ev->host);
	if (ev->cut)
		json_set_bool(out, "cut", true);
	put_data(out, ev->data);
	put_payload(out, ev);
	if (with_hash) {
		json_set_int(out, "mono_us", ev->mono_us);
		put_hex(out, "digest", ev->digest);
		put_hex(out, "hash", ev->hash);
	}
	return out;
}

static int wrong(struct err *e, const char *key, const char *wanted)
{
	return err_set(e, ERR_CORRUPT, "event: member \"%s\" must be %s", key, wanted);
}

static int get_int(const struct json *value, const char *key, int64_t max, int64_t *out, struct err *e)
{
	const struct json *member = json_at(value, key);

	*out = json_as_int(member, 0);
	if (member && (json_type_of(member) != JSON_IS_INT || *out < 0 || *out > max))
		return wrong(e, key, "a number that is not negative or too large");
	return 0;
}

static int get_text(const struct json *value, const char *key, struct arena *arena, const char **out, struct err *e)
{
	const struct json *member = json_at(value, key);
	const char *text = json_as_text(member);

	*out = NULL;
	if (!member)
		return 0;
	if (!text)
		return wrong(e, key, "text");
	*out = arena_dup(arena, text, strlen(text));
	return 0;
}

static int get_kind(const struct json *value, struct event *ev, struct err *e)
{
	const char *name = json_text(value, "kind", NULL);
	const struct event_type *type = event_type_find(name);
	int64_t number;

	if (!name)
		return wrong(e, "kind", "the name of a kind");
	if (type) {
		ev->kind = type->kind;
		ev->kind_number = (int)type->kind;
		return 0;
	}
	ev->kind = EVENT_UNKNOWN;
	if (str_starts(name, EVENT_UNKNOWN_PREFIX) && str_to_int(name + strlen(EVENT_UNKNOWN_PREFIX), 1, INT_MAX, &number))
		ev->kind_number = (int)number;
	return 0;
}

static int get_data(const struct json *value, struct arena *arena, struct event *ev, struct err *e)
{
	const struct json *data = json_at(value, "data");
	char *text;

	if (!data)
		return 0;
	if (json_type_of(data) != JSON_IS_OBJECT)
		return wrong(e, "data", "an object");
	text = json_print(data);
	ev->data = arena_dup(arena, text, strlen(text));
	mem_free(text);
	return 0;
}

static int get_payload(const struct json *value, struct arena *arena, struct event *ev, struct err *e)
{
	const char *text, *coded;
	struct buf bytes = { 0 };

	if (get_text(value, "text", arena, &text, e) < 0 || get_text(value, "b64", arena, &coded, e) < 0)
		return -1;
	if (text && coded)
		return wrong(e, "b64", "missing when there is \"text\"");
	if (coded) {
		if (!str_unbase64(&bytes, coded, strlen(coded))) {
			buf_done(&bytes);
			return wrong(e, "b64", "base64");
		}
		ev->bytes = arena_dup(arena, buf_text(&bytes), bytes.len);
		ev->len = bytes.len;
		buf_done(&bytes);
	} else if (text) {
		ev->bytes = text;
		ev->len = strlen(text);
	}
	ev->purged = json_bool(value, "purged", false);
	ev->cut = json_bool(value, "cut", false);
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static int get_hex(const struct json *value, const char *key, unsigned char out[SHA256_LEN], struct err *e)
{
	const char *hex = json_text(value, key, NULL);

	if (!json_at(value, key))
		return 0;
	if (!hex || strlen(hex) != (size_t)2 * SHA256_LEN)
		return wrong(e, key, "64 hexadecimal digits");
	for (size_t i = 0; i < SHA256_LEN; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return wrong(e, key, "64 hexadecimal digits");
		out[i] = (unsigned char)(high * 16 + low);
	}
	return 0;
}

static int get_numbers(const struct json *value, struct event *ev, struct err *e)
{
	int64_t v, attempt;
	const char *at = json_text(value, "at", NULL);

	if (get_int(value, "seq", INT64_MAX, &ev->seq, e) < 0 || get_int(value, "session", INT64_MAX, &ev->session, e) < 0
	    || get_int(value, "mono_us", INT64_MAX, &ev->mono_us, e) < 0 || get_int(value, "v", INT_MAX, &v, e) < 0
	    || get_int(value, "attempt", INT_MAX, &attempt, e) < 0)
		return -1;
	ev->v = (int)v;
	ev->attempt = (int)attempt;
	if (json_at(value, "at") && (!at || time_parse(at, &ev->at_us) < 0))
		return wrong(e, "at", "a time like 2026-11-21T18:52:07.123456Z");
	return 0;
}

int event_from_json(const struct json *value, struct arena *arena, struct event *ev, struct err *e)
{
	*ev = (struct event){ 0 };
	if (json_type_of(value) != JSON_IS_OBJECT)
		return err_set(e, ERR_CORRUPT, "event: not a JSON object");
	if (get_numbers(value, ev, e) < 0 || get_kind(value, ev, e) < 0)
		return -1;
	if (get_text(value, "who", arena, &ev->who, e) < 0 || get_text(value, "step", arena, &ev->step, e) < 0
	    || get_text(value, "call", arena, &ev->call, e) < 0 || get_text(value, "host", arena, &ev->host, e) < 0)
		return -1;
	if (get_data(value, arena, ev, e) < 0 || get_payload(value, arena, ev, e) < 0)
		return -1;
	return get_hex(value, "digest", ev->digest, e) < 0 ? -1 : get_hex(value, "hash", ev->hash, e);
}
