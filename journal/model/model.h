/* model.h - the state of one session, made by folding its events; what every view draws and what the session itself believes. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_MODEL_MODEL_H
#define JOURNAL_MODEL_MODEL_H

#include "base/buf.h"
#include "base/json.h"
#include "journal/event/event.h"
#include "journal/model/ask_kind.h"
#include "journal/model/step_kind.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum step_state {
	STEP_PLANNED, STEP_READY, STEP_RUNNING, STEP_DETACHED, STEP_IN_DOUBT, STEP_OK, STEP_WARN, STEP_FAILED, STEP_SKIPPED, STEP_DEFERRED, STEP_STALE,
};

enum session_state { SESSION_RUNNING, SESSION_PAUSED, SESSION_CLOSED };

enum call_state { CALL_RUNNING, CALL_OK, CALL_FAILED, CALL_CANCELED, CALL_UNKNOWN };

struct model_point { int64_t at_us; double done; };

/* What a step's meter said in the present attempt. */
struct model_meter {
	double done, total;	/* -1 = not said; total 0 = not known */
	char *unit, *text;	/* owned; NULL = none */
	int64_t moved_us;	/* wall clock of the latest value that differed from the one before; 0 = nothing said yet */
	bool stalled;		/* the session said that nothing moves */
	struct model_point *points;	/* owned: history, oldest first; thinned out as it grows */
	size_t count;
};
#define MODEL_POINTS 128	/* at most so many */

/* Strings of the structs below are owned by the model and never NULL ("" = none), but for default_value. */
struct model_step {
	char *id, *title, *why, *phase, *back, *takes, *downtime, *refuses, *about;
	char *former;		/* its id before the runbook changed last; "" = it had none, or the same */
	enum step_kind kind;
	enum step_state state;
	char *reason;		/* of the end: error, skip reason … */
	char *by;		/* the person whose word ended it: skipped, deferred; "" = nobody's */
	char *waits_for, *done_by;	/* of a step by hand: who is to judge it; who did it, when it was not the driver; "" = nobody */
	int attempt;
	int64_t entered_us, begun_us, ended_us;	/* wall clock; 0 = not yet */
	int64_t took_us;	/* of the last attempt, without waiting for people; 0 until it ended */
	int64_t waited_us;	/* of the attempt: how long a question of the step was open */
	int64_t wait_since_us;	/* one is open since then; 0 = none */
	int64_t people_us;	/* of all questions about the step that were closed: how long each was open */
	int64_t stall_us;	/* without progress for so long people are told; 0 = not said */
	struct model_meter meter;
	bool already;		/* ok, because its own check said so before anything was run: not done by this walk */
	bool by_hand;		/* something was done by hand (a detour) while it was the present step */
};

/* What a wait of the runbook is for: one call for each time it waits, all of them one wait for people. */
struct model_wait {
	char *what, *seen;	/* "waiting for …"; what the last look found; "" = not said */
	int64_t look, of;	/* the look before it, of how many at most; 0 = not said */
	int64_t since_us;	/* the first wait of the row began then */
};

struct model_call {
	int64_t seq;		/* of its call.begun */
	char *step, *path, *host, *action, *shown;	/* shown: the command as a person reads it */
	char *where, *before;	/* its folder and variables: in words (base/shown.h), and as shell text that goes before it */
	char *as;		/* user it runs as, or "" */
	int attempt;
	bool reads;		/* changes nothing, by its action's word */
	bool told;		/* a look whose output people want to see */
	enum call_state state;
	int exit_code;		/* -1 = none */
	bool not_run;		/* the action knows that nothing of it was begun */
	char *error, *progress;
	char *silent;		/* why its host does not answer, since silent_us; NULL = it does */
	int64_t silent_us;
	int64_t lost_us;		/* since when the connection itself is lost, 0 = it is there or was never */
	double percent;		/* -1 = unknown */
	int64_t begun_us, ended_us;
	int64_t out_bytes;	/* of all streams */
	bool by_hand;		/* a detour: a person wanted it, not the runbook */
	int rows, cols;		/* of the terminal of a shell when it began; 0 = it is no shell */
	struct model_wait *wait;	/* NULL = it is none */
};

struct model_choice { char *value, *label, *help; bool needs_why; };

struct model_ask {		/* one open question */
	int64_t seq;
	char *of;		/* step, parameter, failure, approval, manual, reason, doubt, change, hostkey, secret, journal, question */
	char *step, *host, *text, *details, *type, *expect, *name;
	char *default_value;	/* NULL = Enter alone means nothing */
	bool secret;		/* the answer must not be shown while typed, nor stored */
	bool needs_why;		/* some answers need a reason */
	struct model_choice *choices;
	size_t choice_count;
	int64_t at_us;
};

struct model_person { char *who, *role, *view; uid_t uid; int64_t since_us; int count; };	/* count of attached views */

/* What some refusals said; text is owned. */
struct model_cause { char *text; int64_t count; };
#define MODEL_CAUSES 8

/* A time in which the site refused; to 0 = it goes on. Causes in the order in which they were first seen; more than MODEL_CAUSES are counted in the last. */
struct model_refusal { int64_t from_us, to_us, count; struct model_cause *causes; size_t cause_count; };

/* What was seen by asking the site from outside: the second clock of its downtime. */
struct model_outside {
	int64_t seq;		/* of the call that wanted it; 0 = nobody asked in this session */
	int64_t since_us, ended_us;	/* ended 0 = it is asked now */
	int64_t slow_us, until_us, last_us;	/* until: when it ends whatever comes; last: when the last request that is counted was made */
	int64_t asked, answered, refused, odd, unseen, waited, longest_us;
	int64_t refuses_since_us, refused_us;	/* since 0 = it is not refused now; sum of what is over */
	int64_t waits_since_us;	/* no answer came for so long; 0 = they come */
	int64_t blind_us;	/* nobody asked, though somebody should have: no process was there */
	int64_t longest_at_us;
	struct model_refusal *refusals;	/* owned; oldest first, at most MODEL_REFUSALS */
	size_t refusal_count;
	char *asks, *unproven, *words, *ended;	/* owned, never NULL: what is asked; what that does not prove; the last refusal; why it ended */
};
#define MODEL_BLIND_US 20000000LL	/* the site is asked once a second, each ten when it is slow: such a gap means that nobody asked, or that who did died before it told */
#define MODEL_REFUSALS 64

struct model {
	int64_t session, last_seq, last_us;
	enum session_state state;
	char *runbook, *title, *about, *fleet, *who, *outcome, *closed_why;	/* never NULL; outcome and reason of session.closed */
	bool dry_run;
	int64_t opened_us, closed_us;
	int64_t process_pid;
	struct model_step *steps;
	size_t step_count;
	struct json *params;			/* object name → value (secrets as "[secret NAME]" or {"$secret": NAME}) */
	struct model_call *calls;		/* all of the session, in order of begin */
	size_t call_count;
	struct model_ask *asks;			/* open questions, oldest first */
	size_t ask_count;
	struct model_person *people;		/* attached now */
	size_t people_count;
	char *driver;				/* who drives, or NULL */
	struct json *way_back;			/* owned: of session.closed; NULL = none is open */
	int64_t people_us;			/* of all questions that were closed, also those about no step: how long each was open */
	int64_t down_since_us, down_total_us;	/* downtime clock; since 0 = up */
	char *down_step;			/* owned, NULL = none: whose step began it last */
	struct model_outside outside;		/* the other one: asked from outside */
	int64_t failures;			/* steps' attempts that failed */
	int64_t warnings;			/* steps that ended in warn, warnings, broken holds, journal gaps */
	int64_t notes;				/* notes and lessons */
	bool gap;				/* fed without its beginning, or of calls never begun: our own bug or a damaged feed */
};

/* Empty model. Caller owns; model_free. */
struct model *model_new(void);

/* Frees; NULL is fine. */
void model_free(struct model *model);

/* Folds one event in. Never fails: unknown kinds and malformed data change nothing but last_seq (and last_us).
 * Events at or before last_seq and events of another session are ignored. */
void model_apply(struct model *model, const struct event *ev);

/* Borrowed, NULL when there is none. Valid until the next model_apply. */
struct model_step *model_step_find(const struct model *model, const char *id);
struct model_call *model_call_find(const struct model *model, const char *step, int attempt, const char *path);
struct model_ask *model_ask_find(const struct model *model, int64_t seq);

/* Index of the step that is being worked on: the first ready, running or in doubt, else the first failed; -1 when none. */
long model_current(const struct model *model);

/* What was seen from outside, in sentences, beside what the steps say; appends nothing when nobody asked. now_us: wall clock, for what goes on. Untrusted text in it is cleaned. */
void model_outside_words(const struct model *model, int64_t now_us, struct buf *out);

/* How long the site was down until now_us: by the steps, or as it was met from outside, when that was longer. */
int64_t model_down_us(const struct model *model, int64_t now_us);

/* {"since_us","by" ("steps", "outside"),"waits" (it only answers late),"asked_us" (last time, of outside)}: the site is down as far as this session knows. NULL = it is up, or nothing says. Caller owns. */
struct json *model_down(const struct model *model);

/* Static words: "planned" "in doubt" …. */
const char *step_state_name(enum step_state state);
bool step_state_parse(const char *name, enum step_state *out);

/* True for ok, warn, skipped, deferred: nothing is left to do. */
bool step_state_is_over(enum step_state state);

/* True when a person's word left it out: skipped, or put off. Not when the runbook itself found it not needed. */
bool model_step_is_left_out(const struct model_step *step);

/* Appends how it stands, in words: "already done", "skipped by ann", else the state. */
void model_step_words(const struct model_step *step, struct buf *out);

/* How many steps people left out. */
size_t model_left_out(const struct model *model);

/* How many of these were put off: owed. */
size_t model_put_off(const struct model *model);

#define MODEL_LEFT_OUT_WORD 24
/* What stands in a list for a session that ended ok although people left steps out: "1 skipped", "2 put off", "3 left out" (some of each); NULL when they did not. */
const char *model_left_out_word(int64_t left_out, int64_t put_off, char out[MODEL_LEFT_OUT_WORD]);

/* What stands behind an outcome, so that "ok" never stands alone when people left steps out: ", 2 steps skipped by people, 1 put off". Appends nothing when they did not. */
void model_left_out_words(const struct model *model, struct buf *out);

#endif
