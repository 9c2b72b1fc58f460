/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/people/here.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "session/people/pairing.h"

#define PRESENCE_US (TIME_SECOND / 5)	/* who types is told this often at most */

struct json *here_person(const struct client *client)
{
	struct json *data = json_new_object();

	json_set_int(data, "uid", (int64_t)client_uid(client));
	json_set_text(data, "role", client_role(client));
	json_set_text(data, "view", client_view(client));
	return data;
}

/* Views of one account: to bellbook they are one person. */
int64_t here_views(const struct engine *engine, uid_t uid)
{
	int64_t n = 0;

	for (struct client *c = server_next(engine->server, NULL); c; c = server_next(engine->server, c))
		n += client_uid(c) == uid;
	return n;
}

void here_tell_wheel(struct engine *engine)
{
	struct json *wheel = json_new_object();

	json_set_text(wheel, "driver", engine->model->driver);
	if (engine->pairing->driver_lost_us)
		json_set_int(wheel, "lost_us", engine->pairing->driver_lost_us);
	server_say(engine->server, NULL, "wheel", wheel);
}

void here_tell(struct engine *engine)
{
	struct json *list = json_new_array();

	engine->presence_us = time_mono_us();
	for (struct client *c = server_next(engine->server, NULL); c; c = server_next(engine->server, c)) {
		const struct client_facts *facts = client_facts(c);
		struct json *person = here_person(c);

		json_set_text(person, "who", client_who(c));
		json_set_int(person, "active_us", facts->active_us);
		if (facts->typing)
			json_set_bool(person, "typing", true);
		if (facts->until_us)
			json_set_int(person, "until_us", facts->until_us);
		json_add(list, person);
	}
	server_say(engine->server, NULL, "presence", list);
}

static void presence_due(void *arg)
{
	struct engine *engine = arg;

	engine->timer_presence = 0;
	here_tell(engine);
}

/* The same, but not more often than anybody can read: a key in every view is no reason to tell all of them forty times. */
void here_tell_soon(struct engine *engine)
{
	int64_t wait = engine->presence_us + PRESENCE_US - time_mono_us();

	if (!engine->timer_presence)
		engine->timer_presence = loop_after(engine->loop, wait > 0 ? wait : 0, presence_due, engine);
}

/* What the session knows of a view's person, told to that view. */
void here_tell_you(struct engine *engine, struct client *client)
{
	struct client_facts *facts = client_facts(client);
	struct json *you = json_new_object();
	int64_t views = here_views(engine, client_uid(client));

	json_set_text(you, "who", client_who(client));
	json_set_text(you, "role", client_role(client));
	json_set_text(you, "why", facts->why);
	json_set_int(you, "views", views);
	if (facts->newcomer)
		json_set_bool(you, "newcomer", true);
	if (facts->until_us)
		json_set_int(you, "until_us", facts->until_us);
	server_say(engine->server, client, "you", you);
	mem_set(&facts->why, NULL);
	facts->newcomer = false;	/* a welcome is said once */
}

void here_role(struct engine *engine, struct client *client, const char *role)
{
	if (str_is(client_role(client), role))
		return;
	client_set_role(client, role);
	here_tell_you(engine, client);
}

const char *here_driver(const struct engine *engine)
{
	for (struct client *c = server_next(engine->server, NULL); c; c = server_next(engine->server, c))
		if (str_is(client_role(c), "driver"))
			return client_who(c);
	return NULL;
}
