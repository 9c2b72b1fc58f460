/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "journal/model_int.h"

#define TERMINAL_MAX 1000	/* rows or columns */

void model_call_done(struct model_call *call)
{
	mem_free(call->step);
	mem_free(call->path);
	mem_free(call->host);
	mem_free(call->action);
	mem_free(call->shown);
	mem_free(call->as);
	mem_free(call->error);
	mem_free(call->progress);
}

/* What a person did on a host while this was the present step. */
static void fold_detour(struct model *model, struct model_call *call, const struct json *data)
{
	const struct json *args = json_at(data, "args");
	int64_t rows = json_int(args, "rows", 0), cols = json_int(args, "cols", 0);
	struct model_step *step = model_step_find(model, call->step);

	call->by_hand = true;
	if (rows >= 1 && rows <= TERMINAL_MAX && cols >= 1 && cols <= TERMINAL_MAX) {
		call->rows = (int)rows;
		call->cols = (int)cols;
	}
	if (step)
		step->by_hand = true;
}

void model_fold_call_begun(struct model *model, const struct event *ev, const struct json *data)
{
	struct model_call *call;

	model->calls = model_grow(model->calls, model->call_count, sizeof(*call));
	call = &model->calls[model->call_count++];
	*call = (struct model_call){
		.seq = ev->seq,
		.attempt = ev->attempt,
		.state = CALL_RUNNING,
		.exit_code = -1,
		.percent = -1,
		.begun_us = ev->at_us,
		.reads = str_is(json_text(data, "effect", ""), "read"),
	};
	model_set(&call->step, ev->step);
	model_set(&call->path, ev->call);
	model_set(&call->host, ev->host);
	model_set(&call->action, model_text(data, "action"));
	model_set(&call->shown, model_text(data, "shown"));
	model_set(&call->as, model_text(data, "as"));
	model_set(&call->error, NULL);
	model_set(&call->progress, NULL);
	if (str_is(json_text(data, "of", NULL), "detour"))
		fold_detour(model, call, data);
}

/* The call an event is about; without one the feed has a hole. */
static struct model_call *call_of(struct model *model, const struct event *ev)
{
	struct model_call *call = model_call_find(model, ev->step ? ev->step : "", ev->attempt,
						  ev->call ? ev->call : "");

	if (!call)
		model->gap = true;
	return call;
}

static bool outcome_parse(const char *name, enum call_state *out)
{
	static const char *const names[] = {
		[CALL_OK] = "ok",
		[CALL_FAILED] = "failed",
		[CALL_CANCELED] = "canceled",
		[CALL_UNKNOWN] = "unknown",
	};

	for (size_t i = CALL_OK; i < sizeof(names) / sizeof(names[0]); i++) {
		if (str_is(name, names[i])) {
			*out = (enum call_state)i;
			return true;
		}
	}
	return false;
}

void model_fold_call_ended(struct model *model, const struct event *ev, const struct json *data)
{
	enum call_state state;
	struct model_call *call;
	int64_t code = json_int(data, "exit", -1);

	if (!outcome_parse(json_text(data, "outcome", NULL), &state))
		return;
	call = call_of(model, ev);
	if (!call)
		return;
	call->state = state;
	call->ended_us = ev->at_us;
	call->exit_code = code >= 0 && code <= 255 ? (int)code : -1;
	model_set(&call->error, model_text(data, "error"));
	model_set(&call->progress, NULL);
	if (state == CALL_OK)
		call->percent = -1;
}

/* never, running and finished leave it running: its call.ended is still to come. */
void model_fold_call_settled(struct model *model, const struct event *ev, const struct json *data)
{
	const char *how = model_text(data, "how");
	struct model_call *call;

	if (!how[0])
		return;
	call = call_of(model, ev);
	if (call && call->ended_us == 0)
		call->state = str_is(how, "unknown") ? CALL_UNKNOWN : CALL_RUNNING;
}

static double percent_of(const struct json *data)
{
	double percent = json_as_real(json_at(data, "percent"), -1);
	double done = json_as_real(json_at(data, "done"), -1);
	double total = json_as_real(json_at(data, "total"), -1);

	if (percent < 0 && done >= 0 && total > 0)
		percent = 100 * done / total;
	return percent > 100 ? 100 : percent < 0 ? -1 : percent;
}

static char *progress_text(const struct json *data)
{
	const char *text = model_text(data, "text");
	const char *unit = model_text(data, "unit");
	double done = json_as_real(json_at(data, "done"), -1);
	double total = json_as_real(json_at(data, "total"), -1);

	if (text[0] || done < 0)
		return mem_strdup(text);
	if (total > 0)
		return mem_printf("%.15g of %.15g%s%s", done, total, unit[0] ? " " : "", unit);
	return mem_printf("%.15g%s%s", done, unit[0] ? " " : "", unit);
}

void model_fold_call_progress(struct model *model, const struct event *ev, const struct json *data)
{
	struct model_call *call;
	struct model_step *step;

	if (!ev->call || !*ev->call) {
		step = model_step_find(model, ev->step ? ev->step : "");
		if (step && step->attempt == ev->attempt)
			model_meter_take(&step->meter, ev->at_us, data);
		return;
	}
	call = call_of(model, ev);
	if (!call || call->ended_us != 0)
		return;
	call->percent = percent_of(data);
	mem_free(call->progress);
	call->progress = progress_text(data);
}

void model_fold_call_output(struct model *model, const struct event *ev, const struct json *data)
{
	struct model_call *call = call_of(model, ev);

	(void)data;
	if (call)
		call->out_bytes += (int64_t)ev->len;
}

/* seq of its call.begun, or its path. */
static bool is_named(const struct model_call *call, const struct json *name)
{
	const char *path = json_as_text(name);

	return path ? str_is(call->path, path) : call->seq == json_as_int(name, 0);
}

/* Nobody knows how they ended until they are settled. */
void model_fold_worker_lost(struct model *model, const struct event *ev, const struct json *data)
{
	const struct json *calls = json_at(data, "calls");

	(void)ev;
	for (size_t i = 0; i < model->call_count; i++) {
		struct model_call *call = &model->calls[i];

		for (size_t k = 0; call->ended_us == 0 && k < json_count(calls); k++) {
			if (is_named(call, json_item(calls, k)))
				call->state = CALL_UNKNOWN;
		}
	}
}
