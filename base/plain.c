/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/plain.h"

#include <stdbool.h>

#include "base/escape.h"

#define BAD "\xef\xbf\xbd"	/* U+FFFD */

struct plain {
	struct buf *out;
	size_t begin;		/* of out: what stood there before is not ours */
	bool returned;		/* a carriage return came just now; with \n it is one line end */
};

/* The last character goes: "a\bb" is a "b" on the screen. */
static void rub_out(struct plain *plain)
{
	size_t len = plain->out->len;

	while (len > plain->begin && ((unsigned char)plain->out->data[len - 1] & 0xc0) == 0x80)
		len--;
	if (len > plain->begin && plain->out->data[len - 1] != '\n')
		len--;
	buf_cut(plain->out, len);
}

static void control(struct plain *plain, uint32_t code)
{
	if (code == '\b')
		rub_out(plain);
	else if (code == '\r')
		plain->returned = true;
	else
		buf_putc(plain->out, code == '\n' ? '\n' : ' ');
}

static void put(struct plain *plain, const struct escape_token *token)
{
	if (plain->returned && !(token->kind == ESCAPE_CONTROL && token->code == '\n'))
		buf_putc(plain->out, '\n');
	plain->returned = false;
	if (token->kind == ESCAPE_TEXT)
		buf_append(plain->out, token->text, token->len);
	else if (token->kind == ESCAPE_INVALID)
		buf_puts(plain->out, BAD);
	else if (token->kind == ESCAPE_CONTROL)
		control(plain, token->code);
}

void plain_text(struct buf *out, const char *bytes, size_t len)
{
	struct plain plain = { .out = out, .begin = out->len };
	struct escape escape = { 0 };
	struct escape_token token;

	while (escape_next(&escape, &bytes, &len, &token))
		put(&plain, &token);
	while (escape_end(&escape, &token))
		put(&plain, &token);
	if (plain.returned)
		buf_putc(out, '\n');
}
