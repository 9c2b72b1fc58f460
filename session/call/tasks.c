/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/call/tasks.h"

#include <string.h>

#include "base/str.h"
#include "session/call/calls.h"
#include "session/ask/doubt.h"
#include "session/walk/foresee.h"
#include "session/watch/meter.h"
#include "session/people/pairing.h"
#include "session/call/sizes.h"
#include "session/walk/step.h"
#include "session/watch/stuck.h"

/* A task is one function of a step being run. What its end means depends on the part it played. */

static char *result_text(const struct json *result)
{
	char *text = json_as_text(result) ? NULL : json_print(result), *said = sizes_cut(text ? text : json_as_text(result));

	mem_free(text);
	return said;
}

static bool is_false(const struct json *result)
{
	return json_type_of(result) == JSON_IS_BOOL && !json_as_bool(result, true);
}

static void run_ended(struct engine *engine, const char *error, const struct json *result, const struct json *gives)
{
	const struct script_step *step = &script_book(engine->script)->steps[engine->task_step];

	if (error) {
		step_end(engine, "failed", error);
	} else if (is_false(result)) {
		step_end(engine, "failed", "the step's function returned false");
	} else {
		json_free(engine->gives);
		engine->gives = gives ? json_copy_of(gives) : json_new_object();
		if (step->has[FN_DONE])
			tasks_start(engine, engine->task_step, FN_DONE, PART_VERIFY, "done/");
		else
			step_end(engine, engine->warned ? "warn" : "ok", NULL);
	}
}

static void verify_ended(struct engine *engine, const char *error, const struct json *result)
{
	char *reason;

	if (!error && !is_false(result) && json_type_of(result) != JSON_IS_NULL) {
		step_end(engine, engine->warned ? "warn" : "ok", NULL);
		return;
	}
	reason = error ? mem_printf("it ran, but whether it is done could not be checked: %s", error)
		       : mem_strdup("it ran without an error, but the check after it (done) says that it is not done");
	step_end(engine, "failed", reason);
	mem_free(reason);
}

static void undo_ended(struct engine *engine, const char *error)
{
	char *reason = error ? mem_printf("undo failed: %s", error) : mem_strdup("undone");

	step_end(engine, "failed", reason);
	mem_free(reason);
}

/* A step that is not needed here is over, without asking anybody; a text says why. */
static void when_ended(struct engine *engine, const char *error, const struct json *result)
{
	char *reason = error ? mem_printf("whether this step is needed could not be found out: %s", error) : result_text(result);

	if (error)
		step_end(engine, "failed", reason);
	else if (json_as_text(result))
		step_end(engine, "skipped", reason);
	else if (is_false(result) || json_type_of(result) == JSON_IS_NULL)
		step_end(engine, "skipped", "not needed here");
	else
		engine->needed = true;
	mem_free(reason);
}

static void look_ended(struct engine *engine, const char *error, const struct json *result)
{
	const struct script_step *step = &script_book(engine->script)->steps[engine->task_step];

	engine->already = !error && json_type_of(result) != JSON_IS_NULL && !is_false(result);
	mem_set(&engine->look_details, engine->already ? "The check of this step (done) already says yes: it may be done, and not by this walk." : NULL);
	if (step->has[FN_RUN])
		tasks_start(engine, engine->task_step, FN_RUN, PART_FORESEE, "see");
	else if (step->has[FN_COMMANDS])
		tasks_start(engine, engine->task_step, FN_COMMANDS, PART_COMMANDS, "commands");
	else
		engine->looked = true;
}

/* What a person is to run by hand: a list of texts. A question without it is still a question. */
static void commands_ended(struct engine *engine, const char *error, const struct json *result)
{
	struct buf text = {0};

	for (size_t i = 0; !error && i < json_count(result); i++)
		buf_printf(&text, "  $ %s\n", json_as_text(json_item(result, i)));
	if (error)
		buf_printf(&text, "What to run (commands) could not be told: %s\n", error);
	engine->looked = true;
	mem_free(engine->look_by_hand);
	engine->look_by_hand = sizes_cut(buf_text(&text));
	buf_done(&text);
}

static void doubt_ended(struct engine *engine, const char *error, const struct json *result)
{
	char *text = result_text(result);

	doubt_checked(engine, error ? mem_printf("The step's own check (done) could not tell: %s", error)
				    : mem_printf("The step's own check (done) says: %s", is_false(result) || json_type_of(result) == JSON_IS_NULL ? "NOT done" : str_is(text, "true") ? "done" : text));
	mem_free(text);
}

void tasks_drop(struct engine *engine)
{
	if (engine->task)
		script_task_drop(engine->task);
	engine->task = NULL;
	engine->part = PART_NONE;
	foresee_end(engine);
	meter_end(engine);
	calls_orphan(engine);
}

/* error NULL: it ended by itself. */
static void part_over(struct engine *engine, enum task_part part, const char *error, const struct json *result, const struct json *gives)
{
	char *said = sizes_cut(error);

	error = said;
	engine_wake(engine);
	switch (part) {
	case PART_RUN:
		run_ended(engine, error, result, gives);
		break;
	case PART_VERIFY:
		verify_ended(engine, error, result);
		break;
	case PART_UNDO:
		undo_ended(engine, error);
		break;
	case PART_WHEN:
		when_ended(engine, error, result);
		break;
	case PART_LOOK:
		look_ended(engine, error, result);
		break;
	case PART_FORESEE:
		engine->looked = true;
		engine->pairing->look_whole = !error && !foresee_cut(engine);
		if (error && !engine->look_details && !foresee_cut(engine))
			engine->look_details = mem_printf("What it will run could not be foreseen: %s", error);
		break;
	case PART_COMMANDS:
		commands_ended(engine, error, result);
		break;
	case PART_DOUBT:
		doubt_ended(engine, error, result);
		break;
	case PART_NONE:
		break;
	}
	mem_free(said);
}

static void task_ended(void *arg, struct script_task *task, const char *error, const struct json *result, const struct json *gives)
{
	struct engine *engine = arg;
	enum task_part part = engine->part;

	if (task != engine->task)
		return;
	engine->task = NULL;
	engine->part = PART_NONE;
	foresee_end(engine);
	meter_end(engine);
	calls_orphan(engine);
	part_over(engine, part, error, result, gives);
}

void tasks_cut(struct engine *engine, const char *why)
{
	enum task_part part = engine->part;

	tasks_drop(engine);
	part_over(engine, part, why, NULL, NULL);
}

/* What earlier steps gave, and for the check after a run also what that run gave. Caller owns. */
static struct json *vars_for(const struct engine *engine, enum task_part part)
{
	struct json *vars = json_copy_of(engine->vars), *value;
	const char *key;
	void *it = NULL;

	while (part == PART_VERIFY && engine->gives && (key = json_next(engine->gives, &it, &value)) != NULL)
		json_put(vars, key, json_copy_of(value));
	return vars;
}

void tasks_start(struct engine *engine, size_t step, enum script_fn fn, enum task_part part, const char *prefix)
{
	static const struct script_handlers handlers = {.call = calls_wanted, .ended = task_ended};
	const struct model_step *state = model_step_find(engine->model, script_book(engine->script)->steps[step].id);
	struct json *vars;
	char *words;

	engine->part = part;
	engine->task_step = step;
	engine->task_attempt = state ? state->attempt : 0;
	mem_free(engine->prefix);
	/* A look at the world must be fresh each time: its paths are never met again in a replay. */
	if (part == PART_WHEN || part == PART_LOOK || part == PART_FORESEE || part == PART_COMMANDS || part == PART_DOUBT)
		engine->prefix = mem_printf("%s%lld/", prefix, (long long)engine->model->last_seq);
	else
		engine->prefix = mem_strdup(prefix);
	foresee_begin(engine);
	vars = vars_for(engine, part);
	engine->task = script_task_start(engine->script, step, fn, vars, &handlers, engine);
	words = stuck_take(engine, step, fn);
	if (words)
		script_task_fail(engine->task, words);
	mem_free(words);
	if (part == PART_RUN)
		meter_begin(engine, step);
	json_free(vars);
	engine_wake(engine);
}
