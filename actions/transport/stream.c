/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ways, and streams over sockets of this host. */
#define _GNU_SOURCE
#include "actions/transport/stream.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define PATH_MAX_BYTES (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)
#define NAME_MAX_BYTES 255 /* of a host */

/* ---- ways ---- */

static int check(const struct stream_to *to, struct err *e)
{
	if (to->host) {
		size_t len = strlen(to->host);

		if (len == 0 || len > NAME_MAX_BYTES || strpbrk(to->host, " \t\n/[]"))
			return err_set(e, ERR_USAGE,
				"\"%.60s\" is neither the name nor the address of a host",
				to->host);
		if (to->port < 1 || to->port > 65535)
			return err_set(e, ERR_USAGE, "%d is no port: 1 to 65535", to->port);
		return 0;
	}
	if (!to->path || *to->path != '/' || strchr(to->path, '\n'))
		return err_set(e, ERR_USAGE, "\"%.60s\" is no absolute path of a socket",
			to->path ? to->path : "");
	if (strlen(to->path) > PATH_MAX_BYTES)
		return err_set(e, ERR_USAGE, "the path of a socket has at most %zu bytes: %.60s…",
			PATH_MAX_BYTES, to->path);
	return 0;
}

struct stream_way *stream_way_new(const struct stream_to *to, struct err *e)
{
	struct stream_way *way;

	if (check(to, e) < 0)
		return NULL;
	way = mem_alloc(sizeof(*way));
	way->to.port = to->port;
	if (!to->host) {
		way->to.path = mem_strdup(to->path);
		way->name = mem_strdup(to->path);
		return way;
	}
	way->to.host = mem_strdup(to->host);
	way->name = mem_printf(strchr(to->host, ':') ? "[%s]:%d" : "%s:%d", to->host, to->port);
	return way;
}

void stream_way_free(struct stream_way *way)
{
	if (!way)
		return;
	mem_free((char *)(uintptr_t)way->to.host);
	mem_free((char *)(uintptr_t)way->to.path);
	mem_free(way->name);
	mem_free(way->local);
	mem_free(way);
}

int stream_refused(const char *host, const struct stream_way *way, const char *why, struct err *e)
{
	const char *detail = strstr(why, "connect failed: ");

	/* What the host's system said; of "open failed" sshd knows no more. */
	if (detail)
		detail = strstr(detail, "open failed") ? NULL : detail + strlen("connect failed: ");
	if (strstr(why, "prohibited"))
		return err_set(e, ERR_DENIED,
			"%s does not forward to %s: its sshd forbids it (AllowTcpForwarding, "
			"PermitOpen, DisableForwarding, or an option of the key)",
			host, way->name);
	if (strstr(why, "unknown channel type"))
		return err_set(e, ERR_DENIED, "%s does not forward to %s: its sshd cannot do that",
			host, way->name);
	if (detail)
		return err_set(e, ERR_REMOTE, "%s cannot connect to %s: %s", host, way->name,
			detail);
	if (strstr(why, "connect failed") && way->to.path)
		return err_set(e, ERR_REMOTE,
			"%s cannot connect to the socket %s: it is not there, nobody listens, this "
			"login may not use it, or its sshd forbids it (AllowStreamLocalForwarding)",
			host, way->name);
	if (strstr(why, "connect failed"))
		return err_set(e, ERR_REMOTE,
			"%s cannot connect to %s: nothing listens there, it does not answer, or "
			"its name is not known there",
			host, way->name);
	return err_set(e, ERR_REMOTE, "%s opens no stream to %s (%s)", host, way->name, why);
}

/* ---- streams over sockets of this host ---- */

enum local_state { LOCAL_NEXT, LOCAL_CONNECTING, LOCAL_OPEN };

struct local_stream {
	struct stream stream;
	const char *place; /* borrowed from the way: the line that is tried now */
	int64_t taken;
	int failed; /* errno of the last place that was tried; 0 = none */
	enum local_state state;
};

struct stream *stream_local_begin(struct transport *transport, const struct stream_way *way)
{
	struct local_stream *own = mem_alloc(sizeof(*own));

	own->stream = (struct stream){ .transport = transport, .way = way, .fd = -1 };
	own->place = way->local ? way->local : "";
	return &own->stream;
}

/* The address of a line "/PATH" or "ADDRESS PORT". Its length, 0 = it is none. */
static socklen_t parse_place(const char *line, struct sockaddr_storage *where)
{
	static const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	char text[512];
	const char *end = strchrnul(line, '\n');
	struct sockaddr_un *un = (struct sockaddr_un *)(void *)where;
	struct addrinfo *found = NULL;
	socklen_t len = 0;
	char *port;

	memset(where, 0, sizeof(*where));
	if (end == line || (size_t)(end - line) >= sizeof(text))
		return 0;
	memcpy(text, line, (size_t)(end - line));
	text[end - line] = '\0';
	if (*text == '/') {
		un->sun_family = AF_UNIX;
		return str_copy(un->sun_path, sizeof(un->sun_path), text) ? sizeof(*un) : 0;
	}
	port = strchr(text, ' ');
	if (port)
		*port++ = '\0';
	if (port && getaddrinfo(text, port, &hints, &found) == 0 &&
		found->ai_addrlen <= sizeof(*where)) {
		len = found->ai_addrlen;
		memcpy(where, found->ai_addr, len);
	}
	if (found)
		freeaddrinfo(found);
	return len;
}

/* The place that was tried is none: the next one's turn. */
static void give_up_place(struct local_stream *own, int failed)
{
	const char *end = strchrnul(own->place, '\n');

	if (own->stream.fd >= 0)
		close(own->stream.fd);
	own->stream.fd = -1;
	own->failed = failed;
	own->place = *end ? end + 1 : end;
	own->state = LOCAL_NEXT;
}

static void connect_place(struct local_stream *own)
{
	struct sockaddr_storage where;
	socklen_t len = parse_place(own->place, &where);

	own->stream.fd =
		len == 0 ? -1
			 : socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (own->stream.fd < 0) {
		give_up_place(own, len == 0 ? EINVAL : errno);
	} else if (connect(own->stream.fd, (const struct sockaddr *)&where, len) == 0) {
		own->state = LOCAL_OPEN;
	} else if (errno == EINPROGRESS || errno == EINTR) {
		own->state = LOCAL_CONNECTING;
	} else if (errno == EAGAIN) {
		/* Its queue is full: whoever listens there is about to empty it. */
		close(own->stream.fd);
		own->stream.fd = -1;
	} else {
		give_up_place(own, errno);
	}
}

static void finish_connect(struct local_stream *own)
{
	struct pollfd poll_fd = { .fd = own->stream.fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int failed = 0;

	if (poll(&poll_fd, 1, 0) <= 0)
		return;
	(void)getsockopt(own->stream.fd, SOL_SOCKET, SO_ERROR, &failed, &len);
	if (failed)
		give_up_place(own, failed);
	else
		own->state = LOCAL_OPEN;
}

int stream_local_opened(struct stream *stream, struct err *e)
{
	struct local_stream *own = (struct local_stream *)stream;

	if (own->state == LOCAL_CONNECTING)
		finish_connect(own);
	while (own->state == LOCAL_NEXT && *own->place) {
		const char *before = own->place;

		connect_place(own);
		if (own->place == before)
			break;
	}
	stream->looks = stream->fd < 0;
	if (own->state == LOCAL_OPEN)
		return 1;
	if (own->state == LOCAL_CONNECTING || *own->place)
		return 0;
	return err_set(e, own->failed == EACCES || own->failed == EPERM ? ERR_DENIED : ERR_REMOTE,
		"cannot connect to %s: %s", stream->way->name,
		strerror(own->failed ? own->failed : EADDRNOTAVAIL));
}

ssize_t stream_local_take(struct stream *stream, void *bytes, size_t size, struct err *e)
{
	struct local_stream *own = (struct local_stream *)stream;
	ssize_t got = recv(stream->fd, bytes, size, 0);

	if (got > 0)
		own->taken += got;
	if (got == 0)
		stream->ended = true;
	if (got >= 0 || errno == EAGAIN || errno == EINTR)
		return got > 0 ? got : 0;
	return err_set(e, ERR_REMOTE, "the connection to %s was broken off at the other end: %s",
		stream->way->name, strerror(errno));
}

ssize_t stream_local_put(struct stream *stream, const void *bytes, size_t len, struct err *e)
{
	ssize_t put = send(stream->fd, bytes, len, MSG_NOSIGNAL);

	(void)e;
	if (put < 0 && errno != EAGAIN && errno != EINTR)
		stream->deaf = true;
	return put < 0 ? 0 : put;
}

int stream_local_end(struct stream *stream, struct err *e)
{
	(void)e;
	(void)shutdown(stream->fd, SHUT_WR);
	return 1;
}

int64_t stream_local_taken(const struct stream *stream)
{
	return ((const struct local_stream *)stream)->taken;
}

void stream_local_free(struct stream *stream)
{
	if (stream->fd >= 0)
		close(stream->fd);
	mem_free(stream);
}
