/* str.h - small text helpers on C strings; no allocation unless said. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Equal; NULL equals only NULL. */
bool str_is(const char *a, const char *b);

/* text starts with prefix. */
bool str_starts(const char *text, const char *prefix);

/* text ends with suffix. */
bool str_ends(const char *text, const char *suffix);

/* Whole text as a decimal integer within [min, max]; false leaves *out alone. No blanks, no overflow. */
bool str_to_int(const char *text, int64_t min, int64_t max, int64_t *out);

/* A duration "90s" "10m" "6h" "2d" "500ms" or a plain number of seconds, in microseconds; false when it is none. */
bool str_to_duration(const char *text, int64_t *out_us);

/* Damerau-Levenshtein distance, cut at 99. */
int str_distance(const char *a, const char *b);

/* The element of names (NULL-terminated) nearest to text, NULL when none is near enough to suggest. Borrowed from names. */
const char *str_nearest(const char *text, const char *const *names);

/* Copies into dst[size], always terminated, cut when too long; true when all fitted. */
bool str_copy(char *dst, size_t size, const char *src);

/* Appends text quoted for a POSIX shell, as one word: 'it'\''s'. */
void str_shell_quote(struct buf *out, const char *text);

/* Appends len bytes as lower-case hex. */
void str_hex(struct buf *out, const void *bytes, size_t len);

/* Appends base64 with padding (RFC 4648). */
void str_base64(struct buf *out, const void *bytes, size_t len);

/* Decodes base64 (padding needed, no blanks) and appends; false when it is none (out unchanged). */
bool str_unbase64(struct buf *out, const char *text, size_t len);

#endif
