/* clock.h - private to session/: when something in the journal was, by a clock that nobody can set. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WATCH_CLOCK_H
#define SESSION_WATCH_CLOCK_H

#include "base/json.h"
#include "journal/event/event.h"
#include "session/walk/engine.h"

#include <stdint.h>

/* While a session is read from the journal: the events behind this session.opened or .resumed are
 * of the boot that its data name, which may be ours. */
void clock_process(struct engine *engine, const struct json *opened);

/* When ev was, on the boot clock (time_mono_us; may be negative: before this boot). Of an earlier
 * boot or another machine only the wall clock tells; never later than now. */
int64_t clock_of(const struct engine *engine, const struct event *ev);

/* The time of day until_us that ev names, on the boot clock: as long after ev as it was then, a
 * month at most. */
int64_t clock_end(const struct engine *engine, const struct event *ev, int64_t until_us);

#endif
