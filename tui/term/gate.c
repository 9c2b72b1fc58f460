/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libvterm 0.1.4, as Debian 12 has it, trusts what it is fed: invalid UTF-8,
 * more than 16 arguments of a sequence and a huge repeat count write behind
 * buffers or never end. So nothing goes in that was not taken apart here:
 * characters that are valid, controls and sequences that are known, arguments
 * few and small. Titles, clipboards, queries of settings and all other strings
 * are dropped: nobody here has a use for them.
 */
#include "tui/term/gate.h"

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

#define ARGUMENTS 15
#define BAD "\357\277\275"	/* U+FFFD */

enum state {
	IN_TEXT,
	IN_ESCAPE,	/* behind ESC */
	IN_CHARSET,	/* behind ESC and one of ( ) * + #: one byte more */
	IN_CSI,
	IN_STRING,	/* OSC, DCS …: until BEL or ST */
	IN_STRING_END,	/* behind ESC in such a string */
};

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

/* How many digits a number of the sequence may have: 999 is more than any terminal has of anything but modes. */
static int digits_max(const struct gate *gate)
{
	return gate->len > 0 && gate->sequence[0] == '?' ? 4 : 3;
}

/* Parameters and what is between them and the final byte, copied as far as libvterm has room: false when it is odd. */
static bool put_arguments(const struct gate *gate, struct buf *out)
{
	int digits = 0, arguments = 1;
	bool behind = false;	/* an intermediate byte came */

	for (size_t i = 0; i < gate->len; i++) {
		char c = gate->sequence[i];
		bool digit = c >= '0' && c <= '9';

		if (c >= 0x20 && c <= 0x2f) {
			if (behind)
				return false;
			behind = true;
		} else if (behind || (c >= 0x3c && i > 0)) {
			return false;
		}
		digits = digit ? digits + 1 : 0;
		arguments += c == ';' || c == ':';
		if (digits > digits_max(gate))
			continue;
		if (arguments > ARGUMENTS)
			return true;
		buf_putc(out, c);
	}
	return true;
}

/* Modes that nobody needs here and that count rows and columns from elsewhere: origin (6), left and right margins (69). */
static bool is_odd_mode(const struct gate *gate)
{
	int number = 0;

	for (size_t i = 1; i <= gate->len && gate->sequence[0] == '?'; i++) {
		char c = i < gate->len ? gate->sequence[i] : ';';

		if (c < '0' || c > '9') {
			if (number == 6 || number == 69)
				return true;
			number = 0;
		} else if (number < 10000) {
			number = number * 10 + (c - '0');
		}
	}
	return false;
}

static size_t number_of(const struct gate *gate)
{
	size_t number = 0;

	for (size_t i = 0; i < gate->len && number < 10000; i++) {
		if (gate->sequence[i] < '0' || gate->sequence[i] > '9')
			return 0;
		number = number * 10 + (size_t)(gate->sequence[i] - '0');
	}
	return number ? number : 1;
}

/* "Repeat the last character" is done here: libvterm never ends when there was none. */
static void repeat(const struct gate *gate, int cols, struct buf *out)
{
	size_t count = number_of(gate), most = cols > 0 ? (size_t)cols : 1;

	for (size_t i = 0; gate->last_len && i < count && i < most; i++)
		buf_append(out, gate->last, gate->last_len);
}

static void end_csi(struct gate *gate, char final, int cols, struct buf *out)
{
	static const char known[] = "@ABCDEFGHIJKLMPSTXZ`acdefghjklmnpqrsu}~";
	size_t mark = out->len;

	gate->state = IN_TEXT;
	if (final == 'b' && gate->len < GATE_SEQUENCE) {
		repeat(gate, cols, out);
		return;
	}
	if (!is_one_of(final, known) || gate->len == GATE_SEQUENCE || ((final == 'h' || final == 'l') && is_odd_mode(gate)))
		return;
	buf_puts(out, "\033[");
	if (put_arguments(gate, out))
		buf_putc(out, final);
	else
		out->len = mark;
}

static void in_control(struct gate *gate, char c, struct buf *out)
{
	if (c == '\033')
		gate->state = IN_ESCAPE;
	else if (c == 0x18 || c == 0x1a)
		gate->state = IN_TEXT;
	else if (is_one_of(c, "\b\t\n\v\f\r\016\017"))
		buf_putc(out, c);
}

static void in_escape(struct gate *gate, char c, struct buf *out)
{
	gate->state = IN_TEXT;
	gate->len = 0;
	if (c == '[') {
		gate->state = IN_CSI;
	} else if (is_one_of(c, "]P^_X")) {
		gate->state = IN_STRING;
	} else if (is_one_of(c, "()*+#")) {
		gate->state = IN_CHARSET;
		gate->sequence[gate->len++] = c;
	} else if (c >= 0x20 && c <= 0x2f) {
		gate->state = IN_CHARSET;
	} else if (is_one_of(c, "78DEHMc=>no|}~")) {
		buf_putc(out, '\033');
		buf_putc(out, c);
	}
}

static void in_charset(struct gate *gate, char c, struct buf *out)
{
	gate->state = IN_TEXT;
	if (gate->len == 0 || !is_one_of(c, gate->sequence[0] == '#' ? "34568" : "0AB"))
		return;
	buf_putc(out, '\033');
	buf_putc(out, gate->sequence[0]);
	buf_putc(out, c);
}

static void in_csi(struct gate *gate, char c, int cols, struct buf *out)
{
	if (c >= 0x40 && c <= 0x7e)
		end_csi(gate, c, cols, out);
	else if (c == 0x7f)
		return;
	else if (gate->len < GATE_SEQUENCE)
		gate->sequence[gate->len++] = c;
}

static void in_string(struct gate *gate, char c)
{
	if (c == '\007' || c == 0x18 || c == 0x1a || (gate->state == IN_STRING_END && c == '\\'))
		gate->state = IN_TEXT;
	else
		gate->state = c == '\033' ? IN_STRING_END : IN_STRING;
}

static void ascii(struct gate *gate, char c, int cols, struct buf *out)
{
	if (gate->state == IN_STRING || gate->state == IN_STRING_END) {
		in_string(gate, c);
	} else if (c < 0x20) {
		in_control(gate, c, out);
	} else if (gate->state == IN_ESCAPE) {
		in_escape(gate, c, out);
	} else if (gate->state == IN_CHARSET) {
		in_charset(gate, c, out);
	} else if (gate->state == IN_CSI) {
		in_csi(gate, c, cols, out);
	} else if (c != 0x7f) {
		buf_putc(out, c);
		gate->last[0] = c;
		gate->last_len = 1;
	}
}

/* A character beyond ASCII: text, or the end of a sequence that it does not belong into. */
static void character(struct gate *gate, const char *bytes, size_t len, uint32_t cp, struct buf *out)
{
	if (gate->state == IN_STRING || gate->state == IN_STRING_END)
		return;
	gate->state = IN_TEXT;
	if ((cp == UTF8_BAD && len == 1) || (cp >= 0x80 && cp < 0xa0)) {
		buf_puts(out, BAD);
		return;
	}
	buf_append(out, bytes, len);
	if (utf8_width(cp) < 1)
		return;
	memcpy(gate->last, bytes, len);
	gate->last_len = len;
}

void gate_pass(struct gate *gate, const char *bytes, size_t len, int cols, struct buf *out)
{
	struct buf all = { 0 };
	size_t whole;

	buf_append(&all, gate->cut, gate->cut_len);
	buf_append(&all, bytes, len);
	whole = utf8_border(buf_text(&all), all.len);
	for (size_t i = 0; i < whole;) {
		uint32_t cp;
		size_t n = utf8_decode(all.data + i, whole - i, &cp);

		if (cp < 0x80)
			ascii(gate, all.data[i], cols, out);
		else
			character(gate, all.data + i, n, cp, out);
		i += n;
	}
	gate->cut_len = all.len - whole;
	memcpy(gate->cut, buf_text(&all) + whole, gate->cut_len);
	buf_done(&all);
}
