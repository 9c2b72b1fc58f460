/* when.h - times and durations in few columns, for tables. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_WHEN_H
#define TUI_PART_WHEN_H

#include <stdint.h>

#include "base/time.h"

/* A duration in at most 7 columns: "12 s", "34 min", "2 h 40", "3 d 1 h"; returns out. */
const char *when_span(int64_t us, char out[TIME_TEXT]);

/* "18:52" when it was on the day of now_us or less than 20 hours before it, else "2026-10-02"; "" for 0. UTC; returns out. */
const char *when_day(int64_t at_us, int64_t now_us, char out[TIME_TEXT]);

/* The same with "2026-10-02 18:52": where the hour counts. */
const char *when_moment(int64_t at_us, int64_t now_us, char out[TIME_TEXT]);

#endif
