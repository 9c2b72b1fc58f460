/* server.h - the session's Unix socket: views attach, get every event after the one they have, and send intents. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_PEOPLE_SERVER_H
#define SESSION_PEOPLE_SERVER_H

#include "base/err.h"
#include "base/json.h"
#include "base/loop.h"
#include "journal/store/store.h"
#include "session/people/account.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct server;
struct client;	/* an attached view */

/* What people.c keeps of a view. Zero when it comes. */
struct client_facts {
	int64_t active_us;	/* wall clock: of its last key or intent */
	int64_t until_us;	/* of a guest: when the time is up; 0 = not a guest */
	int timer;		/* of that */
	char *why;		/* owned: words about its role, or why it was sent away */
	bool typing, newcomer, told;
};

struct server_hooks {
	/* A view said hello; role is what it wants. Returns the role it gets (static or borrowed text), NULL to refuse with *why filled (owned by the server). */
	const char *(*hello)(void *arg, struct client *client, const char *role, char **why);
	/* True when the account behind the view is the driver's, or may become it: a place is kept for that. May be NULL. */
	bool (*drives)(void *arg, const struct client *client, const char *role);
	/* An intent of a view that said hello, within the limits (intent.h). Borrowed. */
	void (*intent)(void *arg, struct client *client, const struct json *intent);
	/* A view that had said hello is gone. */
	void (*gone)(void *arg, struct client *client);
};

/* Serves views on a listening socket (taken). store and session are where views are fed from. Caller owns. */
struct server *server_new(struct loop *loop, int listen_fd, struct store *store, int64_t session, const struct server_hooks *hooks, void *arg);

/* Another listening socket (taken) in the place of the old one, which is closed; the views stay. */
void server_listen(struct server *server, int listen_fd);

/* Closes all views and the socket. NULL is fine. */
void server_free(struct server *server);

/* A new event is stored: told to every view that has all before it; the others get it in their turn from the store. */
void server_tell(struct server *server, const struct event *ev);

/* {name: value} to one view, or to all with client NULL. Takes value. */
void server_say(struct server *server, struct client *client, const char *name, struct json *value);

/* {"accepted"|"refused": {do, seq, id, why}} for an intent. */
void server_accept(struct server *server, struct client *client, const struct json *intent, int64_t seq);
void server_refuse(struct server *server, struct client *client, const struct json *intent, const char *why);

/* A text of an intent, as a reason; NULL when there is none, or nothing of it can be seen. Borrowed. */
const char *intent_words(const struct json *intent, const char *name);

/* Who is behind a view (kernel's word), its role and kind; borrowed while it is attached. */
uid_t client_uid(const struct client *client);
const char *client_who(const struct client *client);
const char *client_role(const struct client *client);
const char *client_view(const struct client *client);
void client_set_role(struct client *client, const char *role);

/* What the kernel said of who is behind it, when it came. Borrowed. */
const struct account *client_account(const struct client *client);

/* Its facts, to be changed by their owner. */
struct client_facts *client_facts(struct client *client);

/* Sends a view away: it is refused with words, as at hello, and its connection is closed. */
void server_dismiss(struct server *server, struct client *client, const char *why);

/* Walks the views that said hello: the first with NULL, then each next; NULL at the end. */
struct client *server_next(const struct server *server, const struct client *client);

/* True when every view has been sent all events and replies. */
bool server_is_idle(const struct server *server);

#endif
