/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was seen by asking the site from outside: the sums, the times in which it refused, and the words for both clocks. */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/model/model_int.h"

#define TOLD_REFUSALS 8
#define DIFFER_US (2 * TIME_SECOND)

void model_outside_init(struct model_outside *outside)
{
	model_set(&outside->asks, NULL);
	model_set(&outside->unproven, NULL);
	model_set(&outside->words, NULL);
	model_set(&outside->ended, NULL);
}

static void refusal_done(struct model_refusal *refusal)
{
	for (size_t i = 0; i < refusal->cause_count; i++)
		mem_free(refusal->causes[i].text);
	mem_free(refusal->causes);
}

void model_outside_done(struct model_outside *outside)
{
	for (size_t i = 0; i < outside->refusal_count; i++)
		refusal_done(&outside->refusals[i]);
	mem_free(outside->refusals);
	mem_free(outside->asks);
	mem_free(outside->unproven);
	mem_free(outside->words);
	mem_free(outside->ended);
}

/* Sums go on when it is begun anew: they are the session's. */
void model_fold_outside_began(struct model *model, const struct event *ev, const struct json *data)
{
	struct model_outside *outside = &model->outside;
	const struct json *asks = json_at(data, "asks");
	struct buf text = {0};

	for (size_t i = 0; i < json_count(asks); i++) {
		const char *ask = json_as_text(json_item(asks, i));

		if (ask)
			buf_printf(&text, "%s%.200s", text.len ? ", " : "", ask);
	}
	outside->seq = json_int(data, "seq", ev->seq);
	outside->since_us = outside->since_us ? outside->since_us : ev->at_us;
	outside->ended_us = outside->last_us = 0;
	outside->slow_us = json_int(data, "slow_us", 0);
	outside->until_us = json_int(data, "until_us", 0);
	model_set(&outside->asks, buf_text(&text));
	model_set(&outside->unproven, model_text(data, "unproven"));
	model_set(&outside->ended, NULL);
	buf_done(&text);
}

static void refusal_ends(struct model_outside *outside, int64_t at_us)
{
	if (!outside->refuses_since_us)
		return;
	if (at_us > outside->refuses_since_us)
		outside->refused_us += at_us - outside->refuses_since_us;
	if (outside->refusal_count && !outside->refusals[outside->refusal_count - 1].to_us)
		outside->refusals[outside->refusal_count - 1].to_us = at_us > outside->refuses_since_us ? at_us : outside->refuses_since_us;
	outside->refuses_since_us = 0;
}

static void refusal_begins(struct model_outside *outside, int64_t at_us)
{
	if (outside->refuses_since_us)
		return;
	outside->refuses_since_us = at_us;
	if (outside->refusal_count == MODEL_REFUSALS)
		return;
	outside->refusals = mem_more(
		outside->refusals, outside->refusal_count, sizeof(*outside->refusals));
	outside->refusals[outside->refusal_count++] = (struct model_refusal){ .from_us = at_us };
}

static int64_t count_of(const struct json *data, const char *key)
{
	int64_t n = json_int(data, key, 0);

	return n < 0 || n > 1000000000 ? 0 : n;
}

static void add_counts(struct model_outside *outside, const struct json *data)
{
	int64_t longest = json_int(data, "longest_us", 0);

	outside->asked += count_of(data, "asked");
	outside->answered += count_of(data, "answered");
	outside->refused += count_of(data, "refused");
	outside->odd += count_of(data, "odd");
	outside->unseen += count_of(data, "unseen");
	outside->waited += count_of(data, "waited");
	if (longest <= outside->longest_us)
		return;
	outside->longest_us = longest;
	outside->longest_at_us = json_int(data, "from_us", 0);
}

static void add_cause(struct model_refusal *refusal, const char *text, int64_t count)
{
	size_t at = 0;

	while (at < refusal->cause_count && !str_is(refusal->causes[at].text, text))
		at++;
	if (at == MODEL_CAUSES) {
		at--;
		mem_set(&refusal->causes[at].text, "others");
	} else if (at == refusal->cause_count) {
		refusal->causes = mem_more(refusal->causes, at, sizeof(*refusal->causes));
		refusal->causes[refusal->cause_count++] = (struct model_cause){ .text = mem_strdup(text) };
	}
	refusal->causes[at].count += count;
}

/* What was refused is of the time that goes on. A journal of before the causes has the newest one's words. */
static void add_refused(struct model_outside *outside, const struct json *data)
{
	struct model_refusal *refusal = outside->refusal_count ? &outside->refusals[outside->refusal_count - 1] : NULL;
	const struct json *causes = json_at(data, "causes");

	if (!outside->refuses_since_us || !refusal || refusal->to_us)
		return;
	refusal->count += count_of(data, "refused");
	for (size_t i = 0; i < json_count(causes); i++)
		if (*model_text(json_item(causes, i), "text"))
			add_cause(refusal, model_text(json_item(causes, i), "text"), count_of(json_item(causes, i), "count"));
	if (!json_count(causes) && count_of(data, "refused") && *model_text(data, "words"))
		add_cause(refusal, model_text(data, "words"), count_of(data, "refused"));
}

void model_fold_outside_counted(struct model *model, const struct event *ev, const struct json *data)
{
	struct model_outside *outside = &model->outside;
	int64_t from = json_int(data, "from_us", ev->at_us), to = json_int(data, "to_us", from);
	const char *state = model_text(data, "state");

	if (outside->last_us && from - outside->last_us > MODEL_BLIND_US) {
		outside->blind_us += from - outside->last_us;
		refusal_ends(outside, outside->last_us);	/* what nobody saw is not told as refused */
	}
	outside->last_us = to > outside->last_us ? to : outside->last_us;
	add_counts(outside, data);
	if (str_is(state, "refuses"))
		refusal_begins(outside, from);
	else
		refusal_ends(outside, from);
	add_refused(outside, data);
	outside->waits_since_us = !str_is(state, "waits") ? 0 : outside->waits_since_us ? outside->waits_since_us : from;
	if (*model_text(data, "words"))
		model_set(&outside->words, model_text(data, "words"));
}

void model_outside_close(struct model_outside *outside, int64_t at_us)
{
	if (!outside->seq || outside->ended_us)
		return;
	refusal_ends(outside, outside->last_us > outside->refuses_since_us ? outside->last_us : at_us);
	outside->waits_since_us = 0;
	outside->ended_us = at_us;
}

void model_fold_outside_ended(struct model *model, const struct event *ev, const struct json *data)
{
	model_outside_close(&model->outside, ev->at_us);
	model_set(&model->outside.ended, model_text(data, "reason"));
}

struct json *model_down(const struct model *model)
{
	const struct model_outside *outside = &model->outside;
	int64_t seen = outside->refuses_since_us ? outside->refuses_since_us : outside->waits_since_us;
	struct json *down;

	if (!model->down_since_us && !seen)
		return NULL;
	down = json_new_object();
	json_set_int(down, "since_us", model->down_since_us ? model->down_since_us : seen);
	json_set_text(down, "by", model->down_since_us ? "steps" : "outside");
	json_set_bool(down, "waits", !model->down_since_us && !outside->refuses_since_us);
	json_set_int(down, "asked_us", outside->last_us);
	return down;
}

static int64_t by_steps(const struct model *model, int64_t now_us)
{
	return model->down_total_us + (model->down_since_us && now_us > model->down_since_us ? now_us - model->down_since_us : 0);
}

static int64_t from_outside(const struct model_outside *outside, int64_t now_us)
{
	return outside->refused_us + (outside->refuses_since_us && now_us > outside->refuses_since_us ? now_us - outside->refuses_since_us : 0);
}

int64_t model_down_us(const struct model *model, int64_t now_us)
{
	int64_t steps = by_steps(model, now_us), seen = from_outside(&model->outside, now_us);

	return seen > steps ? seen : steps;
}

/* ---- in words ---- */

static void say_steps(const struct model *model, int64_t now_us, struct buf *out)
{
	int64_t down = by_steps(model, now_us);
	char span[TIME_TEXT];

	if (down || model->down_since_us)
		buf_printf(out, "By the steps the site was down for %s.", time_format_span(down, span));
	else
		buf_puts(out, "By the steps the site was never down.");
}

static bool are_same_causes(const struct model_refusal *one, const struct model_refusal *other)
{
	if (one->cause_count != other->cause_count)
		return false;
	for (size_t i = 0; i < one->cause_count; i++)
		if (!str_is(one->causes[i].text, other->causes[i].text))
			return false;
	return true;
}

/* What was seen in this time; how often each only where there is more than one. */
static void say_causes(const struct model_refusal *refusal, const struct model_refusal *before, struct buf *out)
{
	if (!refusal->cause_count)
		return;
	if (before && are_same_causes(refusal, before)) {
		buf_puts(out, " (the same)");
		return;
	}
	for (size_t i = 0; i < refusal->cause_count; i++) {
		const struct model_cause *cause = &refusal->causes[i];

		buf_puts(out, i ? ", " : " (");
		utf8_safe(out, cause->text, strlen(cause->text), false);
		if (refusal->cause_count > 1)
			buf_printf(out, " %lld time%s", (long long)cause->count, cause->count == 1 ? "" : "s");
	}
	buf_putc(out, ')');
}

static void say_refusals(const struct model_outside *outside, int64_t now_us, struct buf *out)
{
	char from[TIME_TEXT], to[TIME_TEXT], span[TIME_TEXT];

	if (!outside->refused) {
		buf_printf(out, " Asked from outside it refused none of %lld requests", (long long)outside->asked);
	} else {
		buf_printf(out, " Asked from outside it refused %lld of %lld requests, for %s", (long long)outside->refused, (long long)outside->asked,
			   time_format_span(from_outside(outside, now_us), span));
		for (size_t i = 0; i < outside->refusal_count && i < TOLD_REFUSALS; i++) {
			const struct model_refusal *refusal = &outside->refusals[i];

			buf_printf(out, "%s%s to %s", i ? ", " : ": ", time_format_clock(refusal->from_us, from),
				   refusal->to_us ? time_format_clock(refusal->to_us, to) : "now");
			say_causes(refusal, i ? refusal - 1 : NULL, out);
		}
		if (outside->refusal_count > TOLD_REFUSALS)
			buf_printf(out, " and %zu times more", outside->refusal_count - TOLD_REFUSALS);
	}
	buf_putc(out, '.');
}

static void say_waits(const struct model_outside *outside, struct buf *out)
{
	char limit[TIME_TEXT], longest[TIME_TEXT];

	if (outside->waited)
		buf_printf(out, " %lld waited longer than %s, one of them %s.", (long long)outside->waited, time_format_span(outside->slow_us, limit),
			   time_format_span(outside->longest_us, longest));
	else if (outside->asked)
		buf_printf(out, " The longest wait was %s.", time_format_span(outside->longest_us, longest));
}

static void say_limits(const struct model_outside *outside, struct buf *out)
{
	char span[TIME_TEXT];

	if (outside->odd)
		buf_printf(out, " %lld answers were neither what came before nor a refusal.", (long long)outside->odd);
	if (outside->unseen)
		buf_printf(out, " %lld were not seen: something before the site refused bellbook itself (403, 429), or no request left this computer.",
			   (long long)outside->unseen);
	if (outside->blind_us)
		buf_printf(out, " For %s nothing was counted, as the process of bellbook that asks was gone.", time_format_span(outside->blind_us, span));
	if (*outside->unproven) {
		buf_puts(out, " Not proved: ");
		utf8_safe(out, outside->unproven, strlen(outside->unproven), false);
		buf_putc(out, '.');
	}
}

/* A pause that nobody planned, or one that nobody met. */
static void say_difference(const struct model *model, int64_t now_us, struct buf *out)
{
	int64_t steps = by_steps(model, now_us), seen = from_outside(&model->outside, now_us);
	int64_t by = seen > steps ? seen - steps : steps - seen;
	char span[TIME_TEXT];

	if (by >= DIFFER_US)
		buf_printf(out, " The two differ by %s; what was seen from outside is what members met.", time_format_span(by, span));
}

void model_outside_words(const struct model *model, int64_t now_us, struct buf *out)
{
	const struct model_outside *outside = &model->outside;

	if (!outside->seq)
		return;
	say_steps(model, now_us, out);
	say_refusals(outside, now_us, out);
	say_waits(outside, out);
	say_difference(model, now_us, out);
	say_limits(outside, out);
}
