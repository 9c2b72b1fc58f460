/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/shown.h"
#include "base/str.h"
#include "journal/model/model_int.h"

#define TERMINAL_MAX 1000	/* rows or columns */

void model_call_done(struct model_call *call)
{
	mem_free(call->step);
	mem_free(call->path);
	mem_free(call->host);
	mem_free(call->action);
	mem_free(call->shown);
	mem_free(call->where);
	mem_free(call->before);
	mem_free(call->as);
	mem_free(call->error);
	mem_free(call->progress);
	mem_free(call->silent);
	if (call->wait) {
		mem_free(call->wait->what);
		mem_free(call->wait->seen);
	}
	mem_free(call->wait);
}

static void answers(struct model_call *call)
{
	mem_free(call->silent);
	call->silent = NULL;
	call->silent_us = call->lost_us = 0;
}

#define ROW_MAX 64	/* calls between two waits of one row: looks at hosts, side by side with other branches' */

/* Do two calls stand in the same branch of an attempt? */
static bool same_branch(const struct model_call *a, const struct model_call *b)
{
	const char *end = strrchr(a->path, '/');
	size_t len = end ? (size_t)(end - a->path) + 1 : 0;

	return a->attempt == b->attempt && str_is(a->step, b->step) && strncmp(a->path, b->path, len) == 0 && !strchr(b->path + len, '/');
}

/* The wait before it in the branch, when nothing but looks came between and it was for the same. */
static const struct model_wait *wait_before(const struct model *model, const struct model_call *call, const char *what)
{
	size_t i = model->call_count - 1;

	for (int n = 0; i-- > 0 && n < ROW_MAX; n++) {
		const struct model_call *other = &model->calls[i];

		if (!same_branch(call, other))
			continue;
		if (other->wait)
			return str_is(other->wait->what, what) && other->wait->look < call->wait->look ? other->wait : NULL;
		if (!other->reads)
			return NULL;
	}
	return NULL;
}

static void fold_wait(struct model *model, struct model_call *call, const struct json *args)
{
	const struct model_wait *before;

	call->wait = mem_alloc(sizeof(*call->wait));
	*call->wait = (struct model_wait){
		.what = mem_strdup(model_text(args, "what")), .seen = mem_strdup(model_text(args, "seen")),
		.look = json_int(args, "look", 0), .of = json_int(args, "of", 0), .since_us = call->begun_us,
	};
	before = wait_before(model, call, call->wait->what);
	if (before)
		call->wait->since_us = before->since_us;
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
	struct buf where = { 0 };

	model->calls = mem_more(model->calls, model->call_count, sizeof(*call));
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
	shown_where(&where, json_at(data, "args"));
	call->where = buf_take(&where);
	shown_before(&where, json_at(data, "args"));
	call->before = buf_take(&where);
	model_set(&call->error, NULL);
	model_set(&call->progress, NULL);
	call->told = json_bool(json_at(data, "args"), "tell", false);
	if (str_is(call->action, "sleep"))
		fold_wait(model, call, json_at(data, "args"));
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
	call->not_run = state == CALL_FAILED && json_bool(data, "not_run", false);
	model_set(&call->error, model_text(data, "error"));
	model_set(&call->progress, NULL);
	answers(call);
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
	if (!call || (call->ended_us != 0 && call->state != CALL_UNKNOWN))
		return;
	/* In doubt, and looked at once more, or begun anew on somebody's word. */
	call->state = str_is(how, "unknown") ? CALL_UNKNOWN : CALL_RUNNING;
	call->ended_us = 0;
}

/* Each try to come back is told; since when it is silent stays. */
void model_fold_link_changed(struct model *model, const struct event *ev, const struct json *data)
{
	struct model_call *call = ev->call && *ev->call ? call_of(model, ev) : NULL;
	const char *state = json_text(data, "state", "");

	if (!call || call->ended_us != 0)
		return;
	if (!str_is(state, "lost") && !str_is(state, "silent")) {
		answers(call);
		return;
	}
	if (!call->silent)
		call->silent_us = ev->at_us;
	if (!call->lost_us && str_is(state, "lost"))
		call->lost_us = ev->at_us;
	model_set(&call->silent, model_text(data, "text"));
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
