/* index_int.h - what the files of the index share; private to journal/index/index*.c and their tests. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_INDEX_INDEX_INT_H
#define JOURNAL_INDEX_INDEX_INT_H

#include "base/buf.h"
#include "base/json.h"
#include "journal/event/event.h"
#include "journal/index/index.h"
#include "journal/store/store.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <sys/types.h>

#define INDEX_APPLICATION 0x62656c69	/* "beli" */
#define INDEX_SCHEMA 5			/* user_version this program writes */
#ifdef TINY_LIMITS
#define INDEX_BATCH 3
#define INDEX_BATCH_BYTES 64
#else
#define INDEX_BATCH 8192		/* events in one transaction … */
#define INDEX_BATCH_BYTES (8u << 20)	/* … or as many as fill this */
#endif
#define INDEX_STATEMENTS 44
#define INDEX_TEXT_SLOT (INDEX_STATEMENTS - 1)
#define INDEX_CARRIES 1024
#define INDEX_TOKENIZE "tokenize=\"unicode61 remove_diacritics 2\""	/* as in index.sql */

/* What a statement gets. */
struct index_value {
	const char *text;	/* NULL = number; else number is its length, 0 = up to the NUL */
	int64_t number;
};

struct index {
	struct store *store;		/* owned */
	char *path;			/* owned; of index.db */
	sqlite3 *db;			/* owned; the file, or a temporary one */
	sqlite3 *base;			/* owned; temporary db: the file as it was found, for its text; or NULL */
	sqlite3_stmt *stmts[INDEX_STATEMENTS];	/* owned; by number, prepared when first used */
	bool temporary;
	bool damaged;			/* the last error was damage */
	int faults;			/* how often the index had to be given up */
	bool purged;			/* the batch told of purged payloads that are in the text */
	struct index_text *text;	/* owned; what goes from one event to the next, NULL until needed */
	int lock_fd;			/* of "<path>-lock", -1 until needed */
	ino_t inode;
	dev_t device;
	bool lacking;		/* the journal is damaged or cut */
	char words[400];
	struct err sql_err;		/* first error of a batch */
};

/* --- index_file.c --- */

/* Path of the index of a journal (a resolved path): index.db beside journal.db, else NAME-index.db. Caller owns. */
char *index_path(const char *journal);

/* Opens or makes the file, or a temporary one. -1 when not even that can be had. */
int index_file_open(struct index *index, struct err *e);

/* Lets go of all databases. */
void index_file_close(struct index *index);

/* Takes the lock under which the file is written, and opens the file again when it was replaced. Nothing to do for a temporary one. */
int index_lock(struct index *index, struct err *e);
void index_unlock(struct index *index);

/* Deletes the file and makes an empty one, or an empty temporary one; words say why. */
int index_restart(struct index *index, const char *why, struct err *e);

/* Goes on in a temporary file that holds what is known. */
int index_to_temporary(struct index *index, const char *why, struct err *e);

/* As store_sql_err, and notes damage. */
int index_sql_err(struct index *index, struct err *e, const char *doing);

/* Value of meta as a number / bytes of a hash; missing = 0. */
int index_meta_int(struct index *index, const char *key, int64_t *out, struct err *e);
int index_meta_set(struct index *index, const char *key, int64_t value, const unsigned char hash[SHA256_LEN], struct err *e);

/* --- index.c --- */

/* After index->sql_err: made anew when it is damaged, else done without. -1 when neither helps. */
int index_recover(struct index *index, struct err *e);

/* --- index_query.c --- */

/* SQL of each query, for the test that looks at its plan; ended by NULL. */
extern const char *const index_query_sql[];
extern const char *const index_search_sql;

/* --- index_fold.c --- */

/* Runs a statement that gives no rows, prepared once for each slot. After the first error of a batch nothing more is done in it: it is rolled back. */
void index_run(struct index *index, int slot, const char *sql, const struct index_value *values, int count);

/* Brings the facts up with one event that is no output. Errors of SQLite go to index->sql_err. */
void index_fold(struct index *index, const struct event *ev);

/* --- index_text.c --- */

/* Appends what can be searched in an event as plain text, without control characters but newlines. before: what its output stream ended in, see index_carry; NULL = nothing. */
void index_plain(struct buf *out, const struct event *ev, const struct buf *before);

/* Appends the line that a chunk of output breaks off in, so that a word cut in two is found in the next chunk: read from the journal. */
void index_carry(struct store *store, const struct event *ev, struct buf *out);

/* Appends the tag for one thing: "s41", "h" and the host in hex. which: s h r w. */
void index_tag(struct buf *out, char which, const char *text);

/* Puts one event into the full text. Errors of SQLite go to index->sql_err. */
void index_text_add(struct index *index, const struct event *ev);

/* Reads which payloads were purged; at the beginning of a batch. */
void index_text_begin(struct index *index);

/* Frees; NULL is fine. */
void index_text_free(struct index_text *text);

#endif
