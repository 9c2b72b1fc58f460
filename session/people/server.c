/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE	/* accept4 */
#include "session/people/server.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json_cut.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "base/wire.h"
#include "session/walk/intent.h"

/*
 * A view that does not read costs nothing: events are not queued for it. Each
 * view has a cursor, the last event it was given. When it has everything and
 * its socket keeps up, new events go straight into its small buffer; when the
 * buffer is over its bound the view falls behind, and is fed from the store,
 * a batch at a time, whenever its socket takes more.
 */

#define OUT_BOUND ((size_t)256 * 1024)
#define SAY_BOUND ((size_t)8 * 1024 * 1024)
#define BATCH 256

/*
 * Who connects and says nothing holds no place for long, and never one that
 * another account needs: views that said hello and silent connections are
 * counted apart, and for a new silent one the oldest of the account that has
 * the most of them goes. Whoever is turned away hears why.
 */
#define HELLO_US (10 * TIME_SECOND)
#define REST_US (TIME_SECOND / 2)
#ifdef TINY_LIMITS
#define VIEWS_MAX 8
#define VIEWS_OF_ONE 6
#define SILENT_MAX 6
#define SILENT_OF_ONE 3
#else
#define VIEWS_MAX 64		/* one of them is kept for the driver */
#define VIEWS_OF_ONE 48		/* of one account */
#define SILENT_MAX 48
#define SILENT_OF_ONE 16
#endif
static_assert(VIEWS_OF_ONE < VIEWS_MAX - 1, "one account never fills a session");

struct client {
	struct client *next;
	struct server *server;
	int fd;
	struct account account;
	char *role, *view;		/* owned */
	bool greeted, behind, dead;
	bool in_long;			/* inside a line that was too long: dropped up to its end */
	int timer;			/* until its hello must have come, 0 = it has */
	int64_t cursor;
	struct buf in, out;
	size_t scanned;			/* bytes of in that hold no newline */
	struct client_facts facts;
};

struct server {
	struct loop *loop;
	struct store *store;
	struct server_hooks hooks;
	void *arg;
	int64_t session;
	int fd;
	struct client *clients;
	int reap;			/* deferred removal is planned */
	int rest;			/* timer: no descriptor is free, nobody is let in until then */
};

uid_t client_uid(const struct client *client)
{
	return client->account.uid;
}

const char *client_who(const struct client *client)
{
	return client->account.name;
}

const char *client_role(const struct client *client)
{
	return client->role;
}

const char *client_view(const struct client *client)
{
	return client->view;
}

const struct account *client_account(const struct client *client)
{
	return &client->account;
}

struct client_facts *client_facts(struct client *client)
{
	return &client->facts;
}

void client_set_role(struct client *client, const char *role)
{
	mem_set(&client->role, role);
}

static void client_free(struct client *client)
{
	if (client->fd >= 0) {
		loop_cancel(client->server->loop, client->timer);
		loop_unwatch(client->server->loop, client->fd);
		close(client->fd);
	}
	buf_done(&client->in);
	buf_done(&client->out);
	account_done(&client->account);
	mem_free(client->role);
	mem_free(client->view);
	mem_free(client->facts.why);
	mem_free(client);
}

static void reap_clients(void *arg)
{
	struct server *server = arg;
	struct client **at = &server->clients;

	server->reap = 0;
	while (*at) {
		struct client *client = *at;

		if (!client->dead) {
			at = &client->next;
			continue;
		}
		*at = client->next;
		client_free(client);
	}
}

static void client_end(struct client *client)
{
	struct server *server = client->server;

	if (client->dead)
		return;
	client->dead = true;
	loop_cancel(server->loop, client->timer);
	loop_unwatch(server->loop, client->fd);
	close(client->fd);
	client->fd = -1;
	if (client->greeted && server->hooks.gone)
		server->hooks.gone(server->arg, client);
	if (!server->reap) {
		server->reap = 1;
		loop_defer(server->loop, reap_clients, server);
	}
}

static void client_rearm(struct client *client)
{
	if (!client->dead)
		loop_events(client->server->loop, client->fd, (short)(POLLIN | (client->out.len || client->behind ? POLLOUT : 0)));
}

static void put_line(struct client *client, const struct json *value)
{
	struct json *told = json_cut(value, LIMIT_LINE - 1);
	char *text = json_print(told);

	buf_puts(&client->out, text);
	buf_putc(&client->out, '\n');
	mem_free(text);
	json_free(told);
}

static void put_event(struct client *client, const struct event *ev)
{
	event_tell(ev, &client->out);
	buf_putc(&client->out, '\n');
	client->cursor = ev->seq;
}

static bool feed_event(void *arg, const struct event *ev)
{
	struct client *client = arg;

	put_event(client, ev);
	return client->out.len < OUT_BOUND;
}

/* What the view lacks cannot be read: it hears why, and is not to come again at once to be told the same. */
static void cannot_read(struct client *client, const char *why)
{
	char *words = mem_printf("what the journal holds of this session cannot be read: %s", why);

	client->behind = false;
	server_dismiss(client->server, client, words);
	mem_free(words);
}

/* Fills the buffer of a view that is behind from the store. */
static void client_refill(struct client *client)
{
	struct err e = {0};
	int64_t before = client->cursor;
	size_t len = client->out.len;

	if (client->dead || !client->behind || client->out.len >= OUT_BOUND)
		return;
	if (store_each(client->server->store, (struct store_range){.session = client->server->session, .after = client->cursor, .limit = BATCH}, feed_event, client, &e) < 0) {
		cannot_read(client, e.text);
		return;
	}
	if (client->cursor == before && client->out.len == len)
		client->behind = false;
}

static void client_push(struct client *client)
{
	struct err e = {0};

	if (client->dead)
		return;
	client_refill(client);
	if (client->dead)
		return;
	if (client->out.len && wire_flush(client->fd, &client->out, &e) < 0) {
		client_end(client);
		return;
	}
	client_rearm(client);
}

void server_tell(struct server *server, const struct event *ev)
{
	bool waits;	/* its socket is full: POLLOUT will come */

	for (struct client *c = server->clients; c; c = c->next) {
		if (c->dead || !c->greeted || c->behind || ev->seq <= c->cursor)
			continue;
		if (c->out.len >= OUT_BOUND) {
			c->behind = true;
			continue;
		}
		waits = c->out.len > 0;
		put_event(c, ev);
		if (!waits)
			client_push(c);
	}
}

void server_say(struct server *server, struct client *client, const char *name, struct json *value)
{
	struct json *message = json_new_object();
	bool waits;	/* its socket is full: POLLOUT will come */

	json_put(message, name, value);
	for (struct client *c = server->clients; c; c = c->next)
		if (!c->dead && c->greeted && (!client || c == client)) {
			/* It asks and does not read: it may come back with the last event it has. */
			if (c->out.len > SAY_BOUND) {
				client_end(c);
				continue;
			}
			waits = c->out.len > 0;
			put_line(c, message);
			if (!waits)
				client_push(c);
		}
	json_free(message);
}

static void reply(struct server *server, struct client *client, const char *name, const struct json *intent, int64_t seq, const char *why)
{
	struct json *value = json_new_object();

	json_set_text(value, "do", json_text(intent, "do", NULL));
	if (seq)
		json_set_int(value, "seq", seq);
	if (json_at(intent, "id"))
		json_put(value, "id", json_copy_of(json_at(intent, "id")));
	json_set_text(value, "why", why);
	server_say(server, client, name, value);
}

const char *intent_words(const struct json *intent, const char *name)
{
	const char *text = json_text(intent, name, NULL);

	return utf8_says(text) ? text : NULL;
}

void server_accept(struct server *server, struct client *client, const struct json *intent, int64_t seq)
{
	reply(server, client, "accepted", intent, seq, NULL);
}

void server_refuse(struct server *server, struct client *client, const struct json *intent, const char *why)
{
	reply(server, client, "refused", intent, json_int(intent, "seq", 0), why);
}

void server_dismiss(struct server *server, struct client *client, const char *why)
{
	struct json *intent = json_new_object();
	struct err e = {0};

	json_set_text(intent, "do", "hello");
	server_refuse(server, client, intent, why);
	json_free(intent);
	if (!client->dead)
		(void)wire_flush(client->fd, &client->out, &e);	/* what fits now: nobody waits for a view that is sent away */
	client_end(client);
}

/* ---- who is let in ---- */

/* A view that has not been let in is sent away: it is no view of the session, and nobody hears of it. */
static void turn_away(struct client *client, const char *why)
{
	struct json *hello = json_new_object();

	json_set_text(hello, "do", "hello");
	client->greeted = true;	/* so that the words reach it */
	server_refuse(client->server, client, hello, why);
	client->greeted = false;
	client_end(client);
	json_free(hello);
}

static void hello_late(void *arg)
{
	struct client *client = arg;

	client->timer = 0;
	turn_away(client, "no hello came within 10 s of connecting");
}

static size_t count(const struct server *server, bool greeted, const uid_t *uid)
{
	size_t n = 0;

	for (const struct client *c = server->clients; c; c = c->next)
		n += !c->dead && c->greeted == greeted && (!uid || c->account.uid == *uid);
	return n;
}

/* Words why there is no place for one more view of that account. Caller owns; NULL = there is. */
static char *no_place(const struct client *client, const char *role)
{
	const struct server *server = client->server;
	size_t all = count(server, true, NULL), of_one = count(server, true, &client->account.uid);

	if (of_one >= VIEWS_OF_ONE)
		return mem_printf("too many views: %zu of the account %s are attached to this session already, and at most %d may be; close one of them first", of_one,
				  client->account.name, VIEWS_OF_ONE);
	if (all >= VIEWS_MAX || (all >= VIEWS_MAX - 1 && !(server->hooks.drives && server->hooks.drives(server->arg, client, role))))
		return mem_printf("too many views: %zu are attached to this session, and at most %d may be, one of them the driver's; somebody must close one first", all, VIEWS_MAX);
	return NULL;
}

/* The oldest silent connection of the account that has the most of them. */
static struct client *silent_of_most(const struct server *server)
{
	struct client *found = NULL;
	size_t most = 0;

	/* The newest stands in front. */
	for (struct client *c = server->clients; c; c = c->next) {
		size_t n = c->dead || c->greeted ? 0 : count(server, false, &c->account.uid);

		if (n && n >= most) {
			most = n;
			found = c;
		}
	}
	return found;
}

static void make_place(struct server *server, uid_t uid)
{
	struct client *oldest = NULL;

	if (count(server, false, &uid) > SILENT_OF_ONE) {
		for (struct client *c = server->clients; c; c = c->next)
			if (!c->dead && !c->greeted && c->account.uid == uid)
				oldest = c;
	} else if (count(server, false, NULL) > SILENT_MAX) {
		oldest = silent_of_most(server);
	}
	if (oldest)
		turn_away(oldest, "too many connections of this account have not said hello yet; this one was the oldest");
}

/* ---- reading ---- */

static void welcome(struct client *client)
{
	struct server *server = client->server;
	struct json *value = json_new_object();
	struct err e = {0};

	json_set_int(value, "session", server->session);
	json_set_text(value, "who", client->account.name);
	json_set_int(value, "uid", (int64_t)client->account.uid);
	json_set_text(value, "role", client->role);
	json_set_int(value, "head", store_head(server->store, &e));
	json_set_int(value, "v", 1);
	client->behind = true;
	server_say(server, client, "hello", value);
}

static void hello(struct client *client, const struct json *intent)
{
	struct server *server = client->server;
	const char *wish = json_text(intent, "role", "");
	const char *role = NULL;
	char *why;

	loop_cancel(server->loop, client->timer);
	client->timer = 0;
	mem_set(&client->view, json_text(intent, "view", "json"));
	client->cursor = json_int(intent, "after", 0);
	if (json_int(intent, "v", 1) != 1)
		why = mem_strdup("this session speaks version 1 of the protocol; use the same bellbook as the session's");
	else
		why = intent_problem(intent);
	if (!why)
		why = no_place(client, wish);
	if (!why)
		role = server->hooks.hello(server->arg, client, wish, &why);
	if (!role) {
		turn_away(client, why ? why : "not allowed");
		mem_free(why);
		return;
	}
	client->greeted = true;
	mem_set(&client->role, role);
	welcome(client);
}

static void refuse_large(struct client *client, const struct json *intent, const char *why)
{
	struct json *outline = intent_outline(intent);

	server_refuse(client->server, client, outline, why);
	json_free(outline);
}

static void intent_in(struct client *client, const struct json *intent)
{
	char *why = intent_problem(intent);

	if (why)
		refuse_large(client, intent, why);
	else
		client->server->hooks.intent(client->server->arg, client, intent);
	mem_free(why);
}

static void line_in(struct client *client, const char *line, size_t len)
{
	struct err e = {0};
	struct json *intent = json_parse(line, len, &e);

	if (!intent || json_type_of(intent) != JSON_IS_OBJECT) {
		if (client->greeted)
			server_refuse(client->server, client, NULL, intent ? "an intent is a JSON object" : e.text);
		else
			client_end(client);
	} else if (client->greeted) {
		intent_in(client, intent);
	} else if (str_is(json_text(intent, "do", ""), "hello")) {
		hello(client, intent);
	} else {
		client_end(client);
	}
	json_free(intent);
}

/* Its sender hears so; nobody else is any worse for it. */
static void line_too_long(struct client *client)
{
	char *why;

	if (!client->greeted) {
		client_end(client);
		return;
	}
	why = mem_printf("a line of more than %zu bytes: nothing of it was done", LIMIT_LINE);
	server_refuse(client->server, client, NULL, why);
	mem_free(why);
}

static void one_line(struct client *client, const char *line, size_t len)
{
	if (client->in_long)
		client->in_long = false;
	else if (len >= LIMIT_LINE)
		line_too_long(client);
	else if (len > 0)
		line_in(client, line, len);
}

static void lines_in(struct client *client)
{
	size_t done = 0;

	while (!client->dead && client->scanned < client->in.len) {
		char *line = client->in.data + done;
		char *end = memchr(client->in.data + client->scanned, '\n', client->in.len - client->scanned);

		if (!end) {
			client->scanned = client->in.len;
			break;
		}
		one_line(client, line, (size_t)(end - line));
		/* Answers may be secrets: leave no copy behind. */
		explicit_bzero(line, (size_t)(end - line));
		done += (size_t)(end - line) + 1;
		client->scanned = done;
	}
	buf_consume(&client->in, done);
	client->scanned -= done;
	if (client->dead || client->in.len < LIMIT_LINE)
		return;
	if (!client->in_long)
		line_too_long(client);
	client->in_long = true;
	explicit_bzero(client->in.data, client->in.len);
	buf_clear(&client->in);
	client->scanned = 0;
}

static void client_ready(void *arg, int fd, short events)
{
	struct client *client = arg;
	struct err e = {0};
	int eof = 0;

	if (events & POLLOUT)
		client_push(client);
	if (client->dead || !(events & (POLLIN | POLLHUP | POLLERR)))
		return;
	if (wire_read(fd, &client->in, &eof, &e) < 0) {
		client_end(client);
		return;
	}
	lines_in(client);
	if (eof)
		client_end(client);
}

static void rested(void *arg)
{
	struct server *server = arg;

	server->rest = 0;
	loop_events(server->loop, server->fd, POLLIN);
}

/* No descriptor is free: looking at once again would be all that we do. */
static void rest(struct server *server)
{
	struct client *oldest = silent_of_most(server);

	if (oldest)
		client_end(oldest);
	if (server->rest)
		return;
	loop_events(server->loop, server->fd, 0);
	server->rest = loop_after(server->loop, REST_US, rested, server);
}

static void client_accept(void *arg, int fd, short events)
{
	struct server *server = arg;
	struct account account = {0};
	struct client *client;
	int new_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (new_fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			rest(server);
		return;
	}
	if (!account_of_peer(new_fd, &account)) {
		close(new_fd);
		return;
	}
	client = mem_alloc(sizeof(*client));
	client->server = server;
	client->fd = new_fd;
	client->account = account;
	client->role = mem_strdup("");
	client->view = mem_strdup("");
	client->next = server->clients;
	server->clients = client;
	client->timer = loop_after(server->loop, HELLO_US, hello_late, client);
	loop_watch(server->loop, new_fd, POLLIN, client_ready, client);
	make_place(server, client->account.uid);
}

struct server *server_new(struct loop *loop, int listen_fd, struct store *store, int64_t session, const struct server_hooks *hooks, void *arg)
{
	struct server *server = mem_alloc(sizeof(*server));

	server->loop = loop;
	server->store = store;
	server->session = session;
	server->hooks = *hooks;
	server->arg = arg;
	server->fd = listen_fd;
	loop_watch(loop, listen_fd, POLLIN, client_accept, server);
	return server;
}

void server_listen(struct server *server, int listen_fd)
{
	loop_cancel(server->loop, server->rest);
	server->rest = 0;
	loop_unwatch(server->loop, server->fd);
	close(server->fd);
	server->fd = listen_fd;
	loop_watch(server->loop, listen_fd, POLLIN, client_accept, server);
}

void server_free(struct server *server)
{
	if (!server)
		return;
	loop_cancel(server->loop, server->rest);
	loop_unwatch(server->loop, server->fd);
	close(server->fd);
	while (server->clients) {
		struct client *client = server->clients;

		server->clients = client->next;
		client_free(client);
	}
	mem_free(server);
}

struct client *server_next(const struct server *server, const struct client *client)
{
	struct client *c = client ? client->next : server->clients;

	while (c && (c->dead || !c->greeted))
		c = c->next;
	return c;
}

bool server_is_idle(const struct server *server)
{
	for (const struct client *c = server->clients; c; c = c->next)
		if (!c->dead && c->greeted && (c->out.len || c->behind))
			return false;
	return true;
}
