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

static bool is_one_of(uint32_t c, const char *set)
{
	return c && c < 0x80 && strchr(set, (int)c);
}

/* How many digits a number of the sequence may have: 999 is more than any terminal has of anything but modes. */
static int digits_max(const struct escape_token *csi)
{
	return csi->len > 0 && csi->text[0] == '?' ? 4 : 3;
}

/* Parameters and what is between them and the final byte, copied as far as libvterm has room: false when it is odd. */
static bool put_arguments(const struct escape_token *csi, struct buf *out)
{
	int digits = 0, arguments = 1;
	bool behind = false;	/* an intermediate byte came */

	for (size_t i = 0; i < csi->len; i++) {
		char c = csi->text[i];
		bool digit = c >= '0' && c <= '9';

		if (c >= 0x20 && c <= 0x2f) {
			if (behind)
				return false;
			behind = true;
		}
		digits = digit ? digits + 1 : 0;
		arguments += c == ';' || c == ':';
		if (digits > digits_max(csi))
			continue;
		if (arguments > ARGUMENTS)
			return true;
		buf_putc(out, c);
	}
	return true;
}

/* Modes that nobody needs here and that count rows and columns from elsewhere: origin (6), left and right margins (69). */
static bool is_odd_mode(const struct escape_token *csi)
{
	int number = 0;

	for (size_t i = 1; i <= csi->len && csi->text[0] == '?'; i++) {
		char c = i < csi->len ? csi->text[i] : ';';

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

static size_t number_of(const struct escape_token *csi)
{
	size_t number = 0;

	for (size_t i = 0; i < csi->len && number < 10000; i++) {
		if (csi->text[i] < '0' || csi->text[i] > '9')
			return 0;
		number = number * 10 + (size_t)(csi->text[i] - '0');
	}
	return number ? number : 1;
}

/* "Repeat the last character" is done here: libvterm never ends when there was none. */
static void repeat(
	const struct gate *gate, const struct escape_token *csi, int cols, struct buf *out)
{
	size_t count = number_of(csi), most = cols > 0 ? (size_t)cols : 1;

	for (size_t i = 0; gate->last_len && i < count && i < most; i++)
		buf_append(out, gate->last, gate->last_len);
}

static void put_csi(
	const struct gate *gate, const struct escape_token *csi, int cols, struct buf *out)
{
	static const char known[] = "@ABCDEFGHIJKLMPSTXZ`acdefghjklmnpqrsu}~";
	bool mode = csi->code == 'h' || csi->code == 'l';
	size_t mark = out->len;

	if (csi->odd)
		return;
	if (csi->code == 'b') {
		repeat(gate, csi, cols, out);
		return;
	}
	if (!is_one_of(csi->code, known) || (mode && is_odd_mode(csi)))
		return;
	buf_puts(out, "\033[");
	if (put_arguments(csi, out))
		buf_putc(out, (char)csi->code);
	else
		buf_cut(out, mark);
}

/* Character sets, lines of double size, and what stands alone behind ESC. */
static void put_short(const struct escape_token *token, struct buf *out)
{
	char kind = token->len == 1 ? token->text[0] : '\0';
	const char *known = token->len == 0 ? "78DEHMc=>no|}~"
		: kind == '#' ? "34568"
		: is_one_of((unsigned char)kind, "()*+") ? "0AB" : "";

	if (!is_one_of(token->code, known))
		return;
	buf_putc(out, '\033');
	if (kind)
		buf_putc(out, kind);
	buf_putc(out, (char)token->code);
}

/* What a repetition would repeat: the last character of the text that takes room. */
static void keep_last(struct gate *gate, const struct escape_token *text)
{
	uint32_t cp;

	for (size_t end = text->len, at; end > 0; end = at) {
		at = end - 1;
		while (at > 0 && ((unsigned char)text->text[at] & 0xc0) == 0x80)
			at--;
		utf8_decode(text->text + at, end - at, &cp);
		if (utf8_width(cp) < 1)
			continue;
		memcpy(gate->last, text->text + at, end - at);
		gate->last_len = end - at;
		return;
	}
}

static void put(struct gate *gate, const struct escape_token *token, int cols, struct buf *out)
{
	switch (token->kind) {
	case ESCAPE_TEXT:
		buf_append(out, token->text, token->len);
		keep_last(gate, token);
		break;
	case ESCAPE_INVALID:
		buf_puts(out, BAD);
		break;
	case ESCAPE_CONTROL:
		if (token->code > 0x7f)
			buf_puts(out, BAD);
		else if (is_one_of(token->code, "\b\t\n\v\f\r\016\017"))
			buf_putc(out, (char)token->code);
		break;
	case ESCAPE_SHORT:
		put_short(token, out);
		break;
	case ESCAPE_CSI:
		put_csi(gate, token, cols, out);
		break;
	case ESCAPE_STRING:
		break;
	}
}

void gate_pass(struct gate *gate, const char *bytes, size_t len, int cols, struct buf *out)
{
	struct escape_token token;

	while (escape_next(&gate->escape, &bytes, &len, &token))
		put(gate, &token, cols, out);
}
