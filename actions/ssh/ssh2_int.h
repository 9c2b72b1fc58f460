/* ssh2_int.h - the inside of the libssh2 transport, shared by transport_ssh2.c and the ssh2_*.c files; the only header that includes libssh2.h. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_SSH_SSH2_INT_H
#define ACTIONS_SSH_SSH2_INT_H

#include "actions/ssh/ssh_config.h"
#include "actions/ssh/ssh_prompt.h"
#include "actions/transport/transport.h"

#include <libssh2.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct ssh2_channel;
struct ssh2_stream;
struct login;

struct ssh2 {
	struct transport transport;
	LIBSSH2_SESSION *session;
	struct ssh_config *config;	/* owned */
	struct ssh_prompt *prompt;	/* owned; for the children of a proxy; else NULL */
	struct call *call;		/* in work; borrowed */
	int fd;
	pid_t proxy;			/* 0 = none */
	int64_t heard_us;		/* when a byte came last */
	int64_t since_us, waited_us;	/* waits that follow one another are one: its begin, and its end so far */
	int64_t looked_us;		/* when a sign of life was asked for because it was quiet */
	uint64_t received;		/* bytes */
	int64_t interval_us;		/* between signs of life */
	int count_max, probes;		/* unanswered ones: allowed, and now */
	int64_t silence_us;		/* before the log-in is through: this long without a byte is too long */
	bool is_up;			/* logged in */
	bool hung_up;			/* the other side closed */
	bool closed;			/* we give up: nothing goes through the socket any more */
	bool wiping;			/* freed memory is wiped: passwords go through libssh2 */
	struct login *login;		/* while logging in; ssh2_auth.c's */
	struct ssh2_channel *dying;	/* channels that wait for their end */
	struct ssh2_stream *streams;	/* ssh2_stream.c's: those there are … */
	struct ssh2_stream *opening;	/* … and the one that is being opened; NULL = none */
	uint64_t pulled;		/* received when its streams were looked at last */
	struct buf outgoing;		/* with `gathers`: what the socket has not taken yet */
	bool gathers;			/* it carries streams: ssh2_gather sends */
};

/* After LIBSSH2_ERROR_EAGAIN: waits for the socket, sends signs of life. 0 = go on, 1 = extra_us passed (-1 = no limit), -1: cancelled, deadline, or ERR_IO: the connection is lost. */
int ssh2_wait(struct ssh2 *own, struct call *call, int64_t extra_us, struct err *e);

/* Fills e for a libssh2 error: ERR_IO "connection to app1 lost: …". -1. */
int ssh2_lost(struct ssh2 *own, const char *doing, struct err *e);

/* A sign of life is due: asks for one, or ERR_IO: there have been too few. */
int ssh2_probe(struct ssh2 *own, struct err *e);

/* Frees a channel, at once or when the host has said that it is closed. */
void ssh2_let_die(struct ssh2 *own, LIBSSH2_CHANNEL *handle);

/* Frees the dying channels that have ended by now. */
void ssh2_bury(struct ssh2 *own);

/* ssh2_stream.c: the transport's streams. */
extern const struct stream_ops ssh2_stream_ops;

/* As send(2), but it takes everything: what the socket does not take is kept. -errno. */
ssize_t ssh2_gather(struct ssh2 *own, const void *bytes, size_t len);

/* Frees what streams have left. */
void ssh2_streams_done(struct ssh2 *own);

/* ssh2_hostkey.c: the order of host key types to ask for, those that are known first. Appends; ERR_USAGE = libssh2 knows none that would be accepted. */
int ssh2_hostkey_methods(struct ssh2 *own, struct buf *methods, struct err *e);

/* Compares the host's key with the known ones, asks about an unknown one. 0 = it is the host. ERR_DENIED in words; ERR_USAGE: to be done by ssh. */
int ssh2_hostkey_check(struct ssh2 *own, struct call *call, struct err *e);

/* ssh2_auth.c: logs in. ERR_DENIED; ERR_USAGE: there is a way that libssh2 does not know, ssh may. */
int ssh2_auth(struct ssh2 *own, struct call *call, struct err *e);

#endif
