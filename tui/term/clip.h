/* clip.h - copying out of a view: into a file of the person's own, and as OSC 52 for terminals that keep a clipboard. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_TERM_CLIP_H
#define TUI_TERM_CLIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define CLIP_TERMINAL_MAX ((size_t)74000)	/* bytes of text that terminals take by OSC 52 */

/* True when a terminal of this type (TERM) is one that understands OSC 52 or drops it unseen. */
bool clip_terminal_can(const char *term);

/* Appends the sequence that puts text into the terminal's clipboard; wrapped in pieces for GNU screen (screen true). */
void clip_sequence(struct buf *out, const char *text, size_t len, bool screen);

/* Writes text to "<state>/bellbook/copies/session-N-NAME.txt" (0600; an older one is replaced). Path in *path, caller owns. 0; -1 with words. Blocks on the disk. */
int clip_save(const char *text, int64_t session, const char *name, char **path, struct err *e);

#endif
