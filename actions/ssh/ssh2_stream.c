/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Streams over libssh2: its channels "direct-tcpip", and
 * "direct-streamlocal@openssh.com" for Unix sockets. libssh2 has a function for
 * the latter since 1.11; that is no more than the open request with the same
 * message, which 1.10 sends as well (libssh2_channel_open_ex).
 *
 * Many channels take turns on one connection. libssh2 allows that as long as no
 * packet was sent half: then it wants the same request again, before any other.
 * So none is: what the socket does not take is gathered here, and nothing is
 * put into a channel until it is gone. What may be gathered is thereby one
 * packet of data, and the small ones that answer what was read.
 *
 * How much may come unread is bounded by each channel's window, which libssh2
 * widens by what was taken, never by more.
 */
#define _GNU_SOURCE
#include "actions/ssh/ssh2_int.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/time.h"

#define WINDOW (1u << 20) /* nobody reads a stream: it holds no more; 25 MB/s over 40 ms */
#define PACKET 32768u
#define TCPIP "direct-tcpip"
#define STREAMLOCAL "direct-streamlocal@openssh.com"

struct ssh2_stream {
	struct stream stream;
	LIBSSH2_CHANNEL *handle; /* NULL = not open yet */
	struct buf message;	 /* of the open request */
	struct ssh2_stream *next;
	bool is_left; /* freed by its owner while the request is under way */
};

ssize_t ssh2_gather(struct ssh2 *own, const void *bytes, size_t len)
{
	ssize_t put = 0;

	if (own->outgoing.len == 0) {
		put = send(own->fd, bytes, len, MSG_NOSIGNAL);
		if (put < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (put < 0)
			put = 0;
	}
	buf_append(&own->outgoing, (const char *)bytes + put, len - (size_t)put);
	return (ssize_t)len;
}

/* Sends what was gathered, as far as the socket takes it. */
static int flush(struct ssh2 *own, struct err *e)
{
	while (own->outgoing.len > 0) {
		ssize_t put = send(own->fd, own->outgoing.data, own->outgoing.len, MSG_NOSIGNAL);

		if (put < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (put < 0) {
			own->hung_up = true;
			return ssh2_lost(own, "sending", e);
		}
		buf_consume(&own->outgoing, (size_t)put);
	}
	return 0;
}

static struct ssh2 *own_of(const struct stream *stream)
{
	return (struct ssh2 *)stream->transport;
}

static int lead(
	struct transport *transport, struct call *call, struct stream_way *way, struct err *e)
{
	(void)transport;
	(void)call;
	(void)way;
	(void)e;
	return 0;
}

static void put_u32(struct buf *out, size_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_putc(out, (char)(value >> shift & 0xff));
}

static void put_text(struct buf *out, const char *text)
{
	put_u32(out, strlen(text));
	buf_puts(out, text);
}

static struct stream *begin(struct transport *transport, const struct stream_way *way)
{
	struct ssh2 *own = (struct ssh2 *)transport;
	struct ssh2_stream *stream = mem_alloc(sizeof(*stream));

	stream->stream = (struct stream){ .transport = transport, .way = way, .fd = -1 };
	if (way->to.host) {
		/* Where it goes, and where it comes from, which only a log there would tell. */
		put_text(&stream->message, way->to.host);
		put_u32(&stream->message, (size_t)way->to.port);
		put_text(&stream->message, "127.0.0.1");
	} else {
		put_text(&stream->message, way->to.path);
		put_text(&stream->message, "");
	}
	put_u32(&stream->message, 0);
	stream->next = own->streams;
	own->streams = stream;
	own->gathers = true;
	return &stream->stream;
}

/* libssh2 opens one channel at a time. */
static int opened(struct stream *base, struct err *e)
{
	struct ssh2_stream *stream = (struct ssh2_stream *)base;
	struct ssh2 *own = own_of(base);
	const char *type = base->way->to.host ? TCPIP : STREAMLOCAL;
	char *words = NULL;
	int code;

	if (stream->handle)
		return 1;
	if (own->opening && own->opening != stream)
		return 0;
	own->opening = stream;
	stream->handle = libssh2_channel_open_ex(own->session, type, (unsigned int)strlen(type),
		WINDOW, PACKET, stream->message.data, (unsigned int)stream->message.len);
	if (!stream->handle) {
		code = libssh2_session_last_error(own->session, &words, NULL, 0);
		if (code == LIBSSH2_ERROR_EAGAIN)
			return 0;
		own->opening = NULL;
		if (code != LIBSSH2_ERROR_CHANNEL_FAILURE)
			return ssh2_lost(own, "opening a stream", e);
		/* libssh2 keeps the reason, not the words that sshd has for it. */
		return stream_refused(
			ssh_config_name(own->config), base->way, words ? words : "no reason", e);
	}
	own->opening = NULL;
	return 1;
}

/* The other end has closed both directions. Known only after the end of what it sent. */
static void look_if_deaf(struct ssh2_stream *stream)
{
	if (libssh2_channel_eof(stream->handle) && libssh2_channel_wait_closed(stream->handle) == 0)
		stream->stream.deaf = true;
}

static ssize_t take(struct stream *base, void *bytes, size_t size, struct err *e)
{
	struct ssh2_stream *stream = (struct ssh2_stream *)base;
	struct ssh2 *own = own_of(base);
	ssize_t got = libssh2_channel_read_ex(stream->handle, 0, bytes, size);

	if (got > 0)
		return got;
	if (got < 0 && got != LIBSSH2_ERROR_EAGAIN)
		return ssh2_lost(own, "reading", e);
	if (libssh2_channel_eof(stream->handle))
		base->ended = true;
	return 0;
}

static ssize_t put(struct stream *base, const void *bytes, size_t len, struct err *e)
{
	struct ssh2_stream *stream = (struct ssh2_stream *)base;
	struct ssh2 *own = own_of(base);
	ssize_t got;

	if (own->outgoing.len > 0)
		return 0;
	look_if_deaf(stream);
	if (base->deaf)
		return 0;
	got = libssh2_channel_write_ex(stream->handle, 0, bytes, len);
	if (got == LIBSSH2_ERROR_CHANNEL_CLOSED || got == LIBSSH2_ERROR_CHANNEL_EOF_SENT)
		base->deaf = true;
	else if (got < 0 && got != LIBSSH2_ERROR_EAGAIN)
		return ssh2_lost(own, "writing", e);
	return got > 0 ? got : 0;
}

static int end(struct stream *base, struct err *e)
{
	int rc = libssh2_channel_send_eof(((struct ssh2_stream *)base)->handle);

	if (rc == LIBSSH2_ERROR_EAGAIN)
		return 0;
	if (rc < 0 && rc != LIBSSH2_ERROR_CHANNEL_CLOSED && rc != LIBSSH2_ERROR_CHANNEL_EOF_SENT)
		return ssh2_lost(own_of(base), "ending a stream", e);
	return 1;
}

static void free_stream(struct stream *base)
{
	struct ssh2_stream *stream = (struct ssh2_stream *)base;
	struct ssh2 *own = own_of(base);

	/* A request cannot be taken back: tend sees to its end. */
	if (own->opening == stream && !own->closed) {
		stream->is_left = true;
		return;
	}
	for (struct ssh2_stream **at = &own->streams; *at; at = &(*at)->next) {
		if (*at == stream) {
			*at = stream->next;
			break;
		}
	}
	if (own->opening == stream)
		own->opening = NULL;
	if (stream->handle)
		ssh2_let_die(own, stream->handle);
	buf_done(&stream->message);
	mem_free(stream);
}

void ssh2_streams_done(struct ssh2 *own)
{
	own->opening = NULL;
	while (own->streams) {
		own->streams->is_left = false;
		free_stream(&own->streams->stream);
	}
	buf_done(&own->outgoing);
}

/* Asks libssh2 to read the socket: whichever request does, it does so for all channels. */
static int pull(struct ssh2 *own, struct err *e)
{
	struct err ignored;
	char byte;

	if (own->opening && own->opening->is_left) {
		struct ssh2_stream *left = own->opening;
		int done = opened(&left->stream, &ignored);

		if (done < 0 && own->closed)
			return ssh2_lost(own, "opening a stream", e);
		if (done != 0)
			free_stream(&left->stream);
	}
	for (const struct ssh2_stream *stream = own->streams; stream; stream = stream->next) {
		ssize_t got;

		if (!stream->handle)
			continue;
		/* Nothing comes on that number: the data stays where it is. */
		got = libssh2_channel_read_ex(stream->handle, 1, &byte, 1);
		if (got < 0 && got != LIBSSH2_ERROR_EAGAIN)
			return ssh2_lost(own, "reading", e);
		break;
	}
	ssh2_bury(own);
	own->pulled = own->received;
	return 0;
}

/* Something of libssh2 reads the socket when it is readable. */
static bool is_read(const struct ssh2 *own)
{
	return own->streams || own->dying;
}

/* The host has to give a sign of life from time to time, as long as somebody would read it. */
static int look_at_silence(struct ssh2 *own, struct err *e)
{
	int64_t now = time_mono_us();
	int64_t since = own->heard_us > own->since_us ? own->heard_us : own->since_us;

	if (!is_read(own)) {
		own->since_us = now;
		own->probes = 0;
		return 0;
	}
	return now >= since + own->interval_us * (own->probes + 1) ? ssh2_probe(own, e) : 0;
}

static int tend(struct transport *transport, struct err *e)
{
	struct ssh2 *own = (struct ssh2 *)transport;
	struct pollfd poll_fd = { .fd = own->fd, .events = POLLRDHUP };

	if (flush(own, e) < 0 || pull(own, e) < 0)
		return -1;
	if (!is_read(own) && poll(&poll_fd, 1, 0) > 0) {
		own->hung_up = true;
		return ssh2_lost(own, "waiting", e);
	}
	return look_at_silence(own, e);
}

/* While no stream is there nothing is read: what came then would be readable for ever. */
static int64_t watch(struct transport *transport, struct pollfd *fd)
{
	const struct ssh2 *own = (const struct ssh2 *)transport;
	int64_t since = own->heard_us > own->since_us ? own->heard_us : own->since_us;
	int64_t left = since + own->interval_us * (own->probes + 1) - time_mono_us();

	fd->fd = own->fd;
	fd->events = (short)(POLLRDHUP | (is_read(own) ? POLLIN : 0) |
			     (own->outgoing.len > 0 ? POLLOUT : 0));
	if (!is_read(own))
		return -1;
	/* While one stream was read, something came for another that had had its turn. */
	if (own->received != own->pulled)
		return 0;
	return left > 0 ? left : 0;
}

const struct stream_ops ssh2_stream_ops = {
	.lead = lead,
	.begin = begin,
	.opened = opened,
	.take = take,
	.put = put,
	.end = end,
	.free = free_stream,
	.tend = tend,
	.watch = watch,
};
