/* ssh_dial.h - a byte stream to a host's sshd: a TCP connection, or a child process as ProxyJump and ProxyCommand want it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_SSH_SSH_DIAL_H
#define ACTIONS_SSH_SSH_DIAL_H

#include "actions/worker/call.h"
#include "actions/ssh/ssh_config.h"
#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

#define SSH_CONNECT_TIME ((int64_t)30 * 1000000)	/* when ConnectTimeout is not set */

/* The time that a connection may take to come about. */
int64_t ssh_dial_time(const struct ssh_config *config);

/* Tells that the host has not answered for CALL_SILENT. */
void ssh_dial_silent(struct call *call);

/* A non-blocking TCP connection to the host's address. Blocks in call_wait. -1: ERR_IO with words. */
int ssh_dial_tcp(struct call *call, const struct ssh_config *config, struct err *e);

/* Appends the addresses that this computer knows for a name, "ADDRESS PORT" a line. Blocks in
 * call_wait. -1: ERR_IO with words, errors of call_wait. */
int ssh_dial_find(struct call *call, const char *name, int port, struct buf *out, struct err *e);

/* The stream through the child process of ProxyJump or ProxyCommand; env as of proc_start; errors: what the child's stderr goes to, -1 = nowhere. *pid is the caller's to end.
 * ERR_USAGE = a ProxyCommand that only ssh itself can expand. */
int ssh_dial_proxy(struct call *call, const struct ssh_config *config, const char *const *env, int errors, pid_t *pid, struct err *e);

/* True when the host is reached through a child process. */
bool ssh_dial_is_proxied(const struct ssh_config *config);

#endif
