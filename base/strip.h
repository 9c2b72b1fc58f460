/* strip.h - text out of what was written for a terminal: its sequences left out, cut anywhere between calls. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_STRIP_H
#define BASE_STRIP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define STRIP_PARAMS 32

/* Zero-initialised is the beginning of a terminal. Nothing to free. */
struct strip {
	int state;
	char params[STRIP_PARAMS];	/* of the CSI sequence that has begun */
	size_t len;
	bool alternate;			/* a full-screen program has the terminal */
};

/* Appends text, line ends, carriage returns and tabs; other controls and all sequences are left out. What a full-screen program draws is one line that says so. Text
 * that is no UTF-8 stays as it is: this makes nothing safe to show. */
void strip_feed(struct strip *strip, const char *bytes, size_t len, struct buf *out);

#endif
