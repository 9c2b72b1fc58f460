/* json.h - JSON values: making, parsing, printing; jansson is inside and nowhere else. Text put in is scrubbed to valid UTF-8 first. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* long: a setter and a getter for each type of JSON */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/err.h"
#include "base/json_read.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* Deep equality. */
bool json_same(const struct json *a, const struct json *b);

/* Object setters; the key is replaced when there. json_put takes value (also on failure). json_set_text ignores NULL text (removes the key). */
void json_put(struct json *object, const char *key, struct json *value);
void json_set_text(struct json *object, const char *key, const char *text);
void json_set_int(struct json *object, const char *key, int64_t value);
void json_set_bool(struct json *object, const char *key, bool value);

/* Appends to an array; takes value. */
void json_add(struct json *array, struct json *value);

#endif
