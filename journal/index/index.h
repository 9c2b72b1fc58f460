/* index.h - what can be found in a journal without reading all of it: sessions, how long steps take, full text. Derived from the events, kept in index.db beside the journal. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_INDEX_INDEX_H
#define JOURNAL_INDEX_INDEX_H

#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index;

/* Opens the index of a journal; reads nothing new yet: index_update. A missing, stale, damaged or older index.db is made anew, one that cannot be
 * kept is made in a temporary file: index_words says so. NULL as store_open of the journal (ERR_NOTFOUND: there is none). Blocks for disk. Caller owns. Open after fork only. */
struct index *index_open(const char *journal, struct err *e);

/* Closes. NULL is fine. */
void index_close(struct index *index);

/* Which part of it. */
enum index_part {
	INDEX_FACTS,	/* sessions, steps, durations: 10 million events in half a minute, once */
	INDEX_TEXT,	/* full text, and the facts with it: minutes, once */
};

/* Told between batches; done and total count events. false stops: what is there can be used. NULL = never stop. */
typedef bool index_progress_fn(void *arg, int64_t done, int64_t total);

/* Brings it up to the journal's present end; cheap when nothing is new. Other processes may write both meanwhile. 0, also when stopped, or at a damaged event (index_words says so); -1 when the journal cannot be read.
 * Blocks for disk. */
int index_update(struct index *index, enum index_part part, index_progress_fn *progress, void *arg, struct err *e);

/* What a person should know: why it was made anew, why it is not kept. "" = nothing. Borrowed until the next call on the index. */
const char *index_words(const struct index *index);

/* True when the journal is damaged or cut, as index_words says: lists and searches may lack what it held. */
bool index_is_lacking(const struct index *index);

/* As if it had found that itself. */
void index_set_lacking(struct index *index);

/* One session. Strings and arrays are borrowed during the callback, never NULL. */
struct index_session {
	int64_t session;
	const char *runbook, *title, *fleet, *who;	/* who opened it */
	const char *outcome;		/* as closed: ok failed aborted; "" = open */
	const char *reason;
	bool dry_run;
	int64_t opened_us, closed_us;	/* closed 0 = open */
	int64_t last_us;		/* time of its last event, outputs left out */
	int64_t active_us;		/* from opened to closed (or last), without the time when no process carried it */
	int64_t waited_us;		/* of that, at least one question to people was open */
	int64_t wait_since_us;		/* a question is open since then, 0 = none */
	int64_t down_us;		/* downtime that is over, by the steps or from outside, whichever was longer */
	int64_t down_since_us;		/* down since then, 0 = up */
	int64_t step, steps;		/* number of the step entered last, of so many */
	int64_t ok, warn, failed, skipped, deferred, in_doubt;	/* steps by what became of them */
	int64_t left_out;		/* of these, skipped or put off by a person's word */
	int64_t unsettled;		/* changing orders that have not come back: in doubt when no process carries the session */
	const char *doubt_step, *doubt_host;	/* of the first step in doubt or unsettled order, "" = none */
	int64_t failures, warnings, notes, resumed;	/* failures: attempts that failed */
	const struct json *people, *hosts;	/* arrays of names: who did something in it, hosts that got orders */
};
typedef bool index_session_fn(void *arg, const struct index_session *row);

/* Which sessions; zero and NULL mean any. */
struct index_filter {
	int64_t session;		/* that one alone */
	const char *runbook, *host, *person;
	int64_t since_us, until_us;	/* open at some time from since to before until */
	bool failed;			/* an attempt failed, or it closed otherwise than ok */
	bool open;			/* not closed */
	int64_t limit;			/* rows; 0 = all */
};

/* Newest first. fn returns false to stop; it may use the index. -1 when it cannot be read. */
int index_sessions(struct index *index, const struct index_filter *filter, index_session_fn *fn, void *arg, struct err *e);

/* How long something usually takes: of the last INDEX_RUNS that ended well. */
#define INDEX_RUNS 20
struct index_usual {
	int64_t count;			/* how many; 0 = nothing is known */
	int64_t median_us, min_us, max_us;
};

/* A runbook's past; dry runs are left out. */
struct index_runbook {
	int64_t sessions, open, ok;	/* how many, of these open, of these closed ok */
	int64_t last;			/* the newest session, 0 = never run */
	struct index_usual active;	/* of sessions closed ok: without times when nobody carried them, waiting for people included */
	struct index_usual work;	/* the same without waiting for people */
	struct index_usual down;	/* downtime of sessions closed ok */
};

/* Fills out. -1 when it cannot be read. */
int index_runbook(struct index *index, const char *runbook, struct index_runbook *out, struct err *e);

/* A step's past in all sessions of a runbook; dry runs and undoing are left out. */
struct index_step {
	const char *step;		/* borrowed during the callback */
	int64_t runs, failed;		/* attempts that ended, of these failed */
	struct index_usual took;	/* attempts that ended ok or warn: work alone */
	struct index_usual waited;	/* the same attempts: waiting for people */
};
typedef bool index_step_fn(void *arg, const struct index_step *row);

/* Each step of the runbook that has a past, in no order. session > 0: only what was before that session. */
int index_steps(struct index *index, const char *runbook, int64_t session, index_step_fn *fn, void *arg, struct err *e);

/* One downtime of a session; to_us 0 = not over. */
typedef bool index_span_fn(void *arg, int64_t from_us, int64_t to_us);
int index_downtimes(struct index *index, int64_t session, index_span_fn *fn, void *arg, struct err *e);

/* A step that was put off. Strings are borrowed during the callback, never NULL; they are as they were recorded: utf8_safe before showing. */
struct index_debt {
	int64_t seq, session;		/* seq of its event, which settles it */
	const char *step, *title;	/* id, and what the runbook calls it */
	const char *of;			/* title of the session's runbook */
	const char *owner, *due, *reason;	/* due: a date; older journals may have any text */
	int64_t settled_us;		/* 0 = it is still owed */
	const char *settled_by, *how;	/* how "" = the step was done later in the same walk */
};
typedef bool index_debt_fn(void *arg, const struct index_debt *row);

/* Debts of one session (0 = of all), those that are owed first, by the day they are due; settled ones only when asked for. Dry runs are left out. fn as in index_sessions. */
int index_debts(struct index *index, int64_t session, bool settled, index_debt_fn *fn, void *arg, struct err *e);

/* Where text was found. Strings are borrowed during the callback, never NULL; they are as they were recorded: utf8_safe before showing. */
struct index_hit {
	int64_t seq, session, at_us;
	const char *kind;		/* of the event: "call.output", "note" ... */
	const char *step, *host, *who;
	const char *line;		/* the line it was found in, a part of it when it is long; without escape sequences */
	size_t mark, mark_len;		/* bytes of line that were looked for; mark_len 0 = unknown */
};
typedef bool index_hit_fn(void *arg, const struct index_hit *hit);

/* Looks for words, all of them in one event: word, wor* (beginnings), "two words" (in a row); case and accents do not count. Newest first. Of the filter: session, runbook, host, person
 * (who said it), since, until (of the event), limit (0 = 50). ERR_USAGE when there is nothing to look for. fn may use the index. The text must have been brought up by the caller. */
int index_search(struct index *index, const char *words, const struct index_filter *filter, index_hit_fn *fn, void *arg, struct err *e);

#endif
