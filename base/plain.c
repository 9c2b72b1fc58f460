/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/plain.h"

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

enum { PLAIN, ESCAPE, SEQUENCE, STRING, STRING_ESCAPE };

/* Swallows escape sequences byte by byte. True when c is text. */
static bool is_text(int *state, unsigned char c)
{
	switch (*state) {
	case ESCAPE:
		*state = c == '[' ? SEQUENCE : strchr("]PX^_", c) && c ? STRING : strchr("()*+#%", c) && c ? ESCAPE : PLAIN;
		return false;
	case SEQUENCE:
		if (c >= 0x40 && c <= 0x7e)
			*state = PLAIN;
		return false;
	case STRING:
		if (c == 0x07)
			*state = PLAIN;
		else if (c == 0x1b)
			*state = STRING_ESCAPE;
		return false;
	case STRING_ESCAPE:
		*state = PLAIN;
		return false;
	default:
		if (c == 0x1b)
			*state = ESCAPE;
		return c != 0x1b;
	}
}

/* The last character goes: "a\bb" is a "b" on the screen. */
static void rub_out(struct buf *out)
{
	while (out->len > 0 && ((unsigned char)out->data[out->len - 1] & 0xc0) == 0x80)
		out->len--;
	if (out->len > 0 && out->data[out->len - 1] != '\n')
		out->len--;
}

void plain_text(struct buf *out, const char *bytes, size_t len)
{
	struct buf text = { 0 };
	int state = PLAIN;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (!is_text(&state, c))
			continue;
		if (c == '\b')
			rub_out(&text);
		else if (c == '\r')
			buf_puts(&text, i + 1 < len && bytes[i + 1] == '\n' ? "" : "\n");
		else
			buf_putc(&text, c == '\n' ? '\n' : c < 0x20 || c == 0x7f ? ' ' : (char)c);
	}
	utf8_scrub(out, buf_text(&text), text.len);
	buf_done(&text);
}
