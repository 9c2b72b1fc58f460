/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How programs write a text, character by character: what each of them escapes, and with what. */
#define _GNU_SOURCE
#include "base/redact_int.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

static bool is_alnum(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* c, which may be 0, is one of set's. */
static bool is_in(const char *set, uint32_t c)
{
	return c && c < 0x80 && strchr(set, (int)c);
}

/* ---- URLs ---- */

/* What stays as it is besides letters and digits (NULL = nothing does); what a blank becomes; "X" or "x" for the digits. */
struct percents {
	const char *safe, *blank, *digits;
};

static void write_url(struct buf *out, const char *value, size_t len, const void *how)
{
	const struct percents *percents = how;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];

		if (percents->safe && (is_alnum(c) || is_in(percents->safe, c)))
			buf_putc(out, (char)c);
		else if (c == ' ' && percents->blank)
			buf_puts(out, percents->blank);
		else
			buf_printf(out, percents->digits[0] == 'X' ? "%%%02X" : "%%%02x", c);
	}
}

#define URL(...) { write_url, &(const struct percents){ __VA_ARGS__ } }

/* ---- JSON ---- */

struct escapes {
	const char *slash;	/* "/" gets a backslash; NULL = it stays */
	const char *number;	/* digits of \u: "x" small, "X" capital */
	const char *specials;	/* characters that are escaped with number */
	bool beyond;		/* characters beyond ASCII are escaped, too */
	bool all;		/* every one is */
};

/* \b \f \n \r \t \" \\ of JSON, 0 when c has none. */
static char json_letter(uint32_t c)
{
	static const char named[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
	const char *at = c && c < 0x80 ? strchr(named, (int)c) : NULL;

	return at ? letters[at - named] : 0;
}

static void put_number(struct buf *out, const char *kind, uint32_t cp)
{
	if (cp > 0xffff) {
		put_number(out, kind, 0xd800 + ((cp - 0x10000) >> 10));
		cp = 0xdc00 + ((cp - 0x10000) & 0x3ff);
	}
	buf_printf(out, kind[0] == 'X' ? "\\u%04X" : "\\u%04x", cp);
}

static void write_json(struct buf *out, const char *value, size_t len, const void *arg)
{
	const struct escapes *how = arg;
	uint32_t cp;

	for (size_t i = 0, n; i < len; i += n) {
		char letter;

		n = utf8_decode(value + i, len - i, &cp);
		letter = json_letter(cp);
		if (how->all || is_in(how->specials, cp) || (how->beyond && cp >= 0x80) || (cp < 0x20 && !letter)) {
			put_number(out, how->number, cp);
		} else if (letter || (cp == '/' && how->slash)) {
			buf_putc(out, '\\');
			buf_putc(out, letter ? letter : '/');
		} else {
			buf_append(out, value + i, n);
		}
	}
}

#define JSON(...) { write_json, &(const struct escapes){ __VA_ARGS__ } }

/* ---- HTML ---- */

/* What quotes, an apostrophe and a slash become (NULL = they stay); numbers for what is no ASCII, or for all. */
struct entities {
	const char *quote, *apostrophe, *slash;
	const char *beyond;	/* "d" decimal, "x", "X", NULL = as it is */
	bool all;
};

static void put_entity(struct buf *out, const char *kind, uint32_t cp)
{
	if (kind[0] == 'd')
		buf_printf(out, "&#%u;", cp);
	else if (kind[0] == 'x')
		buf_printf(out, "&#x%x;", cp);
	else
		buf_printf(out, "&#x%X;", cp);
}

static const char *entity_of(const struct entities *how, uint32_t cp)
{
	switch (cp) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return how->quote;
	case '\'':
		return how->apostrophe;
	case '/':
		return how->slash;
	default:
		return NULL;
	}
}

static void write_html(struct buf *out, const char *value, size_t len, const void *arg)
{
	const struct entities *how = arg;
	uint32_t cp;

	for (size_t i = 0, n; i < len; i += n) {
		const char *named;

		n = utf8_decode(value + i, len - i, &cp);
		named = entity_of(how, cp);
		if (how->all || (cp >= 0x80 && how->beyond))
			put_entity(out, how->beyond, cp);
		else if (named)
			buf_puts(out, named);
		else
			buf_append(out, value + i, n);
	}
}

#define HTML(...) { write_html, &(const struct entities){ __VA_ARGS__ } }

/* ---- shells ---- */

/* Each c of the value becomes other. */
struct quote {
	char c;
	const char *other;
};

static void write_quote(struct buf *out, const char *value, size_t len, const void *how)
{
	const struct quote *quote = how;

	for (size_t i = 0; i < len; i++) {
		if (value[i] == quote->c)
			buf_puts(out, quote->other);
		else
			buf_putc(out, value[i]);
	}
}

#define QUOTE(...) { write_quote, &(const struct quote){ __VA_ARGS__ } }

/* A backslash before each of specials; before # and ~ where the text begins; before ~ behind : and =; before what is no ASCII, or cannot be printed. */
struct slashes {
	const char *specials;
	bool first, tilde, beyond;
};

static void write_slashes(struct buf *out, const char *value, size_t len, const void *arg)
{
	const struct slashes *how = arg;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];

		if (is_in(how->specials, c) || (i == 0 && how->first && is_in("#~", c)) || (i > 0 && how->tilde && c == '~' && is_in(":=", (unsigned char)value[i - 1])) ||
		    (how->beyond && (c >= 0xc0 || c == 0x7f || (c < 0x20 && c != '\n'))))
			buf_putc(out, '\\');
		buf_putc(out, (char)c);
	}
}

#define SLASH(...) { write_slashes, &(const struct slashes){ __VA_ARGS__ } }

/* ---- languages ---- */

/* A text as a programming language shows it between quotes. */
struct literal {
	const char *specials;	/* get a backslash */
	const char *letters;	/* of BEL BS TAB LF VT FF CR ESC; a dot: it has none */
	char low;		/* other control characters: 'o' octal, 'x' or 'X' hexadecimal, 'u' as \u with capital digits */
	char high;		/* beyond ASCII: 0 as it is; bytes 'o', 'x', 'X'; characters 'r' Ruby, 'g' Go, 'p' Python, 'P' with capital digits */
	bool hash;		/* # gets a backslash before $, @ and { */
	const char *numbered;	/* characters that are written like control characters; NULL = none */
};

static void put_byte(struct buf *out, char kind, unsigned c)
{
	if (kind == 'o')
		buf_printf(out, "\\%03o", c);
	else if (kind == 'u')
		buf_printf(out, "\\u%04X", c);
	else
		buf_printf(out, kind == 'x' ? "\\x%02x" : "\\x%02X", c);
}

static void put_character(struct buf *out, char kind, uint32_t cp)
{
	if (kind == 'r')
		buf_printf(out, cp > 0xffff ? "\\u{%X}" : "\\u%04X", cp);
	else if (kind == 'g')
		buf_printf(out, cp > 0xffff ? "\\U%08x" : "\\u%04x", cp);
	else if (kind == 'p')
		buf_printf(out, cp > 0xffff ? "\\U%08x" : cp > 0xff ? "\\u%04x" : "\\x%02x", cp);
	else
		buf_printf(out, cp > 0xffff ? "\\U%08X" : cp > 0xff ? "\\u%04X" : "\\x%02X", cp);
}

/* One character of ASCII; next is the one behind it, 0 at the end. */
static void put_ascii(struct buf *out, const struct literal *how, char c, char next)
{
	static const char controls[] = "\a\b\t\n\v\f\r\033";
	const char *control = c ? strchr(controls, c) : NULL;
	char letter = '.';

	if (control)
		letter = how->letters[control - controls];
	if (letter != '.') {
		buf_putc(out, '\\');
		buf_putc(out, letter);
	} else if ((how->numbered && is_in(how->numbered, (unsigned char)c)) || (unsigned char)c < 0x20) {
		put_byte(out, how->low, (unsigned char)c);
	} else if (c == 0x7f) {
		put_byte(out, how->low == 'u' ? 'X' : how->low, 0x7f);
	} else {
		if (is_in(how->specials, (unsigned char)c) || (how->hash && c == '#' && is_in("$@{", (unsigned char)next)))
			buf_putc(out, '\\');
		buf_putc(out, c);
	}
}

static void write_literal(struct buf *out, const char *value, size_t len, const void *arg)
{
	const struct literal *how = arg;
	uint32_t cp;

	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_decode(value + i, len - i, &cp);
		if ((unsigned char)value[i] < 0x80)
			put_ascii(out, how, value[i], i + 1 < len ? value[i + 1] : 0);
		else if (how->high == 0)
			buf_append(out, value + i, n);
		else if (strchr("oxX", how->high))
			for (size_t k = 0; k < n; k++)
				put_byte(out, how->high, (unsigned char)value[i + k]);
		else
			put_character(out, how->high, cp);
	}
}

#define LITERAL(...) { write_literal, &(const struct literal){ __VA_ARGS__ } }

/* As dash's set: runs of quotes between double quotes, and nothing for an empty text where the value begins or ends. */
static void write_dash(struct buf *out, const char *value, size_t len, const void *how)
{
	(void)how;
	for (size_t i = 0; i < len; i++) {
		bool quote = value[i] == '\'';

		if (quote && (i == 0 || value[i - 1] != '\''))
			buf_puts(out, i == 0 ? "\"" : "'\"");
		buf_putc(out, value[i]);
		if (quote && (i + 1 == len || value[i + 1] != '\''))
			buf_puts(out, i + 1 == len ? "\"" : "\"'");
	}
}

/* As cat -v: ^A, M-C. How are the characters that stay. */
static void write_carets(struct buf *out, const char *value, size_t len, const void *how)
{
	const char *stay = how;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];

		if (c >= 0x80)
			buf_puts(out, "M-");
		c &= 0x7f;
		if (is_in(stay, (unsigned char)value[i]) || (c >= 0x20 && c < 0x7f)) {
			buf_putc(out, (char)c);
		} else {
			buf_putc(out, '^');
			buf_putc(out, (char)(c ^ 0x40));
		}
	}
}

/* As in mail: =C3=A9. */
static void write_printable(struct buf *out, const char *value, size_t len, const void *how)
{
	(void)how;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];

		if (c != '\n' && (c < 0x20 || c >= 0x7f || c == '='))
			buf_printf(out, "=%02X", c);
		else
			buf_putc(out, (char)c);
	}
}

const struct redact_code redact_codes[] = {
	[CODE_JSON] = JSON(NULL, "x", "", false, false),
	[CODE_JSON_PHP] = JSON("/", "x", "", false, false),
	[CODE_JSON_ASCII] = JSON(NULL, "x", "", true, false),
	[CODE_JSON_GO] = JSON(NULL, "x", "&<>", false, false),
	[CODE_QUOTED] = QUOTE('\'', "'\\''"),
	[CODE_QUOTED_PYTHON] = QUOTE('\'', "'\"'\"'"),
	[CODE_DOUBLE] = SLASH("\"$`\\", false, false, false),
	/* printf %q. */
	[CODE_BASH] = SLASH(" \t!\"$&'()*,;<>?[\\]^`{|}", false, false, false),
	[CODE_URL] = URL("-._~", "%20", "X"),
	[CODE_URL_PATH] = URL("-._~/", "%20", "X"),
	[CODE_URL_JS] = URL("-._~!*'()", "%20", "X"),
	[CODE_URL_FORM] = URL("-._*", "+", "X"),
	[CODE_URL_PLUS] = URL("-._~", "+", "X"),
	[CODE_HTML] = HTML("&quot;", "&#39;", NULL, NULL, false),
	[CODE_HTML_PYTHON] = HTML("&quot;", "&#x27;", NULL, NULL, false),
	[CODE_HTML_QUOTE] = HTML("&quot;", NULL, NULL, NULL, false),
	[CODE_RUBY] = LITERAL("\"\\", "abtnvfre", 'u', 0, true, NULL),
	[CODE_PYTHON] = LITERAL("'\\", "..tn..r.", 'x', 0, false, NULL),
	[CODE_GO] = LITERAL("\"\\", "abtnvfr.", 'x', 0, false, NULL),

	[CODE_SHELLWORDS] = SLASH(" \t!\"#$%&'()*;<=>?[\\]^`{|}~", false, false, true),
	[CODE_BACKSLASH] = SLASH("\\", false, false, false),

	/* encodeURI, forms, paths, user:password@; PHP's urlencode. */
	[CODE_OTHERS] = URL("-._~", "%20", "x"),
	URL("-._~!*'()", "%20", "x"), URL("-._~!*'();/?:@&=+$,#", "%20", "X"), URL("-._~/", "%20", "x"), URL("-._*", "+", "x"), URL("-._~", "+", "x"), URL("-._~/", "+", "X"),
	URL("-._~$&+:=@", "%20", "X"), URL("-._~$&+,;=", "%20", "X"), URL("-._~!$&'()*+,;=", "%20", "X"), URL("-._~!\"$&'()*+,;<=>\\^`{|} ", " ", "X"), URL("-._", "+", "X"), URL("-._", "+", "x"),
	/* Ruby; with the quote; .NET, Java. */
	JSON(NULL, "X", "", false, false), JSON(NULL, "X", "", true, false), JSON("/", "x", "", true, false), JSON(NULL, "x", "&<>", true, false),
	JSON(NULL, "x", "&<>'", false, false), JSON(NULL, "x", "&<>'=", false, false), JSON(NULL, "X", "&<>'", true, false), JSON("/", "X", "&<>'\"", true, false),
	JSON(NULL, "X", "&<>'\"+`", true, false), JSON(NULL, "X", "&<>'\"+`", false, false),
	HTML(NULL, NULL, NULL, NULL, false), HTML("&quot;", "&#039;", NULL, NULL, false), HTML("&quot;", "&apos;", NULL, NULL, false), HTML("&#34;", "&#39;", NULL, NULL, false), HTML("&quot;", "&#x27;", "&#x2F;", NULL, false),
	HTML("&quot;", "&#39;", NULL, "d", false), HTML("&quot;", "&#39;", NULL, "x", false), HTML("&quot;", "&#x27;", NULL, "X", false),
	/* SQL and YAML; CSV; Compose. */
	QUOTE('\'', "''"), QUOTE('"', "\"\""), QUOTE('$', "$$"),
	SLASH("\"$`\\!", false, false, false), SLASH("'", false, false, false), SLASH("'\\", false, false, false), SLASH("'\"\\", false, false, false), SLASH("\\:", false, false, false),
	SLASH(" \t!\"#$&'()*;<>?[\\]^`{|}~", false, false, false), SLASH(" \t!\"#$%&'()*,:;<=>?@[\\]^`{|}~", false, false, false),
	/* printf %q where the text begins, or behind a sign. */
	SLASH(" \t!\"$&'()*,;<>?[\\]^`{|}", true, false, false), SLASH(" \t!\"$&'()*,;<>?[\\]^`{|}", false, true, false), SLASH(" \t!\"$&'()*,;<>?[\\]^`{|}", true, true, false),
	/* Ruby: dump, and of bytes. */
	LITERAL("\"\\", "abtnvfre", 'X', 'r', true, NULL), LITERAL("\"\\", "abtnvfre", 'X', 'X', true, NULL),
	/* Go in ASCII, C; Python between double quotes, ascii(), of bytes. */
	LITERAL("\"\\", "abtnvfr.", 'x', 'g', false, NULL), LITERAL("\"\\", "abtnvfr.", 'x', 'x', false, NULL), LITERAL("\\", "..tn..r.", 'x', 0, false, NULL),
	LITERAL("'\\", "..tn..r.", 'x', 'p', false, NULL), LITERAL("\\", "..tn..r.", 'x', 'p', false, NULL), LITERAL("\\", "..tn..r.", 'x', 'x', false, NULL), LITERAL("'\\", "..tn..r.", 'x', 'x', false, NULL), LITERAL("\"\\", "..tn..r.", 'x', 'x', false, NULL),
	/* YAML; JavaScript. */
	LITERAL("\"\\", "abtnvfre", 'X', 'P', false, NULL), LITERAL("\"\\", "abtnvfre", 'X', 0, false, NULL), LITERAL("'\\", ".btnvfr.", 'X', 0, false, NULL), LITERAL("\\", ".btnvfr.", 'X', 0, false, NULL),
	/* bash's $'…'; sed's l; nginx's log. */
	LITERAL("'\\", "abtnvfrE", 'o', 'o', false, NULL), LITERAL("'\\", "abtnvfrE", 'o', 0, false, NULL), LITERAL("'\\", "..tn..r.", 'o', 'o', false, NULL), LITERAL("\\", "abtnvfr.", 'o', 'o', false, NULL),
	LITERAL("", "........", 'X', 'X', false, "\"\\"),
	/* Perl's Data::Dumper; and those that are like nothing else. */
	LITERAL("\"\\$@", "abtn.fre", 'o', 'o', false, NULL), LITERAL("\"\\$@", "abtn.fre", 'o', 0, false, NULL),
	{ write_carets, "\n\t" }, { write_carets, "\n" }, { write_printable, NULL }, { write_dash, NULL },
};

const size_t redact_code_count = sizeof(redact_codes) / sizeof(redact_codes[0]);

const struct redact_code redact_wholes[] = {
	URL(NULL, NULL, "X"), URL(NULL, NULL, "x"), JSON(NULL, "x", "", true, true), JSON(NULL, "X", "", true, true),
	HTML(NULL, NULL, NULL, "d", true), HTML(NULL, NULL, NULL, "x", true), HTML(NULL, NULL, NULL, "X", true),
};

const size_t redact_whole_count = sizeof(redact_wholes) / sizeof(redact_wholes[0]);
