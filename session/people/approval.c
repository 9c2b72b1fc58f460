/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/people/approval.h"

#include <string.h>
#include <unistd.h>

#include "actions/worker/action.h"
#include "base/sha256.h"
#include "base/str.h"
#include "base/time.h"
#include "session/ask/asks_int.h"
#include "session/call/calls.h"
#include "session/call/evidence.h"
#include "session/walk/foresee.h"
#include "session/people/here.h"
#include "session/people/pairing.h"

/*
 * Agreement to a step without a way back. It is asked for when the driver has
 * chosen to run the step, and covers one attempt with the commands that were
 * foreseen: their hash is in the question and in what is given. It ends when
 * it is too old, taken back, when who gave it leaves, when the wheel passes,
 * when the session is taken over, and when what would run is something else.
 * While the attempt runs, a changing command that is not in the list waits
 * until it is agreed to as well; so nobody agrees to one thing and gets
 * another.
 */

#define EXPIRES_US (600 * TIME_SECOND)
#define ALONE_US (30 * TIME_SECOND)

/* What must be typed: the text at the step's target, a path into the fleet or the parameters, or the target itself. Caller owns. */
static char *target_of(const struct engine *engine, const struct model_step *step)
{
	long i = script_step_find(engine->script, step->id);
	const char *target = script_book(engine->script)->steps[i].target;
	const struct json *at = str_starts(target, "params.") ? engine->model->params : str_starts(target, "fleet.") ? engine->fleet : NULL;
	const char *rest = at ? strchr(target, '.') + 1 : target;

	while (at && json_type_of(at) == JSON_IS_OBJECT) {
		const char *dot = strchr(rest, '.');
		char *key = dot ? mem_dup(rest, (size_t)(dot - rest)) : mem_strdup(rest);

		at = json_at(at, key);
		rest = dot ? dot + 1 : rest;
		mem_free(key);
	}
	return mem_strdup(json_as_text(at) ? json_as_text(at) : rest && *rest ? rest : step->id);
}

static void put_json(struct buf *text, const struct json *value)
{
	char *print = value ? json_print(value) : mem_strdup("-");

	buf_printf(text, "%s\n", print);
	mem_free(print);
}

/* Over everything that decides what the next attempt does. Caller owns. */
static char *hash_of(const struct engine *engine, const struct model_step *step)
{
	long i = script_step_find(engine->script, step->id);
	unsigned char digest[SHA256_LEN];
	struct buf text = {0}, hex = {0};

	buf_printf(&text, "bellbook agreement 1\n%lld\n%s\n%d\n%s\n", (long long)engine->session, step->id, step->attempt + 1, script_book(engine->script)->steps[i].digest);
	put_json(&text, engine->model->params);
	put_json(&text, engine->vars);
	put_json(&text, engine->look_commands);
	sha256_of(text.data, text.len, digest);
	str_hex(&hex, digest, sizeof(digest));
	buf_done(&text);
	return buf_take(&hex);
}

static int64_t expiry(const struct engine *engine)
{
	return time_wall_us() + pairing_policy_us(engine, "expires", EXPIRES_US);
}

static void put_question(struct engine *engine, struct batch *batch, const struct model_step *step, struct json *data, const char *hash)
{
	struct json *asked = json_new_object();

	json_set_text(data, "hash", hash);
	json_set_int(data, "until_us", expiry(engine));
	json_set_bool(data, "needs_why", true);
	if (pairing_may_waive(engine))
		json_set_int(data, "alone_us", time_wall_us() + pairing_policy_us(engine, "delay", ALONE_US));
	json_set_text(asked, "step", step->id);
	json_set_text(asked, "hash", hash);
	json_set_int(asked, "until_us", json_int(data, "until_us", 0));
	batch_add(batch, EVENT_ASKED, NULL, step->id, step->attempt, data);
	batch_add(batch, EVENT_APPROVAL_ASKED, engine->model->driver, step->id, step->attempt, asked);
}

void approval_ask(struct engine *engine, struct batch *batch, const struct model_step *step)
{
	char *text = mem_printf("“%s” cannot be undone.%s%s", step->title, step->back && *step->back ? " " : "", step->back ? step->back : "");
	struct json *data = asks_data("approval", text, "typed");
	char *target = target_of(engine, step), *hash = hash_of(engine, step);
	struct buf details = {0};

	asks_changed_words(engine, &details);
	json_set_text(data, "expect", target);
	json_set_text(data, "by", engine->model->driver);
	json_set_int(data, "attempt", step->attempt + 1);
	json_set_bool(data, "whole", engine->pairing->look_whole);
	if (engine->look_commands)
		json_put(data, "commands", json_copy_of(engine->look_commands));
	buf_puts(&details, engine->pairing->look_whole ? "A second person types the name above and says why. It covers one attempt with exactly these commands."
							 : "A second person types the name above and says why. NOT ALL of what it will run could be foreseen: what comes later depends on what is found then.");
	json_set_text(data, "details", buf_text(&details));
	buf_done(&details);
	evidence_add(engine, step, data);
	put_question(engine, batch, step, data, hash);
	engine->pairing->again = false;
	mem_free(hash);
	mem_free(target);
	mem_free(text);
}

/* ---- agreeing ---- */

/* True when this view is of the driver's account: whatever its role, it is the same person as far as anybody can tell. */
static bool is_driver(const struct engine *engine, const struct client *client)
{
	for (struct client *c = server_next(engine->server, NULL); c; c = server_next(engine->server, c))
		if (str_is(client_role(c), "driver") && client_uid(c) == client_uid(client))
			return true;
	return false;
}

/* The fleet's people may have a name for each account: two of one name are one person. */
static char *named_alike(const struct engine *engine, const struct client *a, const struct client *b)
{
	const struct json *people = json_at(engine->fleet, "people");
	const char *name = json_type_of(people) == JSON_IS_OBJECT ? json_text(people, client_who(a), NULL) : NULL;

	if (!name || !str_is(name, json_text(people, client_who(b), NULL)))
		return NULL;
	return mem_printf("the fleet file's people say that %s and %s are both %s", client_who(a), client_who(b), name);
}

/* Why a view of another account is no second person beside who drives; NULL = nothing speaks against it. Caller owns. */
static char *second_problem(const struct engine *engine, const struct client *client)
{
	const struct account *account = client_account(client);
	char *why = account->doubt ? mem_strdup(account->doubt) : NULL;

	/* Root is whoever may become it, unless somebody logged in as root. */
	if (!why && account->uid == 0 && account->login != 0)
		why = mem_strdup("root is everybody who may use sudo");
	for (struct client *c = server_next(engine->server, NULL); c && !why; c = server_next(engine->server, c)) {
		if (!str_is(client_role(c), "driver"))
			continue;
		if (client_account(c)->doubt)
			why = mem_printf("nobody can say who drives (%s)", client_account(c)->doubt);
		if (!why)
			why = account_same(account, client_account(c));
		if (!why)
			why = named_alike(engine, client, c);
	}
	return why;
}

static bool is_second(const struct engine *engine, const struct client *client)
{
	char *problem = second_problem(engine, client);

	mem_free(problem);
	return !problem;
}

static bool other_account_here(const struct engine *engine, uid_t uid, bool observers)
{
	for (struct client *c = server_next(engine->server, NULL); c; c = server_next(engine->server, c))
		if (client_uid(c) != uid && is_second(engine, c) && !str_is(client_role(c), "guest") && (observers || !str_is(client_role(c), "observer")))
			return true;
	return false;
}

static char *alone_problem(const struct reply *reply)
{
	struct engine *engine = reply->engine;
	uid_t uid = client_uid(reply->client);
	int64_t wait_us = engine->pairing->asked.asked_us + pairing_policy_us(engine, "delay", ALONE_US) - time_mono_us();
	char span[TIME_TEXT];
	int views = 0;

	for (struct client *c = server_next(engine->server, NULL); c; c = server_next(engine->server, c))
		views += client_uid(c) == uid;
	if (other_account_here(engine, uid, false))
		return mem_strdup("you drive: another person must agree, and one is here");
	if (other_account_here(engine, uid, true))
		return mem_strdup("you drive: another person must agree. One is here as observer, who may attach as navigator and agree");
	if (!pairing_may_waive(engine))
		return mem_printf("you drive: another person must agree. Ask somebody to attach (bellbook attach), or let the fleet file allow a waiver (policy = { alone = \"waiver\" }): it is read "
				  "when the process of a session starts, so then type, on this computer: kill %d; bellbook resume %lld%s", (int)getpid(), (long long)engine->session,
				  views > 1 ? ". The other view here is of your own account: people who share one cannot be told apart" : "");
	if (wait_us > 0)
		return mem_printf("you are alone: read it once more. What you type counts in %s", time_format_span(wait_us, span));
	return NULL;
}

/* Another account than the driver's: may it stand for a second person? */
static char *other_problem(const struct reply *reply)
{
	char *why = second_problem(reply->engine, reply->client), *text;

	if (!why)
		return NULL;
	text = mem_printf("another person must agree, and you may be the one who drives: %s. Log in with an account of your own, and attach there", why);
	mem_free(why);
	return text;
}

char *approval_problem(const struct reply *reply)
{
	struct engine *engine = reply->engine;
	const struct agreement *asked = &engine->pairing->asked;
	const char *role = client_role(reply->client);

	if (asked->seq != reply->ask->seq || asked->until_us <= time_mono_us())
		return mem_strdup("it was asked too long ago: the driver asks again");
	if (client_account(reply->client)->doubt && !is_driver(engine, reply->client))
		return other_problem(reply);
	if (str_is(role, "observer") || str_is(role, "guest"))
		return mem_printf("an %s does not approve; attach as navigator", role);
	if (!here_driver(engine))
		return mem_printf("%s drives and is gone: nothing new starts until somebody drives", engine->model->driver ? engine->model->driver : "nobody");
	return is_driver(engine, reply->client) ? alone_problem(reply) : other_problem(reply);
}

void approval_answered(struct reply *reply)
{
	struct engine *engine = reply->engine;
	const struct agreement *asked = &engine->pairing->asked;
	struct json *data = json_new_object();

	json_set_int(data, "seq", reply->ask->seq);
	json_set_text(data, "step", reply->step->id);
	json_set_int(data, "attempt", asked->attempt);
	json_set_text(data, "hash", asked->hash);
	json_set_text(data, "by", client_who(reply->client));
	json_set_bool(data, "waiver", is_driver(engine, reply->client));
	json_set_text(data, "why", intent_words(reply->intent, "why"));
	json_set_int(data, "until_us", expiry(engine));
	batch_add(&reply->batch, EVENT_APPROVAL_GIVEN, client_who(reply->client), reply->step->id, reply->step->attempt, data);
}

/* ---- ending ---- */

/* An added command that nobody agrees to ends the attempt: it fails, and the choices of a failure come up. */
static void refuse_added(struct engine *engine, const char *reason)
{
	char *text = mem_printf("it wanted to run a command that was not agreed to: %s", reason);

	calls_refuse_held(engine, text);
	mem_free(text);
}

static void withdraw_asked(struct engine *engine, const char *who, const char *reason)
{
	struct agreement *asked = &engine->pairing->asked;
	struct json *data = json_new_object();
	bool added = asked->added;

	json_set_int(data, "seq", asked->seq);
	json_set_text(data, "reason", reason);
	asked->seq = 0;	/* whatever is said to it now comes too late */
	engine_add(engine, EVENT_WITHDRAWN, who, NULL, 0, data);
	if (added)
		refuse_added(engine, reason);
}

static void void_given(struct engine *engine, const char *who, const char *reason)
{
	struct agreement *given = &engine->pairing->given;
	struct json *data = json_new_object();

	json_set_int(data, "seq", given->seq);
	json_set_text(data, "by", given->by);
	json_set_text(data, "reason", reason);
	engine_add(engine, EVENT_APPROVAL_VOIDED, who, given->step, given->attempt, data);
	/* At once, also when the journal cannot be written just now. */
	pairing_forget(given);
}

void approval_void(struct engine *engine, const char *who, const char *reason)
{
	struct pairing *pairing = engine->pairing;

	if (pairing->asked.seq && model_ask_find(engine->model, pairing->asked.seq))
		withdraw_asked(engine, who, reason);
	if (pairing->given.seq)
		void_given(engine, who, reason);
	engine_wake(engine);
}

static void approval_due(void *arg)
{
	struct engine *engine = arg;
	struct pairing *pairing = engine->pairing;
	int64_t now_us = time_mono_us();

	pairing->approval_timer = 0;
	if (engine->closed)
		return;
	if (pairing->asked.seq && pairing->asked.until_us <= now_us && model_ask_find(engine->model, pairing->asked.seq))
		withdraw_asked(engine, NULL, "nobody agreed in time");
	if (pairing->given.seq && pairing->given.until_us <= now_us)
		void_given(engine, NULL, "it is too old");
	engine_wake(engine);
	approval_watch(engine);
}

void approval_watch(struct engine *engine)
{
	struct pairing *pairing = engine->pairing;
	int64_t until_us = pairing->given.seq ? pairing->given.until_us : pairing->asked.seq ? pairing->asked.until_us : 0;
	int64_t wait_us = until_us - time_mono_us();

	loop_cancel(engine->loop, pairing->approval_timer);
	pairing->approval_timer = until_us ? loop_after(engine->loop, wait_us > 0 ? wait_us : TIME_SECOND / 100, approval_due, engine) : 0;
}

bool approval_stands(struct engine *engine, const struct model_step *step)
{
	const struct agreement *given = &engine->pairing->given;
	const char *reason = NULL;
	char *hash, *left = NULL;
	bool here = given->waiver;

	if (!given->step)
		return false;
	hash = hash_of(engine, step);
	for (struct client *c = server_next(engine->server, NULL); c; c = server_next(engine->server, c))
		here = here || str_is(client_who(c), given->by);
	if (!str_is(given->step, step->id) || given->attempt != step->attempt + 1 || !str_is(given->hash, hash))
		reason = "what would run is not what was agreed to any more";
	else if (given->until_us <= time_mono_us())
		reason = "it is too old";
	else if (!here)
		reason = left = mem_printf("%s, who agreed, left", given->by);
	if (reason)
		approval_void(engine, NULL, reason);
	mem_free(left);
	mem_free(hash);
	return !reason;
}

bool approval_misses_navigator(struct engine *engine, const struct model_step *step)
{
	struct pairing *pairing = engine->pairing;
	struct json *data;
	char *why;

	if (!pairing->navigator_left || pairing_may_waive(engine))
		return false;
	why = mem_printf("%s left, and “%s” needs a second person", pairing->navigator_left, step->title);
	data = json_new_object();
	json_set_text(data, "why", why);
	engine_add(engine, EVENT_SESSION_PAUSED, NULL, NULL, 0, data);
	mem_set(&pairing->navigator_left, NULL);
	mem_free(why);
	return true;
}

void approval_gone(struct engine *engine, const struct client *client)
{
	struct pairing *pairing = engine->pairing;
	char *reason;

	if (pairing->given.seq && !pairing->given.waiver && str_is(pairing->given.by, client_who(client))) {
		reason = mem_printf("%s, who agreed, left", client_who(client));
		void_given(engine, NULL, reason);
		mem_free(reason);
	}
	if (!str_is(client_role(client), "navigator"))
		return;
	for (struct client *c = server_next(engine->server, NULL); c; c = server_next(engine->server, c))
		if (str_is(client_role(c), "navigator"))
			return;
	mem_set(&pairing->navigator_left, client_who(client));
}

/* ---- intents ---- */

void approval_withdraw(struct engine *engine, struct client *client, const struct json *intent)
{
	struct pairing *pairing = engine->pairing;
	const char *me = client_who(client), *given = intent_words(intent, "why"), *why = given ? given : "no reason given";
	bool asked = pairing->asked.seq && model_ask_find(engine->model, pairing->asked.seq);
	char *reason;

	if (pairing->given.seq && str_is(pairing->given.by, me)) {
		reason = mem_printf("%s took it back: %s", me, why);
		void_given(engine, me, reason);
	} else if (asked && str_is(client_role(client), "driver")) {
		reason = mem_printf("%s took the request back: %s", me, why);
		withdraw_asked(engine, me, reason);
	} else {
		server_refuse(engine->server, client, intent, "there is nothing of yours to withdraw: you agreed to nothing that waits, and asked nobody to agree");
		return;
	}
	mem_free(reason);
	if (book_drain(engine->book) == 0)
		server_accept(engine->server, client, intent, engine->model->last_seq);
	engine_wake(engine);
}

void approval_disagree(struct engine *engine, struct client *client, const struct json *intent)
{
	struct pairing *pairing = engine->pairing;
	const char *why = intent_words(intent, "why");
	char *reason;

	if (!pairing->asked.seq || pairing->asked.seq != json_int(intent, "seq", 0) || !model_ask_find(engine->model, pairing->asked.seq)) {
		server_refuse(engine->server, client, intent, "that question is not open: name the open one (seq)");
		return;
	}
	if (!why) {
		server_refuse(engine->server, client, intent, "say why you disagree (why)");
		return;
	}
	reason = mem_printf("%s disagrees: %s", client_who(client), why);
	withdraw_asked(engine, client_who(client), reason);
	mem_free(reason);
	if (book_drain(engine->book) == 0)
		server_accept(engine->server, client, intent, engine->model->last_seq);
	engine_wake(engine);
}

/* ---- what runs ---- */

static bool is_listed(const struct json *commands, const struct json *command)
{
	for (size_t i = 0; i < json_count(commands); i++) {
		const struct json *one = json_item(commands, i);

		if (str_is(json_text(one, "host", ""), json_text(command, "host", "?")) && str_is(json_text(one, "digest", ""), json_text(command, "digest", "?")) &&
		    json_int(one, "again", 0) == json_int(command, "again", 0))
			return true;
	}
	return false;
}

static void ask_added(struct engine *engine, const struct model_step *step, struct json *command)
{
	char *text = mem_printf(json_int(command, "again", 0) ? "“%s” is to run a command once more, of which %s says that it did not run."
							      : "“%s” wants to run one more command, which was not foreseen and not agreed to.",
				step->title, engine->model->driver ? engine->model->driver : "somebody");
	struct json *data = asks_data("approval", text, "typed"), *commands = json_new_array();
	char *target = target_of(engine, step), *hash = hash_of(engine, step);
	struct batch batch = {0};

	json_add(commands, command);
	json_set_text(data, "expect", target);
	json_set_text(data, "by", engine->model->driver);
	json_set_int(data, "attempt", step->attempt);
	json_set_bool(data, "added", true);
	json_put(data, "commands", commands);
	json_set_text(data, "details", "The step has begun, and waits. Without agreement the command is not run, and the step fails here.");
	put_question(engine, &batch, step, data, hash);
	batch_commit(engine, &batch);
	mem_free(hash);
	mem_free(target);
	mem_free(text);
}

bool approval_holds(struct engine *engine, const struct approval_command *wanted)
{
	const struct agreement *running = &engine->pairing->running;
	const struct action *action = action_find(wanted->name);
	const struct model_step *step = model_step_find(engine->model, script_book(engine->script)->steps[engine->task_step].id);
	struct json *command;

	if (engine->part != PART_RUN || (!running->whole && !wanted->again) || !step || !str_is(running->step, step->id) || running->attempt != step->attempt || !action ||
	    action->effect == EFFECT_READ)
		return false;
	command = foresee_entry(action, wanted->host, wanted->args);
	if (wanted->again)
		json_set_int(command, "again", wanted->again);
	if (is_listed(running->commands, command)) {
		json_free(command);
		return false;
	}
	if (asks_open(engine, "approval") || engine->pairing->adding) {
		json_free(command);
	} else {
		engine->pairing->adding = true;
		ask_added(engine, step, command);
	}
	return true;
}
