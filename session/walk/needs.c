/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/walk/needs.h"

#include <string.h>

#include "base/str.h"
#include "session/lua/script.h"

static bool has_value(const struct engine *engine, const char *name)
{
	const struct json *value = json_at(engine->vars, name);

	return value && json_type_of(value) != JSON_IS_NULL;
}

static bool gives(const struct script_step *step, const char *name)
{
	for (char **at = step->gives; *at; at++)
		if (str_is(*at, name))
			return true;
	return false;
}

/* Of the steps before this one that give the variable: the first that did not end well, else the last. NULL only when the runbook was not checked. */
static const struct model_step *giver(const struct engine *engine, size_t step, const char *name)
{
	const struct script_book *book = script_book(engine->script);
	const struct model_step *found = NULL;

	for (size_t i = 0; i < step; i++) {
		const struct model_step *state = gives(&book->steps[i], name) ? model_step_find(engine->model, book->steps[i].id) : NULL;

		if (!state)
			continue;
		found = state;
		if (state->state != STEP_OK && state->state != STEP_WARN)
			break;
	}
	return found;
}

static char *words(const char *name, const struct model_step *step)
{
	const char *became = "was not run", *reason = "";

	if (!step)
		return mem_printf("it needs a value, “%s”, that no step before it finds out", name);
	switch (step->state) {
	case STEP_OK:
	case STEP_WARN:
		became = "ended without it";
		break;
	case STEP_SKIPPED:
		became = "was skipped";
		reason = step->reason;
		break;
	case STEP_DEFERRED:
		became = "was put off";
		reason = step->reason;
		break;
	case STEP_FAILED:
		became = "failed";
		break;
	case STEP_PLANNED:
	case STEP_READY:
	case STEP_RUNNING:
	case STEP_DETACHED:
	case STEP_IN_DOUBT:
	case STEP_STALE:
		break;
	}
	return mem_printf("it needs what step “%s” (%s) finds out (its value “%s”), and that step %s%s%s", step->id, step->title, name, became, *reason ? ": " : "", reason);
}

char *needs_missing(const struct engine *engine, size_t step)
{
	const struct script_step *script = &script_book(engine->script)->steps[step];

	for (char **need = script->needs; *need; need++)
		if (!has_value(engine, *need))
			return words(*need, giver(engine, step, *need));
	return NULL;
}
