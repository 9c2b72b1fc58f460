/* cause.h - which lines of a failed command's output say why it failed; no opinion on what to do about it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_CAUSE_H
#define BASE_CAUSE_H

#include "base/buf.h"

#include <stddef.h>

#define CAUSE_LINES 4		/* at most so many are found */
#define CAUSE_LINE_BYTES 300	/* each is cut to so many */
#define CAUSE_COMMAND_BYTES 80	/* of the command */

/* Appends the lines of a command's two outputs (either may be NULL) that name the cause, with newlines between them and none at the end:
 * the first that names an error, with its details, and the last that does; else the last paragraph. Colours and progress are left out. */
void cause_find(const char *err, const char *out, struct buf *lines);

/* Appends the command in a few words: its first line, without the settings and folders that go before it. */
void cause_command(const char *shown, struct buf *words);

#endif
