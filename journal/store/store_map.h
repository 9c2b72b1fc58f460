/* store_map.h - private to the store: which events a session has, as two sources agree. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_STORE_STORE_MAP_H
#define JOURNAL_STORE_STORE_MAP_H

#include "journal/store/store_int.h"

#include <stdint.h>

/* Which of its events; call (of it) only for MAP_OUTPUT. */
struct store_map_part {
	enum { MAP_ALL, MAP_MARKER, MAP_OUTPUT } part;
	const struct store_call *call;	/* borrowed */
};

/* The map of a session, up to the journal's present head. Inside a read transaction, in a read that is
 * repeated until store_settled. Borrowed until the next call on the store. NULL with ERR_CORRUPT when
 * indexes do not agree and this is a writer; a reader then takes the rows themselves, and store_was_unindexed
 * tells. Reads all entries of the session once for each connection, later what was added. */
struct store_map *store_map_take(struct store *store, int64_t session, struct err *e);

/* The first of them behind after, or the last one before before; 0 = none. */
int64_t store_map_next(struct store_map *map, const struct store_map_part *part, int64_t after);
int64_t store_map_before(struct store_map *map, const struct store_map_part *part, int64_t before);

/* Frees all maps of a connection. */
void store_maps_drop(struct store *store);

#endif
