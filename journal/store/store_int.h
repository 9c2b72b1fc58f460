/* store_int.h - what the files of the store share; nobody outside journal/store/store*.c, verify.c and their tests includes it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_STORE_STORE_INT_H
#define JOURNAL_STORE_STORE_INT_H

#include "base/limits.h"
#include "journal/store/store.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#define STORE_APPLICATION 0x62656c6c	/* "bell" */
#define STORE_SCHEMA 1			/* user_version this program writes */
#define STORE_TAIL 1000			/* events checked when a writer opens … */
#define STORE_WHOLE ((off_t)16 << 20)	/* … a journal larger than that; else all: a third of a second at most */
#ifdef TINY_LIMITS
#define STORE_CKPT_PAGES 16
#define STORE_PAGE_EVENTS 3
#define STORE_PAGE_BYTES 64
#else
#define STORE_CKPT_PAGES 1024		/* 4 MiB of WAL */
#define STORE_PAGE_EVENTS 512		/* read in one transaction … */
#define STORE_PAGE_BYTES (1u << 20)	/* … or as many as fill this */
#endif
/* In the place of data that is kept as the event's payload, and no payload of any other kind goes with it. */
#define STORE_DATA_APART "{\"$data\":\"payload\"}"

enum store_how {
	HOW_WRITE,	/* the writer */
	HOW_SHARED,	/* reader beside a live writer: through its -shm */
	HOW_ALONE,	/* reader, no writer, no -wal: immutable */
	HOW_HEAP,	/* reader, no writer: the index of the -wal is built in memory */
};

/* What a reader must see unchanged before each read: without locks of SQLite all of it, else how and which files. */
struct store_stamp {
	enum store_how how;
	struct timespec file_time, wal_time;
	off_t file_size, wal_size;
	ino_t wal_inode, shm_inode;
};

struct store {
	char *path;			/* owned; symbolic links resolved */
	enum store_mode mode;
	enum store_how how;
	struct store_stamp stamp;	/* reader: what was there when it opened */
	sqlite3 *db;			/* owned */
	sqlite3_stmt *head_stmt, *event_stmt, *payload_stmt;	/* owned; writer only */
	struct sha256 *sha;		/* owned */
	int lock_fd;			/* of "<path>-lock", -1 until needed; see store_lock */
	pid_t pid;			/* that opened it */
	ino_t inode;			/* of the file */
	dev_t device;
	off_t size;			/* writer: of the file, the largest seen: nothing makes it shorter */
	bool full;			/* synchronous is FULL now */
	struct store_maps *maps;	/* owned; of this connection */
	struct err unindexed;		/* reader: why it read rows in place of indexes; empty = it did not */
	int64_t carried;		/* session that this process carries, 0 = none; see store_carry */
	int64_t known;			/* of it: the last event that is known, until our first append; 0 = that is over */
	int64_t since;			/* of it: a session.resumed behind this is another process's */
	bool taken;			/* there was one */
	struct store *next_sharing;	/* borrowed; the next reader of this process that has the -shm mapped */
	unsigned bus_count;		/* of it: store_bus_count when it opened */
	bool broken;			/* an fsync failed: what the disk holds is unknown; see store_mend */
	bool log_gone;			/* or -wal or -shm are not those that are open; see store_log.c */
	bool cut;			/* or the file or -wal were shorter than they had been; see store_log.c */
	int log_fd;			/* writer: of -wal, -1 = not open */
	ino_t shm_inode;
	dev_t shm_device;
	off_t shm_size;			/* the largest seen, as long as this one is open */
	int64_t told;			/* the last event that store_append said is stored, 0 = none */
	unsigned char told_hash[SHA256_LEN];
	int64_t doubt;			/* the first event of the last commit that failed, 0 = none */
	size_t doubt_n;
	unsigned char doubt_hash[SHA256_LEN];	/* of its last event */
	int64_t revived;		/* the first event that is there after all, and of which the caller does not know; 0 = none */
	size_t revived_n;
	int wal_pages;			/* after the last commit of ours */
	int64_t ballast;		/* bytes of the ballast when it was there, 0 = never seen */
	char id[33];
};

/* --- store_file.c: the file system under the journal --- */

/* Path without symbolic links; the last part need not exist. Caller owns; NULL with *e. */
char *store_resolve(const char *path, struct err *e);

/* Name of a file system type (statfs f_type) that a journal must not live on, NULL when it is fine. */
const char *store_fs_refused(long type);

/* 0, or ERR_USAGE with words when path's directory is on such a file system. */
int store_fs_check(const char *path, struct err *e);

/* Mode for new files beside path: 0660 in a setgid directory, else 0600. */
mode_t store_file_mode(const char *path);

/* Opens "<path><suffix>" read-write, made with store_file_mode whatever the umask is; fd or -1. */
int store_companion(const char *path, const char *suffix, struct err *e);

/* Takes / gives back the lock under which all writes and checkpoints happen. Blocks until other writers are done; ERR_DENIED
 * with words when the one that has it is stopped (SIGSTOP). */
int store_lock(struct store *store, struct err *e);
void store_unlock(struct store *store);

/* True when a process (this one included) has the journal open for writing. Opens store->lock_fd of a reader. */
bool store_writer_lives(struct store *store);

/* -1 with ERR_NOTFOUND when the journal's name no longer leads to the file that is open, or when that was cut short: store->cut then. */
int store_still_there(struct store *store, struct err *e);

/* Makes the ballast file when it is missing; failing is not an error (a full disk must not keep a journal from opening). */
void store_ballast_make(struct store *store);

/* --- store_schema.c: what is inside the file --- */

/* One step of migration: SQL that leads from version I to I + 1 is steps[I]. */
int store_migrate(sqlite3 *db, const char *const *steps, int target, struct err *e);

/* Brings an empty or older journal to STORE_SCHEMA; the lock is held. */
int store_schema_make(struct store *store, struct err *e);

/* Reads the first 100 bytes through SQLite's own descriptor: magic, application_id, user_version. *fresh when the file is empty. Touches nothing. */
int store_header_check(struct store *store, bool *fresh, struct err *e);

/* Compares tables, indexes and triggers with those that bellbook makes, reads the id, looks for missing pages. */
int store_schema_check(struct store *store, struct err *e);

/* Fills *e from the last SQLite error: what was done, its words, and a kind. Returns -1. */
int store_sql_err(sqlite3 *db, struct err *e, const char *doing);

/* sqlite3_prepare_v2 with an error value. */
sqlite3_stmt *store_prepare(sqlite3 *db, const char *sql, struct err *e);

/* Runs statements without results. */
int store_exec(sqlite3 *db, const char *sql, struct err *e);

/* --- store_open.c --- */

/* As store_open; check = false leaves out store_verify_quick. */
struct store *store_open_as(const char *path, enum store_mode mode, bool check, struct err *e);

/* Before a read: a reader opens again when a writer came or went since. */
int store_fresh(struct store *store, struct err *e);

/* After a read: false when the files changed under a reader that had no locks; what it read, errors too, is worth nothing then. */
bool store_settled(struct store *store);

/* --- store_read.c --- */

/* Fills *ev from a row of STORE_COLUMNS. The pointers are valid until the statement steps. -1 ERR_CORRUPT with the seq. */
int store_row(struct store *store, sqlite3_stmt *stmt, struct event *ev, struct err *e);
#define STORE_COLUMNS "e.seq, e.session, e.at_us, e.mono_us, e.kind, e.v, e.who, e.step, e.attempt, e.call, e.host, e.data, " \
	"e.digest, e.hash, p.codec, p.length, p.salt, p.bytes"

/* SQL of each query, for the test that looks at its plan; ended by NULL. */
extern const char *const store_read_sql[];
extern const char *const store_sessions_sql[];
extern const char *const store_roll_sql[];
extern const char *const store_verify_sql[];
extern const char *const store_map_sql[];
extern const char *const store_carry_sql[];
enum { VERIFY_ROWS, VERIFY_PURGE, VERIFY_HASH };	/* of store_verify_sql */

/* --- store_sessions.c --- */

/* Calls the roll of all sessions: -1 ERR_CORRUPT when an index lacks one of them, or the journal's end is not where the last of their
 * events is. Some lookups a session. */
int store_roll_call(struct store *store, struct err *e);

/* --- store.c --- */

/* seq and hash of the last event; seq 0 and zeros when there is none. */
int store_head_row(struct store *store, int64_t *seq, unsigned char hash[SHA256_LEN], struct err *e);

/* SHA-256("bb1p" || salt || bytes). */
void store_digest(struct store *store, const void *salt, const void *bytes, size_t len, unsigned char out[SHA256_LEN]);

/* --- verify.c --- */

/* Checks an open journal as far as is quick: all of it up to STORE_WHOLE bytes, else the last
 * STORE_TAIL events and that no session is missing. -1 ERR_CORRUPT: what is damaged. */
int store_verify_quick(struct store *store, struct err *e);

#endif
