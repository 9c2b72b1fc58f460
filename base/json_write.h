/* json_write.h - JSON text straight into a buffer, byte for byte what json_print gives, without building a value. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_JSON_WRITE_H
#define BASE_JSON_WRITE_H

#include "base/buf.h"

#include <stddef.h>

/* Appends text as a JSON string with its quotes. Invalid UTF-8 and NUL become U+FFFD, as in json_new_text. */
void json_write_text(struct buf *out, const char *text, size_t len);

/* The same for a text that utf8_valid has found valid and that has no NUL. */
void json_write_clean(struct buf *out, const char *text, size_t len);

#endif
