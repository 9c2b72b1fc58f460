/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/str.h"

#include <string.h>

#include "base/duration.h"
#include "base/utf8.h"

/* Longer words are never typing slips of each other. */
#define DISTANCE_MAX_LEN 98
#define DISTANCE_CUT 99

bool str_is(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a, b) == 0;
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
	size_t text_len = strlen(text);
	size_t suffix_len = strlen(suffix);

	return text_len >= suffix_len && strcmp(text + text_len - suffix_len, suffix) == 0;
}

/* Digits at *at as a number ≤ max; moves *at behind them; false without digits or beyond max. */
static bool take_digits(const char **at, uint64_t max, uint64_t *out)
{
	const char *p = *at;
	uint64_t n = 0;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (n > (max - digit) / 10 || digit > max)
			return false;
		n = n * 10 + digit;
	}
	*at = p;
	*out = n;
	return true;
}

bool str_to_int(const char *text, int64_t min, int64_t max, int64_t *out)
{
	bool negative;
	uint64_t n;
	int64_t value;

	if (!text)
		return false;
	negative = *text == '-';
	if (negative)
		text++;
	if (!take_digits(&text, (uint64_t)INT64_MAX + negative, &n) || *text)
		return false;
	/* -(n - 1) - 1 reaches INT64_MIN without overflow. */
	value = negative && n > 0 ? -(int64_t)(n - 1) - 1 : (int64_t)n;
	if (value < min || value > max)
		return false;
	*out = value;
	return true;
}

bool str_to_duration(const char *text, int64_t *out_us)
{
	static const struct {
		const char *suffix;
		int64_t us;
	} units[] = {
		{ "", 1000000 },
		{ "ms", 1000 },
		{ "s", 1000000 },
		{ "m", 60 * (int64_t)1000000 },
		{ "h", 3600 * (int64_t)1000000 },
		{ "d", 86400 * (int64_t)1000000 },
	};
	uint64_t n;

	if (!text || !take_digits(&text, INT64_MAX, &n))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text, units[i].suffix) != 0)
			continue;
		if (n > (uint64_t)(DURATION_MAX / units[i].us))
			return false;
		*out_us = (int64_t)n * units[i].us;
		return true;
	}
	return false;
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

int str_distance(const char *a, const char *b)
{
	/* Three rows of the matrix: the one being filled, the one above, and the one above that for swapped neighbours. */
	int rows[3][DISTANCE_MAX_LEN + 1];
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);

	if (a_len > DISTANCE_MAX_LEN || b_len > DISTANCE_MAX_LEN)
		return strcmp(a, b) == 0 ? 0 : DISTANCE_CUT;
	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = (int)j;
	for (size_t i = 1; i <= a_len; i++) {
		int *row = rows[i % 3];
		const int *above = rows[(i + 2) % 3];
		const int *above2 = rows[(i + 1) % 3];

		row[0] = (int)i;
		for (size_t j = 1; j <= b_len; j++) {
			int cost = a[i - 1] != b[j - 1];

			row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], above2[j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

const char *str_nearest(const char *text, const char *const *names)
{
	/* One slip in three characters is still a slip, more is another word; the beginning of a name counts as one. */
	size_t len = strlen(text);
	int limit = len < 3 ? 1 : (int)((len < 12 ? len : 12) / 3 + (len > 3));
	const char *nearest = NULL;
	int best = limit + 1;

	for (; *names; names++) {
		int distance = str_distance(text, *names);

		if (distance > 1 && len >= 3 && str_starts(*names, text))
			distance = 1;
		/* Nothing of the word is left. */
		if (distance >= (int)len && distance > 0)
			continue;
		if (distance < best) {
			best = distance;
			nearest = *names;
		}
	}
	return nearest;
}

bool str_copy(char *dst, size_t size, const char *src)
{
	size_t len = strlen(src);
	bool fits = len < size;

	if (size == 0)
		return false;
	if (!fits)
		len = utf8_border(src, size - 1);
	memcpy(dst, src, len);
	dst[len] = '\0';
	return fits;
}

void str_shell_quote(struct buf *out, const char *text)
{
	buf_putc(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			buf_puts(out, "'\\''");
		else
			buf_putc(out, *text);
	}
	buf_putc(out, '\'');
}

void str_hex(struct buf *out, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *in = bytes;
	char *to = buf_room(out, 2 * len);

	for (size_t i = 0; i < len; i++) {
		*to++ = digits[in[i] >> 4];
		*to++ = digits[in[i] & 15];
	}
	buf_added(out, 2 * len);
}

void str_base64(struct buf *out, const void *bytes, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *in = bytes;
	size_t total = (len + 2) / 3 * 4;
	char *to = buf_room(out, total);

	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t bits = (uint32_t)in[i] << 16;

		if (left > 1)
			bits |= (uint32_t)in[i + 1] << 8;
		if (left > 2)
			bits |= in[i + 2];
		*to++ = digits[bits >> 18];
		*to++ = digits[bits >> 12 & 63];
		*to++ = left > 1 ? digits[bits >> 6 & 63] : '=';
		*to++ = left > 2 ? digits[bits & 63] : '=';
	}
	buf_added(out, total);
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* One group of four into to[3]; returns the number of bytes (1..3), 0 when it is none. Padding only where last. */
static size_t unbase64_group(const char *in, bool last, char *to)
{
	size_t pad = 0;
	uint32_t bits = 0;

	if (last && in[3] == '=')
		pad = in[2] == '=' ? 2 : 1;
	for (size_t i = 0; i < 4 - pad; i++) {
		int value = base64_value(in[i]);

		if (value < 0)
			return 0;
		bits |= (uint32_t)value << (18 - 6 * i);
	}
	/* Bits behind the last byte must be zero: one text for each value. */
	if (pad > 0 && (bits & (pad == 2 ? 0xffffu : 0xffu)))
		return 0;
	to[0] = (char)(bits >> 16);
	to[1] = (char)(bits >> 8 & 255);
	to[2] = (char)(bits & 255);
	return 3 - pad;
}

bool str_unbase64(struct buf *out, const char *text, size_t len)
{
	char *to;
	size_t total = 0;

	if (len % 4 != 0)
		return false;
	to = buf_room(out, len / 4 * 3 + 3);
	for (size_t i = 0; i < len; i += 4) {
		size_t got = unbase64_group(text + i, i + 4 == len, to + total);

		if (got == 0) {
			*to = '\0';
			return false;
		}
		total += got;
	}
	buf_added(out, total);
	return true;
}
