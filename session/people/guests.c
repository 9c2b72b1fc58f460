/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/people/guests.h"

#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "session/watch/clock.h"

/* Guests: invited by the driver for a time, they watch and do nothing else; when the time is up their views are closed. */

#define USUAL_US (TIME_SECOND * 3600)
#define LEAST_US TIME_SECOND
#define MOST_US (TIME_SECOND * 24 * 3600)

struct guest {
	struct guest *next;
	char *who;		/* owned */
	int64_t until_us;	/* wall clock, as it is told */
	int64_t end_us;		/* boot clock, as it is kept */
};

void guests_free(struct pairing *pairing)
{
	while (pairing->guests) {
		struct guest *guest = pairing->guests;

		pairing->guests = guest->next;
		mem_free(guest->who);
		mem_free(guest);
	}
}

static struct guest *find(const struct pairing *pairing, const char *who)
{
	struct guest *guest = pairing->guests;

	while (guest && !str_is(guest->who, who))
		guest = guest->next;
	return guest;
}

int64_t guests_until(const struct engine *engine, const char *who)
{
	const struct guest *guest = find(engine->pairing, who);

	return guest && guest->end_us > time_mono_us() ? guest->until_us : 0;
}

bool guests_only(const struct engine *engine, const char *who)
{
	const struct json *people = json_at(engine->fleet, "people");

	for (size_t i = 0; json_type_of(people) == JSON_IS_ARRAY && i < json_count(people); i++)
		if (str_is(json_as_text(json_item(people, i)), who))
			return false;
	return json_count(people) > 0 && !json_at(people, who) && !str_is(who, engine->who);
}

static void send_away(struct engine *engine, struct client *client, const char *why)
{
	loop_cancel(engine->loop, client_facts(client)->timer);
	client_facts(client)->timer = 0;
	mem_set(&client_facts(client)->why, why);
	server_dismiss(engine->server, client, why);
}

/* Whoever is still here as a guest without an invitation goes. */
static void time_up(void *arg)
{
	struct engine *engine = arg;

	for (struct client *c = server_next(engine->server, NULL), *next; c; c = next) {
		int64_t until_us = guests_until(engine, client_who(c));

		next = server_next(engine->server, c);
		if (!str_is(client_role(c), "guest"))
			continue;
		if (until_us)
			guests_watch(engine, c, until_us);
		else
			send_away(engine, c, "your time as a guest is up");
	}
}

void guests_watch(struct engine *engine, struct client *client, int64_t until_us)
{
	const struct guest *guest = find(engine->pairing, client_who(client));
	int64_t wait_us = guest ? guest->end_us - time_mono_us() : 0;

	client_facts(client)->until_us = until_us;
	loop_cancel(engine->loop, client_facts(client)->timer);
	client_facts(client)->timer = loop_after(engine->loop, (wait_us > 0 ? wait_us : 0) + TIME_SECOND / 100, time_up, engine);
}

void guests_stored(struct engine *engine, const struct event *ev, const struct json *data)
{
	struct pairing *pairing = engine->pairing;
	const char *who = json_text(data, "to", "");
	struct guest *guest = find(pairing, who);

	if (!guest) {
		guest = mem_alloc(sizeof(*guest));
		guest->who = mem_strdup(who);
		guest->next = pairing->guests;
		pairing->guests = guest;
	}
	guest->until_us = guest->end_us = 0;
	if (ev->kind != EVENT_INVITED)
		return;
	guest->until_us = json_int(data, "until_us", 0);
	guest->end_us = clock_end(engine, ev, guest->until_us);
}

void guests_invite(struct engine *engine, struct client *client, const struct json *intent)
{
	const char *to = json_text(intent, "to", ""), *span = json_text(intent, "for", "");
	int64_t us = USUAL_US;
	struct json *data;

	if (!*to || strlen(to) > 64) {
		server_refuse(engine->server, client, intent, "say whom to invite (to: the account's name)");
		return;
	}
	if ((*span && !str_to_duration(span, &us)) || us < LEAST_US || us > MOST_US) {
		server_refuse(engine->server, client, intent, "say for how long (for), like 30m; at most 24h");
		return;
	}
	data = json_new_object();
	json_set_text(data, "to", to);
	json_set_int(data, "until_us", time_wall_us() + us);
	json_set_text(data, "why", intent_words(intent, "why"));
	engine_add(engine, EVENT_INVITED, client_who(client), NULL, 0, data);
	if (book_drain(engine->book) < 0)
		return;
	for (struct client *c = server_next(engine->server, NULL); c; c = server_next(engine->server, c))
		if (str_is(client_role(c), "guest") && str_is(client_who(c), to))
			guests_watch(engine, c, guests_until(engine, to));
	server_accept(engine->server, client, intent, engine->model->last_seq);
}

void guests_dismiss(struct engine *engine, struct client *client, const struct json *intent)
{
	const char *to = json_text(intent, "to", ""), *why = intent_words(intent, "why");
	struct json *data;

	if (!guests_until(engine, to)) {
		server_refuse(engine->server, client, intent, "no guest of that name is invited");
		return;
	}
	data = json_new_object();
	json_set_text(data, "to", to);
	json_set_text(data, "why", why);
	engine_add(engine, EVENT_DISMISSED, client_who(client), NULL, 0, data);
	if (book_drain(engine->book) < 0)
		return;
	time_up(engine);
	server_accept(engine->server, client, intent, engine->model->last_seq);
}
