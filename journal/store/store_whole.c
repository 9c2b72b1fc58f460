/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/store/store_whole.h"

#include <string.h>

void store_links_done(struct store_links *links)
{
	sqlite3_finalize(links->hash);
	sqlite3_finalize(links->purge);
	*links = (struct store_links){ 0 };
}

static int previous_hash(struct store *store, struct store_links *links, int64_t seq, struct err *e)
{
	int code, rc = 0;

	if (!links->hash)
		links->hash = store_prepare(store->db, store_verify_sql[VERIFY_HASH], e);
	if (!links->hash)
		return -1;
	sqlite3_bind_int64(links->hash, 1, seq);
	code = sqlite3_step(links->hash);
	if (code == SQLITE_ROW && sqlite3_column_bytes(links->hash, 0) == SHA256_LEN)
		memcpy(links->previous, sqlite3_column_blob(links->hash, 0), SHA256_LEN);
	else if (code == SQLITE_ROW || code == SQLITE_DONE)
		rc = err_set(e, ERR_CORRUPT, "%s is damaged: event %lld is missing", store->path, (long long)seq);
	else
		rc = store_sql_err(store->db, e, "reading events");
	sqlite3_reset(links->hash);
	return rc;
}

int store_purge_told(struct store *store, struct store_links *links, int64_t seq, struct err *e)
{
	int code;

	if (!links->purge)
		links->purge = store_prepare(store->db, store_verify_sql[VERIFY_PURGE], e);
	if (!links->purge)
		return -1;
	sqlite3_bind_int64(links->purge, 1, seq);
	code = sqlite3_step(links->purge);
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return store_sql_err(store->db, e, "looking for payload.purged");
	sqlite3_reset(links->purge);
	return code == SQLITE_ROW;
}

int store_link(struct store *store, struct store_links *links, const struct event *ev, struct err *e)
{
	unsigned char hash[SHA256_LEN];
	int told = 1;

	if (ev->seq == 1)
		memset(links->previous, 0, SHA256_LEN);
	else if (links->seq != ev->seq - 1 && previous_hash(store, links, ev->seq - 1, e) < 0)
		return -1;
	event_hash(ev, links->previous, hash);
	if (memcmp(hash, ev->hash, SHA256_LEN) != 0)
		return err_set(e, ERR_CORRUPT, "%s is damaged: event %lld does not fit its hash: it, or the one before it, was changed",
			store->path, (long long)ev->seq);
	if (ev->purged)
		told = store_purge_told(store, links, ev->seq, e);
	if (told <= 0)
		return told < 0 ? -1 : err_set(e, ERR_CORRUPT, "%s is damaged: the payload of event %lld is gone and no later event "
			"says who purged it", store->path, (long long)ev->seq);
	memcpy(links->previous, hash, SHA256_LEN);
	links->seq = ev->seq;
	return 0;
}
