/* transport.h - a way to run POSIX sh on a target: libssh2, the system's ssh, or this host; job code is written once on top of it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_TRANSPORT_TRANSPORT_H
#define ACTIONS_TRANSPORT_TRANSPORT_H

#include "actions/transport/stream.h"
#include "actions/worker/call.h"
#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* An open connection to one target, used by one thread. The struct is embedded first in each transport's own. */
struct transport {
	const struct transport_ops *ops;
};

/* A running remote command. Embedded first in each transport's own. */
struct channel {
	struct transport *transport;	/* borrowed */
	int64_t in_bytes[2];		/* received so far: out, err */
	int exit_code;			/* valid once ended; -1 = ended by signal or unknown */
	char signal[16];		/* "TERM" … or "" */
};

/* What a shell is to believe of its terminal. */
struct terminal {
	const char *type;	/* TERM */
	int rows, cols;
};

struct transport_ops {
	const char *name;		/* "libssh2", "ssh", "here" */
	const struct stream_ops *streams;	/* to what is behind the host */

	/* Errors: ERR_IO = the connection is lost; ERR_REMOTE or ERR_DENIED = this command cannot be started, though the connection is fine.
	 * Starts command (a line for the login shell; job code always passes `exec sh`, which any login shell can do) with pipes for 0,1,2. */
	struct channel *(*exec)(struct transport *transport, struct call *call, const char *command, struct err *e);

	/* Appends what has come (≥ 1 byte) to out or errout; blocks through call_wait at most extra_us (-1 = until something comes).
	 * 1 = bytes were appended, 0 = the command ended and all its output was given (exit_code, signal set), 2 = extra_us passed, or call_has_typed;
	 * -1: ERR_CANCELED / ERR_TIMEOUT from call_wait, ERR_IO = the connection is lost (the transport is dead: close it). */
	int (*read)(struct channel *channel, struct call *call, struct buf *out, struct buf *errout, int64_t extra_us, struct err *e);

	/* As exec with the login shell and a terminal in place of a command and pipes: all output comes as out. */
	struct channel *(*shell)(struct transport *transport, struct call *call, const struct terminal *terminal, struct err *e);

	/* Gives the terminal what it takes at once: bytes taken, 0 = none just now; -1: ERR_IO. What a shell that has ended does not take counts as taken: read tells its end. */
	ssize_t (*put)(struct channel *channel, struct call *call, const void *bytes, size_t len, struct err *e);

	/* The terminal has another size. */
	int (*resize)(struct channel *channel, struct call *call, const struct terminal *terminal, struct err *e);

	/* Writes all bytes to the command's stdin; blocks through call_wait. */
	int (*write)(struct channel *channel, struct call *call, const void *bytes, size_t len, struct err *e);

	/* End of file on the command's stdin. */
	int (*eof)(struct channel *channel, struct call *call, struct err *e);

	/* Closes and frees the channel (the command may go on remotely). */
	void (*channel_free)(struct channel *channel);

	/* Closes and frees the connection. */
	void (*free)(struct transport *transport);
};

/* Connection to the call's host, opened when there is none (asks for host keys, passphrases, passwords through call_ask; tries what `ssh HOST` would). Kept in the target's
 * slot (call_keep) and reused; borrowed. With the host "" it is the local transport. Blocks through call_wait. Errors: ERR_DENIED (authentication, host key refused or changed),
 * ERR_IO (no connection), ERR_TIMEOUT only for the call's own deadline. */
struct transport *transport_get(struct call *call, struct err *e);

/* A connection of the caller's own to a host, "" = here, opened as transport_get does, in no
 * lane's slot. Blocks through call_wait. Caller owns (ops->free); NULL with the errors of
 * transport_get. */
struct transport *transport_open(struct call *call, const char *host, struct err *e);

/* The connection is dead: closes it; the next transport_get opens a new one. */
void transport_drop(struct call *call);

/* Openers behind transport_get, one per transport. ERR_USAGE from ssh2 means that libssh2 cannot do this login: the system's ssh is tried then. */
struct transport *transport_here_open(struct call *call, struct err *e);
struct transport *transport_ssh2_open(struct call *call, struct err *e);
struct transport *transport_openssh_open(struct call *call, struct err *e);

#endif
