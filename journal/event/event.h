/* event.h - the vocabulary of the journal: what an event is, which kinds exist, and its JSON form. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_EVENT_EVENT_H
#define JOURNAL_EVENT_EVENT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENT_UNKNOWN_PREFIX "unknown."	/* "unknown.77": a kind of a newer bellbook, by number */

/* Numbers are stored. 1..99 decisions and facts (EVENT_OUTPUT_FIRST and up: output). */
enum event_kind {
	EVENT_UNKNOWN = 0,		/* read from a newer bellbook: kept, shown raw */
#define KIND(id, number, ...) EVENT_##id = (number),
#include "journal/event/kinds.def"
};

#define EVENT_OUTPUT_FIRST 100

enum durability {
	DURABLE_OUTPUT,		/* group commit, synchronous=NORMAL */
	DURABLE_NOTE,		/* at once, FULL; nobody waits long */
	DURABLE_DECISION,	/* own transaction at once, FULL; then told; then acted on */
};

/* One event. All pointers are borrowed from whoever filled it in (say: an arena, a store row, a literal). NULL strings mean "". */
struct event {
	int64_t seq;		/* 1, 2, 3 … over the whole journal; 0 before it is stored */
	int64_t session;	/* seq of its session.opened; 0 = let store_append fill it in (session.opened only) */
	int64_t at_us;		/* wall clock, UTC; 0 = now when appended */
	int64_t mono_us;	/* CLOCK_BOOTTIME; 0 = now when appended */
	enum event_kind kind;
	int kind_number;	/* as stored; differs from kind only for EVENT_UNKNOWN */
	int v;			/* version of the kind's data; 0 = the present one when appended */
	const char *who;	/* user name of the person, or "bellbook" */
	const char *step;	/* step id */
	int attempt;		/* 1, 2 … */
	const char *call;	/* path of the call in the step: "3", "2/app1/1" */
	const char *host;
	const char *data;	/* JSON object as text, "" or NULL = "{}" */
	const void *bytes;	/* payload: free text or raw output; NULL = none */
	size_t len;
	unsigned char digest[SHA256_LEN];	/* of the payload; zero when none */
	unsigned char hash[SHA256_LEN];
	bool purged;		/* has a digest but its payload was purged */
	bool cut;		/* as told: not all of it, see event_tell; never so in the journal */
};

/* What is known of a kind; the table is the source of docs/events.md. */
struct event_type {
	enum event_kind kind;
	const char *name;		/* "step.ended" */
	enum durability durability;
	int v;
	const char *about;		/* one line */
	const char *fields;		/* members of data, for docs: "state text, reason text?, took_us int" */
};

/* Borrowed static entry; for EVENT_UNKNOWN a generic one named "unknown". */
const struct event_type *event_type_of(enum event_kind kind);

/* Entry by name ("step.ended"), NULL when there is none. */
const struct event_type *event_type_find(const char *name);

/* All entries, ended by one with name NULL. */
const struct event_type *event_types(void);

/* What a member of data holds, and so which secrets are replaced in it. */
enum event_member {
	MEMBER_TEXT,	/* people or the world wrote it: all secrets */
	MEMBER_VALUE,	/* the runbook computes with it, or a person typed a name there: none whose value is an ordinary word */
	MEMBER_WORD,	/* bellbook named it (ids, hosts, accounts that are here, vocabulary, digests): none, ever */
};

/* Of the member key of a kind's data, or of an object inside it. What lies in a value or a word is one, too. */
enum event_member event_member_of(enum event_kind kind, const char *key);

/* JSON form told to views and written by `log --format jsonl`: {"seq","session","at","kind","v","who","step","attempt","call","host","data", "text" or "b64" (payload),
 * "purged"?, "cut"?}; empty members are left out; with_hash adds "mono_us","digest","hash" (hex). Caller owns. */
struct json *event_to_json(const struct event *ev, bool with_hash);

/* Appends the text of that form, byte for byte what json_print gives for event_to_json, without building it: output is large. */
void event_print(const struct event *ev, bool with_hash, struct buf *out);

/* Appends what a view is told of the event: that text, or when it would be longer than a line may be, the beginnings of what is long, which say so in words; "cut": true stands in such an
 * event's line. Always less than LIMIT_LINE bytes, without newline. */
void event_tell(const struct event *ev, struct buf *out);

/* Back from that form; strings and bytes live in arena. ERR_CORRUPT says which member is wrong. */
int event_from_json(const struct json *value, struct arena *arena, struct event *ev, struct err *e);

/* Deep copy into the arena. */
void event_copy(struct arena *arena, struct event *to, const struct event *from);

/* Canonical bytes that the hash covers (tagged, length-prefixed; payload only through digest) and the hash itself: SHA-256("bb1e" || previous || canonical). */
void event_hash(const struct event *ev, const unsigned char previous[SHA256_LEN], unsigned char out[SHA256_LEN]);

#endif
