/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libFuzzer entry: any bytes as the output of a command, cut anywhere, on both streams: UTF-8, and what makes text
 * safe for a terminal. The first byte picks the cuts. Nothing that a terminal obeys may come out.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "tui/part/output.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Text for a terminal: characters that are there to be seen, and newline and tab where lines are kept. */
static void assert_safe(const char *text, size_t len, bool lines)
{
	uint32_t cp;

	assert(utf8_valid(text, len));
	for (size_t at = 0; at < len; at += utf8_decode(text + at, len - at, &cp)) {
		utf8_decode(text + at, len - at, &cp);
		if (lines && (cp == '\n' || cp == '\t'))
			continue;
		assert(cp >= 0x20 && cp != 0x7f && !(cp >= 0x80 && cp < 0xa0));
		assert(!(cp >= 0x200b && cp <= 0x200f) && !(cp >= 0x202a && cp <= 0x202e) && !(cp >= 0x2066 && cp <= 0x2069) &&
		       cp != 0xfeff && cp != 0x61c);
		assert(utf8_width(cp) >= 0);
	}
}

static void check_safe(const char *text, size_t len)
{
	struct buf whole = {0}, again = {0}, lines = {0}, scrubbed = {0};

	utf8_safe(&whole, text, len, false);
	assert_safe(buf_text(&whole), whole.len, false);
	/* What is safe stays as it is. */
	utf8_safe(&again, buf_text(&whole), whole.len, false);
	assert(again.len == whole.len && memcmp(buf_text(&again), buf_text(&whole), whole.len) == 0);
	utf8_safe(&lines, text, len, true);
	assert_safe(buf_text(&lines), lines.len, true);
	utf8_scrub(&scrubbed, text, len);
	assert(utf8_valid(buf_text(&scrubbed), scrubbed.len) && !memchr(buf_text(&scrubbed), '\0', scrubbed.len));
	if (utf8_valid(text, len) && !memchr(text, '\0', len))
		assert(scrubbed.len == len && memcmp(buf_text(&scrubbed), text, len) == 0);
	buf_done(&whole);
	buf_done(&again);
	buf_done(&lines);
	buf_done(&scrubbed);
}

/* Every character is passed exactly once, encodes to itself, and cuts never fall into one. */
static void check_characters(const char *text, size_t len)
{
	size_t at = 0, n;
	int columns = utf8_columns(text, len), used;

	while (at < len) {
		uint32_t cp;
		char out[4];

		n = utf8_decode(text + at, len - at, &cp);
		assert(n >= 1 && n <= 4 && n <= len - at);
		if (n > 1 || (unsigned char)text[at] < 0x80)
			assert(utf8_encode(cp, out) == n && memcmp(out, text + at, n) == 0);
		else
			assert(cp == UTF8_BAD);
		at += n;
	}
	for (int fit = 0; fit <= 8; fit++) {
		n = utf8_fit(text, len, fit, &used);
		assert(n <= len && used <= fit && utf8_columns(text, n) == used);
		assert(utf8_valid(text, len) ? utf8_valid(text, n) : true);
	}
	assert(utf8_fit(text, len, columns, &used) == len && used == columns);
	for (size_t cut = 0; cut <= len && cut < 64; cut++) {
		n = utf8_border(text, cut);
		assert(n <= cut && cut - n < 4);
		if (utf8_valid(text, len))
			assert(utf8_valid(text, n));
	}
}

static void check_lines(struct output *output)
{
	assert(output_count(output) <= OUTPUT_LINES);
	assert(output_total(output) == output_dropped(output) + (int64_t)output_count(output));
	for (size_t i = 0; i < output_count(output); i++) {
		const struct output_line *line = output_at(output, i);

		assert_safe(line->text, strlen(line->text), false);
	}
	assert(!output_at(output, output_count(output)));
	assert_safe(output_partial(output, false), strlen(output_partial(output, false)), false);
	assert_safe(output_partial(output, true), strlen(output_partial(output, true)), false);
}

static void check_output(const char *text, size_t len, size_t step)
{
	struct output *output = output_new();
	struct output *whole = output_new();

	for (size_t at = 0; at < len; at += step) {
		size_t n = len - at < step ? len - at : step;

		output_feed(output, text + at, n, at / step % 3 == 2, (int64_t)at);
		if (at / step % 16 == 0)
			check_lines(output);
		output_feed(whole, text + at, n, false, 0);
	}
	output_end(output);
	check_lines(output);
	(void)output_find(output, "a", 0, false);
	(void)output_find(output, "^[", (long)output_count(output) - 1, true);
	output_free(output);
	/* Where it is cut makes no difference. */
	output = output_new();
	output_feed(output, text, len, false, 0);
	output_end(output);
	output_end(whole);
	assert(output_count(output) == output_count(whole));
	for (size_t i = 0; i < output_count(output); i++)
		assert(strcmp(output_at(output, i)->text, output_at(whole, i)->text) == 0);
	output_free(output);
	output_free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;

	if (size == 0)
		return 0;
	check_safe(text, size - 1);
	check_characters(text, size - 1);
	check_output(text, size - 1, (size_t)data[0] % 40 + 1);
	return 0;
}
