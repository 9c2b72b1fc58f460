/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/escape.h"

#include <assert.h>
#include <string.h>

#include "base/utf8.h"

enum state {
	GROUND,
	IN_ESCAPE, /* behind ESC, and intermediate bytes */
	IN_CSI,
	IN_STRING,
};

enum { BEL = 0x07, CAN = 0x18, SUB = 0x1a, ESC = 0x1b, DEL = 0x7f, ST = 0x9c };

/* One character, or one byte that is none. */
struct piece {
	const char *text;
	size_t len;
	uint32_t cp;
	bool valid;
};

static bool is_intermediate(char c)
{
	return c >= 0x20 && c <= 0x2f;
}

/* Decodes what is in front; false when the end of the bytes cuts it. */
static bool decode(const char *text, size_t len, struct piece *piece)
{
	piece->text = text;
	piece->len = utf8_decode(text, len, &piece->cp);
	piece->valid = piece->cp != UTF8_BAD || piece->len > 1;
	return piece->valid || len >= 4 || utf8_border(text, len) > 0;
}

/* Bytes of text in front: whole characters that print. */
static size_t printable(const char *text, size_t len)
{
	struct piece piece;
	size_t i = 0;

	while (i < len) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x20 && c < DEL) {
			i++;
			continue;
		}
		if (c < 0x80 || !decode(text + i, len - i, &piece) || !piece.valid ||
			piece.cp < 0xa0)
			break;
		i += piece.len;
	}
	return i;
}

static void skip(const char **bytes, size_t *len, size_t n)
{
	*bytes += n;
	*len -= n;
}

/* The same with the bytes that were held back. One of them that turns out to be no text goes alone. */
static bool take_held(struct escape *escape, const char **bytes, size_t *len, struct piece *piece)
{
	size_t held = escape->held_len, room = sizeof(escape->held) - held;
	size_t more = *len < room ? *len : room;

	memcpy(escape->held + held, *bytes, more);
	if (!decode(escape->held, held + more, piece)) {
		escape->held_len = (unsigned char)(held + more);
		skip(bytes, len, more);
		return false;
	}
	memcpy(escape->whole, escape->held, piece->len);
	piece->text = escape->whole;
	if (piece->len >= held) {
		escape->held_len = 0;
		skip(bytes, len, piece->len - held);
	} else {
		memmove(escape->held, escape->held + piece->len, held - piece->len);
		escape->held_len = (unsigned char)(held - piece->len);
	}
	return true;
}

/* The next character; false when it is not whole yet, and all bytes are held back. */
static bool take(struct escape *escape, const char **bytes, size_t *len, struct piece *piece)
{
	if (escape->held_len > 0)
		return take_held(escape, bytes, len, piece);
	if (decode(*bytes, *len, piece)) {
		skip(bytes, len, piece->len);
		return true;
	}
	assert(*len < sizeof(escape->held));
	memcpy(escape->held, *bytes, *len);
	escape->held_len = (unsigned char)*len;
	skip(bytes, len, *len);
	return false;
}

static void begin(struct escape *escape, enum state state)
{
	escape->state = (unsigned char)state;
	escape->len = 0;
	escape->odd = false;
}

static void keep(struct escape *escape, char c)
{
	if (escape->len < ESCAPE_SEQUENCE)
		escape->sequence[escape->len++] = c;
	else
		escape->odd = true;
}

static bool end(
	struct escape *escape, enum escape_kind kind, char final, struct escape_token *token)
{
	*token = (struct escape_token){
		.kind = kind,
		.code = (unsigned char)final,
		.text = escape->sequence,
		.len = escape->len,
		.odd = escape->odd,
	};
	escape->state = GROUND;
	return true;
}

/* What is no ASCII belongs into no sequence and breaks it off. */
static bool give(struct escape *escape, enum escape_kind kind, const struct piece *piece,
	struct escape_token *token)
{
	escape->state = piece->cp < 0x80 ? escape->state : (unsigned char)GROUND;
	*token = (struct escape_token){
		.kind = kind, .code = piece->cp, .text = piece->text, .len = piece->len,
	};
	return true;
}

static bool in_escape(struct escape *escape, char c, struct escape_token *token)
{
	if (is_intermediate(c)) {
		keep(escape, c);
	} else if (escape->len == 0 && c == '[') {
		begin(escape, IN_CSI);
	} else if (escape->len == 0 && strchr("]PX^_", c)) {
		begin(escape, IN_STRING);
		escape->string = c;
	} else {
		return end(escape, ESCAPE_SHORT, c, token);
	}
	return false;
}

/* Parameters, < = > or ? only at their beginning, then intermediate bytes, then the final one. */
static bool in_csi(struct escape *escape, char c, struct escape_token *token)
{
	if (c >= 0x40)
		return end(escape, ESCAPE_CSI, c, token);
	if (!is_intermediate(c) && escape->len > 0 &&
		(c >= 0x3c || is_intermediate(escape->sequence[escape->len - 1])))
		escape->odd = true;
	keep(escape, c);
	return false;
}

/* BEL ends OSC alone, as xterm wants it. ESC breaks a string off and begins anew: ESC \, which should
 * end it, is then a sequence that does nothing. */
static bool in_string(struct escape *escape, const struct piece *piece, struct escape_token *token)
{
	bool ends = piece->cp == CAN || piece->cp == SUB || piece->cp == ST || piece->cp == ESC;

	if (!ends && (piece->cp != BEL || escape->string != ']'))
		return false;
	end(escape, ESCAPE_STRING, escape->string, token);
	begin(escape, piece->cp == ESC ? IN_ESCAPE : GROUND);
	return true;
}

/* True when a token has ended with this piece. */
static bool step(struct escape *escape, const struct piece *piece, struct escape_token *token)
{
	if (escape->state == IN_STRING)
		return in_string(escape, piece, token);
	if (!piece->valid)
		return give(escape, ESCAPE_INVALID, piece, token);
	if (piece->cp >= 0xa0)
		return give(escape, ESCAPE_TEXT, piece, token);
	if (piece->cp == ESC) {
		begin(escape, IN_ESCAPE);
		return false;
	}
	if (escape->state != GROUND && (piece->cp == CAN || piece->cp == SUB)) {
		escape->state = GROUND;
		return false;
	}
	if (escape->state != GROUND && piece->cp == DEL)
		return false;
	if (piece->cp < 0x20 || piece->cp >= DEL)
		return give(escape, ESCAPE_CONTROL, piece, token);
	assert(escape->state == IN_ESCAPE || escape->state == IN_CSI);
	if (escape->state == IN_ESCAPE)
		return in_escape(escape, (char)piece->cp, token);
	return in_csi(escape, (char)piece->cp, token);
}

bool escape_next(struct escape *escape, const char **bytes, size_t *len, struct escape_token *token)
{
	struct piece piece;

	while (*len > 0) {
		bool ground = escape->state == GROUND && escape->held_len == 0;
		size_t text = ground ? printable(*bytes, *len) : 0;

		if (text > 0) {
			*token = (struct escape_token){
				.kind = ESCAPE_TEXT, .text = *bytes, .len = text,
			};
			skip(bytes, len, text);
			return true;
		}
		if (take(escape, bytes, len, &piece) && step(escape, &piece, token))
			return true;
	}
	return false;
}

bool escape_end(struct escape *escape, struct escape_token *token)
{
	while (escape->held_len > 0) {
		struct piece piece = { .text = escape->whole, .len = 1, .cp = UTF8_BAD };

		escape->whole[0] = escape->held[0];
		memmove(escape->held, escape->held + 1, --escape->held_len);
		if (step(escape, &piece, token))
			return true;
	}
	*escape = (struct escape){ 0 };
	return false;
}
