/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * struct json is never defined: a struct json * is a jansson json_t * under
 * another name, so that no other file can use jansson by accident.
 */
#include "base/json.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"


/* jansson must never see NULL from malloc. Before main, as it must come before every other use and workers have threads. */
static void __attribute__((constructor)) use_own_memory(void)
{
	json_set_alloc_funcs(mem_alloc, mem_free);
}

static json_t *inner(const struct json *value)
{
	/* jansson counts references in the value, so it takes no const. */
	union {
		const struct json *in;
		json_t *out;
	} cast = { .in = value };

	return cast.out;
}

static struct json *outer(json_t *value)
{
	return (struct json *)value;
}

/* Text as valid UTF-8 without NUL; text itself when it is that already, else scrubbed into room. *len is updated. */
static const char *clean_text(struct buf *room, const char *text, size_t *len)
{
	if (!memchr(text, '\0', *len) && utf8_valid(text, *len))
		return text;
	utf8_scrub(room, text, *len);
	*len = room->len;
	return buf_text(room);
}

struct json *json_new_object(void)
{
	return outer(json_object());
}

struct json *json_new_array(void)
{
	return outer(json_array());
}

struct json *json_new_text(const char *text, size_t len)
{
	struct buf room = {0};
	const char *clean = len > 0 ? clean_text(&room, text, &len) : "";
	json_t *value = json_stringn_nocheck(clean, len);

	buf_done(&room);
	return outer(value);
}

struct json *json_new_int(int64_t value)
{
	return outer(json_integer(value));
}

struct json *json_new_real(double value)
{
	/* JSON has no infinity and no NaN. */
	return outer(isfinite(value) ? json_real(value) : json_null());
}

struct json *json_new_bool(bool value)
{
	return outer(json_boolean(value));
}

struct json *json_new_null(void)
{
	return outer(json_null());
}

/* Deepest nesting of brackets outside strings. Cut at LIMIT_JSON_DEPTH + 1. */
static int depth_of(const char *text, size_t len)
{
	bool quoted = false;
	int depth = 0;

	for (size_t i = 0; i < len && depth <= LIMIT_JSON_DEPTH; i++) {
		char c = text[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '[' || c == '{'))
			depth++;
		else if (!quoted && (c == ']' || c == '}'))
			depth--;
	}
	return depth;
}

struct json *json_parse(const char *text, size_t len, struct err *e)
{
	json_error_t where;
	json_t *value;

	/* jansson recurses; the check comes first so that its stack is bounded. */
	if (depth_of(text, len) > LIMIT_JSON_DEPTH) {
		err_set(e, ERR_CORRUPT, "JSON: nested deeper than %d", LIMIT_JSON_DEPTH);
		return NULL;
	}
	value = json_loadb(len > 0 ? text : "", len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
	if (!value)
		err_set(e, ERR_CORRUPT, "JSON: line %d column %d: %s", where.line, where.column,
			where.text);
	return outer(value);
}

char *json_print(const struct json *value)
{
	/* First bytes of what json_write_hidden escapes. */
	static const char first[] = "\x7f\xc2\xd8\xe2\xef";
	char *text = NULL;
	struct buf escaped = {0};

	if (value)
		text = json_dumps(inner(value), JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	if (!text)
		return mem_strdup("null");
	if (!text[strcspn(text, first)])
		return text;
	json_write_hidden(&escaped, text, strlen(text));
	mem_free(text);
	return buf_take(&escaped);
}

struct json *json_copy_of(const struct json *value)
{
	return outer(json_deep_copy(inner(value)));
}

void json_free(struct json *value)
{
	json_decref(inner(value));
}

enum json_type json_type_of(const struct json *value)
{
	if (!value)
		return JSON_IS_NULL;
	switch (json_typeof(inner(value))) {
	case JSON_OBJECT:
		return JSON_IS_OBJECT;
	case JSON_ARRAY:
		return JSON_IS_ARRAY;
	case JSON_STRING:
		return JSON_IS_TEXT;
	case JSON_INTEGER:
		return JSON_IS_INT;
	case JSON_REAL:
		return JSON_IS_REAL;
	case JSON_TRUE:
	case JSON_FALSE:
		return JSON_IS_BOOL;
	case JSON_NULL:
		break;
	}
	return JSON_IS_NULL;
}

bool json_same(const struct json *a, const struct json *b)
{
	bool a_null = json_type_of(a) == JSON_IS_NULL;
	bool b_null = json_type_of(b) == JSON_IS_NULL;

	if (a_null || b_null)
		return a_null && b_null;
	return json_equal(inner(a), inner(b)) == 1;
}

void json_put(struct json *object, const char *key, struct json *value)
{
	struct buf room = {0};
	size_t len = strlen(key);
	const char *clean = clean_text(&room, key, &len);

	json_object_set_new_nocheck(inner(object), clean, inner(value));
	buf_done(&room);
}

void json_set_text(struct json *object, const char *key, const char *text)
{
	if (text)
		json_put(object, key, json_new_text(text, strlen(text)));
	else
		json_object_del(inner(object), key);
}

void json_set_int(struct json *object, const char *key, int64_t value)
{
	json_put(object, key, json_new_int(value));
}

void json_set_bool(struct json *object, const char *key, bool value)
{
	json_put(object, key, json_new_bool(value));
}

void json_add(struct json *array, struct json *value)
{
	json_array_append_new(inner(array), inner(value));
}

struct json *json_at(const struct json *object, const char *key)
{
	return outer(json_object_get(inner(object), key));
}

struct json *json_item(const struct json *array, size_t i)
{
	return outer(json_array_get(inner(array), i));
}

size_t json_count(const struct json *value)
{
	if (json_is_array(inner(value)))
		return json_array_size(inner(value));
	return json_object_size(inner(value));
}

const char *json_text(const struct json *object, const char *key, const char *fallback)
{
	const char *text = json_as_text(json_at(object, key));

	return text ? text : fallback;
}

int64_t json_int(const struct json *object, const char *key, int64_t fallback)
{
	return json_as_int(json_at(object, key), fallback);
}

bool json_bool(const struct json *object, const char *key, bool fallback)
{
	return json_as_bool(json_at(object, key), fallback);
}

const char *json_as_text(const struct json *value)
{
	return json_string_value(inner(value));
}

size_t json_text_bytes(const struct json *value)
{
	return json_string_length(inner(value));
}

int64_t json_as_int(const struct json *value, int64_t fallback)
{
	return json_is_integer(inner(value)) ? json_integer_value(inner(value)) : fallback;
}

double json_as_real(const struct json *value, double fallback)
{
	return json_is_number(inner(value)) ? json_number_value(inner(value)) : fallback;
}

bool json_as_bool(const struct json *value, bool fallback)
{
	return json_is_boolean(inner(value)) ? json_is_true(inner(value)) : fallback;
}

const char *json_next(const struct json *object, void **it, struct json **value)
{
	json_t *in = inner(object);

	*it = *it ? json_object_iter_next(in, *it) : json_object_iter(in);
	*value = outer(json_object_iter_value(*it));
	return json_object_iter_key(*it);
}
