/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/event/event.h"

#include <string.h>

#include "base/buf.h"
#include "base/str.h"

/* Durability decides who waits: see enum durability. The members of data end with "?" when they may be missing. */
static const struct event_type types[] = {
	{ EVENT_SESSION_OPENED, "session.opened", DURABLE_DECISION, 1, "A walk through a runbook began.",
	  "runbook {id text, title text, about text, path text, digest text, bellbook int, window text?, way_back {runbook text, with [text], open text?}?}, fleet {name text, path text, digest text, parts {setting text}, jobs {host text}?}, tool text, journal text, process {pid int, started int, boot text}, dry_run bool, steps [{id text, kind text, title text, why text, phase text, back text?, takes text?, downtime text?, refuses text?, stall_us int?, digest text, was [text]}]" },
	{ EVENT_SESSION_RESUMED, "session.resumed", DURABLE_DECISION, 1, "Another process took the session up again.",
	  "process {pid int, started int, boot text}, reason text, runbook {digest text}, steps [object]? (only when the list changed)" },
	{ EVENT_SESSION_CLOSED, "session.closed", DURABLE_DECISION, 1, "The walk ended.",
	  "outcome text (ok, failed, aborted), reason text?, ok int, skipped int, deferred int, not_done int, way_back {runbook text, path text, fleet text?, open text?, params object, by text? (whoever ended the walk to go back)}?" },
	{ EVENT_SESSION_PAUSED, "session.paused", DURABLE_DECISION, 1, "No new step starts until a person continues.", "why text?" },
	{ EVENT_SESSION_CONTINUED, "session.continued", DURABLE_DECISION, 1, "A person let the session go on.", "" },
	{ EVENT_RUNBOOK_CHANGED, "runbook.changed", DURABLE_DECISION, 1, "The runbook, or the fleet file, differs from the one the session was opened with, and a person agreed to it.",
	  "step text, change text (deleted, inserted, changed, moved, other, fleet), accepted bool" },
	{ EVENT_PARAM_SET, "param.set", DURABLE_DECISION, 1, "A parameter got its value; a secret shows only its name.",
	  "name text, value any, source text (given, asked, default, secret)" },
	{ EVENT_STEP_ENTERED, "step.entered", DURABLE_DECISION, 1, "A step is next and was shown.",
	  "index int, total int, back bool? (a person goes back to it: it was skipped or put off), why text?" },
	{ EVENT_STEP_BEGUN, "step.begun", DURABLE_DECISION, 1, "Work on a step started.", "part text (run, undo), again bool? (the same attempt goes on)" },
	{ EVENT_STEP_ENDED, "step.ended", DURABLE_DECISION, 1, "A step reached a state.",
	  "state text (ok, warn, failed, skipped, deferred), reason text?, took_us int, gives object?, owner text?, due text?, already bool? (it was done before, and nothing was run)" },
	{ EVENT_STEP_DOUBTED, "step.doubted", DURABLE_DECISION, 1, "Nobody knows whether the step's effect happened.", "reason text" },
	{ EVENT_CALL_BEGUN, "call.begun", DURABLE_DECISION, 1, "An order to the world; stored before it is carried out.",
	  "action text, args object, effect text (read, change, once), shown text, as text?, job text?, timeout_us int?, of text? (detour: by hand, not by the runbook)" },
	{ EVENT_CALL_ENDED, "call.ended", DURABLE_DECISION, 1, "What came back.",
	  "outcome text (ok, failed, canceled, unknown), exit int?, signal text?, took_us int, error text?, not_run bool? (of a failed one: nothing of it was begun), result any?, by text? and why text? (a person says so: it was in doubt)" },
	{ EVENT_CALL_SETTLED, "call.settled", DURABLE_DECISION, 1, "A call in doubt was looked up.", "how text (never, running, finished, unknown; again: output so far is void; rerun: the same, it is begun anew as job), by text, text text?, job text?" },
	{ EVENT_CALL_PROGRESS, "call.progress", DURABLE_OUTPUT, 1, "How far a call is; without a call, how far its step is by the step's meter.",
	  "text text?, percent real?, done real?, total real?, unit text?, stalled bool?" },
	{ EVENT_LINK_CHANGED, "link.changed", DURABLE_NOTE, 1, "A connection came up or was lost, or its host does not answer.", "state text (lost, silent, back, fallback), text text" },
	{ EVENT_WORKER_LOST, "worker.lost", DURABLE_DECISION, 1, "The worker process died; its calls are in doubt.", "pid int, calls [text] (their paths)" },
	{ EVENT_ASKED, "asked", DURABLE_DECISION, 1, "A person is waited for.",
	  "of text, text text, details text?, type text, choices [object]?, default any?, expect text?, secret bool?, name text?, commands [object]? (docs/protocol.md)" },
	{ EVENT_ANSWERED, "answered", DURABLE_DECISION, 1, "The answer to the question with that seq.", "seq int, value any?, why text?, owner text?, due text?" },
	{ EVENT_WITHDRAWN, "withdrawn", DURABLE_DECISION, 1, "The question with that seq is asked no longer.", "seq int, reason text" },
	{ EVENT_APPROVAL_ASKED, "approval.asked", DURABLE_DECISION, 1, "A second person is asked to agree; the question is the event before it.", "step text, hash text, until_us int" },
	{ EVENT_APPROVAL_GIVEN, "approval.given", DURABLE_DECISION, 1, "A second person agreed, or a waiver was typed.",
	  "seq int (of the question), step text, attempt int (the one it covers), hash text, by text, waiver bool, why text, until_us int" },
	{ EVENT_APPROVAL_VOIDED, "approval.voided", DURABLE_DECISION, 1, "What was agreed to counts no more: taken back, too old, or something changed.", "seq int (of the question), by text (who had agreed), reason text" },
	{ EVENT_NOTE, "note", DURABLE_NOTE, 1, "A person wrote something down (payload), during the walk or after it.",
	  "pin int? (seq of an event of the session that it points at), at_us int? (when that was), cancel int? (seq of the call.begun that is stopped with it) and why text? and detour bool? (with all of its detour), abort text? (why the session is stopped with it), secret text? (bellbook says how far this secret is masked) and masked text? (outside, never), stuck text? (run, done, undo, when, meter: this function of the step stayed inside one function of Lua and took the process that carried the session with it; the next process does not run it again in that attempt)" },
	{ EVENT_SAID, "said", DURABLE_NOTE, 1, "A person said something to the others (payload).", "" },
	{ EVENT_JOINED, "joined", DURABLE_NOTE, 1, "A view was attached.", "uid int, role text (driver, navigator, observer, guest), view text, login text? (account of the login that became this one)" },
	{ EVENT_LEFT, "left", DURABLE_NOTE, 1, "A view was closed.", "uid int, role text, view text, reason text? (a guest's time is up)" },
	{ EVENT_WHEEL_PASSED, "wheel.passed", DURABLE_DECISION, 1, "Another person drives.", "to text, from text?, how text? (first, given, accepted, no answer, the driver was gone), why text?" },
	{ EVENT_WARNED, "warned", DURABLE_NOTE, 1, "bellbook noticed something a person should know.", "text text" },
	{ EVENT_LESSON, "lesson", DURABLE_NOTE, 1, "Something to change in the runbook.", "text text" },
	{ EVENT_INVITED, "invited", DURABLE_NOTE, 1, "The driver let somebody watch as a guest.", "to text, until_us int, why text?" },
	{ EVENT_DISMISSED, "dismissed", DURABLE_NOTE, 1, "The driver ended somebody's time as a guest.", "to text, why text?" },
	{ EVENT_DOWNTIME_BEGAN, "downtime.began", DURABLE_DECISION, 1, "The site is down for its users from here.", "" },
	{ EVENT_DOWNTIME_ENDED, "downtime.ended", DURABLE_DECISION, 1, "The site is up again.", "" },
	{ EVENT_HELD, "held", DURABLE_DECISION, 1, "An invariant is watched from here.", "text text" },
	{ EVENT_HOLD_BROKEN, "hold.broken", DURABLE_DECISION, 1, "A watched invariant no longer holds.", "reason text" },
	{ EVENT_DEFERRED, "deferred", DURABLE_DECISION, 1, "A step became a debt.", "owner text, due text, reason text" },
	{ EVENT_DEBT_SETTLED, "debt.settled", DURABLE_DECISION, 1, "A debt was paid.", "seq int, how text" },
	{ EVENT_OUTSIDE_BEGAN, "outside.began", DURABLE_NOTE, 1, "From here on the site is asked from outside, again and again.",
	  "seq int (of the call.begun that wanted it), asks [text], slow_us int (an answer that took longer was waited for), until_us int, unproven text? (what that cannot prove)" },
	{ EVENT_OUTSIDE_COUNTED, "outside.counted", DURABLE_NOTE, 1, "What the site answered to those who asked from outside; told each time that it changes, else now and then. No request is in two of them.",
	  "from_us int, to_us int (when the first and the last of these were asked), state text (answers, waits, refuses, unseen), asked int, answered int, refused int (5xx, no connection), odd int (another answer), unseen int (403, 429: the asker is refused), waited int, longest_us int, words text? (the last answer that was none), causes [{text text, count int}]? (what the refused ones said, each once), slow [{at_us int, took_us int}]?" },
	{ EVENT_OUTSIDE_ENDED, "outside.ended", DURABLE_NOTE, 1, "The site is asked from outside no longer.", "reason text" },
	{ EVENT_JOURNAL_GAP, "journal.gap", DURABLE_DECISION, 1, "Something could not be recorded, and why.", "from_us int, to_us int, reason text, bytes int" },
	{ EVENT_PAYLOAD_PURGED, "payload.purged", DURABLE_DECISION, 1, "Payloads FIRST..LAST (in call) were removed; their events stay.", "reason text" },
	{ EVENT_ANCHORED, "anchored", DURABLE_DECISION, 1, "The hash at seq was kept elsewhere.", "seq int, hash text, where text" },
	{ EVENT_CALL_OUTPUT, "call.output", DURABLE_OUTPUT, 1, "What a call printed (payload), as it came.", "stream text (out, err, pty, note; without payload: size, typed), to int? (raw bytes of the stream that are stored now), dropped int?, rows int? and cols int? (size: the terminal's from here), bytes int? (typed: how many, by who; not which)" },
	{ EVENT_UNKNOWN, NULL, DURABLE_DECISION, 0, NULL, NULL },
};

static const struct event_type unknown_type = {
	EVENT_UNKNOWN, "unknown", DURABLE_DECISION, 0, "Written by a newer bellbook; kept and shown raw.", "",
};

const struct event_type *event_type_of(enum event_kind kind)
{
	for (const struct event_type *type = types; type->name; type++)
		if (type->kind == kind)
			return type;
	return &unknown_type;
}

const struct event_type *event_type_find(const char *name)
{
	for (const struct event_type *type = types; type->name; type++)
		if (str_is(type->name, name))
			return type;
	return NULL;
}

const struct event_type *event_types(void)
{
	return types;
}

static const char *copy_text(struct arena *arena, const char *text)
{
	return text && *text ? arena_dup(arena, text, strlen(text)) : NULL;
}

void event_copy(struct arena *arena, struct event *to, const struct event *from)
{
	*to = *from;
	to->who = copy_text(arena, from->who);
	to->step = copy_text(arena, from->step);
	to->call = copy_text(arena, from->call);
	to->host = copy_text(arena, from->host);
	to->data = copy_text(arena, from->data);
	if (from->bytes)
		to->bytes = arena_dup(arena, from->bytes, from->len);
}

/* Each field is a tag, its length in 8 bytes (big endian) and its bytes: no two rows have the same encoding. */
static void put_field(struct buf *out, char tag, const void *bytes, size_t len)
{
	unsigned char head[9] = { (unsigned char)tag };

	for (int i = 0; i < 8; i++)
		head[8 - i] = (unsigned char)((uint64_t)len >> (8 * i));
	buf_append(out, head, sizeof(head));
	buf_append(out, bytes, len);
}

static void put_int(struct buf *out, char tag, int64_t value)
{
	unsigned char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[7 - i] = (unsigned char)((uint64_t)value >> (8 * i));
	put_field(out, tag, bytes, sizeof(bytes));
}

static void put_text(struct buf *out, char tag, const char *text, const char *empty)
{
	const char *whole = text && *text ? text : empty;

	put_field(out, tag, whole, strlen(whole));
}

static bool has_digest(const struct event *ev)
{
	static const unsigned char zero[SHA256_LEN];

	return memcmp(ev->digest, zero, sizeof(zero)) != 0;
}

void event_hash(const struct event *ev, const unsigned char previous[SHA256_LEN], unsigned char out[SHA256_LEN])
{
	struct buf row = { 0 };

	buf_append(&row, "bb1e", 4);
	buf_append(&row, previous, SHA256_LEN);
	put_int(&row, 'q', ev->seq);
	put_int(&row, 's', ev->session);
	put_int(&row, 't', ev->at_us);
	put_int(&row, 'm', ev->mono_us);
	put_int(&row, 'k', ev->kind != EVENT_UNKNOWN ? (int)ev->kind : ev->kind_number);
	put_int(&row, 'v', ev->v);
	put_text(&row, 'w', ev->who, "");
	put_text(&row, 'p', ev->step, "");
	put_int(&row, 'a', ev->attempt);
	put_text(&row, 'c', ev->call, "");
	put_text(&row, 'h', ev->host, "");
	put_text(&row, 'd', ev->data, "{}");
	put_field(&row, 'x', ev->digest, has_digest(ev) ? SHA256_LEN : 0);
	sha256_of(row.data, row.len, out);
	buf_done(&row);
}
