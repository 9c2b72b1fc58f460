/* timeline.h - one session as the lines a reviewer reads: who did what, when, for how long; made from its events without the outputs. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_MODEL_TIMELINE_H
#define JOURNAL_MODEL_TIMELINE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "journal/event/event.h"
#include "journal/model/model.h"
#include "journal/store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a line is about; a line may be of several groups. */
enum mark_group {
	MARK_STEPS = 1 << 0,
	MARK_FAILURES = 1 << 1,		/* failed or doubtful steps, warnings, broken holds, gaps of the journal */
	MARK_DECISIONS = 1 << 2,	/* what a person decided beyond "yes, run it"; approvals, pauses, the wheel */
	MARK_NOTES = 1 << 3,		/* notes, lessons, pins */
	MARK_SETTINGS = 1 << 4,		/* parameters, changes of the runbook */
	MARK_SITE = 1 << 5,		/* down and up, opened, resumed and closed */
	MARK_COMMANDS = 1 << 6,
	MARK_QUESTIONS = 1 << 7,	/* every question and answer */
	MARK_PEOPLE = 1 << 8,
	MARK_TALK = 1 << 9,
	MARK_LINKS = 1 << 10,		/* connections, the worker */
	MARK_PROGRESS = 1 << 11,
	MARK_OTHER = 1 << 12,		/* also kinds that this bellbook does not know */
};

#define MARK_DEFAULT (MARK_STEPS | MARK_FAILURES | MARK_DECISIONS | MARK_NOTES | MARK_SETTINGS | MARK_SITE)
#define MARK_ALL ((1 << 13) - 1)
#define MARK_JUMP (MARK_FAILURES | MARK_DECISIONS)	/* where [ and ] stop */

/* Strings are borrowed from the timeline and safe to show. */
struct mark {
	int64_t seq;		/* of the event it began with */
	int64_t end_seq;	/* of the step.ended of a step's line; 0 = none */
	int64_t order;		/* where it stands: seq, or that of the event which a pin is about */
	int64_t at_us;
	int64_t end_us;		/* of a step's line: when it ended; 0 = it did not */
	int64_t took_us;	/* without waiting for people; -1 = not known */
	unsigned groups;	/* of enum mark_group */
	enum event_kind kind;
	enum step_state state;	/* of a step's line */
	int attempt;
	bool is_step;		/* one attempt of a step, its begin and end in one line */
	bool late;		/* written down after the session was closed */
	const char *step;	/* id, "" = none */
	const char *who;	/* "" = bellbook by itself */
	const char *word;	/* "ok", "FAIL", "NOTE" … */
	const char *text;	/* NULL = not kept: timeline_text reads it */
};

enum span_kind { SPAN_DOWN, SPAN_FAILED, SPAN_WAIT };

/* A stretch of time: the site down, a failure without a decision, a person waited for. */
struct span {
	enum span_kind kind;
	int64_t from_us, to_us;	/* to_us 0 = not over */
};

struct timeline {
	int64_t session;
	struct model *model;	/* owned: fold of the events read, those after the close left out */
	struct mark *marks;	/* owned; by order */
	size_t count;
	struct span *spans;	/* owned; by from_us */
	size_t span_count;
	int64_t last_seq;	/* read so far */
	int64_t end_us;		/* of the walk: its close, else its last event */
	int64_t lost;		/* events that could not be read */
	char *damage;		/* owned: words about the first of them, NULL = all was read */
	struct arena *arena;	/* owned; the strings */
	char *answered;		/* owned: step that a person said yes to last, and who */
	char *answered_by;
};

/* Nothing read yet. Caller owns. */
struct timeline *timeline_new(int64_t session);

/* Frees. NULL is fine. */
void timeline_free(struct timeline *timeline);

/* Takes one event in; outputs, events of other sessions and those read before change nothing. */
void timeline_event(struct timeline *timeline, const struct event *ev);

/* Reads what the journal has of the session behind last_seq. What is damaged is left out and told in damage; -1 only when nothing of
 * the session can be read (ERR_NOTFOUND: there is no such session). Blocks for disk. */
int timeline_read(struct timeline *timeline, struct store *store, struct err *e);

/* Appends the text of a line, safe to show, from the journal when it is not kept. */
void timeline_text(const struct timeline *timeline, struct store *store, const struct mark *mark, struct buf *out);

/* Newest session before this one with the same runbook (a real one when this is); 0 when there is none, -1 with *e. Blocks for disk. */
int64_t timeline_before(const struct timeline *timeline, struct store *store, struct err *e);

/* Microseconds of all spans of a kind, an open one up to end_us. */
int64_t timeline_total(const struct timeline *timeline, enum span_kind kind);

/* Steps in that state at the end. */
size_t timeline_steps(const struct timeline *timeline, enum step_state state);

/* Appends "ruud, jello": everybody who took part, in order of coming; safe to show. */
void timeline_people(const struct timeline *timeline, struct buf *out);

#endif
