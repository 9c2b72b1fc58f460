/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/buf.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#ifdef TINY_LIMITS
#define BUF_FIRST ((size_t)8)
#else
#define BUF_FIRST ((size_t)64)
#endif

void buf_init(struct buf *buf)
{
	*buf = (struct buf){0};
}

void buf_done(struct buf *buf)
{
	mem_free(buf->data);
	buf_init(buf);
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

char *buf_room(struct buf *buf, size_t extra)
{
	size_t need;

	/* One byte more for the NUL; sizes near SIZE_MAX are our own bug. */
	assert(extra < SIZE_MAX / 2 - buf->len);
	need = buf->len + extra + 1;
	if (need > buf->cap) {
		size_t cap = buf->cap < BUF_FIRST ? BUF_FIRST : buf->cap * 2;

		if (cap < need)
			cap = need;
		buf->data = mem_grow(buf->data, cap, 1);
		buf->cap = cap;
		buf->data[buf->len] = '\0';
	}
	return buf->data + buf->len;
}

void buf_added(struct buf *buf, size_t len)
{
	if (len == 0)
		return;
	assert(buf->cap > buf->len && len < buf->cap - buf->len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_append(struct buf *buf, const void *bytes, size_t len)
{
	char *room = buf_room(buf, len);

	if (len > 0)
		memcpy(room, bytes, len);
	buf_added(buf, len);
}

void buf_puts(struct buf *buf, const char *text)
{
	buf_append(buf, text, strlen(text));
}

void buf_putc(struct buf *buf, char c)
{
	*buf_room(buf, 1) = c;
	buf_added(buf, 1);
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	buf_vprintf(buf, fmt, args);
	va_end(args);
}

void buf_vprintf(struct buf *buf, const char *fmt, va_list args)
{
	va_list again;
	int wanted;
	size_t len;

	va_copy(again, args);
	wanted = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	assert(wanted >= 0);
	len = (size_t)wanted;
	vsnprintf(buf_room(buf, len), len + 1, fmt, args);
	buf_added(buf, len);
}

void buf_consume(struct buf *buf, size_t len)
{
	assert(len <= buf->len);
	if (len == 0)
		return;
	buf->len -= len;
	/* The NUL moves along. */
	memmove(buf->data, buf->data + len, buf->len + 1);
}

void buf_cut(struct buf *buf, size_t len)
{
	assert(len <= buf->len);
	if (len == buf->len)
		return;
	buf->len = len;
	buf->data[len] = '\0';
}

const char *buf_text(const struct buf *buf)
{
	return buf->data ? buf->data : "";
}

char *buf_take(struct buf *buf)
{
	char *bytes;

	buf_room(buf, 0);
	bytes = buf->data;
	buf_init(buf);
	return bytes;
}
