/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/ask/asks_int.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/time.h"
#include "session/ask/doubt.h"
#include "session/call/evidence.h"
#include "session/watch/known.h"
#include "session/people/approval.h"
#include "session/people/pairing.h"
#include "session/people/wheel.h"
#include "session/secret/secrets.h"
#include "session/walk/step.h"
#include "session/ask/transport_asks.h"
#include "session/walk/way_back.h"

#define SKIP_HELP "Nobody owes it then; E comes back to it; say why."

/*
 * A question is an event; its answer names it by seq and can meet no other.
 * The answer and what follows from it are one transaction, so that a crash
 * never leaves an answer without its effect or an effect without its answer.
 */

/* ---- asking ---- */

struct json *asks_data(const char *of, const char *text, const char *type)
{
	struct json *data = json_new_object();

	json_set_text(data, "of", of);
	json_set_text(data, "text", text);
	json_set_text(data, "type", type);
	return data;
}

void asks_choice(struct json *data, const char *value, const char *label, const char *help, bool why)
{
	struct json *choices = json_at(data, "choices");
	struct json *choice = json_new_object();

	if (!choices) {
		choices = json_new_array();
		json_put(data, "choices", choices);
		choices = json_at(data, "choices");
	}
	json_set_text(choice, "value", value);
	json_set_text(choice, "label", label);
	json_set_text(choice, "help", help);
	if (why)
		json_set_bool(choice, "why", true);
	json_add(choices, choice);
}

/* A choice that names a person; whom are the words that ask for the name. */
static void asks_whose(struct json *data, const char *value, const char *label, const char *help, const char *whom)
{
	struct json *choices, *last;

	asks_choice(data, value, label, help, false);
	choices = json_at(data, "choices");
	last = json_item(choices, json_count(choices) - 1);
	json_set_text(last, "owner", whom);
}

static void asks_batch(struct batch *batch, const char *step, int attempt, const char *call, const char *host, struct json *data)
{
	batch_add(batch, EVENT_ASKED, NULL, step, attempt, data);
	batch->events[batch->n - 1].call = call;
	batch->events[batch->n - 1].host = host;
}

void asks_add(struct engine *engine, const char *step, int attempt, const char *call, const char *host, struct json *data)
{
	struct batch batch = {0};

	asks_batch(&batch, step, attempt, call, host, data);
	batch_commit(engine, &batch);
}

static void other_choices(struct json *data)
{
	asks_choice(data, "skip", "Skip this step", SKIP_HELP, true);
	asks_choice(data, "defer", "Defer it", "It becomes a debt with an owner and a due date; say why.", true);
	asks_choice(data, "abort", "Stop the session", "Nothing more is run; what is done stays done.", true);
}

bool asks_is_already(const struct engine *engine, const struct model_step *step)
{
	long i = script_step_find(engine->script, step->id);

	return engine->already && i >= 0 && !*script_book(engine->script)->steps[i].gives;
}

/* Offered where the step's own check says that it is done: to go on without running it. */
static void already_choice(const struct engine *engine, const struct model_step *step, struct json *data)
{
	if (asks_is_already(engine, step))
		asks_choice(data, "already", "It is done already", "Nothing is run; the record says that this walk did not do it.", false);
}

#define LONG_LINES 8	/* of commands: a box with more of them covers what the step is about */

static size_t command_lines(const struct json *commands)
{
	size_t lines = 0;

	for (size_t i = 0; i < json_count(commands); i++) {
		lines++;
		for (const char *at = json_text(json_item(commands, i), "shown", ""); (at = strchr(at, '\n')); at++)
			lines++;
	}
	return lines;
}

/* What it does stands before how, when that is long; and what members meet meanwhile, where they do not meet worse already. */
static void explain(const struct engine *engine, const struct model_step *step, struct buf *out)
{
	size_t len = step->about ? strlen(step->about) : 0;
	long i = script_step_find(engine->script, step->id);

	while (len && step->about[len - 1] == '\n')
		len--;
	if (len && command_lines(engine->look_commands) > LONG_LINES)
		buf_printf(out, "%.*s\n\n", (int)len, step->about);
	if (i >= 0 && script_book(engine->script)->steps[i].meanwhile)
		buf_printf(out, "%s\n\n", script_book(engine->script)->steps[i].meanwhile);
	if (step->refuses && *step->refuses && !engine->model->down_since_us)
		buf_printf(out, "Meanwhile the site refuses requests (answers like 502) for about %s, by the runbook's own estimate.\n\n", step->refuses);
}

void asks_changed_words(const struct engine *engine, struct buf *out)
{
	const char *file = script_changed(engine->script);

	if (file)
		buf_printf(out, "The file %s was changed since this session loaded it: what is shown here, and what runs, is as it was then. To walk on with the changed one, end process %d "
			   "on this computer, then: bellbook resume %lld. You are asked about each step that became another.\n\n", file, (int)getpid(), (long long)engine->model->session);
}

static void ask_step(struct engine *engine, const struct model_step *step)
{
	char *text = mem_printf("Run step “%s”?", step->title);
	struct json *data = asks_data("step", text, "choice");
	struct buf details = {0};

	asks_changed_words(engine, &details);
	evidence_warnings(engine, &details);
	evidence_just_now(engine, step, &details);
	explain(engine, step, &details);
	buf_puts(&details, engine->look_details ? engine->look_details : "");
	json_set_text(data, "details", details.len ? buf_text(&details) : NULL);
	if (json_count(engine->look_commands))
		json_put(data, "commands", json_copy_of(engine->look_commands));
	json_set_bool(data, "whole", engine->pairing->look_whole);
	asks_choice(data, "go", "Run it", step->why, false);
	other_choices(data);
	already_choice(engine, step, data);
	asks_add(engine, step->id, step->attempt, NULL, NULL, data);
	buf_done(&details);
	mem_free(text);
}

static void ask_manual(struct engine *engine, const struct model_step *step)
{
	long i = script_step_find(engine->script, step->id);
	const struct script_step *script = &script_book(engine->script)->steps[i];
	char *usual = mem_printf("Is “%s” done?", step->title);
	const char *question = script->question ? script->question : usual;
	bool waits = step->waits_for && *step->waits_for;
	char *text = waits ? mem_printf("Waits for %s: %s", step->waits_for, question) : mem_strdup(question);
	struct buf details = {0};
	struct json *data = asks_data("manual", text, "choice");

	if (waits)
		buf_printf(&details, "%s is to judge this; the step stays open until then. Whoever drives answers for %s, or %s takes the wheel.\n\n",
			   step->waits_for, step->waits_for, step->waits_for);
	asks_changed_words(engine, &details);
	evidence_warnings(engine, &details);
	evidence_just_now(engine, step, &details);
	if (engine->already)
		buf_printf(&details, "%s\n\n", engine->look_details);
	buf_puts(&details, script->about ? script->about : "");
	buf_puts(&details, engine->look_by_hand ? engine->look_by_hand : "");
	evidence_addresses(engine, &details);
	json_set_text(data, "details", details.len ? buf_text(&details) : NULL);
	json_set_text(data, "name", waits ? step->waits_for : NULL);
	asks_choice(data, "done", script->question ? "Yes" : "Done by me", script->question ? "You looked, or did it, yourself." : "You did it by hand.", false);
	asks_whose(data, "other", script->question ? "Somebody else says yes" : "Done by somebody else", "Say who; the record names them.", script->question ? "Who says so?" : "Who did it?");
	asks_whose(data, "wait", waits ? "Wait for somebody else" : "I cannot judge it: wait for somebody", "The step stays open and says for whom.", "Who is to judge it?");
	asks_choice(data, "skip", "Skip this step", SKIP_HELP, true);
	asks_choice(data, "defer", "Defer it", "It becomes a debt with an owner and a due date; say why.", true);
	asks_choice(data, "abort", "Stop here safely", "Nothing is under way; nothing more is run, and what is done stays done.", true);
	way_back_choice(engine, data);
	already_choice(engine, step, data);
	asks_add(engine, step->id, step->attempt, NULL, NULL, data);
	buf_done(&details);
	mem_free(text);
	mem_free(usual);
}

void asks_before(struct engine *engine, const struct model_step *step)
{
	switch (step_type_of(step->kind)->prompt) {
	case PROMPT_BY_HAND:
		ask_manual(engine, step);
		break;
	case PROMPT_CHOICE:
		ask_step(engine, step);
		break;
	case PROMPT_NONE:	/* begins by itself */
		break;
	}
}

/* A step before this one that was gone back to, and done, since this one failed; the last of them, or NULL. */
static const struct model_step *done_since(const struct model *model, const struct model_step *failed)
{
	const struct model_step *last = NULL;

	for (const struct model_step *step = model->steps; step < failed; step++)
		if ((step->state == STEP_OK || step->state == STEP_WARN) && step->ended_us > failed->ended_us && (!last || step->ended_us > last->ended_us))
			last = step;
	return last;
}

void asks_failure(struct engine *engine, const struct model_step *step)
{
	long i = script_step_find(engine->script, step->id);
	const struct model_step *since = str_is(step->reason, "undone") ? NULL : done_since(engine->model, step);
	char *text = since ? mem_printf("Step “%s” failed before “%s” was done. Try it again?", step->title, since->title)
			   : mem_printf(str_is(step->reason, "undone") ? "Step “%s” was undone. What now?" : "Step “%s” failed. What now?", step->title);
	struct json *data = asks_data("failure", text, "choice");
	struct buf details = {0};
	char clock[TIME_TEXT];

	if (since)
		buf_printf(&details, "“%s” has been done since: that may have been what was missing. “Try again” runs this step anew. What follows is of %s, when it failed.\n\n",
			   since->title, time_format_clock(step->ended_us, clock));
	buf_printf(&details, "%s\n\n", step->reason && *step->reason ? step->reason : "No reason is known.");
	if (!str_is(step->reason, "undone")) {
		known_text(engine->model, step, &details);
		buf_puts(&details, "\n\n");
	}
	asks_changed_words(engine, &details);
	evidence_warnings(engine, &details);
	buf_printf(&details, "Nothing more is run until you choose.%s%s", step->back && *step->back ? "\n\nThe way back: " : "",
		   step->back ? step->back : "");
	json_set_text(data, "details", buf_text(&details));
	asks_choice(data, "retry", "Try again", "Runs the step again from its beginning, as a new attempt.", false);
	if (i >= 0 && script_book(engine->script)->steps[i].has[FN_UNDO] && !str_is(step->reason, "undone"))
		asks_choice(data, "undo", "Undo it", "Runs the step's way back.", false);
	other_choices(data);
	way_back_choice(engine, data);
	asks_add(engine, step->id, step->attempt, NULL, NULL, data);
	buf_done(&details);
	mem_free(text);
}

void asks_param(struct engine *engine, const struct script_param *param, const char *problem)
{
	struct json *data = asks_data("parameter", param->ask ? param->ask : param->name, str_is(param->type, "host") ? "text" : param->type);
	char *details = problem || param->help ? mem_printf("%s%s%s", problem ? problem : "", problem && param->help ? "\n" : "", param->help ? param->help : "") : NULL;

	json_set_text(data, "name", param->name);
	json_set_text(data, "details", details);
	for (size_t i = 0; i < json_count(param->choices); i++)
		asks_choice(data, json_as_text(json_item(param->choices, i)), json_as_text(json_item(param->choices, i)), NULL, false);
	if (str_is(param->type, "secret"))
		json_set_bool(data, "secret", true);
	if (param->fallback)
		json_put(data, "default", json_copy_of(param->fallback));
	asks_add(engine, NULL, 0, NULL, NULL, data);
	mem_free(details);
}

const char *asks_stop_words(const struct record *record)
{
	const struct json *choices = json_at(record->args, "choices");

	for (size_t i = 0; str_is(record->action, "ask") && str_is(record->outcome, "ok") && i < json_count(choices); i++)
		if (str_is(json_text(json_item(choices, i), "value", NULL), json_as_text(record->result)))
			return json_text(json_item(choices, i), "stops", NULL);
	return NULL;
}

bool asks_open(const struct engine *engine, const char *of)
{
	for (size_t i = 0; i < engine->model->ask_count; i++) {
		const char *have = engine->model->asks[i].of;

		if (of ? str_is(have, of) : ask_type_holds(ask_type_of(have)))
			return true;
	}
	return false;
}

void asks_withdraw(struct engine *engine, int64_t seq, const char *reason)
{
	struct json *data = json_new_object();

	json_set_int(data, "seq", seq);
	json_set_text(data, "reason", reason);
	engine_add(engine, EVENT_WITHDRAWN, NULL, NULL, 0, data);
}

/* ---- answering ---- */

static const char *value_of(const struct reply *reply)
{
	return json_text(reply->intent, "value", "");
}

static void put_end(struct reply *reply, const char *state)
{
	struct json *data = json_new_object();

	json_set_text(data, "state", state);
	json_set_text(data, "reason", intent_words(reply->intent, "why"));
	json_set_text(data, "owner", intent_words(reply->intent, "owner"));
	json_set_text(data, "due", *reply->due ? reply->due : NULL);
	batch_add(&reply->batch, EVENT_STEP_ENDED, client_who(reply->client), reply->step->id, reply->step->attempt, data);
}

static void put_abort(struct reply *reply)
{
	struct engine *engine = reply->engine;

	engine->abort_asked = true;
	mem_set(&engine->abort_why, intent_words(reply->intent, "why"));
	mem_set(&engine->abort_who, client_who(reply->client));
}

/* skip, defer, abort, back: the same for every question about a step. */
static bool put_common(struct reply *reply)
{
	if (str_is(value_of(reply), "skip")) {
		put_end(reply, "skipped");
	} else if (str_is(value_of(reply), "defer")) {
		struct json *data = json_new_object();

		json_set_text(data, "owner", intent_words(reply->intent, "owner"));
		json_set_text(data, "due", *reply->due ? reply->due : NULL);
		json_set_text(data, "reason", intent_words(reply->intent, "why"));
		batch_add(&reply->batch, EVENT_DEFERRED, client_who(reply->client), reply->step->id, reply->step->attempt, data);
		put_end(reply, "deferred");
	} else if (str_is(value_of(reply), "abort") || str_is(value_of(reply), "back")) {
		reply->engine->going_back = str_is(value_of(reply), "back");
		put_abort(reply);
	} else {
		return false;
	}
	return true;
}

/* The step is over, and nothing of it was run. */
static void put_already(struct reply *reply)
{
	const struct model_step *step = reply->step;
	struct json *data = json_new_object();

	json_set_text(data, "state", "ok");
	json_set_bool(data, "already", true);
	json_set_text(data, "reason", "its own check said so before anything was run");
	json_set_int(data, "took_us", 0);
	batch_add(&reply->batch, EVENT_STEP_ENDED, client_who(reply->client), step->id, step->attempt, data);
	if (str_is(step->downtime, "ends") && reply->engine->model->down_since_us)
		batch_add(&reply->batch, EVENT_DOWNTIME_ENDED, NULL, step->id, step->attempt, NULL);
}

/* A step by hand that waits for somebody is asked about again, with the name that the answer holds. */
static void on_step(struct reply *reply)
{
	if (str_is(value_of(reply), "already")) {
		put_already(reply);
		return;
	}
	if (put_common(reply) || (str_is(reply->ask->of, "manual") && str_is(value_of(reply), "wait")))
		return;
	if (step_type_of(reply->step->kind)->final)
		approval_ask(reply->engine, &reply->batch, reply->step);
	else
		step_begin(reply->engine, &reply->batch, reply->step, "run");
}

/* What was agreed to was one attempt: another one of a step without a way back is looked at and agreed to anew. */
static bool needs_agreement(struct reply *reply)
{
	if (!step_type_of(reply->step->kind)->final)
		return false;
	reply->engine->pairing->again = true;
	reply->engine->looked = false;
	return true;
}

static void on_failure(struct reply *reply)
{
	if (!put_common(reply) && (str_is(value_of(reply), "undo") || !needs_agreement(reply)))
		step_begin(reply->engine, &reply->batch, reply->step, str_is(value_of(reply), "undo") ? "undo" : "run");
}

static void on_doubt(struct reply *reply)
{
	if (str_is(reply->ask->of, "doubt") && str_is(value_of(reply), "abort"))
		put_abort(reply);
	else
		doubt_answered(reply);
}

static void on_change(struct reply *reply)
{
	struct json *data = json_new_object();

	if (str_is(value_of(reply), "abort")) {
		put_abort(reply);
		json_free(data);
		return;
	}
	json_set_text(data, "step", reply->ask->name);
	json_set_text(data, "change", reply->ask->expect);
	json_set_bool(data, "accepted", true);
	batch_add(&reply->batch, EVENT_RUNBOOK_CHANGED, client_who(reply->client), reply->ask->name, 0, data);
}

/* ---- validation ---- */

static const struct model_choice *choice_of(const struct model_ask *ask, const char *value)
{
	for (size_t i = 0; i < ask->choice_count; i++)
		if (str_is(ask->choices[i].value, value))
			return &ask->choices[i];
	return NULL;
}

static char *type_problem(const struct reply *reply)
{
	const struct model_ask *ask = reply->ask;
	const struct json *value = json_at(reply->intent, "value");
	bool own = str_is(ask->of, "parameter");	/* which makes its value of a text, too */
	int64_t us;

	if (str_is(ask->type, "choice") && !choice_of(ask, json_as_text(value)))
		return mem_printf("%s is not one of the choices", json_as_text(value) ? json_as_text(value) : "that");
	if (str_is(ask->type, "integer") && json_type_of(value) != JSON_IS_INT && !own)
		return mem_strdup("a whole number is needed");
	if (str_is(ask->type, "number") && json_type_of(value) != JSON_IS_INT && json_type_of(value) != JSON_IS_REAL && !own)
		return mem_strdup("a number is needed");
	if (str_is(ask->type, "boolean") && json_type_of(value) != JSON_IS_BOOL && !own)
		return mem_strdup("yes or no is needed (true or false)");
	if (str_is(ask->type, "duration") && !(json_as_text(value) && str_to_duration(json_as_text(value), &us)))
		return mem_strdup("a duration is needed, like 90s, 10m, 6h or 2d");
	if (str_is(ask->type, "typed") && !str_is(json_as_text(value), ask->expect))
		return mem_printf("type exactly %s to agree; anything else does nothing", ask->expect);
	if (str_is(ask->type, "text") && !json_as_text(value))
		return mem_strdup("a text is needed");
	return NULL;
}

/* A debt has an owner and a day, which becomes a date here: "friday" would be another one when it is read. */
static char *defer_problem(struct reply *reply)
{
	const char *due = intent_words(reply->intent, "due");
	struct err e;

	if (!intent_words(reply->intent, "owner") || !due)
		return mem_strdup("to defer, say who owns it (owner) and by when (due: " DAY_HELP ")");
	if (day_parse(due, time_wall_us(), reply->due, &e) < 0)
		return mem_strdup(e.text);
	return NULL;
}

/* Words when who sent the answer may not. Caller owns. */
static char *person_problem(struct reply *reply, enum ask_who who)
{
	const char *driver = reply->engine->model->driver, *words;

	switch (who) {
	case ANSWER_SECOND:
		return approval_problem(reply);
	case ANSWER_NAMED:
		words = wheel_problem(reply);
		return words ? mem_strdup(words) : NULL;
	case ANSWER_DRIVER:
		break;
	}
	return str_is(client_role(reply->client), "driver") ? NULL
		: mem_printf("%s drives; you may say something, or take the wheel", driver ? driver : "nobody");
}

#define NOTHING NULL
#define DOES(function) (function(reply), (char *)NULL)
#define TRIES(function) function(reply)

/* Words when the answer is none for a question of its kind. Caller owns. */
static char *check_of(struct reply *reply, enum ask_kind kind)
{
	switch (kind) {
#define ASK(id, name, about, choices, who, voided, order, chosen, usual, spare, check, answered) \
	case ASK_##id: \
		return check;
#include "journal/model/ask_kinds.def"
	case ASK_UNKNOWN:
		break;
	}
	return NULL;
}

/* Words when what such an answer needs besides is not there. Caller owns. */
static char *missing(struct reply *reply, const struct ask_type *type)
{
	const char *value = value_of(reply);
	bool due = ask_type_wants(type, value, "due");

	if (!due && ask_type_wants(type, value, "owner") && !intent_words(reply->intent, "owner"))
		return mem_printf("say who %s (owner)", str_is(value, "other") ? "did it" : "is to judge it");
	if (ask_type_wants(type, value, "why") && !intent_words(reply->intent, "why"))
		return mem_strdup("this answer needs a reason (why)");
	return due ? defer_problem(reply) : NULL;
}

static char *answer_problem(struct reply *reply)
{
	const struct ask_type *type = ask_type_of(reply->ask->of);
	char *problem = person_problem(reply, type->who);

	problem = problem ? problem : type_problem(reply);
	problem = problem ? problem : check_of(reply, type->kind);
	problem = problem ? problem : missing(reply, type);
	/* What a step that is gone left behind is asked about all the same. */
	if (!problem && reply->ask->step && *reply->ask->step && !reply->step && type->kind != ASK_DOUBT)
		return mem_strdup("the step of this question is gone");
	return problem;
}

/* ---- parameters and secrets ---- */

static const struct script_param *param_of(const struct engine *engine, const char *name)
{
	const struct script_book *book = script_book(engine->script);

	for (size_t i = 0; i < book->param_count; i++)
		if (str_is(book->params[i].name, name))
			return &book->params[i];
	return NULL;
}

static char *on_param(struct reply *reply)
{
	const struct script_param *param = param_of(reply->engine, reply->ask->name);
	struct err e = {0};
	struct json *data, *value;

	if (!param)
		return mem_strdup("the runbook has no such parameter any more");
	if (str_is(param->type, "secret")) {
		if (secrets_take(reply->engine, param->name, value_of(reply), &e) < 0)
			return mem_strdup(e.text);
		data = json_new_object();
		value = json_new_object();
		json_set_text(value, "$secret", param->name);
	} else {
		value = script_param_check(reply->engine->script, param, json_at(reply->intent, "value"), &e);
		if (!value)
			return mem_strdup(e.text);
		data = json_new_object();
	}
	json_set_text(data, "name", param->name);
	json_put(data, "value", value);
	json_set_text(data, "source", "asked");
	batch_add(&reply->batch, EVENT_PARAM_SET, client_who(reply->client), NULL, 0, data);
	return NULL;
}

static char *on_transport(struct reply *reply)
{
	struct engine *engine = reply->engine;
	struct err e = {0};

	if (transport_ask_answer(engine, reply->ask->seq, value_of(reply))) {
		/* A typed password is a secret like any other: caught wherever it turns up. */
		struct secret *secret = str_is(reply->ask->of, "secret") ? secret_new("typed password", value_of(reply), strlen(value_of(reply)), &e) : NULL;

		if (secret)
			book_secret(engine->book, secret);
		secret_free(secret);
		return NULL;
	}
	if (str_is(reply->ask->of, "secret") && reply->ask->name)
		return secrets_take(engine, reply->ask->name, value_of(reply), &e) < 0 ? mem_strdup(e.text) : NULL;
	return mem_strdup("nobody waits for that any more");
}

static char *consequence(struct reply *reply)
{
	switch (ask_type_of(reply->ask->of)->kind) {
#define ASK(id, name, about, choices, who, voided, order, chosen, usual, spare, check, answered) \
	case ASK_##id: \
		return answered;
#include "journal/model/ask_kinds.def"
	case ASK_UNKNOWN:
		break;
	}
	return NULL;
}

static void put_answered(struct reply *reply)
{
	struct json *data = json_new_object();

	json_set_int(data, "seq", reply->ask->seq);
	if (!reply->ask->secret)
		json_put(data, "value", json_copy_of(json_at(reply->intent, "value")));
	json_set_text(data, "why", intent_words(reply->intent, "why"));
	json_set_text(data, "owner", intent_words(reply->intent, "owner"));
	json_set_text(data, "due", *reply->due ? reply->due : NULL);
	batch_add(&reply->batch, EVENT_ANSWERED, client_who(reply->client), reply->ask->step, reply->step ? reply->step->attempt : 0, data);
}

void asks_answer(struct engine *engine, struct client *client, const struct json *intent)
{
	int64_t seq = json_int(intent, "seq", 0);
	struct reply reply = {.engine = engine, .client = client, .intent = intent};
	char *problem;

	reply.ask = model_ask_find(engine->model, seq);
	if (!reply.ask || engine->answered_seq == seq) {
		server_refuse(engine->server, client, intent, "that question is not open: somebody answered it before, or it was withdrawn");
		return;
	}
	if (book_halted(engine->book)) {
		server_refuse(engine->server, client, intent, book_halted(engine->book));
		return;
	}
	if (reply.ask->step && *reply.ask->step)
		reply.step = model_step_find(engine->model, reply.ask->step);
	problem = answer_problem(&reply);
	if (!problem) {
		put_answered(&reply);
		problem = consequence(&reply);
	}
	if (problem) {
		for (size_t i = 0; i < reply.batch.n; i++)
			mem_free(reply.batch.texts[i]);
		server_refuse(engine->server, client, intent, problem);
		mem_free(problem);
		return;
	}
	engine->answered_seq = seq;
	batch_commit(engine, &reply.batch);
	if (book_drain(engine->book) == 0)
		server_accept(engine->server, client, intent, engine->model->last_seq);
	else
		server_refuse(engine->server, client, intent, "Your answer is kept and counts as soon as the journal can be written");
	engine_wake(engine);
}

void asks_stored(struct engine *engine, const struct event *ev)
{
	struct err e = {0};
	struct json *data = json_parse(ev->data, strlen(ev->data), &e);

	transport_ask_stored(engine, ev, data);
	if (ev->kind == EVENT_ASKED && !engine->wait_since_us)
		engine->wait_since_us = ev->mono_us;
	if (ev->kind != EVENT_ASKED && engine->model->ask_count == 0 && engine->wait_since_us) {
		engine->step_waited_us += ev->mono_us - engine->wait_since_us;
		engine->wait_since_us = 0;
	}
	json_free(data);
}
