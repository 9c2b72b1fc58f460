/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/call/carry.h"

#include <string.h>

#define LOG "The journal or its log (-wal, or -shm) had been removed, replaced or cut from outside while this session ran. What it held is in the journal now; nothing is missing."
#define ANEW "The run directory of this session, its lease or its socket had been removed or changed from outside; bellbook has made it anew. Nothing was missed."

static int over(const struct engine *engine, struct err *e)
{
	return err_set(e, ERR_DENIED, "another process has taken session %lld over, as the journal says: this one does nothing more", (long long)engine->session);
}

bool carry_is_over(struct engine *engine)
{
	engine->taken = engine->taken || store_is_taken(engine->store) || (engine->keep && keep_is_taken(engine->keep));
	return engine->taken;
}

static void note(struct engine *engine, const char *text)
{
	struct event ev = {.kind = EVENT_NOTE, .who = "bellbook", .bytes = text, .len = strlen(text)};

	book_add(engine->book, &ev, 1);
}

int carry_fit(void *arg, struct err *e)
{
	struct engine *engine = arg;
	struct keep_news news;
	int mended;

	if (!engine->keep)	/* a new session, which nobody can know before it is stored */
		return 0;
	if (engine->taken && !keep_is_taken(engine->keep))
		return over(engine, e);
	/* Whoever took the session over shall not find its lease in our hands. */
	if (!keep_is_named(engine->keep) && store_is_taken(engine->store))
		return over(engine, e);
	mended = store_look(engine->store, e);
	if (mended < 0)
		return -1;
	if (mended)
		note(engine, LOG);
	if (keep_look(engine->keep, &news, e) < 0)
		return -1;
	if (news.fd >= 0)
		server_listen(engine->server, news.fd);
	if (news.anew)
		note(engine, ANEW);
	return 0;
}

static void look(void *arg)
{
	struct engine *engine = arg;

	(void)book_drain(engine->book);
	engine->timer_keep = engine->taken ? 0 : loop_after(engine->loop, KEEP_US, look, engine);
}

void carry_start(struct engine *engine)
{
	engine->timer_keep = loop_after(engine->loop, KEEP_US, look, engine);
}
