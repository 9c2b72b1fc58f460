/* gate.h - what of a host's terminal output may reach libvterm: what is known; private to vt.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_TERM_GATE_H
#define TUI_TERM_GATE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/escape.h"

/* Zero-initialised is the beginning of a terminal's output. Nothing to free. */
struct gate {
	struct escape escape;
	char last[4];		/* the character written last, to be repeated */
	size_t last_len;
};

/* Appends what may pass of bytes that may be cut anywhere. cols: of the terminal; nothing is repeated more often. */
void gate_pass(struct gate *gate, const char *bytes, size_t len, int cols, struct buf *out);

#endif
