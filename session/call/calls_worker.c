/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/call/calls.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "session/ask/asks.h"
#include "session/call/detour.h"
#include "session/walk/foresee.h"
#include "session/watch/meter.h"
#include "session/watch/outside.h"
#include "session/call/records.h"
#include "session/ask/transport_asks.h"

/* What comes back from the worker becomes events; it is acted on when they are stored (calls.c). */

#define LOSSES_MAX 5		/* lost workers within LOSS_WINDOW before bellbook waits between new ones */
#define LOSS_WINDOW (10 * TIME_SECOND)
#define RECORD_LOSSES 8
#define SWEPT_AGAIN 64		/* calls of each host: no more wait for the sweep at one time */
#define WAITING_MAX ((size_t)8 << 20)

static struct book_call key_of(const struct record *record)
{
	return (struct book_call){.step = record->step, .attempt = record->attempt, .call = record->path, .host = record->host, .lively = record->detour};
}

static void on_output(void *arg, uint64_t call, const char *stream, const void *bytes, size_t len)
{
	struct engine *engine = arg;
	struct record *record = record_by_number(engine, call);
	struct book_call key;

	if (meter_output(engine, call, stream, bytes, len) || !record || !record->at_worker)
		return;
	key = key_of(record);
	book_output(engine->book, &key, stream, bytes, len);
	if (record->task == engine->task && !record->detour)
		foresee_output(engine, len);
	if (book_waiting(engine->book) > WAITING_MAX)
		worker_pause(engine->worker, true);
}

static void on_progress(void *arg, uint64_t call, const struct json *progress)
{
	struct engine *engine = arg;
	struct record *record = record_by_number(engine, call);

	if (outside_progress(engine, call, progress))
		return;
	if (record && record->at_worker)
		calls_add(engine, record, EVENT_CALL_PROGRESS, json_copy_of(progress));
}

static void on_fact(void *arg, uint64_t call, int64_t number, const struct json *fact)
{
	struct engine *engine = arg;
	struct record *record = record_by_number(engine, call);

	if (record && record->at_worker && !record->ending)
		calls_add(engine, record, EVENT_CALL_FACT, facts_add(&record->facts, number, fact));
	else
		worker_kept(engine->worker, call, number, "it is no call of the journal: nothing of it is kept");
}

void calls_fact_stored(struct engine *engine, struct record *record, const struct json *data, bool live)
{
	int64_t number = facts_stored(&record->facts, data);

	if (live && number)
		worker_kept(engine->worker, record->number, number, NULL);
}

static void on_link(void *arg, uint64_t call, const char *state, const char *text)
{
	struct engine *engine = arg;
	struct record *record = record_by_number(engine, call);
	struct json *data;

	if (!record)
		return;
	data = json_new_object();
	json_set_text(data, "state", state);
	json_set_text(data, "text", text);
	calls_add(engine, record, EVENT_LINK_CHANGED, data);
}

static void add_settled(struct engine *engine, struct record *record, const char *how, const char *text)
{
	struct book_call key = key_of(record);
	struct json *data = json_new_object();

	if (str_is(how, "again"))
		book_output_end(engine->book, &key, false);
	json_set_text(data, "how", how);
	json_set_text(data, "by", "bellbook");
	json_set_text(data, "text", text && *text ? text : NULL);
	calls_add(engine, record, EVENT_CALL_SETTLED, data);
}

static void on_settled(void *arg, uint64_t call, const char *how, const char *text)
{
	struct engine *engine = arg;
	struct record *record = record_by_number(engine, call);

	if (meter_settled(engine, call) || !record || !record->at_worker)
		return;
	if (str_is(how, "never") || str_is(how, "unknown"))
		transport_ask_withdraw(engine, call, "the call was settled");
	add_settled(engine, record, how, text);
}

static void on_ask(void *arg, uint64_t call, int64_t number, const char *of, const char *text, const char *details)
{
	struct engine *engine = arg;
	struct record *record = record_by_number(engine, call);
	struct json *data;
	bool hostkey = str_is(of, "hostkey");

	if (meter_ask(engine, call) || !record)
		return;
	/* A call asks one thing at a time: whoever asked before is gone. */
	transport_ask_withdraw(engine, call, "it is asked anew");
	data = asks_data(of, text, hostkey ? "choice" : "secret");
	json_set_text(data, "details", details && *details ? details : NULL);
	json_set_text(data, "ask", transport_ask_new(engine, call, number, of));
	if (hostkey) {
		asks_choice(data, "trust", "Trust this key and remember it", "Only after comparing the fingerprint with what the host's owner or console says.", false);
		asks_choice(data, "refuse", "Do not connect", "Nothing is sent to the host.", false);
	} else {
		json_set_bool(data, "secret", true);
	}
	asks_add(engine, record->step, record->attempt, record->path, record->host, data);
}

static void on_ended(void *arg, uint64_t call, const char *outcome, const char *error, bool not_run, const struct json *result)
{
	struct engine *engine = arg;
	struct record *record = record_by_number(engine, call);
	struct book_call key;
	struct json *data;

	if (meter_ended(engine, call, outcome, error, result) || outside_ended(engine, call, outcome, error) || !record || !record->at_worker || record->ending)
		return;
	transport_ask_withdraw(engine, call, "the call ended");
	key = key_of(record);
	book_output_end(engine->book, &key, true);
	record->ending = true;
	data = calls_ended_data(record, outcome, detour_ending(engine, record, outcome, error), result);
	if (not_run)
		json_set_bool(data, "not_run", true);
	calls_add(engine, record, EVENT_CALL_ENDED, data);
}

/* A call that has taken its worker with it again and again would do so for ever. */
static bool give_up(struct engine *engine, struct record *record)
{
	const struct action *action = action_find(record->action);
	struct json *data;

	if (++record->losses <= RECORD_LOSSES)
		return false;
	data = json_new_object();
	record->ending = true;
	json_set_text(data, "outcome", action && action->effect == EFFECT_READ ? "failed" : "unknown");
	json_set_text(data, "error", "bellbook's worker died each time it had this command: a fault in bellbook, please report it with the log");
	calls_add(engine, record, EVENT_CALL_ENDED, data);
	return true;
}

/* Hands a call to the present worker again: a read afresh, a change to be settled from the last byte that is stored or queued. */
static void hand_again(struct engine *engine, struct record *record)
{
	const struct action *action = action_find(record->action);
	struct book_call key = key_of(record);
	int64_t out = book_output_offset(engine->book, &key, json_bool(record->args, "pty", false) ? "pty" : "out");
	int64_t err = book_output_offset(engine->book, &key, "err");

	if (detour_is_shell(record)) {
		detour_lost(engine, record);
		return;
	}
	if (action && action->effect == EFFECT_ONCE) {
		add_settled(engine, record, "unknown", "this action cannot be looked up afterwards");
		return;
	}
	if (!action || action->effect == EFFECT_READ) {
		add_settled(engine, record, "again", "the read is repeated");
		calls_hand_over(engine, record, false);
		return;
	}
	record->out_to = out > record->out_to ? out : record->out_to;
	record->err_to = err > record->err_to ? err : record->err_to;
	calls_hand_over(engine, record, true);
}

/* What was not begun has left nothing on its host, as far as the host could be asked. */
static bool was_begun(const struct record *record)
{
	return record->reruns > 0 || record->result || !str_is(record->outcome, "failed");
}

void calls_forget(struct engine *engine, const struct record *record)
{
	worker_forget(engine->worker, record->action, record->host, record->job, was_begun(record));
	for (int i = 0; i < record->reruns; i++) {
		char *job = i ? mem_printf("%s.again%d", record->first_job, i) : mem_strdup(record->first_job);

		worker_forget(engine->worker, record->action, record->host, job, true);
		mem_free(job);
	}
}

/* How many calls of each host were swept again. */
struct swept {
	const char *host;	/* borrowed from a record */
	int count;
};

/* True while the host has not had its share. */
static bool sweep_more(struct swept **all, size_t *n, const char *host)
{
	size_t i = 0;

	while (i < *n && !str_is((*all)[i].host, host))
		i++;
	if (i == *n) {
		*all = mem_more(*all, *n, sizeof(**all));
		(*all)[(*n)++] = (struct swept){.host = host};
	}
	return (*all)[i].count++ < SWEPT_AGAIN;
}

/* A crash, ours or the worker's, may have come between an outcome and the sweep on the host: the latest of each host are swept again. */
static void sweep_again(struct engine *engine)
{
	struct swept *all = NULL;
	size_t n = 0;

	for (size_t i = engine->record_count; i-- > 0;) {
		const struct record *record = engine->records[i];
		const struct action *action = action_find(record->action);

		if (record->state == RECORD_ENDED && action && action->effect == EFFECT_CHANGE && was_begun(record) && sweep_more(&all, &n, record->host))
			calls_forget(engine, record);
	}
	mem_free(all);
}

/* ---- the end ---- */

/* A note to all by bellbook. Takes text. */
static void say(struct engine *engine, char *text)
{
	struct event ev = {.kind = EVENT_NOTE, .who = "bellbook", .bytes = text, .len = strlen(text)};

	book_add(engine->book, &ev, 1);
	mem_free(text);
}

/* Longer than a lane tries to forget, but nobody waits long for a host that is gone. */
#define SWEEP_MAX (12 * TIME_SECOND)

/* Whether or not everybody has said a last word. */
static void close_now(void *arg)
{
	struct engine *engine = arg;
	struct json *data = engine->closing_data;

	loop_cancel(engine->loop, engine->timer_sweep);
	engine->timer_sweep = 0;
	engine->closing_data = NULL;
	if (data)
		engine_add(engine, EVENT_SESSION_CLOSED, NULL, NULL, 0, data);
}

void calls_close_now(struct engine *engine)
{
	if (engine->swept && !outside_is_busy(engine))
		close_now(engine);
}

/* Before session.closed, as nobody looks after a session that is over: killed in the middle of it, the session is resumed and sweeps again. */
void calls_sweep_and_close(struct engine *engine, struct json *data)
{
	json_free(engine->closing_data);
	engine->closing_data = data;
	engine->swept = false;
	outside_close(engine);
	engine->timer_sweep = loop_after(engine->loop, SWEEP_MAX, close_now, engine);
	worker_sweep(engine->worker);
}

static void on_swept(void *arg, const char *left)
{
	struct engine *engine = arg;

	if (*left && engine->closing_data)
		say(engine, mem_printf("Files that commands of this session left stay on %s, in ~/.bellbook/jobs or where the fleet file says (jobs): no answer came at the end. "
				       "They hold what the commands printed, harm nothing, and can be deleted.", left));
	engine->swept = true;
	calls_close_now(engine);
}

static void restart_worker(void *arg)
{
	struct engine *engine = arg;
	struct err e = {0};

	if (worker_restart(engine->worker, &e) < 0) {
		if (!engine->no_worker)
			say(engine, mem_printf("No command can be run now: %s. It is tried again each second.", e.text));
		engine->no_worker = true;
		if (engine->abort_asked)
			calls_cancel_all(engine, "stopped while no worker process could be started");
		loop_after(engine->loop, TIME_SECOND, restart_worker, engine);
		return;
	}
	if (engine->no_worker)
		say(engine, mem_strdup("Commands can be run again."));
	engine->no_worker = false;
	for (size_t i = 0; i < engine->record_count; i++) {
		struct record *record = engine->records[i];

		if (record->state == RECORD_BEGUN && record->at_worker && !record->ending && !give_up(engine, record))
			hand_again(engine, record);
	}
	sweep_again(engine);
	if (engine->closing_data)
		worker_sweep(engine->worker);
}

static void on_lost(void *arg, pid_t pid)
{
	struct engine *engine = arg;
	struct json *data = json_new_object(), *calls = json_new_array();
	int64_t now = time_mono_us();

	meter_lost(engine);
	outside_lost(engine);
	for (size_t i = 0; i < engine->record_count; i++) {
		struct record *record = engine->records[i];

		if (record->state == RECORD_BEGUN && record->at_worker && !record->ending) {
			transport_ask_withdraw(engine, record->number, "the worker was lost; the question comes again");
			facts_lost(&record->facts);
			json_add(calls, json_new_text(record->path, strlen(record->path)));
		}
	}
	json_set_int(data, "pid", pid);
	json_put(data, "calls", calls);
	engine_add(engine, EVENT_WORKER_LOST, NULL, NULL, 0, data);
	if (now - engine->worker_lost_us > LOSS_WINDOW)
		engine->worker_losses = 0;
	engine->worker_lost_us = now;
	if (++engine->worker_losses > LOSSES_MAX)
		loop_after(engine->loop, TIME_SECOND, restart_worker, engine);
	else
		restart_worker(engine);
}

const struct worker_events *calls_worker_events(void)
{
	static const struct worker_events events = {
		.output = on_output, .progress = on_progress, .fact = on_fact, .link = on_link, .settled = on_settled, .ask = on_ask, .ended = on_ended, .swept = on_swept, .lost = on_lost,
	};

	return &events;
}

/* ---- after a resume ---- */

static void settle_one(struct engine *engine, struct record *record)
{
	const struct action *action = action_find(record->action);

	if (str_is(record->action, "ask") || str_is(record->action, "sleep") || record->ending)
		return;
	if (detour_is_shell(record)) {
		detour_lost(engine, record);
	} else if (action && action->effect != EFFECT_READ) {
		engine->settling++;
		record->settling = true;
		hand_again(engine, record);
	} else {
		add_settled(engine, record, "again", "the read is repeated");
		record->state = RECORD_NEVER;
	}
}

void calls_settle(struct engine *engine)
{
	engine->settle_later = false;
	for (size_t i = 0; i < engine->record_count; i++) {
		struct record *record = engine->records[i];

		/* Settled before another crash: the host is asked again, for only then may it be started anew. (A question that was withdrawn is just asked anew.) */
		if (record->state == RECORD_NEVER && !str_is(record->action, "ask"))
			record->state = RECORD_BEGUN;
		if (record->state == RECORD_BEGUN)
			settle_one(engine, record);
	}
	sweep_again(engine);
}

void calls_look_again(struct engine *engine, struct record *record)
{
	record->state = RECORD_BEGUN;
	record->patient = true;
	record->losses = 0;
	hand_again(engine, record);
}

void calls_cancel_all(struct engine *engine, const char *why)
{
	if (engine->settle_later)
		calls_settle(engine);
	for (size_t i = 0; i < engine->record_count; i++) {
		struct record *record = engine->records[i];

		if (record->state != RECORD_BEGUN || record->ending)
			continue;
		if (record->at_worker && !engine->no_worker) {
			worker_cancel(engine->worker, record->number);
		} else {
			const struct action *action = action_find(record->action);
			struct json *data = json_new_object();
			/* It may be running on its host. */
			bool unknown = record->at_worker && action && action->effect != EFFECT_READ;

			record->ending = true;
			json_set_text(data, "outcome", unknown ? "unknown" : "canceled");
			json_set_text(data, "error", why);
			calls_add(engine, record, EVENT_CALL_ENDED, data);
		}
	}
}
