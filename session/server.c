/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE	/* SO_PEERCRED, accept4 */
#include "session/server.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/wire.h"

/*
 * A view that does not read costs nothing: events are not queued for it. Each
 * view has a cursor, the last event it was given. When it has everything and
 * its socket keeps up, new events go straight into its small buffer; when the
 * buffer is over its bound the view falls behind, and is fed from the store,
 * a batch at a time, whenever its socket takes more.
 */

#define OUT_BOUND ((size_t)256 * 1024)
#define SAY_BOUND ((size_t)8 * 1024 * 1024)
#define LINE_MAX_BYTES ((size_t)1 << 20)
#define BATCH 256
#define CLIENTS_MAX 64

struct client {
	struct client *next;
	struct server *server;
	int fd;
	uid_t uid;
	char *who, *role, *view;	/* owned */
	bool greeted, behind, dead;
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
};

uid_t client_uid(const struct client *client)
{
	return client->uid;
}

const char *client_who(const struct client *client)
{
	return client->who;
}

const char *client_role(const struct client *client)
{
	return client->role;
}

const char *client_view(const struct client *client)
{
	return client->view;
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
		loop_unwatch(client->server->loop, client->fd);
		close(client->fd);
	}
	buf_done(&client->in);
	buf_done(&client->out);
	mem_free(client->who);
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
	char *text = json_print(value);

	buf_puts(&client->out, text);
	buf_putc(&client->out, '\n');
	mem_free(text);
}

static void put_event(struct client *client, const struct event *ev)
{
	event_print(ev, false, &client->out);
	buf_putc(&client->out, '\n');
	client->cursor = ev->seq;
}

static bool feed_event(void *arg, const struct event *ev)
{
	struct client *client = arg;

	put_event(client, ev);
	return client->out.len < OUT_BOUND;
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
		client_end(client);
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

	json_set_text(intent, "do", "hello");
	server_refuse(server, client, intent, why);
	json_free(intent);
	client_end(client);
}

/* ---- reading ---- */

static void hello(struct client *client, const struct json *intent)
{
	struct server *server = client->server;
	struct err e = {0};
	char *why = NULL;
	const char *role;
	struct json *value;

	mem_set(&client->view, json_text(intent, "view", "json"));
	client->cursor = json_int(intent, "after", 0);
	client->greeted = true;	/* so that a refusal reaches it */
	if (json_int(intent, "v", 1) != 1) {
		server_refuse(server, client, intent, "this session speaks version 1 of the protocol; use the same bellbook as the session's");
		client->greeted = false;
		client_end(client);
		return;
	}
	client->greeted = false;
	role = server->hooks.hello(server->arg, client, json_text(intent, "role", ""), &why);
	client->greeted = true;
	if (!role) {
		server_refuse(server, client, intent, why ? why : "not allowed");
		mem_free(why);
		client->greeted = false;
		client_end(client);
		return;
	}
	mem_set(&client->role, role);
	value = json_new_object();
	json_set_int(value, "session", server->session);
	json_set_text(value, "who", client->who);
	json_set_int(value, "uid", (int64_t)client->uid);
	json_set_text(value, "role", role);
	json_set_int(value, "head", store_head(server->store, &e));
	json_set_int(value, "v", 1);
	client->behind = true;
	server_say(server, client, "hello", value);
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
		client->server->hooks.intent(client->server->arg, client, intent);
	} else if (str_is(json_text(intent, "do", ""), "hello")) {
		hello(client, intent);
	} else {
		client_end(client);
	}
	json_free(intent);
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
		if (end > line)
			line_in(client, line, (size_t)(end - line));
		/* Answers may be secrets: leave no copy behind. */
		explicit_bzero(line, (size_t)(end - line));
		done += (size_t)(end - line) + 1;
		client->scanned = done;
	}
	buf_consume(&client->in, done);
	client->scanned -= done;
	if (client->in.len > LINE_MAX_BYTES)
		client_end(client);
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

static char *user_name(uid_t uid)
{
	struct passwd *pw = getpwuid(uid);

	return pw ? mem_strdup(pw->pw_name) : mem_printf("uid %u", (unsigned)uid);
}

static void client_accept(void *arg, int fd, short events)
{
	struct server *server = arg;
	struct ucred cred = {0};
	socklen_t len = sizeof(cred);
	struct client *client;
	int count = 0;
	int new_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (new_fd < 0)
		return;
	for (client = server->clients; client; client = client->next)
		count += !client->dead;
	if (count >= CLIENTS_MAX || getsockopt(new_fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
		close(new_fd);
		return;
	}
	client = mem_alloc(sizeof(*client));
	client->server = server;
	client->fd = new_fd;
	client->uid = cred.uid;
	client->who = user_name(cred.uid);
	client->role = mem_strdup("");
	client->view = mem_strdup("");
	client->next = server->clients;
	server->clients = client;
	loop_watch(server->loop, new_fd, POLLIN, client_ready, client);
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

void server_free(struct server *server)
{
	if (!server)
		return;
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
