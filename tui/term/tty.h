/* tty.h - the terminal's modes: set for reading keys, and put back on every way out, a crash included. One per process. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_TERM_TTY_H
#define TUI_TERM_TTY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Remembers the modes of the terminal fd and installs what puts them back at exit(3), SIGSEGV, SIGABRT, SIGBUS, SIGFPE and SIGILL. */
int tty_save(int fd, struct err *e);

/* Single keys, no echo; keep_signals leaves Ctrl-C and Ctrl-Z to the kernel. */
void tty_raw(bool keep_signals);

/* Somebody else (curses) set the modes as they are now: from here they are put back on a crash too. tty_release ends that. */
void tty_adopt(void);
void tty_release(void);

/* Bytes to be written to the terminal before its modes are put back (leave the alternate screen, show the cursor); copied, at most 256. */
void tty_last_words(const char *bytes, size_t len);

/* Puts the modes back, last words first. Safe in a signal handler; doing it again is harmless. */
void tty_restore(void);

/* Gives a terminal back that may be gone: never waits. Before _exit. */
void tty_hangup(void);

/* Stops this process as Ctrl-Z does, modes put back; on return the person continued it and the old raw modes are set again. */
void tty_suspend(void);

#endif
