/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/utf8.h"

#include <string.h>

#include "base/utf8_table.h"

/* Characters that steer the text around them, cannot be seen, or mean nothing to anyone else: shown by number. Sorted. */
static const struct utf8_range hidden[] = {
	{ 0xad, 0xad }, { 0x34f, 0x34f }, { 0x61c, 0x61c }, { 0x115f, 0x1160 }, { 0x17b4, 0x17b5 },
	{ 0x180b, 0x180f }, { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
	{ 0x3164, 0x3164 }, { 0xe000, 0xf8ff }, { 0xfdd0, 0xfdef }, { 0xfe00, 0xfe0f },
	{ 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb }, { 0xfffe, 0xffff },
	{ 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0x1fffe, 0x1ffff },
	{ 0x2fffe, 0x2ffff }, { 0x3fffe, 0x10ffff },
};

/* Blank on every screen, and more than the blank itself. Sorted. */
static const struct utf8_range blank[] = {
	{ 0x00, 0x20 }, { 0x7f, 0xa0 }, { 0x1680, 0x1680 }, { 0x2000, 0x200a }, { 0x202f, 0x202f },
	{ 0x205f, 0x205f }, { 0x2800, 0x2800 }, { 0x3000, 0x3000 }, { 0xfff9, 0xfffd },
};

static bool in_ranges(const struct utf8_range *ranges, size_t count, uint32_t cp)
{
	size_t low = 0;
	size_t high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (cp > ranges[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && cp >= ranges[low].first;
}

/* Bytes that a lead byte announces, 0 when it is none. */
static size_t sequence_len(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if (lead >= 0xe0 && lead <= 0xef)
		return 3;
	return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

size_t utf8_decode(const char *text, size_t len, uint32_t *cp)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *in = (const unsigned char *)text;
	size_t want;
	uint32_t value;

	*cp = UTF8_BAD;
	if (len == 0)
		return 0;
	want = sequence_len(in[0]);
	if (want == 1) {
		*cp = in[0];
		return 1;
	}
	if (want == 0 || want > len)
		return 1;
	value = in[0] & (0x7fu >> want);
	for (size_t i = 1; i < want; i++) {
		if ((in[i] & 0xc0) != 0x80)
			return 1;
		value = value << 6 | (in[i] & 0x3fu);
	}
	if (value < smallest[want] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 1;
	*cp = value;
	return want;
}

size_t utf8_encode(uint32_t cp, char out[4])
{
	if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		cp = UTF8_BAD;
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 63));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 63));
		out[2] = (char)(0x80 | (cp & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 63));
	out[2] = (char)(0x80 | (cp >> 6 & 63));
	out[3] = (char)(0x80 | (cp & 63));
	return 4;
}

int utf8_width(uint32_t cp)
{
	if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x2028 || cp == 0x2029)
		return -1;
	if (cp < 0x300)
		return 1;
	if (in_ranges(utf8_zero, utf8_zero_count, cp))
		return 0;
	return in_ranges(utf8_wide, utf8_wide_count, cp) ? 2 : 1;
}

bool utf8_says(const char *text)
{
	size_t len = text ? strlen(text) : 0, bytes;
	uint32_t cp;

	for (size_t at = 0; at < len; at += bytes) {
		bytes = utf8_decode(text + at, len - at, &cp);
		if (utf8_width(cp) > 0 && !in_ranges(blank, sizeof(blank) / sizeof(blank[0]), cp)
		    && !in_ranges(hidden, sizeof(hidden) / sizeof(hidden[0]), cp))
			return true;
	}
	return false;
}

/* Columns of the character at text, control characters 0; *bytes gets its length. */
static int width_at(const char *text, size_t len, size_t *bytes)
{
	uint32_t cp;
	int width;

	*bytes = utf8_decode(text, len, &cp);
	width = utf8_width(cp);
	return width < 0 ? 0 : width;
}

int utf8_columns(const char *text, size_t len)
{
	int columns = 0;
	size_t bytes;

	for (size_t i = 0; i < len; i += bytes)
		columns += width_at(text + i, len - i, &bytes);
	return columns;
}

size_t utf8_fit(const char *text, size_t len, int columns, int *used)
{
	int filled = 0;
	size_t bytes;
	size_t at = 0;

	while (at < len) {
		int width = width_at(text + at, len - at, &bytes);

		if (filled + width > columns)
			break;
		filled += width;
		at += bytes;
	}
	if (used)
		*used = filled;
	return at;
}

size_t utf8_border(const char *text, size_t len)
{
	/* Only a cut sequence is taken off: a whole one or a stray byte stays as it is. */
	for (size_t back = 1; back <= 3 && back <= len; back++) {
		unsigned char c = (unsigned char)text[len - back];

		if ((c & 0xc0) != 0x80)
			return sequence_len(c) > back ? len - back : len;
	}
	return len;
}

/* One invalid byte or one valid character; true when valid. */
static bool step(const char *text, size_t len, uint32_t *cp, size_t *bytes)
{
	*bytes = utf8_decode(text, len, cp);
	/* U+FFFD itself takes three bytes. */
	return *cp != UTF8_BAD || *bytes == 3;
}

/* Bytes of plain ASCII at the front, in whole words: most of all text is that. */
static size_t ascii_words(const char *text, size_t len)
{
	uint64_t word;
	size_t i = 0;

	while (len - i >= sizeof(word)) {
		memcpy(&word, text + i, sizeof(word));
		if (word & UINT64_C(0x8080808080808080))
			break;
		i += sizeof(word);
	}
	return i;
}

bool utf8_valid(const char *text, size_t len)
{
	uint32_t cp;
	size_t bytes;

	for (size_t i = 0; i < len; i += bytes) {
		i += ascii_words(text + i, len - i);
		if (i == len)
			break;
		if (!step(text + i, len - i, &cp, &bytes))
			return false;
	}
	return true;
}

void utf8_scrub(struct buf *out, const char *text, size_t len)
{
	size_t clean = 0;	/* text[clean..i) is valid and not yet appended */
	uint32_t cp;
	size_t bytes;

	for (size_t i = 0; i < len; i += bytes) {
		bool valid = step(text + i, len - i, &cp, &bytes);

		if (valid && cp != 0)
			continue;
		buf_append(out, text + clean, i - clean);
		buf_puts(out, "\xef\xbf\xbd");
		clean = i + bytes;
	}
	buf_append(out, text + clean, len - clean);
}

/* Appends what stands for a character that must not reach a terminal. */
static void put_named(struct buf *out, uint32_t cp)
{
	if (cp < 0x20 || cp == 0x7f)
		buf_printf(out, "^%c", (char)(cp ^ 0x40));
	else if (cp < 0xa0)
		buf_printf(out, "<%02x>", (unsigned)cp);
	else
		buf_printf(out, "<U+%04X>", (unsigned)cp);
}

static bool is_safe(uint32_t cp, bool keep_lines)
{
	if (cp == '\t' || cp == '\n')
		return keep_lines;
	if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
		return false;
	return cp < 0xa0 || !in_ranges(hidden, sizeof(hidden) / sizeof(hidden[0]), cp);
}

bool utf8_is_safe(uint32_t cp)
{
	return is_safe(cp, false);
}

void utf8_safe(struct buf *out, const char *text, size_t len, bool keep_lines)
{
	size_t clean = 0;	/* text[clean..i) is safe and not yet appended */
	uint32_t cp;
	size_t bytes;

	for (size_t i = 0; i < len; i += bytes) {
		bool valid = step(text + i, len - i, &cp, &bytes);

		if (valid && is_safe(cp, keep_lines))
			continue;
		buf_append(out, text + clean, i - clean);
		if (valid)
			put_named(out, cp);
		else
			buf_printf(out, "<%02x>", (unsigned)(unsigned char)text[i]);
		clean = i + bytes;
	}
	buf_append(out, text + clean, len - clean);
}
