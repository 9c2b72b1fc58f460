/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A meter only looks, so it is no part of what is replayed: its reads are no
 * calls of the journal, have no path and no record, and the session that takes
 * over a running step just begins to read anew. What it found is stored, as
 * call.progress without a call, when it differs from what it found before. It
 * never holds up the step, never asks a person, and never costs a host more
 * than a tenth of the time.
 */
#include "session/watch/meter.h"

#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "base/time.h"
#include "session/secret/secrets.h"
#include "session/watch/stuck.h"

#define METER_FIRST (TIME_SECOND / 2)
#define METER_OFTEN (1 * TIME_SECOND)	/* between the first readings, for a rate that is known soon */
#define METER_EVERY (5 * TIME_SECOND)
#define METER_FIRSTS 5
#define METER_SHARE 10			/* a reading may take this part of the time */
#define METER_PATIENCE (60 * TIME_SECOND)	/* one reading, all its calls */
#define METER_WANTS 20000	/* calls of one reading */

/* One read for the meter. */
struct meter_read {
	struct meter_read *next;
	uint64_t number;	/* at the worker */
	char *path;		/* owned */
	char *host;		/* owned */
	struct excerpt out, err;
};

struct meter {
	size_t step;		/* of the runbook */
	char *id;		/* owned: of the step */
	int attempt;
	int64_t stall_us;
	struct script_task *task;	/* borrowed; NULL = not reading now */
	struct meter_read *reads;
	int timer;
	int64_t began_us;	/* of this reading, boot clock */
	int readings;
	int wants;		/* calls of this reading */
	char *last;		/* owned: data of the latest event, as text */
	int64_t moved_us;	/* boot clock: when it changed */
	bool stall_told;
};

static void tick(void *arg);

static void plan(struct engine *engine, int64_t after_us)
{
	struct meter *meter = engine->meter;

	loop_cancel(engine->loop, meter->timer);
	meter->timer = loop_after(engine->loop, after_us, tick, engine);
}

static void read_free(struct meter_read *read)
{
	mem_free(read->path);
	mem_free(read->host);
	excerpt_done(&read->out);
	excerpt_done(&read->err);
	mem_free(read);
}

/* Ends the reading under way, if any. */
static void stop_reading(struct engine *engine, bool cancel)
{
	struct meter *meter = engine->meter;

	while (meter->reads) {
		struct meter_read *read = meter->reads;

		meter->reads = read->next;
		if (cancel)
			worker_cancel(engine->worker, read->number);
		read_free(read);
	}
	if (meter->task)
		script_task_drop(meter->task);
	meter->task = NULL;
}

/* ---- what it found ---- */

/* Data of call.progress, NULL when the meter knows nothing now. Caller owns. */
static struct json *progress_of(const struct json *found)
{
	static const char *const keys[] = {"done", "total", "percent", "unit", "text"};
	enum json_type type = json_type_of(found);
	struct json *data = json_new_object();
	size_t n = 0;

	if (type == JSON_IS_INT || type == JSON_IS_REAL) {
		json_put(data, "done", json_copy_of(found));
		return data;
	}
	if (type == JSON_IS_TEXT) {
		json_set_text(data, "text", json_as_text(found));
		return data;
	}
	for (size_t i = 0; type == JSON_IS_OBJECT && i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct json *value = json_at(found, keys[i]);
		bool number = json_type_of(value) == JSON_IS_INT || json_type_of(value) == JSON_IS_REAL;

		if (value && (i < 3 ? number : json_as_text(value) != NULL)) {
			json_put(data, keys[i], json_copy_of(value));
			n++;
		}
	}
	if (n)
		return data;
	json_free(data);
	return NULL;
}

static void add_progress(struct engine *engine, struct json *data)
{
	engine_add(engine, EVENT_CALL_PROGRESS, NULL, engine->meter->id, engine->meter->attempt, data);
}

/* Takes data; stores it when it says something new. */
static void found(struct engine *engine, struct json *data)
{
	struct meter *meter = engine->meter;
	char *text = json_print(data);

	if (meter->last && str_is(meter->last, text)) {
		mem_free(text);
		json_free(data);
		if (meter->stall_us && !meter->stall_told && time_mono_us() - meter->moved_us >= meter->stall_us) {
			meter->stall_told = true;
			data = json_new_object();
			json_set_bool(data, "stalled", true);
			add_progress(engine, data);
		}
		return;
	}
	mem_free(meter->last);
	meter->last = text;
	meter->moved_us = time_mono_us();
	meter->stall_told = false;
	add_progress(engine, data);
}

static struct json *text_data(const char *text)
{
	struct json *data = json_new_object();

	json_set_text(data, "text", text);
	return data;
}

static void reading_ended(void *arg, struct script_task *task, const char *error, const struct json *result, const struct json *gives)
{
	struct engine *engine = arg;
	struct meter *meter = engine->meter;
	int64_t took, every;
	struct json *data;
	char *text;

	(void)gives;
	if (!meter || task != meter->task)
		return;
	meter->task = NULL;
	stop_reading(engine, true);
	if (error) {
		text = mem_printf("the meter cannot be read: %.300s", error);
		data = text_data(text);
		mem_free(text);
	} else {
		data = progress_of(result);
	}
	if (data)
		found(engine, data);
	took = time_mono_us() - meter->began_us;
	every = ++meter->readings < METER_FIRSTS ? METER_OFTEN : METER_EVERY;
	plan(engine, took * (METER_SHARE - 1) > every ? took * (METER_SHARE - 1) : every);
}

/* ---- what it wants ---- */

static void refuse(struct engine *engine, struct script_task *task, const char *path, const char *text)
{
	script_answer(task, path, false, NULL, "usage", text);
	engine_wake(engine);
}

static void refuse_change(struct engine *engine, struct script_task *task, const char *path)
{
	struct buf words = {0};

	buf_puts(&words, "a meter only looks: ");
	action_looks_list(&words);
	refuse(engine, task, path, buf_text(&words));
	buf_done(&words);
}

static void answer_now(struct engine *engine, struct script_task *task, const char *path, const char *name)
{
	struct json *value;
	uint64_t bits;

	random_bytes(&bits, sizeof(bits));
	value = json_new_real(str_is(name, "now") ? (double)time_wall_us() / 1e6 : (double)(bits >> 11) / 9007199254740992.0);
	script_answer(task, path, true, value, NULL, NULL);
	json_free(value);
	engine_wake(engine);
}

static void wanted(void *arg, struct script_task *task, const char *path, const char *name, const char *host, const struct json *args)
{
	struct engine *engine = arg;
	struct meter *meter = engine->meter;
	const struct action *action = action_find(name);
	struct worker_call what = {.action = name, .args = args, .host = host, .job = "", .timeout_us = METER_PATIENCE};
	struct meter_read *read;
	struct err e = {0};

	if (!meter || task != meter->task)
		return;
	/* Not an error, which could be caught and met again for ever. */
	if (++meter->wants > METER_WANTS) {
		stop_reading(engine, true);
		found(engine, text_data("the meter cannot be read: it goes on without end"));
		plan(engine, METER_SHARE * METER_PATIENCE);
		return;
	}
	if (str_is(name, "now") || str_is(name, "random")) {
		answer_now(engine, task, path, name);
	} else if (!action || action->effect != EFFECT_READ) {
		refuse_change(engine, task, path);
	} else if (secrets_unknown(engine, args) || !secrets_known(engine, args)) {
		refuse(engine, task, path, "a meter asks for no secret: it can use what the step has used before");
	} else if (action_check(action, args, &e) < 0) {
		refuse(engine, task, path, e.text);
	} else {
		read = mem_alloc(sizeof(*read));
		read->number = ++engine->next_number;
		read->path = mem_strdup(path);
		read->host = mem_strdup(host);
		read->next = meter->reads;
		meter->reads = read;
		worker_start(engine->worker, read->number, &what);
	}
}

static void tick(void *arg)
{
	static const struct script_handlers handlers = {.call = wanted, .ended = reading_ended};
	struct engine *engine = arg;
	struct meter *meter = engine->meter;
	char *words;

	meter->timer = 0;
	if (meter->task) {
		stop_reading(engine, true);
		found(engine, text_data("the meter cannot be read: no answer"));
		plan(engine, METER_SHARE * METER_PATIENCE);
		return;
	}
	if (engine->model->state == SESSION_PAUSED || book_halted(engine->book) || engine->abort_asked || !worker_pid(engine->worker)) {
		plan(engine, METER_EVERY);
		return;
	}
	meter->began_us = time_mono_us();
	meter->wants = 0;
	meter->task = script_task_start(engine->script, meter->step, FN_METER, engine->vars, &handlers, engine);
	words = stuck_take(engine, meter->step, FN_METER);
	if (words)
		script_task_fail(meter->task, words);
	mem_free(words);
	plan(engine, METER_PATIENCE);
	engine_wake(engine);
}

void meter_begin(struct engine *engine, size_t step)
{
	const struct script_step *script = &script_book(engine->script)->steps[step];
	const struct model_step *state = model_step_find(engine->model, script->id);
	struct meter *meter;

	meter_end(engine);
	if (!script->has[FN_METER] || engine->dry_run)
		return;
	meter = mem_alloc(sizeof(*meter));
	meter->step = step;
	meter->id = mem_strdup(script->id);
	meter->attempt = state ? state->attempt : 0;
	meter->stall_us = script->stall_us;
	meter->moved_us = time_mono_us();
	engine->meter = meter;
	plan(engine, METER_FIRST);
}

void meter_end(struct engine *engine)
{
	struct meter *meter = engine->meter;

	if (!meter)
		return;
	stop_reading(engine, engine->worker != NULL);
	loop_cancel(engine->loop, meter->timer);
	mem_free(meter->id);
	mem_free(meter->last);
	mem_free(meter);
	engine->meter = NULL;
}

/* ---- what the worker says ---- */

static struct meter_read *read_find(struct engine *engine, uint64_t call)
{
	struct meter_read *read = engine->meter ? engine->meter->reads : NULL;

	while (read && read->number != call)
		read = read->next;
	return read;
}

bool meter_output(struct engine *engine, uint64_t call, const char *stream, const void *bytes, size_t len)
{
	struct meter_read *read = read_find(engine, call);

	if (!read)
		return false;
	if (!str_is(stream, "note"))
		excerpt_add(str_is(stream, "err") ? &read->err : &read->out, bytes, len);
	return true;
}

bool meter_settled(struct engine *engine, uint64_t call)
{
	struct meter_read *read = read_find(engine, call);

	if (!read)
		return false;
	excerpt_done(&read->out);
	excerpt_done(&read->err);
	return true;
}

/* A password or a host key is nothing to ask for every five seconds: the step's own calls do. */
bool meter_ask(struct engine *engine, uint64_t call)
{
	if (!read_find(engine, call))
		return false;
	worker_cancel(engine->worker, call);
	return true;
}

/* As for other calls: what Lua gets holds no secret. A text ends at its first NUL here. */
static void put_safe(struct engine *engine, struct json *value, const char *key, const struct excerpt *excerpt)
{
	struct buf text = {0};
	char *safe;

	excerpt_put(excerpt, &text);
	safe = book_value(engine->book, buf_text(&text));
	buf_done(&text);
	json_put(value, key, json_new_text(safe, strlen(safe)));
	mem_free(safe);
}

static struct json *value_of(struct engine *engine, const struct meter_read *read, const struct json *result)
{
	struct json *value = result ? json_copy_of(result) : json_new_object();

	json_set_int(value, "code", json_int(result, "exit", -1));
	put_safe(engine, value, "out", &read->out);
	put_safe(engine, value, "err", &read->err);
	if (excerpt_is_cut(&read->out) || excerpt_is_cut(&read->err))
		json_set_bool(value, "out_cut", true);
	json_set_text(value, "host", read->host);
	return value;
}

bool meter_ended(struct engine *engine, uint64_t call, const char *outcome, const char *error, const struct json *result)
{
	struct meter_read *read = read_find(engine, call), **at;
	struct json *value;

	if (!read)
		return false;
	for (at = &engine->meter->reads; *at != read; at = &(*at)->next)
		;
	*at = read->next;
	if (!engine->meter->task) {
		;
	} else if (str_is(outcome, "ok")) {
		value = value_of(engine, read, result);
		script_answer(engine->meter->task, read->path, true, value, NULL, NULL);
		json_free(value);
	} else {
		script_answer(engine->meter->task, read->path, false, NULL, str_is(outcome, "unknown") ? "timeout" : "io", error && *error ? error : outcome);
	}
	read_free(read);
	engine_wake(engine);
	return true;
}

void meter_lost(struct engine *engine)
{
	if (!engine->meter)
		return;
	stop_reading(engine, false);
	plan(engine, METER_EVERY);
}
