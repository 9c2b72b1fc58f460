/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/time.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#define DAY_SECONDS 86400

static int64_t now(clockid_t which)
{
	struct timespec at;
	int failed = clock_gettime(which, &at);

	assert(!failed);
	return (int64_t)at.tv_sec * TIME_SECOND + at.tv_nsec / 1000;
}

int64_t time_wall_us(void)
{
	return now(CLOCK_REALTIME);
}

int64_t time_mono_us(void)
{
	return now(CLOCK_BOOTTIME);
}

/* Quotient rounded down, also for negative n. */
static int64_t floor_div(int64_t n, int64_t by)
{
	return n / by - (n % by < 0);
}

struct date {
	int64_t year;
	int month;	/* 1..12 */
	int day;	/* 1..31 */
};

/* Days since 1970-01-01. Years begin in March here, so that the leap day is the last of its year. */
static int64_t days_of(const struct date *date)
{
	int64_t year = date->year - (date->month <= 2);
	int64_t era = floor_div(year, 400);
	int64_t of_era = year - era * 400;
	int64_t of_year = (153 * ((date->month + 9) % 12) + 2) / 5 + date->day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static struct date date_of(int64_t days)
{
	int64_t from = days + 719468;
	int64_t era = floor_div(from, 146097);
	int64_t of_era = from - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;
	struct date date;

	date.day = (int)(of_year - (153 * month + 2) / 5 + 1);
	date.month = (int)(month < 10 ? month + 3 : month - 9);
	date.year = era * 400 + year + (date.month <= 2);
	return date;
}

const char *time_format(int64_t wall_us, char out[TIME_TEXT])
{
	int64_t seconds = floor_div(wall_us, TIME_SECOND);
	int micros = (int)((wall_us % TIME_SECOND + TIME_SECOND) % TIME_SECOND);
	int64_t days = floor_div(seconds, DAY_SECONDS);
	int of_day = (int)(seconds - days * DAY_SECONDS);
	struct date date = date_of(days);

	snprintf(out, TIME_TEXT, "%04lld-%02d-%02dT%02d:%02d:%02d.%06dZ", (long long)date.year,
		 date.month, date.day, of_day / 3600, of_day / 60 % 60, of_day % 60, micros);
	return out;
}

const char *time_format_clock(int64_t wall_us, char out[TIME_TEXT])
{
	int64_t seconds = floor_div(wall_us, TIME_SECOND);
	int of_day = (int)(seconds - floor_div(seconds, DAY_SECONDS) * DAY_SECONDS);

	snprintf(out, TIME_TEXT, "%02d:%02d:%02d", of_day / 3600, of_day / 60 % 60, of_day % 60);
	return out;
}

const char *time_format_span(int64_t us, char out[TIME_TEXT])
{
	const char *sign = us < 0 ? "-" : "";
	/* Through unsigned: -INT64_MIN does not exist. */
	uint64_t span = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
	unsigned long long tenths = span / 100000;
	unsigned long long seconds = span / 1000000;

	if (seconds < 10)
		snprintf(out, TIME_TEXT, "%s%llu.%llu s", tenths ? sign : "", seconds, tenths % 10);
	else if (seconds < 60)
		snprintf(out, TIME_TEXT, "%s%llu s", sign, seconds);
	else if (seconds < 3600)
		snprintf(out, TIME_TEXT, "%s%llu m %02llu s", sign, seconds / 60, seconds % 60);
	else if (seconds < DAY_SECONDS)
		snprintf(out, TIME_TEXT, "%s%llu h %02llu m", sign, seconds / 3600, seconds / 60 % 60);
	else
		snprintf(out, TIME_TEXT, "%s%llu d %llu h", sign, seconds / DAY_SECONDS,
			 seconds / 3600 % 24);
	return out;
}

/* Exactly count digits at *at, in [min, max]; moves *at. */
static bool number(const char **at, int count, int min, int max, int *out)
{
	int n = 0;

	for (int i = 0; i < count; i++) {
		char c = (*at)[i];

		if (c < '0' || c > '9')
			return false;
		n = n * 10 + (c - '0');
	}
	if (n < min || n > max)
		return false;
	*at += count;
	*out = n;
	return true;
}

static bool literal(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

static int days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

static bool take_date(const char **at, int64_t *days)
{
	int year, month, day;
	struct date date;

	if (!number(at, 4, 0, 9999, &year) || !literal(at, '-') ||
	    !number(at, 2, 1, 12, &month) || !literal(at, '-') ||
	    !number(at, 2, 1, days_in(year, month), &day))
		return false;
	date = (struct date){ .year = year, .month = month, .day = day };
	*days = days_of(&date);
	return true;
}

/* One to nine digits; what is finer than a microsecond is dropped. */
static bool take_fraction(const char **at, int *micros)
{
	int digits = 0;

	*micros = 0;
	for (; **at >= '0' && **at <= '9'; (*at)++, digits++) {
		if (digits < 6)
			*micros = *micros * 10 + (**at - '0');
	}
	for (int i = digits; i < 6; i++)
		*micros *= 10;
	return digits >= 1 && digits <= 9;
}

int time_parse(const char *text, int64_t *out)
{
	int64_t days;
	int hour, minute, second;
	int micros = 0;

	if (!text || !take_date(&text, &days))
		return -1;
	if (!*text) {
		*out = days * DAY_SECONDS * TIME_SECOND;
		return 0;
	}
	if (!literal(&text, 'T') || !number(&text, 2, 0, 23, &hour) || !literal(&text, ':') ||
	    !number(&text, 2, 0, 59, &minute) || !literal(&text, ':') ||
	    !number(&text, 2, 0, 59, &second))
		return -1;
	if (literal(&text, '.') && !take_fraction(&text, &micros))
		return -1;
	if (!literal(&text, 'Z') || *text)
		return -1;
	*out = (days * DAY_SECONDS + (int64_t)hour * 3600 + (int64_t)minute * 60 + second) * TIME_SECOND + micros;
	return 0;
}
