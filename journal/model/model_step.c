/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "journal/model/model_int.h"

void model_step_done(struct model_step *step)
{
	mem_free(step->id);
	mem_free(step->former);
	mem_free(step->title);
	mem_free(step->why);
	mem_free(step->phase);
	mem_free(step->back);
	mem_free(step->takes);
	mem_free(step->downtime);
	mem_free(step->refuses);
	mem_free(step->about);
	mem_free(step->reason);
	mem_free(step->by);
	mem_free(step->waits_for);
	mem_free(step->done_by);
	model_meter_clear(&step->meter);
}

/* False when it has no id. A kind of a newer bellbook is taken for a change: the kind that is asked about. */
static bool read_step(struct model_step *step, const struct json *value)
{
	const char *id = model_text(value, "id");

	if (!id[0])
		return false;
	if (!step_kind_parse(json_text(value, "kind", NULL), &step->kind))
		step->kind = STEP_CHANGE;
	model_set(&step->id, id);
	model_set(&step->title, json_text(value, "title", id));
	model_set(&step->why, model_text(value, "why"));
	model_set(&step->phase, model_text(value, "phase"));
	model_set(&step->back, model_text(value, "back"));
	model_set(&step->takes, model_text(value, "takes"));
	model_set(&step->downtime, model_text(value, "downtime"));
	model_set(&step->refuses, model_text(value, "refuses"));
	model_set(&step->about, model_text(value, "about"));
	model_set(&step->reason, NULL);
	model_set(&step->former, NULL);
	model_set(&step->by, NULL);
	model_set(&step->waits_for, NULL);
	model_set(&step->done_by, NULL);
	step->stall_us = json_int(value, "stall_us", 0);
	return true;
}

/* The step of the old list that goes on as this one: by id, else by one of its former ids. */
static struct model_step *predecessor(const struct model *model, const struct json *value)
{
	struct model_step *old = model_step_find(model, json_text(value, "id", NULL));
	const struct json *was = json_at(value, "was");

	for (size_t i = 0; !old && i < json_count(was); i++)
		old = model_step_find(model, json_as_text(json_item(was, i)));
	return old;
}

static void inherit(struct model_step *step, struct model_step *old)
{
	step->meter = old->meter;
	old->meter = (struct model_meter){0};
	step->state = old->state;
	step->attempt = old->attempt;
	step->entered_us = old->entered_us;
	step->begun_us = old->begun_us;
	step->ended_us = old->ended_us;
	step->took_us = old->took_us;
	step->waited_us = old->waited_us;
	step->wait_since_us = old->wait_since_us;
	step->people_us = old->people_us;
	if (!str_is(old->id, step->id))
		model_set(&step->former, old->id);
	step->already = old->already;
	model_set(&step->reason, old->reason);
	model_set(&step->by, old->by);
}

/* The calls of a renamed step go on under its new id. */
static void rename_calls(struct model *model, const char *old, const char *id)
{
	for (size_t i = 0; strcmp(old, id) != 0 && i < model->call_count; i++)
		if (strcmp(model->calls[i].step, old) == 0)
			model_set(&model->calls[i].step, id);
}

/* Puts the new list in place of the old one. */
static void set_steps(struct model *model, const struct json *list)
{
	size_t count = json_count(list);
	struct model_step *steps = mem_array(count, sizeof(*steps));
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		const struct json *value = json_item(list, i);
		struct model_step *old = predecessor(model, value);

		if (!read_step(&steps[used], value))
			continue;
		if (old) {
			inherit(&steps[used], old);
			rename_calls(model, old->id, steps[used].id);
		}
		used++;
	}
	for (size_t i = 0; i < model->step_count; i++)
		model_step_done(&model->steps[i]);
	mem_free(model->steps);
	model->steps = steps;
	model->step_count = used;
}

static void set_runbook(struct model *model, const struct json *runbook)
{
	if (json_type_of(json_at(runbook, "id")) == JSON_IS_TEXT)
		model_set(&model->runbook, model_text(runbook, "id"));
	if (json_type_of(json_at(runbook, "title")) == JSON_IS_TEXT)
		model_set(&model->title, model_text(runbook, "title"));
	if (json_type_of(json_at(runbook, "about")) == JSON_IS_TEXT)
		model_set(&model->about, model_text(runbook, "about"));
}

void model_fold_opened(struct model *model, const struct event *ev, const struct json *data)
{
	set_runbook(model, json_at(data, "runbook"));
	model_set(&model->fleet, model_text(json_at(data, "fleet"), "name"));
	model_set(&model->who, ev->who);
	model->dry_run = json_bool(data, "dry_run", false);
	model->opened_us = ev->at_us;
	model->process_pid = json_int(json_at(data, "process"), "pid", 0);
	set_steps(model, json_at(data, "steps"));
}

void model_fold_resumed(struct model *model, const struct event *ev, const struct json *data)
{
	const struct json *steps = json_at(data, "steps");

	(void)ev;
	set_runbook(model, json_at(data, "runbook"));
	if (json_type_of(steps) == JSON_IS_ARRAY)
		set_steps(model, steps);
	model->process_pid = json_int(json_at(data, "process"), "pid", 0);
	model->state = SESSION_RUNNING;
	model->closed_us = 0;
	model_set(&model->outcome, NULL);
	/* Views were attached to the process that is gone; its last moments told nobody. */
	model_drop_people(model);
	mem_set(&model->driver, NULL);
}

void model_fold_step_entered(struct model *model, const struct event *ev, const struct json *data)
{
	struct model_step *step = model_step_find(model, ev->step);

	(void)data;
	if (!step)
		return;
	/* One step is next at a time: the one that was has its turn again later. */
	for (size_t i = 0; i < model->step_count; i++)
		if (model->steps[i].state == STEP_READY)
			model->steps[i].state = STEP_PLANNED;
	model_set(&step->reason, NULL);
	model_set(&step->by, NULL);
	step->state = STEP_READY;
	step->entered_us = ev->at_us;
}

void model_fold_step_begun(struct model *model, const struct event *ev, const struct json *data)
{
	struct model_step *step = model_step_find(model, ev->step);

	if (!step)
		return;
	/* The same attempt goes on: what it took counts from its beginning. */
	if (json_bool(data, "again", false) && (ev->attempt <= 0 || ev->attempt == step->attempt) && step->begun_us > 0) {
		step->state = STEP_RUNNING;
		step->ended_us = 0;
		return;
	}
	model_meter_clear(&step->meter);
	step->state = STEP_RUNNING;
	if (ev->attempt > 0)
		step->attempt = ev->attempt;
	else if (step->attempt < INT32_MAX)
		step->attempt++;
	step->begun_us = ev->at_us;
	step->ended_us = 0;
	step->took_us = 0;
	step->waited_us = 0;
	step->wait_since_us = model_asks_about(model, step->id) ? ev->at_us : 0;
	model_set(&step->reason, NULL);
}

void model_step_wait(struct model_step *step, bool open, int64_t at_us)
{
	if (!step)
		return;
	if (step->wait_since_us != 0 && at_us > step->wait_since_us)
		step->waited_us += at_us - step->wait_since_us;
	step->wait_since_us = open ? at_us : 0;
}

/* The writer measured by a clock that does not jump; ours is for journals that lack it. */
static int64_t took(const struct model_step *step, const struct json *data)
{
	int64_t given = json_int(data, "took_us", -1);
	int64_t us = step->ended_us - step->begun_us - step->waited_us;

	if (given >= 0)
		return given;
	return step->begun_us != 0 && us > 0 ? us : 0;
}

/* Why it ended so; of a step that was put off also who owes it, and until when. */
static void set_reason(struct model_step *step, const struct json *data)
{
	const char *owner = json_text(data, "owner", ""), *due = json_text(data, "due", "");
	char *text;

	if (step->state != STEP_DEFERRED || (!*owner && !*due)) {
		model_set(&step->reason, model_text(data, "reason"));
		return;
	}
	text = mem_printf("%s (owed by %s until %s)", json_text(data, "reason", ""), *owner ? owner : "nobody", *due ? due : "no day");
	model_set(&step->reason, text);
	mem_free(text);
}

void model_fold_step_ended(struct model *model, const struct event *ev, const struct json *data)
{
	struct model_step *step = model_step_find(model, ev->step);
	enum step_state state;

	if (!step || !step_state_parse(json_text(data, "state", NULL), &state))
		return;
	if (!step_state_is_over(state) && state != STEP_FAILED)
		return;
	step->state = state;
	step->already = state == STEP_OK && json_bool(data, "already", false);
	step->ended_us = ev->at_us;
	model_step_wait(step, step->wait_since_us != 0, ev->at_us);
	/* "skipped" after a failed attempt is a decision about it, not another piece of work. */
	if (state != STEP_SKIPPED && state != STEP_DEFERRED)
		step->took_us = took(step, data);
	set_reason(step, data);
	model_set(&step->by, (state == STEP_SKIPPED || state == STEP_DEFERRED) && ev->who && strcmp(ev->who, "bellbook") != 0 ? ev->who : NULL);
	if (state == STEP_FAILED)
		model->failures++;
	if (state == STEP_WARN)
		model->warnings++;
}

void model_fold_step_doubted(struct model *model, const struct event *ev, const struct json *data)
{
	struct model_step *step = model_step_find(model, ev->step);

	if (!step)
		return;
	step->state = STEP_IN_DOUBT;
	model_set(&step->reason, model_text(data, "reason"));
}
