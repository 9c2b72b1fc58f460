/* via.h - what is behind a host, in reach of libraries: a Unix socket or a descriptor of ours. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_TRANSPORT_VIA_H
#define ACTIONS_TRANSPORT_VIA_H

#include "actions/transport/stream.h"
#include "actions/worker/call.h"
#include "base/err.h"

#include <stdbool.h>

/*
 * A via has a connection to its host, and a thread that moves bytes between
 * local sockets and streams. The thread is its own, and not one more duty of
 * call_wait, for three reasons: libpq and libcurl block also where no call_wait
 * is below them; libssh2 cannot begin a second request while the first, which
 * waits in call_wait, is half-way; and a database connection that is kept
 * between calls has to be served while the lane sleeps.
 *
 * Who owns what: the lane's thread opens, adds ways, and closes, and must not
 * touch the transport in between; the pump's thread alone uses it. Both share
 * the list of ways and the last failure, under one lock. Log-ins and their
 * questions, looking up names, and all else that blocks stays in the lane's
 * thread, in call_wait.
 *
 * Each connection has one buffer of FLOW_BUFFER bytes for each direction, and
 * reads no further until that is empty: a slow reader slows the sender down, on
 * the way there as on the way back. The end of one direction is passed on, and
 * the other one stays open.
 */
struct via;

#define VIA_STREAMS_MAX 256   /* at once; more wait to be accepted */

/* Connects to a host, "" = this one (no log-in: what is reached is near). Blocks in call_wait;
 * errors as transport_get. Caller owns, and keeps it with what uses it (call_set_keep): it outlives
 * the call. */
struct via *via_open(struct call *call, const char *host, struct err *e);

/* Ends all connections through it at once, removes the folder and frees. Blocks a moment. NULL is
 * fine. From the thread that opened it. */
void via_close(struct via *via);

/* A listening Unix socket in a 0700 folder of ours: each connection to it is a stream to that
 * place. name: of the file, as the library wants it (".s.PGSQL.5432"); used once. Blocks in
 * call_wait. Its path, borrowed from the via; NULL: ERR_USAGE (name or place), ERR_IO (the
 * connection is lost, or the disk), errors of call_wait. */
const char *via_socket(struct via *via, struct call *call, const struct stream_to *to,
	const char *name, struct err *e);

/* One stream to that place, as a descriptor of ours: a stream socket that does not block,
 * close-on-exec. Caller owns and closes it. It can be written to at once; whether the place can be
 * reached shows when it is read: at its end, via_failed tells. -1 as via_socket. Blocks in
 * call_wait. */
int via_connect(struct via *via, struct call *call, const struct stream_to *to, struct err *e);

/* True when something went wrong since the last time that it was asked, and why: the connection to
 * the host is lost (ERR_IO, and so every time), a stream was refused or broken off (ERR_REMOTE,
 * ERR_DENIED), or the host has been trying for some seconds to reach the place and still does
 * (ERR_TIMEOUT). To be asked when a library says no more than that its connection ended. Never
 * blocks. */
bool via_failed(struct via *via, struct err *e);

/* False when the connection is lost: all streams have ended, and nothing but via_failed and
 * via_close makes sense. */
bool via_is_up(struct via *via);

#endif
