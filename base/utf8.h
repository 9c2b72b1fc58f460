/* utf8.h - decode, measure and make safe what people and servers send; invalid input never fails. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_BAD 0xFFFDu

/* Decodes one character of text[0..len) into *cp; returns its length in bytes (≥ 1 when len > 0). Invalid, overlong, surrogate or cut bytes give UTF8_BAD and length 1. */
size_t utf8_decode(const char *text, size_t len, uint32_t *cp);

/* Writes cp into out (4 bytes room), returns the number of bytes; an invalid cp is written as UTF8_BAD. */
size_t utf8_encode(uint32_t cp, char out[4]);

/* Columns a terminal uses: 0 for combining, 1, or 2 for wide; -1 for control characters. Own tables (not the locale's). */
int utf8_width(uint32_t cp);

/* True when the character may be shown as itself: utf8_safe would leave it. */
bool utf8_is_safe(uint32_t cp);

/* True when something of the text can be seen: not blanks of any kind, control or invisible characters, lone
   combining marks, or bytes that are no text. NULL says nothing. */
bool utf8_says(const char *text);

/* Columns of len bytes of clean text (control characters count 0). */
int utf8_columns(const char *text, size_t len);

/* Number of bytes of text that fit in columns columns, never cutting a character. *used (may be NULL) gets the columns. */
size_t utf8_fit(const char *text, size_t len, int columns, int *used);

/* The largest n ≤ len so that text[0..n) does not end in the middle of a character. For cutting text to a size. */
size_t utf8_border(const char *text, size_t len);

/* True when all len bytes are valid UTF-8 (NUL allowed). */
bool utf8_valid(const char *text, size_t len);

/* Appends text as valid UTF-8: each invalid byte becomes U+FFFD; NUL becomes U+FFFD too, so that JSON and C strings can hold it. Nothing else changes. */
void utf8_scrub(struct buf *out, const char *text, size_t len);

/* Appends text safe to show on any terminal: C0 and DEL as ^X, ESC as ^[, C1 as <9b>, bidi controls, zero-width, ZWJ, variation selectors and
 * unassigned private characters as <U+202E>, invalid bytes as <ff>; tab and newline stay when keep_lines, else become ^I and ^J. */
void utf8_safe(struct buf *out, const char *text, size_t len, bool keep_lines);

#endif
