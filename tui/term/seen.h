/* seen.h - whether a person can have seen what is asked: the terminal is asked for its status behind the picture, and keys that come before its answer were pressed before the picture. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_TERM_SEEN_H
#define TUI_TERM_SEEN_H

#include <stdbool.h>
#include <stdint.h>

/* Device status report (ECMA-48 8.3.35): a terminal answers ESC [ 0 n once it has taken in all that came before. */
#define SEEN_REQUEST "\033[5n"
#define SEEN_UNKNOWN_US ((int64_t)1000000)	/* the first answer of a terminal is waited for so long */
#define SEEN_KNOWN_US ((int64_t)30000000)	/* one that did, so long: the line hangs, and what was typed into it comes late */

/* All zero: nothing is asked of a terminal that does not answer. */
struct seen {
	bool can;		/* set by the owner: this type of terminal knows the request */
	bool answers;		/* it did */
	int64_t question;	/* what stands in front, 0 = nothing */
	bool painted, shown;
	int64_t painted_us;
	unsigned asked, answered, behind;	/* requests, answers, and the request that went out behind the question */
};

/* What stands in front from now on: a question's seq, 0 when none does. */
void seen_question(struct seen *seen, int64_t question);

/* All of it went to the terminal at now_us. True when it did so for the first time: SEEN_REQUEST is to be sent behind it then, if it can answer. */
bool seen_painted(struct seen *seen, int64_t now_us);

/* The terminal answered. True when the question has been seen from now on. */
bool seen_answer(struct seen *seen);

/* True while keys were pressed before the question could be seen. */
bool seen_waits(const struct seen *seen, int64_t now_us);

/* Microseconds until seen_waits turns false without an answer, -1 when it is false or waits for the painting. */
int64_t seen_wait(const struct seen *seen, int64_t now_us);

/* Takes back answers that are still to come, so that they do not end up in the shell: reads fd, half a second at most, and drops what was typed. Blocks so long. */
void seen_drain(struct seen *seen, int fd, int64_t now_us);

#endif
