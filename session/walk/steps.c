/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/walk/steps.h"

#include <stdio.h>
#include <string.h>

#include "actions/worker/action.h"
#include "base/shown.h"
#include "base/str.h"
#include "base/time.h"
#include "session/ask/asks.h"
#include "session/call/calls.h"
#include "session/call/detour.h"
#include "session/ask/doubt.h"
#include "session/walk/foresee.h"
#include "session/watch/meter.h"
#include "session/walk/needs.h"
#include "session/walk/step.h"
#include "session/watch/outside.h"
#include "session/people/approval.h"
#include "session/people/here.h"
#include "session/people/pairing.h"
#include "session/secret/secrets.h"
#include "session/call/tasks.h"
#include "session/walk/way_back.h"

/*
 * steps_advance() looks at the folded state and does the one thing that comes
 * next. It keeps no plan of its own: after a crash the same state leads to
 * the same next thing. Whatever it starts is an event first.
 */

/* Index in the runbook of a step of the model; steps_advance has seen that it is there. */
static size_t script_index(const struct engine *engine, const struct model_step *step)
{
	long i = script_step_find(engine->script, step->id);

	return i < 0 ? 0 : (size_t)i;
}

void steps_close(struct engine *engine, const char *outcome, const char *reason)
{
	struct json *data = json_new_object(), *back;
	int64_t counts[STEP_STALE + 1] = {0};

	if (engine->closing || detour_holds(engine, false)) {
		json_free(data);
		return;
	}
	engine->closing = true;
	for (size_t i = 0; i < engine->model->step_count; i++)
		counts[engine->model->steps[i].state]++;
	json_set_text(data, "outcome", outcome);
	json_set_text(data, "reason", reason);
	json_set_int(data, "ok", counts[STEP_OK] + counts[STEP_WARN]);
	json_set_int(data, "skipped", counts[STEP_SKIPPED]);
	json_set_int(data, "deferred", counts[STEP_DEFERRED]);
	json_set_int(data, "not_done", (int64_t)engine->model->step_count - counts[STEP_OK] - counts[STEP_WARN] - counts[STEP_SKIPPED] - counts[STEP_DEFERRED]);
	back = way_back_now(engine);
	if (back && engine->going_back)
		json_set_text(back, "by", engine->abort_who);
	if (back)
		json_put(data, "way_back", back);
	calls_sweep_and_close(engine, data);
}

static void finish_abort(struct engine *engine)
{
	size_t index;
	const struct model_step *step = step_current(engine, &index);
	char *reason;

	if (engine->closing || detour_holds(engine, true) || calls_open(engine))
		return;
	reason = mem_printf("stopped by %s%s: %s", engine->abort_who ? engine->abort_who : "somebody", engine->going_back ? ", to go back" : "",
			    engine->abort_why ? engine->abort_why : "no reason given");
	tasks_drop(engine);
	while (engine->model->ask_count && !book_halted(engine->book)) {
		asks_withdraw(engine, engine->model->asks[0].seq, reason);
		if (book_drain(engine->book) < 0)
			break;
	}
	if (step && step->state == STEP_RUNNING)
		step_end(engine, engine->stopped_safely ? "skipped" : "failed", reason);
	steps_close(engine, "aborted", reason);
	mem_free(reason);
}

/* ---- parameters ---- */

static void set_param(struct engine *engine, const char *name, const struct json *value, const char *source)
{
	struct json *data = json_new_object();

	json_set_text(data, "name", name);
	json_put(data, "value", value ? json_copy_of(value) : json_new_null());
	json_set_text(data, "source", source);
	engine_add(engine, EVENT_PARAM_SET, NULL, NULL, 0, data);
}

/* True when all parameters have values and the runbook's functions know them. */
static bool params_ready(struct engine *engine)
{
	const struct script_book *book = script_book(engine->script);
	struct err e = {0};

	for (size_t i = 0; i < book->param_count; i++) {
		const struct script_param *param = &book->params[i];

		if (json_at(engine->model->params, param->name))
			continue;
		if (param->fallback || param->optional) {
			set_param(engine, param->name, param->fallback, "default");
			continue;
		}
		asks_param(engine, param, NULL);
		return false;
	}
	if (book_drain(engine->book) < 0)
		return false;
	if (engine->bound)
		return true;
	if (script_bind(engine->script, engine->fleet, engine->model->params, &e) < 0) {
		steps_close(engine, "failed", e.text);
		return false;
	}
	engine->bound = true;
	return true;
}

/* ---- the present step ---- */

static void look(struct engine *engine, const struct model_step *step)
{
	size_t index = script_index(engine, step);
	const struct script_step *script = &script_book(engine->script)->steps[index];

	json_free(engine->look_commands);
	engine->look_commands = json_new_array();
	engine->pairing->look_whole = engine->already = false;
	mem_set(&engine->look_details, NULL);
	mem_set(&engine->look_by_hand, NULL);
	if (script->has[FN_DONE])
		tasks_start(engine, index, FN_DONE, PART_LOOK, "look");
	else if (script->has[FN_RUN])
		tasks_start(engine, index, FN_RUN, PART_FORESEE, "see");
	else if (script->has[FN_COMMANDS])
		tasks_start(engine, index, FN_COMMANDS, PART_COMMANDS, "commands");
	else
		engine->looked = true;
}

/* True when a variable that the step cannot do without has no value: then nothing of it is run, not even a look, and it ends with words. */
static bool lacks(struct engine *engine, const struct model_step *step)
{
	char *missing = needs_missing(engine, script_index(engine, step)), *reason;

	if (!missing)
		return false;
	engine->pairing->again = false;
	if (engine->dry_run) {
		/* Nobody gave it, as nothing was changed. */
		engine->foreseeable++;
		reason = mem_printf("not foreseen: %s", missing);
		step_end(engine, "ok", reason);
	} else {
		reason = mem_printf("%s. Nothing of this step was run", missing);
		step_end(engine, "failed", reason);
	}
	mem_free(reason);
	mem_free(missing);
	return true;
}

/* A dry run lists no commands of what is done: a walk offers to go on without them. */
static bool ends_already(struct engine *engine, const struct model_step *step)
{
	struct batch batch = {0};
	struct json *data;

	if (!asks_is_already(engine, step))
		return false;
	data = json_new_object();
	json_set_text(data, "state", "ok");
	json_set_bool(data, "already", true);
	json_set_text(data, "reason", "its own check says so: nothing is run unless somebody wants it");
	json_set_int(data, "took_us", 0);
	batch_add(&batch, EVENT_STEP_ENDED, NULL, step->id, step->attempt, data);
	batch_commit(engine, &batch);
	engine->foreseen++;
	engine->foreseeable++;
	engine_wake(engine);
	return true;
}

static void end_foreseen(struct engine *engine, const struct model_step *step)
{
	struct buf text = {0};
	struct event ev = {.kind = EVENT_NOTE, .who = "bellbook", .step = step->id};
	size_t n = json_count(engine->look_commands);
	char *reason = n ? mem_printf("foreseen: %zu command%s", n, n == 1 ? "" : "s")
			 : mem_printf("not foreseen: %s", engine->look_details ? engine->look_details : step_type_of(step->kind)->prompt == PROMPT_BY_HAND ? "done by hand" : "it depends on what is found then");

	for (size_t i = 0; i < n; i++) {
		const struct json *c = json_item(engine->look_commands, i);
		const char *as = json_text(c, "as", "");

		const char *only = json_text(c, "if", NULL);

		buf_printf(&text, "%s%s%swould run on %s%s%s", only ? "if " : "", only ? only : "", only ? ": " : "", json_text(c, "host", "this host"), *as ? " as " : "", as);
		shown_where(&text, c);
		buf_printf(&text, ": %s\n", json_text(c, "shown", ""));
	}
	if (n && !engine->pairing->look_whole)
		buf_puts(&text, "what comes after these depends on what is found then\n");
	if (n) {
		ev.bytes = buf_text(&text);
		ev.len = text.len;
		book_add(engine->book, &ev, 1);
		engine->foreseen++;
	}
	engine->foreseeable++;
	step_end(engine, "ok", reason);
	buf_done(&text);
	mem_free(reason);
}

/* A step without a way back that was agreed to begins, when somebody drives. True: there is nothing to ask now. */
static bool agreed(struct engine *engine, const struct model_step *step)
{
	struct batch batch = {0};

	if (!engine->pairing->given.step)
		return false;
	if (!approval_stands(engine, step)) {
		engine_wake(engine);
	} else if (here_driver(engine)) {
		step_begin(engine, &batch, step, "run");
		batch_commit(engine, &batch);
	}
	return true;
}

/* Another attempt of a step without a way back was chosen: looked at, agreed to, begun. True: nothing else is to be asked about it. */
static bool tries_again(struct engine *engine, const struct model_step *step)
{
	struct batch batch = {0};

	if (agreed(engine, step))
		return true;
	if (!engine->pairing->again || lacks(engine, step))
		return false;
	if (!engine->looked) {
		look(engine, step);
		engine_wake(engine);
	} else {
		approval_ask(engine, &batch, step);
		batch_commit(engine, &batch);
	}
	return true;
}

static void ready(struct engine *engine, const struct model_step *step)
{
	size_t index = script_index(engine, step);
	const struct script_step *script = &script_book(engine->script)->steps[index];
	const struct step_type *type = step_type_of(step->kind);

	if (!engine->needed && !script_step_applies(script, engine->model->params)) {
		step_end(engine, "skipped", script->otherwise ? script->otherwise : "it does not belong to the way that was chosen");
		return;
	}
	if (lacks(engine, step))
		return;
	if (!engine->needed && script->has[FN_WHEN]) {
		tasks_start(engine, index, FN_WHEN, PART_WHEN, "when");
	} else if (type->prompt == PROMPT_NONE) {
		struct batch batch = {0};

		/* A driver whose link died finds the session where it was. */
		if (!here_driver(engine))
			return;

		engine->foreseen++;
		engine->foreseeable++;
		step_begin(engine, &batch, step, "run");
		batch_commit(engine, &batch);
	} else if (!engine->looked) {
		look(engine, step);
		engine_wake(engine);
	} else if (engine->dry_run) {
		if (!ends_already(engine, step))
			end_foreseen(engine, step);
	} else if (type->final && (agreed(engine, step) || approval_misses_navigator(engine, step))) {
		;
	} else {
		asks_before(engine, step);
	}
}

static void run_step(struct engine *engine, const struct model_step *step)
{
	size_t index = script_index(engine, step);
	const struct script_step *script = &script_book(engine->script)->steps[index];

	if (lacks(engine, step))
		return;
	if (engine->undoing && script->has[FN_UNDO])
		tasks_start(engine, index, FN_UNDO, PART_UNDO, "undo/");
	else if (script->has[FN_RUN])
		tasks_start(engine, index, FN_RUN, PART_RUN, "");
	else if (script->has[FN_DONE])
		tasks_start(engine, index, FN_DONE, PART_VERIFY, "done/");
	else
		step_end(engine, "ok", NULL);
}

static void close_done(struct engine *engine)
{
	char *reason = NULL;

	if (engine->dry_run)
		reason = mem_printf("dry run: %zu of %zu steps foreseen; nothing was changed", engine->foreseen, engine->foreseeable);
	steps_close(engine, "ok", reason);
	mem_free(reason);
}

/* True when nobody of the present attempt waits for that call: it is of another step, of an attempt before, or of one that has ended while the call goes on. */
static bool is_stray(const struct record *record, const struct model_step *step)
{
	const struct action *action = action_find(record->action);
	bool present = step && str_is(record->step, step->id) && record->attempt == step->attempt;

	if (record->detour || !action || action->effect == EFFECT_READ)
		return false;
	return !(present && (step->state == STEP_RUNNING || step->state == STEP_DETACHED || step->state == STEP_IN_DOUBT));
}

/* True while something that no present attempt waits for is under way on a host: nothing new may begin beside it. (What is in doubt is asked about: doubt.c.) */
static bool strays(struct engine *engine, const struct model_step *step)
{
	for (size_t i = 0; i < engine->record_count; i++) {
		struct record *record = engine->records[i];

		if (!is_stray(record, step))
			continue;
		if (record->state == RECORD_PLANNED || (record->state == RECORD_BEGUN && record->at_worker))
			return true;
	}
	return false;
}

/* What comes next was done again and again, and is still what comes next: a person says how to go on. */
static void stop_rounds(struct engine *engine, const struct model_step *step)
{
	char *why = mem_printf("bellbook stopped itself at step “%s” (%s): it did the same %d times, and nothing changed. This is a fault in bellbook, please report it with the log. "
			       "Nothing runs now. To continue tries it once more; to abort ends the session, and what is done stays done",
			       step->title, step_state_name(step->state), ROUNDS_MAX);
	struct json *data;

	tasks_drop(engine);
	if (engine->dry_run) {
		steps_close(engine, "failed", why);
	} else {
		data = json_new_object();
		json_set_text(data, "why", why);
		engine_add(engine, EVENT_SESSION_PAUSED, NULL, NULL, 0, data);
	}
	mem_free(why);
}

/* Does the next thing, whatever it is; nothing when it waits for something. */
static void advance(struct engine *engine)
{
	size_t index = 0;
	struct batch batch = {0};
	struct model_step *step;

	if (engine->model->state == SESSION_PAUSED || asks_open(engine, NULL) || !params_ready(engine) || !secrets_words_ready(engine))
		return;
	step = step_current(engine, &index);
	if (doubt_advance(engine, step) || engine->task || strays(engine, step))
		return;
	if (!step) {
		close_done(engine);
		return;
	}
	if (script_step_find(engine->script, step->id) < 0) {
		steps_close(engine, "failed", "the runbook no longer has the step that is next");
		return;
	}
	switch (step->state) {
	case STEP_PLANNED:
		step_enter(engine, &batch, step, NULL);
		batch_commit(engine, &batch);
		break;
	case STEP_READY:
		ready(engine, step);
		break;
	case STEP_RUNNING:
	case STEP_DETACHED:
	case STEP_IN_DOUBT:
		run_step(engine, step);
		break;
	case STEP_FAILED:
	case STEP_STALE:
		if (tries_again(engine, step))
			break;
		if (engine->dry_run)
			steps_close(engine, "failed", step->reason);
		else
			asks_failure(engine, step);
		break;
	case STEP_OK:
	case STEP_WARN:
	case STEP_SKIPPED:
	case STEP_DEFERRED:
		break;
	}
}

void steps_advance(struct engine *engine)
{
	const struct script_task *task = engine->task;
	const struct model_step *step;
	int64_t seq = engine->model->last_seq;
	size_t index = 0;

	if (engine->closed || engine->closing || engine->settling || engine->awaited || book_halted(engine->book))
		return;
	outside_advance(engine);
	if (engine->abort_asked) {
		finish_abort(engine);
		return;
	}
	if (engine->rounds.stopped)
		return;
	step = step_current(engine, &index);
	advance(engine);
	if (!step || engine->closing || (engine->task == task && book_is_idle(engine->book) && engine->model->last_seq == seq))
		return;
	if (!rounds_count(&engine->rounds, index, step->attempt))
		stop_rounds(engine, step);
}
