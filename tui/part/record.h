/* record.h - what was found and done so far, as text: each step with its state, its reason, notes and warnings. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_RECORD_H
#define TUI_PART_RECORD_H

#include "base/buf.h"
#include "tui/live/scene.h"

/* Appends it, safe to show, a line for each thing. */
void record_text(const struct scene *scene, struct buf *out);

#endif
