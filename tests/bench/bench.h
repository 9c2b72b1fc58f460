/* bench.h - what the small programs of the benchmark share: clocks, medians, a way to give up. Not part of bellbook. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Seconds of a clock that never jumps. */
static inline double bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline int bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The value that the share `at` (0.5: the median) of n values stays below; sorts them. */
static inline double bench_part(double *values, size_t n, double at)
{
	qsort(values, n, sizeof(*values), bench_compare);
	return values[(size_t)((double)(n - 1) * at)];
}

/* Says what went wrong and ends the program. */
static inline _Noreturn void bench_fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

#endif
