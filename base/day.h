/* day.h - a day as people say it, as a date (always UTC). */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_DAY_H
#define BASE_DAY_H

#include "base/err.h"

#include <stdint.h>

#define DAY_TEXT 11	/* "2026-12-01" */

/* What day_parse understands, for a question that asks for a day. */
#define DAY_HELP "a date like 2026-12-01, or tomorrow, friday, 3d, 2 weeks"

/* Turns a day as it was typed into a date: "2026-12-01", "today", "tomorrow", "friday" (the next one), "3d", "3 days", "in 2 weeks", "next week"; capitals do not count.
 * wall_us is now. 0 and out; or -1 with ERR_USAGE and words when it is none, is over, or lies more than ten years ahead. */
int day_parse(const char *text, int64_t wall_us, char out[static DAY_TEXT], struct err *e);

#endif
