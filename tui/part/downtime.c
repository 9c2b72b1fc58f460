/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/part/downtime.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"

#define DAY_S 86400
#define STALE_US (75 * TIME_SECOND)	/* while nothing changes it is told once a minute */

/* The step that takes the site down, and the one that brings it back. */
static void span(const struct model *model, long *first, long *last)
{
	*first = *last = -1;
	for (size_t i = 0; i < model->step_count; i++) {
		if (*first < 0 && str_is(model->steps[i].downtime, "begins"))
			*first = (long)i;
		else if (*first >= 0 && *last < 0 && str_is(model->steps[i].downtime, "ends"))
			*last = (long)i;
	}
}

static int64_t takes(const struct model_step *step)
{
	int64_t us = 0;

	return *step->takes && str_to_duration(step->takes, &us) ? us : 0;
}

/* What is left of a step. */
static int64_t left(const struct model_step *step, int64_t now_us)
{
	int64_t gone = step->begun_us > 0 ? now_us - step->begun_us - step->waited_us : 0;

	if (step_state_is_over(step->state))
		return 0;
	return takes(step) > gone ? takes(step) - (gone > 0 ? gone : 0) : 0;
}

/* Planned time in whole minutes: nobody plans seconds. */
static void planned(int64_t us, char *text, size_t size)
{
	long long minutes = (us + TIME_SECOND * 30) / (TIME_SECOND * 60);

	if (us < TIME_SECOND * 60)
		snprintf(text, size, "%lld s", (long long)(us / TIME_SECOND));
	else if (minutes < 60)
		snprintf(text, size, "%lld min", minutes);
	else
		snprintf(text, size, "%lld h %02lld min", minutes / 60, minutes % 60);
}

struct downtime downtime_of(const struct model *model, int64_t now_us)
{
	struct downtime down = { .so_far_us = model->down_total_us };
	int64_t rest = 0;

	span(model, &down.first, &down.last);
	if (model->down_since_us > 0 && now_us > model->down_since_us)
		down.so_far_us += now_us - model->down_since_us;
	for (long i = down.first; down.last >= 0 && i <= down.last; i++) {
		if (model->steps[i].state != STEP_SKIPPED)
			down.budget_us += takes(&model->steps[i]);
		rest += left(&model->steps[i], now_us);
	}
	if (model->down_since_us > 0 && down.budget_us > 0)
		down.ends_us = now_us + rest;
	return down;
}

static int64_t gone_since(int64_t since_us, int64_t now_us)
{
	return since_us && now_us > since_us ? now_us - since_us : 0;
}

static int clock_put(char *text, size_t size, int len, const char *before, int64_t us, const char *behind)
{
	long long s = (long long)(us / TIME_SECOND);

	if (len < 0 || (size_t)len >= size)
		return len;
	return len + snprintf(text + len, size - (size_t)len, "%s%02lld:%02lld:%02lld%s", before, s / 3600, s / 60 % 60, s % 60, behind);
}

/* What was seen from outside alone, where the steps say nothing. */
static void outside_clock(const struct model *model, int64_t now_us, bool brief, char *text, size_t size)
{
	const struct model_outside *outside = &model->outside;

	if (outside->refuses_since_us)
		(void)clock_put(text, size, 0, "DOWN ", gone_since(outside->refuses_since_us, now_us), brief ? "" : ", seen from outside");
	else if (outside->waits_since_us)
		(void)clock_put(text, size, 0, "WAITS ", gone_since(outside->waits_since_us, now_us), brief ? "" : ", seen from outside");
	else if (outside->refused_us >= TIME_SECOND)
		(void)clock_put(text, size, 0, "was down ", outside->refused_us, brief ? "" : ", seen from outside");
}

bool downtime_is_now(const struct model *model)
{
	return model->down_since_us > 0 || model->outside.refuses_since_us > 0 || model->outside.waits_since_us > 0;
}

void downtime_clock(const struct model *model, int64_t now_us, bool brief, char *text, size_t size)
{
	struct downtime down = downtime_of(model, now_us);
	bool is_down = model->down_since_us > 0;
	int64_t s = down.so_far_us / TIME_SECOND, end = down.ends_us / TIME_SECOND % DAY_S;
	char budget[TIME_TEXT];
	int len;

	text[0] = '\0';
	if (s == 0 && !is_down) {
		outside_clock(model, now_us, brief, text, size);
		return;
	}
	len = snprintf(text, size, "%s %02lld:%02lld:%02lld", is_down ? "DOWN" : "was down", (long long)(s / 3600),
		(long long)(s / 60 % 60), (long long)(s % 60));
	if (model->outside.seq && !brief)
		len = clock_put(text, size, len, " (from outside ", model->outside.refused_us + gone_since(model->outside.refuses_since_us, now_us), ")");
	if (down.budget_us == 0 || len < 0 || (size_t)len >= size)
		return;
	planned(down.budget_us, budget, sizeof(budget));
	len += snprintf(text + len, size - (size_t)len, " of %s", budget);
	if (brief || !is_down || (size_t)len >= size)
		return;
	snprintf(text + len, size - (size_t)len, ", ends ~%02lld:%02lld", (long long)(end / 3600), (long long)(end / 60 % 60));
}

/* ": POST /inbox answers 502": of the time that goes on, the newest cause last. */
static void put_causes(const struct model_outside *outside, struct buf *out)
{
	const struct model_refusal *refusal = outside->refusal_count ? &outside->refusals[outside->refusal_count - 1] : NULL;

	for (size_t i = 0; refusal && !refusal->to_us && i < refusal->cause_count; i++) {
		buf_puts(out, i ? ", " : ": ");
		utf8_safe(out, refusal->causes[i].text, strlen(refusal->causes[i].text), false);
	}
}

static void put_outside_reason(const struct model *model, int64_t now_us, struct buf *out)
{
	const struct model_outside *outside = &model->outside;
	bool refuses = outside->refuses_since_us > 0, alone = model->down_since_us == 0;
	char since[TIME_TEXT], last[TIME_TEXT];

	if (refuses || outside->waits_since_us)
		buf_printf(out, "%s since %s UTC, seen from outside%s", refuses ? (alone ? "DOWN" : "Refused") : "No answer",
			time_format_clock(refuses ? outside->refuses_since_us : outside->waits_since_us, since), refuses ? "" : ": requests wait");
	else if (outside->seq && !outside->ended_us && outside->last_us)
		buf_puts(out, "Asked from outside it answers");
	else
		return;
	if (now_us - outside->last_us > STALE_US)
		buf_printf(out, " (last asked %s)", time_format_clock(outside->last_us, last));
	if (refuses)
		put_causes(outside, out);
	buf_putc(out, '.');
}

char *downtime_reason(const struct model *model, int64_t now_us)
{
	const struct model_step *step = model->down_step ? model_step_find(model, model->down_step) : NULL;
	struct buf out = { 0 };
	char since[TIME_TEXT];

	if (!downtime_is_now(model))
		return buf_take(&out);
	if (model->down_since_us) {
		buf_printf(&out, "DOWN since %s UTC by the steps", time_format_clock(model->down_since_us, since));
		if (step) {
			buf_printf(&out, ": step %ld, ", (long)(step - model->steps) + 1);
			utf8_safe(&out, step->title, strlen(step->title), false);
		}
		buf_puts(&out, ". ");
	}
	put_outside_reason(model, now_us, &out);
	return buf_take(&out);
}

char *downtime_words(const struct model *model, const struct model_step *step)
{
	struct downtime down = downtime_of(model, 0);
	char budget[TIME_TEXT];
	long i = step - model->steps;

	planned(down.budget_us, budget, sizeof(budget));
	if (i == down.first && down.last >= 0 && down.budget_us > 0)
		return mem_printf("The site goes down with this step and is back after step %ld, %s; the steps until then take about %s, by the runbook's own estimate.",
			down.last + 1, model->steps[down.last].title, budget);
	if (str_is(step->downtime, "begins"))
		return mem_strdup("The site goes down with this step.");
	if (str_is(step->downtime, "ends") && (model->down_since_us > 0 || !*step->refuses))
		return mem_strdup("The site is back after this step.");
	if (*step->refuses)
		return mem_printf("In this step the site refuses requests for about %s, by the runbook's own estimate.", step->refuses);
	return mem_strdup("");
}
