/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/store/store_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "journal/store/store_mark.h"
#include "journal/store/store_whole.h"

const char *const store_verify_sql[] = {
	[VERIFY_ROWS] = "SELECT " STORE_COLUMNS " FROM event e LEFT JOIN payload p ON p.seq = e.seq WHERE e.seq > ?1 ORDER BY e.seq LIMIT 1000",
	[VERIFY_PURGE] = "SELECT 1 FROM event INDEXED BY event_purge WHERE kind = 61 AND seq > ?1"
		" AND ?1 BETWEEN CAST(call AS INTEGER) AND CAST(substr(call, instr(call, '..') + 2) AS INTEGER) LIMIT 1",
	[VERIFY_HASH] = "SELECT hash FROM event WHERE seq = ?1",
	NULL,
};

/* One walk along the chain. */
struct check {
	struct store *store;
	struct verify_report *report;
	struct store_links links;	/* of the page that is read */
	int64_t seq;			/* last one that was good */
	unsigned char hash[SHA256_LEN];	/* its hash */
};

static int bad(struct verify_report *report, int64_t seq, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Notes the first bad event; returns 1, which ends the walk. */
static int bad(struct verify_report *report, int64_t seq, const char *fmt, ...)
{
	va_list args;

	report->bad_seq = seq;
	va_start(args, fmt);
	vsnprintf(report->text, sizeof(report->text), fmt, args);
	va_end(args);
	return 1;
}

/* 0 = good, 1 = bad, -1 = cannot be read. */
static int check_event(struct check *check, sqlite3_stmt *stmt, struct err *e)
{
	struct verify_report *report = check->report;
	unsigned char hash[SHA256_LEN];
	struct event ev;
	int purged;

	if (sqlite3_column_int64(stmt, 0) != check->seq + 1)
		return bad(report, check->seq + 1, "event %lld is missing: the next one there is %lld", (long long)check->seq + 1,
			(long long)sqlite3_column_int64(stmt, 0));
	if (store_row(check->store, stmt, &ev, e) < 0) {
		if (e->kind != ERR_CORRUPT)
			return -1;
		bad(report, check->seq + 1, "%s", e->text);
		err_clear(e);
		return 1;
	}
	event_hash(&ev, check->hash, hash);
	if (memcmp(hash, ev.hash, SHA256_LEN) != 0)
		return bad(report, ev.seq, "event %lld does not fit its hash: it, or the one before it, was changed", (long long)ev.seq);
	if (ev.purged) {
		purged = store_purge_told(check->store, &check->links, ev.seq, e);
		if (purged <= 0)
			return purged < 0 ? -1 : bad(report, ev.seq, "the payload of event %lld is gone and no later event says who purged it",
				(long long)ev.seq);
		report->purged++;
	}
	report->payloads += ev.bytes != NULL;
	report->events++;
	check->seq = ev.seq;
	memcpy(check->hash, hash, SHA256_LEN);
	return 0;
}

/* Up to a thousand events: 0 and *more, 1 = bad, -1. */
static int check_page(struct check *check, bool *more, struct err *e)
{
	sqlite3_stmt *stmt = store_prepare(check->store->db, store_verify_sql[VERIFY_ROWS], e);
	int64_t before = check->seq;
	int rc = -1, code = SQLITE_ERROR;

	if (!stmt)
		return -1;
	sqlite3_bind_int64(stmt, 1, check->seq);
	rc = 0;
	while (rc == 0 && (code = sqlite3_step(stmt)) == SQLITE_ROW)
		rc = check_event(check, stmt, e);
	if (rc == 0 && code != SQLITE_DONE) {
		store_sql_err(check->store->db, e, "reading events");
		rc = err_wrap(e, "after event %lld", (long long)check->seq);
	}
	*more = check->seq > before;
	sqlite3_finalize(stmt);
	store_links_done(&check->links);
	return rc;
}

/* Page by page; a page under which the files changed is checked again, from where it began. */
static int check_chain(struct check *check, struct err *e)
{
	bool more = true;
	int rc = 0;

	while (rc == 0 && more) {
		struct check start = *check;
		struct verify_report report = *check->report;

		if (store_fresh(check->store, e) < 0)
			return -1;
		rc = check_page(check, &more, e);
		if (store_settled(check->store))
			continue;
		*check = start;
		*check->report = report;
		err_clear(e);
		more = true;
		rc = 0;
	}
	return rc;
}

static int hash_at(struct store *store, int64_t seq, unsigned char out[SHA256_LEN], struct err *e)
{
	sqlite3_stmt *stmt = store_prepare(store->db, store_verify_sql[VERIFY_HASH], e);
	int rc = 0, code;

	if (!stmt)
		return -1;
	sqlite3_bind_int64(stmt, 1, seq);
	code = sqlite3_step(stmt);
	if (code == SQLITE_ROW && sqlite3_column_bytes(stmt, 0) == SHA256_LEN)
		memcpy(out, sqlite3_column_blob(stmt, 0), SHA256_LEN);
	else if (code == SQLITE_ROW || code == SQLITE_DONE)
		rc = err_set(e, ERR_CORRUPT, "%s is damaged: event %lld is missing", store->path, (long long)seq);
	else
		rc = store_sql_err(store->db, e, "reading events");
	sqlite3_finalize(stmt);
	return rc;
}

int store_hash_at(struct store *store, int64_t seq, unsigned char hash[SHA256_LEN], struct err *e)
{
	int64_t head = store_head(store, e);
	int rc;

	if (head < 0)
		return -1;
	if (seq < 1 || seq > head)
		return err_set(e, ERR_NOTFOUND, "%s has no event %lld", store->path, (long long)seq);
	do {
		err_clear(e);
		if (store_fresh(store, e) < 0)
			return -1;
		rc = hash_at(store, seq, hash, e);
	} while (!store_settled(store));
	return rc;
}

/* Trees and indexes: what the chain does not cover, because it is derived. */
static int check_structure(struct store *store, struct err *e)
{
	sqlite3_stmt *stmt = store_prepare(store->db, "PRAGMA integrity_check(1)", e);
	int rc = 0;

	if (!stmt)
		return -1;
	if (sqlite3_step(stmt) != SQLITE_ROW)
		rc = store_sql_err(store->db, e, "checking the structure");
	else if (!str_is((const char *)sqlite3_column_text(stmt, 0), "ok"))
		rc = err_set(e, ERR_CORRUPT, "%s is damaged: every event is whole, but the file around them is not: %s", store->path,
			(const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return rc;
}

/* A good chain may be shorter than it was. */
static void check_end(struct check *check, const struct store_mark *mark)
{
	struct verify_report *report = check->report;

	report->cut = store_mark_differs(check->store, mark, check->seq, report->text, sizeof(report->text));
	if (report->cut)
		report->bad_seq = mark->seq > check->seq ? check->seq + 1 : mark->seq;
}

static int verify_all(struct check *check, struct err *e)
{
	struct buf hex = { 0 };
	struct store_mark mark;
	bool marked = store_mark_read(check->store, &mark);
	int rc = check_chain(check, e);

	while (rc == 0) {
		if (store_fresh(check->store, e) < 0)
			return -1;
		rc = check_structure(check->store, e);
		if (store_settled(check->store))
			break;
		err_clear(e);
		rc = 0;
	}
	if (rc == 0 && marked)
		check_end(check, &mark);
	str_hex(&hex, check->hash, SHA256_LEN);
	str_copy(check->report->head, sizeof(check->report->head), check->report->events ? buf_text(&hex) : "");
	buf_done(&hex);
	return rc < 0 ? -1 : 0;
}

static int verify_tail(struct store *store, struct err *e)
{
	struct verify_report report = { 0 };
	struct check check = { .store = store, .report = &report };
	int64_t head;

	if (store_head_row(store, &head, check.hash, e) < 0)
		return -1;
	check.seq = head > STORE_TAIL ? head - STORE_TAIL : 0;
	memset(check.hash, 0, SHA256_LEN);
	if (check.seq && store_hash_at(store, check.seq, check.hash, e) < 0)
		return -1;
	if (check_chain(&check, e) < 0)
		return -1;
	if (report.bad_seq)
		return err_set(e, ERR_CORRUPT, "%s is damaged: %s", store->path, report.text);
	return 0;
}

/* Bytes of the file and its log, which is as much as is read. */
static off_t size_of(const struct store *store)
{
	char *wal = mem_printf("%s-wal", store->path);
	struct stat st;
	off_t size = stat(store->path, &st) == 0 ? st.st_size : 0;

	size += stat(wal, &st) == 0 ? st.st_size : 0;
	mem_free(wal);
	return size;
}

int store_verify_quick(struct store *store, struct err *e)
{
	struct verify_report report = { 0 };
	struct check check = { .store = store, .report = &report };

	if (size_of(store) > STORE_WHOLE)
		return verify_tail(store, e) < 0 ? -1 : store_roll_call(store, e);
	if (verify_all(&check, e) < 0)
		return -1;
	if (report.bad_seq && !report.cut)
		return err_set(e, ERR_CORRUPT, "%s is damaged: %s", store->path, report.text);
	return 0;
}

int store_verify(const char *path, struct verify_report *report, struct err *e)
{
	struct check check = { .report = report };
	int rc;

	*report = (struct verify_report){ 0 };
	check.store = store_open_as(path, STORE_READ, false, e);
	if (!check.store)
		return -1;
	rc = verify_all(&check, e);
	store_close(check.store);
	return rc;
}
