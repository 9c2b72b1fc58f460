/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "journal/index/index_int.h"

/* All queries; the test of their plans walks over them. ?1 … are told at each. */
enum { SESSIONS, DEBTS, RUNBOOK, PAST, STEPS, DOWNTIMES };

/* Downtime that is over: as the steps say, or as it was met from outside, when that was longer. */
#define DOWN_US "max((SELECT ifnull(sum(d.to_us - d.from_us), 0) FROM down d WHERE d.session = s.id AND d.to_us > 0)," \
	" (SELECT ifnull(sum(r.to_us - r.from_us), 0) FROM refused r WHERE r.session = s.id))"

/* The past of a runbook counts what was done, never a rehearsal of it. */
const char *const index_query_sql[] = {
	/* ?1 session, ?2 runbook, ?3 host, ?4 person, ?5 since, ?6 until, ?7 failed, ?8 open, ?9 limit */
	[SESSIONS] = "SELECT s.id, s.runbook, s.title, s.fleet, s.who, s.outcome, s.reason, s.dry_run, s.opened_us, s.closed_us, s.last_us, s.idle_us,"
		" s.waited_us, s.wait_since_us, s.step, s.steps, s.failures, s.warnings, s.notes, s.resumed,"
		" " DOWN_US ","
		" (SELECT ifnull(min(d.from_us), 0) FROM down d WHERE d.session = s.id AND d.to_us = 0),"
		" (SELECT json_group_array(p.who) FROM person p WHERE p.session = s.id), (SELECT json_group_array(h.host) FROM host h WHERE h.session = s.id),"
		" (SELECT json_group_object(t.state, t.n) FROM (SELECT state, count(*) AS n FROM step WHERE session = s.id GROUP BY state) t),"
		" (SELECT count(*) FROM call c WHERE c.session = s.id),"
		" ifnull((SELECT t.id FROM step t WHERE t.session = s.id AND t.state = 'in doubt' ORDER BY t.place LIMIT 1),"
		" ifnull((SELECT c.step FROM call c WHERE c.session = s.id ORDER BY c.at_us LIMIT 1), '')),"
		" ifnull((SELECT c.host FROM call c WHERE c.session = s.id ORDER BY c.at_us LIMIT 1), ''),"
		" (SELECT count(*) FROM step t WHERE t.session = s.id AND (t.state = 'deferred' OR (t.state = 'skipped' AND t.by_person)))"
		" FROM session s WHERE (?1 = 0 OR s.id = ?1) AND (?2 = '' OR s.runbook = ?2)"
		" AND (?3 = '' OR EXISTS(SELECT 1 FROM host h WHERE h.host = ?3 AND h.session = s.id))"
		" AND (?4 = '' OR EXISTS(SELECT 1 FROM person p WHERE p.who = ?4 AND p.session = s.id))"
		" AND (?5 = 0 OR iif(s.outcome = '', s.last_us, s.closed_us) >= ?5) AND (?6 = 0 OR s.opened_us < ?6)"
		" AND (?7 = 0 OR s.failures > 0 OR s.outcome NOT IN ('', 'ok')) AND (?8 = 0 OR s.outcome = '')"
		" ORDER BY s.id DESC LIMIT ?9",
	/* ?1 session, ?2 settled ones, too */
	[DEBTS] = "SELECT d.seq, d.session, d.step, ifnull(t.title, d.step), o.title, d.owner, d.due, d.reason, d.settled_us, d.settled_by, d.how FROM debt d"
		" JOIN session o ON o.id = d.session LEFT JOIN step t ON t.session = d.session AND t.id = d.step"
		" WHERE (?1 = 0 OR d.session = ?1) AND (?2 OR d.settled_us = 0) AND o.dry_run = 0 ORDER BY d.settled_us > 0, d.due, d.seq",
	/* ?1 runbook */
	[RUNBOOK] = "SELECT count(*), ifnull(sum(outcome = ''), 0), ifnull(sum(outcome = 'ok'), 0), ifnull(max(id), 0) FROM session"
		" WHERE runbook = ?1 AND dry_run = 0",
	/* ?1 runbook, ?2 rows */
	[PAST] = "SELECT max(0, s.closed_us - s.opened_us - s.idle_us), max(0, s.closed_us - s.opened_us - s.idle_us - s.waited_us),"
		" " DOWN_US
		" FROM session s WHERE s.runbook = ?1 AND s.dry_run = 0 AND s.outcome = 'ok' ORDER BY s.id DESC LIMIT ?2",
	/* ?1 runbook, ?2 sessions before */
	[STEPS] = "SELECT step, state, took_us, waited_us FROM attempt WHERE runbook = ?1 AND session < ?2 AND undo = 0 ORDER BY step, session DESC, attempt DESC",
	/* ?1 session */
	[DOWNTIMES] = "SELECT from_us, to_us FROM down WHERE session = ?1 ORDER BY from_us",
	NULL,
};

static sqlite3_stmt *prepare(struct index *index, int which)
{
	sqlite3_stmt *stmt = NULL;

	if (sqlite3_prepare_v2(index->db, index_query_sql[which], -1, &stmt, NULL) != SQLITE_OK)
		index_sql_err(index, &index->sql_err, "reading the index");
	return stmt;
}

typedef int query_fn(struct index *index, void *arg);

/* A damaged index is made anew and asked again. fn reports through index->sql_err. */
static int ask(struct index *index, query_fn *fn, void *arg, struct err *e)
{
	for (;;) {
		err_clear(&index->sql_err);
		if (fn(index, arg) == 0)
			return 0;
		if (index_recover(index, e) < 0 || index_update(index, INDEX_FACTS, NULL, NULL, e) < 0)
			return -1;
	}
}

/* 0 when the statement came to its end. */
static int ended(struct index *index, sqlite3_stmt *stmt, int code)
{
	if (code != SQLITE_DONE && stmt)
		index_sql_err(index, &index->sql_err, "reading the index");
	sqlite3_finalize(stmt);
	return code == SQLITE_DONE ? 0 : -1;
}

/* --- sessions --- */

struct sessions {
	const struct index_filter *filter;
	struct arena *arena;		/* strings of the rows */
	struct index_session *rows;	/* owned */
	size_t n;
};

static const char *text_at(struct arena *arena, sqlite3_stmt *stmt, int at)
{
	const unsigned char *text = sqlite3_column_text(stmt, at);

	return text ? arena_dup(arena, text, (size_t)sqlite3_column_bytes(stmt, at)) : "";
}

static struct json *json_in(sqlite3_stmt *stmt, int at)
{
	const char *text = (const char *)sqlite3_column_text(stmt, at);
	struct err ignored = { 0 };

	return text ? json_parse(text, strlen(text), &ignored) : NULL;
}

static void count_steps(struct index_session *row, sqlite3_stmt *stmt)
{
	struct json *states = json_in(stmt, 24);

	row->ok = json_int(states, "ok", 0);
	row->warn = json_int(states, "warn", 0);
	row->failed = json_int(states, "failed", 0);
	row->skipped = json_int(states, "skipped", 0);
	row->deferred = json_int(states, "deferred", 0);
	row->in_doubt = json_int(states, "in doubt", 0);
	json_free(states);
}

static void keep_session(struct sessions *all, sqlite3_stmt *stmt)
{
	struct index_session *row;
	int64_t end;

	all->rows = mem_more(all->rows, all->n, sizeof(*row));
	row = &all->rows[all->n++];
	*row = (struct index_session){
		.session = sqlite3_column_int64(stmt, 0), .runbook = text_at(all->arena, stmt, 1), .title = text_at(all->arena, stmt, 2),
		.fleet = text_at(all->arena, stmt, 3), .who = text_at(all->arena, stmt, 4), .outcome = text_at(all->arena, stmt, 5),
		.reason = text_at(all->arena, stmt, 6), .dry_run = sqlite3_column_int(stmt, 7) != 0, .opened_us = sqlite3_column_int64(stmt, 8),
		.closed_us = sqlite3_column_int64(stmt, 9), .last_us = sqlite3_column_int64(stmt, 10), .waited_us = sqlite3_column_int64(stmt, 12),
		.wait_since_us = sqlite3_column_int64(stmt, 13), .step = sqlite3_column_int64(stmt, 14), .steps = sqlite3_column_int64(stmt, 15),
		.failures = sqlite3_column_int64(stmt, 16), .warnings = sqlite3_column_int64(stmt, 17), .notes = sqlite3_column_int64(stmt, 18),
		.resumed = sqlite3_column_int64(stmt, 19), .down_us = sqlite3_column_int64(stmt, 20), .down_since_us = sqlite3_column_int64(stmt, 21),
		.people = json_in(stmt, 22), .hosts = json_in(stmt, 23), .unsettled = sqlite3_column_int64(stmt, 25),
		.doubt_step = text_at(all->arena, stmt, 26), .doubt_host = text_at(all->arena, stmt, 27),
		.left_out = sqlite3_column_int64(stmt, 28),
	};
	end = row->closed_us ? row->closed_us : row->last_us;
	row->active_us = end - row->opened_us - sqlite3_column_int64(stmt, 11);
	row->active_us = row->active_us > 0 ? row->active_us : 0;
	count_steps(row, stmt);
}

static void drop_sessions(struct sessions *all)
{
	for (size_t i = 0; i < all->n; i++) {
		struct json *people, *hosts;

		memcpy(&people, &all->rows[i].people, sizeof(people));	/* ours; const for the callback alone */
		memcpy(&hosts, &all->rows[i].hosts, sizeof(hosts));
		json_free(people);
		json_free(hosts);
	}
	all->n = 0;
	arena_reset(all->arena);
}

static void bind_text(sqlite3_stmt *stmt, int at, const char *text)
{
	sqlite3_bind_text(stmt, at, text ? text : "", -1, SQLITE_STATIC);
}

static int read_sessions(struct index *index, void *arg)
{
	struct sessions *all = arg;
	const struct index_filter *filter = all->filter;
	sqlite3_stmt *stmt = prepare(index, SESSIONS);
	int code = SQLITE_ERROR;

	drop_sessions(all);
	if (stmt) {
		sqlite3_bind_int64(stmt, 1, filter->session);
		bind_text(stmt, 2, filter->runbook);
		bind_text(stmt, 3, filter->host);
		bind_text(stmt, 4, filter->person);
		sqlite3_bind_int64(stmt, 5, filter->since_us);
		sqlite3_bind_int64(stmt, 6, filter->until_us);
		sqlite3_bind_int(stmt, 7, filter->failed);
		sqlite3_bind_int(stmt, 8, filter->open);
		sqlite3_bind_int64(stmt, 9, filter->limit > 0 ? filter->limit : -1);
		while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
			keep_session(all, stmt);
	}
	return ended(index, stmt, code);
}

int index_sessions(struct index *index, const struct index_filter *filter, index_session_fn *fn, void *arg, struct err *e)
{
	struct sessions all = { .filter = filter, .arena = arena_new() };
	int rc = ask(index, read_sessions, &all, e);

	for (size_t i = 0; rc == 0 && i < all.n; i++)
		if (!fn(arg, &all.rows[i]))
			break;
	drop_sessions(&all);
	mem_free(all.rows);
	arena_free(all.arena);
	return rc;
}

/* --- how long things take --- */

static int by_size(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

/* Sorts values. */
static struct index_usual usual_of(int64_t *values, size_t n)
{
	struct index_usual usual = { .count = (int64_t)n };

	if (n == 0)
		return usual;
	qsort(values, n, sizeof(*values), by_size);
	usual.min_us = values[0];
	usual.max_us = values[n - 1];
	usual.median_us = n % 2 ? values[n / 2] : values[n / 2 - 1] / 2 + values[n / 2] / 2;
	return usual;
}

struct past {
	const char *runbook;
	struct index_runbook *out;
};

static int read_past(struct index *index, const struct past *past)
{
	sqlite3_stmt *stmt = prepare(index, PAST);
	int64_t values[3][INDEX_RUNS];
	int code = SQLITE_ERROR;
	size_t n = 0;

	if (stmt) {
		bind_text(stmt, 1, past->runbook);
		sqlite3_bind_int(stmt, 2, INDEX_RUNS);
		while ((code = sqlite3_step(stmt)) == SQLITE_ROW && n < INDEX_RUNS) {
			for (int i = 0; i < 3; i++)
				values[i][n] = sqlite3_column_int64(stmt, i);
			n++;
		}
	}
	past->out->active = usual_of(values[0], n);
	past->out->work = usual_of(values[1], n);
	past->out->down = usual_of(values[2], n);
	return ended(index, stmt, code);
}

static int read_runbook(struct index *index, void *arg)
{
	const struct past *past = arg;
	sqlite3_stmt *stmt = prepare(index, RUNBOOK);
	int code = SQLITE_ERROR;

	*past->out = (struct index_runbook){ 0 };
	if (stmt) {
		bind_text(stmt, 1, past->runbook);
		code = sqlite3_step(stmt);
	}
	if (code == SQLITE_ROW) {
		past->out->sessions = sqlite3_column_int64(stmt, 0);
		past->out->open = sqlite3_column_int64(stmt, 1);
		past->out->ok = sqlite3_column_int64(stmt, 2);
		past->out->last = sqlite3_column_int64(stmt, 3);
		code = sqlite3_step(stmt);
	}
	return ended(index, stmt, code) < 0 ? -1 : read_past(index, past);
}

int index_runbook(struct index *index, const char *runbook, struct index_runbook *out, struct err *e)
{
	struct past past = { .runbook = runbook, .out = out };

	return ask(index, read_runbook, &past, e);
}

/* --- steps --- */

struct step_past {
	const char *step;	/* in the arena */
	int64_t runs, failed;
	int64_t took[INDEX_RUNS], waited[INDEX_RUNS];
	size_t n;
};

struct steps {
	const char *runbook;
	int64_t before;
	struct arena *arena;
	struct step_past *rows;		/* owned */
	size_t n;
};

static void keep_attempt(struct steps *all, sqlite3_stmt *stmt)
{
	const char *step = (const char *)sqlite3_column_text(stmt, 0), *state = (const char *)sqlite3_column_text(stmt, 1);
	struct step_past *row = all->n ? &all->rows[all->n - 1] : NULL;

	if (!row || !str_is(row->step, step)) {
		all->rows = mem_more(all->rows, all->n, sizeof(*row));
		row = &all->rows[all->n++];
		*row = (struct step_past){ .step = text_at(all->arena, stmt, 0) };
	}
	row->runs++;
	if (str_is(state, "failed")) {
		row->failed++;
	} else if (row->n < INDEX_RUNS) {
		row->took[row->n] = sqlite3_column_int64(stmt, 2);
		row->waited[row->n++] = sqlite3_column_int64(stmt, 3);
	}
}

static int read_steps(struct index *index, void *arg)
{
	struct steps *all = arg;
	sqlite3_stmt *stmt = prepare(index, STEPS);
	int code = SQLITE_ERROR;

	all->n = 0;
	arena_reset(all->arena);
	if (stmt) {
		bind_text(stmt, 1, all->runbook);
		sqlite3_bind_int64(stmt, 2, all->before);
		while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
			keep_attempt(all, stmt);
	}
	return ended(index, stmt, code);
}

int index_steps(struct index *index, const char *runbook, int64_t session, index_step_fn *fn, void *arg, struct err *e)
{
	struct steps all = { .runbook = runbook, .before = session > 0 ? session : INT64_MAX, .arena = arena_new() };
	int rc = ask(index, read_steps, &all, e);

	for (size_t i = 0; rc == 0 && i < all.n; i++) {
		struct step_past *past = &all.rows[i];
		struct index_step row = {
			.step = past->step, .runs = past->runs, .failed = past->failed, .took = usual_of(past->took, past->n),
			.waited = usual_of(past->waited, past->n),
		};

		if (!fn(arg, &row))
			break;
	}
	mem_free(all.rows);
	arena_free(all.arena);
	return rc;
}

/* --- downtime --- */

struct spans {
	int64_t session;
	int64_t (*rows)[2];	/* owned */
	size_t n;
};

static int read_spans(struct index *index, void *arg)
{
	struct spans *all = arg;
	sqlite3_stmt *stmt = prepare(index, DOWNTIMES);
	int code = SQLITE_ERROR;

	all->n = 0;
	if (stmt) {
		sqlite3_bind_int64(stmt, 1, all->session);
		while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
			all->rows = mem_more(all->rows, all->n, sizeof(*all->rows));
			all->rows[all->n][0] = sqlite3_column_int64(stmt, 0);
			all->rows[all->n++][1] = sqlite3_column_int64(stmt, 1);
		}
	}
	return ended(index, stmt, code);
}

int index_downtimes(struct index *index, int64_t session, index_span_fn *fn, void *arg, struct err *e)
{
	struct spans all = { .session = session };
	int rc = ask(index, read_spans, &all, e);

	for (size_t i = 0; rc == 0 && i < all.n; i++)
		if (!fn(arg, all.rows[i][0], all.rows[i][1]))
			break;
	mem_free(all.rows);
	return rc;
}

/* --- debts --- */

struct debts {
	int64_t session;
	bool settled;
	struct arena *arena;		/* strings of the rows */
	struct index_debt *rows;	/* owned */
	size_t n;
};

static void keep_debt(struct debts *all, sqlite3_stmt *stmt)
{
	all->rows = mem_more(all->rows, all->n, sizeof(*all->rows));
	all->rows[all->n++] = (struct index_debt){
		.seq = sqlite3_column_int64(stmt, 0), .session = sqlite3_column_int64(stmt, 1), .step = text_at(all->arena, stmt, 2),
		.title = text_at(all->arena, stmt, 3), .of = text_at(all->arena, stmt, 4), .owner = text_at(all->arena, stmt, 5),
		.due = text_at(all->arena, stmt, 6), .reason = text_at(all->arena, stmt, 7), .settled_us = sqlite3_column_int64(stmt, 8),
		.settled_by = text_at(all->arena, stmt, 9), .how = text_at(all->arena, stmt, 10),
	};
}

static int read_debts(struct index *index, void *arg)
{
	struct debts *all = arg;
	sqlite3_stmt *stmt = prepare(index, DEBTS);
	int code = SQLITE_ERROR;

	all->n = 0;
	arena_reset(all->arena);
	if (stmt) {
		sqlite3_bind_int64(stmt, 1, all->session);
		sqlite3_bind_int(stmt, 2, all->settled);
		while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
			keep_debt(all, stmt);
	}
	return ended(index, stmt, code);
}

int index_debts(struct index *index, int64_t session, bool settled, index_debt_fn *fn, void *arg, struct err *e)
{
	struct debts all = { .session = session, .settled = settled, .arena = arena_new() };
	int rc = ask(index, read_debts, &all, e);

	for (size_t i = 0; rc == 0 && i < all.n; i++)
		if (!fn(arg, &all.rows[i]))
			break;
	mem_free(all.rows);
	arena_free(all.arena);
	return rc;
}
