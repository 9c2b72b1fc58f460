/* ask_kind.h - what is known of a kind of question: one row of ask_kinds.def each. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_MODEL_ASK_KIND_H
#define JOURNAL_MODEL_ASK_KIND_H

#include <stdbool.h>

enum ask_kind {
#define ASK(id, ...) ASK_##id,
#include "journal/model/ask_kinds.def"
	ASK_UNKNOWN,		/* of a newer bellbook */
};

/* Who may answer. */
enum ask_who {
	ANSWER_DRIVER,
	ANSWER_SECOND,		/* who is surely another person than the driver; alone the driver by waiver */
	ANSWER_NAMED,		/* the person it names */
};

/* What voids it when another process takes the session over; it is asked anew where needed. */
enum ask_void {
	VOID_BY_PROCESS,	/* that alone: whoever waited for the answer is gone */
	VOID_BY_RUNBOOK,	/* when the runbook changed: it may mean something else now */
	VOID_BY_STEP,		/* when its step is gone from the changed runbook */
	VOID_NEVER,
};

/* How it and the walk hold each other up. */
enum ask_order {
	ORDER_NEXT,		/* the walk waits for it; going back to a step puts it again later */
	ORDER_FIRST,		/* the walk waits for it, and nobody goes back before it is answered */
	ORDER_FIRST_BESIDE,	/* what runs goes on meanwhile; nobody goes back before it is answered */
	ORDER_HOLDS,		/* the walk waits for it; going back to a step is free */
	ORDER_BESIDE,		/* what runs goes on meanwhile; going back to a step is free */
};

struct ask_type {
	enum ask_kind kind;
	const char *name;	/* "step"; "" of the one for unknown kinds */
	const char *about;	/* for docs/protocol.md */
	const char *choices;	/* all that it may offer: " go skip(why) defer(why,owner,due) "; "*" = any answer, "" = none */
	enum ask_who who;
	enum ask_void voided;
	enum ask_order order;
	bool chosen;		/* its answer changes something: a default is never offered for it */
	const char *usual;	/* answers that decide nothing beyond going on, blanks around each; "*" = any */
	int spare;		/* rows of the walk that its box leaves free on a large screen: it is decided by them */
};

/* Entry by name, a generic one when no kind has it (NULL too). Borrowed, static. */
const struct ask_type *ask_type_of(const char *name);

/* All entries, ended by one with name NULL. */
const struct ask_type *ask_types(void);

/* True when that answer needs the member besides: "why", "owner", "due". */
bool ask_type_wants(const struct ask_type *type, const char *value, const char *member);

/* True when that answer decides nothing beyond going on. */
bool ask_type_is_usual(const struct ask_type *type, const char *value);

/* True when the walk waits for the answer. */
bool ask_type_holds(const struct ask_type *type);

#endif
