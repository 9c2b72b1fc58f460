/* store_int.h - what the files of the store share; nobody outside journal/store*.c, verify.c and their tests includes it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_STORE_INT_H
#define JOURNAL_STORE_INT_H

#include "journal/store.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#define STORE_APPLICATION 0x62656c6c	/* "bell" */
#define STORE_SCHEMA 1			/* user_version this program writes */
#define STORE_TAIL 1000			/* events checked when a writer opens */
#ifdef TINY_LIMITS
#define STORE_CKPT_PAGES 16
#define STORE_PAGE_EVENTS 3
#define STORE_PAGE_BYTES 64
#else
#define STORE_CKPT_PAGES 1024		/* 4 MiB of WAL */
#define STORE_PAGE_EVENTS 512		/* read in one transaction … */
#define STORE_PAGE_BYTES (1u << 20)	/* … or as many as fill this */
#endif
#define STORE_PAYLOAD_MAX (64u << 20)
#define STORE_DATA_MAX (8u << 20)

enum store_how {
	HOW_WRITE,	/* the writer */
	HOW_SHARED,	/* reader beside a live writer: through its -shm */
	HOW_ALONE,	/* reader, no writer, no -wal: immutable */
	HOW_HEAP,	/* reader, no writer: the index of the -wal is built in memory */
};

/* What a reader without locks of SQLite must see unchanged before each read. */
struct store_stamp {
	enum store_how how;
	struct timespec file_time, wal_time;
	off_t file_size, wal_size;
	ino_t wal_inode;
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
	bool full;			/* synchronous is FULL now */
	bool broken;			/* an fsync failed: what the disk holds is unknown */
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

/* Takes / gives back the lock under which all writes and checkpoints happen. Blocks until other writers are done. */
int store_lock(struct store *store, struct err *e);
void store_unlock(struct store *store);

/* True when a process (this one included) has the journal open for writing. Opens store->lock_fd of a reader. */
bool store_writer_lives(struct store *store);

/* -1 with ERR_IO when the journal's name no longer leads to the file that is open. */
int store_still_there(const struct store *store, struct err *e);

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

/* As store_open; tail = false leaves out the check of the chain's tail. */
struct store *store_open_as(const char *path, enum store_mode mode, bool tail, struct err *e);

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
extern const char *const store_verify_sql[];

/* --- store.c --- */

/* seq and hash of the last event; seq 0 and zeros when there is none. */
int store_head_row(struct store *store, int64_t *seq, unsigned char hash[SHA256_LEN], struct err *e);

/* SHA-256("bb1p" || salt || bytes). */
void store_digest(struct store *store, const void *salt, const void *bytes, size_t len, unsigned char out[SHA256_LEN]);

/* --- verify.c --- */

/* Checks the last STORE_TAIL events of an open journal: chain, gaps, payloads. */
int store_verify_tail(struct store *store, struct err *e);

#endif
