/* flow.h - one connection through a via: a local socket, a stream, a bounded buffer each way. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_TRANSPORT_FLOW_H
#define ACTIONS_TRANSPORT_FLOW_H

#include "actions/transport/stream.h"
#include "base/err.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLOW_BUFFER 32768 /* bytes */

/* What was read and not passed on yet; read again only when it is empty. */
struct flow_buf {
	char *bytes;	/* owned; of FLOW_BUFFER */
	size_t at, end; /* what is in it */
};

/* All of it is the pump's. */
struct flow {
	struct stream *stream; /* owned */
	struct flow *next;
	struct flow_buf up, down; /* to the stream, and from it */
	int64_t began_us;
	int64_t gone_us; /* nobody is at the local socket any more, since then; 0 = somebody is */
	int fd;		 /* owned: the local socket; does not block */
	bool is_open;	 /* the stream is */
	bool hurries;	 /* it was another one's turn, and there is more to move */
	bool up_ended, down_ended; /* the end of a direction was read … */
	bool up_done, down_done;   /* … and passed on */
};

enum flow_state { FLOW_OPENING, FLOW_OPEN, FLOW_OVER, FLOW_LOST };

/* A connection between fd (taken) and a stream that is begun to that place. Never NULL. */
struct flow *flow_new(struct transport *transport, const struct stream_way *way, int fd);

/* Closes both and frees. */
void flow_free(struct flow *flow);

/* Moves what can be moved now. OVER: both directions have ended, or with e set it was refused or
 * broken off. LOST: so is the transport, with e set. Never blocks. */
enum flow_state flow_step(struct flow *flow, struct err *e);

/* What to poll before the next step: of the local socket, and of the stream (fd -1 = nothing).
 * Microseconds to wait at most, -1 = without end. */
int64_t flow_watch(const struct flow *flow, int64_t now, struct pollfd fds[2]);

/* The shorter one of two times to wait; less than 0 is without end. */
int64_t flow_sooner(int64_t us, int64_t other_us);

#endif
