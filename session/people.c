/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/people.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "session/asks.h"
#include "session/calls.h"
#include "session/detour.h"
#include "session/steps.h"

/* Who is here, who drives, and what each may do. Identity is the kernel's word about the socket; a role is the session's decision. */

static struct json *person_data(const struct client *client)
{
	struct json *data = json_new_object();

	json_set_int(data, "uid", (int64_t)client_uid(client));
	json_set_text(data, "role", client_role(client));
	json_set_text(data, "view", client_view(client));
	return data;
}

void people_presence(struct engine *engine)
{
	struct json *list = json_new_array();

	for (struct client *c = server_next(engine->server, NULL); c; c = server_next(engine->server, c)) {
		struct json *person = person_data(c);

		json_set_text(person, "who", client_who(c));
		json_add(list, person);
	}
	server_say(engine->server, NULL, "presence", list);
}

/* Name of the driver that is attached, NULL = none. The model hears of it only when the event is stored. */
static const char *driver_here(const struct engine *engine)
{
	for (struct client *c = server_next(engine->server, NULL); c; c = server_next(engine->server, c))
		if (str_is(client_role(c), "driver"))
			return client_who(c);
	return NULL;
}

static bool driver_is_here(const struct engine *engine)
{
	return driver_here(engine) != NULL;
}

static void after_hello(void *arg)
{
	struct engine *engine = arg;

	if (book_halted(engine->book)) {
		struct json *halted = json_new_object();

		json_set_text(halted, "why", book_halted(engine->book));
		server_say(engine->server, NULL, "halted", halted);
	}
	people_presence(engine);
	detour_tell_hosts(engine);
	detour_people(engine);
}

static const char *role_for(struct engine *engine, struct client *client, const char *wish)
{
	const char *driver = driver_here(engine);

	if (!driver)
		driver = engine->model->driver;
	if (str_is(wish, "observer"))
		return "observer";
	if (str_is(wish, "navigator"))
		return "navigator";
	/* Views of one account share the wheel: they cannot be told apart. */
	if (driver && str_is(driver, client_who(client)))
		return "driver";
	if (!driver || !driver_is_here(engine))
		return client_uid(client) == 0 || str_is(client_who(client), engine->who) || !driver ? "driver" : "navigator";
	return "navigator";
}

static const char *on_hello(void *arg, struct client *client, const char *wish, char **why)
{
	struct engine *engine = arg;
	const char *role = role_for(engine, client, wish);
	struct json *data;

	if (!str_is(wish, "driver") && !str_is(wish, "navigator") && !str_is(wish, "observer")) {
		*why = mem_strdup("roles are driver, navigator and observer");
		return NULL;
	}
	if (engine->closed) {
		*why = mem_strdup("the session is over; bellbook log shows it");
		return NULL;
	}
	client_set_role(client, role);
	data = person_data(client);
	json_set_text(data, "role", role);
	engine_add(engine, EVENT_JOINED, client_who(client), NULL, 0, data);
	if (str_is(role, "driver") && !str_is(engine->model->driver, client_who(client))) {
		data = json_new_object();
		json_set_text(data, "to", client_who(client));
		json_set_text(data, "from", engine->model->driver);
		engine_add(engine, EVENT_WHEEL_PASSED, client_who(client), NULL, 0, data);
	}
	loop_defer(engine->loop, after_hello, engine);
	return role;
}

static void on_gone(void *arg, struct client *client)
{
	struct engine *engine = arg;

	if (!engine->closed)
		engine_add(engine, EVENT_LEFT, client_who(client), NULL, 0, person_data(client));
	people_presence(engine);
	detour_people(engine);
	engine_wake(engine);
}

/* ---- intents ---- */

/* What a note says it is about: a step of this session, an earlier event of it. Caller owns. */
static char *note_about(const struct engine *engine, const struct json *intent, struct event *ev)
{
	const struct model_step *step = model_step_find(engine->model, json_text(intent, "step", NULL));
	int64_t pin = json_int(intent, "pin", 0), attempt = json_int(intent, "attempt", 0);
	struct json *data;
	char *text;

	if (step) {
		ev->step = step->id;
		ev->attempt = attempt > 0 && attempt <= step->attempt ? (int)attempt : 0;
	}
	if (pin < engine->session || pin > engine->model->last_seq)
		return NULL;
	data = json_new_object();
	json_set_int(data, "pin", pin);
	json_set_int(data, "at_us", json_int(intent, "at_us", 0));
	text = json_print(data);
	json_free(data);
	return text;
}

static void say_text(struct engine *engine, struct client *client, const struct json *intent, enum event_kind kind)
{
	const char *text = json_text(intent, "text", "");
	size_t index;
	const struct model_step *step = steps_current(engine, &index);
	struct event ev = {.kind = kind, .who = client_who(client), .bytes = text, .len = strlen(text), .step = step ? step->id : NULL, .attempt = step ? step->attempt : 0};
	char *data;

	if (!*text) {
		server_refuse(engine->server, client, intent, "there is no text");
		return;
	}
	data = kind == EVENT_NOTE ? note_about(engine, intent, &ev) : NULL;
	ev.data = data;
	book_add(engine->book, &ev, 1);
	mem_free(data);
	if (book_drain(engine->book) == 0)
		server_accept(engine->server, client, intent, engine->model->last_seq);
}

static void on_pause(struct engine *engine, struct client *client, const struct json *intent, bool pause)
{
	struct json *data = json_new_object();

	if (pause == (engine->model->state == SESSION_PAUSED)) {
		json_free(data);
		server_refuse(engine->server, client, intent, pause ? "it is paused already" : "it is not paused");
		return;
	}
	json_set_text(data, "why", json_text(intent, "why", NULL));
	engine_add(engine, pause ? EVENT_SESSION_PAUSED : EVENT_SESSION_CONTINUED, client_who(client), NULL, 0, data);
	if (book_drain(engine->book) == 0)
		server_accept(engine->server, client, intent, engine->model->last_seq);
}

static void on_cancel(struct engine *engine, struct client *client, const struct json *intent)
{
	int64_t seq = json_int(intent, "call", 0);

	for (size_t i = 0; i < engine->record_count; i++) {
		struct record *record = engine->records[i];
		struct event ev = {.kind = EVENT_NOTE, .who = client_who(client), .step = record->step, .attempt = record->attempt};
		char *text;

		if (record->seq != seq || record->state != RECORD_BEGUN || !record->at_worker)
			continue;
		text = mem_printf("asked to stop the command on %s: %s", *record->host ? record->host : "this host", json_text(intent, "why", "no reason given"));
		ev.bytes = text;
		ev.len = strlen(text);
		book_add(engine->book, &ev, 1);
		mem_free(text);
		worker_cancel(engine->worker, record->number);
		server_accept(engine->server, client, intent, 0);
		return;
	}
	server_refuse(engine->server, client, intent, "no such command is running");
}

static void on_abort(struct engine *engine, struct client *client, const struct json *intent)
{
	const char *why = json_text(intent, "why", "");
	struct event ev = {.kind = EVENT_NOTE, .who = client_who(client)};
	char *text;

	if (!*why) {
		server_refuse(engine->server, client, intent, "say why (why)");
		return;
	}
	text = mem_printf("asked to stop the session: %s", why);
	ev.bytes = text;
	ev.len = strlen(text);
	book_add(engine->book, &ev, 1);
	mem_free(text);
	engine->abort_asked = true;
	mem_set(&engine->abort_why, why);
	mem_set(&engine->abort_who, client_who(client));
	calls_cancel_all(engine, "the session is being stopped");
	server_accept(engine->server, client, intent, 0);
	engine_wake(engine);
}

static void on_wheel(struct engine *engine, struct client *client, const struct json *intent)
{
	bool take = str_is(json_text(intent, "do", ""), "take");
	const char *to = take ? client_who(client) : json_text(intent, "to", "");
	struct json *data;
	bool here = false;

	for (struct client *c = server_next(engine->server, NULL); c; c = server_next(engine->server, c))
		here = here || (str_is(client_who(c), to) && !str_is(client_role(c), "observer"));
	if (!here || (!take && !str_is(client_role(client), "driver"))) {
		server_refuse(engine->server, client, intent, take ? "an observer cannot take the wheel; attach as navigator" : here ? "you do not drive" : "nobody of that name is here to drive");
		return;
	}
	if (take && driver_is_here(engine) && !str_is(client_role(client), "driver")) {
		server_refuse(engine->server, client, intent, "somebody drives: ask for the wheel in the chat; it is handed over with give");
		return;
	}
	for (struct client *c = server_next(engine->server, NULL); c; c = server_next(engine->server, c))
		if (!str_is(client_role(c), "observer"))
			client_set_role(c, str_is(client_who(c), to) ? "driver" : "navigator");
	data = json_new_object();
	json_set_text(data, "to", to);
	json_set_text(data, "from", engine->model->driver);
	engine_add(engine, EVENT_WHEEL_PASSED, client_who(client), NULL, 0, data);
	server_accept(engine->server, client, intent, 0);
	people_presence(engine);
}

static void on_intent(void *arg, struct client *client, const struct json *intent)
{
	struct engine *engine = arg;
	const char *what = json_text(intent, "do", "");
	bool driver = str_is(client_role(client), "driver");

	if (engine->closed) {
		server_refuse(engine->server, client, intent, "the session is over");
		return;
	}
	if (str_is(what, "answer")) {
		asks_answer(engine, client, intent);
	} else if (str_is(what, "note")) {
		say_text(engine, client, intent, EVENT_NOTE);
	} else if (str_is(what, "say")) {
		say_text(engine, client, intent, EVENT_SAID);
	} else if (str_is(what, "take") || str_is(what, "give")) {
		on_wheel(engine, client, intent);
	} else if (detour_intent(engine, client, intent)) {
		;
	} else if (str_is(what, "pause") && !str_is(client_role(client), "observer")) {
		on_pause(engine, client, intent, true);
	} else if (str_is(what, "continue") && driver) {
		on_pause(engine, client, intent, false);
	} else if (str_is(what, "cancel") && driver) {
		on_cancel(engine, client, intent);
	} else if (str_is(what, "abort") && driver) {
		on_abort(engine, client, intent);
	} else if (str_is(what, "pause") || str_is(what, "continue") || str_is(what, "cancel") || str_is(what, "abort")) {
		server_refuse(engine->server, client, intent, "only the driver may do that");
	} else {
		server_refuse(engine->server, client, intent, "there is no such intent; docs/protocol.md lists them");
	}
}

const struct server_hooks *people_hooks(void)
{
	static const struct server_hooks hooks = {.hello = on_hello, .intent = on_intent, .gone = on_gone};

	return &hooks;
}
