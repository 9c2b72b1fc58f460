/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/day.h"

#include "base/time.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DAY (86400 * TIME_SECOND)
#define FARTHEST 3653	/* days: ten years */
#define WORDS 3
#define WORD_SIZE 32

/* The lower-case words of a text, at most WORDS of them: their count, or -1 when there are more or one is too long. */
static int split(const char *text, char words[WORDS][WORD_SIZE])
{
	int count = 0;

	for (;;) {
		size_t len;

		text += strspn(text, " \t");
		len = strcspn(text, " \t");
		if (len == 0)
			return count;
		if (count == WORDS || len >= sizeof(words[0]))
			return -1;
		for (size_t i = 0; i < len; i++)
			words[count][i] = (char)tolower((unsigned char)text[i]);
		words[count++][len] = '\0';
		text += len;
	}
}

/* Days of one unit, 0 when it is none. */
static int unit_days(const char *unit)
{
	static const struct {
		const char *name;
		int days;
	} units[] = {
		{ "d", 1 }, { "day", 1 }, { "days", 1 }, { "w", 7 }, { "week", 7 }, { "weeks", 7 },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(unit, units[i].name) == 0)
			return units[i].days;
	return 0;
}

/* "3d", or "3" before "days": days ahead, or -1. */
static int span_days(const char *number, const char *unit)
{
	int n = 0, each;

	if (!isdigit((unsigned char)*number))
		return -1;
	for (; isdigit((unsigned char)*number); number++)
		n = n > FARTHEST ? n : n * 10 + (*number - '0');
	if (*number && *unit)
		return -1;
	each = unit_days(*number ? number : unit);
	return each ? n * each : -1;
}

/* "friday" or "fri": days until the next one, never today; or -1. 1970-01-01 was a Thursday. */
static int weekday_days(const char *word, int64_t today)
{
	static const char *const names[] = { "thursday", "friday", "saturday", "sunday", "monday", "tuesday", "wednesday" };

	for (int i = 0; i < 7; i++) {
		int ahead = (int)((i - today % 7 + 7) % 7);

		if (strcmp(word, names[i]) == 0 || (strlen(word) == 3 && strncmp(word, names[i], 3) == 0))
			return ahead ? ahead : 7;
	}
	return -1;
}

/* Days ahead of today, or -1 when it is no such day. */
static int days_ahead(const char *text, int64_t today)
{
	char words[WORDS][WORD_SIZE] = {{0}};
	int count = split(text, words);

	if (count == 3 && strcmp(words[0], "in") == 0)
		return span_days(words[1], words[2]);
	if (count == 2 && strcmp(words[0], "in") == 0)
		return span_days(words[1], "");
	if (count == 2 && strcmp(words[0], "next") == 0)
		return strcmp(words[1], "week") == 0 ? 7 : weekday_days(words[1], today);
	if (count == 2)
		return span_days(words[0], words[1]);
	if (count != 1)
		return -1;
	if (strcmp(words[0], "today") == 0)
		return 0;
	if (strcmp(words[0], "tomorrow") == 0)
		return 1;
	return isdigit((unsigned char)words[0][0]) ? span_days(words[0], "") : weekday_days(words[0], today);
}

/* "2026-12-01" and nothing else, blanks aside: its day since 1970, or -1. */
static int64_t date_day(const char *text)
{
	char date[DAY_TEXT];
	int64_t at_us;
	size_t len;

	text += strspn(text, " \t");
	len = strcspn(text, " \t");
	if (len != DAY_TEXT - 1 || text[len + strspn(text + len, " \t")])
		return -1;
	snprintf(date, sizeof(date), "%.*s", (int)len, text);
	return time_parse(date, &at_us) == 0 && at_us >= 0 ? at_us / DAY : -1;
}

int day_parse(const char *text, int64_t wall_us, char out[static DAY_TEXT], struct err *e)
{
	int64_t today = wall_us / DAY, day = date_day(text);
	int ahead = day < 0 ? days_ahead(text, today) : 0;
	char full[TIME_TEXT];

	if (ahead < 0)
		return err_set(e, ERR_USAGE, "\"%.40s\" is no day: " DAY_HELP, text);
	if (day < 0)
		day = today + ahead;
	if (day < today)
		return err_set(e, ERR_USAGE, "%.20s is over: say a day that comes", text);
	if (day > today + FARTHEST)
		return err_set(e, ERR_USAGE, "\"%.40s\" is more than ten years ahead", text);
	snprintf(out, DAY_TEXT, "%.10s", time_format(day * DAY, full));
	return 0;
}
