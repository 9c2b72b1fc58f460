/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * It is asked by a call of the worker that is no call of the journal: it has no
 * path and no record, as a meter's reads have none, and is never replayed. What
 * is in the journal is the call that wanted it (of WATCH_BEGINS, whose arguments
 * are all there is to know), and the counts. A process that takes the session
 * over begins to ask again; the time in which nobody asked shows in the counts.
 */
#include "session/watch/outside.h"

#include <ctype.h>
#include <string.h>

#include "base/duration.h"
#include "base/str.h"
#include "base/time.h"
#include "session/call/calls.h"
#include "session/secret/secrets.h"

#define SITE "outside"	/* what is asked is one target, and its lane its own */
#define SLOW_US (3 * TIME_SECOND)
#define LIMIT_US (86400 * TIME_SECOND)

struct outside {
	const struct record *latest;	/* what began or ended it; borrowed from the engine's records */
	uint64_t number;		/* of the call at the worker; 0 = none */
	int64_t told;			/* seq of the record that an event of ours, perhaps not stored yet, answers */
	bool ending;			/* canceled; its last counts come */
	bool replaced;			/* the runbook asks otherwise: what ends is no end */
	bool failed;			/* it could not be done: not tried again */
	char *why;			/* owned: reason of outside.ended */
};

static struct outside *outside_of(struct engine *engine)
{
	if (!engine->outside)
		engine->outside = mem_alloc(sizeof(*engine->outside));
	return engine->outside;
}

/* In the step's own function: what a look before the question or a check wants is not begun. */
static bool is_run(const struct record *record)
{
	return isdigit((unsigned char)record->path[0]) && !record->detour;
}

static enum action_watch watch_of(const struct record *record)
{
	const struct action *action = action_find(record->action);

	return action ? action->watch : WATCH_NONE;
}

void outside_called(struct engine *engine, const struct record *record)
{
	if (watch_of(record) != WATCH_NONE && is_run(record) && str_is(record->outcome, "ok"))
		outside_of(engine)->latest = record;
}

static int64_t span_of(const struct json *args, const char *key, int64_t usual)
{
	int64_t us;

	return json_at(args, key) && duration_of(json_at(args, key), &us) && us > 0 ? us : usual;
}

static void add_began(struct engine *engine, const struct record *record)
{
	const struct json *asks = json_at(record->args, "asks");
	struct json *data = json_new_object(), *names = json_new_array();

	for (size_t i = 0; i < json_count(asks); i++) {
		const struct json *ask = json_item(asks, i);
		const char *name = json_text(ask, "name", json_text(ask, "url", ""));

		json_add(names, json_new_text(name, strlen(name)));
	}
	json_set_int(data, "seq", record->seq);
	json_put(data, "asks", names);
	json_set_int(data, "slow_us", span_of(record->args, "slow", SLOW_US));
	json_set_int(data, "until_us", time_wall_us() + span_of(record->args, "limit", LIMIT_US));
	json_set_text(data, "unproven", json_text(record->args, "unproven", NULL));
	engine_add(engine, EVENT_OUTSIDE_BEGAN, NULL, record->step, record->attempt, data);
}

static void add_ended(struct engine *engine, const char *reason)
{
	struct json *data = json_new_object();

	json_set_text(data, "reason", reason);
	engine_add(engine, EVENT_OUTSIDE_ENDED, NULL, NULL, 0, data);
}

/* It is asked now, as far as the journal knows. */
static bool is_on(const struct engine *engine)
{
	return engine->model->outside.seq && !engine->model->outside.ended_us;
}

static void stop(struct engine *engine, const char *why)
{
	struct outside *outside = engine->outside;

	if (!outside->number) {
		add_ended(engine, why);
		return;
	}
	if (outside->ending)
		return;
	outside->ending = true;
	mem_set(&outside->why, why);
	worker_cancel(engine->worker, outside->number);
}

static void start(struct engine *engine)
{
	struct outside *outside = engine->outside;
	const struct record *record = outside->latest;
	struct worker_call what = {.action = action_find(record->action)->watcher->name, .host = SITE, .job = ""};
	struct json *args;

	if (!secrets_ready(engine, record->args))
		return;
	args = json_new_object();
	json_put(args, "asks", json_copy_of(json_at(record->args, "asks")));
	json_set_int(args, "slow_us", engine->model->outside.slow_us);
	json_set_int(args, "until_us", engine->model->outside.until_us);
	what.args = args;
	outside->number = ++engine->next_number;
	worker_start(engine->worker, outside->number, &what);
	json_free(args);
}

void outside_advance(struct engine *engine)
{
	struct outside *outside = engine->outside;
	const struct record *record = outside ? outside->latest : NULL;
	bool watches = record && watch_of(record) == WATCH_BEGINS;

	if (!record || engine->dry_run || engine->closing || outside->ending)
		return;
	if (watches && engine->model->outside.seq < record->seq && outside->told < record->seq) {
		outside->told = record->seq;
		outside->failed = false;
		if (outside->number) {
			outside->replaced = true;
			stop(engine, "the runbook asks otherwise from here on");
		}
		add_began(engine, record);
	} else if (!watches && is_on(engine) && outside->told < record->seq) {
		outside->told = record->seq;
		stop(engine, "the runbook ended it");
	} else if (watches && is_on(engine) && engine->model->outside.seq == record->seq && !outside->number && !outside->failed && worker_pid(engine->worker)) {
		start(engine);
	}
}

void outside_close(struct engine *engine)
{
	if (engine->outside && is_on(engine))
		stop(engine, "the walk ended");
}

bool outside_is_busy(const struct engine *engine)
{
	return engine->outside && engine->outside->number;
}

bool outside_progress(struct engine *engine, uint64_t call, const struct json *progress)
{
	if (!engine->outside || engine->outside->number != call)
		return false;
	engine_add(engine, EVENT_OUTSIDE_COUNTED, NULL, NULL, 0, json_copy_of(progress));
	return true;
}

static void is_over(struct engine *engine, const char *why)
{
	struct outside *outside = engine->outside;

	outside->number = 0;
	outside->ending = false;
	if (!outside->replaced)
		add_ended(engine, why);
	outside->replaced = false;
	if (engine->closing)
		calls_close_now(engine);
}

bool outside_ended(struct engine *engine, uint64_t call, const char *outcome, const char *error)
{
	struct outside *outside = engine->outside;
	char *why;

	if (!outside || outside->number != call)
		return false;
	if (outside->ending) {
		why = mem_strdup(outside->why);
	} else {
		outside->failed = true;
		why = str_is(outcome, "ok") ? mem_strdup("it was asked for as long as it was to be") : mem_printf("it could not be asked: %s", error && *error ? error : outcome);
	}
	is_over(engine, why);
	mem_free(why);
	engine_wake(engine);
	return true;
}

void outside_lost(struct engine *engine)
{
	struct outside *outside = engine->outside;
	char *why;

	if (!outside || !outside->number)
		return;
	outside->number = 0;
	if (!outside->ending)
		return;
	why = mem_strdup(outside->why);
	is_over(engine, why);
	mem_free(why);
}

void outside_done(struct engine *engine)
{
	if (engine->outside)
		mem_free(engine->outside->why);
	mem_free(engine->outside);
	engine->outside = NULL;
}
