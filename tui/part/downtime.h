/* downtime.h - how long the site is down, how long the runbook thought it would be, and when it should be back. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_DOWNTIME_H
#define TUI_PART_DOWNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/model/model.h"

struct downtime {
	int64_t so_far_us;	/* 0 = it never was down */
	int64_t budget_us;	/* what the steps between say they take, 0 = nothing is said */
	int64_t ends_us;	/* wall clock when they should be over, 0 = not down or nothing is said */
	long first, last;	/* steps that begin and end it, -1 = none */
};

/* What is known at wall clock now_us. */
struct downtime downtime_of(const struct model *model, int64_t now_us);

/* "DOWN 00:17:42 of 41 m, ends ~19:43", "" when the site never was down; shorter when brief. Writes at most size bytes. */
void downtime_clock(const struct model *model, int64_t now_us, bool brief, char *text, size_t size);

/* The site is down now, by the steps or as it is seen from outside. */
bool downtime_is_now(const struct model *model);

/* Why the site is said to be down now, since when and who says so, a sentence or two; "" when it is up. Caller owns. */
char *downtime_reason(const struct model *model, int64_t now_us);

/* What a step does to the site, a sentence ("" = nothing): it goes down here until step N, or is back after it. Caller owns. */
char *downtime_words(const struct model *model, const struct model_step *step);

#endif
