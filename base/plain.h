/* plain.h - the text in what programs print to a terminal, for searching, comparing and reading elsewhere. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_PLAIN_H
#define BASE_PLAIN_H

#include "base/buf.h"

#include <stddef.h>

/* Appends the text of len bytes as valid UTF-8: escape sequences are left out, what a backspace takes
 * back is gone, a carriage return begins a line, other control characters become blanks. Sequences
 * that are cut off at the end are left out. Not safe to show: bidi controls stay. */
void plain_text(struct buf *out, const char *bytes, size_t len);

#endif
