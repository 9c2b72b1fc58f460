/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/store/store_mend.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "journal/store/store_carry.h"
#include "journal/store/store_log.h"

/*
 * After an fsync that failed. What was written may be on the disk or not, and the kernel has taken
 * note of the fault: it calls the pages clean, drops them when it likes, and the next fsync succeeds
 * without them. So nothing is believed: the file is opened anew, as after a power cut; a reader that
 * checks every frame of the log looks at it first; all that was told must be there, with its hash;
 * and then all of the log is written again, into the file itself, and synced there.
 *
 * The commit that failed may come to life by that, as its frames may be whole in the log. Its hash
 * tells. Then it is not stored a second time: the caller, who tries again, gets the events that are
 * there.
 */

static int told_is_there(struct store *store, struct err *e)
{
	unsigned char hash[SHA256_LEN];

	if (!store->told)
		return 0;
	if (store_hash_at(store, store->told, hash, e) == 0 && memcmp(hash, store->told_hash, SHA256_LEN) == 0)
		return 0;
	return err_set(e, ERR_CORRUPT, "%s: the disk lost what had been stored and told: event %lld is not there, or is another one. Nothing can go on in "
		"this journal: keep it as evidence, and go on in another file", store->path, (long long)store->told);
}

static bool doubt_is_there(struct store *store)
{
	unsigned char hash[SHA256_LEN];
	struct err ignored = { 0 };

	return store->doubt && store_hash_at(store, store->doubt + (int64_t)store->doubt_n - 1, hash, &ignored) == 0
		&& memcmp(hash, store->doubt_hash, SHA256_LEN) == 0;
}

/* Readers in the way come to an end. */
static int empty_log(struct store *store, struct err *e)
{
	bool all = false;
	int rc;

	if (store_lock(store, e) < 0)
		return -1;
	/* it may have been cut again, and a log that its index does not tell of must not be emptied */
	rc = store_log_check(store, e) < 0 ? -1 : store_checkpoint_locked(store, true, &all, e);
	store_unlock(store);
	return rc == 0 && !all ? err_set(e, ERR_IO, "%s: a reader keeps its log from being written again", store->path) : rc;
}

int store_mend(struct store *store, struct err *e)
{
	const char *why = store->cut ? "it was cut short" : store->log_gone ? "its log was removed, replaced or cut" : "the disk failed to confirm a write";

	err_clear(e);
	/* what is cut still is not opened anew: its index alone says how much it must have */
	if (store_still_there(store, e) < 0 || (store_log_look(store, e) < 0 && !store->log_gone))
		return -1;
	err_clear(e);
	if (store->log_gone && store_log_save(store, e) < 0)
		return -1;
	if (store_reopen(store, e) < 0)
		return err_wrap(e, "%s, and the journal cannot be opened anew", why);
	if (told_is_there(store, e) < 0 || store_is_cut(store, e))
		return -1;
	if (doubt_is_there(store)) {
		store->revived = store->revived ? store->revived : store->doubt;
		store->revived_n += store->doubt_n;
	}
	store->doubt = 0;
	if (empty_log(store, e) < 0)
		return err_wrap(e, "%s, and writing fails still", why);
	store->broken = store->log_gone = store->cut = false;
	return 0;
}

/* --- the commit that came to life --- */

struct revival {
	struct event *events;
	size_t n, at;
	bool same;
};

static bool same_text(const char *a, const char *b)
{
	return str_is(a ? a : "", b ? b : "");
}

static bool take_one(void *arg, const struct event *ev)
{
	struct revival *revival = arg;
	struct event *to = &revival->events[revival->at++];

	revival->same = revival->same && (int)to->kind == ev->kind_number && to->len == ev->len && same_text(to->step, ev->step)
		&& same_text(to->call, ev->call) && (!to->mono_us || to->mono_us == ev->mono_us);
	to->seq = ev->seq;
	to->session = ev->session;
	to->at_us = ev->at_us;
	to->mono_us = ev->mono_us;
	to->kind_number = ev->kind_number;
	to->v = ev->v;
	memcpy(to->digest, ev->digest, SHA256_LEN);
	memcpy(to->hash, ev->hash, SHA256_LEN);
	return revival->at < revival->n;
}

int store_take_revived(struct store *store, struct event *events, size_t n, size_t *there, struct err *e)
{
	struct revival revival = { .events = events, .n = store->revived_n, .same = true };

	*there = 0;
	if (!store->revived)
		return 0;
	if (store->revived_n > n)
		return err_set(e, ERR_USAGE, "%s: %zu events were stored by a commit that failed, and other ones are given now", store->path, store->revived_n);
	if (store_each(store, (struct store_range){ .after = store->revived - 1, .limit = (int64_t)store->revived_n }, take_one, &revival, e) < 0)
		return -1;
	if (!revival.same || revival.at < store->revived_n)
		return err_set(e, ERR_CORRUPT, "%s: what a commit that failed left there is not what was to be stored", store->path);
	*there = store->revived_n;
	store->told = events[*there - 1].seq;
	memcpy(store->told_hash, events[*there - 1].hash, SHA256_LEN);
	store_carry_stored(store, events, *there);
	return 0;
}
