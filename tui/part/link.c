/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/part/link.h"

#include "base/mem.h"
#include "base/time.h"
#include "journal/feed/feed.h"
#include "journal/store/place.h"

#define RETRY_FIRST_US (TIME_SECOND / 10)
#define RETRY_MAX_US (2 * TIME_SECOND)
#define LOOK_US (2 * TIME_SECOND)
#define GONE_AFTER_US TIME_SECOND	/* without a lease for this long: the process is gone */

enum link_state {
	LINK_DOWN,	/* trying at retry_us */
	LINK_UP,
	LINK_REST,	/* the process is gone: the stored events are read */
	LINK_OVER,
};

struct link {
	char *journal, *view, *role;	/* owned */
	int64_t session, last;
	enum link_state state;
	struct feed *feed;		/* live or stored; NULL while down */
	int64_t retry_us, delay_us;
	int64_t lost_us;		/* since when nobody holds the lease; 0 = somebody does */
	bool told;			/* LINK_LOST was given for this loss */
	pid_t halted;			/* the session's process, which is stopped; 0 = it is not */
	int64_t look_us;		/* when that is looked at next */
};

struct link *link_new(const char *journal, int64_t session, int64_t after, const char *view, const char *role)
{
	struct link *link = mem_alloc(sizeof(*link));

	link->journal = mem_strdup(journal);
	link->view = mem_strdup(view);
	link->role = mem_strdup(role ? role : "");
	link->session = session;
	link->last = after;
	link->delay_us = RETRY_FIRST_US;
	return link;
}

void link_free(struct link *link)
{
	if (!link)
		return;
	feed_close(link->feed);
	mem_free(link->journal);
	mem_free(link->view);
	mem_free(link->role);
	mem_free(link);
}

static enum link_item drop(struct link *link, int64_t now_us)
{
	feed_close(link->feed);
	link->feed = NULL;
	link->state = LINK_DOWN;
	link->retry_us = now_us + link->delay_us;
	link->delay_us = link->delay_us * 2 > RETRY_MAX_US ? RETRY_MAX_US : link->delay_us * 2;
	link->lost_us = 0;
	link->told = true;
	link->halted = 0;
	return LINK_LOST;
}

/* A stopped process keeps its connections, and says nothing. */
static enum link_item look(struct link *link, int64_t now_us, struct err *e)
{
	pid_t before = link->halted;

	if (now_us < link->look_us)
		return LINK_NONE;
	link->look_us = now_us + LOOK_US;
	link->halted = lease_stopped(link->journal, link->session);
	if (!link->halted == !before)
		return LINK_NONE;
	if (!link->halted)
		return LINK_BACK;
	err_set(e, ERR_IO, "the session's process %ld was stopped from outside (kill -STOP): it shows and does nothing, what runs on hosts goes on; kill -CONT %ld lets it go on, kill -KILL %ld ends it, and resume takes it up",
		(long)link->halted, (long)link->halted, (long)link->halted);
	return LINK_HALTED;
}

/* No process holds the session: what it wrote last is in the journal. */
static enum link_item give_up(struct link *link, struct err *e)
{
	link->feed = feed_stored(link->journal, link->session, link->last, e);
	link->state = link->feed ? LINK_REST : LINK_OVER;
	return link->feed ? LINK_NONE : LINK_GONE;
}

static enum link_item try_again(struct link *link, int64_t now_us, struct err *e)
{
	enum link_item item;

	if (now_us < link->retry_us)
		return LINK_NONE;
	link->feed = feed_live(link->journal, link->session, link->last, link->view, link->role, e);
	if (link->feed) {
		item = link->told ? LINK_BACK : LINK_NONE;
		link->state = LINK_UP;
		link->told = false;
		link->lost_us = 0;
		return item;
	}
	if (lease_is_held(link->journal, link->session))
		link->lost_us = 0;
	else if (link->lost_us == 0)
		link->lost_us = now_us;
	else if (now_us - link->lost_us >= GONE_AFTER_US)
		return give_up(link, e);
	link->retry_us = now_us + link->delay_us;
	link->delay_us = link->delay_us * 2 > RETRY_MAX_US ? RETRY_MAX_US : link->delay_us * 2;
	if (link->told)
		return LINK_NONE;
	link->told = true;
	return LINK_LOST;
}

static enum link_item feed_item_of(struct link *link, int64_t now_us, struct event *ev, const struct json **reply,
	struct err *e)
{
	enum feed_item item = feed_next(link->feed, ev, reply, e);

	if (item == FEED_NONE)
		return LINK_NONE;
	if (item == FEED_EVENT) {
		link->last = ev->seq;
		link->delay_us = RETRY_FIRST_US;
		return LINK_EVENT;
	}
	if (item == FEED_REPLY)
		return LINK_REPLY;
	if (link->state == LINK_UP) {
		if (item == FEED_END)
			err_set(e, ERR_IO, "the session closed the connection");
		return drop(link, now_us);
	}
	feed_close(link->feed);
	link->feed = NULL;
	link->state = LINK_OVER;
	if (item == FEED_END)
		err_clear(e);
	return LINK_GONE;
}

enum link_item link_next(struct link *link, int64_t now_us, struct event *ev, const struct json **reply,
	struct err *e)
{
	if (link->state == LINK_DOWN) {
		enum link_item item = try_again(link, now_us, e);

		if (item != LINK_NONE || !link->feed)
			return item;
	}
	if (link->state == LINK_OVER)
		return LINK_GONE;
	if (link->state == LINK_UP) {
		enum link_item item = look(link, now_us, e);

		if (item != LINK_NONE)
			return item;
	}
	return feed_item_of(link, now_us, ev, reply, e);
}

int link_fd(const struct link *link, bool *wants_write)
{
	*wants_write = false;
	return link->feed ? feed_fd(link->feed, wants_write) : -1;
}

int64_t link_wait(const struct link *link, int64_t now_us)
{
	if (link->state == LINK_REST)
		return 0;
	if (link->state == LINK_UP)
		return link->look_us > now_us ? link->look_us - now_us : 0;
	if (link->state != LINK_DOWN)
		return -1;
	return link->retry_us > now_us ? link->retry_us - now_us : 0;
}

int link_send(struct link *link, const struct json *intent, struct err *e)
{
	if (link->state != LINK_UP)
		return err_set(e, ERR_IO, "not connected to the session just now; nothing was sent");
	if (link->halted)
		return err_set(e, ERR_IO, "the session's process %ld is stopped; nothing was sent (kill -CONT %ld lets it go on)", (long)link->halted, (long)link->halted);
	return feed_send(link->feed, intent, e);
}

bool link_is_up(const struct link *link)
{
	return link->state == LINK_UP;
}
