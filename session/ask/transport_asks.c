/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _DEFAULT_SOURCE	/* explicit_bzero */
#include "session/ask/transport_asks.h"

#include <string.h>

#include "base/str.h"
#include "session/ask/asks.h"

/*
 * A key that is trusted, or a password, takes effect on a host: it is sent
 * when the answer is on disk, and not before. And a call may end in the same
 * breath in which it asked: its question is withdrawn when it has a number.
 */

/* Takes it out of the list. */
static void drop(struct transport_ask **at)
{
	struct transport_ask *ask = *at;

	*at = ask->next;
	if (ask->answer)
		explicit_bzero(ask->answer, strlen(ask->answer));
	mem_free(ask->answer);
	mem_free(ask->over);
	mem_free(ask->of);
	mem_free(ask->key);
	mem_free(ask);
}

static struct transport_ask **find(struct engine *engine, int64_t seq)
{
	struct transport_ask **at = &engine->transport_asks;

	while (*at && (*at)->seq != seq)
		at = &(*at)->next;
	return at;
}

const char *transport_ask_new(struct engine *engine, uint64_t call, int64_t number, const char *of)
{
	struct transport_ask *ask = mem_alloc(sizeof(*ask));

	ask->call = call;
	ask->ask = number;
	ask->of = mem_strdup(of);
	ask->key = mem_printf("%llu.%lld", (unsigned long long)call, (long long)number);
	ask->next = engine->transport_asks;
	engine->transport_asks = ask;
	return ask->key;
}

bool transport_ask_answer(struct engine *engine, int64_t seq, const char *value)
{
	struct transport_ask *ask = seq ? *find(engine, seq) : NULL;

	if (!ask || ask->answer)
		return false;
	ask->answer = mem_strdup(value);
	return true;
}

void transport_ask_withdraw(struct engine *engine, uint64_t call, const char *reason)
{
	struct transport_ask **at = &engine->transport_asks;

	while (*at) {
		struct transport_ask *ask = *at;

		if (ask->call != call) {
			at = &ask->next;
		} else if (!ask->seq) {
			mem_set(&ask->over, reason);
			at = &ask->next;
		} else {
			/* An answer that is on its way to the disk closes the question by itself. */
			if (!ask->answer)
				asks_withdraw(engine, ask->seq, reason);
			drop(at);
		}
	}
}

static void asked_stored(struct engine *engine, int64_t seq, const char *key)
{
	struct transport_ask **at = &engine->transport_asks;

	while (*at && !str_is((*at)->key, key))
		at = &(*at)->next;
	if (!*at)
		return;
	(*at)->seq = seq;
	if (!(*at)->over)
		return;
	asks_withdraw(engine, seq, (*at)->over);
	drop(at);
}

static void answered_stored(struct engine *engine, int64_t seq)
{
	struct transport_ask **at = find(engine, seq), *ask = *at;

	if (!seq || !ask || !ask->answer)
		return;
	worker_answer(engine->worker, ask->call, ask->ask, ask->answer, strlen(ask->answer));
	drop(at);
}

void transport_ask_stored(struct engine *engine, const struct event *ev, const struct json *data)
{
	if (ev->kind == EVENT_ASKED && json_text(data, "ask", NULL))
		asked_stored(engine, ev->seq, json_text(data, "ask", NULL));
	else if (ev->kind == EVENT_ANSWERED)
		answered_stored(engine, json_int(data, "seq", 0));
}

void transport_ask_free(struct engine *engine)
{
	while (engine->transport_asks)
		drop(&engine->transport_asks);
}
