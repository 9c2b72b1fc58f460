/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/store/store_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "base/time.h"
#include "journal/store/store_mark.h"
#include "schema_sql.h"

#define HEADER 100		/* bytes of SQLite's file header */
#define WAL_HEADER 32
#define FRAME_HEADER 24
#define MISSING_MAX (1 << 20)	/* pages that a log may hold beyond the end of the file: 4 GiB */

/* steps[I] leads from version I to I + 1. Old ones stay for ever: old journals must open. */
static const char *const store_steps[STORE_SCHEMA] = { schema_sql };

static enum err_kind kind_of(sqlite3 *db)
{
	int code = sqlite3_extended_errcode(db), os = sqlite3_system_errno(db);

	switch (code & 0xff) {
	case SQLITE_FULL:
		return ERR_FULL;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
		return ERR_CORRUPT;
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_AUTH:
		return ERR_DENIED;
	default:
		if (os == ENOSPC || os == EDQUOT)
			return ERR_FULL;
		return os == EACCES || os == EPERM ? ERR_DENIED : ERR_IO;
	}
}

int store_sql_err(sqlite3 *db, struct err *e, const char *doing)
{
	const char *name = sqlite3_db_filename(db, "main");
	int os = sqlite3_system_errno(db);
	enum err_kind kind = kind_of(db);

	if (kind == ERR_CORRUPT)
		return err_set(e, kind, "%s is damaged: %s (while %s)", name ? name : "the journal", sqlite3_errmsg(db), doing);
	if ((sqlite3_errcode(db) & 0xff) == SQLITE_IOERR && os)
		return err_set(e, kind, "%s: %s: %s", doing, sqlite3_errmsg(db), strerror(os));
	return err_set(e, kind, "%s: %s", doing, sqlite3_errmsg(db));
}

sqlite3_stmt *store_prepare(sqlite3 *db, const char *sql, struct err *e)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
		store_sql_err(db, e, "reading the schema");
	return stmt;
}

int store_exec(sqlite3 *db, const char *sql, struct err *e)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : store_sql_err(db, e, "writing the journal");
}

/* First value of the first row as a number. */
static int pragma_int(sqlite3 *db, const char *sql, int64_t *out, struct err *e)
{
	sqlite3_stmt *stmt = store_prepare(db, sql, e);
	int rc = -1;

	if (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
		*out = sqlite3_column_int64(stmt, 0);
		rc = 0;
	} else if (stmt) {
		store_sql_err(db, e, "reading the journal's header");
	}
	sqlite3_finalize(stmt);
	return rc;
}

/* --- making and migrating --- */

int store_migrate(sqlite3 *db, const char *const *steps, int target, struct err *e)
{
	int64_t version;
	char pragma[64];

	if (store_exec(db, "BEGIN IMMEDIATE", e) < 0)
		return -1;
	if (pragma_int(db, "PRAGMA user_version", &version, e) < 0)
		goto undo;
	for (int64_t at = version; at < target; at++) {
		if (store_exec(db, steps[at], e) < 0) {
			err_wrap(e, "bringing the journal from schema version %d to %d", (int)at, (int)at + 1);
			goto undo;
		}
	}
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version=%d", target);
	if ((version < target && store_exec(db, pragma, e) < 0) || store_exec(db, "COMMIT", e) < 0)
		goto undo;
	return 0;
undo:
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

/* Tables, id and version appear in one transaction; killed before its end, the file is still empty. */
static int make_fresh(sqlite3 *db, struct err *e)
{
	unsigned char id[16];
	struct buf sql = { 0 };
	const char *steps[STORE_SCHEMA];
	int rc;

	random_bytes(id, sizeof(id));
	memcpy(steps, store_steps, sizeof(steps));
	buf_puts(&sql, steps[0]);
	buf_puts(&sql, "\nINSERT INTO meta VALUES('id', '");
	str_hex(&sql, id, sizeof(id));
	buf_printf(&sql, "'), ('created_us', %lld);\nPRAGMA application_id=%d;", (long long)time_wall_us(), STORE_APPLICATION);
	steps[0] = buf_text(&sql);
	rc = store_exec(db, "PRAGMA page_size=4096; PRAGMA auto_vacuum=NONE; PRAGMA encoding='UTF-8'; PRAGMA synchronous=FULL", e);
	if (rc == 0)
		rc = store_migrate(db, steps, STORE_SCHEMA, e);
	buf_done(&sql);
	return rc;
}

int store_schema_make(struct store *store, struct err *e)
{
	sqlite3_stmt *stmt;
	int64_t application, tables = 0;
	int rc = 0;

	if (pragma_int(store->db, "PRAGMA application_id", &application, e) < 0)
		return -1;
	if (!application && pragma_int(store->db, "SELECT count(*) FROM sqlite_schema", &tables, e) < 0)
		return -1;
	if (tables)	/* a hot rollback journal hid somebody else's file from the check of its first bytes */
		return err_set(e, ERR_CORRUPT, "%s is not a bellbook journal: its application id is 0", store->path);
	rc = application ? store_migrate(store->db, store_steps, STORE_SCHEMA, e) : make_fresh(store->db, e);
	if (rc < 0)
		return -1;
	stmt = store_prepare(store->db, "PRAGMA journal_mode=WAL", e);
	if (!stmt)
		return -1;
	if (sqlite3_step(stmt) != SQLITE_ROW)
		rc = store_sql_err(store->db, e, "switching to WAL");
	else if (!str_is((const char *)sqlite3_column_text(stmt, 0), "wal"))
		rc = err_set(e, ERR_IO, "%s: SQLite cannot use a write-ahead log here", store->path);
	sqlite3_finalize(stmt);
	return rc;
}

/* --- looking before touching --- */

static int64_t big32(const unsigned char *at)
{
	return (int64_t)((uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]);
}

/* SQLite's own descriptor: closing one of ours would drop the POSIX locks of every connection of this process. */
static sqlite3_file *main_file(sqlite3 *db)
{
	sqlite3_file *file = NULL;

	sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
	return file;
}

static bool companion_has_bytes(const struct store *store, const char *suffix)
{
	char *name = mem_printf("%s%s", store->path, suffix);
	struct stat st;
	bool has = stat(name, &st) == 0 && st.st_size > 0;

	mem_free(name);
	return has;
}

static int check_numbers(const struct store *store, const unsigned char *head, struct err *e)
{
	int64_t version = big32(head + 60), page = (int64_t)head[16] << 8 | head[17];

	if (memcmp(head, "SQLite format 3", 16) != 0)
		return err_set(e, ERR_CORRUPT, "%s is not a bellbook journal (no SQLite file, or its first bytes are damaged)", store->path);
	if (big32(head + 68) != STORE_APPLICATION)
		return err_set(e, ERR_CORRUPT, "%s is not a bellbook journal: its application id is %08llx, not %08x", store->path,
			(unsigned long long)big32(head + 68), STORE_APPLICATION);
	if (version > STORE_SCHEMA)
		return err_set(e, ERR_USAGE, "%s was written by a newer bellbook (schema version %lld, this one knows %d): use that one",
			store->path, (long long)version, STORE_SCHEMA);
	if (version < 1)
		return err_set(e, ERR_CORRUPT, "%s has schema version %lld, which never was", store->path, (long long)version);
	if (page != 4096)
		return err_set(e, ERR_CORRUPT, "%s has a damaged header: page size %lld", store->path, (long long)page);
	return 0;
}

int store_header_check(struct store *store, bool *fresh, struct err *e)
{
	unsigned char head[HEADER] = { 0 };
	sqlite3_file *file = main_file(store->db);
	sqlite3_int64 size = 0;
	struct store_mark mark;

	*fresh = false;
	if (!file || !file->pMethods || file->pMethods->xFileSize(file, &size) != SQLITE_OK)
		return err_set(e, ERR_IO, "%s: its size cannot be read", store->path);
	/* Killed while it was made: SQLite rolls the unfinished journal back to an empty file. */
	if (store->mode == STORE_WRITE && companion_has_bytes(store, "-journal")) {
		*fresh = true;
		return 0;
	}
	if (size == 0 && companion_has_bytes(store, "-wal"))
		return err_set(e, ERR_CORRUPT, "%s is empty or gone, but its log (-wal) is there: put the file back, or move the log away", store->path);
	if (size == 0 && store_mark_read(store, &mark))
		return err_set(e, ERR_CORRUPT, "%s is empty, and held %lld events: put it back, from a copy; to begin anew remove its -lock and its -ballast file", store->path,
			(long long)mark.seq);
	if (size == 0 && store->mode == STORE_READ)
		return err_set(e, ERR_CORRUPT, "%s is empty: not a journal", store->path);
	*fresh = size == 0;
	if (size == 0)
		return 0;
	if (size < HEADER)
		return err_set(e, ERR_CORRUPT, "%s is cut short: %lld bytes", store->path, (long long)size);
	if (file->pMethods->xRead(file, head, HEADER, 0) != SQLITE_OK)
		return err_set(e, ERR_IO, "%s: its first bytes cannot be read", store->path);
	if (check_numbers(store, head, e) < 0)
		return -1;
	*fresh = big32(head + 60) < STORE_SCHEMA || head[18] != 2;	/* older, or killed before the switch to WAL */
	return 0;
}

/* All names and texts of the schema, in one buffer. */
static int schema_text(sqlite3 *db, struct buf *out, struct err *e)
{
	sqlite3_stmt *stmt = store_prepare(db, "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name", e);
	int rc;

	if (!stmt)
		return -1;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const unsigned char *sql = sqlite3_column_text(stmt, 2);

		buf_printf(out, "%s %s\n%s\n", (const char *)sqlite3_column_text(stmt, 0), (const char *)sqlite3_column_text(stmt, 1),
			sql ? (const char *)sql : "");
	}
	if (rc != SQLITE_DONE)
		store_sql_err(db, e, "reading the schema");
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? 0 : -1;
}

/* A dropped or added trigger shows here. */
static int check_schema_text(struct store *store, struct err *e)
{
	struct buf have = { 0 }, want = { 0 };
	sqlite3 *model = NULL;
	int rc = -1;

	if (sqlite3_open_v2(":memory:", &model, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY, NULL) != SQLITE_OK) {
		err_set(e, ERR_IO, "SQLite cannot open a database in memory");
		goto out;
	}
	if (store_migrate(model, store_steps, STORE_SCHEMA, e) < 0 || schema_text(model, &want, e) < 0 || schema_text(store->db, &have, e) < 0)
		goto out;
	if (str_is(buf_text(&have), buf_text(&want)))
		rc = 0;
	else
		err_set(e, ERR_CORRUPT, "%s: its tables or triggers are not those that bellbook made: somebody changed them", store->path);
out:
	sqlite3_close(model);
	buf_done(&have);
	buf_done(&want);
	return rc;
}

/* Clears in missing[] (pages first .. first+n-1) what the WAL holds; only frames of its present generation count. */
static void pages_in_wal(const struct store *store, int64_t first, int64_t n, bool *missing)
{
	unsigned char head[WAL_HEADER], frame[FRAME_HEADER];
	char *name = mem_printf("%s-wal", store->path);
	struct err e;
	int fd = file_open(name, O_RDONLY, 0, &e);
	off_t at = WAL_HEADER;

	mem_free(name);
	if (fd < 0)
		return;
	if (pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head)) {
		while (pread(fd, frame, sizeof(frame), at) == (ssize_t)sizeof(frame) && memcmp(frame + 8, head + 16, 8) == 0) {
			int64_t page = big32(frame);

			if (page >= first && page < first + n)
				missing[page - first] = false;
			at += FRAME_HEADER + 4096;
		}
	}
	close(fd);
}

/* SQLite sees a cut file by itself only while the WAL is empty. Inside a read transaction. */
static int check_cut(struct store *store, struct err *e)
{
	sqlite3_file *file = main_file(store->db);
	sqlite3_int64 size = 0;
	int64_t pages, there, cut = 0;
	bool *missing;

	if (pragma_int(store->db, "PRAGMA page_count", &pages, e) < 0)
		return -1;
	if (!file || file->pMethods->xFileSize(file, &size) != SQLITE_OK)
		return err_set(e, ERR_IO, "%s: its size cannot be read", store->path);
	there = size / 4096;
	if (there >= pages)
		return 0;
	if (pages - there > MISSING_MAX)
		return err_set(e, ERR_CORRUPT, "%s is cut short: %lld of its %lld pages are missing", store->path,
			(long long)(pages - there), (long long)pages);
	missing = mem_array((size_t)(pages - there), sizeof(bool));
	memset(missing, true, (size_t)(pages - there) * sizeof(bool));
	pages_in_wal(store, there + 1, pages - there, missing);
	for (int64_t i = 0; i < pages - there; i++)
		cut += missing[i];
	mem_free(missing);
	if (!cut)
		return 0;
	return err_set(e, ERR_CORRUPT, "%s is cut short: %lld of its %lld pages are missing", store->path, (long long)cut, (long long)pages);
}

static int read_id(struct store *store, struct err *e)
{
	sqlite3_stmt *stmt = store_prepare(store->db, "SELECT v FROM meta WHERE k = 'id'", e);
	int rc = -1;

	if (!stmt)
		return -1;
	if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_bytes(stmt, 0) == 32) {
		str_copy(store->id, sizeof(store->id), (const char *)sqlite3_column_text(stmt, 0));
		rc = 0;
	} else {
		err_set(e, ERR_CORRUPT, "%s is damaged: it has lost its id", store->path);
	}
	sqlite3_finalize(stmt);
	return rc;
}

int store_schema_check(struct store *store, struct err *e)
{
	int rc;

	if (store_exec(store->db, "BEGIN", e) < 0)
		return -1;
	rc = check_schema_text(store, e);
	if (rc == 0)
		rc = check_cut(store, e);
	if (rc == 0)
		rc = read_id(store, e);
	sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}
