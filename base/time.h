/* time.h - wall clock and boot clock in microseconds, and times as people write them (always UTC). */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stddef.h>
#include <stdint.h>

#define TIME_SECOND ((int64_t)1000000)
#define TIME_TEXT 40	/* room for any text below */

/* Wall clock, microseconds since 1970 UTC. For showing, never for durations. */
int64_t time_wall_us(void);

/* CLOCK_BOOTTIME microseconds: goes on through suspend, never jumps. For durations and time-outs. */
int64_t time_mono_us(void);

/* "2026-11-21T18:52:07.123456Z"; returns out. */
const char *time_format(int64_t wall_us, char out[TIME_TEXT]);

/* "18:52:07"; returns out. */
const char *time_format_clock(int64_t wall_us, char out[TIME_TEXT]);

/* A duration for people: "0.4 s", "12 s", "3 m 05 s", "2 h 14 m", "3 d 1 h"; returns out. */
const char *time_format_span(int64_t us, char out[TIME_TEXT]);

/* Parses what time_format writes (fraction optional) or "YYYY-MM-DD"; 0 and *out, or -1. */
int time_parse(const char *text, int64_t *out);

#endif
