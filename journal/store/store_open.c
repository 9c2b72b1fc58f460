/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/store/store_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "journal/store/store_bus.h"
#include "journal/store/store_log.h"
#include "journal/store/store_mark.h"
#include "journal/store/store_map.h"
#include "journal/store/store_mend.h"

#define BUSY_TRIES 10000	/* of 1 ms: only another process's WAL recovery makes us wait */

static int on_busy(void *arg, int tries)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	(void)arg;
	nanosleep(&ms, NULL);
	return tries < BUSY_TRIES;
}

/* How large the WAL is after a commit of ours. */
static int on_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct store *store = arg;

	(void)db;
	(void)name;
	store->wal_pages = pages;
	return SQLITE_OK;
}

static bool pragma_is_allowed(const struct store *store, const char *name, const char *value)
{
	static const char *const reading[] = { "page_count", "user_version", "application_id", "integrity_check", "data_version", NULL };

	if (str_is(name, "synchronous"))
		return store->mode == STORE_WRITE;
	for (const char *const *known = reading; *known; known++)
		if (str_is(name, *known))
			return !value || str_is(name, "integrity_check");
	return false;
}

/* The second lock on the door: even a bug of ours cannot change a stored row or the schema. */
static int authorize(void *arg, int action, const char *one, const char *two, const char *db, const char *trigger)
{
	const struct store *store = arg;

	(void)db;
	(void)trigger;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_FUNCTION:
	case SQLITE_TRANSACTION:
		return SQLITE_OK;
	case SQLITE_INSERT:
		return store->mode == STORE_WRITE && (str_is(one, "event") || str_is(one, "payload")) ? SQLITE_OK : SQLITE_DENY;
	case SQLITE_PRAGMA:
		return pragma_is_allowed(store, one, two) ? SQLITE_OK : SQLITE_DENY;
	default:
		return SQLITE_DENY;
	}
}

/* How a reader opens, and what it will compare before each read; see the essay in store.c. */
static struct store_stamp stamp_now(struct store *store)
{
	struct store_stamp now = { .how = HOW_SHARED };
	char *wal = mem_printf("%s-wal", store->path);
	struct stat st;

	if (!store_writer_lives(store)) {
		if (stat(store->path, &st) == 0) {
			now.file_time = st.st_mtim;
			now.file_size = st.st_size;
		}
		now.how = stat(wal, &st) == 0 ? HOW_HEAP : HOW_ALONE;
		if (now.how == HOW_HEAP) {
			now.wal_time = st.st_mtim;
			now.wal_size = st.st_size;
			now.wal_inode = st.st_ino;
		}
	}
	mem_free(wal);
	return now;
}

static bool stamp_is(const struct store_stamp *a, const struct store_stamp *b)
{
	return a->how == b->how && a->file_size == b->file_size && a->wal_size == b->wal_size && a->wal_inode == b->wal_inode
		&& a->file_time.tv_sec == b->file_time.tv_sec && a->file_time.tv_nsec == b->file_time.tv_nsec
		&& a->wal_time.tv_sec == b->wal_time.tv_sec && a->wal_time.tv_nsec == b->wal_time.tv_nsec;
}

/* "file:" URI; every byte that is not plain is escaped. Caller owns. */
static char *uri_of(const char *path, const char *query)
{
	struct buf uri = { 0 };

	buf_puts(&uri, "file:");
	for (const char *at = path; *at; at++) {
		unsigned char c = (unsigned char)*at;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("/._-", c);

		if (plain)
			buf_putc(&uri, *at);
		else
			buf_printf(&uri, "%%%02x", c);
	}
	buf_puts(&uri, query);
	return buf_take(&uri);
}

/* A reader without SQLite's locks must not close its descriptor while this process writes the same file: POSIX would drop the
 * writer's locks with it. Such connections are parked until the last writer of the process is gone. */
static int writers;
static sqlite3 **parked;
static size_t parked_count;

static void close_parked(void)
{
	while (parked_count > 0)
		sqlite3_close_v2(parked[--parked_count]);
	mem_free(parked);
	parked = NULL;
}

/* Readers beside a writer: all that a process has open of a journal share one mapped index of its log. */
static struct store *sharing;

static void leave_sharing(struct store *store)
{
	struct store **at = &sharing;

	while (*at && *at != store)
		at = &(*at)->next_sharing;
	if (*at)
		*at = store->next_sharing;
	store->next_sharing = NULL;
}

static void join_sharing(struct store *store)
{
	store->next_sharing = sharing;
	sharing = store;
	store->bus_count = store_bus_count();
}

/* Lets go of the connection. */
static void retire(struct store *store)
{
	bool lockless = store->how == HOW_ALONE || store->how == HOW_HEAP;

	store_log_forget(store);
	leave_sharing(store);
	if (!store->db)
		return;
	if (lockless && writers > 0) {
		parked = mem_more(parked, parked_count, sizeof(sqlite3 *));
		parked[parked_count++] = store->db;
	} else {
		sqlite3_close_v2(store->db);
	}
	store->db = NULL;
	store_maps_drop(store);
	if (store->how != HOW_WRITE)
		return;
	store_bus_writers(-1);
	if (--writers == 0)
		close_parked();
}

/* What is mapped is what the first of them found under the name. */
static void part_from_older(const struct store *store)
{
	bool older = false;

	for (const struct store *at = sharing; at; at = at->next_sharing)
		older = older || at->stamp.shm_inode != store->stamp.shm_inode || at->bus_count != store_bus_count();
	while (older && sharing)
		retire(sharing);
}

/* 0 = there is none. */
static ino_t inode_of(const struct store *store, const char *suffix)
{
	char *name = mem_printf("%s%s", store->path, suffix);
	struct stat st;
	ino_t inode = stat(name, &st) == 0 ? st.st_ino : 0;

	mem_free(name);
	return inode;
}

/* Not another one: what was removed, and not made anew yet, is still open and good. */
static bool is_same(const struct store *store, const char *suffix, ino_t known)
{
	ino_t inode = inode_of(store, suffix);

	return !inode || inode == known;
}

static int open_database(struct store *store, struct err *e)
{
	static const char *const query[] = {
		[HOW_WRITE] = "?mode=rw", [HOW_SHARED] = "?mode=ro", [HOW_ALONE] = "?mode=ro&immutable=1",
		[HOW_HEAP] = "?mode=ro",
	};
	char *uri;
	int flags = SQLITE_OPEN_URI | (store->mode == STORE_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
	int code;

	if (store->mode == STORE_READ)
		store->stamp = stamp_now(store);
	store->how = store->mode == STORE_WRITE ? HOW_WRITE : store->stamp.how;
	if (store->how == HOW_SHARED) {
		store->stamp.wal_inode = inode_of(store, "-wal");
		store->stamp.shm_inode = inode_of(store, "-shm");
		part_from_older(store);
	}
	if ((store->how == HOW_SHARED || store->how == HOW_WRITE) && store_log_clear_index(store, e) < 0)
		return -1;
	if (store->how == HOW_SHARED || store->how == HOW_WRITE)
		store_bus_arm();
	uri = uri_of(store->path, query[store->how]);
	code = sqlite3_open_v2(uri, &store->db, flags, store->how == HOW_HEAP ? "unix-none" : NULL);
	mem_free(uri);
	if (store->how == HOW_WRITE && store->db) {
		writers++;
		store_bus_writers(1);
	}
	if (store->how == HOW_SHARED && store->db)
		join_sharing(store);
	if (code == SQLITE_OK)
		return 0;
	if (access(store->path, R_OK) < 0)
		return err_errno(e, "%s", store->path);
	store_sql_err(store->db, e, "opening the journal");
	return err_wrap(e, "%s", store->path);
}

/* Settings of every connection; none of them touches the file. */
static int configure(struct store *store, struct err *e)
{
	sqlite3 *db = store->db;

	sqlite3_extended_result_codes(db, 1);
	sqlite3_busy_handler(db, on_busy, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	if (store_exec(db, "PRAGMA mmap_size=0; PRAGMA cell_size_check=ON; PRAGMA recursive_triggers=ON; PRAGMA temp_store=MEMORY", e) < 0)
		return -1;
	/* Before the first read: then SQLite keeps the index of the WAL in memory and makes no -shm. */
	if (store->how == HOW_HEAP && store_exec(db, "PRAGMA locking_mode=EXCLUSIVE", e) < 0)
		return -1;
	sqlite3_wal_autocheckpoint(db, 0);
	return 0;
}

static int writer_settings(struct store *store, struct err *e)
{
	if (store_exec(store->db, "PRAGMA secure_delete=ON; PRAGMA synchronous=FULL", e) < 0)
		return -1;
	store->full = true;
	sqlite3_wal_hook(store->db, on_commit, store);
	return 0;
}

/* The file with its mode, before SQLite sees it: -wal and -shm take their mode from it. */
static int make_file(struct store *store, struct err *e)
{
	int fd = -1;

	if (access(store->path, F_OK) == 0)
		return 0;
	if (errno != ENOENT)
		return err_errno(e, "%s", store->path);
	fd = store_companion(store->path, "", e);
	if (fd < 0)
		return -1;
	store_mark_clear(store);
	close(fd);	/* nobody in this process can have had it open */
	return 0;
}

static int remember_file(struct store *store, struct err *e)
{
	struct stat st;

	if (stat(store->path, &st) < 0)
		return err_errno(e, "%s", store->path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "%s is no regular file", store->path);
	store->inode = st.st_ino;
	store->device = st.st_dev;
	return 0;
}

/* Opens what is at path; the lock is held when writing. */
static int open_checked(struct store *store, struct err *e)
{
	bool fresh;

	if (store->mode == STORE_WRITE && make_file(store, e) < 0)
		return -1;
	if (remember_file(store, e) < 0 || open_database(store, e) < 0 || store_header_check(store, &fresh, e) < 0 || configure(store, e) < 0)
		return -1;
	if (fresh && store->mode == STORE_WRITE && store_schema_make(store, e) < 0)
		return -1;
	if (store->mode == STORE_WRITE && writer_settings(store, e) < 0)
		return -1;
	if (store_schema_check(store, e) < 0 || (store->mode == STORE_WRITE && store_log_remember(store, e) < 0))
		return -1;
	sqlite3_set_authorizer(store->db, authorize, store);
	return 0;
}

/* What is wrong with an existing file is found by a reader, which touches nothing, before the writer opens it. A file that was left
 * half made has no tables yet or a rollback journal, and is the writer's to mend. */
static int look_first(const struct store *store, bool check, struct err *e)
{
	const char *path = store->path;
	char *journal = mem_printf("%s-journal", path);
	struct stat st;
	struct store *reader;
	bool good, made = stat(path, &st) == 0 && st.st_size > 0 && access(journal, F_OK) < 0;

	mem_free(journal);
	if (!made)
		return 0;
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "%s is no regular file", path);
	reader = store_open_as(path, STORE_READ, check, e);
	/* who comes from store_mend compares by itself, what this process told first */
	good = reader && !(check && !store->broken && store_is_cut(reader, e));
	store_close(reader);
	return good ? 0 : -1;
}

static int open_writer(struct store *store, bool check, struct err *e)
{
	int rc;

	if (look_first(store, check, e) < 0 || store_lock(store, e) < 0)
		return -1;
	rc = open_checked(store, e);
	if (rc == 0)
		store_ballast_make(store);
	store_unlock(store);
	return rc;
}

/* What is found wrong while a writer came between is no finding. */
static int open_reader(struct store *store, bool check, struct err *e)
{
	int rc = open_checked(store, e);

	while (store->db && !store_settled(store)) {
		err_clear(e);
		rc = store_fresh(store, e);
	}
	return rc == 0 && check ? store_verify_quick(store, e) : rc;
}

/* SQLite would wait at a named pipe. */
static int check_plain(const char *path, struct err *e)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	struct stat st;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		char *name = mem_printf("%s%s", path, suffixes[i]);

		rc = file_is_plain(name, e);
		if (rc == 0 && i > 0 && lstat(name, &st) == 0 && S_ISLNK(st.st_mode))	/* SQLite follows none */
			rc = err_set(e, ERR_DENIED, "%s is a symbolic link, not an ordinary file: something else was put in its place; look at it, and move it away", name);
		mem_free(name);
	}
	return rc;
}

struct store *store_open_as(const char *path, enum store_mode mode, bool check, struct err *e)
{
	struct store *store = mem_alloc(sizeof(*store));

	store->mode = mode;
	store->lock_fd = store->log_fd = -1;
	store->pid = getpid();
	store->sha = sha256_new();
	store->path = store_resolve(path, e);
	if (!store->path || store_fs_check(store->path, e) < 0 || check_plain(store->path, e) < 0)
		goto fail;
	if (mode == STORE_WRITE ? open_writer(store, check, e) < 0 : open_reader(store, check, e) < 0)
		goto fail;
	return store;
fail:
	store_close(store);
	return NULL;
}

struct store *store_open(const char *path, enum store_mode mode, struct err *e)
{
	return store_open_as(path, mode, mode == STORE_WRITE, e);
}

static void finalize_all(struct store *store)
{
	sqlite3_finalize(store->head_stmt);
	sqlite3_finalize(store->event_stmt);
	sqlite3_finalize(store->payload_stmt);
	store->head_stmt = store->event_stmt = store->payload_stmt = NULL;
}

int store_reopen(struct store *store, struct err *e)
{
	struct err ignored = { 0 };

	if (store_still_there(store, e) < 0)
		return -1;
	finalize_all(store);
	retire(store);
	/* Without the lock on the writer's byte a reader takes nothing from the shared index of the log: it reads the log itself. */
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	store->lock_fd = -1;
	if (open_writer(store, true, e) == 0)
		return 0;
	if (!store->db)		/* so that what is there can still be read */
		(void)open_writer(store, false, &ignored);
	return -1;
}

int store_fresh(struct store *store, struct err *e)
{
	if (!store->db && store->mode == STORE_WRITE)
		return err_set(e, ERR_IO, "%s cannot be opened now", store->path);
	if (store->db && store_settled(store))
		return 0;
	if (store->db && store->how == HOW_SHARED && store_log_index_lacks(store) && store_log_drop_index(store, e) < 0)
		return -1;
	/* as long as one of them is open, another one gets what that has mapped; they open again before they read */
	if (store->db && store->how == HOW_SHARED)
		while (sharing)
			retire(sharing);
	retire(store);
	return open_checked(store, e);
}

bool store_settled(struct store *store)
{
	struct store_stamp now;

	if (store->how == HOW_WRITE)
		return true;
	if (store->how == HOW_SHARED)	/* others: those that are open here were removed */
		return store->bus_count == store_bus_count() && !store_log_index_lacks(store) && is_same(store, "-wal", store->stamp.wal_inode) && is_same(store, "-shm", store->stamp.shm_inode);
	now = stamp_now(store);
	return stamp_is(&now, &store->stamp);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	finalize_all(store);
	retire(store);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	sha256_free(store->sha);
	mem_free(store->path);
	mem_free(store);
}

const char *store_id(const struct store *store)
{
	return store->id;
}

const char *store_path(const struct store *store)
{
	return store->path;
}
