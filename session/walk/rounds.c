/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/walk/rounds.h"

/*
 * The walk keeps no plan: the same state leads to the same next thing. So a
 * thing that leaves the state as it was would be done for ever, an event each
 * time, without a turn of the loop for anybody who would stop it. Only a fault
 * of ours does that; it shall cost some events, not the journal.
 */

bool rounds_count(struct rounds *rounds, size_t step, int attempt)
{
	if (rounds->step != step || rounds->attempt != attempt)
		*rounds = (struct rounds){.step = step, .attempt = attempt};
	rounds->stopped = ++rounds->count > ROUNDS_MAX;
	return !rounds->stopped;
}

void rounds_anew(struct rounds *rounds)
{
	*rounds = (struct rounds){0};
}
