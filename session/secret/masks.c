/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE	/* memmem */
#include "session/secret/masks.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/*
 * Secrets are replaced in decoded texts, never in the JSON around them: a
 * value like outcome or ":true would else change keys and syntax.
 */

#define MASK_BEGINS "[secret "

struct masking {
	const struct redactor *text, *value;
	enum event_kind kind;
	size_t count;	/* replacements */
};

static struct json *masked(struct masking *masking, enum event_member is, const struct json *value);

static struct json *masked_text(struct masking *masking, enum event_member is, const struct json *value)
{
	const char *text = json_as_text(value);
	struct buf out = {0};
	struct json *result;

	masking->count += redactor_text(is == MEMBER_VALUE ? masking->value : masking->text, &out, text, strlen(text));
	result = json_new_text(buf_text(&out), out.len);
	buf_done(&out);
	return result;
}

static struct json *masked_object(struct masking *masking, enum event_member is, const struct json *value)
{
	struct json *result = json_new_object(), *member;
	const char *key;
	void *it = NULL;

	while ((key = json_next(value, &it, &member)) != NULL) {
		enum event_member inside = is == MEMBER_TEXT ? event_member_of(masking->kind, key) : is;

		/* The name of a secret, in the place of its value. */
		json_put(result, key, masked(masking, str_is(key, "$secret") ? MEMBER_WORD : inside, member));
	}
	return result;
}

static struct json *masked(struct masking *masking, enum event_member is, const struct json *value)
{
	struct json *result;

	if (is == MEMBER_WORD)
		return json_copy_of(value);
	if (json_type_of(value) == JSON_IS_TEXT)
		return masked_text(masking, is, value);
	if (json_type_of(value) == JSON_IS_OBJECT)
		return masked_object(masking, is, value);
	if (json_type_of(value) != JSON_IS_ARRAY)
		return json_copy_of(value);
	result = json_new_array();
	for (size_t i = 0; i < json_count(value); i++)
		json_add(result, masked(masking, is, json_item(value, i)));
	return result;
}

char *masks_data(const struct redactor *text, const struct redactor *value, enum event_kind kind, const char *data)
{
	struct masking masking = {.text = text, .value = value, .kind = kind};
	struct err e = {0};
	struct json *from, *to;
	char *result = NULL;

	if (redactor_hold(text) == 0 || !data || !*data || str_is(data, "{}"))
		return NULL;
	from = json_parse(data, strlen(data), &e);
	to = from ? masked(&masking, MEMBER_TEXT, from) : NULL;
	if (masking.count)
		result = json_print(to);
	json_free(from);
	json_free(to);
	return result;
}

/* ---- comparing ---- */

/* text has the pieces of pattern in order, and between them, where masks were, anything. */
static bool same_text(const char *pattern, const char *text)
{
	const char *mask = strstr(pattern, MASK_BEGINS), *end = mask ? strchr(mask, ']') : NULL;

	if (!end)
		return str_is(pattern, text);
	if (strncmp(pattern, text, (size_t)(mask - pattern)) != 0)
		return false;
	text += mask - pattern;
	for (;;) {
		const char *piece = end + 1, *found;
		size_t len;

		mask = strstr(piece, MASK_BEGINS);
		end = mask ? strchr(mask, ']') : NULL;
		if (!end)
			return strlen(text) >= strlen(piece) && str_is(text + strlen(text) - strlen(piece), piece);
		len = (size_t)(mask - piece);
		found = len ? memmem(text, strlen(text), piece, len) : text;
		if (!found)
			return false;
		text = found + len;
	}
}

bool masks_same(const struct json *stored, const struct json *now)
{
	enum json_type type = json_type_of(stored);
	struct json *member;
	const char *key;
	void *it = NULL;

	if (type != json_type_of(now) || json_count(stored) != json_count(now))
		return json_same(stored, now);
	if (type == JSON_IS_TEXT)
		return same_text(json_as_text(stored), json_as_text(now));
	if (type == JSON_IS_OBJECT)
		while ((key = json_next(stored, &it, &member)) != NULL)
			if (!json_at(now, key) || !masks_same(member, json_at(now, key)))
				return false;
	if (type == JSON_IS_ARRAY)
		for (size_t i = 0; i < json_count(stored); i++)
			if (!masks_same(json_item(stored, i), json_item(now, i)))
				return false;
	return type == JSON_IS_OBJECT || type == JSON_IS_ARRAY || json_same(stored, now);
}
