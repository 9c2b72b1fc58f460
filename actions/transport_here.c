/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands on the ops host itself. A channel is a child process in a session of its own; an epoll descriptor gathers its pipes and its end, so that one wait covers all. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actions/pty.h"
#include "actions/transport.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"

#define READ_STEP ((size_t)65536)
#define READ_MAX ((size_t)262144)
#define LOOK_PAUSE (TIME_SECOND / 50)

/* Children whose channel was closed before they ended; they are reaped when the next one starts. */
struct orphan {
	pid_t pid;
	struct orphan *next;
};

struct here {
	struct transport transport;
	struct orphan *orphans;
};

struct here_channel {
	struct channel channel;
	pid_t pid;		/* 0 = reaped */
	int pidfd, epoll;
	int in;			/* -1 = closed */
	int from[2];		/* out, err; -1 = ended */
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void reap_orphans(struct here *here)
{
	struct orphan *orphan;

	for (struct orphan **at = &here->orphans; (orphan = *at);) {
		if (waitpid(orphan->pid, NULL, WNOHANG) == 0) {
			at = &orphan->next;
		} else {
			*at = orphan->next;
			mem_free(orphan);
		}
	}
}

static void free_channel(struct channel *channel)
{
	struct here_channel *own = (struct here_channel *)channel;
	struct here *here = (struct here *)channel->transport;

	close_fd(&own->in);
	close_fd(&own->from[0]);
	close_fd(&own->from[1]);
	close_fd(&own->epoll);
	close_fd(&own->pidfd);
	if (own->pid > 0) {
		struct orphan *orphan = mem_alloc(sizeof(*orphan));

		/* Its input has ended, and so will it, unless somebody has stopped it. */
		kill(own->pid, SIGCONT);
		orphan->pid = own->pid;
		orphan->next = here->orphans;
		here->orphans = orphan;
		reap_orphans(here);
	}
	mem_free(own);
}

static int watch_fd(const struct here_channel *own, int fd, struct err *e)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(own->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return err_errno(e, "cannot watch a command");
	return 0;
}

/* Starts the process with pipes; the child's ends are closed here in any case. */
static int spawn(struct here_channel *own, const char *command, struct err *e)
{
	const char *argv[] = { "/bin/sh", "-c", command, NULL };
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, errout[2] = { -1, -1 };
	struct proc_spawn process = { .argv = argv, .new_session = true };
	int result = -1;

	if (proc_pipe(in, e) == 0 && proc_pipe(out, e) == 0 && proc_pipe(errout, e) == 0) {
		process.in = in[0];
		process.out = out[1];
		process.err = errout[1];
		own->pid = proc_start(&process, e);
		result = own->pid > 0 ? 0 : -1;
	}
	close_fd(&in[0]);
	close_fd(&out[1]);
	close_fd(&errout[1]);
	own->in = in[1];
	own->from[0] = out[0];
	own->from[1] = errout[0];
	if (result < 0)
		own->pid = 0;
	return result;
}

static int watch_all(struct here_channel *own, struct err *e)
{
	/* Without one, read_here looks from time to time. */
	if (proc_watch(own->pid, &own->pidfd, e) < 0)
		return -1;
	own->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (own->epoll < 0)
		return err_errno(e, "cannot watch a command");
	if (proc_nonblock(own->from[0], true, e) < 0)
		return -1;
	/* A terminal is one descriptor for all. */
	if (own->in >= 0 && (proc_nonblock(own->in, true, e) < 0 || proc_nonblock(own->from[1], true, e) < 0))
		return -1;
	if (watch_fd(own, own->from[0], e) < 0 || (own->from[1] >= 0 && watch_fd(own, own->from[1], e) < 0))
		return -1;
	return own->pidfd < 0 ? 0 : watch_fd(own, own->pidfd, e);
}

static struct here_channel *new_channel(struct transport *transport)
{
	struct here_channel *own = mem_alloc(sizeof(*own));

	*own = (struct here_channel){
		.channel = { .transport = transport, .exit_code = -1 },
		.pidfd = -1, .epoll = -1, .in = -1, .from = { -1, -1 },
	};
	return own;
}

static struct channel *exec_here(struct transport *transport, struct call *call, const char *command, struct err *e)
{
	struct here *here = (struct here *)transport;
	struct here_channel *own = new_channel(transport);

	(void)call;
	reap_orphans(here);
	if (spawn(own, command, e) < 0 || watch_all(own, e) < 0) {
		free_channel(&own->channel);
		/* Not a lost connection: trying again helps nobody. */
		e->kind = ERR_REMOTE;
		return NULL;
	}
	return &own->channel;
}

/* Appends what is in the pipe now; closes it at its end. Bytes read. */
static size_t drain_pipe(struct here_channel *own, int stream, struct buf *to)
{
	size_t total = 0;
	int *fd = &own->from[stream];

	while (*fd >= 0 && total < READ_MAX) {
		ssize_t got = read(*fd, buf_room(to, READ_STEP), READ_STEP);

		if (got > 0) {
			buf_added(to, (size_t)got);
			total += (size_t)got;
		} else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
			close_fd(fd);	/* epoll forgets it */
		} else if (errno == EAGAIN) {
			break;
		}
	}
	own->channel.in_bytes[stream] += (int64_t)total;
	return total;
}

static const char *signal_name(int signo)
{
	const char *name = sigabbrev_np(signo);

	return name ? name : "?";
}

/* True when the process has ended; then its status is taken. */
static bool has_ended(struct here_channel *own)
{
	int status;

	if (own->pid == 0)
		return true;
	if (waitpid(own->pid, &status, WNOHANG) != own->pid)
		return false;
	own->pid = 0;
	if (WIFEXITED(status))
		own->channel.exit_code = WEXITSTATUS(status);
	else if (WIFSIGNALED(status))
		str_copy(own->channel.signal, sizeof(own->channel.signal), signal_name(WTERMSIG(status)));
	return true;
}

/* The login shell of the account that bellbook runs as. */
static struct channel *shell_here(struct transport *transport, struct call *call, const struct terminal *terminal,
				  struct err *e)
{
	struct here *here = (struct here *)transport;
	struct here_channel *own = new_channel(transport);
	char shell[256];
	const char *argv[] = { pty_login_shell(shell, sizeof(shell)), NULL };
	struct proc_spawn process = { .argv = argv };

	(void)call;
	reap_orphans(here);
	own->pid = pty_start(&process, terminal, &own->from[0], e);
	if (own->pid < 0)
		own->pid = 0;
	if (own->pid == 0 || watch_all(own, e) < 0) {
		free_channel(&own->channel);
		e->kind = ERR_REMOTE;
		return NULL;
	}
	return &own->channel;
}

static ssize_t put_here(struct channel *channel, struct call *call, const void *bytes, size_t len, struct err *e)
{
	(void)call;
	return pty_put(((struct here_channel *)channel)->from[0], bytes, len, e);
}

static int resize_here(struct channel *channel, struct call *call, const struct terminal *terminal, struct err *e)
{
	(void)call;
	return pty_resize(((struct here_channel *)channel)->from[0], terminal, e);
}

static int read_here(struct channel *channel, struct call *call, struct buf *out, struct buf *errout,
		     int64_t extra_us, struct err *e)
{
	struct here_channel *own = (struct here_channel *)channel;
	int64_t until = extra_us >= 0 ? time_mono_us() + extra_us : 0;

	for (;;) {
		int64_t left = extra_us >= 0 ? until - time_mono_us() : -1;
		/* Asked first: what it wrote before its end is in the pipes then. A process left behind may keep them open for ever. */
		bool ended = has_ended(own);
		size_t got = drain_pipe(own, 0, out) + drain_pipe(own, 1, errout);
		int waited;

		if (got > 0)
			return 1;
		if (ended)
			return 0;
		if (call_has_typed(call))
			return 2;
		if (extra_us >= 0 && left < 0)
			left = 0;
		if (own->pidfd < 0 && (left < 0 || left > LOOK_PAUSE))
			left = LOOK_PAUSE;
		waited = call_wait(call, own->epoll, POLLIN, left, e);
		if (waited < 0)
			return -1;
		if (waited == 1 && extra_us >= 0 && time_mono_us() >= until)
			return 2;
	}
}

static int write_here(struct channel *channel, struct call *call, const void *bytes, size_t len, struct err *e)
{
	struct here_channel *own = (struct here_channel *)channel;
	const char *at = bytes;

	while (len > 0) {
		ssize_t put = write(own->in, at, len);

		if (put >= 0) {
			at += put;
			len -= (size_t)put;
		} else if (errno == EPIPE) {
			return err_set(e, ERR_REMOTE, "the command ended before it had read all of its input");
		} else if (errno == EAGAIN) {
			if (call_wait(call, own->in, POLLOUT, -1, e) < 0)
				return -1;
		} else if (errno != EINTR) {
			return err_errno(e, "cannot write to a command");
		}
	}
	return 0;
}

static int eof_here(struct channel *channel, struct call *call, struct err *e)
{
	(void)call;
	(void)e;
	close_fd(&((struct here_channel *)channel)->in);
	return 0;
}

static void free_here(struct transport *transport)
{
	struct here *here = (struct here *)transport;

	reap_orphans(here);
	while (here->orphans) {
		struct orphan *next = here->orphans->next;

		mem_free(here->orphans);
		here->orphans = next;
	}
	mem_free(here);
}

struct transport *transport_here_open(struct call *call, struct err *e)
{
	static const struct transport_ops ops = {
		.name = "here", .exec = exec_here, .read = read_here, .write = write_here, .eof = eof_here,
		.shell = shell_here, .put = put_here, .resize = resize_here, .channel_free = free_channel, .free = free_here,
	};
	struct here *here = mem_alloc(sizeof(*here));

	(void)call;
	(void)e;
	here->transport.ops = &ops;
	return &here->transport;
}
