/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/people/orders.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "session/call/calls.h"
#include "session/call/detour.h"

/* What a person ordered stands in the journal before it is done: as a note that names the order. It is done when it is stored (orders_stored). */
static void order(struct engine *engine, struct client *client, const struct json *intent, struct event *ev, struct json *data)
{
	char *text = json_print(data);

	ev->data = text;
	ev->kind = EVENT_NOTE;
	ev->who = client_who(client);
	book_add(engine->book, ev, 1);
	mem_free(text);
	json_free(data);
	if (book_drain(engine->book) == 0)
		server_accept(engine->server, client, intent, 0);
	else
		server_refuse(engine->server, client, intent, "it is kept, and done as soon as the journal can be written");
}

/* The call that the worker has, by the seq of its call.begun. */
static struct record *running(const struct engine *engine, int64_t seq)
{
	for (size_t i = 0; i < engine->record_count; i++) {
		struct record *record = engine->records[i];

		if (record->seq == seq && record->state == RECORD_BEGUN && record->at_worker)
			return record;
	}
	return NULL;
}

void orders_stop(struct engine *engine, struct client *client, const struct json *intent, const struct record *record, bool detour)
{
	const char *why = intent_words(intent, "why"), *what = detour_is_shell(record) ? "end the shell" : "stop the command";
	struct event ev = {.step = record->step, .attempt = record->attempt};
	struct json *data = json_new_object();
	char *text = mem_printf("asked to %s on %s: %s", what, *record->host ? record->host : "this host", why ? why : "no reason given");

	ev.bytes = text;
	ev.len = strlen(text);
	json_set_int(data, "cancel", record->seq);
	json_set_text(data, "why", why);
	if (detour)
		json_set_bool(data, "detour", true);
	order(engine, client, intent, &ev, data);
	mem_free(text);
}

void orders_cancel(struct engine *engine, struct client *client, const struct json *intent)
{
	const struct record *record = running(engine, json_int(intent, "call", 0));

	if (record)
		orders_stop(engine, client, intent, record, false);
	else
		server_refuse(engine->server, client, intent, "no such command is running");
}

void orders_abort(struct engine *engine, struct client *client, const struct json *intent)
{
	const char *why = intent_words(intent, "why");
	struct event ev = {0};
	struct json *data;
	char *text;

	if (!why) {
		server_refuse(engine->server, client, intent, "say why (why)");
		return;
	}
	text = mem_printf("asked to stop the session: %s", why);
	ev.bytes = text;
	ev.len = strlen(text);
	data = json_new_object();
	json_set_text(data, "abort", why);
	order(engine, client, intent, &ev, data);
	mem_free(text);
}

/* A note that is an order: a command is stopped, or the session is. */
void orders_stored(struct engine *engine, const struct event *ev, const struct json *data)
{
	const char *why = json_text(data, "abort", NULL);
	const struct record *record = running(engine, json_int(data, "cancel", 0));

	if (json_bool(data, "detour", false) && record)
		detour_end(engine, ev->who, json_text(data, "why", NULL));
	else if (json_int(data, "cancel", 0) && record)
		worker_cancel(engine->worker, record->number);
	if (!why)
		return;
	engine->abort_asked = true;
	mem_set(&engine->abort_why, why);
	mem_set(&engine->abort_who, ev->who);
	calls_cancel_all(engine, "the session is being stopped");
	engine_wake(engine);
}
