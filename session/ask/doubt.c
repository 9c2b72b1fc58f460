/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/ask/doubt.h"

#include <string.h>

#include "actions/worker/action.h"
#include "base/shown.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "session/ask/asks_int.h"
#include "session/call/calls.h"
#include "session/watch/meter.h"
#include "session/call/records.h"
#include "session/call/tasks.h"

/*
 * A call is in doubt when it was begun and what the host knows of it does not
 * tell how it ended. Then a person is asked about this call, and no other:
 * the calls beside it go on and keep their results, but nothing that changes
 * anything begins on its host. What the person says becomes the call's
 * outcome, and the same attempt of the step goes on.
 *
 * The stages are folded from the events (record.said and what follows), so
 * that a session that is killed anywhere in between goes on there: asked,
 * answered "ran" or "rerun", the host looked at once more (a command that
 * still runs, or has ended after all, beats what anybody says), then either
 * the exit status and the output asked for and written as call.ended, or the
 * call begun anew under another job.
 */

#define LINES 5		/* of the last output, shown */
#define LINE_BYTES ((size_t)200)
#define OUT_DEFAULT ((size_t)2000)

static const struct action *action_of(const struct record *record)
{
	return action_find(record->action);
}

static bool changes(const char *name)
{
	const struct action *action = action_find(name);

	return action && action->effect != EFFECT_READ;
}

static const char *host_of(const struct record *record)
{
	return *record->host ? record->host : "this computer";
}

/* Nobody knows how it ended, also while the host is looked at once more. */
static bool is_open(const struct record *record)
{
	return !record->detour && (record->state == RECORD_UNKNOWN || (record->said != DOUBT_SILENT && record->state == RECORD_BEGUN));
}

static bool is_of(const struct record *record, const struct model_step *step)
{
	return step && str_is(record->step, step->id) && record->attempt == step->attempt &&
	       (step->state == STEP_RUNNING || step->state == STEP_DETACHED || step->state == STEP_IN_DOUBT);
}

bool doubt_holds(const struct engine *engine, const struct record *except, const char *name, const char *host)
{
	if (!changes(name))
		return false;
	for (size_t i = 0; i < engine->record_count; i++)
		if (engine->records[i] != except && is_open(engine->records[i]) && str_is(engine->records[i]->host, host))
			return true;
	return false;
}

/* ---- the questions ---- */

static void put_line(struct buf *out, const char *text, size_t max)
{
	size_t len = strcspn(text, "\n"), keep = len > max ? utf8_border(text, max) : len;

	buf_append(out, text, keep);
	if (keep < len)
		buf_puts(out, "…");
}

/* The last lines of what it wrote, as far as it is stored. */
static void put_output(struct buf *out, const char *name, const struct buf *text)
{
	size_t from = text->len, lines = 0;

	while (from && text->data[from - 1] == '\n')
		from--;
	if (!from)
		return;
	while (from && lines < LINES) {
		from--;
		lines += text->data[from] == '\n';
	}
	buf_printf(out, "\nThe last that is stored of its %s:\n", name);
	for (const char *at = buf_text(text) + from + (lines == LINES); *at; at += strcspn(at, "\n"), at += *at == '\n') {
		buf_puts(out, "  ");
		put_line(out, at, LINE_BYTES);
		buf_putc(out, '\n');
	}
}

static char *details_of(const struct engine *engine, const struct record *record, bool present)
{
	const char *as = json_text(record->args, "as", "");
	int64_t ago_us = time_mono_us() - record->since_us;
	char at[TIME_TEXT], span[TIME_TEXT];
	char *shown = calls_shown(record->action, record->args);
	struct buf text = {0};

	/* What decides the answer stands first: the command may be long. */
	buf_printf(&text, "Begun at %s UTC, %s ago. ", time_format_clock(time_wall_us() - ago_us, at), time_format_span(ago_us, span));
	buf_printf(&text, "Known: %s.\n", record->known && *record->known ? record->known : "it was begun, and its end was not seen");
	buf_printf(&text, "On %s%s%s", host_of(record), *as ? " as " : "", as);
	shown_where(&text, record->args);
	buf_printf(&text, ":\n$ %s\n", shown);
	put_output(&text, "output", &record->out.text);
	put_output(&text, "errors", &record->err.text);
	if (present && engine->probe_text)
		buf_printf(&text, "\n%s\n", engine->probe_text);
	if (present)
		buf_printf(&text, "\nThe other commands of the step keep their results and go on. Nothing that changes anything begins on %s before you answer.", host_of(record));
	else
		buf_puts(&text, "\nNo step waits for it any more. Nothing begins before you answer.");
	mem_free(shown);
	return buf_take(&text);
}

static bool has_check(const struct engine *engine, const struct record *record)
{
	long i = script_step_find(engine->script, record->step);

	return i >= 0 && script_book(engine->script)->steps[i].has[FN_DONE];
}

static void ask(struct engine *engine, const struct record *record, bool present)
{
	const struct model_step *step = model_step_find(engine->model, record->step);
	char *details = details_of(engine, record, present);
	char *text = mem_printf("IN DOUBT on %s, in step “%s”: did it run to its end?", host_of(record), step ? step->title : record->step);
	struct json *data = asks_data("doubt", text, "choice");

	json_set_text(data, "details", details);
	if (action_of(record) && action_of(record)->settle)
		asks_choice(data, "probe", "Look again",
			    "Asks the host once more what became of it. If it still runs, it is waited for, without a time limit, and can be stopped. Changes nothing.", false);
	if (present && has_check(engine, record))
		asks_choice(data, "check", "Run the step's check (done)", "It only looks; what it says is shown here.", false);
	asks_choice(data, "ran", "It ran to its end",
		    present ? "You give its exit status and what it printed; the step goes on with that. Say how you know." : "Say how you know.", true);
	if (present)
		asks_choice(data, "cut", "It began and was cut off",
			    "The command counts as failed; the step fails with it, and you are asked what then. Say how you know.", true);
	if (present)
		asks_choice(data, "rerun", "It did not run: run it now",
			    "Only when you are sure: a thing done twice may be worse than a thing not done. The host is looked at first. Say how you know.", true);
	else
		asks_choice(data, "never", "It did not run, or not to its end", "It is left as it is. Say how you know.", true);
	asks_choice(data, "abort", "Stop the session", "It stays in doubt.", true);
	asks_add(engine, record->step, record->attempt, record->path, record->host, data);
	mem_free(text);
	mem_free(details);
}

static void ask_exit(struct engine *engine, const struct record *record)
{
	char *text = mem_printf("With which exit status did it end on %s? 0 is: well.", host_of(record));
	struct json *data = asks_data("result", text, "integer");

	json_set_text(data, "name", "exit");
	json_set_int(data, "default", 0);
	asks_add(engine, record->step, record->attempt, record->path, record->host, data);
	mem_free(text);
}

static void ask_output(struct engine *engine, const struct record *record)
{
	struct json *data = asks_data("result", "What did it print? The step may read it. Nothing typed: what is stored of it.", "text");
	struct buf details = {0};

	put_output(&details, "output", &record->out.text);
	json_set_text(data, "details", details.len ? buf_text(&details) : "Nothing is stored of it.");
	json_set_text(data, "name", "out");
	json_set_text(data, "default", "");
	asks_add(engine, record->step, record->attempt, record->path, record->host, data);
	buf_done(&details);
}

/* ---- what comes next ---- */

static void tell(struct engine *engine, const struct model_step *step, const struct record *record)
{
	struct json *data = json_new_object();
	char *reason = mem_printf("a command was started on %s, and whether it ended cannot be known from here", host_of(record));

	engine->probed = false;
	json_set_text(data, "reason", reason);
	engine_add(engine, EVENT_STEP_DOUBTED, NULL, step->id, step->attempt, data);
	mem_free(reason);
}

/* What was in doubt is known now: the same attempt goes on, and the finished calls answer from the journal. */
static void go_on(struct engine *engine, const struct model_step *step)
{
	struct json *data = json_new_object();

	json_set_text(data, "part", engine->undoing ? "undo" : "run");
	json_set_bool(data, "again", true);
	engine_add(engine, EVENT_STEP_BEGUN, NULL, step->id, step->attempt, data);
}

/* True when a call of the attempt is under way: the step's check has to wait. */
static bool is_busy(const struct engine *engine, const struct model_step *step)
{
	for (size_t i = 0; i < engine->record_count; i++) {
		const struct record *record = engine->records[i];

		if (is_of(record, step) && record->said == DOUBT_SILENT && (record->state == RECORD_PLANNED || (record->state == RECORD_BEGUN && record->at_worker)))
			return true;
	}
	return false;
}

/* The step's own check runs alone: its function is stopped, and goes on by replay. */
static void check(struct engine *engine, const struct model_step *step)
{
	engine->check_wanted = false;
	tasks_drop(engine);
	tasks_start(engine, (size_t)script_step_find(engine->script, step->id), FN_DONE, PART_DOUBT, "doubt");
}

static void begin_anew(struct engine *engine, struct record *record)
{
	struct book_call key = {.step = record->step, .attempt = record->attempt, .call = record->path, .host = record->host};
	struct batch batch = {0};
	struct json *data = json_new_object();
	char *job = mem_printf("%s.again%d", record->first_job ? record->first_job : record->job, record->reruns + 1);

	/* What the first one wrote is not what the second one writes. */
	book_output_end(engine->book, &key, false);
	json_set_text(data, "how", "rerun");
	json_set_text(data, "by", record->said_who);
	json_set_text(data, "text", record->said_why);
	json_set_text(data, "job", job);
	batch_add(&batch, EVENT_CALL_SETTLED, record->said_who, record->step, record->attempt, data);
	batch.events[0].call = record->path;
	batch.events[0].host = record->host;
	batch_commit(engine, &batch);
	mem_free(job);
}

/* Data of the call.ended that a person's word is. */
static struct json *said_end(const struct record *record, const char *outcome, const char *error, struct json *result)
{
	struct json *data = calls_ended_data(record, outcome, error, result);

	json_set_text(data, "by", record->said_who);
	json_set_text(data, "why", record->said_why);
	json_set_int(data, "took_us", 0);
	json_free(result);
	return data;
}

static void add_said_end(struct engine *engine, struct record *record)
{
	bool ran = record->said == DOUBT_RAN, cut = record->said == DOUBT_CUT;
	struct json *result = json_new_object();
	char *error = ran ? NULL : mem_printf("it %s, says %s: %s", cut ? "began and was cut off" : "did not run to its end", record->said_who, record->said_why ? record->said_why : "no reason given");
	struct batch batch = {0};

	if (ran)
		json_set_int(result, "exit", 0);
	batch_add(&batch, EVENT_CALL_ENDED, record->said_who, record->step, record->attempt, said_end(record, ran ? "ok" : cut ? "failed" : "canceled", error, result));
	batch.events[0].call = record->path;
	batch.events[0].host = record->host;
	batch_commit(engine, &batch);
	mem_free(error);
}

/* A person has said what became of it, and what can be seen does not tell otherwise. */
static void believe(struct engine *engine, struct record *record, bool present)
{
	bool command = json_at(record->args, "cmd") != NULL;

	if (record->said == DOUBT_RERUN && present) {
		begin_anew(engine, record);
	} else if (record->said == DOUBT_RERUN) {
		/* Nobody waits for it any more. */
		doubt_looked(record, true, NULL);
		ask(engine, record, false);
	} else if (record->said == DOUBT_RAN && present && command && record->said_exit < 0) {
		ask_exit(engine, record);
	} else if (record->said == DOUBT_RAN && present && command) {
		ask_output(engine, record);
	} else {
		add_said_end(engine, record);
	}
}

static struct record *first_open(const struct engine *engine)
{
	for (size_t i = 0; i < engine->record_count; i++)
		if (is_open(engine->records[i]) && engine->records[i]->state == RECORD_UNKNOWN)
			return engine->records[i];
	return NULL;
}

static bool any_open(const struct engine *engine, const struct model_step *step)
{
	for (size_t i = 0; i < engine->record_count; i++)
		if (is_open(engine->records[i]) && is_of(engine->records[i], step))
			return true;
	return false;
}

static void next_about(struct engine *engine, struct record *record, const struct model_step *step)
{
	bool present = is_of(record, step);

	if (asks_open(engine, "doubt") || asks_open(engine, "result"))
		return;
	if (record->said != DOUBT_SILENT && !record->looked)
		calls_look_again(engine, record);
	else if (record->said != DOUBT_SILENT)
		believe(engine, record, present);
	else if (present && has_check(engine, record) && (engine->check_wanted || (!engine->probed && !is_busy(engine, step))))
		check(engine, step);
	else
		ask(engine, record, present);
}

bool doubt_advance(struct engine *engine, const struct model_step *step)
{
	struct record *record = first_open(engine);

	if (step && step->state == STEP_IN_DOUBT && !any_open(engine, step)) {
		go_on(engine, step);
		return true;
	}
	if (!record)
		return false;
	if (is_of(record, step) && step->state == STEP_RUNNING) {
		tell(engine, step, record);
		return true;
	}
	if (engine->part == PART_DOUBT)
		return true;
	next_about(engine, record, step);
	return !is_of(record, step) || engine->part == PART_DOUBT;
}

void doubt_checked(struct engine *engine, char *words)
{
	mem_free(engine->probe_text);
	engine->probe_text = words;
	engine->probed = true;
}

/* ---- answers ---- */

static struct record *record_asked(const struct engine *engine, int64_t seq)
{
	for (size_t i = 0; seq && i < engine->record_count; i++)
		if (engine->records[i]->doubted == seq)
			return engine->records[i];
	return NULL;
}

bool doubt_waits(const struct engine *engine, int64_t seq)
{
	return record_asked(engine, seq) != NULL;
}

char *doubt_problem(const struct reply *reply)
{
	const struct json *value = json_at(reply->intent, "value");

	if (!record_asked(reply->engine, reply->ask->seq))
		return mem_strdup("nobody waits for that any more");
	if (str_is(reply->ask->of, "result") && str_is(reply->ask->name, "exit") && (json_as_int(value, -1) < 0 || json_as_int(value, -1) > 255))
		return mem_strdup("an exit status is a number from 0 to 255; 0 is: well");
	return NULL;
}

/* The last answer about a call that ran is its end: one transaction. */
static void end_with(struct reply *reply, const struct record *record)
{
	const char *out = json_text(reply->intent, "value", "");
	struct json *result = json_new_object();
	struct event *ev;

	json_set_int(result, "exit", record->said_exit);
	if (*out)
		json_set_text(result, "out", out);
	batch_add(&reply->batch, EVENT_CALL_ENDED, client_who(reply->client), record->step, record->attempt, said_end(record, "ok", NULL, result));
	ev = &reply->batch.events[reply->batch.n - 1];
	ev->call = record->path;
	ev->host = record->host;
}

void doubt_answered(struct reply *reply)
{
	const struct record *record = record_asked(reply->engine, reply->ask->seq);

	if (str_is(reply->ask->of, "result") && str_is(reply->ask->name, "out"))
		end_with(reply, record);
}

/* ---- folding ---- */

void doubt_asked(struct record *record, const struct event *ev, const struct json *data)
{
	record->doubted = ev->seq;
	record->doubted_of = str_is(json_text(data, "of", ""), "doubt") ? DOUBT_ASK_WHAT : str_is(json_text(data, "name", ""), "exit") ? DOUBT_ASK_EXIT : DOUBT_ASK_OUT;
}

static void fold_answer(struct engine *engine, struct record *record, const struct event *ev, const struct json *data)
{
	static const struct { const char *value; enum doubt_said said; } all[] = {
		{"probe", DOUBT_LOOK}, {"ran", DOUBT_RAN}, {"rerun", DOUBT_RERUN}, {"never", DOUBT_NEVER}, {"cut", DOUBT_CUT},
	};
	const char *value = json_text(data, "value", "");

	if (record->doubted_of == DOUBT_ASK_EXIT)
		record->said_exit = (int)json_int(data, "value", 0);
	if (record->doubted_of != DOUBT_ASK_WHAT)
		return;
	engine->check_wanted = engine->check_wanted || str_is(value, "check");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!str_is(all[i].value, value))
			continue;
		record->said = all[i].said;
		record->said_exit = -1;
		record->looked = false;
		mem_set(&record->said_who, ev->who);
		mem_set(&record->said_why, json_text(data, "why", NULL));
	}
}

void doubt_closed(struct engine *engine, const struct event *ev, const struct json *data)
{
	struct record *record = record_asked(engine, json_int(data, "seq", 0));

	if (!record)
		return;
	if (ev->kind == EVENT_ANSWERED)
		fold_answer(engine, record, ev, data);
	record->doubted = 0;
}

void doubt_looked(struct record *record, bool unknown, const char *words)
{
	static const char lead[] = "what became of it is not known: ";
	const char *bare = words ? strstr(words, lead) : NULL;

	if (words && *words)
		mem_set(&record->known, bare ? bare + sizeof(lead) - 1 : words);
	record->looked = unknown;
	/* Whoever only wanted to look is asked again; whoever was sure is overruled by what the host knows. */
	if (!unknown || record->said == DOUBT_LOOK || !words)
		record->said = DOUBT_SILENT;
}

void doubt_rerun(struct record *record, const struct json *data)
{
	excerpt_done(&record->out);
	excerpt_done(&record->err);
	record->out_to = record->err_to = 0;
	record->dropped = false;
	record->said = DOUBT_SILENT;
	record->looked = false;
	record->state = RECORD_NEVER;
	if (!record->reruns++)
		mem_set(&record->first_job, record->job);
	mem_set(&record->job, json_text(data, "job", record->job));
}
