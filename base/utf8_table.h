/* utf8_table.h - sorted ranges of characters that use no column or two; private to utf8.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_UTF8_TABLE_H
#define BASE_UTF8_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct utf8_range {
	uint32_t first;
	uint32_t last;
};

extern const struct utf8_range utf8_zero[];
extern const size_t utf8_zero_count;
extern const struct utf8_range utf8_wide[];
extern const size_t utf8_wide_count;

#endif
