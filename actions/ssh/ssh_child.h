/* ssh_child.h - small programs that a transport runs beside itself: ssh -G, proxies, ssh's master; waited for without blocking. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_SSH_SSH_CHILD_H
#define ACTIONS_SSH_SSH_CHILD_H

#include "actions/worker/call.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

/* Runs a program to its end with nothing on stdin; blocks in call_wait, limit_us at most. Appends what it prints. Its exit status, 256 + N for signal N, or -1. */
int ssh_child_run(struct call *call, const char *const *argv, struct buf *out, struct buf *words, int64_t limit_us, struct err *e);

/* The last line with something in it, without control characters; fallback when there is none. Borrowed from the buffer, which it cuts. */
const char *ssh_child_last_line(struct buf *words, const char *fallback);

/* Ends a child, and the process group that it leads if it does, with SIGKILL, and reaps it. Blocks until the kernel lets it go. A pid of 0 is fine. */
void ssh_child_kill(pid_t pid);

#endif
