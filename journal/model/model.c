/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/model/model.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "journal/model/model_int.h"

static const char *const state_names[] = {
	[STEP_PLANNED] = "planned",
	[STEP_READY] = "ready",
	[STEP_RUNNING] = "running",
	[STEP_DETACHED] = "detached",
	[STEP_IN_DOUBT] = "in doubt",
	[STEP_OK] = "ok",
	[STEP_WARN] = "warn",
	[STEP_FAILED] = "failed",
	[STEP_SKIPPED] = "skipped",
	[STEP_DEFERRED] = "deferred",
	[STEP_STALE] = "stale",
};

#define STATES (sizeof(state_names) / sizeof(state_names[0]))

void model_set(char **field, const char *text)
{
	mem_set(field, text ? text : "");
}

const char *model_text(const struct json *data, const char *key)
{
	return json_text(data, key, "");
}

struct model *model_new(void)
{
	struct model *model = mem_alloc(sizeof(*model));

	model_set(&model->runbook, NULL);
	model_set(&model->title, NULL);
	model_set(&model->about, NULL);
	model_set(&model->fleet, NULL);
	model_set(&model->who, NULL);
	model_set(&model->outcome, NULL);
	model_set(&model->closed_why, NULL);
	model->params = json_new_object();
	model_outside_init(&model->outside);
	return model;
}

void model_free(struct model *model)
{
	if (!model)
		return;
	for (size_t i = 0; i < model->step_count; i++)
		model_step_done(&model->steps[i]);
	for (size_t i = 0; i < model->call_count; i++)
		model_call_done(&model->calls[i]);
	model_drop_asks(model);
	model_drop_people(model);
	model_outside_done(&model->outside);
	mem_free(model->steps);
	mem_free(model->calls);
	mem_free(model->asks);
	mem_free(model->people);
	mem_free(model->runbook);
	mem_free(model->title);
	mem_free(model->about);
	mem_free(model->fleet);
	mem_free(model->who);
	mem_free(model->outcome);
	mem_free(model->closed_why);
	mem_free(model->driver);
	json_free(model->params);
	json_free(model->way_back);
	mem_free(model->down_step);
	mem_free(model);
}

struct model_step *model_step_find(const struct model *model, const char *id)
{
	for (size_t i = 0; id && i < model->step_count; i++) {
		if (str_is(model->steps[i].id, id))
			return &model->steps[i];
	}
	return NULL;
}

/* From the end: what is asked for is nearly always what began last. */
struct model_call *model_call_find(const struct model *model, const char *step, int attempt, const char *path)
{
	for (size_t i = model->call_count; step && path && i > 0; i--) {
		struct model_call *call = &model->calls[i - 1];

		if (call->attempt == attempt && strcmp(call->path, path) == 0 &&
		    strcmp(call->step, step) == 0)
			return call;
	}
	return NULL;
}

struct model_ask *model_ask_find(const struct model *model, int64_t seq)
{
	for (size_t i = 0; i < model->ask_count; i++) {
		if (model->asks[i].seq == seq)
			return &model->asks[i];
	}
	return NULL;
}

long model_current(const struct model *model)
{
	long failed = -1;

	for (size_t i = 0; i < model->step_count; i++) {
		enum step_state state = model->steps[i].state;

		if (state == STEP_READY || state == STEP_RUNNING || state == STEP_IN_DOUBT)
			return (long)i;
		if (state == STEP_FAILED && failed < 0)
			failed = (long)i;
	}
	return failed;
}

const char *step_state_name(enum step_state state)
{
	return (size_t)state < STATES ? state_names[state] : "unknown";
}

bool step_state_parse(const char *name, enum step_state *out)
{
	for (size_t i = 0; name && i < STATES; i++) {
		if (strcmp(name, state_names[i]) == 0) {
			*out = (enum step_state)i;
			return true;
		}
	}
	return false;
}

bool step_state_is_over(enum step_state state)
{
	return state == STEP_OK || state == STEP_WARN || state == STEP_SKIPPED || state == STEP_DEFERRED;
}

bool model_step_is_left_out(const struct model_step *step)
{
	return step->state == STEP_DEFERRED || (step->state == STEP_SKIPPED && *step->by);
}

void model_step_words(const struct model_step *step, struct buf *out)
{
	buf_puts(out, step->already ? "already done" : step_state_name(step->state));
	if (!model_step_is_left_out(step) || !*step->by)
		return;
	buf_puts(out, " by ");
	utf8_safe(out, step->by, strlen(step->by), false);
}

size_t model_left_out(const struct model *model)
{
	size_t n = 0;

	for (size_t i = 0; i < model->step_count; i++)
		n += model_step_is_left_out(&model->steps[i]);
	return n;
}

size_t model_put_off(const struct model *model)
{
	size_t n = 0;

	for (size_t i = 0; i < model->step_count; i++)
		n += model->steps[i].state == STEP_DEFERRED;
	return n;
}

const char *model_left_out_word(int64_t left_out, int64_t put_off, char out[MODEL_LEFT_OUT_WORD])
{
	const char *word = put_off <= 0 ? "skipped" : put_off >= left_out ? "put off" : "left out";

	if (left_out <= 0)
		return NULL;
	if (left_out > 99)
		str_copy(out, MODEL_LEFT_OUT_WORD, word);
	else
		snprintf(out, MODEL_LEFT_OUT_WORD, "%lld %s", (long long)left_out, word);
	return out;
}

void model_left_out_words(const struct model *model, struct buf *out)
{
	size_t all = model_left_out(model), skipped = all - model_put_off(model);

	if (skipped)
		buf_printf(out, ", %zu step%s skipped by people", skipped, skipped == 1 ? "" : "s");
	if (all > skipped)
		buf_printf(out, skipped ? ", %zu put off" : all == 1 ? ", %zu step put off" : ", %zu steps put off", all - skipped);
}
