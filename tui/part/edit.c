/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _DEFAULT_SOURCE /* explicit_bzero */
#include "tui/part/edit.h"

#include <string.h>

#include "base/utf8.h"

void edit_clear(struct edit *edit)
{
	explicit_bzero(edit, sizeof(*edit));
}

bool edit_insert(struct edit *edit, uint32_t cp)
{
	char bytes[4];
	size_t n;

	if (cp < 0x20 || cp == UTF8_BAD || utf8_width(cp) < 0)
		return false;
	n = utf8_encode(cp, bytes);
	if (edit->len + n >= EDIT_MAX)
		return false;
	memmove(edit->text + edit->cursor + n, edit->text + edit->cursor, edit->len - edit->cursor + 1);
	memcpy(edit->text + edit->cursor, bytes, n);
	edit->len += n;
	edit->cursor += n;
	return true;
}

void edit_paste(struct edit *edit, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		uint32_t cp;

		at += utf8_decode(text + at, len - at, &cp);
		edit_insert(edit, utf8_width(cp) < 0 ? ' ' : cp);
	}
}

static size_t char_before(const struct edit *edit, size_t at)
{
	while (at > 0 && ((unsigned char)edit->text[--at] & 0xc0) == 0x80)
		continue;
	return at;
}

static size_t char_after(const struct edit *edit, size_t at)
{
	if (at < edit->len)
		at++;
	while (at < edit->len && ((unsigned char)edit->text[at] & 0xc0) == 0x80)
		at++;
	return at;
}

/* Takes [from, to) out; the freed tail is wiped. */
static void cut(struct edit *edit, size_t from, size_t to)
{
	size_t n = to - from;

	memmove(edit->text + from, edit->text + to, edit->len - to);
	edit->len -= n;
	explicit_bzero(edit->text + edit->len, n);
	edit->cursor = from;
}

static size_t word_before(const struct edit *edit)
{
	size_t at = edit->cursor;

	while (at > 0 && edit->text[at - 1] == ' ')
		at--;
	while (at > 0 && edit->text[at - 1] != ' ')
		at--;
	return at;
}

static bool control(struct edit *edit, uint32_t letter)
{
	switch (letter) {
	case 'A':
		edit->cursor = 0;
		return true;
	case 'E':
		edit->cursor = edit->len;
		return true;
	case 'U':
		cut(edit, 0, edit->cursor);
		return true;
	case 'K':
		cut(edit, edit->cursor, edit->len);
		return true;
	case 'W':
		cut(edit, word_before(edit), edit->cursor);
		return true;
	default:
		return false;
	}
}

static bool movement(struct edit *edit, enum press_code code)
{
	if (code == PRESS_LEFT)
		edit->cursor = char_before(edit, edit->cursor);
	else if (code == PRESS_RIGHT)
		edit->cursor = char_after(edit, edit->cursor);
	else if (code == PRESS_HOME)
		edit->cursor = 0;
	else if (code == PRESS_END)
		edit->cursor = edit->len;
	else if (code == PRESS_BACKSPACE)
		cut(edit, char_before(edit, edit->cursor), edit->cursor);
	else if (code == PRESS_DELETE)
		cut(edit, edit->cursor, char_after(edit, edit->cursor));
	else
		return false;
	return true;
}

bool edit_press(struct edit *edit, const struct press *press)
{
	if (press->code == PRESS_CHAR) {
		edit_insert(edit, press->cp);
		return true;
	}
	if (press->code == PRESS_PASTE) {
		edit_paste(edit, press->text, press->len);
		return true;
	}
	if (press->code == PRESS_CTRL)
		return control(edit, press->cp);
	return movement(edit, press->code);
}

void edit_draw(const struct edit *edit, struct canvas *canvas, struct area at)
{
	const char *text = edit->text;
	int cursor = utf8_columns(text, edit->cursor);

	canvas_fill(canvas, at, ROLE_FIELD);
	while (cursor >= at.cols && *text) {
		uint32_t cp;
		size_t n = utf8_decode(text, strlen(text), &cp);

		cursor -= utf8_width(cp);
		text += n;
	}
	canvas_text(canvas, at.row, at.col, at.cols, ROLE_FIELD, text);
	canvas->cursor_row = at.row;
	canvas->cursor_col = at.col + cursor;
}
