/* plain_shell.h - private to tui/plain/plain*.c: to a host by hand, a line at a time. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PLAIN_PLAIN_SHELL_H
#define TUI_PLAIN_PLAIN_SHELL_H

#include <stdbool.h>

#include "base/json.h"
#include "journal/event/event.h"

struct plain;

/* Commands of plain_command.c: a shell on a host, a command by hand. */
void plain_shell(struct plain *plain, const char *text);
void plain_run(struct plain *plain, const char *text);

/* The line after plain_run. */
void plain_run_sure(struct plain *plain, const char *line);

/* A line for the shell, or Ctrl-C. */
void plain_shell_line(struct plain *plain, const char *line);
void plain_shell_interrupt(struct plain *plain);

/* True when the shell's prompt asks for what must not be shown. */
bool plain_shell_hides(const struct plain *plain);

/* Tells what an event means for the shell opened here; true when nothing else is to be said of it. */
bool plain_shell_tell(struct plain *plain, const struct event *ev);

/* A reply to this view. */
void plain_shell_reply(struct plain *plain, const struct json *reply);

/* Frees what is kept of it. */
void plain_shell_done(struct plain *plain);

#endif
