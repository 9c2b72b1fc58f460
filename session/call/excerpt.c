/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/call/excerpt.h"

#include <string.h>

void excerpt_add(struct excerpt *excerpt, const void *bytes, size_t len)
{
	struct buf *text = &excerpt->text;
	size_t surplus;

	buf_append(text, bytes, len);
	if (text->len <= EXCERPT_MAX + EXCERPT_TAIL)
		return;
	surplus = text->len - EXCERPT_HEAD - EXCERPT_TAIL;
	memmove(text->data + EXCERPT_HEAD, text->data + EXCERPT_HEAD + surplus, EXCERPT_TAIL);
	buf_cut(text, EXCERPT_HEAD + EXCERPT_TAIL);
	excerpt->left_out += (int64_t)surplus;
}

bool excerpt_is_cut(const struct excerpt *excerpt)
{
	return excerpt->left_out > 0 || excerpt->text.len > EXCERPT_MAX;
}

/* The end of the last whole line of the first `most` bytes, or most when a line is longer than that. */
static size_t line_border(const char *text, size_t most, size_t least)
{
	for (size_t at = most; at > least; at--)
		if (text[at - 1] == '\n')
			return at;
	return most;
}

void excerpt_put(const struct excerpt *excerpt, struct buf *out)
{
	const char *text = buf_text(&excerpt->text), *newline;
	size_t len = excerpt->text.len, head, tail;

	if (!excerpt_is_cut(excerpt)) {
		buf_append(out, text, len);
		return;
	}
	head = line_border(text, EXCERPT_HEAD, EXCERPT_HEAD / 2);
	tail = len - EXCERPT_TAIL;
	newline = memchr(text + tail, '\n', EXCERPT_TAIL / 2);
	tail = newline ? (size_t)(newline - text) + 1 : tail;
	buf_append(out, text, head);
	buf_printf(out, "%s[... %lld bytes are left out here; the journal has them ...]\n", text[head - 1] == '\n' ? "" : "\n", (long long)excerpt->left_out + (long long)(tail - head));
	buf_append(out, text + tail, len - tail);
}

void excerpt_done(struct excerpt *excerpt)
{
	buf_done(&excerpt->text);
	excerpt->left_out = 0;
}
