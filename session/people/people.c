/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/people/people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "session/ask/asks.h"
#include "session/call/detour.h"
#include "session/walk/enter.h"
#include "session/people/approval.h"
#include "session/people/guests.h"
#include "session/people/here.h"
#include "session/people/orders.h"
#include "session/people/pairing.h"
#include "session/people/wheel.h"
#include "session/walk/step.h"

/* Who is here, who drives, and what each may do. Identity is the kernel's word about the socket; a role is the session's decision. */

#define AWAY_US (60 * TIME_SECOND)	/* the others are told when somebody comes back after so long */
#define SESSIONS_MAX 500		/* sessions looked through for somebody's earlier ones */
#define MARKERS_MAX 20000		/* and events of the newest of them */

/* Who came, and from which login when that was another account's. */
static struct json *joined_data(const struct client *client)
{
	const struct account *account = client_account(client);
	struct json *data = here_person(client);
	char *name;

	if (account->login == ACCOUNT_NOBODY || account->login == account->uid)
		return data;
	name = account_name(account->login);
	json_set_text(data, "login", name);
	mem_free(name);
	return data;
}

/* ---- somebody's first session ---- */

struct search {
	const char *who;
	int64_t session, newest[10];
	size_t n;
	int seen;
	bool found;
};

static bool look_at_event(void *arg, const struct event *ev)
{
	struct search *search = arg;

	search->found = search->found || (ev->kind == EVENT_JOINED && str_is(ev->who, search->who));
	return !search->found && ++search->seen < MARKERS_MAX;
}

static bool look_at_session(void *arg, const struct store_session *row)
{
	struct search *search = arg;

	if (row->session == search->session)
		return true;
	search->found = str_is(row->who, search->who);
	if (search->n < sizeof(search->newest) / sizeof(search->newest[0]))
		search->newest[search->n++] = row->session;
	return !search->found;
}

/* True when the journal knows of no earlier session of that account, begun or joined (in the newest ones). */
static bool is_newcomer(struct engine *engine, const char *who)
{
	struct search search = {.who = who, .session = engine->session};
	struct err e = {0};

	if (store_sessions(engine->store, false, SESSIONS_MAX, look_at_session, &search, &e) < 0)
		return false;
	for (size_t i = 0; i < search.n && !search.found && search.seen < MARKERS_MAX; i++)
		if (store_each_marker(engine->store, search.newest[i], 0, look_at_event, &search, &e) < 0)
			return false;
	return !search.found;
}

/* ---- coming and going ---- */

static void after_hello(void *arg)
{
	struct engine *engine = arg;

	if (book_halted(engine->book)) {
		struct json *halted = json_new_object();

		json_set_text(halted, "why", book_halted(engine->book));
		server_say(engine->server, NULL, "halted", halted);
	}
	for (struct client *c = server_next(engine->server, NULL); c; c = server_next(engine->server, c))
		if (!client_facts(c)->told) {
			client_facts(c)->told = true;
			here_tell_you(engine, c);
		}
	here_tell(engine);
	here_tell_wheel(engine);
	detour_tell_hosts(engine);
	detour_people(engine);
}

/* Somebody asks to be let in as a guest: who drives hears of it. */
static void knock(struct engine *engine, const struct client *client)
{
	for (struct client *c = server_next(engine->server, NULL); c; c = server_next(engine->server, c)) {
		struct json *who;

		if (!str_is(client_role(c), "driver"))
			continue;
		who = json_new_object();
		json_set_text(who, "who", client_who(client));
		json_set_int(who, "uid", (int64_t)client_uid(client));
		server_say(engine->server, c, "knock", who);
	}
}

static const char *role_for(struct engine *engine, struct client *client, const char *wish)
{
	const char *driver = engine->model->driver, *who = client_who(client);

	if (str_is(wish, "observer"))
		return "observer";
	if (str_is(wish, "navigator"))
		return "navigator";
	/* Views of one account share the wheel: they cannot be told apart. */
	if (driver && str_is(driver, who))
		return "driver";
	if (!here_driver(engine) && (str_is(wish, "driver") || str_is(who, engine->who)))
		return "driver";
	if (driver)
		client_facts(client)->why = here_driver(engine) ? mem_printf("%s drives; take asks for the wheel", driver) : mem_printf("%s drives and is away; take takes the wheel", driver);
	return "navigator";
}

/* An account that nobody can vouch for only looks on. The session's own may drive, but is nobody's second person. */
static const char *role_of_account(struct client *client, const char *role)
{
	const char *doubt = client_account(client)->doubt;

	if (!doubt || str_is(role, "observer") || (str_is(role, "driver") && client_uid(client) == getuid()))
		return role;
	mem_free(client_facts(client)->why);
	client_facts(client)->why = mem_printf("%s: such a view only observes; log in with an account of your own, and attach there", doubt);
	return "observer";
}

static const char *guest_role(struct engine *engine, struct client *client, char **why)
{
	int64_t until_us = guests_until(engine, client_who(client));

	if (until_us) {
		guests_watch(engine, client, until_us);
		return "guest";
	}
	knock(engine, client);
	*why = mem_printf("a guest comes by invitation: %s was told, and can say: invite %s 30m", here_driver(engine) ? here_driver(engine) : "nobody drives now, nobody",
			  client_who(client));
	return NULL;
}

static const char *admit(struct engine *engine, struct client *client, const char *wish, char **why)
{
	static const char *const roles[] = {"", "driver", "navigator", "observer", "guest", NULL};
	size_t i = 0;

	while (roles[i] && !str_is(roles[i], wish))
		i++;
	if (!roles[i])
		*why = mem_strdup("roles are driver, navigator, observer and guest");
	else if (engine->closed)
		*why = mem_strdup("the session is over; bellbook log shows it");
	else if (str_is(wish, "guest"))
		return guest_role(engine, client, why);
	else if (guests_only(engine, client_who(client)))
		*why = mem_printf("the fleet file's people do not name %s: attach as a guest (--guest), when the driver has invited you", client_who(client));
	else
		return role_of_account(client, role_for(engine, client, wish));
	return NULL;
}

static const char *on_hello(void *arg, struct client *client, const char *wish, char **why)
{
	struct engine *engine = arg;
	const char *role = admit(engine, client, wish, why);

	if (!role)
		return NULL;
	client_set_role(client, role);
	client_facts(client)->active_us = time_wall_us();
	client_facts(client)->newcomer = is_newcomer(engine, client_who(client));
	engine_add(engine, EVENT_JOINED, client_who(client), NULL, 0, joined_data(client));
	if (str_is(role, "driver")) {
		if (!str_is(engine->model->driver, client_who(client)))
			wheel_pass(engine, client_who(client), client_who(client), engine->model->driver ? "the driver was gone" : "first", NULL);
		engine->pairing->driver_lost_us = 0;
	}
	if (str_is(role, "navigator"))
		mem_set(&engine->pairing->navigator_left, NULL);
	loop_defer(engine->loop, after_hello, engine);
	engine->awaited = false;
	engine_wake(engine);
	return role;
}

/* Told behind the event that says who left. */
static void after_gone(void *arg)
{
	struct engine *engine = arg;

	here_tell(engine);
	here_tell_wheel(engine);
}

static void on_gone(void *arg, struct client *client)
{
	struct engine *engine = arg;
	struct client_facts *facts = client_facts(client);
	struct json *data = here_person(client);

	json_set_text(data, "reason", facts->why);
	loop_cancel(engine->loop, facts->timer);
	mem_set(&facts->why, NULL);
	if (engine->closed) {
		json_free(data);
		return;
	}
	engine_add(engine, EVENT_LEFT, client_who(client), NULL, 0, data);
	if (here_views(engine, client_uid(client)) == 0)
		approval_gone(engine, client);
	wheel_gone(engine, client_who(client));
	detour_people(engine);
	loop_defer(engine->loop, after_gone, engine);
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

static void say_text(struct engine *engine, struct client *client, const struct json *intent)
{
	const char *text = json_text(intent, "text", "");
	size_t index;
	const struct model_step *step = step_current(engine, &index);
	struct event ev = {.kind = str_is(json_text(intent, "do", ""), "note") ? EVENT_NOTE : EVENT_SAID, .who = client_who(client), .bytes = text, .len = strlen(text),
			   .step = step ? step->id : NULL, .attempt = step ? step->attempt : 0};
	char *data;

	if (!utf8_says(text)) {
		server_refuse(engine->server, client, intent, "there is no text");
		return;
	}
	data = ev.kind == EVENT_NOTE ? note_about(engine, intent, &ev) : NULL;
	ev.data = data;
	book_add(engine->book, &ev, 1);
	mem_free(data);
	if (book_drain(engine->book) == 0)
		server_accept(engine->server, client, intent, engine->model->last_seq);
}

static bool is_deferred(void *arg, const struct event *ev)
{
	int64_t *seq = arg;

	if (ev->seq == *seq && ev->kind == EVENT_DEFERRED)
		*seq = 0;
	return false;
}

/* True when the event with that number put a step of this session off. */
static bool is_debt(struct engine *engine, int64_t seq)
{
	const struct store_range one = {.session = engine->session, .after = seq - 1, .limit = 1};
	struct err e = {0};

	return store_each(engine->store, one, is_deferred, &seq, &e) == 0 && seq == 0;
}

/* A debt is paid, of this session; which one is known by its event. */
static void on_settle(struct engine *engine, struct client *client, const struct json *intent)
{
	int64_t seq = json_int(intent, "seq", 0);
	struct json *data;

	if (!intent_words(intent, "how")) {
		server_refuse(engine->server, client, intent, "say how it was settled (how)");
		return;
	}
	if (seq < engine->session || seq > engine->model->last_seq) {
		server_refuse(engine->server, client, intent, "no event of this session has that number (seq)");
		return;
	}
	if (!is_debt(engine, seq)) {
		server_refuse(engine->server, client, intent, "nothing that was put off has that number (seq)");
		return;
	}
	data = json_new_object();
	json_set_int(data, "seq", seq);
	json_set_text(data, "how", intent_words(intent, "how"));
	engine_add(engine, EVENT_DEBT_SETTLED, client_who(client), NULL, 0, data);
	if (book_drain(engine->book) == 0)
		server_accept(engine->server, client, intent, engine->model->last_seq);
}

static void on_pause(struct engine *engine, struct client *client, const struct json *intent)
{
	bool pause = str_is(json_text(intent, "do", ""), "pause");
	struct json *data = json_new_object();

	if (pause == (engine->model->state == SESSION_PAUSED)) {
		json_free(data);
		server_refuse(engine->server, client, intent, pause ? "it is paused already" : "it is not paused");
		return;
	}
	json_set_text(data, "why", intent_words(intent, "why"));
	engine_add(engine, pause ? EVENT_SESSION_PAUSED : EVENT_SESSION_CONTINUED, client_who(client), NULL, 0, data);
	if (book_drain(engine->book) == 0)
		server_accept(engine->server, client, intent, engine->model->last_seq);
}

void people_stored(struct engine *engine, const struct event *ev, const struct json *data)
{
	if (ev->kind == EVENT_CALL_BEGUN && str_is(json_text(data, "of", ""), "detour"))
		approval_void(engine, NULL, "somebody went to a host by hand in between");
	else if (ev->kind == EVENT_WHEEL_PASSED && engine->server)
		wheel_stored(engine, json_text(data, "to", ""));
	else if (ev->kind == EVENT_ASKED || ev->kind == EVENT_APPROVAL_GIVEN)
		approval_watch(engine);
	else if (ev->kind == EVENT_NOTE)
		orders_stored(engine, ev, data);
}

/* A key was pressed there, or a field is being typed into: told to the others, never stored, and never replied to. */
static void on_here(struct engine *engine, struct client *client, const struct json *intent)
{
	struct client_facts *facts = client_facts(client);
	bool typing = json_bool(intent, "typing", false), news = typing != facts->typing || llabs(time_wall_us() - facts->active_us) > AWAY_US;

	facts->typing = typing;
	facts->active_us = time_wall_us();
	if (news)
		here_tell_soon(engine);
}

/* Who may do what. A guest only watches. */
static const struct {
	const char *name, *roles;
	void (*act)(struct engine *engine, struct client *client, const struct json *intent);
} acts[] = {
	{"answer", "driver navigator observer", asks_answer},
	{"note", "driver navigator observer", say_text},
	{"say", "driver navigator observer", say_text},
	{"settle", "driver navigator observer", on_settle},
	{"pause", "driver navigator", on_pause},
	{"continue", "driver", on_pause},
	{"cancel", "driver", orders_cancel},
	{"abort", "driver", orders_abort},
	{"enter", "driver", enter_intent},
	{"take", "driver navigator observer", wheel_intent},
	{"give", "driver navigator observer", wheel_intent},
	{"withdraw", "driver navigator", approval_withdraw},
	{"disagree", "navigator", approval_disagree},
	{"invite", "driver", guests_invite},
	{"dismiss", "driver", guests_dismiss},
	{"here", "driver navigator observer guest", on_here},
};

static void on_intent(void *arg, struct client *client, const struct json *intent)
{
	struct engine *engine = arg;
	const char *what = json_text(intent, "do", ""), *role = client_role(client);
	char *text;

	if (engine->closed) {
		server_refuse(engine->server, client, intent, "the session is over");
		return;
	}
	if (!str_is(role, "guest") && detour_intent(engine, client, intent))
		return;
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		if (!str_is(what, acts[i].name))
			continue;
		if (strstr(acts[i].roles, role)) {
			if (acts[i].act != on_here)
				client_facts(client)->active_us = time_wall_us();
			acts[i].act(engine, client, intent);
			return;
		}
		text = str_is(role, "guest") ? mem_strdup("a guest only watches")
					     : mem_printf("only the %s may do that; you are %s", str_is(acts[i].roles, "driver") ? "driver" : str_is(acts[i].roles, "navigator") ? "navigators" : "driver and navigators", role);
		server_refuse(engine->server, client, intent, text);
		mem_free(text);
		return;
	}
	server_refuse(engine->server, client, intent, "there is no such intent; docs/protocol.md lists them");
}

/* The account that has the wheel, or began the session while nobody has it. */
static bool drives(void *arg, const struct client *client, const char *role)
{
	const struct engine *engine = arg;

	return !str_is(role, "guest") && str_is(client_who(client), engine->model->driver ? engine->model->driver : engine->who);
}

const struct server_hooks *people_hooks(void)
{
	static const struct server_hooks hooks = {.hello = on_hello, .drives = drives, .intent = on_intent, .gone = on_gone};

	return &hooks;
}
