/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE	/* flock */
#include "journal/index/index_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "journal/store/store_int.h"

#include "index_sql.h"

#define BUSY_TRIES 10000	/* of 1 ms: a writer holds the file for one batch at most */

enum verdict { INDEX_GOOD, INDEX_EMPTY, INDEX_WRONG, INDEX_NEWER };

char *index_path(const char *journal)
{
	const char *slash = strrchr(journal, '/');
	const char *name = slash ? slash + 1 : journal;

	if (str_is(name, "journal.db"))
		return mem_printf("%.*sindex.db", (int)(name - journal), journal);
	return mem_printf("%s-index.db", journal);
}

static void say(struct index *index, const char *words)
{
	if (!index->words[0])
		str_copy(index->words, sizeof(index->words), words);
}

int index_sql_err(struct index *index, struct err *e, const char *doing)
{
	int code = sqlite3_errcode(index->db) & 0xff;

	index->damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_ERROR;
	return store_sql_err(index->db, e, doing);
}

static int on_busy(void *arg, int tries)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	(void)arg;
	nanosleep(&ms, NULL);
	return tries < BUSY_TRIES;
}

static int configure(sqlite3 *db, struct err *e)
{
	sqlite3_extended_result_codes(db, 1);
	sqlite3_busy_handler(db, on_busy, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
	/* A rollback journal, no log: readers need nothing but the file, and none of the care that Debian's SQLite wants with a log. */
	return store_exec(db, "PRAGMA mmap_size=0; PRAGMA cell_size_check=ON; PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=NORMAL;"
			      " PRAGMA cache_size=-65536; PRAGMA temp_store=FILE", e);
}

static void finalize_all(struct index *index)
{
	for (size_t i = 0; i < INDEX_STATEMENTS; i++) {
		sqlite3_finalize(index->stmts[i]);
		index->stmts[i] = NULL;
	}
}

static void close_db(struct index *index)
{
	finalize_all(index);
	sqlite3_close_v2(index->db);
	index->db = NULL;
}

void index_file_close(struct index *index)
{
	close_db(index);
	sqlite3_close_v2(index->base);
	index->base = NULL;
	if (index->lock_fd >= 0)
		close(index->lock_fd);
	index->lock_fd = -1;
}

int index_meta_int(struct index *index, const char *key, int64_t *out, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	int code;

	*out = 0;
	if (sqlite3_prepare_v2(index->db, "SELECT v FROM meta WHERE k = ?1", -1, &stmt, NULL) != SQLITE_OK)
		return index_sql_err(index, e, "reading the index");
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		*out = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : index_sql_err(index, e, "reading the index");
}

/* v bound by the caller as parameter 2. */
static int put_meta(struct index *index, sqlite3_stmt *stmt, const char *key, struct err *e)
{
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_TRANSIENT);
	return sqlite3_step(stmt) == SQLITE_DONE ? 0 : index_sql_err(index, e, "writing the index");
}

static sqlite3_stmt *meta_stmt(struct index *index, struct err *e)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(index->db, "INSERT OR REPLACE INTO meta(k, v) VALUES(?1, ?2)", -1, &stmt, NULL) != SQLITE_OK)
		index_sql_err(index, e, "writing the index");
	return stmt;
}

int index_meta_set(struct index *index, const char *key, int64_t value, const unsigned char hash[SHA256_LEN], struct err *e)
{
	char *hash_key = mem_printf("%s_hash", key);
	sqlite3_stmt *stmt = meta_stmt(index, e);
	int rc = -1;

	if (stmt) {
		sqlite3_bind_int64(stmt, 2, value);
		rc = put_meta(index, stmt, key, e);
		sqlite3_reset(stmt);
		sqlite3_bind_blob(stmt, 2, hash, SHA256_LEN, SQLITE_STATIC);
		if (rc == 0)
			rc = put_meta(index, stmt, hash_key, e);
	}
	sqlite3_finalize(stmt);
	mem_free(hash_key);
	return rc;
}

/* --- is it ours? --- */

/* First column of the first row of sql with text bound, compared with want. */
static bool meta_is(sqlite3 *db, const char *key, const void *want, size_t len)
{
	sqlite3_stmt *stmt = NULL;
	bool same = false;

	if (sqlite3_prepare_v2(db, "SELECT v FROM meta WHERE k = ?1", -1, &stmt, NULL) == SQLITE_OK) {
		sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
		if (sqlite3_step(stmt) == SQLITE_ROW) {
			const void *is = sqlite3_column_blob(stmt, 0);

			same = (size_t)sqlite3_column_bytes(stmt, 0) == len && is && memcmp(is, want, len) == 0;
		}
	}
	sqlite3_finalize(stmt);
	return same;
}

static int64_t number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t value = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}

/* What was indexed up to seq is what the journal holds up to there: its hash covers all before. */
static bool fits(struct index *index, sqlite3 *db, const char *key)
{
	char *sql = mem_printf("SELECT ifnull((SELECT v FROM meta WHERE k = '%s'), 0)", key), *hash_key = mem_printf("%s_hash", key);
	int64_t seq = number(db, sql);
	unsigned char hash[SHA256_LEN];
	struct err ignored = { 0 };
	bool same = seq == 0;

	if (seq > 0 && store_hash_at(index->store, seq, hash, &ignored) == 0)
		same = meta_is(db, hash_key, hash, sizeof(hash));
	mem_free(sql);
	mem_free(hash_key);
	return same;
}

static enum verdict judge(struct index *index, sqlite3 *db, const char **why)
{
	int64_t application = number(db, "PRAGMA application_id"), version = number(db, "PRAGMA user_version");
	const char *id = store_id(index->store);

	if (application == 0 && version == 0 && number(db, "SELECT count(*) FROM sqlite_schema") == 0)
		return INDEX_EMPTY;
	*why = "it is damaged";
	if (application != INDEX_APPLICATION)
		return INDEX_WRONG;
	if (version > INDEX_SCHEMA)
		return INDEX_NEWER;
	*why = "an older bellbook made it";
	if (version < INDEX_SCHEMA)
		return INDEX_WRONG;
	*why = "it belongs to another journal";
	if (!meta_is(db, "journal", id, strlen(id)))
		return INDEX_WRONG;
	*why = "the journal is not the one that it was made from";
	if (!fits(index, db, "facts") || !fits(index, db, "text"))
		return INDEX_WRONG;
	return INDEX_GOOD;
}

/* --- making --- */

static int put_journal(struct index *index, struct err *e)
{
	sqlite3_stmt *stmt = meta_stmt(index, e);
	int rc = -1;

	if (stmt) {
		sqlite3_bind_text(stmt, 2, store_id(index->store), -1, SQLITE_STATIC);
		rc = put_meta(index, stmt, "journal", e);
	}
	sqlite3_finalize(stmt);
	return rc;
}

/* In one transaction: an index without its journal's name would be taken for another journal's by who comes after a kill. */
static int make_schema(struct index *index, struct err *e)
{
	char pragmas[100];

	snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id=%d; PRAGMA user_version=%d", INDEX_APPLICATION, INDEX_SCHEMA);
	if (store_exec(index->db, "BEGIN IMMEDIATE", e) < 0)
		return -1;
	if (store_exec(index->db, index_sql, e) == 0 && store_exec(index->db, pragmas, e) == 0 && put_journal(index, e) == 0
		&& store_exec(index->db, "COMMIT", e) == 0)
		return 0;
	sqlite3_exec(index->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

/* Opens path ("" = a temporary file of SQLite's own, gone when closed). */
static int open_db(struct index *index, const char *path, struct err *e)
{
	if (sqlite3_open_v2(path, &index->db, SQLITE_OPEN_READWRITE | (*path ? 0 : SQLITE_OPEN_CREATE), NULL) == SQLITE_OK)
		return configure(index->db, e);
	return index_sql_err(index, e, "opening the index");
}

static int remember(struct index *index, struct err *e)
{
	struct stat st;

	if (stat(index->path, &st) < 0)
		return err_errno(e, "%s", index->path);
	index->inode = st.st_ino;
	index->device = st.st_dev;
	return 0;
}

static void remove_file(const struct index *index)
{
	char *rollback = mem_printf("%s-journal", index->path);

	unlink(index->path);
	unlink(rollback);
	mem_free(rollback);
}

/* What root makes belongs to whom the journal belongs, who could not use it otherwise. */
static void give_away(const struct index *index, int fd)
{
	struct stat st;

	if (geteuid() == 0 && stat(store_path(index->store), &st) == 0 && fchown(fd, st.st_uid, st.st_gid) < 0)
		return;		/* then they work without it */
}

/* The file, made when it is missing, as it is. The lock is held. */
static int open_file(struct index *index, struct err *e)
{
	int fd = store_companion(index->path, "", e);

	if (fd < 0)
		return -1;
	give_away(index, fd);
	close(fd);
	if (remember(index, e) < 0)
		return -1;
	return open_db(index, index->path, e);
}

/* A good or empty one, whatever was there. 1 = a newer bellbook's, which is left alone. */
static int open_fitting(struct index *index, struct err *e)
{
	const char *why = "";
	enum verdict verdict = INDEX_WRONG;
	char *words;

	if (open_file(index, e) == 0)
		verdict = judge(index, index->db, &why);
	else if (e->kind != ERR_CORRUPT)
		return -1;
	if (verdict == INDEX_NEWER)
		return 1;
	if (verdict == INDEX_WRONG) {
		words = mem_printf("the index %s is made anew: %s", index->path, *why ? why : "it is damaged");
		say(index, words);
		mem_free(words);
		close_db(index);
		remove_file(index);
		err_clear(e);
		if (open_file(index, e) < 0)
			return -1;
	}
	return verdict == INDEX_GOOD ? 0 : make_schema(index, e);
}

/* --- the lock --- */

static bool lock_is_named(const struct index *index)
{
	char *name = mem_printf("%s-lock", index->path);
	struct stat is, named;
	bool same = fstat(index->lock_fd, &is) == 0 && stat(name, &named) == 0 && is.st_ino == named.st_ino && is.st_dev == named.st_dev;

	mem_free(name);
	return same;
}

/* Others hold it for a batch at a time, and rest between two; a process that was stopped with the lock must not stop everybody. */
static int wait_lock(struct index *index, struct err *e)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	for (int tries = 0; flock(index->lock_fd, LOCK_EX | LOCK_NB) < 0; tries++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_errno(e, "%s-lock", index->path);
		if (tries >= BUSY_TRIES)
			return err_set(e, ERR_TIMEOUT, "another process has held %s-lock for too long", index->path);
		nanosleep(&ms, NULL);
	}
	return 0;
}

static int take_lock(struct index *index, struct err *e)
{
	for (;;) {
		if (index->lock_fd < 0)
			index->lock_fd = store_companion(index->path, "-lock", e);
		if (index->lock_fd < 0)
			return -1;
		give_away(index, index->lock_fd);
		if (wait_lock(index, e) < 0)
			return -1;
		if (lock_is_named(index))
			return 0;
		close(index->lock_fd);
		index->lock_fd = -1;
	}
}

void index_unlock(struct index *index)
{
	if (index->lock_fd >= 0)
		flock(index->lock_fd, LOCK_UN);
}

int index_lock(struct index *index, struct err *e)
{
	struct stat st;

	if (index->temporary)
		return 0;
	if (take_lock(index, e) < 0)
		return -1;
	if (stat(index->path, &st) == 0 && st.st_ino == index->inode && st.st_dev == index->device)
		return 0;
	close_db(index);	/* somebody made it anew */
	if (open_fitting(index, e) == 0)
		return 0;
	index_unlock(index);
	return e->text[0] ? -1 : err_set(e, ERR_USAGE, "%s was made by a newer bellbook", index->path);
}

/* --- without a file --- */

/* What a file that cannot be written knows is copied, its text stays where it is. */
static void take_over(struct index *index)
{
	static const char *const tables[] = { "session", "step", "attempt", "ask", "call", "person", "host", "down", "refused", "purged" };
	struct err ignored = { 0 };
	struct buf sql = { 0 };
	sqlite3_stmt *stmt = NULL;
	const char *why;

	if (sqlite3_open_v2(index->path, &index->base, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK || judge(index, index->base, &why) != INDEX_GOOD)
		goto none;
	sqlite3_busy_handler(index->base, on_busy, NULL);
	if (sqlite3_prepare_v2(index->db, "ATTACH ?1 AS base", -1, &stmt, NULL) != SQLITE_OK)
		goto none;
	sqlite3_bind_text(stmt, 1, index->path, -1, SQLITE_STATIC);
	buf_puts(&sql, "BEGIN; DELETE FROM meta; INSERT INTO main.meta SELECT * FROM base.meta;");
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		buf_printf(&sql, "INSERT INTO main.%s SELECT * FROM base.%s;", tables[i], tables[i]);
	buf_puts(&sql, "COMMIT; DETACH base");
	if (sqlite3_step(stmt) == SQLITE_DONE && store_exec(index->db, buf_text(&sql), &ignored) == 0)
		goto out;
	sqlite3_exec(index->db, "ROLLBACK", NULL, NULL, NULL);
none:
	sqlite3_close_v2(index->base);
	index->base = NULL;
out:
	sqlite3_finalize(stmt);
	buf_done(&sql);
}

int index_to_temporary(struct index *index, const char *why, struct err *e)
{
	char *words = mem_printf("working without %s, which takes longer: %s", index->path, why);

	say(index, words);
	mem_free(words);
	index_unlock(index);
	index_file_close(index);
	index->temporary = true;
	if (open_db(index, "", e) < 0 || make_schema(index, e) < 0)
		return -1;
	take_over(index);
	return 0;
}

int index_restart(struct index *index, const char *why, struct err *e)
{
	char *words = mem_printf("the index %s is made anew: %s", index->path, why);
	int rc;

	say(index, words);
	mem_free(words);
	close_db(index);
	sqlite3_close_v2(index->base);
	index->base = NULL;
	if (!index->temporary)
		remove_file(index);
	index->damaged = false;
	rc = index->temporary ? open_db(index, "", e) : open_file(index, e);
	return rc < 0 ? -1 : make_schema(index, e);
}

int index_file_open(struct index *index, struct err *e)
{
	struct err why = { 0 };
	int rc = take_lock(index, &why);

	if (rc == 0) {
		rc = open_fitting(index, &why);
		index_unlock(index);
	}
	if (rc > 0)
		err_set(&why, ERR_USAGE, "a newer bellbook made it");
	return rc == 0 ? 0 : index_to_temporary(index, why.text, e);
}
