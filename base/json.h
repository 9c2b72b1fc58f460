/* json.h - JSON values; jansson is inside and nowhere else. Text put in is scrubbed to valid UTF-8 first. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;	/* a JSON value, reference-counted inside; each struct json * from _new/_parse/_copy is owned by the caller: json_free */

enum json_type { JSON_IS_NULL, JSON_IS_BOOL, JSON_IS_INT, JSON_IS_REAL, JSON_IS_TEXT, JSON_IS_ARRAY, JSON_IS_OBJECT };

/* Empty object / array / text of len bytes (scrubbed) / integer / real / boolean / null. Caller owns. */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_text(const char *text, size_t len);
struct json *json_new_int(int64_t value);
struct json *json_new_real(double value);
struct json *json_new_bool(bool value);
struct json *json_new_null(void);

/* Parses one value (duplicate keys refused, depth ≤ 64, any top-level value); NULL with ERR_CORRUPT saying where. Caller owns. */
struct json *json_parse(const char *text, size_t len, struct err *e);

/* Compact text with sorted keys: equal values give equal bytes. Caller owns (mem_free). NULL value gives "null". */
char *json_print(const struct json *value);

/* Deep copy. Caller owns. NULL gives NULL. */
struct json *json_copy_of(const struct json *value);

/* Frees; NULL is fine. */
void json_free(struct json *value);

/* Type of the value; NULL is JSON_IS_NULL. */
enum json_type json_type_of(const struct json *value);

/* Deep equality. */
bool json_same(const struct json *a, const struct json *b);

/* Object setters; the key is replaced when there. json_put takes value (also on failure). json_set_text ignores NULL text (removes the key). */
void json_put(struct json *object, const char *key, struct json *value);
void json_set_text(struct json *object, const char *key, const char *text);
void json_set_int(struct json *object, const char *key, int64_t value);
void json_set_bool(struct json *object, const char *key, bool value);

/* Appends to an array; takes value. */
void json_add(struct json *array, struct json *value);

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
int64_t json_as_int(const struct json *value, int64_t fallback);
double json_as_real(const struct json *value, double fallback);
bool json_as_bool(const struct json *value, bool fallback);

/* Walks an object in key order of insertion: returns the next key after *it (start with NULL) and its value, NULL at the end. Borrowed. */
const char *json_next(const struct json *object, void **it, struct json **value);

#endif
