/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands on the ops host itself. A channel is a child process in a session of its own. */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "actions/ssh/ssh_dial.h"
#include "actions/transport/pty.h"
#include "actions/transport/transport.h"
#include "actions/transport/transport_child.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"

/* Children whose channel was closed before they ended; they are reaped when the next one starts. */
struct orphan {
	pid_t pid;
	struct orphan *next;
};

struct here {
	struct transport transport;
	struct orphan *orphans;
};

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
	struct child_channel *child = (struct child_channel *)channel;
	struct here *here = (struct here *)channel->transport;

	child_channel_close(child);
	if (child->pid > 0) {
		struct orphan *orphan = mem_alloc(sizeof(*orphan));

		/* Its input has ended, and so will it, unless somebody has stopped it. */
		kill(child->pid, SIGCONT);
		orphan->pid = child->pid;
		orphan->next = here->orphans;
		here->orphans = orphan;
		reap_orphans(here);
	}
	mem_free(child);
}

static struct channel *exec_here(struct transport *transport, struct call *call, const char *command, struct err *e)
{
	const char *argv[] = { "/bin/sh", "-c", command, NULL };
	struct proc_spawn process = { .argv = argv, .new_session = true };
	struct child_channel *child = child_channel_new(transport);

	(void)call;
	reap_orphans((struct here *)transport);
	if (child_channel_start(child, &process, e) == 0)
		return &child->channel;
	free_channel(&child->channel);
	return NULL;
}

/* The login shell of the account that bellbook runs as. */
static struct channel *shell_here(struct transport *transport, struct call *call, const struct terminal *terminal,
				  struct err *e)
{
	char shell[256];
	const char *argv[] = { pty_login_shell(shell, sizeof(shell)), NULL };
	struct proc_spawn process = { .argv = argv };
	struct child_channel *child = child_channel_new(transport);

	(void)call;
	reap_orphans((struct here *)transport);
	if (child_channel_shell(child, &process, terminal, e) == 0)
		return &child->channel;
	free_channel(&child->channel);
	return NULL;
}

static int read_here(struct channel *channel, struct call *call, struct buf *out, struct buf *errout,
		     int64_t extra_us, struct err *e)
{
	struct child_channel *child = (struct child_channel *)channel;
	int got = child_channel_read(child, call, out, errout, extra_us, e);

	if (got == 0 && child->killed) {
		const char *name = sigabbrev_np(child->killed);

		str_copy(channel->signal, sizeof(channel->signal), name ? name : "?");
	}
	return got;
}

static int write_here(struct channel *channel, struct call *call, const void *bytes, size_t len, struct err *e)
{
	return child_channel_write((struct child_channel *)channel, call, bytes, len, e);
}

/* The addresses are looked up here, where it may take its time; the host is this one. */
static int lead(struct transport *transport, struct call *call, struct stream_way *way,
		struct err *e)
{
	struct buf places = { 0 };

	(void)transport;
	if (way->to.path)
		buf_puts(&places, way->to.path);
	else if (ssh_dial_find(call, way->to.host, way->to.port, &places, e) < 0)
		return -1;
	way->local = buf_take(&places);
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
	static const struct stream_ops streams = {
		.lead = lead, .begin = stream_local_begin, .opened = stream_local_opened,
		.take = stream_local_take, .put = stream_local_put, .end = stream_local_end,
		.free = stream_local_free,
	};
	static const struct transport_ops ops = {
		.name = "here", .streams = &streams,
		.exec = exec_here, .read = read_here, .write = write_here, .eof = child_channel_eof,
		.shell = shell_here, .put = child_channel_put, .resize = child_channel_resize, .channel_free = free_channel, .free = free_here,
	};
	struct here *here = mem_alloc(sizeof(*here));

	(void)call;
	(void)e;
	here->transport.ops = &ops;
	return &here->transport;
}
