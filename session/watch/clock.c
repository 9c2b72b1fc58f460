/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/watch/clock.h"

#include <unistd.h>

#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"

#define LONGEST_US (TIME_SECOND * 3600 * 24 * 30)

void clock_process(struct engine *engine, const struct json *opened)
{
	const char *boot = json_text(json_at(opened, "process"), "boot", "");
	struct proc_id me = {0};
	struct err e = {0};

	engine->other_boot = proc_identify(getpid(), &me, &e) < 0 || !str_is(boot, me.boot);
}

int64_t clock_of(const struct engine *engine, const struct event *ev)
{
	int64_t now = time_mono_us(), ago;

	if (!engine->other_boot)
		return ev->mono_us < now ? ev->mono_us : now;
	ago = time_wall_us() - ev->at_us;
	return ago > 0 ? now - ago : now;
}

int64_t clock_end(const struct engine *engine, const struct event *ev, int64_t until_us)
{
	int64_t span = 0;

	if (until_us > ev->at_us)
		span = ev->at_us < 0 || until_us - ev->at_us > LONGEST_US ? LONGEST_US : until_us - ev->at_us;
	return clock_of(engine, ev) + span;
}
