/* store_whole.h - private to the store: whether an event is as it was. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_STORE_STORE_WHOLE_H
#define JOURNAL_STORE_STORE_WHOLE_H

#include "journal/store/store_int.h"

#include <stdint.h>

/* A walk that checks events one after the other, in any order; zero it first, then _done. */
struct store_links {
	sqlite3_stmt *hash, *purge;	/* owned */
	int64_t seq;			/* the last good one, 0 = none */
	unsigned char previous[SHA256_LEN];	/* its hash */
};

/* Ends it: frees its statements. */
void store_links_done(struct store_links *links);

/* -1 ERR_CORRUPT with words when ev does not fit the event before it, or its payload is gone and no
 * later event says so. */
int store_link(struct store *store, struct store_links *links, const struct event *ev, struct err *e);

/* 1 when a later payload.purged event names seq, 0 when none does, -1 on error. */
int store_purge_told(struct store *store, struct store_links *links, int64_t seq, struct err *e);

#endif
