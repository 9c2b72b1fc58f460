/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/line.h"

#include <string.h>

#include "base/utf8.h"

#define TAB 8

/* Bytes of a character at text that only tells how the one before it is drawn (variation selectors, the joiner between
   pictures): 0 for all others. Where no picture is drawn they would stand as numbers. */
static size_t joins(const char *text, size_t len, uint32_t before)
{
	uint32_t cp;
	size_t n = (unsigned char)*text < 0xe2 ? 0 : utf8_decode(text, len, &cp);

	if (n == 3 && (cp == 0xfe0e || cp == 0xfe0f) && before > ' ')
		return n;
	return n == 3 && cp == 0x200d && before >= 0x2190 ? n : 0;
}

/* The line without them. */
static void quiet(struct buf *out, const char *text, size_t len)
{
	uint32_t before = 0;
	size_t clean = 0, n;

	for (size_t i = 0; i < len; i += n) {
		size_t drop = joins(text + i, len - i, before);

		if (drop == 0) {
			n = utf8_decode(text + i, len - i, &before);
			continue;
		}
		buf_append(out, text + clean, i - clean);
		n = drop;
		clean = i + n;
	}
	buf_append(out, text + clean, len - clean);
}

static void give(struct line *line, line_fn *fn, void *arg)
{
	struct buf out = { 0 };

	quiet(&out, buf_text(&line->text), line->text.len);
	buf_clear(&line->text);
	line->back = false;
	fn(arg, buf_text(&out), out.len);
	buf_done(&out);
}

/* Adds plain bytes; breaks a line that is too long at a character border when there is one. Returns how many were taken. */
static size_t put_text(struct line *line, const char *text, size_t n, size_t max, line_fn *fn, void *arg)
{
	size_t room, keep, back;
	char rest[4];

	if (line->back)
		buf_clear(&line->text);
	line->back = false;
	room = max - line->text.len;
	if (n < room) {
		buf_append(&line->text, text, n);
		return n;
	}
	buf_append(&line->text, text, room);
	keep = utf8_border(buf_text(&line->text), line->text.len);
	back = line->text.len - keep;
	if (keep == 0 || back >= sizeof(rest))
		back = 0;
	/* The beginning of a character goes on to the next line, also when it came alone. */
	memcpy(rest, line->text.data + keep, back);
	buf_cut(&line->text, line->text.len - back);
	give(line, fn, arg);
	buf_append(&line->text, rest, back);
	return room;
}

static void put_tab(struct line *line)
{
	int column = utf8_columns(buf_text(&line->text), line->text.len);

	if (line->tabs) {
		buf_putc(&line->text, '\t');
		return;
	}
	do
		buf_putc(&line->text, ' ');
	while (++column % TAB != 0);
}

/* The last character goes: what comes next stands in its place. */
static void rub_out(struct line *line)
{
	size_t len = line->text.len;

	if (line->back)
		return;
	while (len > 0 && ((unsigned char)line->text.data[len - 1] & 0xc0) == 0x80)
		len--;
	buf_cut(&line->text, len > 0 ? len - 1 : 0);
}

static void control(struct line *line, char c, size_t max, line_fn *fn, void *arg)
{
	if (c == '\n' || (c == '\t' && line->text.len + TAB >= max)) {
		give(line, fn, arg);
	} else if (c == '\r') {
		line->back = line->text.len > 0;
	} else if (c == '\t') {
		if (line->back)
			buf_clear(&line->text);
		line->back = false;
		put_tab(line);
	} else if (c == '\b') {
		rub_out(line);
	} else if (c == STRIP_ERASE || line->back) {
		/* All of it, or what follows a cursor that stands at its beginning. */
		buf_clear(&line->text);
		line->back = false;
	}
}

/* Text without sequences, with what strip tells of the line. */
static void take(struct line *line, const struct buf *plain, size_t max, line_fn *fn, void *arg)
{
	const char *text = buf_text(plain), *end = text + plain->len;

	while (text < end) {
		const char *stop = text;

		while (stop < end && ((unsigned char)*stop >= 0x20))
			stop++;
		if (stop > text) {
			text += put_text(line, text, (size_t)(stop - text), max, fn, arg);
			continue;
		}
		control(line, *text, max, fn, arg);
		text++;
	}
}

void line_feed(struct line *line, const void *bytes, size_t len, size_t max, line_fn *fn, void *arg)
{
	struct buf plain = { 0 };

	line->strip.flat = !line->terminal;
	line->strip.marks = true;
	strip_feed(&line->strip, bytes, len, &plain);
	take(line, &plain, max, fn, arg);
	buf_done(&plain);
}

void line_end(struct line *line, line_fn *fn, void *arg)
{
	struct buf cut = { 0 };

	strip_end(&line->strip, &cut);
	if (cut.len > 0 && line->back)
		buf_clear(&line->text);
	buf_append(&line->text, buf_text(&cut), cut.len);
	buf_done(&cut);
	if (line->text.len > 0)
		give(line, fn, arg);
}

void line_rest(const struct line *line, struct buf *out)
{
	const char *text = buf_text(&line->text);

	quiet(out, text, utf8_border(text, line->text.len));
}

void line_done(struct line *line)
{
	buf_done(&line->text);
	*line = (struct line){ 0 };
}

/* Nothing in words is overwritten: what stood before may be ours. */
void line_words(struct buf *out, const char *text, size_t len, bool keep_lines)
{
	struct strip strip = { .flat = true };
	struct buf plain = { 0 }, all = { 0 };
	bool some = false;

	strip_feed(&strip, text, len, &plain);
	strip_end(&strip, &plain);
	quiet(&all, buf_text(&plain), plain.len);
	for (size_t i = 0, n; i < all.len; i += n + (i + n < all.len)) {
		for (n = 0; i + n < all.len && all.data[i + n] != '\n' && all.data[i + n] != '\r'; n++)
			;
		if (some && n > 0 && !keep_lines)
			buf_puts(out, "; ");
		some = some || n > 0;
		utf8_safe(out, all.data + i, n, keep_lines);
		if (keep_lines && i + n < all.len && !(all.data[i + n] == '\r' && i + n + 1 < all.len && all.data[i + n + 1] == '\n'))
			buf_putc(out, '\n');
	}
	buf_done(&plain);
	buf_done(&all);
}
