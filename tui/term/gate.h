/* gate.h - what of a host's terminal output may reach libvterm: whole, known, bounded sequences and valid characters; private to vt.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_TERM_GATE_H
#define TUI_TERM_GATE_H

#include <stddef.h>

#include "base/buf.h"

#define GATE_SEQUENCE 64	/* bytes between ESC [ and the end; a longer one is dropped */

/* Zero-initialised is the beginning of a terminal's output. Nothing to free. */
struct gate {
	int state;
	char sequence[GATE_SEQUENCE];
	size_t len;
	char cut[4];		/* the beginning of a character that is not whole yet */
	size_t cut_len;
	char last[4];		/* the character written last, to be repeated */
	size_t last_len;
};

/* Appends what may pass of bytes that may be cut anywhere. cols: of the terminal; nothing is repeated more often. */
void gate_pass(struct gate *gate, const char *bytes, size_t len, int cols, struct buf *out);

#endif
