/* duration.h - a time that a runbook, a fleet file or an intent gives, as a text or as seconds, in microseconds; what makes no sense is refused here, once for all. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_DURATION_H
#define BASE_DURATION_H

#include "base/json_read.h"

#include <stdbool.h>
#include <stdint.h>

/* A hundred years in microseconds: added to any clock it stays a number. str_to_duration knows the same limit. */
#define DURATION_MAX ((int64_t)36525 * 86400 * 1000000)
#define DURATION_WORDS "a duration like \"90s\", \"10m\" or \"2h\", or seconds: not below 0, and a hundred years at most"

/* Seconds, whole or not, in microseconds; false (and *us alone) for what is negative, no number, or more than DURATION_MAX. */
bool duration_of_seconds(double seconds, int64_t *us);

/* As that for a number, as str_to_duration for a text; false for any other value. */
bool duration_of(const struct json *value, int64_t *us);

#endif
