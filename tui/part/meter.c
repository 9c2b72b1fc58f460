/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/part/meter.h"

#include <math.h>
#include <string.h>

#include "base/line.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"

#define PERCENT_MIN 1.0			/* before this no time left is told: it would jump about */
#define STALL_USUAL (TIME_SECOND * 60 * 10)	/* for a step that does not say */
#define WINDOW_MIN (60 * TIME_SECOND)	/* the rate is that of the last minute, or of the last quarter of the time */
#define SPARK_MAX 64

/* How much was done at a time between two points of the history. */
static double done_at(const struct model_meter *meter, int64_t at_us)
{
	const struct model_point *p = meter->points;

	if (at_us <= p[0].at_us)
		return p[0].done;
	for (size_t i = 1; i < meter->count; i++) {
		double share;

		if (at_us > p[i].at_us)
			continue;
		share = (double)(at_us - p[i - 1].at_us) / (double)(p[i].at_us - p[i - 1].at_us);
		return p[i - 1].done + share * (p[i].done - p[i - 1].done);
	}
	return p[meter->count - 1].done;
}

static double rate_of(const struct model_meter *meter, int64_t now_us)
{
	int64_t first, from, window;

	if (meter->count < 2)
		return -1;
	first = meter->points[0].at_us;
	window = (now_us - first) / 4 > WINDOW_MIN ? (now_us - first) / 4 : WINDOW_MIN;
	from = now_us - window > first ? now_us - window : first;
	/* Between two values a rate must not sink only because the next one is not there yet. */
	if (now_us - meter->points[meter->count - 1].at_us < window / 4)
		now_us = meter->points[meter->count - 1].at_us;
	if (now_us <= from)
		return -1;
	return (meter->points[meter->count - 1].done - done_at(meter, from)) * 1e6 / (double)(now_us - from);
}

struct meter_look meter_look(const struct model_step *step, int64_t now_us)
{
	const struct model_meter *meter = &step->meter;
	struct meter_look look = { .there = meter->moved_us != 0, .percent = -1, .rate = -1, .left_us = -1 };
	int64_t stall = step->stall_us > 0 ? step->stall_us : STALL_USUAL;

	if (!look.there || meter->done < 0)
		return look;
	look.rate = rate_of(meter, now_us);
	if (meter->total > 0)
		look.percent = meter->done >= meter->total ? 100 : 100 * meter->done / meter->total;
	if ((meter->stalled || now_us - meter->moved_us >= stall) && look.percent < 100)
		look.still_since_us = meter->moved_us;
	if (look.percent >= PERCENT_MIN && look.percent < 100 && look.rate > 0 && !look.still_since_us) {
		double left = (meter->total - meter->done) / look.rate * 1e6;

		if (left < 1e15)
			look.left_us = (int64_t)left;
	}
	return look;
}

static void put_number(struct buf *out, double n)
{
	if (n >= 100 || n == floor(n))
		buf_printf(out, "%.0f", n);
	else
		buf_printf(out, "%.2g", n);
}

/* The largest of second, minute, hour in which it is at least one. */
static void put_rate(struct buf *out, double rate, bool is_short)
{
	static const struct { double seconds; const char *word, *sign; } spans[] = {
		{ 1, " a second", "/s" }, { 60, " a minute", "/min" }, { 3600, " an hour", "/h" },
	};
	size_t i = 0;

	while (i < 2 && rate * spans[i].seconds < 1)
		i++;
	put_number(out, rate * spans[i].seconds >= 10 ? floor(rate * spans[i].seconds + 0.5) : rate * spans[i].seconds);
	buf_puts(out, is_short ? spans[i].sign : spans[i].word);
}

/* "30 of 100 percent" says nothing that "30 percent" does not: not for percents. */
static void put_amount(struct buf *out, const struct model_meter *meter)
{
	const char *unit = meter->unit ? meter->unit : "";

	put_number(out, meter->done);
	if (meter->total > 0) {
		buf_puts(out, " of ");
		put_number(out, meter->total);
	}
	if (*unit) {
		buf_putc(out, ' ');
		utf8_safe(out, unit, strlen(unit), false);
	}
}

static void comma(struct buf *out, size_t before)
{
	if (out->len > before)
		buf_puts(out, ", ");
}

static void put_percent(struct buf *out, const struct meter_look *look, bool is_short, size_t before)
{
	if (look->percent < 0)
		return;
	comma(out, before);
	buf_printf(out, look->percent < 10 && look->percent > 0 ? "%.1f%s" : "%.0f%s", look->percent, is_short ? "%" : " percent");
}

/* Since when nothing moves, or how long it may take. */
static void put_time(struct buf *out, const struct meter_look *look, int64_t now_us, size_t before)
{
	char text[TIME_TEXT];

	if (look->still_since_us) {
		comma(out, before);
		buf_printf(out, "no progress since %s", time_format_clock(look->still_since_us, text));
		buf_printf(out, " (%s)", time_format_span(now_us - look->still_since_us, text));
	} else if (look->left_us >= TIME_SECOND * 600 && look->left_us < TIME_SECOND * 3600) {
		comma(out, before);
		buf_printf(out, "about %lld m left", (long long)((look->left_us + TIME_SECOND * 30) / (TIME_SECOND * 60)));
	} else if (look->left_us >= 0) {
		comma(out, before);
		buf_printf(out, "about %s left", time_format_span(look->left_us, text));
	}
}

static void put_speed(struct buf *out, const struct meter_look *look, bool is_short, size_t before)
{
	if (look->rate <= 0 || look->still_since_us)
		return;
	comma(out, before);
	put_rate(out, look->rate, is_short);
}

void meter_words(const struct model_step *step, int64_t now_us, bool is_short, struct buf *out)
{
	const struct model_meter *meter = &step->meter;
	struct meter_look look = meter_look(step, now_us);
	bool amount = meter->done >= 0 && !str_is(meter->unit, "percent");
	size_t before = out->len;

	if (!look.there)
		return;
	if (meter->text && *meter->text)
		line_words(out, meter->text, strlen(meter->text), false);
	if (amount && !is_short) {
		comma(out, before);
		put_amount(out, meter);
	}
	put_percent(out, &look, is_short, before);
	if (!is_short)
		put_speed(out, &look, is_short, before);
	put_time(out, &look, now_us, before);
	if (is_short)
		put_speed(out, &look, is_short, before);
	if (amount && is_short) {
		comma(out, before);
		put_amount(out, meter);
	}
}

void meter_spark(const struct model_step *step, int64_t now_us, int cols, bool ascii, struct buf *out)
{
	static const char *const blocks[] = { " ", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588" };
	static const char *const signs[] = { " ", ".", ":", "-", "=", "+", "*", "#", "#" };
	const struct model_meter *meter = &step->meter;
	double moved[SPARK_MAX], most = 0;
	int64_t first, span;

	if (meter->count < 3 || cols < 1)
		return;
	if (cols > SPARK_MAX)
		cols = SPARK_MAX;
	first = meter->points[0].at_us;
	span = (now_us > meter->points[meter->count - 1].at_us ? now_us : meter->points[meter->count - 1].at_us) - first;
	for (int i = 0; i < cols; i++) {
		moved[i] = done_at(meter, first + span / cols * (i + 1)) - done_at(meter, first + span / cols * i);
		if (moved[i] > most)
			most = moved[i];
	}
	for (int i = 0; i < cols; i++) {
		int level = moved[i] <= 0 ? 0 : (int)ceil(moved[i] / most * 8);

		buf_puts(out, ascii ? signs[level > 8 ? 8 : level] : blocks[level > 8 ? 8 : level]);
	}
}
