/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/strip.h"

#include <string.h>

static bool is(const struct escape_token *token, const char *parameters)
{
	return token->len == strlen(parameters) && memcmp(token->text, parameters, token->len) == 0;
}

/* What moves or erases within the line, in words that a line understands (base/line.h). */
static void tell_line(const struct escape_token *token, struct buf *out)
{
	bool rest = is(token, "") || is(token, "0"), once = rest || is(token, "1");

	if ((token->code == 'K' || token->code == 'J') && is(token, "2"))
		buf_putc(out, STRIP_ERASE);
	else if ((token->code == 'K' || token->code == 'J') && rest)
		buf_putc(out, STRIP_ERASE_REST);
	else if (token->code == 'G' && once)
		buf_putc(out, '\r');
	else if (token->code == 'D' && once)
		buf_putc(out, '\b');
}

/* Full-screen programs switch to the other screen and back: ESC [ ? 47, 1047 or 1049 h, l. */
static void end_csi(struct strip *strip, const struct escape_token *token, struct buf *out)
{
	bool on = token->code == 'h';

	if (token->odd)
		return;
	if (strip->marks)
		tell_line(token, out);
	if (strip->flat || (!on && token->code != 'l') || on == strip->alternate)
		return;
	if (!is(token, "?47") && !is(token, "?1047") && !is(token, "?1049"))
		return;
	strip->alternate = on;
	if (on)
		buf_puts(out, "\r\n(a full-screen program)\r\n");
}

static bool stays(const struct strip *strip, uint32_t code)
{
	return code == '\n' || code == '\r' || code == '\t' || (code == '\b' && strip->marks);
}

static void put(struct strip *strip, const struct escape_token *token, struct buf *out)
{
	if (token->kind == ESCAPE_CSI)
		end_csi(strip, token, out);
	else if (strip->alternate)
		return;
	else if (token->kind == ESCAPE_TEXT || token->kind == ESCAPE_INVALID)
		buf_append(out, token->text, token->len);
	else if (token->kind == ESCAPE_CONTROL && stays(strip, token->code))
		buf_putc(out, (char)token->code);
}

void strip_feed(struct strip *strip, const char *bytes, size_t len, struct buf *out)
{
	struct escape_token token;

	while (escape_next(&strip->escape, &bytes, &len, &token))
		put(strip, &token, out);
}

void strip_end(struct strip *strip, struct buf *out)
{
	struct escape_token token;

	while (escape_end(&strip->escape, &token))
		put(strip, &token, out);
	strip->alternate = false;
}
