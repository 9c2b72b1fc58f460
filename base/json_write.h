/* json_write.h - JSON text straight into a buffer, byte for byte what json_print gives, without building a value. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_JSON_WRITE_H
#define BASE_JSON_WRITE_H

#include "base/buf.h"

#include <stddef.h>

/* Appends text as a JSON string with its quotes. Invalid UTF-8 and NUL become U+FFFD, as in json_new_text; what a terminal would obey or not show
 * in its place (DEL, C1, bidi controls, U+2028, zero width) is escaped. */
void json_write_text(struct buf *out, const char *text, size_t len);

/* The same for a text that utf8_valid has found valid and that has no NUL. */
void json_write_clean(struct buf *out, const char *text, size_t len);

/* Appends printed JSON with those characters escaped that json_write_text escapes and JSON itself does not ask for. Valid UTF-8. */
void json_write_hidden(struct buf *out, const char *json, size_t len);

#endif
