/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libFuzzer entry: any bytes as what was written for a terminal, taken apart. The first byte picks the cuts. Where it
 * is cut makes no difference, text is text, and nothing that a terminal obeys is left in the words.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/escape.h"
#include "base/plain.h"
#include "base/strip.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_text(const char *text, size_t len)
{
	uint32_t cp;

	assert(len > 0 && utf8_valid(text, len));
	for (size_t at = 0; at < len;) {
		at += utf8_decode(text + at, len - at, &cp);
		assert((cp >= 0x20 && cp < 0x7f) || cp >= 0xa0);
	}
}

static void assert_sequence(const struct escape_token *token)
{
	assert(token->len <= ESCAPE_SEQUENCE);
	for (size_t i = 0; i < token->len; i++)
		assert(token->text[i] >= 0x20 && token->text[i] <= 0x3f);
	assert(token->code >= (token->kind == ESCAPE_CSI ? 0x40 : 0x30) && token->code < 0x7f);
}

/* Neighbouring texts become one: where they are divided is up to the cuts. */
static void tell(const struct escape_token *token, struct buf *out)
{
	if (token->kind == ESCAPE_TEXT)
		assert_text(token->text, token->len);
	else if (token->kind == ESCAPE_CSI || token->kind == ESCAPE_SHORT)
		assert_sequence(token);
	else if (token->kind == ESCAPE_INVALID)
		assert(token->len == 1 && (unsigned char)token->text[0] >= 0x80);
	else if (token->kind == ESCAPE_CONTROL)
		assert(token->code < 0xa0 && (token->code < 0x20 || token->code >= 0x7f));
	else
		assert(strchr("]PX^_", (int)token->code));
	if (token->kind != ESCAPE_TEXT)
		buf_printf(out, "\033%d %u %d ", (int)token->kind, (unsigned)token->code, token->odd);
	if (token->kind != ESCAPE_CONTROL)
		buf_append(out, token->text, token->len);
}

static void read_cut(const char *bytes, size_t len, size_t step, struct buf *out)
{
	struct escape escape = { 0 };
	struct escape_token token;

	for (size_t at = 0; at < len; at += step) {
		const char *piece = bytes + at;
		size_t left = len - at < step ? len - at : step;

		while (escape_next(&escape, &piece, &left, &token))
			tell(&token, out);
		assert(left == 0);
	}
	while (escape_end(&escape, &token))
		tell(&token, out);
}

static void assert_same(const struct buf *one, const struct buf *other)
{
	assert(one->len == other->len && memcmp(buf_text(one), buf_text(other), one->len) == 0);
}

static void check_tokens(const char *bytes, size_t len, size_t step)
{
	struct buf whole = { 0 }, single = { 0 }, cut = { 0 };

	read_cut(bytes, len, len + 1, &whole);
	read_cut(bytes, len, 1, &single);
	read_cut(bytes, len, step, &cut);
	assert_same(&whole, &single);
	assert_same(&whole, &cut);
	buf_done(&whole);
	buf_done(&single);
	buf_done(&cut);
}

static void check_strip(const char *bytes, size_t len, size_t step, bool marks)
{
	struct strip whole = { .marks = marks }, cut = { .marks = marks };
	struct buf one = { 0 }, other = { 0 };

	strip_feed(&whole, bytes, len, &one);
	strip_end(&whole, &one);
	for (size_t at = 0; at < len; at += step)
		strip_feed(&cut, bytes + at, len - at < step ? len - at : step, &other);
	strip_end(&cut, &other);
	assert_same(&one, &other);
	for (size_t i = 0; i < one.len; i++) {
		unsigned char c = (unsigned char)one.data[i];

		assert((c >= 0x20 && c != 0x7f) || strchr(marks ? "\n\r\t\b\001\002" : "\n\r\t", c));
	}
	buf_done(&one);
	buf_done(&other);
}

static void check_plain(const char *bytes, size_t len)
{
	struct buf out = { 0 };
	uint32_t cp;

	buf_puts(&out, "before");
	plain_text(&out, bytes, len);
	assert(out.len >= 6 && memcmp(out.data, "before", 6) == 0);
	assert(utf8_valid(out.data, out.len));
	for (size_t at = 0; at < out.len;) {
		at += utf8_decode(out.data + at, out.len - at, &cp);
		assert(cp == '\n' || (cp >= 0x20 && cp < 0x7f) || cp >= 0xa0);
	}
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data + 1;
	size_t step;

	if (size == 0)
		return 0;
	step = (size_t)data[0] % 40 + 1;
	check_tokens(bytes, size - 1, step);
	check_strip(bytes, size - 1, step, false);
	check_strip(bytes, size - 1, step, true);
	check_plain(bytes, size - 1);
	return 0;
}
