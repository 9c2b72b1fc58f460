/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/wire.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#define READ_STEP ((size_t)65536)
#define READ_MAX ((size_t)1 << 20)

static void put_le(char *to, uint64_t value, int bytes)
{
	for (int i = 0; i < bytes; i++)
		to[i] = (char)(value >> (8 * i) & 255);
}

static uint64_t get_le(const char *from, int bytes)
{
	uint64_t value = 0;

	for (int i = bytes - 1; i >= 0; i--)
		value = value << 8 | (unsigned char)from[i];
	return value;
}

void wire_put(struct buf *out, uint32_t type, uint64_t id, const void *bytes, size_t len)
{
	char *to;

	assert(len <= WIRE_MAX);
	to = buf_room(out, WIRE_HEADER + len);
	put_le(to, len, 4);
	put_le(to + 4, type, 4);
	put_le(to + 8, id, 8);
	buf_added(out, WIRE_HEADER);
	buf_append(out, bytes, len);
}

int wire_get(const struct buf *in, size_t *offset, struct frame *frame, struct err *e)
{
	size_t there;
	const char *at;
	size_t len;

	assert(*offset <= in->len);
	there = in->len - *offset;
	if (there < WIRE_HEADER)
		return 0;
	at = in->data + *offset;
	len = (size_t)get_le(at, 4);
	if (len > WIRE_MAX)
		return err_set(e, ERR_CORRUPT, "frame of %zu bytes, at most %zu are allowed", len,
			       WIRE_MAX);
	if (there - WIRE_HEADER < len)
		return 0;
	frame->type = (uint32_t)get_le(at + 4, 4);
	frame->id = get_le(at + 8, 8);
	frame->bytes = at + WIRE_HEADER;
	frame->len = len;
	*offset += WIRE_HEADER + len;
	return 1;
}

/* Whatever errno says, a broken connection is one case for the caller. */
static int io_error(struct err *e, const char *what)
{
	err_errno(e, "%s", what);
	e->kind = ERR_IO;
	return -1;
}

long wire_read(int fd, struct buf *in, int *eof, struct err *e)
{
	size_t total = 0;

	*eof = 0;
	while (total < READ_MAX) {
		ssize_t got = recv(fd, buf_room(in, READ_STEP), READ_STEP, MSG_DONTWAIT);

		if (got > 0) {
			buf_added(in, (size_t)got);
			total += (size_t)got;
			continue;
		}
		if (got < 0 && errno == EINTR)
			continue;
		/* ECONNRESET: the far side ended without reading all that we sent. */
		if (got == 0 || errno == ECONNRESET)
			*eof = 1;
		else if (errno != EAGAIN && total == 0)
			return io_error(e, "cannot read from socket");
		break;
	}
	return (long)total;
}

int wire_flush(int fd, struct buf *out, struct err *e)
{
	size_t done = 0;
	int result = 0;

	while (done < out->len) {
		ssize_t put = send(fd, out->data + done, out->len - done, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (put >= 0) {
			done += (size_t)put;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			result = io_error(e, "cannot write to socket");
		break;
	}
	/* Once, not after each send: moving the rest costs its length. */
	buf_consume(out, done);
	return result;
}

int wire_flush_all(int fd, struct buf *out, struct err *e)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };

	for (;;) {
		if (wire_flush(fd, out, e) < 0)
			return -1;
		if (out->len == 0)
			return 0;
		if (poll(&ready, 1, -1) < 0 && errno != EINTR)
			return io_error(e, "cannot wait for socket");
	}
}
