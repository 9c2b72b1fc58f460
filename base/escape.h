/* escape.h - what was written for a terminal, taken apart: text, controls, sequences; no meaning. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The only reader of escape sequences here, in the shape of ECMA-48 and with the
 * transitions of a VT500 as xterm has them: ESC begins anew wherever it stands,
 * CAN and SUB break off, other controls within a sequence are carried out and it
 * goes on. So whoever takes a terminal's output asks what a terminal would do,
 * and no two of them differ in where a sequence ends.
 *
 * C1 controls (U+0080 to U+009F) begin nothing: some terminals obey them as
 * characters, others do not, and text that was encoded twice is full of them.
 * They are given as controls, so that nobody takes one for text.
 */
#define ESCAPE_SEQUENCE 64	/* bytes between introducer and final byte; a longer one is odd */

enum escape_kind {
	ESCAPE_TEXT,		/* whole characters that print */
	ESCAPE_INVALID,		/* one byte that is no UTF-8 */
	ESCAPE_CONTROL,		/* C0, DEL or C1: `code` */
	ESCAPE_SHORT,		/* ESC, intermediate bytes (`text`), final byte (`code`) */
	ESCAPE_CSI,		/* ESC [, parameters and intermediate bytes (`text`), final byte (`code`) */
	/* One has ended, or was broken off; `code` began it: ] OSC, P DCS, X SOS, ^ PM, _ APC. */
	ESCAPE_STRING,
};

struct escape_token {
	enum escape_kind kind;
	uint32_t code;
	const char *text;	/* borrowed until the next call, or as long as the bytes given to it */
	size_t len;
	bool odd;		/* a sequence that is too long, or has no known shape: to be left out */
};

/* Zero-initialised is the beginning of a stream. Nothing to free. */
struct escape {
	unsigned char state;
	bool odd;		/* the sequence that has begun */
	char string;		/* what began the string that runs */
	unsigned char len, held_len;
	char sequence[ESCAPE_SEQUENCE];
	char held[4];		/* the beginning of a character that is not whole yet */
	char whole[4];		/* a character that began in bytes given before */
};

/* Takes bytes, cut anywhere, up to the end of the next token and moves *bytes and *len behind it; false when all are taken
 * and no token has ended. Strings are passed over and not kept. */
bool escape_next(
	struct escape *escape, const char **bytes, size_t *len, struct escape_token *token);

/* The stream is over: gives the bytes of a character that was cut off, each as invalid; then false, and another stream may
 * begin. */
bool escape_end(struct escape *escape, struct escape_token *token);

#endif
