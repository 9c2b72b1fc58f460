/* pty.h - programs on a pseudo terminal of this computer; private to the transports. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_TRANSPORT_PTY_H
#define ACTIONS_TRANSPORT_PTY_H

#include "actions/transport/transport.h"
#include "base/err.h"
#include "base/proc.h"

#include <stddef.h>
#include <sys/types.h>

/* Starts spawn->argv in a session of its own whose terminal is a new one of that type and size, with our environment. *master (caller closes, which hangs up) is our end, close-on-exec.
 * The pid (caller reaps), or -1; *master is -1 then. */
pid_t pty_start(const struct proc_spawn *spawn, const struct terminal *terminal, int *master, struct err *e);

/* Writes what the terminal takes at once: bytes, 0 = none now, -1 ERR_IO. master must not block; when it is -1 or the program is gone all counts as taken. */
ssize_t pty_put(int master, const void *bytes, size_t len, struct err *e);

/* Another size; the program there gets SIGWINCH. */
int pty_resize(int master, const struct terminal *terminal, struct err *e);

/* The login shell of our account, /bin/sh when there is none: text, filled. */
const char *pty_login_shell(char *text, size_t size);

#endif
