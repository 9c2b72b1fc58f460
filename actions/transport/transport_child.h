/* transport_child.h - a channel that is a child process on the ops host: a shell of ours, or a client of the system's ssh. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_TRANSPORT_TRANSPORT_CHILD_H
#define ACTIONS_TRANSPORT_TRANSPORT_CHILD_H

#include "actions/transport/transport.h"
#include "base/proc.h"
#include "base/time.h"

#define CHILD_LOOK_PAUSE (TIME_SECOND / 50)	/* between two looks at a process that proc_watch has no descriptor for */

struct child_channel;

/* What transports do differently with their children. Each may be NULL but leave. */
struct child_kind {
	/* Asked before each wait, and when a wait is over: how long to wait at most, -1 = as long
	 * as the caller says. */
	int64_t (*look)(struct child_channel *child, struct call *call);

	/* The process has ended: what that says. Corrects exit_code and signal and gives 0, or -1
	 * as transport_ops.read. */
	int (*judge)(struct child_channel *child, struct call *call, struct err *e);

	/* It reads no more, which e says: keeps these words or finds better ones. -1. */
	int (*broken)(struct child_channel *child, struct err *e);

	/* The channel is being freed while the process child->pid runs: whose it is then. */
	void (*leave)(struct child_channel *child);
};

/* One epoll descriptor gathers its pipes and its end, so that one wait covers all. */
struct child_channel {
	struct channel channel;
	const struct child_kind *kind;
	pid_t pid;		/* 0 = reaped, or never started */
	int killed;		/* ended by this signal; 0 = by itself, or not yet */
	int pidfd, epoll;	/* -1 = none */
	int in;			/* -1 = closed, or a terminal */
	int from[2];		/* out, err; -1 = ended. A terminal is from[0] alone */
	int64_t began_us;	/* time_mono_us */
	int64_t heard_us;	/* it said something last; 0 = nothing yet */
};

/* Starts a process with three pipes of its own, which fill in `spawn`. Does not block. kind is
 * borrowed for the channel's life. NULL with ERR_REMOTE: nothing runs on a host, and trying again
 * helps nobody. */
struct channel *child_channel_exec(struct transport *transport, const struct child_kind *kind,
				   struct proc_spawn *spawn, struct err *e);

/* The same on a terminal of ours. */
struct channel *child_channel_shell(struct transport *transport, const struct child_kind *kind,
				    struct proc_spawn *spawn, const struct terminal *terminal,
				    struct err *e);

/* As the transport_ops of these names. write: ERR_REMOTE when nobody reads any more. */
int child_channel_read(struct channel *channel, struct call *call, struct buf *out,
		       struct buf *errout, int64_t extra_us, struct err *e);
int child_channel_write(struct channel *channel, struct call *call, const void *bytes, size_t len,
			struct err *e);
int child_channel_eof(struct channel *channel, struct call *call, struct err *e);
ssize_t child_channel_put(struct channel *channel, struct call *call, const void *bytes, size_t len, struct err *e);
int child_channel_resize(struct channel *channel, struct call *call, const struct terminal *terminal, struct err *e);
void child_channel_free(struct channel *channel);

/* Closes *fd when it is one, and makes it -1. */
void child_close_fd(int *fd);

#endif
