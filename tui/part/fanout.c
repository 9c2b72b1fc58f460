/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/part/fanout.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/line.h"
#include "base/str.h"
#include "base/utf8.h"

static const struct model_call **slot_of(struct fanout *fanout, const char *host)
{
	for (size_t i = 0; i < fanout->count; i++)
		if (str_is(fanout->calls[i]->host, host))
			return &fanout->calls[i];
	return NULL;
}

/* 0 failed, 1 unknown or stopped, 2 running, 3 done. */
static int rank(const struct model_call *call, bool strict)
{
	switch (call->state) {
	case CALL_FAILED:
		return 0;
	case CALL_UNKNOWN: case CALL_CANCELED:
		return 1;
	case CALL_RUNNING:
		return 2;
	case CALL_OK:
		break;
	}
	return strict && call->exit_code > 0 ? 0 : 3;
}

bool fanout_is_bad(const struct fanout *fanout, const struct model_call *call)
{
	return rank(call, fanout->strict) < 2;
}

/* In each group what was begun first is first, of failures what ended first: so the first host that failed is on top. */
static int compare(const struct model_call *x, const struct model_call *y, bool strict)
{
	int of_x = rank(x, strict), of_y = rank(y, strict);

	if (of_x != of_y)
		return of_x - of_y;
	if (of_x == 0 && x->ended_us != y->ended_us)
		return x->ended_us < y->ended_us ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static int by_rank(const void *a, const void *b)
{
	return compare(*(const struct model_call *const *)a, *(const struct model_call *const *)b, false);
}

static int by_strict_rank(const void *a, const void *b)
{
	return compare(*(const struct model_call *const *)a, *(const struct model_call *const *)b, true);
}

/* A later call on a host counts instead of an earlier one, unless that went wrong and nobody ran after it. */
static void take(struct fanout *fanout, const struct model_call *call)
{
	const struct model_call **slot = slot_of(fanout, call->host);

	if (slot) {
		if (!scene_is_probe(call) || scene_is_probe(*slot))
			*slot = call;
		return;
	}
	fanout->calls = mem_more(fanout->calls, fanout->count, sizeof(const struct model_call *));
	fanout->calls[fanout->count++] = call;
}

void fanout_init(struct fanout *fanout, const struct scene *scene, const struct model_step *step)
{
	const struct model *model = scene->model;
	bool works = false;

	*fanout = (struct fanout){ .strict = step && (step->state == STEP_FAILED || step->state == STEP_IN_DOUBT) };
	for (size_t i = 0; step && i < model->call_count; i++) {
		const struct model_call *call = &model->calls[i];

		if (call->attempt != step->attempt || !str_is(call->step, step->id) || !*call->host || call->by_hand)
			continue;
		works = works || (!scene_is_probe(call) && strchr(call->path, '/'));
		take(fanout, call);
	}
	if (!works || fanout->count < 2) {
		fanout_done(fanout);
		return;
	}
	qsort(fanout->calls, fanout->count, sizeof(const struct model_call *), fanout->strict ? by_strict_rank : by_rank);
	for (size_t i = 0; i < fanout->count; i++) {
		int group = rank(fanout->calls[i], fanout->strict);

		fanout->failed += group == 0;
		fanout->unknown += fanout->calls[i]->state == CALL_UNKNOWN;
		fanout->stopped += fanout->calls[i]->state == CALL_CANCELED;
		fanout->running += group == 2;
		fanout->silent += group == 2 && fanout->calls[i]->silent;
		fanout->done += group == 3;
	}
}

void fanout_done(struct fanout *fanout)
{
	mem_free(fanout->calls);
	*fanout = (struct fanout){ 0 };
}

char *fanout_words(const struct fanout *fanout)
{
	const struct {
		size_t count;
		const char *word;
	} groups[] = { { fanout->failed, "FAILED" }, { fanout->unknown, "IN DOUBT" }, { fanout->stopped, "stopped" },
		{ fanout->running, fanout->running == 1 ? "runs" : "run" }, { fanout->done, "ok" } };
	struct buf text = { 0 };
	const char *mark = ": ";

	buf_printf(&text, "%zu hosts", fanout->count);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (groups[i].count > 0) {
			buf_printf(&text, "%s%zu %s", mark, groups[i].count, groups[i].word);
			if (groups[i].word[0] == 'r' && fanout->silent > 0)
				buf_printf(&text, " (%zu silent)", fanout->silent);
			mark = ", ";
		}
	return buf_take(&text);
}

char *fanout_why(const struct scene *scene, const struct model_call *call)
{
	struct output *output = scene_output(scene, call->seq);
	struct buf text = { 0 };

	if (call->error && *call->error) {
		line_words(&text, call->error, strlen(call->error), false);
		return buf_take(&text);
	}
	for (size_t i = output ? output_count(output) : 0; i-- > 0 && text.len == 0;)
		if (output_at(output, i)->err)
			buf_puts(&text, output_at(output, i)->text);
	if (text.len == 0 && output && output_count(output) > 0)
		buf_puts(&text, output_at(output, output_count(output) - 1)->text);
	return buf_take(&text);
}
