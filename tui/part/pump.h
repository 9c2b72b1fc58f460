/* pump.h - drives a link from a loop: hands every item to one function, keeps the loop watching the right descriptor and time. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_PUMP_H
#define TUI_PART_PUMP_H

#include "base/loop.h"
#include "tui/part/link.h"

/* One item; ev or reply only for LINK_EVENT or LINK_REPLY; why are words for LINK_LOST and LINK_GONE. Must not free the pump. */
typedef void pump_fn(void *arg, enum link_item item, const struct event *ev,
	const struct json *reply, const char *why);

/* Called after a batch of items, so that a view can print or mark its screen dirty once. */
typedef void pump_batch_fn(void *arg);

struct pump;

/* Starts with the next round of loop. Takes link; loop is borrowed and must outlive the pump. Caller owns. */
struct pump *pump_new(struct loop *loop, struct link *link, pump_fn *item, pump_batch_fn *batch, void *arg);

/* Stops watching and frees, the link too. NULL is fine. */
void pump_free(struct pump *pump);

/* Sends an intent; see link_send. */
int pump_send(struct pump *pump, const struct json *intent, struct err *e);

/* False while the connection is down. */
bool pump_is_up(const struct pump *pump);

#endif
