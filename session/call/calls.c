/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/call/calls.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "actions/worker/action_doc.h"
#include "base/duration.h"
#include "base/sha256.h"
#include "base/str.h"
#include "base/time.h"
#include "session/ask/asks.h"
#include "session/watch/clock.h"
#include "session/call/detour.h"
#include "session/ask/doubt.h"
#include "session/walk/foresee.h"
#include "session/secret/masks.h"
#include "session/watch/outside.h"
#include "session/people/approval.h"
#include "session/call/records.h"
#include "session/secret/secret_words.h"
#include "session/secret/secrets.h"
#include "session/call/sizes.h"
#include "session/walk/step.h"
#include "session/call/tasks.h"

/*
 * A call that Lua wants is first looked for among the records: one that has
 * ended answers from there, one that is under way is waited for, one that is
 * new is begun. "Begun" is stored before the worker hears of it, and its end
 * is stored before Lua does; both actions happen in calls_stored(), which is
 * called with stored events only.
 */

#define WANTS_MAX 500000	/* a wait of two days that looks each second */

static enum action_effect effect_of(const struct record *record)
{
	const struct action *action = action_find(record->action);

	return action ? action->effect : EFFECT_READ;
}

static bool is_builtin(const char *name)
{
	static const char *const names[] = {"ask", "note", "warn", "lesson", "sleep", "now", "random"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_is(names[i], name))
			return true;
	return false;
}

static struct book_call book_call_of(const struct record *record)
{
	return (struct book_call){.step = record->step, .attempt = record->attempt, .call = record->path, .host = record->host};
}

static const char *bare_path(const struct engine *engine, const char *path)
{
	size_t len = strlen(engine->prefix);

	return strncmp(path, engine->prefix, len) == 0 ? path + len : path;
}

/* ---- answering Lua ---- */

static void answer_error(struct engine *engine, const char *path, const char *kind, const char *text)
{
	script_answer(engine->task, path, false, NULL, kind, text);
	engine_wake(engine);
}

/* A person's answer to a question of the runbook ends the session, and the step under way is no failure. */
static void stop_safely(struct engine *engine, const char *why)
{
	engine->abort_asked = engine->stopped_safely = true;
	mem_set(&engine->abort_why, why);
	mem_set(&engine->abort_who, engine->model->driver);
	calls_cancel_all(engine, "the session is being stopped");
	engine_wake(engine);
}

static void answer_ended(struct engine *engine, struct record *record)
{
	const char *path = bare_path(engine, record->path), *stops = asks_stop_words(record);

	record->task = NULL;
	if (stops) {
		stop_safely(engine, stops);
	} else if (str_is(record->outcome, "ok")) {
		struct json *value = is_builtin(record->action) ? json_copy_of(record->result) : record_value(record);

		secret_word_restore_in(engine, value, "out");
		secret_word_restore_in(engine, value, "err");
		script_answer(engine->task, path, true, value, NULL, NULL);
		json_free(value);
	} else {
		const char *kind = str_is(record->outcome, "canceled") ? "canceled" : str_is(record->outcome, "unknown") ? "timeout" : "io";
		char *error = secret_word_restore(engine, record->error ? record->error : record->outcome);

		script_answer(engine->task, path, false, NULL, kind, error);
		mem_free(error);
	}
	engine_wake(engine);
}

/* ---- beginning ---- */

char *calls_job_name(const struct engine *engine, const struct record *record)
{
	struct buf name = {0};
	bool odd = false;
	unsigned char digest[SHA256_LEN];

	buf_printf(&name, "%.12s.%lld.%s.%d.", store_id(engine->store), (long long)engine->session, record->step, record->attempt);
	for (const char *p = record->path; *p; p++) {
		bool fine = isalnum((unsigned char)*p) || *p == '.' || *p == '-';

		odd = odd || (!fine && *p != '/');
		buf_putc(&name, fine ? *p : '_');
	}
	if (odd) {
		sha256_of(record->path, strlen(record->path), digest);
		buf_putc(&name, '.');
		str_hex(&name, digest, 6);
	}
	return buf_take(&name);
}

/* "wait 1s: waiting for the web to answer; look 12 of 90; last seen: 502". Caller owns. */
static char *sleep_shown(const struct json *args)
{
	const char *what = json_text(args, "what", ""), *seen = json_text(args, "seen", "");
	char *time = json_text(args, "for", NULL) ? mem_strdup(json_text(args, "for", "")) : json_print(json_at(args, "for"));
	int64_t look = json_int(args, "look", 0);
	struct buf out = {0};

	buf_printf(&out, "wait %s%s", time ? time : "", *what ? ": " : "");
	buf_puts(&out, what);
	if (look)
		buf_printf(&out, "; look %lld of %lld", (long long)look, (long long)json_int(args, "of", look));
	if (*seen)
		buf_printf(&out, "; last seen: %s", seen);
	mem_free(time);
	return buf_take(&out);
}

char *calls_shown(const char *name, const struct json *args)
{
	const struct action *action = action_find(name);

	if (str_is(name, "sleep"))
		return sleep_shown(args);
	return action ? action_shown(action, args) : mem_printf("%s ", name);
}

static int64_t timeout_of(const struct engine *engine, const struct record *record)
{
	const struct json *value = json_at(record->args, "timeout");
	long index = script_step_find(engine->script, record->step);
	int64_t us;

	if (duration_of(value, &us))
		return us;
	if (record->detour)
		return 0;
	return index < 0 ? 0 : script_book(engine->script)->steps[index].timeout_us;
}

struct json *calls_begun_data(const struct engine *engine, const struct record *record)
{
	struct json *data = json_new_object();
	char *shown = calls_shown(record->action, record->args);
	int64_t timeout = timeout_of(engine, record);

	json_set_text(data, "action", record->action);
	json_put(data, "args", json_copy_of(record->args));
	json_set_text(data, "effect", action_effect_name(effect_of(record)));
	json_set_text(data, "shown", shown);
	json_set_text(data, "as", json_text(record->args, "as", NULL));
	json_set_text(data, "job", record->job);
	if (timeout)
		json_set_int(data, "timeout_us", timeout);
	mem_free(shown);
	return data;
}

static void add_call_event(struct batch *batch, const struct record *record, enum event_kind kind, struct json *data)
{
	batch_add(batch, kind, NULL, record->step, record->attempt, data);
	batch->events[batch->n - 1].call = record->path;
	batch->events[batch->n - 1].host = record->host;
}

void calls_add(struct engine *engine, const struct record *record, enum event_kind kind, struct json *data)
{
	struct batch batch = {0};

	add_call_event(&batch, record, kind, data);
	batch_commit(engine, &batch);
}

struct json *calls_ended_data(const struct record *record, const char *outcome, const char *error, const struct json *result)
{
	struct json *data = json_new_object();

	json_set_text(data, "outcome", outcome);
	json_set_text(data, "error", error && *error ? error : NULL);
	if (json_at(result, "exit"))
		json_set_int(data, "exit", json_int(result, "exit", -1));
	json_set_text(data, "signal", json_text(result, "signal", NULL));
	if (result)
		json_put(data, "result", json_copy_of(result));
	json_set_int(data, "took_us", record->since_us ? time_mono_us() - record->since_us : 0);
	return data;
}

/* now and random: begun and ended at once, so that a replay gives the same. */
static void begin_instant(struct engine *engine, struct record *record)
{
	struct batch batch = {0};
	struct json *result;
	uint64_t bits;

	if (str_is(record->action, "now")) {
		result = json_new_real((double)time_wall_us() / 1e6);
	} else {
		random_bytes(&bits, sizeof(bits));
		result = json_new_real((double)(bits >> 11) / 9007199254740992.0);
	}
	add_call_event(&batch, record, EVENT_CALL_BEGUN, calls_begun_data(engine, record));
	add_call_event(&batch, record, EVENT_CALL_ENDED, calls_ended_data(record, "ok", NULL, result));
	json_free(result);
	batch_commit(engine, &batch);
}

/* note, warn, lesson: one event, which is also their record. */
static void begin_remark(struct engine *engine, struct record *record)
{
	static const struct { const char *name; enum event_kind kind; } kinds[] = {
		{"note", EVENT_NOTE}, {"warn", EVENT_WARNED}, {"lesson", EVENT_LESSON},
	};
	const char *text = json_text(record->args, "text", "");
	struct batch batch = {0};
	struct json *data = json_new_object();

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!str_is(kinds[i].name, record->action))
			continue;
		if (kinds[i].kind != EVENT_NOTE)
			json_set_text(data, "text", text);
		add_call_event(&batch, record, kinds[i].kind, data);
		if (kinds[i].kind == EVENT_NOTE) {
			batch.events[0].bytes = text;
			batch.events[0].len = strlen(text);
		}
		batch_commit(engine, &batch);
		return;
	}
	json_free(data);
}

static void begin_question(struct engine *engine, struct record *record)
{
	struct json *data = json_copy_of(record->args);

	json_set_text(data, "of", "question");
	asks_add(engine, record->step, record->attempt, record->path, record->host, data);
}

static void begin_new(struct engine *engine, struct record *record)
{
	if (str_is(record->action, "now") || str_is(record->action, "random"))
		begin_instant(engine, record);
	else if (str_is(record->action, "ask"))
		begin_question(engine, record);
	else if (is_builtin(record->action) && !str_is(record->action, "sleep"))
		begin_remark(engine, record);
	else
		calls_add(engine, record, EVENT_CALL_BEGUN, calls_begun_data(engine, record));
}

/* ---- at the worker ---- */

void calls_hand_over(struct engine *engine, struct record *record, bool settle)
{
	struct worker_call what = {
		.action = record->action, .args = record->args, .host = record->host, .job = record->job,
		.timeout_us = record->patient ? 0 : timeout_of(engine, record), .settle = settle, .out_offset = record->out_to, .err_offset = record->err_to,
		.facts = record->facts.list,
	};
	struct book_call key = book_call_of(record);

	if (settle) {
		book_set_output_offset(engine->book, &key, json_bool(record->args, "pty", false) ? "pty" : "out", record->out_to);
		book_set_output_offset(engine->book, &key, "err", record->err_to);
	}
	record->at_worker = true;
	worker_start(engine->worker, record->number, &what);
}

struct sleeper {
	struct engine *engine;
	uint64_t number;
};

static void slept(void *arg)
{
	struct sleeper *sleeper = arg;
	struct record *record = record_by_number(sleeper->engine, sleeper->number);

	if (record) {
		record->timer = 0;
		record->sleeper = NULL;
	}
	if (record && record->state == RECORD_BEGUN && !record->ending) {
		record->ending = true;
		calls_add(sleeper->engine, record, EVENT_CALL_ENDED, calls_ended_data(record, "ok", NULL, NULL));
	}
	mem_free(sleeper);
}

/* The time that has passed since call.begun counts, also across a crash. */
static void sleep_on(struct engine *engine, struct record *record)
{
	struct sleeper *sleeper;
	int64_t us = 0, left;

	if (record->timer)
		return;
	(void)duration_of(json_at(record->args, "for"), &us);
	left = record->since_us + us - time_mono_us();
	if (left < 0)
		left = 0;
	if (left > us)
		left = us;
	sleeper = mem_alloc(sizeof(*sleeper));
	sleeper->engine = engine;
	sleeper->number = record->number;
	record->sleeper = sleeper;
	record->timer = loop_after(engine->loop, left, slept, sleeper);
}

static void start_record(struct engine *engine, struct record *record)
{
	if (str_is(record->action, "sleep"))
		sleep_on(engine, record);
	else if (str_is(record->action, "ask"))
		begin_question(engine, record);
	else if (!is_builtin(record->action))
		calls_hand_over(engine, record, false);
}

/* ---- what Lua wants ---- */

static void hold(struct engine *engine, const char *path, const char *name, const char *host, const struct json *args, bool stray)
{
	struct waiting *held = mem_alloc(sizeof(*held));
	struct waiting **at = &engine->held;

	held->path = mem_strdup(path);
	held->name = mem_strdup(name);
	held->host = mem_strdup(host);
	held->args = json_copy_of(args);
	held->stray = stray;
	while (*at)
		at = &(*at)->next;
	*at = held;
}

/* The step ends here whatever its function would do with an error; what it began goes on, and is waited for before anything else begins (steps.c). */
static void diverged(struct engine *engine, const struct record *record, const char *name, const char *host)
{
	char *text = mem_printf("the runbook diverged from the journal: call %s of this attempt was %s on %s with other arguments, and is now %s on %s. "
				"What was done stays done, and what still runs is waited for; retry begins a new attempt with the runbook as it is now",
				record->path, record->action, *record->host ? record->host : "this host", name, *host ? host : "this host");

	tasks_drop(engine);
	step_end(engine, "failed", text);
	mem_free(text);
}

/* A call that never started waits for answers about others on its host; one that a person wants run anew in a step without a way back, for agreement. True: it is held. */
static bool must_wait(struct engine *engine, const struct record *record)
{
	const struct approval_command again = {.name = record->action, .host = record->host, .args = record->args, .again = record->reruns};
	bool beside = doubt_holds(engine, record, record->action, record->host);

	if (!beside && !(record->reruns && approval_holds(engine, &again)))
		return false;
	hold(engine, bare_path(engine, record->path), record->action, record->host, record->args, !beside);
	return true;
}

static void wanted_again(struct engine *engine, struct record *record)
{
	switch (record->state) {
	case RECORD_ENDED:
		answer_ended(engine, record);
		break;
	case RECORD_NEVER:
		record->task = engine->task;
		if (must_wait(engine, record))
			break;
		record->state = RECORD_BEGUN;
		start_record(engine, record);
		break;
	case RECORD_BEGUN:
		record->task = engine->task;
		if (str_is(record->action, "sleep"))
			sleep_on(engine, record);
		break;
	case RECORD_PLANNED:
	case RECORD_UNKNOWN:
		record->task = engine->task;
		break;
	}
}

/* What a wait is for are words for people: an older bellbook, or a runbook whose words were mended, goes on where it was. */
static bool same_args(const struct record *record, const struct json *args)
{
	if (str_is(record->action, "sleep"))
		return masks_same(json_at(record->args, "for"), json_at(args, "for"));
	return masks_same(record->args, args);
}

/* From the journal they may have masks, and would do something else. */
static void take_args(struct record *record, const struct json *args)
{
	json_free(record->args);
	record->args = json_copy_of(args);
}

/* Words when what runs only looks. Caller owns; NULL = it may change things. */
static char *only_looks(const struct engine *engine, const char *name)
{
	const struct step_type *type;

	if (engine->part != PART_RUN && engine->part != PART_UNDO)
		return mem_printf("%s changes something, and %s only looks", name,
				  engine->part == PART_COMMANDS ? "what computes commands" : "a probe (done)");
	type = step_type_of(script_book(engine->script)->steps[engine->task_step].kind);
	return type->effect != STEP_LOOKS ? NULL : mem_printf("%s changes something, and a%s %s step only looks", name,
							      strchr("aeiou", *type->name) ? "n" : "", type->name);
}

/* Refuses what the part does not allow; true = answered. */
static bool refused(struct engine *engine, const char *path, const char *name, const struct json *args)
{
	const struct action *action = action_find(name);
	struct err e = {0};
	const char *secret;
	char *text = sizes_problem(name, args);

	if (is_builtin(name) && !text)
		return false;
	if (text) {
		;
	} else if (!action) {
		text = mem_printf("there is no action %s", name);
	} else if ((secret = secrets_unknown(engine, args)) != NULL) {
		text = secrets_unknown_words(engine, secret);
	} else if (action_check(action, args, &e) < 0) {
		text = mem_strdup(e.text);
	} else if (action->effect == EFFECT_READ || !(text = only_looks(engine, name))) {
		return false;
	}
	answer_error(engine, path, "usage", text);
	mem_free(text);
	return true;
}

/* A loop of calls without end, also of calls that are refused each time: an error could be caught in Lua. True: the function has been ended. */
static bool too_many(struct engine *engine)
{
	char *text;

	if (++engine->wants <= WANTS_MAX)
		return false;
	text = mem_printf("step '%s' goes on without end (more than %d calls in one attempt)", script_book(engine->script)->steps[engine->task_step].id, WANTS_MAX);
	tasks_cut(engine, text);
	mem_free(text);
	return true;
}

void calls_wanted(void *arg, struct script_task *task, const char *path, const char *name, const char *host, const struct json *args)
{
	struct engine *engine = arg;
	const char *step = script_book(engine->script)->steps[engine->task_step].id;
	struct record *record;
	char *full;

	if (task != engine->task)
		return;
	if (too_many(engine) || foresee_wants(engine, path, name, host, args))
		return;
	full = mem_printf("%s%s", engine->prefix, path);
	record = record_find(engine, step, engine->task_attempt, full);
	if (record && (!str_is(record->action, name) || !str_is(record->host, host) || !same_args(record, args))) {
		diverged(engine, record, name, host);
	} else if (record) {
		take_args(record, args);
		wanted_again(engine, record);
	} else if (refused(engine, path, name, args)) {
		;
	} else if (engine->model->state == SESSION_PAUSED || !secrets_ready(engine, args) || doubt_holds(engine, NULL, name, host)) {
		hold(engine, path, name, host, args, false);
	} else if (approval_holds(engine, &(struct approval_command){.name = name, .host = host, .args = args})) {
		hold(engine, path, name, host, args, true);
	} else {
		record = record_new(engine, step, engine->task_attempt, full);
		record->action = mem_strdup(name);
		record->host = mem_strdup(host);
		record->args = json_copy_of(args);
		record->job = calls_job_name(engine, record);
		record->task = task;
		begin_new(engine, record);
	}
	mem_free(full);
}

static void held_free(struct waiting *held)
{
	mem_free(held->path);
	mem_free(held->name);
	mem_free(held->host);
	json_free(held->args);
	mem_free(held);
}

void calls_release(struct engine *engine)
{
	struct waiting *held = engine->held;

	engine->held = NULL;
	while (held) {
		struct waiting *next = held->next;

		if (engine->task)
			calls_wanted(engine, engine->task, held->path, held->name, held->host, held->args);
		held_free(held);
		held = next;
	}
}

void calls_refuse_held(struct engine *engine, const char *why)
{
	struct waiting **at = &engine->held;

	while (*at) {
		struct waiting *held = *at;

		if (!held->stray) {
			at = &held->next;
			continue;
		}
		*at = held->next;
		if (engine->task)
			answer_error(engine, held->path, "denied", why);
		held_free(held);
	}
}

void calls_orphan(struct engine *engine)
{
	struct waiting *held = engine->held;

	for (size_t i = 0; i < engine->record_count; i++)
		engine->records[i]->task = NULL;
	engine->held = NULL;
	while (held) {
		struct waiting *next = held->next;

		held_free(held);
		held = next;
	}
}

size_t calls_open(const struct engine *engine)
{
	size_t n = 0;

	for (size_t i = 0; i < engine->record_count; i++)
		if (!engine->records[i]->detour && (engine->records[i]->state == RECORD_BEGUN || engine->records[i]->state == RECORD_PLANNED))
			n++;
	return n;
}

/* ---- stored events ---- */

static void begun_stored(struct engine *engine, struct record *record, const struct event *ev, const struct json *data, bool live)
{
	record->seq = ev->seq;
	record->since_us = clock_of(engine, ev);
	record->state = RECORD_BEGUN;
	if (!live) {
		mem_set(&record->action, json_text(data, "action", ""));
		mem_set(&record->host, ev->host ? ev->host : "");
		mem_set(&record->job, json_text(data, "job", ""));
		record->args = json_copy_of(json_at(data, "args"));
		record->detour = str_is(json_text(data, "of", ""), "detour");
		return;
	}
	if (!record->ending && !str_is(record->action, "now") && !str_is(record->action, "random"))
		start_record(engine, record);
}

/* A call is in doubt no more: what waited for that goes on. */
static void doubt_over(struct engine *engine)
{
	if (engine->held && engine->model->state != SESSION_PAUSED)
		calls_release(engine);
}

static void settling_over(struct engine *engine, struct record *record)
{
	if (record->settling && engine->settling)
		engine->settling--;
	record->settling = false;
}

static void ended_stored(struct engine *engine, struct record *record, const struct json *data, bool live)
{
	bool unknown = str_is(json_text(data, "outcome", ""), "unknown");

	mem_set(&record->outcome, json_text(data, "outcome", "unknown"));
	mem_set(&record->error, json_text(data, "error", NULL));
	json_free(record->result);
	record->result = json_copy_of(json_at(data, "result"));
	record->at_worker = false;
	record->ending = false;
	record->state = unknown && effect_of(record) != EFFECT_READ && !record->detour ? RECORD_UNKNOWN : RECORD_ENDED;
	doubt_looked(record, record->state == RECORD_UNKNOWN, record->error ? record->error : "");
	outside_called(engine, record);
	if (!live)
		return;
	settling_over(engine, record);
	engine_wake(engine);
	if (record->state == RECORD_UNKNOWN)
		return;
	doubt_over(engine);
	if (effect_of(record) == EFFECT_CHANGE)
		calls_forget(engine, record);
	if (record->task && record->task == engine->task)
		answer_ended(engine, record);
}

static void settled_stored(struct engine *engine, struct record *record, const struct json *data, bool live)
{
	const char *how = json_text(data, "how", "unknown");

	if (str_is(how, "again") || str_is(how, "never") || str_is(how, "rerun"))
		facts_void(&record->facts);
	if (str_is(how, "again")) {
		excerpt_done(&record->out);
		excerpt_done(&record->err);
		record->out_to = record->err_to = 0;
		return;
	}
	if (str_is(how, "rerun"))
		doubt_rerun(record, data);
	else
		doubt_looked(record, str_is(how, "unknown"), json_text(data, "text", ""));
	if (str_is(how, "never") || str_is(how, "unknown")) {
		record->state = str_is(how, "never") ? RECORD_NEVER : RECORD_UNKNOWN;
		record->at_worker = false;
	}
	if (!live)
		return;
	settling_over(engine, record);
	if (record->detour)
		detour_settled(engine, record, how);
	if (record->state == RECORD_NEVER && record->task)
		wanted_again(engine, record);
	if (record->state != RECORD_UNKNOWN)
		doubt_over(engine);
	engine_wake(engine);
}

/* ask, note, warn, lesson with a call path are records too. */
static void remark_stored(struct engine *engine, struct record *record, const struct event *ev, const struct json *data, bool live)
{
	record->seq = ev->seq;
	record->since_us = clock_of(engine, ev);
	if (ev->kind == EVENT_ASKED) {
		record->state = RECORD_BEGUN;
		record->asked = ev->seq;
		if (!live) {
			struct json *args = json_copy_of(data);

			json_free(record->args);

			mem_set(&record->action, "ask");
			mem_set(&record->host, ev->host ? ev->host : "");
			json_set_text(args, "of", NULL);
			record->args = args;
		}
		return;
	}
	record->state = RECORD_ENDED;
	mem_set(&record->outcome, "ok");
	if (!live) {
		mem_set(&record->action, ev->kind == EVENT_NOTE ? "note" : ev->kind == EVENT_WARNED ? "warn" : "lesson");
		mem_set(&record->host, ev->host ? ev->host : "");
		record->args = json_new_object();
		if (ev->kind == EVENT_NOTE)
			json_put(record->args, "text", json_new_text(ev->bytes ? ev->bytes : "", ev->len));
		else
			json_set_text(record->args, "text", json_text(data, "text", ""));
	}
	if (live && record->task && record->task == engine->task)
		answer_ended(engine, record);
}

static void answered_stored(struct engine *engine, const struct json *data, bool live)
{
	int64_t seq = json_int(data, "seq", 0);

	for (size_t i = engine->record_count; i-- > 0;) {
		struct record *record = engine->records[i];

		if (record->asked != seq || !seq)
			continue;
		record->state = RECORD_ENDED;
		record->asked = 0;
		mem_set(&record->outcome, "ok");
		record->result = json_copy_of(json_at(data, "value"));
		if (live && record->task && record->task == engine->task)
			answer_ended(engine, record);
		return;
	}
}

/* Nobody can answer it any more: the function asks anew when it comes there again. */
static void withdrawn_stored(struct engine *engine, const struct json *data)
{
	int64_t seq = json_int(data, "seq", 0);

	for (size_t i = 0; seq && i < engine->record_count; i++) {
		struct record *record = engine->records[i];

		if (record->asked == seq && str_is(record->action, "ask") && record->state == RECORD_BEGUN) {
			record->state = RECORD_NEVER;
			record->asked = 0;
		}
	}
}

void calls_stored(struct engine *engine, const struct event *ev, bool live)
{
	bool remark = ev->kind == EVENT_ASKED || ev->kind == EVENT_NOTE || ev->kind == EVENT_WARNED || ev->kind == EVENT_LESSON;
	bool call = ev->kind == EVENT_CALL_BEGUN || ev->kind == EVENT_CALL_ENDED || ev->kind == EVENT_CALL_SETTLED || ev->kind == EVENT_CALL_OUTPUT ||
		    ev->kind == EVENT_CALL_FACT;
	struct err e = {0};
	struct json *data;
	struct record *record;

	if (ev->kind != EVENT_ANSWERED && ev->kind != EVENT_WITHDRAWN && ev->kind != EVENT_SESSION_RESUMED && !(call || (remark && ev->call && *ev->call)))
		return;
	data = json_parse(ev->data ? ev->data : "{}", ev->data ? strlen(ev->data) : 2, &e);
	if (ev->kind == EVENT_ANSWERED || ev->kind == EVENT_WITHDRAWN || ev->kind == EVENT_SESSION_RESUMED) {
		doubt_closed(engine, ev, data);
		if (ev->kind == EVENT_ANSWERED)
			answered_stored(engine, data, live);
		else if (ev->kind == EVENT_WITHDRAWN)
			withdrawn_stored(engine, data);
		else if (json_at(data, "steps"))
			records_rename(engine);
		json_free(data);
		return;
	}
	record = record_find(engine, ev->step ? ev->step : "", ev->attempt, ev->call ? ev->call : "");
	if (!record && (remark || ev->kind == EVENT_CALL_BEGUN))
		record = record_new(engine, ev->step ? ev->step : "", ev->attempt, ev->call);
	/* A question about a call, or of its transport, carries its path: it is no call of its own. */
	if (record && ev->kind == EVENT_ASKED && !str_is(json_text(data, "of", ""), "question")) {
		if (str_is(json_text(data, "of", ""), "doubt") || str_is(json_text(data, "of", ""), "result"))
			doubt_asked(record, ev, data);
		record = NULL;
	}
	if (record && remark)
		remark_stored(engine, record, ev, data, live);
	else if (record && ev->kind == EVENT_CALL_BEGUN)
		begun_stored(engine, record, ev, data, live);
	else if (record && ev->kind == EVENT_CALL_OUTPUT)
		record_output(record, ev, data);
	else if (record && ev->kind == EVENT_CALL_FACT)
		calls_fact_stored(engine, record, data, live);
	else if (record && ev->kind == EVENT_CALL_ENDED)
		ended_stored(engine, record, data, live);
	else if (record)
		settled_stored(engine, record, data, live);
	json_free(data);
}
