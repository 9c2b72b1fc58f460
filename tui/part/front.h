/* front.h - what stands in front of a person and takes a decision, and whether a key can be meant for it yet. The stage keeps it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_FRONT_H
#define TUI_PART_FRONT_H

#include <stdbool.h>
#include <stdint.h>

#define FRONT_GUARD_US ((int64_t)300000)	/* keys are ignored this long after what came up by itself can be seen */
#define FRONT_EARLY_WORDS "Key ignored: the question had only just come up."

/*
 * What stands in front of the person and takes a decision. Whose screen it is sets question and pause_us; the stage keeps
 * the rest, before each key and each picture. While front_is_early is true no key may answer: it was meant for the picture before.
 */
struct front {
	int64_t question;	/* its number, another one for each; 0 = nothing does */
	int64_t pause_us;	/* so long keys do not count once it can be seen: it came up by itself. 0 = they do at once */
	int64_t guard_us;	/* keys before this (monotonic) do not count; the screen may set it, too */
	bool unseen;		/* it is not on the terminal yet */
};

/* True while a key at now_us (monotonic) may have been meant for what was on the screen before. */
bool front_is_early(const struct front *front, int64_t now_us);

/* A number for a question that has none of its own. */
int64_t front_number(void);

#endif
