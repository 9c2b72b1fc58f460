/* json_read.h - reading JSON values; comes with json.h. What is missing or of another type is NULL or the caller's fallback. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_JSON_READ_H
#define BASE_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;	/* a JSON value, reference-counted inside; each struct json * from _new/_parse/_copy is owned by the caller: json_free */

enum json_type { JSON_IS_NULL, JSON_IS_BOOL, JSON_IS_INT, JSON_IS_REAL, JSON_IS_TEXT, JSON_IS_ARRAY, JSON_IS_OBJECT };

/* Type of the value; NULL is JSON_IS_NULL. */
enum json_type json_type_of(const struct json *value);

/* Borrowed member or NULL (also when object is NULL or no object). */
struct json *json_at(const struct json *object, const char *key);

/* Borrowed element or NULL. */
struct json *json_item(const struct json *array, size_t i);

/* Elements of an array, members of an object, else 0. */
size_t json_count(const struct json *value);

/* Member as text / int / bool, fallback when it is missing or of another type. Text is borrowed until the object changes. */
const char *json_text(const struct json *object, const char *key, const char *fallback);
int64_t json_int(const struct json *object, const char *key, int64_t fallback);
bool json_bool(const struct json *object, const char *key, bool fallback);

/* The value itself as text (NULL when it is none), integer, real. */
const char *json_as_text(const struct json *value);
size_t json_text_bytes(const struct json *value);	/* length of that text, which may hold zero bytes; 0 when it is none */
int64_t json_as_int(const struct json *value, int64_t fallback);
double json_as_real(const struct json *value, double fallback);
bool json_as_bool(const struct json *value, bool fallback);

/* Walks an object in key order of insertion: returns the next key after *it (start with NULL) and its value, NULL at the end. Borrowed. */
const char *json_next(const struct json *object, void **it, struct json **value);

#endif
