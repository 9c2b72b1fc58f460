/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/store/store_map.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/*
 * SQLite believes its indexes. An entry of which one bit is wrong makes an event silently vanish from
 * its session, and what had been done is done again; an entry of another session in the wrong place
 * leads a search past those it looks for. So events of a session are never searched in an index. Every
 * one of them stands twice in the indexes, in event_session and in one of event_marker and event_output.
 * All entries of the session are walked in each of them, once, and must be the same; what comes out is
 * a list of numbers, and each event is then read from the table by its number and must be there.
 *
 * When they do not agree, the table has the truth, and reading all of it from the session's first event
 * on finds it: seconds instead of milliseconds in a large journal. A reader does that. A writer refuses:
 * whoever goes on with a damaged file loses more.
 *
 * What was appended since is read from the table, and compared with event_session.
 *
 * A million events take about 24 MB and a third of a second.
 */

#define MAPS 4		/* kept at a time: sessions that run beside each other are read in turns */

enum { INDEXES, ROWS, NEWER, COUNT, HEAD };

const char *const store_map_sql[] = {
	[INDEXES] = ("SELECT 0, seq, NULL, 0, NULL FROM event INDEXED BY event_session WHERE session = ?1"
		" UNION ALL SELECT 1, seq, NULL, 0, NULL FROM event INDEXED BY event_marker WHERE session = ?1 AND kind < 100"
		" UNION ALL SELECT 2, seq, step, attempt, call FROM event INDEXED BY event_output WHERE session = ?1 AND kind >= 100"),
	[ROWS] = "SELECT 1 + (kind >= 100), seq, step, attempt, call FROM event NOT INDEXED WHERE seq > ?2 AND seq <= ?3 AND session = ?1 ORDER BY seq",
	[NEWER] = "SELECT seq FROM event INDEXED BY event_session WHERE session = ?1 AND seq > ?2 AND seq <= ?3",
	[COUNT] = "SELECT count(*) FROM event NOT INDEXED WHERE seq > ?2 AND seq <= ?3",
	[HEAD] = "SELECT max(seq) FROM event",
	NULL,
};

struct numbers {
	int64_t *seq;	/* owned; ascending */
	size_t n;
};

struct output {
	uint64_t call;	/* hash of step, attempt and call */
	int64_t seq;
};

struct store_map {
	int64_t session, upto;		/* made of the journal up to there */
	bool by_rows;			/* its indexes do not agree */
	struct numbers all, marker;
	struct output *output;		/* owned; by call and seq when sorted */
	size_t output_n;
	bool sorted;
};

struct store_maps {
	struct store_map *map[MAPS];	/* owned; the last used first */
};

/* --- lists --- */

static void add_number(struct numbers *to, int64_t seq)
{
	to->seq = mem_more(to->seq, to->n, sizeof(*to->seq));
	to->seq[to->n++] = seq;
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * 0x100000001b3u;
	return hash;
}

static uint64_t call_hash(const char *step, int attempt, const char *call)
{
	uint64_t hash = mix(0xcbf29ce484222325u, step, strlen(step) + 1);

	return mix(mix(hash, &attempt, sizeof(attempt)), call, strlen(call) + 1);
}

static const char *text_of(sqlite3_stmt *stmt, int at)
{
	const unsigned char *text = sqlite3_column_text(stmt, at);

	return text ? (const char *)text : "";
}

static void add_output(struct store_map *map, sqlite3_stmt *stmt)
{
	map->output = mem_more(map->output, map->output_n, sizeof(*map->output));
	map->output[map->output_n++] = (struct output){
		.call = call_hash(text_of(stmt, 2), sqlite3_column_int(stmt, 3), text_of(stmt, 4)), .seq = sqlite3_column_int64(stmt, 1),
	};
	map->sorted = false;
}

static int by_call(const void *a, const void *b)
{
	const struct output *x = a, *y = b;

	if (x->call != y->call)
		return x->call < y->call ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void map_free(struct store_map *map)
{
	if (!map)
		return;
	mem_free(map->all.seq);
	mem_free(map->marker.seq);
	mem_free(map->output);
	mem_free(map);
}

void store_maps_drop(struct store *store)
{
	for (size_t i = 0; store->maps && i < MAPS; i++)
		map_free(store->maps->map[i]);
	mem_free(store->maps);
	store->maps = NULL;
}

/* --- making --- */

static sqlite3_stmt *query(struct store *store, int which, const struct store_map *map, int64_t upto, struct err *e)
{
	sqlite3_stmt *stmt = store_prepare(store->db, store_map_sql[which], e);

	if (!stmt)
		return NULL;
	if (which == INDEXES || which == ROWS || which == NEWER)
		sqlite3_bind_int64(stmt, 1, map->session);
	if (which == ROWS || which == NEWER || which == COUNT) {
		sqlite3_bind_int64(stmt, 2, map->upto);
		sqlite3_bind_int64(stmt, 3, upto);
	}
	return stmt;
}

/* First value of the only row. */
static int number(struct store *store, int which, const struct store_map *map, int64_t upto, int64_t *out, struct err *e)
{
	sqlite3_stmt *stmt = query(store, which, map, upto, e);
	int rc = -1;

	if (!stmt)
		return -1;
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		*out = sqlite3_column_int64(stmt, 0);
		rc = 0;
	} else {
		store_sql_err(store->db, e, "counting events");
	}
	sqlite3_finalize(stmt);
	return rc;
}

static int disagree(const struct store *store, const struct store_map *map, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "%s is damaged: its indexes do not agree which events session %lld has, so some of "
		"them would be left out. Nothing was changed; bellbook verify says more", store->path, (long long)map->session);
}

static bool ascends(const struct numbers *list)
{
	for (size_t i = 1; i < list->n; i++)
		if (list->seq[i] <= list->seq[i - 1])
			return false;
	return true;
}

static uint64_t sum_of(uint64_t sum, int64_t seq)
{
	return sum + mix(0xcbf29ce484222325u, &seq, sizeof(seq));
}

/* Each event is in the one list, and in one of the others. */
static bool agrees(const struct store_map *map)
{
	uint64_t all = 0, parts = 0;

	for (size_t i = 0; i < map->all.n; i++)
		all = sum_of(all, map->all.seq[i]);
	for (size_t i = 0; i < map->marker.n; i++)
		parts = sum_of(parts, map->marker.seq[i]);
	for (size_t i = 0; i < map->output_n; i++)
		parts = sum_of(parts, map->output[i].seq);
	return map->all.n == map->marker.n + map->output_n && all == parts && ascends(&map->all) && ascends(&map->marker);
}

static int take_indexes(struct store *store, struct store_map *map, struct err *e)
{
	sqlite3_stmt *stmt = query(store, INDEXES, map, 0, e);
	int code;

	if (!stmt)
		return -1;
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
		int which = sqlite3_column_int(stmt, 0);

		if (which == 2)
			add_output(map, stmt);
		else
			add_number(which == 0 ? &map->all : &map->marker, sqlite3_column_int64(stmt, 1));
	}
	if (code != SQLITE_DONE)
		store_sql_err(store->db, e, "reading the indexes");
	sqlite3_finalize(stmt);
	return code != SQLITE_DONE ? -1 : agrees(map) ? 0 : disagree(store, map, e);
}

/* From the events behind map->upto up to upto, of which none may be missing. */
static int take_rows(struct store *store, struct store_map *map, int64_t upto, struct err *e)
{
	sqlite3_stmt *stmt;
	int64_t there;
	int code;

	if (number(store, COUNT, map, upto, &there, e) < 0)
		return -1;
	if (there != upto - map->upto)
		return err_set(e, ERR_CORRUPT, "%s is damaged: of the events %lld to %lld only %lld can be found", store->path, (long long)map->upto + 1,
			(long long)upto, (long long)there);
	stmt = query(store, ROWS, map, upto, e);
	if (!stmt)
		return -1;
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
		add_number(&map->all, sqlite3_column_int64(stmt, 1));
		if (sqlite3_column_int(stmt, 0) == 2)
			add_output(map, stmt);
		else
			add_number(&map->marker, sqlite3_column_int64(stmt, 1));
	}
	if (code != SQLITE_DONE)
		store_sql_err(store->db, e, "reading events");
	sqlite3_finalize(stmt);
	return code == SQLITE_DONE ? 0 : -1;
}

/* What was added to the list behind its first n is what event_session has. */
static int compare_newer(struct store *store, const struct store_map *map, size_t n, int64_t upto, struct err *e)
{
	sqlite3_stmt *stmt = query(store, NEWER, map, upto, e);
	bool same = true;
	int code;

	if (!stmt)
		return -1;
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW && same) {
		same = n < map->all.n && map->all.seq[n] == sqlite3_column_int64(stmt, 0);
		n++;
	}
	if (code != SQLITE_DONE && same)
		store_sql_err(store->db, e, "reading the indexes");
	sqlite3_finalize(stmt);
	if (code != SQLITE_DONE && same)
		return -1;
	return same && n == map->all.n ? 0 : disagree(store, map, e);
}

static int extend(struct store *store, struct store_map *map, int64_t head, struct err *e)
{
	size_t before = map->all.n;

	if (take_rows(store, map, head, e) < 0 || (!map->by_rows && compare_newer(store, map, before, head, e) < 0))
		return -1;
	map->upto = head;
	return 0;
}

/* A new map; on -1 it may hold a part. */
static int fill(struct store *store, struct store_map *map, int64_t head, struct err *e)
{
	map->upto = map->by_rows ? map->session - 1 : head;
	return map->by_rows ? (map->upto < head ? extend(store, map, head, e) : 0) : take_indexes(store, map, e);
}

static struct store_map *map_new(int64_t session, bool by_rows)
{
	struct store_map *map = mem_alloc(sizeof(*map));

	map->session = session;
	map->by_rows = by_rows;
	return map;
}

/* *at is the map's place, which holds an older one or NULL. */
static int refresh(struct store *store, struct store_map **at, int64_t session, int64_t head, struct err *e)
{
	struct err why = { 0 };
	int rc;

	if (*at && (*at)->upto == head)
		return 0;
	if (*at && (*at)->upto < head) {
		rc = extend(store, *at, head, &why);
	} else {
		map_free(*at);
		*at = map_new(session, false);
		rc = fill(store, *at, head, &why);
	}
	if (rc < 0 && why.kind == ERR_CORRUPT && store->mode == STORE_READ) {
		store->unindexed = why;
		map_free(*at);
		*at = map_new(session, true);
		rc = fill(store, *at, head, &why);
	}
	if (rc == 0)
		return 0;
	map_free(*at);
	*at = NULL;
	*e = why;
	return -1;
}

struct store_map *store_map_take(struct store *store, int64_t session, struct err *e)
{
	struct store_map *map;
	int64_t head;
	size_t at = 0;

	if (!store->maps)
		store->maps = mem_alloc(sizeof(*store->maps));
	if (number(store, HEAD, NULL, 0, &head, e) < 0)
		return NULL;
	while (at < MAPS - 1 && store->maps->map[at] && store->maps->map[at]->session != session)
		at++;
	map = store->maps->map[at];
	if (map && map->session != session) {	/* the one that was not used for longest */
		map_free(map);
		map = NULL;
	}
	memmove(&store->maps->map[1], &store->maps->map[0], at * sizeof(map));
	store->maps->map[0] = map;
	return refresh(store, &store->maps->map[0], session, head, e) < 0 ? NULL : store->maps->map[0];
}

bool store_was_unindexed(const struct store *store, struct err *why)
{
	if (store->unindexed.text[0])
		*why = store->unindexed;
	return store->unindexed.text[0] != '\0';
}

/* --- looking up --- */

/* How many of the list are less than seq. */
static size_t numbers_below(const struct numbers *list, int64_t seq)
{
	size_t from = 0, to = list->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (list->seq[middle] < seq)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static size_t outputs_below(struct store_map *map, uint64_t call, int64_t seq)
{
	const struct output wanted = { .call = call, .seq = seq };
	size_t from = 0, to = map->output_n;

	if (!map->sorted && map->output_n)
		qsort(map->output, map->output_n, sizeof(*map->output), by_call);
	map->sorted = true;
	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (by_call(&map->output[middle], &wanted) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static uint64_t hash_of(const struct store_call *call)
{
	return call_hash(call->step ? call->step : "", call->attempt, call->path ? call->path : "");
}

static const struct numbers *list_of(const struct store_map *map, const struct store_map_part *part)
{
	return part->part == MAP_ALL ? &map->all : &map->marker;
}

int64_t store_map_next(struct store_map *map, const struct store_map_part *part, int64_t after)
{
	uint64_t call = part->part == MAP_OUTPUT ? hash_of(part->call) : 0;
	size_t at;

	if (after == INT64_MAX)
		return 0;
	if (part->part == MAP_OUTPUT) {
		at = outputs_below(map, call, after + 1);
		return at < map->output_n && map->output[at].call == call ? map->output[at].seq : 0;
	}
	at = numbers_below(list_of(map, part), after + 1);
	return at < list_of(map, part)->n ? list_of(map, part)->seq[at] : 0;
}

int64_t store_map_before(struct store_map *map, const struct store_map_part *part, int64_t before)
{
	uint64_t call = part->part == MAP_OUTPUT ? hash_of(part->call) : 0;
	size_t at;

	if (part->part == MAP_OUTPUT) {
		at = outputs_below(map, call, before);
		return at > 0 && map->output[at - 1].call == call ? map->output[at - 1].seq : 0;
	}
	at = numbers_below(list_of(map, part), before);
	return at > 0 ? list_of(map, part)->seq[at - 1] : 0;
}
