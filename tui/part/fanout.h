/* fanout.h - the hosts a step works on at once, one row each: failures first, what is unknown next, then what runs, then what is done. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_FANOUT_H
#define TUI_PART_FANOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/live/scene.h"

struct fanout {
	const struct model_call **calls;	/* owned array of borrowed calls: what counts on each host */
	size_t count;				/* hosts */
	size_t failed, unknown, stopped, running, done;
	size_t silent;				/* of those that run: their host does not answer */
	bool strict;				/* the step failed: another status than 0 is a failure */
};

/* The hosts that the step's present attempt met in branches. count is 0 when it is no fan-out. Done with fanout_done; borrowed until the next event. */
void fanout_init(struct fanout *fanout, const struct scene *scene, const struct model_step *step);

/* Frees. */
void fanout_done(struct fanout *fanout);

/* True for a call that went wrong: failed, of unknown outcome, stopped, or ended with a status that its step may have failed by. */
bool fanout_is_bad(const struct fanout *fanout, const struct model_call *call);

/* "200 hosts: 197 ok, 2 FAILED, 1 runs". Caller owns. */
char *fanout_words(const struct fanout *fanout);

/* Why a call failed, one line, safe: its error, or its last line on standard error, or its last line. Caller owns; "" when nothing is known. */
char *fanout_why(const struct scene *scene, const struct model_call *call);

#endif
