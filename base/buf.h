/* buf.h - a growing byte buffer; always NUL-terminated behind len so that text in it is a C string. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

struct buf {
	char *data;	/* owned; never NULL after buf_init's first append; use buf_text for a safe string */
	size_t len;
	size_t cap;
};

/* Empty buffer; no allocation. `struct buf b = {0};` is the same. */
void buf_init(struct buf *buf);

/* Frees the bytes; the buffer is empty and usable again. */
void buf_done(struct buf *buf);

/* len = 0, memory kept. */
void buf_clear(struct buf *buf);

/* Appends len bytes. */
void buf_append(struct buf *buf, const void *bytes, size_t len);

/* Appends a string. */
void buf_puts(struct buf *buf, const char *text);

/* Appends one byte. */
void buf_putc(struct buf *buf, char c);

/* Appends formatted text. */
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Appends formatted text. */
void buf_vprintf(struct buf *buf, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));

/* Room for at least extra more bytes; returns where they start (borrowed until the next change). Commit with buf_added. */
char *buf_room(struct buf *buf, size_t extra);

/* Says that len bytes were written at buf_room's pointer. */
void buf_added(struct buf *buf, size_t len);

/* Removes len bytes from the front. */
void buf_consume(struct buf *buf, size_t len);

/* Forgets what is behind the first len bytes; there are at least so many. */
void buf_cut(struct buf *buf, size_t len);

/* The bytes as a C string, "" when empty. Borrowed until the next change. */
const char *buf_text(const struct buf *buf);

/* Caller takes the bytes (never NULL, NUL-terminated; mem_free); the buffer is empty again. */
char *buf_take(struct buf *buf);

#endif
