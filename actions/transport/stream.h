/* stream.h - byte streams from a host to what is behind it, and what a transport does for them. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_TRANSPORT_STREAM_H
#define ACTIONS_TRANSPORT_STREAM_H

#include "actions/worker/call.h"
#include "base/err.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct transport;

/* Where streams lead to, as the host sees it. */
struct stream_to {
	const char *host; /* borrowed: name or address; NULL = a Unix socket */
	const char *path; /* borrowed: absolute path of the Unix socket, with host NULL */
	int port;
};

/* A place that streams can be opened to, for as long as the transport lives. */
struct stream_way {
	struct stream_to to; /* its texts are owned */
	char *name;	     /* owned: "10.0.0.5:5432" or "/run/app.sock", for words */
	char *local; /* owned: sockets here that lead there, a line each; NULL = none needed */
};

/* A stream. Embedded first in each transport's own. */
struct stream {
	struct transport *transport;  /* borrowed */
	const struct stream_way *way; /* borrowed */
	int fd; /* to be polled for it alone; -1 = there is none, the transport's is */
	bool looks; /* not open yet, and nothing to poll: it wants to be tried from time to time */
	bool ended; /* nothing more comes: all of it was taken */
	bool deaf;  /* the other end takes nothing more */
};

/*
 * None but lead blocks, and none needs a call, so that one thread can serve
 * many streams while another waits for what comes through them (via.c).
 * Errors are about one stream (ERR_REMOTE, ERR_DENIED: who refused what, and
 * why as far as it is known), or ERR_IO: the connection is lost, with all
 * streams on it; only free may be called then.
 *
 * A transport that carries streams carries nothing else: commands would wait
 * for sockets that streams wait for too.
 */
struct stream_ops {
	/* What has to be made once for a place, in the thread of the call; blocks in call_wait.
	 * Fills way->local. May be called while another thread uses the transport's streams. As
	 * errors also those of call_wait. */
	int (*lead)(struct transport *transport, struct call *call, struct stream_way *way,
		struct err *e);

	/* Begins a stream. way lives longer than it. Never NULL; nothing is sent or known yet. */
	struct stream *(*begin)(struct transport *transport, const struct stream_way *way);

	/* Goes on opening: 1 = it is open, 0 = not yet, -1. */
	int (*opened)(struct stream *stream, struct err *e);

	/* Takes what has come. Bytes; 0 = nothing just now, or the end (stream->ended); -1. */
	ssize_t (*take)(struct stream *stream, void *bytes, size_t size, struct err *e);

	/* Gives it what it takes at once. Bytes; 0 = none just now, or for ever (stream->deaf); -1.
	 * */
	ssize_t (*put)(struct stream *stream, const void *bytes, size_t len, struct err *e);

	/* Nothing more will be put: the other end reads the end of file, and may go on sending. 1 =
	 * done, 0 = not yet, -1. */
	int (*end)(struct stream *stream, struct err *e);

	/* Closes both directions and frees the stream; what was put arrives all the same. */
	void (*free)(struct stream *stream);

	/* Before each round over the streams: what the connection itself needs. -1: it is lost.
	 * NULL = nothing is needed. */
	int (*tend)(struct transport *transport, struct err *e);

	/* After a round: fills in what to poll for the connection (fd -1 = nothing). Microseconds
	 * until it wants to be tended in any case, -1 = not before something happens. NULL as tend.
	 * */
	int64_t (*watch)(struct transport *transport, struct pollfd *fd);
};

/* A way to a copy of `to`; what is wrong with it: ERR_USAGE. Caller owns. */
struct stream_way *stream_way_new(const struct stream_to *to, struct err *e);

/* Frees it. NULL is fine. */
void stream_way_free(struct stream_way *way);

/* What a host's sshd said when it opened no stream, in words for people: ERR_DENIED or ERR_REMOTE.
 * -1. */
int stream_refused(const char *host, const struct stream_way *way, const char *why, struct err *e);

/* Streams over way->local, a line "/PATH" or "ADDRESS PORT" after the other until one can be
 * connected to: as the stream_ops of these names. Both transports that work with sockets of this
 * host share them. */
struct stream *stream_local_begin(struct transport *transport, const struct stream_way *way);
int stream_local_opened(struct stream *stream, struct err *e);
ssize_t stream_local_take(struct stream *stream, void *bytes, size_t size, struct err *e);
ssize_t stream_local_put(struct stream *stream, const void *bytes, size_t len, struct err *e);
int stream_local_end(struct stream *stream, struct err *e);
void stream_local_free(struct stream *stream);

/* Bytes that came over such a stream so far. */
int64_t stream_local_taken(const struct stream *stream);

#endif
