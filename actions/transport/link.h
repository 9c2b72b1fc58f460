/* link.h - what a lane keeps between calls: the connection, and the persistent shell on it; private to transport.c, shell.c and job code. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_TRANSPORT_LINK_H
#define ACTIONS_TRANSPORT_LINK_H

#include "actions/transport/shell.h"
#include "actions/transport/sudo.h"
#include "actions/transport/transport.h"

#include <stdint.h>

struct link {
	struct transport *transport;	/* owned; NULL = no connection */
	struct shell *shell;		/* owned; NULL = none; lives on the transport */
	struct sudo_known *sudo;	/* owned; how other users are reached over it; NULL = nothing known */
	bool one_channel;		/* the host refused a second channel beside the shell (MaxSessions 1) */
	bool system_ssh;		/* libssh2 could not log in here: go to the system's ssh at once */
};

/* The lane's link, made when there is none. Borrowed. Never blocks. */
struct link *link_of(struct call *call);

/* "db1", or "this host". Borrowed from the call. */
const char *link_name(const struct call *call);

/* An option of the call's host in the fleet file; NULL when it has none. Borrowed. */
const char *link_option(const struct call *call, const char *name);

/* The connection was lost (why: words): closes it and tries again with growing pauses (0.2 s … 10 s), each told with call_link, for at most limit_us (0 = as long as the call lasts).
 * 0, or -1: ERR_CANCELED, ERR_TIMEOUT from the call; ERR_DENIED; ERR_IO when the limit has passed. */
int link_again(struct call *call, const char *why, int64_t limit_us, struct err *e);

#endif
