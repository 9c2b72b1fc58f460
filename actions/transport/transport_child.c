/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "actions/transport/transport_child.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actions/transport/pty.h"
#include "actions/worker/call_int.h"
#include "base/mem.h"

#define READ_STEP ((size_t)65536)
#define READ_MAX ((size_t)262144)

void child_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static struct child_channel *new_channel(struct transport *transport, const struct child_kind *kind)
{
	struct child_channel *child = mem_alloc(sizeof(*child));

	*child = (struct child_channel){
		.channel = { .transport = transport, .exit_code = -1 }, .kind = kind,
		.pidfd = -1, .epoll = -1, .in = -1, .from = { -1, -1 },
	};
	return child;
}

void child_channel_free(struct channel *channel)
{
	struct child_channel *child = (struct child_channel *)channel;

	child_close_fd(&child->in);
	child_close_fd(&child->from[0]);
	child_close_fd(&child->from[1]);
	child_close_fd(&child->epoll);
	child_close_fd(&child->pidfd);
	if (child->pid > 0)
		child->kind->leave(child);
	mem_free(child);
}

/* ---- start ---- */

static int watch_fd(const struct child_channel *child, int fd, struct err *e)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(child->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return err_errno(e, "cannot watch a command");
	return 0;
}

static int watch_all(struct child_channel *child, struct err *e)
{
	/* Without one, child_channel_read looks from time to time. */
	if (proc_watch(child->pid, &child->pidfd, e) < 0)
		return -1;
	child->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (child->epoll < 0)
		return err_errno(e, "cannot watch a command");
	if (proc_nonblock(child->from[0], true, e) < 0)
		return -1;
	/* A terminal is one descriptor for all. */
	if (child->in >= 0 && (proc_nonblock(child->in, true, e) < 0 || proc_nonblock(child->from[1], true, e) < 0))
		return -1;
	if (watch_fd(child, child->from[0], e) < 0 || (child->from[1] >= 0 && watch_fd(child, child->from[1], e) < 0))
		return -1;
	return child->pidfd < 0 ? 0 : watch_fd(child, child->pidfd, e);
}

/* Watches what was started, if it was; else frees the channel. */
static struct channel *begun(struct child_channel *child, pid_t pid, struct err *e)
{
	child->pid = pid > 0 ? pid : 0;
	child->began_us = time_mono_us();
	if (child->pid > 0 && watch_all(child, e) == 0)
		return &child->channel;
	e->kind = ERR_REMOTE;
	child_channel_free(&child->channel);
	return NULL;
}

struct channel *child_channel_exec(struct transport *transport, const struct child_kind *kind,
				   struct proc_spawn *spawn, struct err *e)
{
	struct child_channel *child = new_channel(transport, kind);
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, errout[2] = { -1, -1 };
	pid_t pid = -1;

	if (proc_pipe(in, e) == 0 && proc_pipe(out, e) == 0 && proc_pipe(errout, e) == 0) {
		spawn->in = in[0];
		spawn->out = out[1];
		spawn->err = errout[1];
		pid = proc_start(spawn, e);
	}
	child_close_fd(&in[0]);
	child_close_fd(&out[1]);
	child_close_fd(&errout[1]);
	child->in = in[1];
	child->from[0] = out[0];
	child->from[1] = errout[0];
	return begun(child, pid, e);
}

struct channel *child_channel_shell(struct transport *transport, const struct child_kind *kind,
				    struct proc_spawn *spawn, const struct terminal *terminal,
				    struct err *e)
{
	struct child_channel *child = new_channel(transport, kind);

	return begun(child, pty_start(spawn, terminal, &child->from[0], e), e);
}

/* The shorter one of two times to wait; less than 0 is without end. */
static int64_t shorter(int64_t us, int64_t other_us)
{
	return us < 0 || (other_us >= 0 && other_us < us) ? other_us : us;
}

static int64_t look(struct child_channel *child, struct call *call)
{
	return child->kind->look ? child->kind->look(child, call) : -1;
}

static int64_t longest_wait(struct child_channel *child, struct call *call)
{
	return shorter(child->pidfd < 0 ? CHILD_LOOK_PAUSE : -1, look(child, call));
}

/* ---- what it says ---- */

/* Appends what is in the pipe now; closes it at its end. Bytes read. */
static size_t drain_pipe(struct child_channel *child, int stream, struct buf *to)
{
	size_t total = 0;
	int *fd = &child->from[stream];

	while (*fd >= 0 && total < READ_MAX) {
		ssize_t got = read(*fd, buf_room(to, READ_STEP), READ_STEP);

		if (got > 0) {
			buf_added(to, (size_t)got);
			total += (size_t)got;
		} else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
			child_close_fd(fd);	/* epoll forgets it */
		} else if (errno == EAGAIN) {
			break;
		}
	}
	child->channel.in_bytes[stream] += (int64_t)total;
	if (total > 0)
		child->heard_us = time_mono_us();
	return total;
}

/* True when the process has ended; then its status is taken. */
static bool has_ended(struct child_channel *child)
{
	int status;

	if (child->pid > 0 && waitpid(child->pid, &status, WNOHANG) == child->pid) {
		child->pid = 0;
		if (WIFEXITED(status))
			child->channel.exit_code = WEXITSTATUS(status);
		else if (WIFSIGNALED(status))
			child->killed = WTERMSIG(status);
	}
	return child->pid == 0;
}

/* As transport_ops.read, but for what the end means. */
static int read_some(struct child_channel *child, struct call *call, struct buf *out,
		     struct buf *errout, int64_t extra_us, struct err *e)
{
	int64_t until = extra_us >= 0 ? time_mono_us() + extra_us : 0;

	for (;;) {
		/* Asked first: what it wrote before its end is in the pipes then. A process left behind may keep them open for ever. */
		bool ended = has_ended(child);
		size_t got = drain_pipe(child, 0, out) + drain_pipe(child, 1, errout);
		int64_t left = extra_us >= 0 ? until - time_mono_us() : -1;
		int waited;

		if (got > 0)
			return 1;
		if (ended)
			return 0;
		if (call_has_typed(call))
			return 2;
		if (extra_us >= 0 && left < 0)
			left = 0;
		waited = call_wait(call, child->epoll, POLLIN, shorter(left, longest_wait(child, call)), e);
		if (waited < 0)
			return -1;
		if (waited == 1 && extra_us >= 0 && time_mono_us() >= until)
			return 2;
	}
}

int child_channel_read(struct channel *channel, struct call *call, struct buf *out,
		       struct buf *errout, int64_t extra_us, struct err *e)
{
	struct child_channel *child = (struct child_channel *)channel;
	int got = read_some(child, call, out, errout, extra_us, e);

	/* A host that was told to be silent is there again. */
	if (got == 1 && call->silent)
		(void)look(child, call);
	return got == 0 && child->kind->judge ? child->kind->judge(child, call, e) : got;
}

/* ---- what it is told ---- */

int child_channel_write(struct channel *channel, struct call *call, const void *bytes, size_t len,
			struct err *e)
{
	struct child_channel *child = (struct child_channel *)channel;
	const char *at = bytes;

	while (len > 0) {
		ssize_t put = write(child->in, at, len);

		if (put >= 0) {
			at += put;
			len -= (size_t)put;
		} else if (errno == EPIPE) {
			err_set(e, ERR_REMOTE,
				"the command ended before it had read all of its input");
			return child->kind->broken ? child->kind->broken(child, e) : -1;
		} else if (errno == EAGAIN) {
			if (call_wait(call, child->in, POLLOUT, look(child, call), e) < 0)
				return -1;
		} else if (errno != EINTR) {
			return err_errno(e, "cannot write to a command");
		}
	}
	return 0;
}

int child_channel_eof(struct channel *channel, struct call *call, struct err *e)
{
	(void)call;
	(void)e;
	child_close_fd(&((struct child_channel *)channel)->in);
	return 0;
}

ssize_t child_channel_put(struct channel *channel, struct call *call, const void *bytes, size_t len, struct err *e)
{
	(void)call;
	return pty_put(((struct child_channel *)channel)->from[0], bytes, len, e);
}

int child_channel_resize(struct channel *channel, struct call *call, const struct terminal *terminal, struct err *e)
{
	(void)call;
	return pty_resize(((struct child_channel *)channel)->from[0], terminal, e);
}
