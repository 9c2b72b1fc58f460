/* ssh_agent.h - the ssh agent, asked without blocking: which keys it holds, and signatures (it may ask its owner first). */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_SSH_SSH_AGENT_H
#define ACTIONS_SSH_SSH_AGENT_H

#include "actions/worker/call.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct ssh_agent;

/* Connects to the agent's socket. NULL when there is none that answers. Caller owns. */
struct ssh_agent *ssh_agent_open(const char *path);

/* Frees; NULL is fine. */
void ssh_agent_close(struct ssh_agent *agent);

/* Asks for the keys; blocks in call_wait. Then ssh_agent_key gives the public key (borrowed) and its name, false behind the last. */
int ssh_agent_load(struct ssh_agent *agent, struct call *call, struct err *e);
bool ssh_agent_key(const struct ssh_agent *agent, size_t i, const struct buf **blob, const char **name);

/* What is to be signed by which key; all borrowed. */
struct ssh_agent_work {
	const struct buf *blob;		/* public key */
	const void *data;
	size_t len;
};

/* Appends the signature: the bytes inside, without the name of the method. Blocks in call_wait until the agent's owner agreed. ERR_DENIED when the agent refuses. */
int ssh_agent_sign(struct ssh_agent *agent, struct call *call, const struct ssh_agent_work *work, struct buf *signature, struct err *e);

#endif
