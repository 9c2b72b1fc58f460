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

/* Length of the character at text when a terminal would obey it, or show the line in another order or on two: DEL, C1, bidi controls, line and
 * paragraph separators, what has no width. 0 = it is none of them. Valid UTF-8. */
static size_t hidden(const char *text, size_t len, uint32_t *cp)
{
	unsigned char c = (unsigned char)text[0];
	size_t n;

	if (c != 0x7f && c != 0xc2 && c != 0xd8 && c != 0xe2 && c != 0xef)
		return 0;
	n = utf8_decode(text, len, cp);
	if ((*cp >= 0x7f && *cp < 0xa0) || *cp == 0x061c || (*cp >= 0x200b && *cp <= 0x200f) ||
	    (*cp >= 0x2028 && *cp <= 0x202e) || (*cp >= 0x2060 && *cp <= 0x206f) ||
	    *cp == 0xfeff || (*cp >= 0xfff9 && *cp <= 0xfffb))
		return n;
	return 0;
}

/* Nothing in the word needs a second look: no control character, quote, backslash, DEL, nothing beyond ASCII. */
static bool is_plain_word(const char *text)
{
	uint64_t word;

	memcpy(&word, text, sizeof(word));
	return !((word & EACH(0x80)) || ((word - EACH(0x20)) & ~word & EACH(0x80)) || has_zero(word ^ EACH('"')) || has_zero(word ^ EACH('\\')) || has_zero(word ^ EACH(0x7f)));
}

/* Bytes at the front that stand for themselves in a string. */
static size_t plain_part(const char *text, size_t len)
{
	uint32_t cp;
	size_t i = 0;

	while (i < len) {
		if (len - i >= sizeof(uint64_t) && is_plain_word(text + i)) {
			i += sizeof(uint64_t);
			continue;
		}
		for (size_t end = len - i < sizeof(uint64_t) ? len : i + sizeof(uint64_t); i < end; i++)
			if ((unsigned char)text[i] < 0x20 || text[i] == '"' || text[i] == '\\' || hidden(text + i, len - i, &cp))
				return i;
	}
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
	uint32_t cp;

	/* Most of the room that it takes, at once. */
	buf_room(out, len + len / 32 + 2);
	buf_putc(out, '"');
	for (size_t i = 0; i < len; i++) {
		size_t n = plain_part(text + i, len - i);

		buf_append(out, text + i, n);
		i += n;
		if (i >= len)
			break;
		n = hidden(text + i, len - i, &cp);
		if (n)
			buf_printf(out, "\\u%04X", cp);
		else
			put_escape(out, text[i]);
		i += n ? n - 1 : 0;
	}
	buf_putc(out, '"');
}

void json_write_hidden(struct buf *out, const char *json, size_t len)
{
	uint32_t cp;
	size_t done = 0;

	for (size_t i = 0, n; i < len; i++) {
		n = hidden(json + i, len - i, &cp);
		if (!n)
			continue;
		buf_append(out, json + done, i - done);
		buf_printf(out, "\\u%04X", cp);
		done = i + n;
		i = done - 1;
	}
	buf_append(out, json + done, len - done);
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
