/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "base/redact_int.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/secret.h"
#include "base/str.h"
#include "base/utf8.h"

#define WRAPPED_EACH 240	/* base64 of at most so many characters is looked for with its first line break anywhere: see WRAP_EACH */
#define DUMPED_EACH 64		/* and dumps of at most so many bytes */
#define RARE_MAX 4096		/* values of at most so many bytes, a long key, are looked for in forms upon forms and in dumps */

struct forms {
	redact_form_fn *fn;
	void *arg;
	const char *value;	/* borrowed: forms equal to it are told once */
	size_t len;
	struct buf room;	/* owned; holds secrets, wiped */
};

/* Hands on what is in room and empties it. Shorter forms would mask innocent text. */
static void emit(struct forms *forms)
{
	if (forms->room.len >= SECRET_MIN && (forms->room.len != forms->len || memcmp(forms->room.data, forms->value, forms->len) != 0))
		forms->fn(forms->arg, forms->room.data, forms->room.len);
	buf_clear(&forms->room);
}

static void wipe(struct buf *buf)
{
	if (buf->data)
		explicit_bzero(buf->data, buf->cap);
	buf_done(buf);
}

/* Makes room for what a text of len bytes becomes at most: no reallocation leaves a copy of a secret behind. */
static void make_room(struct buf *buf, size_t len)
{
	size_t need = REDACT_GROWTH * len + 256;

	if (buf->cap < need) {
		wipe(buf);
		buf_room(buf, need);
	}
	buf_clear(buf);
}

/* ---- dumps ---- */

/* Bytes as numbers: what stands before each and between two, and where a line ends, after how many bytes and with what (width 0 = never). */
struct numbers {
	const char *before, *between;
	size_t width;
	const char *eol;	/* in the place of between */
	char kind;		/* 'x', 'X' or 'o' */
	bool whole;		/* lines are counted from the value's first byte only */
};

static void numbers_form(struct forms *forms, const char *value, size_t len, const struct numbers *how, size_t first)
{
	for (size_t i = 0; i < len; i++) {
		unsigned c = (unsigned char)value[i];

		if (i > 0 && how->width && i >= first && (i - first) % how->width == 0)
			buf_puts(&forms->room, how->eol);
		else if (i > 0)
			buf_puts(&forms->room, how->between);
		buf_puts(&forms->room, how->before);
		buf_printf(&forms->room, how->kind == 'o' ? "%03o" : how->kind == 'x' ? "%02x" : "%02X", c);
	}
	emit(forms);
}

/* As hexdump -C (two blocks of eight) and as xxd (pairs) show it when nothing stands before it, to the last number or with the text beside it. */
static void dump_form(struct forms *forms, const char *value, size_t len, bool pairs, bool beside)
{
	for (size_t line = 0; line < len; line += 16) {
		size_t n = len - line < 16 ? len - line : 16, begin, width = pairs ? 41 : 50;

		if (line > 0)
			buf_printf(&forms->room, pairs ? "%08zx: " : "%08zx  ", line);
		begin = forms->room.len;
		for (size_t i = 0; i < n; i++) {
			if (i > 0 && (!pairs || i % 2 == 0))
				buf_puts(&forms->room, !pairs && i == 8 ? "  " : " ");
			buf_printf(&forms->room, "%02x", (unsigned)(unsigned char)value[line + i]);
		}
		if (line + n == len && !beside)
			break;
		while (forms->room.len < begin + width)
			buf_putc(&forms->room, ' ');
		buf_puts(&forms->room, pairs ? "" : "|");
		for (size_t i = 0; i < n; i++)
			buf_putc(&forms->room, (unsigned char)value[line + i] < 0x20 || (unsigned char)value[line + i] >= 0x7f ? '.' : value[line + i]);
		buf_puts(&forms->room, pairs ? "\n" : "|\n");
	}
	/* The last end of line is not the value's. */
	if (beside)
		forms->room.len -= 1;
	emit(forms);
}

/* As od shows it, with addresses in front of its lines or without: bytes (-tx1) or characters (-c). */
static void od_form(struct forms *forms, const char *value, size_t len, bool addresses, bool characters)
{
	static const char named[] = "\a\b\t\n\v\f\r", letters[] = "abtnvfr";

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];
		const char *at = c ? strchr(named, c) : NULL;

		if (i > 0 && i % 16 == 0 && addresses)
			buf_printf(&forms->room, "\n%07zo", i);
		else if (i > 0 && i % 16 == 0)
			buf_puts(&forms->room, "\n");
		if (!characters)
			buf_printf(&forms->room, i ? " %02x" : "%02x", c);
		else if (at)
			buf_printf(&forms->room, i ? "  \\%c" : "\\%c", letters[at - named]);
		else if (c == 0)
			buf_puts(&forms->room, i ? "  \\0" : "\\0");
		else if (c < 0x20 || c >= 0x7f)
			buf_printf(&forms->room, i ? " %03o" : "%03o", c);
		else
			buf_printf(&forms->room, i ? "   %c" : "%c", c);
	}
	emit(forms);
}

static void dump_forms(struct forms *forms, const char *value, size_t len)
{
	/* xxd -p; od -An -tx1, also wrapped, and xxd -i; -b; fingerprints; and escapes. */
	static const struct numbers ways[] = {
		{ "", "", 30, "\n", 'x', false }, { "", " ", 16, "\n ", 'x', false }, { "", " ", 0, NULL, 'x', true }, { "", " ", 0, NULL, 'X', true },
		{ "0x", ", ", 12, ",\n  ", 'x', true }, { "0x", ", ", 0, NULL, 'x', true }, { "0x", " ", 0, NULL, 'x', true }, { "", " ", 16, "\n ", 'o', true },
		{ "", ":", 0, NULL, 'x', true }, { "", ":", 0, NULL, 'X', true },
		{ "\\x", "", 0, NULL, 'x', true }, { "\\x", "", 0, NULL, 'X', true }, { "\\", "", 0, NULL, 'o', true },
	};
	struct buf ended = {0};

	for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
		size_t width = ways[w].width;

		for (size_t first = ways[w].whole || len > DUMPED_EACH ? width : 1; first <= width && (first < len || first == width); first++)
			numbers_form(forms, value, len, &ways[w], first);
	}
	/* With an end of line behind it, as echo writes one, the last line of a dump differs. */
	buf_room(&ended, len + 1);
	buf_append(&ended, value, len);
	buf_putc(&ended, '\n');
	for (int kind = 0; kind < 4; kind++) {
		dump_form(forms, value, len, kind & 1, kind & 2);
		dump_form(forms, ended.data, ended.len, kind & 1, true);
		od_form(forms, value, len, kind & 1, kind & 2);
	}
	wipe(&ended);
}

static void hex_forms(struct forms *forms, const char *value, size_t len)
{
	str_hex(&forms->room, value, len);
	emit(forms);
	for (size_t i = 0; i < len; i++)
		buf_printf(&forms->room, "%02X", (unsigned)(unsigned char)value[i]);
	emit(forms);
}

/* ---- base64 ---- */

/* The text with a line break behind its first characters, and then behind each width. */
static void wrapped_form(struct forms *forms, const char *text, size_t len, size_t first, size_t width, const char *eol)
{
	for (size_t i = 0; i < len; i++) {
		if (i >= first && (i - first) % width == 0)
			buf_puts(&forms->room, eol);
		buf_putc(&forms->room, text[i]);
	}
	emit(forms);
}

/* Where the lines of a base64 text end. */
enum wraps {
	WRAP_NOT,
	WRAP_ITSELF,	/* as when nothing else is encoded */
	WRAP_EACH,	/* anywhere, for something may stand before it; but a long text, a key, has at most two bytes before it: a quote */
};

/* The text, whose first characters belong to what stands before it, so that skipped are left out. Ruby's lines have 60. */
static void wrapped_forms(struct forms *forms, const char *text, size_t len, size_t skipped, enum wraps wraps)
{
	static const size_t widths[] = { 76, 64, 60 };

	for (size_t w = 0; w < sizeof(widths) / sizeof(widths[0]); w++) {
		size_t first = wraps == WRAP_EACH && len <= WRAPPED_EACH ? 1 : widths[w] - skipped;
		size_t last = wraps == WRAP_EACH && len <= WRAPPED_EACH ? widths[w] : first;

		for (; first <= last && first < len; first++) {
			wrapped_form(forms, text, len, first, widths[w], "\n");
			if (widths[w] != 60)
				wrapped_form(forms, text, len, first, widths[w], "\r\n");
		}
	}
}

/* The text with + and / as others. */
static void replaced_form(struct forms *forms, const char *text, size_t len, const char *plus, const char *slash)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '+' || text[i] == '/')
			buf_puts(&forms->room, text[i] == '+' ? plus : slash);
		else
			buf_putc(&forms->room, text[i]);
	}
	emit(forms);
}

/*
 * In a longer base64 text the secret may begin at the first, second or third
 * byte of a group of three. The characters that depend on no byte around it
 * are the same wherever it stands: those are registered.
 */
static void base64_forms(struct forms *forms, const char *value, size_t len, enum wraps wraps)
{
	struct buf shifted = {0};
	struct buf text = {0};

	buf_room(&shifted, len + 2);
	buf_room(&text, (len + 4) / 3 * 4);
	for (size_t shift = 0; shift < 3; shift++) {
		size_t first = (8 * shift + 5) / 6;
		size_t end = 8 * (shift + len) / 6;

		buf_clear(&shifted);
		buf_append(&shifted, "\0\0", shift);
		buf_append(&shifted, value, len);
		buf_clear(&text);
		str_base64(&text, shifted.data, shifted.len);
		buf_append(&forms->room, text.data + first, end - first);
		emit(forms);
		if (wraps == WRAP_EACH || (wraps == WRAP_ITSELF && shift == 0))
			wrapped_forms(forms, text.data + first, end - first, first, wraps);
		replaced_form(forms, text.data + first, end - first, "-", "_");
		replaced_form(forms, text.data + first, end - first, "%2B", "%2F");
		replaced_form(forms, text.data + first, end - first, "%2b", "%2f");
		replaced_form(forms, text.data + first, end - first, "+", "\\/");
	}
	wipe(&shifted);
	wipe(&text);
}

/* A base64 text (a value of a Kubernetes secret, say) that is encoded again; first by itself, also in lines, then wherever it stood. */
static void base64_twice(struct forms *forms, const char *value, size_t len)
{
	struct buf shifted = {0}, text = {0}, lines = {0};

	buf_room(&shifted, len + 2);
	buf_room(&text, (len + 4) / 3 * 4);
	make_room(&lines, len);
	for (size_t shift = 0; shift < 3; shift++) {
		size_t first = (8 * shift + 5) / 6, end = 8 * (shift + len) / 6;

		buf_clear(&shifted);
		buf_append(&shifted, "\0\0", shift);
		buf_append(&shifted, value, len);
		buf_clear(&text);
		str_base64(&text, shifted.data, shifted.len);
		base64_forms(forms, text.data + first, end - first, shift == 0 ? WRAP_ITSELF : WRAP_NOT);
		if (shift > 0 || text.len <= 76)
			continue;
		for (size_t i = 0; i < end; i++) {
			if (i > 0 && i % 76 == 0)
				buf_putc(&lines, '\n');
			buf_putc(&lines, text.data[i]);
		}
		base64_forms(forms, lines.data, lines.len, WRAP_ITSELF);
	}
	wipe(&shifted);
	wipe(&text);
	wipe(&lines);
}

/* ---- base32 ---- */

/* As base64_forms: the characters that depend on nothing before or behind it, at each of five places. */
static void base32_forms(struct forms *forms, const char *value, size_t len)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

	for (size_t shift = 0; shift < 5; shift++) {
		for (size_t c = (8 * shift + 4) / 5; c < 8 * (shift + len) / 5; c++) {
			size_t bit = 5 * c - 8 * shift, at = bit / 8;
			unsigned two = (unsigned)(unsigned char)value[at] << 8 | (at + 1 < len ? (unsigned char)value[at + 1] : 0);

			buf_putc(&forms->room, alphabet[two >> (11 - bit % 8) & 31]);
		}
		emit(forms);
	}
}

/* ---- UTF-16 ---- */

static void put_unit(struct buf *out, uint32_t unit, bool big)
{
	buf_putc(out, (char)(big ? unit >> 8 : unit & 0xff));
	buf_putc(out, (char)(big ? unit & 0xff : unit >> 8));
}

static void write_utf16(struct buf *out, const char *value, size_t len, bool big)
{
	uint32_t cp;

	for (size_t i = 0; i < len;) {
		i += utf8_decode(value + i, len - i, &cp);
		if (cp > 0xffff) {
			put_unit(out, 0xd800 + ((cp - 0x10000) >> 10), big);
			cp = 0xdc00 + ((cp - 0x10000) & 0x3ff);
		}
		put_unit(out, cp, big);
	}
}

/* As bytes, also in base64 (PowerShell's -EncodedCommand) and in hexadecimal. A zero at the end that a program leaves out is no matter. */
static void utf16_forms(struct forms *forms, const char *value, size_t len)
{
	struct buf text = {0};

	if (!utf8_valid(value, len))
		return;
	make_room(&text, len);
	for (int big = 0; big < 2; big++) {
		size_t first, n;

		buf_clear(&text);
		write_utf16(&text, value, len, big);
		first = text.data[0] == '\0';
		n = text.len - first - (text.data[text.len - 1] == '\0');
		buf_append(&forms->room, text.data + first, n);
		emit(forms);
		if (len > RARE_MAX)
			continue;
		hex_forms(forms, text.data + first, n);
		base64_forms(forms, text.data + first, n, WRAP_NOT);
	}
	wipe(&text);
}

/* ---- numbers upon letters ---- */

/* Base64 in hexadecimal, and hexadecimal in base64: what a tool makes of the other one's text. */
static void mixed_forms(struct forms *forms, const char *value, size_t len)
{
	struct buf text = {0};

	make_room(&text, len);
	for (int capital = 0; capital < 2; capital++) {
		buf_clear(&text);
		for (size_t i = 0; i < len; i++)
			buf_printf(&text, capital ? "%02X" : "%02x", (unsigned)(unsigned char)value[i]);
		base64_forms(forms, text.data, text.len, WRAP_NOT);
	}
	buf_clear(&text);
	str_base64(&text, value, len);
	hex_forms(forms, text.data, 8 * len / 6);
	base32_forms(forms, text.data, 8 * len / 6);
	wipe(&text);
}

/* ---- as programs write it ---- */

static void code_forms(struct forms *forms, const char *value, size_t len, const struct redact_code *codes, size_t count)
{
	make_room(&forms->room, len);
	for (size_t i = 0; i < count; i++) {
		codes[i].write(&forms->room, value, len, codes[i].how);
		emit(forms);
	}
}

static bool is_same(const struct buf *buf, const char *value, size_t len)
{
	return buf->len == len && memcmp(buf_text(buf), value, len) == 0;
}

/* One program's text in another's: JSON in a log in JSON, in a shell's quotes, in a URL, in a page. What only one of them changes is a form of that one. */
static void chain_forms(struct forms *forms, const char *value, size_t len)
{
	static const unsigned char chains[][2] = {
		{ CODE_JSON, CODE_JSON }, { CODE_JSON, CODE_JSON_ASCII }, { CODE_JSON, CODE_JSON_GO }, { CODE_JSON, CODE_JSON_PHP }, { CODE_JSON_ASCII, CODE_JSON },
		{ CODE_JSON_PHP, CODE_JSON }, { CODE_JSON_PHP, CODE_JSON_PHP }, { CODE_JSON_GO, CODE_JSON },
		{ CODE_JSON, CODE_QUOTED }, { CODE_JSON, CODE_QUOTED_PYTHON }, { CODE_JSON, CODE_BASH }, { CODE_JSON, CODE_DOUBLE },
		{ CODE_JSON_ASCII, CODE_QUOTED }, { CODE_JSON_ASCII, CODE_QUOTED_PYTHON }, { CODE_JSON_ASCII, CODE_DOUBLE },
		{ CODE_JSON, CODE_URL }, { CODE_JSON, CODE_URL_JS }, { CODE_JSON, CODE_URL_FORM }, { CODE_JSON, CODE_URL_PLUS }, { CODE_JSON_ASCII, CODE_URL }, { CODE_JSON_ASCII, CODE_URL_PLUS },
		{ CODE_JSON, CODE_HTML }, { CODE_JSON, CODE_HTML_PYTHON }, { CODE_JSON, CODE_HTML_QUOTE }, { CODE_JSON, CODE_RUBY }, { CODE_JSON, CODE_PYTHON }, { CODE_JSON, CODE_GO },
		{ CODE_JSON, CODE_URL_PATH }, { CODE_JSON, CODE_SHELLWORDS }, { CODE_JSON, CODE_BACKSLASH }, { CODE_PYTHON, CODE_JSON_ASCII },
		{ CODE_QUOTED, CODE_JSON_ASCII }, { CODE_QUOTED_PYTHON, CODE_JSON_ASCII },
		{ CODE_JSON_ASCII, CODE_PYTHON }, { CODE_JSON_ASCII, CODE_URL_PATH }, { CODE_JSON_ASCII, CODE_HTML }, { CODE_JSON_ASCII, CODE_HTML_PYTHON }, { CODE_JSON_ASCII, CODE_HTML_QUOTE },
		{ CODE_QUOTED, CODE_JSON }, { CODE_QUOTED, CODE_JSON_GO }, { CODE_QUOTED, CODE_QUOTED }, { CODE_QUOTED, CODE_BASH }, { CODE_QUOTED, CODE_DOUBLE }, { CODE_QUOTED, CODE_QUOTED_PYTHON },
		{ CODE_QUOTED_PYTHON, CODE_JSON }, { CODE_QUOTED_PYTHON, CODE_QUOTED_PYTHON }, { CODE_QUOTED_PYTHON, CODE_QUOTED }, { CODE_QUOTED_PYTHON, CODE_BASH }, { CODE_QUOTED_PYTHON, CODE_DOUBLE },
		{ CODE_BASH, CODE_JSON }, { CODE_BASH, CODE_QUOTED }, { CODE_BASH, CODE_BASH }, { CODE_DOUBLE, CODE_JSON }, { CODE_DOUBLE, CODE_QUOTED }, { CODE_DOUBLE, CODE_QUOTED_PYTHON },
		{ CODE_DOUBLE, CODE_DOUBLE },
		{ CODE_URL, CODE_URL }, { CODE_URL_PATH, CODE_URL_PATH }, { CODE_URL_PATH, CODE_URL }, { CODE_URL_JS, CODE_URL_JS }, { CODE_URL_FORM, CODE_URL_FORM }, { CODE_URL_PLUS, CODE_URL_PLUS },
		{ CODE_URL_PLUS, CODE_URL },
		{ CODE_HTML, CODE_HTML }, { CODE_HTML_PYTHON, CODE_HTML_PYTHON }, { CODE_HTML_QUOTE, CODE_HTML_QUOTE }, { CODE_HTML, CODE_JSON }, { CODE_HTML, CODE_JSON_GO }, { CODE_HTML_PYTHON, CODE_JSON },
		{ CODE_RUBY, CODE_JSON }, { CODE_RUBY, CODE_JSON_ASCII }, { CODE_RUBY, CODE_RUBY }, { CODE_RUBY, CODE_HTML }, { CODE_PYTHON, CODE_JSON }, { CODE_PYTHON, CODE_PYTHON },
		{ CODE_GO, CODE_JSON }, { CODE_GO, CODE_GO },
	};
	struct buf once = {0};
	unsigned last = CODE_OTHERS;

	make_room(&once, len);
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		const struct redact_code *first = &redact_codes[chains[i][0]], *second = &redact_codes[chains[i][1]];

		if (chains[i][0] != last) {
			buf_clear(&once);
			first->write(&once, value, len, first->how);
			last = chains[i][0];
		}
		if (is_same(&once, value, len))
			continue;
		make_room(&forms->room, once.len);
		second->write(&forms->room, once.data, once.len, second->how);
		emit(forms);
	}
	for (size_t i = CODE_JSON; i <= CODE_JSON_GO; i++) {
		buf_clear(&once);
		redact_codes[i].write(&once, value, len, redact_codes[i].how);
		make_room(&forms->room, once.len);
		if (!is_same(&once, value, len))
			base64_forms(forms, once.data, once.len, WRAP_NOT);
	}
	wipe(&once);
}

/* ---- lines ---- */

/* A shorter line is no secret, however long its forms are: a brace, a quote. */
static void line_form(struct forms *forms, const char *line, size_t len, bool rare)
{
	if (len < SECRET_MIN)
		return;
	buf_append(&forms->room, line, len);
	emit(forms);
	code_forms(forms, line, len, redact_codes, redact_code_count);
	if (rare) {
		hex_forms(forms, line, len);
		base64_forms(forms, line, len, WRAP_ITSELF);
		chain_forms(forms, line, len);
	}
}

/* A value of several lines also turns up line by line (indented, behind a prefix), and with other ends of lines. */
static void line_forms(struct forms *forms, const char *value, size_t len)
{
	const char *end = value + len;

	for (const char *line = value, *next; line < end; line = next) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));

		next = stop ? stop + 1 : end;
		stop = stop ? stop : end;
		while (line < stop && strchr(" \t\r", *line) && *line)
			line++;
		while (stop > line && strchr(" \t\r", stop[-1]) && stop[-1])
			stop--;
		line_form(forms, line, (size_t)(stop - line), len <= RARE_MAX);
	}
	for (const char *at = value; at < end; at++) {
		if (*at == '\n' && (at == value || at[-1] != '\r'))
			buf_putc(&forms->room, '\r');
		buf_putc(&forms->room, *at);
	}
	emit(forms);
	for (const char *at = value; at < end; at++)
		if (*at != '\r' || at + 1 == end || at[1] != '\n')
			buf_putc(&forms->room, *at);
	emit(forms);
}

/* Lines of text; those of a binary key are chance. */
static bool is_lines(const char *value, size_t len)
{
	if (!memchr(value, '\n', len) || !utf8_valid(value, len))
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)value[i] < 0x20 && !(value[i] && strchr("\t\n\r", value[i])))
			return false;
	return true;
}

void redact_forms(const char *value, size_t len, redact_form_fn *fn, void *arg)
{
	struct forms forms = { .fn = fn, .arg = arg, .value = value, .len = len };

	fn(arg, value, len);
	make_room(&forms.room, len);
	hex_forms(&forms, value, len);
	base64_forms(&forms, value, len, WRAP_EACH);
	base32_forms(&forms, value, len);
	utf16_forms(&forms, value, len);
	code_forms(&forms, value, len, redact_codes, redact_code_count);
	code_forms(&forms, value, len, redact_wholes, redact_whole_count);
	if (len <= RARE_MAX) {
		dump_forms(&forms, value, len);
		chain_forms(&forms, value, len);
		base64_twice(&forms, value, len);
		mixed_forms(&forms, value, len);
	}
	if (is_lines(value, len))
		line_forms(&forms, value, len);
	wipe(&forms.room);
}
