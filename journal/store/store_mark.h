/* store_mark.h - private to the store: how far the journal was known to reach, kept in its lock file and in its ballast. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_STORE_STORE_MARK_H
#define JOURNAL_STORE_STORE_MARK_H

#include "journal/store/store_int.h"

#include <stdbool.h>
#include <stdint.h>

/* The last event that was stored and synced, as one of the two has it. */
struct store_mark {
	int64_t seq, session, at_us;
	unsigned char hash[SHA256_LEN];
	char id[33];		/* of the journal */
	const char *from;	/* suffix of the file that had it */
};

/* Writes that ev is on the disk. Call with the lock held and only behind an fsync that succeeded. What
 * keeps it from being written is no error: the mark then stays behind. */
void store_mark_write(const struct store *store, const struct event *ev);

/* Forgets it: a new journal begins under this name. The lock is held. */
void store_mark_clear(const struct store *store);

/* Reads it from whichever knows more of this journal; false when there is none that can be believed, as beside a copy or from an older bellbook.
 * Read it before the events that are compared with it: it only grows. Blocks for milliseconds. */
bool store_mark_read(const struct store *store, struct store_mark *mark);

/* What is wrong with an open journal that reaches to head, in words without its path; false = nothing
 * is. Of another journal it says nothing. */
bool store_mark_differs(struct store *store, const struct store_mark *mark, int64_t head, char *words, size_t size);

#endif
