/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/part/pump.h"

#include <poll.h>

#include "base/mem.h"
#include "base/time.h"

#define BATCH 512	/* items between two looks at the keyboard, */
#define BATCH_US 8000	/* and not for longer: an item may be 64 KiB of output */

struct pump {
	struct loop *loop;
	struct link *link;
	pump_fn *item;
	pump_batch_fn *batch;
	void *arg;
	int fd;			/* watched now, -1 = none */
	int timer;
	bool gone;
};

static void round_due(void *arg);

static void fd_ready(void *arg, int fd, short events)
{
	(void)fd;
	(void)events;
	round_due(arg);
}

/* Watches what the link needs now. */
static void rewatch(struct pump *pump)
{
	bool wants_write;
	int fd = link_fd(pump->link, &wants_write);

	if (pump->fd >= 0 && pump->fd != fd)
		loop_unwatch(pump->loop, pump->fd);
	pump->fd = fd;
	if (fd >= 0)
		loop_watch(pump->loop, fd, (short)(POLLIN | (wants_write ? POLLOUT : 0)), fd_ready, pump);
}

static void round_due(void *arg)
{
	struct pump *pump = arg;
	enum link_item item = LINK_NONE;
	int64_t wait, until = time_mono_us() + BATCH_US;
	int n = 0;

	loop_cancel(pump->loop, pump->timer);
	pump->timer = 0;
	while (!pump->gone && n++ < BATCH) {
		struct err e = { 0 };
		struct event ev = { 0 };
		const struct json *reply = NULL;

		item = link_next(pump->link, time_mono_us(), &ev, &reply, &e);
		if (item == LINK_NONE)
			break;
		pump->gone = item == LINK_GONE;
		pump->item(pump->arg, item, item == LINK_EVENT ? &ev : NULL,
			item == LINK_REPLY ? reply : NULL, e.text);
		if (time_mono_us() >= until)
			break;
	}
	rewatch(pump);
	wait = item != LINK_NONE ? 0 : link_wait(pump->link, time_mono_us());
	if (!pump->gone && wait >= 0)
		pump->timer = loop_after(pump->loop, wait, round_due, pump);
	pump->batch(pump->arg);
}

struct pump *pump_new(struct loop *loop, struct link *link, pump_fn *item, pump_batch_fn *batch, void *arg)
{
	struct pump *pump = mem_alloc(sizeof(*pump));

	pump->loop = loop;
	pump->link = link;
	pump->item = item;
	pump->batch = batch;
	pump->arg = arg;
	pump->fd = -1;
	pump->timer = loop_after(loop, 0, round_due, pump);
	return pump;
}

void pump_free(struct pump *pump)
{
	if (!pump)
		return;
	loop_cancel(pump->loop, pump->timer);
	if (pump->fd >= 0)
		loop_unwatch(pump->loop, pump->fd);
	link_free(pump->link);
	mem_free(pump);
}

int pump_send(struct pump *pump, const struct json *intent, struct err *e)
{
	int rc = link_send(pump->link, intent, e);

	rewatch(pump);
	return rc;
}

bool pump_is_up(const struct pump *pump)
{
	return link_is_up(pump->link);
}
