/* proc_int.h - what proc.c and forkserver.c share; private to them. All of it is async-signal-safe: it runs between fork and exec. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_PROC_INT_H
#define BASE_PROC_INT_H

#include <sys/types.h>

/* All signals to their default action and nothing blocked. Call with all signals blocked. */
void proc_reset_signals(void);

/* SIGKILL for us when the parent's thread that forked us ends; 0, or -1 when the parent is gone already. */
int proc_die_with(pid_t parent);

#endif
