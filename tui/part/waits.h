/* waits.h - what a running step waits for, as a view says it. Only words; draws nothing. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_WAITS_H
#define TUI_PART_WAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "journal/model/model.h"

#define WAITS_MOST 3	/* branches whose wait is told */

/* The latest wait of each branch of a running step that still waits, newest first; at most WAITS_MOST. Returns how many. Borrowed from the model. */
size_t waits_of(const struct model *model, const struct model_step *step, const struct model_call *waits[WAITS_MOST]);

/* True for a call that is only a part of a wait: the pause, and the looks between. */
bool waits_is_part(const struct model_call *call);

/* "Waiting for the web to answer: 55 s so far, look 12 of 90; last seen: status 502", safe to show. now_us: wall clock. */
void waits_words(const struct model_call *wait, int64_t now_us, struct buf *out);

#endif
