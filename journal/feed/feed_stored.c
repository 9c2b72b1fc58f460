/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "journal/feed/feed.h"
#include "journal/feed/feed_int.h"
#include "journal/store/store.h"

#define BATCH_EVENTS 256
#define BATCH_BYTES ((size_t)4 << 20)

struct feed_stored {
	struct feed feed;
	struct store *store;	/* owned */
	int64_t session;
	int64_t head;		/* the journal's end when we opened it: ours too */
	int64_t read;		/* seq of the last event read */
	struct arena *arena;	/* owned; the batch */
	struct event *batch;	/* owned, BATCH_EVENTS long */
	size_t count, at;
	size_t bytes;		/* in the batch */
	bool end;		/* nothing behind the batch */
	bool broken;		/* fault comes behind the batch */
	struct err fault;
};

static bool take_row(void *arg, const struct event *ev)
{
	struct feed_stored *me = arg;

	if (ev->seq > me->head)
		return false;
	event_copy(me->arena, &me->batch[me->count++], ev);
	me->read = ev->seq;
	me->bytes += ev->len + (ev->data ? strlen(ev->data) : 0);
	return me->bytes < BATCH_BYTES && me->count < BATCH_EVENTS;
}

static int read_batch(struct feed_stored *me, struct err *e)
{
	arena_reset(me->arena);
	me->count = 0;
	me->at = 0;
	me->bytes = 0;
	if (store_each(me->store, (struct store_range){.session = me->session, .after = me->read, .limit = BATCH_EVENTS}, take_row, me, e) < 0)
		return -1;
	me->end = me->count < BATCH_EVENTS && me->bytes < BATCH_BYTES;
	return 0;
}

static enum feed_item next_row(struct feed *feed, struct event *ev, const struct json **reply, struct err *e)
{
	struct feed_stored *me = (struct feed_stored *)feed;

	(void)reply;
	/* What was read before the damage is still given, the damage told once. */
	if (me->at == me->count && !me->end && read_batch(me, &me->fault) < 0)
		me->end = me->broken = true;
	if (me->at == me->count && me->broken) {
		me->broken = false;
		*e = me->fault;
		return FEED_ERROR;
	}
	if (me->at == me->count)
		return FEED_END;
	*ev = me->batch[me->at++];
	return FEED_EVENT;
}

static void close_stored(struct feed *feed)
{
	struct feed_stored *me = (struct feed_stored *)feed;

	store_close(me->store);
	arena_free(me->arena);
	mem_free(me->batch);
	mem_free(me);
}

static const struct feed_ops stored_ops = {
	.next = next_row,
	.close = close_stored,
};

struct feed *feed_stored(const char *journal, int64_t session, int64_t after, struct err *e)
{
	struct store *store = store_open(journal, STORE_READ, e);
	int64_t head = store ? store_head(store, e) : -1;
	struct feed_stored *me;

	if (head < 0) {
		store_close(store);
		return NULL;
	}
	me = mem_alloc(sizeof(*me));
	me->feed.ops = &stored_ops;
	me->feed.last = after;
	me->store = store;
	me->session = session;
	me->head = head;
	me->read = after;
	me->arena = arena_new();
	me->batch = mem_array(BATCH_EVENTS, sizeof(*me->batch));
	return &me->feed;
}
