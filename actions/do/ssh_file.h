/* ssh_file.h - one script on a channel of its own, whose stdin the caller writes piece by piece; for ssh.put and ssh.get. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_DO_SSH_FILE_H
#define ACTIONS_DO_SSH_FILE_H

#include "actions/worker/call.h"
#include "actions/transport/shell.h"
#include "base/buf.h"

/* Starts shell text, as the call's `as` user when there is one, and sends the password for sudo; returns when it has begun. Errors as transport_get, run_read. Caller owns; run_close. */
struct run *ssh_file_open(struct call *call, const char *script, struct err *e);

/* End of file, then all that it says until its end. 0, or -1 as run_read. */
int ssh_file_finish(struct run *run, struct call *call, struct buf *out, struct buf *words, struct err *e);

/* The rest of the line in text that begins with mark and a blank, without its end; false when there is none. Appends. */
bool ssh_file_line(const struct buf *text, const char *mark, struct buf *line);

#endif
