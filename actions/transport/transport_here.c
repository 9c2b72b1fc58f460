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

/* Its input has ended, and so will it, unless somebody has stopped it. */
static void leave(struct child_channel *child)
{
	struct here *here = (struct here *)child->channel.transport;
	struct orphan *orphan = mem_alloc(sizeof(*orphan));

	kill(child->pid, SIGCONT);
	orphan->pid = child->pid;
	orphan->next = here->orphans;
	here->orphans = orphan;
	reap_orphans(here);
}

static int judge(struct child_channel *child, struct call *call, struct err *e)
{
	const char *name = child->killed ? sigabbrev_np(child->killed) : NULL;

	(void)call;
	(void)e;
	if (child->killed)
		str_copy(child->channel.signal, sizeof(child->channel.signal), name ? name : "?");
	return 0;
}

static const struct child_kind kind = { .judge = judge, .leave = leave };

static struct channel *exec_here(struct transport *transport, struct call *call, const char *command, struct err *e)
{
	const char *argv[] = { "/bin/sh", "-c", command, NULL };
	struct proc_spawn process = { .argv = argv, .new_session = true };

	(void)call;
	reap_orphans((struct here *)transport);
	return child_channel_exec(transport, &kind, &process, e);
}

/* The login shell of the account that bellbook runs as. */
static struct channel *shell_here(struct transport *transport, struct call *call, const struct terminal *terminal,
				  struct err *e)
{
	char shell[256];
	const char *argv[] = { pty_login_shell(shell, sizeof(shell)), NULL };
	struct proc_spawn process = { .argv = argv };

	(void)call;
	reap_orphans((struct here *)transport);
	return child_channel_shell(transport, &kind, &process, terminal, e);
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
		.exec = exec_here, .read = child_channel_read, .write = child_channel_write,
		.eof = child_channel_eof, .shell = shell_here, .put = child_channel_put,
		.resize = child_channel_resize, .channel_free = child_channel_free, .free = free_here,
	};
	struct here *here = mem_alloc(sizeof(*here));

	(void)call;
	(void)e;
	here->transport.ops = &ops;
	return &here->transport;
}
