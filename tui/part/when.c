/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/part/when.h"

#include <stdio.h>
#include <string.h>

const char *when_span(int64_t us, char out[TIME_TEXT])
{
	long long s = (us + TIME_SECOND / 2) / TIME_SECOND;

	if (s < 60)
		snprintf(out, TIME_TEXT, "%lld s", s);
	else if (s < 120)
		snprintf(out, TIME_TEXT, "1 m %02lld", s - 60);
	else if (s < 3600)
		snprintf(out, TIME_TEXT, "%lld min", (s + 30) / 60);
	else if (s < 86400)
		snprintf(out, TIME_TEXT, "%lld h %02lld", s / 3600, s / 60 % 60);
	else
		snprintf(out, TIME_TEXT, "%lld d %lld h", s / 86400, s / 3600 % 24);
	return out;
}

/* A night's walk goes over midnight: an hour of the evening before is still one of tonight. */
#define TONIGHT_US (20 * (3600 * TIME_SECOND))

/* The time of day when it was today or tonight, else so many characters of date and time. */
static const char *when(int64_t at_us, int64_t now_us, size_t len, char out[TIME_TEXT])
{
	char now[TIME_TEXT];

	out[0] = '\0';
	if (at_us <= 0)
		return out;
	time_format(at_us, out);
	time_format(now_us, now);
	out[16] = '\0';
	out[10] = ' ';
	if (strncmp(out, now, 10) == 0 || (at_us < now_us && now_us - at_us < TONIGHT_US))
		memmove(out, out + 11, 6);
	else
		out[len] = '\0';
	return out;
}

const char *when_day(int64_t at_us, int64_t now_us, char out[TIME_TEXT])
{
	return when(at_us, now_us, 10, out);
}

const char *when_moment(int64_t at_us, int64_t now_us, char out[TIME_TEXT])
{
	return when(at_us, now_us, 16, out);
}
