/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/people/wheel.h"

#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "session/ask/asks_int.h"
#include "session/people/approval.h"
#include "session/people/here.h"
#include "session/people/pairing.h"

/*
 * Who drives. The wheel passes when the driver says so, when the driver does
 * not answer a request in time, or when no view of the driver is attached.
 * A request and an offer are questions to one person (data.to), so that they
 * reach every kind of view, and that nobody else can answer them.
 */

#define TAKE_US (20 * TIME_SECOND)
#define GIVE_US (60 * TIME_SECOND)

/* True when a view of that account is attached that may drive. */
static bool may_drive(const struct engine *engine, const char *who)
{
	for (struct client *c = server_next(engine->server, NULL); c; c = server_next(engine->server, c))
		if (str_is(client_who(c), who) && (str_is(client_role(c), "driver") || str_is(client_role(c), "navigator")))
			return true;
	return false;
}

static void put_pass(struct engine *engine, struct batch *batch, const char *to, const char *who, const char *how, const char *why)
{
	struct json *data = json_new_object();

	approval_void(engine, NULL, "the wheel passed to another person");
	json_set_text(data, "to", to);
	json_set_text(data, "from", engine->model->driver);
	json_set_text(data, "how", how);
	json_set_text(data, "why", why);
	batch_add(batch, EVENT_WHEEL_PASSED, who, NULL, 0, data);
}

void wheel_stored(struct engine *engine, const char *to)
{
	for (struct client *c = server_next(engine->server, NULL); c; c = server_next(engine->server, c)) {
		const char *role = client_role(c);

		if (str_is(role, "driver") || str_is(role, "navigator"))
			here_role(engine, c, str_is(client_who(c), to) ? "driver" : client_account(c)->doubt ? "observer" : "navigator");
	}
	engine->pairing->driver_lost_us = 0;
	here_tell(engine);
}

void wheel_pass(struct engine *engine, const char *to, const char *who, const char *how, const char *why)
{
	struct batch batch = {0};

	put_pass(engine, &batch, to, who, how, why);
	batch_commit(engine, &batch);
}

static void forget(struct pairing *pairing)
{
	pairing->wheel_seq = 0;
	pairing->wheel_queued = false;
	mem_set(&pairing->wheel_who, NULL);
}

static void close_question(struct engine *engine, const char *reason)
{
	struct pairing *pairing = engine->pairing;

	loop_cancel(engine->loop, pairing->wheel_timer);
	pairing->wheel_timer = 0;
	if (pairing->wheel_queued && book_drain(engine->book) < 0)
		return;
	if (pairing->wheel_seq)
		asks_withdraw(engine, pairing->wheel_seq, reason);
	forget(pairing);
}

static void wheel_due(void *arg)
{
	struct engine *engine = arg;
	struct pairing *pairing = engine->pairing;
	char *who = pairing->wheel_who ? mem_strdup(pairing->wheel_who) : NULL;
	bool taking = pairing->wheel_taking;

	pairing->wheel_timer = 0;
	if (who && !engine->closed) {
		close_question(engine, taking ? "no answer in time: the wheel passes" : "not accepted in time: the wheel stays");
		if (taking)
			wheel_pass(engine, who, NULL, "no answer", NULL);
	}
	mem_free(who);
}

/* Asks to (the driver, or who is offered the wheel). */
static void ask(struct engine *engine, const char *by, const char *to, bool taking, const char *why)
{
	struct pairing *pairing = engine->pairing;
	int64_t wait_us = pairing_policy_us(engine, taking ? "take" : "give", taking ? TAKE_US : GIVE_US);
	char span[TIME_TEXT];
	char *text = taking ? mem_printf("%s asks you for the wheel%s%s", by, *why ? ": " : ".", why) : mem_printf("%s hands the wheel to you%s%s", by, *why ? ": " : ".", why);
	char *details = mem_printf(taking ? "Without an answer in %s it passes to %s." : "Without an answer in %s it stays with %s.", time_format_span(wait_us, span), by);
	struct json *data = asks_data("wheel", text, "choice");

	json_set_text(data, "details", details);
	json_set_text(data, "to", to);
	json_set_text(data, "by", by);
	json_set_text(data, "name", taking ? "take" : "give");
	json_set_int(data, "until_us", time_wall_us() + wait_us);
	asks_choice(data, taking ? "give" : "accept", taking ? "Hand it over" : "Take the wheel", taking ? NULL : "You drive: you answer what is asked.", false);
	asks_choice(data, taking ? "refuse" : "decline", taking ? "Keep it" : "Not now", NULL, false);
	mem_set(&pairing->wheel_who, taking ? by : to);
	pairing->wheel_taking = taking;
	pairing->wheel_queued = true;
	pairing->wheel_timer = loop_after(engine->loop, wait_us, wheel_due, engine);
	engine_add(engine, EVENT_ASKED, by, NULL, 0, data);
	mem_free(details);
	mem_free(text);
}

static char *take_problem(struct engine *engine, struct client *client)
{
	if (str_is(client_role(client), "driver"))
		return mem_strdup("you drive already");
	if (!may_drive(engine, client_who(client)) || !str_is(client_role(client), "navigator"))
		return mem_printf("an %s does not drive; attach as navigator", client_role(client));
	if (here_driver(engine) && engine->pairing->wheel_who)
		return mem_printf("the wheel is asked for or offered already (%s); wait for the answer", engine->pairing->wheel_who);
	return NULL;
}

static char *give_problem(struct engine *engine, struct client *client, const char *to)
{
	if (!str_is(client_role(client), "driver"))
		return mem_strdup("you do not drive");
	if (!*to)
		return mem_strdup("say to whom (to)");
	if (str_is(to, client_who(client)))
		return mem_strdup("you drive already");
	if (!may_drive(engine, to))
		return mem_printf("nobody of that name (%s) is here to drive: an observer or guest attaches as navigator first", to);
	if (engine->pairing->wheel_who && !engine->pairing->wheel_taking)
		return mem_printf("it is offered to %s already; wait for the answer", engine->pairing->wheel_who);
	return NULL;
}

void wheel_intent(struct engine *engine, struct client *client, const struct json *intent)
{
	struct pairing *pairing = engine->pairing;
	bool take = str_is(json_text(intent, "do", ""), "take");
	const char *to = json_text(intent, "to", ""), *given = intent_words(intent, "why"), *why = given ? given : "";
	char *problem = take ? take_problem(engine, client) : give_problem(engine, client, to);

	if (problem) {
		server_refuse(engine->server, client, intent, problem);
	} else if (take && !here_driver(engine)) {
		close_question(engine, "nobody drives any more");
		wheel_pass(engine, client_who(client), client_who(client), "the driver was gone", *why ? why : NULL);
	} else if (!take && pairing->wheel_who && str_is(pairing->wheel_who, to)) {
		/* It was asked for by that very person. */
		close_question(engine, "the wheel is handed over");
		wheel_pass(engine, to, client_who(client), "given", *why ? why : NULL);
	} else {
		if (!take)
			close_question(engine, "the wheel is offered to another person");
		ask(engine, client_who(client), take ? here_driver(engine) : to, take, why);
	}
	if (!problem && book_drain(engine->book) == 0)
		server_accept(engine->server, client, intent, pairing->wheel_seq);
	mem_free(problem);
}

const char *wheel_problem(const struct reply *reply)
{
	const struct pairing *pairing = reply->engine->pairing;
	const char *me = client_who(reply->client);

	if (reply->ask->seq != pairing->wheel_seq)
		return "that question is over";
	if (pairing->wheel_taking ? !str_is(client_role(reply->client), "driver") : !str_is(me, pairing->wheel_who) || !may_drive(reply->engine, me))
		return "that question is for another person";
	return NULL;
}

void wheel_answered(struct reply *reply)
{
	struct engine *engine = reply->engine;
	struct pairing *pairing = engine->pairing;
	const char *value = json_text(reply->intent, "value", "");
	char *who = mem_strdup(pairing->wheel_who);

	loop_cancel(engine->loop, pairing->wheel_timer);
	pairing->wheel_timer = 0;
	forget(pairing);
	if (str_is(value, "give") || str_is(value, "accept"))
		put_pass(engine, &reply->batch, who, client_who(reply->client), str_is(value, "give") ? "given" : "accepted", intent_words(reply->intent, "why"));
	mem_free(who);
}

void wheel_gone(struct engine *engine, const char *who)
{
	struct pairing *pairing = engine->pairing;
	char *taker;

	if (str_is(engine->model->driver, who) && !here_driver(engine)) {
		pairing->driver_lost_us = time_wall_us();
		if (pairing->wheel_who && pairing->wheel_taking) {
			taker = mem_strdup(pairing->wheel_who);
			close_question(engine, "the driver left: the wheel passes");
			wheel_pass(engine, taker, NULL, "the driver was gone", NULL);
			mem_free(taker);
		}
	} else if (pairing->wheel_who && str_is(pairing->wheel_who, who) && !may_drive(engine, who)) {
		close_question(engine, "the person who would get the wheel left");
	}
}
