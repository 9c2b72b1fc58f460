/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "actions/transport/flow.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actions/transport/transport.h"
#include "base/mem.h"
#include "base/time.h"

#define TURN 16 /* buffers that one connection may move before it is another one's turn */
#define OPEN_LOOK (TIME_SECOND / 100) /* between two tries to open what cannot be polled for */
#define GONE_TIME (10 * TIME_SECOND) /* what somebody wrote who is gone has so long to be taken */

static const struct stream_ops *ops_of(const struct flow *flow)
{
	return flow->stream->transport->ops->streams;
}

struct flow *flow_new(struct transport *transport, const struct stream_way *way, int fd)
{
	struct flow *flow = mem_alloc(sizeof(*flow));

	flow->stream = transport->ops->streams->begin(transport, way);
	flow->fd = fd;
	flow->began_us = time_mono_us();
	flow->up.bytes = mem_alloc(FLOW_BUFFER);
	flow->down.bytes = mem_alloc(FLOW_BUFFER);
	return flow;
}

void flow_free(struct flow *flow)
{
	ops_of(flow)->free(flow->stream);
	close(flow->fd);
	mem_free(flow->up.bytes);
	mem_free(flow->down.bytes);
	mem_free(flow);
}

static bool is_empty(const struct flow_buf *buf)
{
	return buf->at == buf->end;
}

/* Nobody reads what comes down any more. What was written before still goes up. */
static void local_is_gone(struct flow *flow)
{
	if (flow->gone_us == 0)
		flow->gone_us = time_mono_us();
	flow->down.at = flow->down.end;
	flow->down_done = true;
}

/* The stream takes nothing more: who writes at the local socket hears of it. */
static void stream_is_deaf(struct flow *flow)
{
	(void)shutdown(flow->fd, SHUT_RD);
	flow->up.at = flow->up.end;
	flow->up_ended = flow->up_done = true;
}

static void read_local(struct flow *flow)
{
	ssize_t got = recv(flow->fd, flow->up.bytes, FLOW_BUFFER, 0);

	if (got > 0) {
		flow->up.at = 0;
		flow->up.end = (size_t)got;
	} else if (got == 0) {
		flow->up_ended = true;
	} else if (errno != EAGAIN && errno != EINTR) {
		flow->up_ended = true;
		local_is_gone(flow);
	}
}

/* From the local socket into the stream. 1 = something moved, 0 = nothing, -1. */
static int step_up(struct flow *flow, struct err *e)
{
	struct flow_buf *buf = &flow->up;
	bool had = is_empty(buf);
	ssize_t put;
	int ended;

	if (flow->up_done)
		return 0;
	if (is_empty(buf) && !flow->up_ended)
		read_local(flow);
	if (is_empty(buf)) {
		ended = flow->up_ended ? ops_of(flow)->end(flow->stream, e) : 0;
		flow->up_done = ended > 0;
		return ended;
	}
	put = ops_of(flow)->put(flow->stream, buf->bytes + buf->at, buf->end - buf->at, e);
	if (put < 0)
		return -1;
	buf->at += (size_t)put;
	if (flow->stream->deaf)
		stream_is_deaf(flow);
	return put > 0 || had;
}

static void write_local(struct flow *flow)
{
	struct flow_buf *buf = &flow->down;
	ssize_t put = send(flow->fd, buf->bytes + buf->at, buf->end - buf->at, MSG_NOSIGNAL);

	if (put > 0)
		buf->at += (size_t)put;
	else if (put < 0 && errno != EAGAIN && errno != EINTR)
		local_is_gone(flow);
}

/* From the stream to the local socket. As step_up. */
static int step_down(struct flow *flow, struct err *e)
{
	struct flow_buf *buf = &flow->down;
	size_t before;
	ssize_t got;

	if (flow->down_done)
		return 0;
	if (is_empty(buf) && !flow->down_ended) {
		got = ops_of(flow)->take(flow->stream, buf->bytes, FLOW_BUFFER, e);
		if (got < 0)
			return -1;
		buf->at = 0;
		buf->end = (size_t)got;
		flow->down_ended = flow->stream->ended;
	}
	if (is_empty(buf)) {
		if (!flow->down_ended)
			return 0;
		(void)shutdown(flow->fd, SHUT_WR);
		flow->down_done = true;
		return 1;
	}
	before = buf->at;
	write_local(flow);
	return buf->at > before;
}

/* Both directions are shut: whoever was there has closed. What was written before is still to be
 * read. */
static void look_if_gone(struct flow *flow)
{
	struct pollfd poll_fd = { .fd = flow->fd };

	if (flow->gone_us == 0 && poll(&poll_fd, 1, 0) > 0 &&
		(poll_fd.revents & (POLLHUP | POLLERR)))
		local_is_gone(flow);
}

static bool is_over(const struct flow *flow)
{
	if (flow->gone_us && time_mono_us() - flow->gone_us >= GONE_TIME)
		return true;
	return flow->up_done && flow->down_done;
}

static enum flow_state failed(const struct err *e)
{
	return e->kind == ERR_IO ? FLOW_LOST : FLOW_OVER;
}

enum flow_state flow_step(struct flow *flow, struct err *e)
{
	int opened = flow->is_open ? 1 : ops_of(flow)->opened(flow->stream, e);

	if (opened < 0)
		return failed(e);
	flow->is_open = opened > 0;
	look_if_gone(flow);
	flow->hurries = flow->is_open;
	for (int turn = 0; flow->hurries && turn < TURN; turn++) {
		int up = step_up(flow, e);
		int down = up < 0 ? -1 : step_down(flow, e);

		if (down < 0)
			return failed(e);
		flow->hurries = up > 0 || down > 0;
	}
	if (is_over(flow))
		return FLOW_OVER;
	return flow->is_open ? FLOW_OPEN : FLOW_OPENING;
}

int64_t flow_sooner(int64_t us, int64_t other_us)
{
	return us < 0 || (other_us >= 0 && other_us < us) ? other_us : us;
}

int64_t flow_watch(const struct flow *flow, int64_t now, struct pollfd fds[2])
{
	int64_t wait = flow->hurries ? 0 : -1;

	fds[0] = (struct pollfd){ .fd = flow->fd };
	fds[1] = (struct pollfd){ .fd = flow->stream->fd };
	if (flow->gone_us) {
		int64_t left = flow->gone_us + GONE_TIME - now;

		wait = flow_sooner(wait, left > 0 ? left : 0);
	}
	if (!flow->is_open) {
		/* A stream of the transport's own socket is heard there. */
		fds[1].events = POLLOUT;
		if (flow->stream->looks)
			wait = flow_sooner(wait, OPEN_LOOK);
	} else {
		if (is_empty(&flow->up) && !flow->up_ended)
			fds[0].events |= POLLIN;
		else if (!flow->up_done)
			fds[1].events |= POLLOUT;
		if (is_empty(&flow->down) && !flow->down_ended && !flow->down_done)
			fds[1].events |= POLLIN;
		else if (!flow->down_done)
			fds[0].events |= POLLOUT;
	}
	/* A closed socket that nothing is wanted of would be ready for ever. */
	if (fds[0].events == 0 && flow->gone_us)
		fds[0].fd = -1;
	if (fds[1].events == 0)
		fds[1].fd = -1;
	return wait;
}
