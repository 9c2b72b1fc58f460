/* link.h - a view's connection to its session: reconnects while the session's process lives, and reads the rest from the journal when it is gone. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_LINK_H
#define TUI_PART_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "journal/event/event.h"

enum link_item {
	LINK_NONE,	/* nothing now: poll link_fd, at most link_wait */
	LINK_EVENT,	/* *ev; valid until the next call */
	LINK_REPLY,	/* *reply; borrowed until the next call */
	LINK_LOST,	/* the connection dropped; being tried again */
	LINK_HALTED,	/* the session's process was stopped (SIGSTOP): the connection stands, and nothing comes */
	LINK_BACK,	/* it is back, or goes on */
	LINK_GONE,	/* the session's process is gone; all that the journal holds was given. Final */
};

struct link;

/* For session of journal, events after seq `after`; view and role as in the hello. Connects at the first link_next. Caller owns. */
struct link *link_new(const char *journal, int64_t session, int64_t after, const char *view, const char *role);

/* Closes and frees. NULL is fine. */
void link_free(struct link *link);

/* Next item at now_us (monotonic); never blocks beyond a connect on a local socket. After LINK_LOST, LINK_HALTED and LINK_GONE, *e says why. */
enum link_item link_next(struct link *link, int64_t now_us, struct event *ev, const struct json **reply, struct err *e);

/* Descriptor to poll, -1 while there is none; *wants_write as feed_fd. */
int link_fd(const struct link *link, bool *wants_write);

/* Microseconds until link_next must be called without a descriptor becoming ready, -1 = no need. */
int64_t link_wait(const struct link *link, int64_t now_us);

/* Sends an intent; -1 while the connection is down: the person is told, nothing is kept for later. Does not take intent. */
int link_send(struct link *link, const struct json *intent, struct err *e);

/* False while the connection is down. */
bool link_is_up(const struct link *link);

#endif
