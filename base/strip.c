/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/strip.h"

#include <string.h>

enum state {
	IN_TEXT,
	IN_ESCAPE,	/* behind ESC */
	IN_CHARSET,	/* behind ESC ( and the like: one byte more */
	IN_CSI,
	IN_STRING,	/* OSC, DCS …: until BEL or ST */
	IN_STRING_END,	/* behind ESC in such a string */
};

/* What moves or erases within the line, in words that a line understands (base/line.h). */
static void tell_line(const struct strip *strip, char final, struct buf *out)
{
	bool first = strip->len == 0 || (strip->len == 1 && (strip->params[0] == '0' || strip->params[0] == '1'));
	bool all = strip->len == 1 && strip->params[0] == '2';

	if (!strip->marks)
		return;
	if ((final == 'K' || final == 'J') && all)
		buf_putc(out, STRIP_ERASE);
	else if ((final == 'K' || final == 'J') && (strip->len == 0 || (strip->len == 1 && strip->params[0] == '0')))
		buf_putc(out, STRIP_ERASE_REST);
	else if (final == 'G' && first)
		buf_putc(out, '\r');
	else if (final == 'D' && first)
		buf_putc(out, '\b');
}

/* Full-screen programs switch to the other screen and back: ESC [ ? 47, 1047 or 1049 h, l. */
static void end_csi(struct strip *strip, char final, struct buf *out)
{
	static const char *const modes[] = { "47", "1047", "1049" };
	bool on = final == 'h';

	strip->state = IN_TEXT;
	tell_line(strip, final, out);
	if (strip->flat || (final != 'h' && final != 'l') || strip->len < 2 || strip->params[0] != '?' || on == strip->alternate)
		return;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strlen(modes[i]) != strip->len - 1 || memcmp(strip->params + 1, modes[i], strip->len - 1) != 0)
			continue;
		strip->alternate = on;
		if (on)
			buf_puts(out, "\r\n(a full-screen program)\r\n");
		return;
	}
}

static void in_text(struct strip *strip, char c, struct buf *out)
{
	if (c == '\033')
		strip->state = IN_ESCAPE;
	else if (!strip->alternate && (c == '\n' || c == '\r' || c == '\t' || (c == '\b' && strip->marks) || ((unsigned char)c >= 0x20 && c != 0x7f)))
		buf_putc(out, c);
}

static void in_escape(struct strip *strip, char c)
{
	strip->state = IN_TEXT;
	if (c == '[') {
		strip->state = IN_CSI;
		strip->len = 0;
	} else if (c == ']' || c == 'P' || c == '^' || c == '_' || c == 'X') {
		strip->state = IN_STRING;
	} else if (c == '\033') {
		strip->state = IN_ESCAPE;
	} else if (c >= 0x20 && c <= 0x2f) {
		strip->state = IN_CHARSET;
	}
}

static void in_csi(struct strip *strip, char c, struct buf *out)
{
	if (c >= 0x40 && c <= 0x7e) {
		end_csi(strip, c, out);
	} else if (c == '\033') {
		strip->state = IN_ESCAPE;
	} else if (c >= 0x20) {
		/* A longer one is none that is looked for. */
		if (strip->len < STRIP_PARAMS)
			strip->params[strip->len++] = c;
	} else if (c == 0x18 || c == 0x1a) {
		strip->state = IN_TEXT;
	}
}

static void in_string(struct strip *strip, char c)
{
	if (c == '\007' || c == 0x18 || c == 0x1a || (strip->state == IN_STRING_END && c == '\\'))
		strip->state = IN_TEXT;
	else
		strip->state = c == '\033' ? IN_STRING_END : IN_STRING;
}

void strip_feed(struct strip *strip, const char *bytes, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		char c = bytes[i];

		switch ((enum state)strip->state) {
		case IN_TEXT:
			in_text(strip, c, out);
			break;
		case IN_ESCAPE:
			in_escape(strip, c);
			break;
		case IN_CHARSET:
			strip->state = IN_TEXT;
			break;
		case IN_CSI:
			in_csi(strip, c, out);
			break;
		case IN_STRING: case IN_STRING_END:
			in_string(strip, c);
			break;
		}
	}
}
