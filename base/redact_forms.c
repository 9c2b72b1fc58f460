/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "base/redact_int.h"

#include <string.h>

#include "base/secret.h"
#include "base/str.h"

struct forms {
	redact_form_fn *fn;
	void *arg;
	struct buf room;	/* owned; holds secrets, wiped */
};

/* Hands on what is in room and empties it. Shorter forms would mask innocent text. */
static void emit(struct forms *forms)
{
	if (forms->room.len >= SECRET_MIN)
		forms->fn(forms->arg, forms->room.data, forms->room.len);
	buf_clear(&forms->room);
}

static void wipe(struct buf *buf)
{
	if (buf->data)
		explicit_bzero(buf->data, buf->cap);
	buf_done(buf);
}

static void hex_forms(struct forms *forms, const char *value, size_t len)
{
	str_hex(&forms->room, value, len);
	emit(forms);
	for (size_t i = 0; i < len; i++)
		buf_printf(&forms->room, "%02X", (unsigned)(unsigned char)value[i]);
	emit(forms);
}

/*
 * In a longer base64 text the secret may begin at the first, second or third
 * byte of a group of three. The characters that depend on no byte around it
 * are the same wherever it stands: those are registered.
 */
static void base64_forms(struct forms *forms, const char *value, size_t len)
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
		for (size_t i = first; i < end; i++) {
			char c = text.data[i];

			buf_putc(&forms->room, c == '+' ? '-' : c == '/' ? '_' : c);
		}
		emit(forms);
	}
	wipe(&shifted);
	wipe(&text);
}

/* Percent-encoded but for letters, digits and safe; blanks as space. */
static void url_form(struct forms *forms, const char *value, size_t len, const char *spec[3])
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    (c && strchr(spec[0], c)))
			buf_putc(&forms->room, (char)c);
		else if (c == ' ')
			buf_puts(&forms->room, spec[1]);
		else if (spec[2][0] == 'X')
			buf_printf(&forms->room, "%%%02X", c);
		else
			buf_printf(&forms->room, "%%%02x", c);
	}
	emit(forms);
}

static void url_forms(struct forms *forms, const char *value, size_t len)
{
	/* What stays as it is, a blank, and the case of the digits: RFC 3986, encodeURIComponent, encodeURI, and HTML forms. */
	static const char *specs[][3] = {
		{ "-._~", "%20", "X" }, { "-._~", "%20", "x" },
		{ "-._~!*'()", "%20", "X" }, { "-._~!*'()", "%20", "x" },
		{ "-._~!*'();/?:@&=+$,#", "%20", "X" },
		{ "-._~/", "%20", "X" },
		{ "-._*", "+", "X" }, { "-._*", "+", "x" },
		{ "-._~", "+", "X" },
	};

	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++)
		url_form(forms, value, len, specs[i]);
}

/* The two-character escape of c, 0 when it has none. */
static char json_escape(char c)
{
	static const char from[] = "\"\\\b\f\n\r\t";
	static const char to[] = "\"\\bfnrt";
	const char *at = c ? strchr(from, c) : NULL;

	return (char)(at ? to[at - from] : 0);
}

static void json_form(struct forms *forms, const char *value, size_t len, bool slashes)
{
	for (size_t i = 0; i < len; i++) {
		char escape = slashes && value[i] == '/' ? '/' : json_escape(value[i]);

		if (escape) {
			buf_putc(&forms->room, '\\');
			buf_putc(&forms->room, escape);
		} else if ((unsigned char)value[i] < 0x20) {
			buf_printf(&forms->room, "\\u%04x", (unsigned)(unsigned char)value[i]);
		} else {
			buf_putc(&forms->room, value[i]);
		}
	}
	emit(forms);
}

/* Inside single quotes, and outside quotes or inside double ones with a backslash before what the shell would take. */
static void shell_forms(struct forms *forms, const char *value, size_t len)
{
	static const char *specials[] = { "\"$`\\", " \t!\"#$&'()*;<>?[\\]^`{|}~", " \t!\"#$%&'()*,:;<=>?@[\\]^`{|}~" };

	for (size_t i = 0; i < len; i++) {
		if (value[i] == '\'')
			buf_puts(&forms->room, "'\\''");
		else
			buf_putc(&forms->room, value[i]);
	}
	emit(forms);
	for (size_t k = 0; k < sizeof(specials) / sizeof(specials[0]); k++) {
		for (size_t i = 0; i < len; i++) {
			if (value[i] && strchr(specials[k], value[i]))
				buf_putc(&forms->room, '\\');
			buf_putc(&forms->room, value[i]);
		}
		emit(forms);
	}
}

void redact_forms(const char *value, size_t len, redact_form_fn *fn, void *arg)
{
	struct forms forms = { .fn = fn, .arg = arg };

	/* The longest form takes six bytes for one: no reallocation leaves a copy behind. */
	buf_room(&forms.room, 6 * len);
	buf_append(&forms.room, value, len);
	emit(&forms);
	hex_forms(&forms, value, len);
	base64_forms(&forms, value, len);
	url_forms(&forms, value, len);
	json_form(&forms, value, len, false);
	json_form(&forms, value, len, true);
	shell_forms(&forms, value, len);
	wipe(&forms.room);
}
