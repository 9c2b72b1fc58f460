/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The index is derived: whatever is wrong with it, the answer is to make it anew or to do without, never an error that keeps a
 * person from the journal. It holds, with each half (facts, text), how far that half has read and the journal's hash there: the hash
 * covers every event before it, so a journal that was cut, replaced or rewritten is noticed when the index is opened.
 *
 * Batches: the lock is taken, the position read (another process may have moved it), one batch of events folded and committed, the
 * lock given back. So many processes may bring it up at once, a killed one loses a batch at most, and who only wants the facts
 * never waits for somebody's hour of full text.
 */
#include "journal/index/index.h"

#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/str.h"
#include "journal/index/index_int.h"
#include "journal/store/store_int.h"

struct batch {
	struct index *index;
	enum index_part part;
	int64_t n, last;
	unsigned char hash[SHA256_LEN];
	size_t bytes;
	bool cut;		/* there may be more behind it */
};

struct index *index_open(const char *journal, struct err *e)
{
	struct index *index = mem_alloc(sizeof(*index));
	struct err why = { 0 };

	index->lock_fd = -1;
	index->store = store_open(journal, STORE_READ, e);
	if (index->store)
		index->path = index_path(store_path(index->store));
	if (index->store && store_is_cut(index->store, &why)) {
		index->lacking = true;
		str_copy(index->words, sizeof(index->words), why.text);
	}
	if (index->store && index_file_open(index, e) == 0)
		return index;
	index_close(index);
	return NULL;
}

void index_close(struct index *index)
{
	if (!index)
		return;
	index_file_close(index);
	index_text_free(index->text);
	store_close(index->store);
	mem_free(index->path);
	mem_free(index);
}

const char *index_words(const struct index *index)
{
	return index->words;
}

void index_set_lacking(struct index *index)
{
	index->lacking = true;
}

bool index_is_lacking(const struct index *index)
{
	return index->lacking;
}

static bool take_event(void *arg, const struct event *ev)
{
	struct batch *batch = arg;

	if (batch->part == INDEX_TEXT)
		index_text_add(batch->index, ev);
	else
		index_fold(batch->index, ev);
	batch->last = ev->seq;
	memcpy(batch->hash, ev->hash, SHA256_LEN);
	batch->bytes += ev->len;
	batch->cut = ++batch->n >= INDEX_BATCH || batch->bytes >= INDEX_BATCH_BYTES;
	return !batch->cut;
}

/* Inside a transaction. *at is moved; -1 with the store's or the index's error. */
static int read_batch(struct index *index, enum index_part part, int64_t *at, int64_t head, struct err *e)
{
	struct batch batch = { .index = index, .part = part, .last = *at };
	int rc;

	if (part == INDEX_TEXT) {
		index_text_begin(index);
		rc = store_each(index->store, (struct store_range){ .after = *at, .limit = head - *at }, take_event, &batch, e);
	} else {
		rc = store_each_marker(index->store, 0, *at, take_event, &batch, e);
	}
	if (rc < 0 && e->kind == ERR_CORRUPT && batch.n > 0) {	/* what stands before the damage counts */
		err_clear(e);
		batch.cut = true;
		rc = 0;
	}
	if (rc < 0)
		return -1;
	if (!batch.cut && batch.last < head) {
		batch.last = head;	/* what is behind the last one is of no interest here */
		if (store_hash_at(index->store, head, batch.hash, e) < 0)
			return -1;
	}
	if (batch.last > *at && !index->sql_err.text[0])
		index_meta_set(index, part == INDEX_FACTS ? "facts" : "text", batch.last, batch.hash, &index->sql_err);
	*at = batch.last;
	return 0;
}

/* 0 = *at moved (or at the end), 1 = the index is at fault and index->sql_err says how, -1 = the journal is. The lock is held. */
static int write_batch(struct index *index, enum index_part part, int64_t *at, int64_t head, struct err *e)
{
	const char *key = part == INDEX_FACTS ? "facts" : "text";
	int rc;

	err_clear(&index->sql_err);
	if (store_exec(index->db, "BEGIN IMMEDIATE", &index->sql_err) < 0 || index_meta_int(index, key, at, &index->sql_err) < 0)
		goto fault;
	rc = *at < head ? read_batch(index, part, at, head, e) : 0;
	if (rc == 0 && !index->sql_err.text[0] && store_exec(index->db, "COMMIT", &index->sql_err) == 0)
		return 0;
	if (rc < 0) {
		sqlite3_exec(index->db, "ROLLBACK", NULL, NULL, NULL);
		return -1;
	}
fault:
	index->damaged = index->damaged || index->sql_err.kind == ERR_CORRUPT;
	sqlite3_exec(index->db, "ROLLBACK", NULL, NULL, NULL);
	return 1;
}

int index_recover(struct index *index, struct err *e)
{
	struct err why = index->sql_err;
	bool again = index->damaged && !index->temporary && index->faults == 0;

	err_clear(&index->sql_err);
	index->damaged = false;
	if (index->temporary || ++index->faults > 3)
		return err_set(e, why.kind ? why.kind : ERR_IO, "the index cannot be kept in a temporary file either: %s", why.text);
	if (again && index_restart(index, "it is damaged", e) == 0)
		return 0;
	err_clear(e);
	return index_to_temporary(index, why.text, e);
}

static int one_batch(struct index *index, enum index_part part, int64_t *at, int64_t head, struct err *e)
{
	struct err why = { 0 };
	int rc;

	if (index_lock(index, &why) < 0) {
		index->sql_err = why;
		*at = 0;
		return index_recover(index, e);
	}
	rc = write_batch(index, part, at, head, e);
	if (rc > 0 || (rc == 0 && index->purged)) {
		rc = rc > 0 ? index_recover(index, e) : index_restart(index, "payloads were purged", e);
		*at = 0;	/* of the new one */
	}
	index->purged = false;
	index_unlock(index);
	return rc;
}

/* A damaged journal is known up to the damage. */
static int stop_at_damage(struct index *index, struct err *e)
{
	char *words;

	if (e->kind != ERR_CORRUPT)
		return -1;
	index->lacking = true;
	words = mem_printf("%s. What stands behind it is in no list and no search", e->text);
	if (!index->words[0])
		str_copy(index->words, sizeof(index->words), words);
	mem_free(words);
	err_clear(e);
	return 0;
}

int index_update(struct index *index, enum index_part part, index_progress_fn *progress, void *arg, struct err *e)
{
	int64_t head = store_head(index->store, e), at = -1;

	if (head < 0 || (part == INDEX_TEXT && index_update(index, INDEX_FACTS, progress, arg, e) < 0))
		return -1;
	while (at < head) {
		if (one_batch(index, part, &at, head, e) < 0)
			return stop_at_damage(index, e);
		if (progress && at < head && !progress(arg, at, head))
			break;
		if (at < head && !index->temporary)
			nanosleep(&(struct timespec){ .tv_nsec = 3000000 }, NULL);	/* for who waits for the lock */
	}
	return 0;
}
