/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The facts of the index by one event after the other. The state between two events is in the tables alone, so that any process can
 * go on where another one stopped. Events are folded once; what they mean is what journal/model/model*.c makes of them.
 */
#include "journal/index/index_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "journal/model/model.h"

enum sql {
	OPEN, RESUME, RESUME_STEPS, CLOSE, DROP_ASKS, SEEN, PERSON, STEPS_OLD, STEP_RENAME, ATTEMPT_RENAME, CALL_RENAME, STEP_PUT, STEPS_DROP, STEP_ENTERED, PROGRESS,
	STEP_BEGUN, STEP_ENDED, ATTEMPT, COUNTS, STEP_DOUBTED, CALL_BEGUN, CALL_ENDED, HOST, ASK, STEP_OF_ASK, ASK_SESSION, ANSWER_STEP, ANSWER,
	ANSWER_SESSION, NOTED, WARNED, DOWN, UP, UNSEEN, REFUSED, REFUSES_ON, REFUSES_NO_MORE, DEBT, DEBT_RENAME, DEBT_SETTLED, DEBT_DONE, PURGED, SQL_COUNT
};

_Static_assert(SQL_COUNT <= INDEX_TEXT_SLOT, "room for every statement");

/* ?1 is the session, ?2 the time where there is one. Clocks may be set back: spans are never negative. */
static const char *const sql_text[SQL_COUNT] = {
	[OPEN] = "INSERT OR REPLACE INTO session(id, opened_us, last_us, runbook, title, fleet, who, dry_run, steps) VALUES(?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[RESUME] = "UPDATE session SET idle_us = idle_us + max(0, ?2 - ?3), waited_us = waited_us + iif(wait_since_us, max(0, ?3 - wait_since_us), 0),"
		" wait_since_us = iif(wait_since_us, ?2, 0), outcome = '', reason = '', closed_us = 0, resumed = resumed + 1 WHERE id = ?1",
	/* What was done before the process died counts, the time until somebody came does not: begun_us moves on by it. */
	[RESUME_STEPS] = "UPDATE step SET begun_us = begun_us + max(0, ?2 - ?3), waited_us = waited_us + iif(wait_since_us, max(0, ?3 - wait_since_us), 0),"
		" wait_since_us = iif(wait_since_us, ?2, 0) WHERE session = ?1 AND state IN ('running', 'in doubt')",
	[CLOSE] = "UPDATE session SET outcome = ?3, reason = ?4, closed_us = ?2, waited_us = waited_us + iif(wait_since_us, max(0, ?2 - wait_since_us), 0),"
		" wait_since_us = 0 WHERE id = ?1",
	[DROP_ASKS] = "DELETE FROM ask WHERE session = ?1",
	[SEEN] = "UPDATE session SET last_us = ?2 WHERE id = ?1",
	[PERSON] = "INSERT OR IGNORE INTO person(session, who) VALUES(?1, ?2)",
	[STEPS_OLD] = "UPDATE step SET place = -1 WHERE session = ?1",
	[STEP_RENAME] = "UPDATE OR IGNORE step SET id = ?3 WHERE session = ?1 AND id = ?2 AND place < 0",
	/* Only of the step that was renamed: one more former id may name another step that the runbook had beside it, which is gone now. */
	[ATTEMPT_RENAME] = "UPDATE OR IGNORE attempt SET step = ?3 WHERE session = ?1 AND step = ?2 AND NOT EXISTS(SELECT 1 FROM step s WHERE s.session = ?1 AND s.id = ?2)",
	[CALL_RENAME] = "UPDATE OR IGNORE call SET step = ?3 WHERE session = ?1 AND step = ?2 AND NOT EXISTS(SELECT 1 FROM step s WHERE s.session = ?1 AND s.id = ?2)",
	[STEP_PUT] = "INSERT INTO step(session, id, place, title, kind) VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(session, id) DO UPDATE SET place = ?3, title = ?4, kind = ?5",
	[STEPS_DROP] = "DELETE FROM step WHERE session = ?1 AND place < 0",
	/* One step is next at a time. */
	[STEP_ENTERED] = "UPDATE step SET state = iif(id = ?2, 'ready', 'planned'), reason = '' WHERE session = ?1 AND (id = ?2 OR state = 'ready')",
	[PROGRESS] = "UPDATE session SET step = ?2, steps = max(steps, ?3) WHERE id = ?1",
	/* The same attempt that goes on keeps its beginning; took_us -1: what the session measures is a part of it only. */
	[STEP_BEGUN] = "UPDATE step SET state = 'running', reason = '', ended_us = 0, took_us = iif(?6, -1, 0), undo = ?5, begun_us = iif(?6 AND begun_us, begun_us, ?2),"
		" waited_us = iif(?6, waited_us, 0), attempt = iif(?4 > 0, ?4, attempt + 1),"
		" wait_since_us = iif(EXISTS(SELECT 1 FROM ask a WHERE a.session = ?1 AND a.step = ?3), ?2, 0) WHERE session = ?1 AND id = ?3",
	/* Work is what the clock says between begin and end less waiting, unless the session measured it in one piece. */
	[STEP_ENDED] = "UPDATE step SET state = ?4, reason = ?5, by_person = ?7, ended_us = ?2, waited_us = waited_us + iif(wait_since_us, max(0, ?2 - wait_since_us), 0), wait_since_us = 0,"
		" took_us = iif(?4 IN ('skipped', 'deferred'), max(took_us, 0), iif(?6 >= 0 AND took_us >= 0, ?6, iif(begun_us,"
		" max(0, ?2 - begun_us - waited_us - iif(wait_since_us, max(0, ?2 - wait_since_us), 0)), 0))) WHERE session = ?1 AND id = ?3",
	[ATTEMPT] = "INSERT OR REPLACE INTO attempt(session, step, attempt, runbook, undo, state, begun_us, took_us, waited_us)"
		" SELECT s.session, s.id, s.attempt, iif(o.dry_run, '', o.runbook), s.undo, s.state, s.begun_us, s.took_us, s.waited_us FROM step s"
		" JOIN session o ON o.id = s.session WHERE s.session = ?1 AND s.id = ?2 AND s.attempt > 0 AND s.state IN ('ok', 'warn', 'failed')",
	[COUNTS] = "UPDATE session SET failures = failures + (?2 = 'failed'), warnings = warnings + (?2 = 'warn') WHERE id = ?1",
	[STEP_DOUBTED] = "UPDATE step SET state = 'in doubt', reason = ?3 WHERE session = ?1 AND id = ?2",
	[CALL_BEGUN] = "INSERT OR REPLACE INTO call(session, at_us, step, attempt, path, host, shown) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[CALL_ENDED] = "DELETE FROM call WHERE session = ?1 AND step = ?2 AND attempt = ?3 AND path = ?4",
	[HOST] = "INSERT OR IGNORE INTO host(session, host) VALUES(?1, ?2)",
	[ASK] = "INSERT OR IGNORE INTO ask(session, seq, step) VALUES(?1, ?2, ?3)",
	[STEP_OF_ASK] = "UPDATE step SET wait_since_us = ?2 WHERE session = ?1 AND id = ?3 AND wait_since_us = 0",
	[ASK_SESSION] = "UPDATE session SET wait_since_us = ?2 WHERE id = ?1 AND wait_since_us = 0",
	[ANSWER_STEP] = "UPDATE step SET waited_us = waited_us + max(0, ?2 - wait_since_us), wait_since_us = 0 WHERE session = ?1 AND wait_since_us"
		" AND id = (SELECT a.step FROM ask a WHERE a.session = ?1 AND a.seq = ?3)"
		" AND NOT EXISTS(SELECT 1 FROM ask b WHERE b.session = ?1 AND b.step = step.id AND b.seq <> ?3)",
	[ANSWER] = "DELETE FROM ask WHERE session = ?1 AND seq = ?2",
	[ANSWER_SESSION] = "UPDATE session SET waited_us = waited_us + max(0, ?2 - wait_since_us), wait_since_us = 0 WHERE id = ?1 AND wait_since_us"
		" AND NOT EXISTS(SELECT 1 FROM ask a WHERE a.session = ?1)",
	[NOTED] = "UPDATE session SET notes = notes + 1 WHERE id = ?1",
	[WARNED] = "UPDATE session SET warnings = warnings + 1 WHERE id = ?1",
	[DOWN] = "INSERT OR IGNORE INTO down(session, from_us, to_us) SELECT ?1, ?2, 0 WHERE NOT EXISTS(SELECT 1 FROM down d WHERE d.session = ?1 AND d.to_us = 0)",
	[UP] = "UPDATE down SET to_us = max(from_us, ?2) WHERE session = ?1 AND to_us = 0",
	[UNSEEN] = "UPDATE refused SET goes_on = 0 WHERE session = ?1 AND goes_on AND ?2 - to_us > ?3",
	[REFUSED] = "INSERT OR IGNORE INTO refused(session, from_us, to_us, goes_on) SELECT ?1, ?2, ?2, 1"
		" WHERE NOT EXISTS(SELECT 1 FROM refused r WHERE r.session = ?1 AND r.goes_on)",
	[REFUSES_ON] = "UPDATE refused SET to_us = max(to_us, ?2)"
		" WHERE session = ?1 AND goes_on",
	[REFUSES_NO_MORE] = "UPDATE refused SET goes_on = 0 WHERE session = ?1 AND goes_on",
	[DEBT] = "INSERT OR REPLACE INTO debt(seq, session, step, owner, due, reason) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[DEBT_RENAME] = "UPDATE debt SET step = ?3 WHERE session = ?1 AND step = ?2 AND NOT EXISTS(SELECT 1 FROM step s WHERE s.session = ?1 AND s.id = ?2)",
	[DEBT_SETTLED] = "UPDATE debt SET settled_us = max(1, ?2), settled_by = ?4, how = ?5 WHERE session = ?1 AND seq = ?3 AND settled_us = 0",
	[DEBT_DONE] = "UPDATE debt SET settled_us = max(1, ?2), settled_by = ?4 WHERE session = ?1 AND step = ?3 AND settled_us = 0",
	[PURGED] = "INSERT OR REPLACE INTO purged(seq, first, last) VALUES(?1, ?2, ?3)",
};

static struct index_value num(int64_t number)
{
	return (struct index_value){ .number = number };
}

static struct index_value txt(const char *text)
{
	return (struct index_value){ .text = text ? text : "" };
}

void index_run(struct index *index, int slot, const char *sql, const struct index_value *values, int count)
{
	sqlite3_stmt *stmt = index->stmts[slot];

	if (index->sql_err.text[0])
		return;
	if (!stmt && sqlite3_prepare_v3(index->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK) {
		index_sql_err(index, &index->sql_err, "writing the index");
		return;
	}
	index->stmts[slot] = stmt;
	for (int i = 0; i < count; i++) {
		if (values[i].text)
			sqlite3_bind_text(stmt, i + 1, values[i].text, values[i].number ? (int)values[i].number : -1, SQLITE_STATIC);
		else
			sqlite3_bind_int64(stmt, i + 1, values[i].number);
	}
	if (sqlite3_step(stmt) != SQLITE_DONE)
		index_sql_err(index, &index->sql_err, "writing the index");
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
}

static void run(struct index *index, enum sql which, const struct index_value *values, int count)
{
	index_run(index, (int)which, sql_text[which], values, count);
}

typedef void fold_fn(struct index *index, const struct event *ev, const struct json *data);

static void put_steps(struct index *index, const struct event *ev, const struct json *list)
{
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *step = json_item(list, i), *was = json_at(step, "was");
		const char *id = json_text(step, "id", "");

		if (!*id)
			continue;
		for (size_t k = 0; k < json_count(was); k++) {
			const struct index_value names[] = { num(ev->session), txt(json_as_text(json_item(was, k))), txt(id) };

			run(index, STEP_RENAME, names, 3);
			run(index, ATTEMPT_RENAME, names, 3);
			run(index, CALL_RENAME, names, 3);
			run(index, DEBT_RENAME, names, 3);
		}
		run(index, STEP_PUT, (const struct index_value[]){ num(ev->session), txt(id), num((int64_t)i + 1), txt(json_text(step, "title", id)),
			txt(json_text(step, "kind", "")) }, 5);
	}
}

static void fold_opened(struct index *index, const struct event *ev, const struct json *data)
{
	const struct json *runbook = json_at(data, "runbook");
	const char *id = json_text(runbook, "id", "");

	run(index, OPEN, (const struct index_value[]){ num(ev->session), num(ev->at_us), txt(id), txt(json_text(runbook, "title", id)),
		txt(json_text(json_at(data, "fleet"), "name", "")), txt(ev->who), num(json_bool(data, "dry_run", false)),
		num((int64_t)json_count(json_at(data, "steps"))) }, 8);
	put_steps(index, ev, json_at(data, "steps"));
}

static bool keep_time(void *arg, const struct event *ev)
{
	*(int64_t *)arg = ev->at_us;
	return false;
}

static void fold_resumed(struct index *index, const struct event *ev, const struct json *data)
{
	const struct store_call all = { .session = ev->session };
	const struct json *steps = json_at(data, "steps");
	struct err ignored = { 0 };
	int64_t last = ev->at_us;

	(void)store_each_before(index->store, &all, ev->seq, keep_time, &last, &ignored);	/* damaged: then no time was lost */
	run(index, RESUME, (const struct index_value[]){ num(ev->session), num(ev->at_us), num(last) }, 3);
	run(index, RESUME_STEPS, (const struct index_value[]){ num(ev->session), num(ev->at_us), num(last) }, 3);
	if (json_type_of(steps) != JSON_IS_ARRAY)
		return;
	run(index, STEPS_OLD, (const struct index_value[]){ num(ev->session) }, 1);
	put_steps(index, ev, steps);
	run(index, STEPS_DROP, (const struct index_value[]){ num(ev->session) }, 1);
}

static void fold_closed(struct index *index, const struct event *ev, const struct json *data)
{
	const char *outcome = json_text(data, "outcome", "");

	if (!*outcome)
		return;
	run(index, CLOSE, (const struct index_value[]){ num(ev->session), num(ev->at_us), txt(outcome), txt(json_text(data, "reason", "")) }, 4);
	run(index, DROP_ASKS, (const struct index_value[]){ num(ev->session) }, 1);
}

static void fold_entered(struct index *index, const struct event *ev, const struct json *data)
{
	int64_t place = json_int(data, "index", 0);

	run(index, STEP_ENTERED, (const struct index_value[]){ num(ev->session), txt(ev->step) }, 2);
	if (place > 0)
		run(index, PROGRESS, (const struct index_value[]){ num(ev->session), num(place), num(json_int(data, "total", 0)) }, 3);
}

static void fold_begun(struct index *index, const struct event *ev, const struct json *data)
{
	run(index, STEP_BEGUN, (const struct index_value[]){ num(ev->session), num(ev->at_us), txt(ev->step), num(ev->attempt),
		num(str_is(json_text(data, "part", ""), "undo")), num(json_bool(data, "again", false)) }, 6);
}

static void fold_ended(struct index *index, const struct event *ev, const struct json *data)
{
	static const char *const states[] = { "ok", "warn", "failed", "skipped", "deferred", NULL };
	const char *state = json_text(data, "state", "");
	const char *const *known = states;

	while (*known && !str_is(*known, state))
		known++;
	if (!*known)
		return;
	run(index, STEP_ENDED, (const struct index_value[]){ num(ev->session), num(ev->at_us), txt(ev->step), txt(state), txt(json_text(data, "reason", "")),
		num(json_int(data, "took_us", -1)), num(ev->who && *ev->who && !str_is(ev->who, "bellbook")) }, 7);
	if (!json_bool(data, "already", false))
		run(index, ATTEMPT, (const struct index_value[]){ num(ev->session), txt(ev->step) }, 2);
	run(index, COUNTS, (const struct index_value[]){ num(ev->session), txt(state) }, 2);
	if (str_is(state, "ok") || str_is(state, "warn"))
		run(index, DEBT_DONE, (const struct index_value[]){ num(ev->session), num(ev->at_us), txt(ev->step), txt(ev->who) }, 4);
}

static void fold_doubted(struct index *index, const struct event *ev, const struct json *data)
{
	run(index, STEP_DOUBTED, (const struct index_value[]){ num(ev->session), txt(ev->step), txt(json_text(data, "reason", "")) }, 3);
}

static void fold_call_begun(struct index *index, const struct event *ev, const struct json *data)
{
	if (ev->host && *ev->host)
		run(index, HOST, (const struct index_value[]){ num(ev->session), txt(ev->host) }, 2);
	if (!str_is(json_text(data, "effect", ""), "read"))
		run(index, CALL_BEGUN, (const struct index_value[]){ num(ev->session), num(ev->at_us), txt(ev->step), num(ev->attempt), txt(ev->call), txt(ev->host),
			txt(json_text(data, "shown", "")) }, 7);
}

static void fold_call_ended(struct index *index, const struct event *ev, const struct json *data)
{
	(void)data;
	run(index, CALL_ENDED, (const struct index_value[]){ num(ev->session), txt(ev->step), num(ev->attempt), txt(ev->call) }, 4);
}

static void fold_asked(struct index *index, const struct event *ev, const struct json *data)
{
	if (!*json_text(data, "of", ""))
		return;
	run(index, ASK, (const struct index_value[]){ num(ev->session), num(ev->seq), txt(ev->step) }, 3);
	run(index, STEP_OF_ASK, (const struct index_value[]){ num(ev->session), num(ev->at_us), txt(ev->step) }, 3);
	run(index, ASK_SESSION, (const struct index_value[]){ num(ev->session), num(ev->at_us) }, 2);
}

static void fold_answered(struct index *index, const struct event *ev, const struct json *data)
{
	int64_t seq = json_int(data, "seq", 0);

	run(index, ANSWER_STEP, (const struct index_value[]){ num(ev->session), num(ev->at_us), num(seq) }, 3);
	run(index, ANSWER, (const struct index_value[]){ num(ev->session), num(seq) }, 2);
	run(index, ANSWER_SESSION, (const struct index_value[]){ num(ev->session), num(ev->at_us) }, 2);
}

static void fold_noted(struct index *index, const struct event *ev, const struct json *data)
{
	(void)data;
	run(index, NOTED, (const struct index_value[]){ num(ev->session) }, 1);
}

static void fold_warned(struct index *index, const struct event *ev, const struct json *data)
{
	(void)data;
	run(index, WARNED, (const struct index_value[]){ num(ev->session) }, 1);
}

static void fold_down(struct index *index, const struct event *ev, const struct json *data)
{
	(void)data;
	run(index, ev->kind == EVENT_DOWNTIME_BEGAN ? DOWN : UP, (const struct index_value[]){ num(ev->session), num(ev->at_us) }, 2);
}

/* Asked from outside: refused from the first one that was until one is answered again, or until nobody asks any more. */
static void fold_outside(struct index *index, const struct event *ev, const struct json *data)
{
	bool refuses = str_is(json_text(data, "state", ""), "refuses");
	int64_t from = json_int(data, "from_us", ev->at_us), to = json_int(data, "to_us", from);

	if (ev->kind == EVENT_OUTSIDE_COUNTED)	/* what nobody saw is not told as refused */
		run(index, UNSEEN, (const struct index_value[]){ num(ev->session), num(from), num(MODEL_BLIND_US) }, 3);
	if (refuses)
		run(index, REFUSED, (const struct index_value[]){ num(ev->session), num(from) }, 2);
	if (ev->kind == EVENT_OUTSIDE_COUNTED)
		run(index, REFUSES_ON, (const struct index_value[]){ num(ev->session), num(refuses ? to : from) }, 2);
	if (!refuses)
		run(index, REFUSES_NO_MORE, (const struct index_value[]){ num(ev->session) }, 1);
}

static void fold_deferred(struct index *index, const struct event *ev, const struct json *data)
{
	run(index, DEBT, (const struct index_value[]){ num(ev->seq), num(ev->session), txt(ev->step), txt(json_text(data, "owner", "")), txt(json_text(data, "due", "")),
		txt(json_text(data, "reason", "")) }, 6);
}

static void fold_settled(struct index *index, const struct event *ev, const struct json *data)
{
	run(index, DEBT_SETTLED, (const struct index_value[]){ num(ev->session), num(ev->at_us), num(json_int(data, "seq", 0)), txt(ev->who), txt(json_text(data, "how", "")) }, 5);
}

/* "FIRST..LAST". What the text has of them must go, and full text forgets only as a whole. */
static void fold_purged(struct index *index, const struct event *ev)
{
	struct err ignored = { 0 };
	int64_t first, last, text;
	char *end;

	first = strtoll(ev->call ? ev->call : "", &end, 10);
	last = strncmp(end, "..", 2) == 0 ? strtoll(end + 2, NULL, 10) : first;
	run(index, PURGED, (const struct index_value[]){ num(ev->seq), num(first), num(last) }, 3);
	if (index_meta_int(index, "text", &text, &ignored) == 0 && first <= text)
		index->purged = true;
}

/* NULL: the index has nothing of it. */
static fold_fn *fold_of(enum event_kind kind)
{
	switch (kind) {
#define KIND(id, number, name, durability, version, about, members, words, values, fold, indexed, ...) \
	case EVENT_##id: \
		return indexed;
#include "journal/event/kinds.def"
	case EVENT_UNKNOWN:
		break;
	}
	return NULL;
}

void index_fold(struct index *index, const struct event *ev)
{
	fold_fn *fold = fold_of(ev->kind);
	struct err ignored = { 0 };
	struct json *data;

	if (ev->kind == EVENT_PAYLOAD_PURGED)
		fold_purged(index, ev);
	if (!ev->session)
		return;
	if (ev->who && *ev->who && !str_is(ev->who, "bellbook"))
		run(index, PERSON, (const struct index_value[]){ num(ev->session), txt(ev->who) }, 2);
	if (fold) {
		data = ev->data && *ev->data ? json_parse(ev->data, strlen(ev->data), &ignored) : NULL;
		fold(index, ev, data);
		json_free(data);
	}
	run(index, SEEN, (const struct index_value[]){ num(ev->session), num(ev->at_us) }, 2);
}
