/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/walk/step.h"

#include "base/str.h"
#include "base/time.h"
#include "session/ask/asks.h"

/* What has begun is ended before anything else begins, also when the runbook was changed around it. */
struct model_step *step_current(struct engine *engine, size_t *index)
{
	for (size_t i = 0; i < engine->model->step_count; i++) {
		enum step_state state = engine->model->steps[i].state;

		if (state == STEP_RUNNING || state == STEP_DETACHED || state == STEP_IN_DOUBT) {
			*index = i;
			return &engine->model->steps[i];
		}
	}
	for (size_t i = 0; i < engine->model->step_count; i++)
		if (!step_state_is_over(engine->model->steps[i].state)) {
			*index = i;
			return &engine->model->steps[i];
		}
	return NULL;
}

/* Questions of a function that was stopped in the middle: nobody waits for the answers any more. */
static void withdraw_questions(struct engine *engine, const struct model_step *step)
{
	for (size_t i = 0; i < engine->record_count; i++) {
		const struct record *record = engine->records[i];

		if (record->asked && record->attempt == step->attempt && str_is(record->step, step->id))
			asks_withdraw(engine, record->asked, "the step ended");
	}
}

void step_end(struct engine *engine, const char *state, const char *reason)
{
	size_t index;
	const struct model_step *step = step_current(engine, &index);
	struct batch batch = {0};
	struct json *data = json_new_object();
	bool good = str_is(state, "ok") || str_is(state, "warn");
	char *done_by;

	if (!step) {
		json_free(data);
		return;
	}
	done_by = !reason && good && step->done_by && *step->done_by ? mem_printf("done by %s", step->done_by) : NULL;
	json_set_text(data, "state", state);
	json_set_text(data, "reason", done_by ? done_by : reason);
	mem_free(done_by);
	if (engine->step_mono_us && !str_is(state, "skipped"))
		json_set_int(data, "took_us", time_mono_us() - engine->step_mono_us - engine->step_waited_us);
	withdraw_questions(engine, step);
	if (good && engine->gives)
		json_put(data, "gives", json_copy_of(engine->gives));
	batch_add(&batch, EVENT_STEP_ENDED, NULL, step->id, step->attempt, data);
	if (good && str_is(step->downtime, "ends") && engine->model->down_since_us && !engine->dry_run)
		batch_add(&batch, EVENT_DOWNTIME_ENDED, NULL, step->id, step->attempt, NULL);
	batch_commit(engine, &batch);
	json_free(engine->gives);
	engine->gives = NULL;
	engine_wake(engine);
}

void step_begin(struct engine *engine, struct batch *batch, const struct model_step *step, const char *part)
{
	struct json *data = json_new_object();

	json_set_text(data, "part", part);
	batch_add(batch, EVENT_STEP_BEGUN, NULL, step->id, step->attempt + 1, data);
	if (str_is(step->downtime, "begins") && !engine->model->down_since_us && !engine->dry_run)
		batch_add(batch, EVENT_DOWNTIME_BEGAN, NULL, step->id, step->attempt + 1, NULL);
}

void step_enter(struct engine *engine, struct batch *batch, const struct model_step *step, const struct step_back *back)
{
	struct json *data = json_new_object();

	engine->needed = engine->looked = engine->probed = engine->warned = engine->already = false;
	mem_set(&engine->look_details, NULL);
	mem_set(&engine->probe_text, NULL);
	json_set_int(data, "index", (int64_t)(step - engine->model->steps) + 1);
	json_set_int(data, "total", (int64_t)engine->model->step_count);
	if (back)
		json_set_bool(data, "back", true);
	json_set_text(data, "why", back ? back->why : NULL);
	batch_add(batch, EVENT_STEP_ENTERED, back ? back->who : NULL, step->id, 0, data);
}
