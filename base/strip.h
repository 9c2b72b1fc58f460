/* strip.h - text out of what was written for a terminal: its sequences left out, cut anywhere between calls. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_STRIP_H
#define BASE_STRIP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/escape.h"

#define STRIP_ERASE '\001'	/* the whole line was erased, */
#define STRIP_ERASE_REST '\002'	/* or what stands right of the cursor */

/* Zero-initialised is the beginning of a terminal. Nothing to free. */
struct strip {
	struct escape escape;
	bool alternate;			/* a full-screen program has the terminal */
	bool flat;			/* set by the owner: there is no terminal, so nothing has it */
	bool marks;			/* set by the owner: backspaces stay, and erased lines are told */
};

/* Without marks: appends text, line ends, carriage returns and tabs; other controls and all sequences
 * are left out. What a full-screen program draws is one line that says so. Bytes that are no UTF-8
 * stay as they are: this makes nothing safe to show. */
void strip_feed(struct strip *strip, const char *bytes, size_t len, struct buf *out);

/* The stream is over: appends what was held back of a character that is cut off. Another may begin. */
void strip_end(struct strip *strip, struct buf *out);

#endif
