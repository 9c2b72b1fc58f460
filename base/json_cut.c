/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json_cut.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

#define TEXT_MIN ((size_t)128)	/* texts are cut down to that before anything is left out */
#define WORDS_MAX ((size_t)96)	/* room for the words behind a text that was cut */

/* What a round leaves of each text, and of each list or object. */
struct measure {
	size_t text, members;
};

static struct json *cut(const struct json *value, const struct measure *measure);

void text_cut(struct buf *out, const char *text, size_t len, size_t max)
{
	if (len <= max) {
		buf_append(out, text, len);
		return;
	}
	buf_append(out, text, utf8_border(text, max - WORDS_MAX));
	buf_printf(out, " … [cut: %zu bytes in all; the journal has them]", len);
}

static struct json *cut_text(const char *text, const struct measure *measure)
{
	struct buf out = {0};
	struct json *copy;

	text_cut(&out, text, strlen(text), measure->text);
	copy = json_new_text(buf_text(&out), out.len);
	buf_done(&out);
	return copy;
}

static struct json *cut_list(const struct json *list, const struct measure *measure)
{
	struct json *copy = json_new_array();

	for (size_t i = 0; i < json_count(list) && i < measure->members; i++)
		json_add(copy, cut(json_item(list, i), measure));
	return copy;
}

static struct json *cut_object(const struct json *object, const struct measure *measure)
{
	struct json *copy = json_new_object(), *value;
	const char *key;
	void *it = NULL;
	size_t n = 0;

	while ((key = json_next(object, &it, &value)) != NULL && n < measure->members) {
		/* Half a key would be another key. */
		if (strlen(key) > measure->text)
			continue;
		json_put(copy, key, cut(value, measure));
		n++;
	}
	return copy;
}

static struct json *cut(const struct json *value, const struct measure *measure)
{
	switch (json_type_of(value)) {
	case JSON_IS_TEXT:
		return cut_text(json_as_text(value), measure);
	case JSON_IS_ARRAY:
		return cut_list(value, measure);
	case JSON_IS_OBJECT:
		return cut_object(value, measure);
	case JSON_IS_NULL:
	case JSON_IS_BOOL:
	case JSON_IS_INT:
	case JSON_IS_REAL:
		break;
	}
	return json_copy_of(value);
}

static size_t printed(const struct json *value)
{
	char *text = json_print(value);
	size_t len = strlen(text);

	mem_free(text);
	return len;
}

struct json *json_cut(const struct json *value, size_t max)
{
	struct measure measure = {.text = max / 2, .members = SIZE_MAX};
	struct json *copy;

	if (printed(value) <= max)
		return json_copy_of(value);
	for (copy = cut(value, &measure); printed(copy) > max && measure.members > 0; copy = cut(value, &measure)) {
		json_free(copy);
		if (measure.text / 4 >= TEXT_MIN)
			measure.text /= 4;
		else
			measure.members = measure.members == SIZE_MAX ? max / 64 : measure.members / 4;
	}
	return copy;
}

bool json_is_deeper(const struct json *value, int max)
{
	enum json_type type = json_type_of(value);
	struct json *member;
	void *it = NULL;

	if (type != JSON_IS_ARRAY && type != JSON_IS_OBJECT)
		return false;
	if (max == 0)
		return true;
	for (size_t i = 0; type == JSON_IS_ARRAY && i < json_count(value); i++)
		if (json_is_deeper(json_item(value, i), max - 1))
			return true;
	while (type == JSON_IS_OBJECT && json_next(value, &it, &member))
		if (json_is_deeper(member, max - 1))
			return true;
	return false;
}
