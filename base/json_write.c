/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json_write.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

#define EACH(byte) ((uint64_t)(byte) * UINT64_C(0x0101010101010101))

/* Some byte of word is 0. */
static bool has_zero(uint64_t word)
{
	return ((word - EACH(0x01)) & ~word & EACH(0x80)) != 0;
}

/* Bytes at the front that stand for themselves in a string. */
static size_t plain_part(const char *text, size_t len)
{
	uint64_t word;
	size_t i = 0;

	for (; len - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, text + i, sizeof(word));
		/* A control character, a quote, a backslash: exactly when there is one. */
		if (((word - EACH(0x20)) & ~word & EACH(0x80)) || has_zero(word ^ EACH('"')) || has_zero(word ^ EACH('\\')))
			break;
	}
	while (i < len && (unsigned char)text[i] >= 0x20 && text[i] != '"' && text[i] != '\\')
		i++;
	return i;
}

static void put_escape(struct buf *out, char c)
{
	static const char named[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
	const char *at = strchr(named, c);

	if (at) {
		buf_putc(out, '\\');
		buf_putc(out, letters[at - named]);
	} else {
		buf_printf(out, "\\u%04X", (unsigned)(unsigned char)c);
	}
}

void json_write_clean(struct buf *out, const char *text, size_t len)
{
	/* Most of the room that it takes, at once. */
	buf_room(out, len + len / 32 + 2);
	buf_putc(out, '"');
	for (size_t i = 0; i < len; i++) {
		size_t n = plain_part(text + i, len - i);

		buf_append(out, text + i, n);
		i += n;
		if (i < len)
			put_escape(out, text[i]);
	}
	buf_putc(out, '"');
}

void json_write_text(struct buf *out, const char *text, size_t len)
{
	struct buf clean = {0};

	if (len == 0 || (!memchr(text, '\0', len) && utf8_valid(text, len))) {
		json_write_clean(out, text, len);
		return;
	}
	utf8_scrub(&clean, text, len);
	json_write_clean(out, buf_text(&clean), clean.len);
	buf_done(&clean);
}
