/* engine.h - private to session/: the state of a running session and how its files call each other. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_ENGINE_H
#define SESSION_ENGINE_H

#include "actions/worker.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/mem.h"
#include "journal/model.h"
#include "journal/place.h"
#include "journal/store.h"
#include "session/book.h"
#include "session/script.h"
#include "session/server.h"
#include "session/session.h"

#include <stdbool.h>
#include <stdint.h>

enum record_state {
	RECORD_PLANNED,		/* call.begun is queued, not stored */
	RECORD_BEGUN,		/* stored; perhaps on the host: must be settled or ended */
	RECORD_NEVER,		/* settled: never started; may be started under the same name */
	RECORD_ENDED,		/* has its outcome */
	RECORD_UNKNOWN,		/* in doubt */
};

/* One call of this session, from its call.begun to its outcome: the memory that durable replay answers from. */
struct record {
	uint64_t number;	/* of the call at the worker; never reused in this process */
	char *step, *path, *action, *host, *job;	/* owned */
	int attempt;
	enum record_state state;
	bool at_worker;		/* the worker has it now */
	bool ending;		/* call.ended is queued */
	bool settling;		/* counted in engine->settling */
	struct json *args;	/* owned */
	char *outcome, *error;	/* owned; outcome of call.ended */
	struct json *result;	/* owned */
	struct buf out, err;	/* redacted text for Lua, at most RECORD_TEXT each */
	bool out_cut;
	int64_t seq;		/* of call.begun */
	int64_t begun_us, mono_us;
	int64_t out_to, err_to;	/* raw offsets stored */
	int64_t asked;		/* seq of its open question (name "ask"), 0 = none */
	int timer;		/* of a sleep */
	struct script_task *task;	/* who waits for it, or NULL; borrowed */
};

#define RECORD_TEXT ((size_t)1 << 20)

/* What the running task is for. */
enum task_part { PART_NONE, PART_LOOK, PART_FORESEE, PART_RUN, PART_VERIFY, PART_UNDO, PART_DOUBT };

/* A call that waits: for the session to go on after a pause, or for a secret. */
struct waiting {
	struct waiting *next;
	char *path, *name, *host;	/* owned; path without the part's prefix */
	struct json *args;		/* owned */
};

/* A question of a worker's transport that became an asked event. */
struct transport_ask {
	struct transport_ask *next;
	uint64_t call;
	int64_t ask;		/* the worker's number */
	int64_t seq;		/* of asked, 0 until stored */
	char *of;		/* owned */
	char *key;		/* owned: what identifies asked while it is queued */
};

struct known_secret {
	struct known_secret *next;
	char *name;		/* owned */
	bool asked;		/* a question or a command for it is under way */
	struct secret *secret;	/* owned; NULL until known */
};

struct engine {
	struct loop *loop;
	struct fork_server *forks;
	struct store *store;
	struct book *book;
	struct server *server;
	struct worker *worker;
	struct lease *lease;
	struct model *model;
	struct script *script;
	struct json *fleet;		/* owned */
	struct json *vars;		/* owned: what steps gave */
	char *who;			/* owned: user that runs the process */
	const char *journal;		/* borrowed */
	int64_t session;
	bool dry_run, bound, closing, closed;
	bool abort_asked;
	char *abort_why, *abort_who;	/* owned */

	struct record **records;	/* owned, in order of begin */
	size_t record_count, record_cap;
	uint64_t next_number;

	struct script_task *task;	/* borrowed; NULL = none */
	enum task_part part;
	size_t task_step;
	char *prefix;			/* owned: of the paths of the present part */
	int task_attempt;
	struct json *gives;		/* owned: of FN_RUN, until the step has ended */
	char *run_result;		/* owned: text returned by run */

	bool looked;			/* the look before "go" is done for the ready step */
	char *look_details;		/* owned */
	struct json *look_commands;	/* owned */
	bool probed;			/* the probe of the step in doubt is done */
	char *probe_text;		/* owned */
	bool advance_planned, warned, undoing;
	int64_t answered_seq;		/* the latest question an answer was accepted for */
	int64_t step_mono_us;		/* when the present attempt began, boot clock; 0 = before this process */
	int64_t step_waited_us;		/* time people took in the present attempt */
	int64_t wait_since_us;

	struct waiting *held;		/* calls held while paused or until a secret is known */
	struct transport_ask *transport_asks;
	struct known_secret *secrets;
	size_t settling;		/* calls being settled after a resume */
	size_t foreseen, foreseeable;	/* dry run */
	int worker_losses;
	int64_t worker_lost_us;
	int timer_exit;
};

/* ---- session.c ---- */

/* Plans engine_advance before the loop polls again. */
void engine_wake(struct engine *engine);

/* Adds one event by bellbook (who NULL) or a person, at the step, with data (taken; NULL = {}). */
void engine_add(struct engine *engine, enum event_kind kind, const char *who, const char *step, int attempt, struct json *data);

/* Builds events that must be stored together: data texts live in the batch. */
struct batch {
	struct event events[8];
	char *texts[8];		/* owned */
	size_t n;
};
void batch_add(struct batch *batch, enum event_kind kind, const char *who, const char *step, int attempt, struct json *data);
void batch_commit(struct engine *engine, struct batch *batch);

/* ---- steps.c ---- */

/* Decides from the model what comes next and does it: enters, asks, runs, ends. Idempotent. */
void steps_advance(struct engine *engine);

/* Ends the present step. state as in step.ended; reason may be NULL. */
void steps_end(struct engine *engine, const char *state, const char *reason);

/* Model's entry of the step being worked on, or NULL. */
struct model_step *steps_current(struct engine *engine, size_t *index);

/* Adds the events that begin attempt n of a step to a batch (part: "run" or "undo"). */
void steps_begin(struct engine *engine, struct batch *batch, const struct model_step *step, const char *part);

/* Ends the session. */
void steps_close(struct engine *engine, const char *outcome, const char *reason);

/* Ends the running task, if any. */
void steps_drop_task(struct engine *engine);

/* ---- tasks.c ---- */

/* Starts a function of a step as a part; the paths of its calls get prefix. */
void tasks_start(struct engine *engine, size_t step, enum script_fn fn, enum task_part part, const char *prefix);

/* ---- calls.c ---- */

/* The function of the running task wants something (handler of script_task_start). */
void calls_wanted(void *arg, struct script_task *task, const char *path, const char *name, const char *host, const struct json *args);

/* Folds a stored event into the records and acts on it (starts the call, answers Lua …). live = false while the journal is read at resume. */
void calls_stored(struct engine *engine, const struct event *ev, bool live);

/* The callbacks of the worker. */
const struct worker_events *calls_worker_events(void);

/* Hands every call that has begun and not ended to the worker to be settled. */
void calls_settle(struct engine *engine);

/* Gives a begun call to the worker: to start it, or (settle) to find out what became of it. */
void calls_hand_over(struct engine *engine, struct record *record, bool settle);

/* Settles the calls in doubt of the present step once more. */
void calls_probe(struct engine *engine);

/* Calls that are begun and have no outcome. */
size_t calls_open(const struct engine *engine);

/* Cancels every call that runs. */
void calls_cancel_all(struct engine *engine, const char *why);

/* Goes on with calls that were held. */
void calls_release(struct engine *engine);

/* Forgets who waits for records (the task is gone). */
void calls_orphan(struct engine *engine);

/* True when a call of that attempt is in doubt. */
bool calls_in_doubt(const struct engine *engine, const char *step, int attempt);

/* ---- records.c ---- */

struct record *record_find(const struct engine *engine, const char *step, int attempt, const char *path);
struct record *record_by_number(const struct engine *engine, uint64_t number);
struct record *record_new(struct engine *engine, const char *step, int attempt, const char *path);
void records_free(struct engine *engine);

/* Appends redacted output that is stored to the record's text. */
void record_output(struct record *record, const struct event *ev, const struct json *data);

/* Value for Lua of an ended record. Caller owns. */
struct json *record_value(const struct record *record);

/* ---- asks.c ---- */

/* An asked event: data (taken) needs of, text, type. */
void asks_add(struct engine *engine, const char *step, int attempt, const char *call, const char *host, struct json *data);

/* Data of an asked event with the usual members. Caller owns. */
struct json *asks_data(const char *of, const char *text, const char *type);
void asks_choice(struct json *data, const char *value, const char *label, const char *help, bool why);

/* The questions of the step machine. */
void asks_step(struct engine *engine, const struct model_step *step);
void asks_failure(struct engine *engine, const struct model_step *step);
void asks_doubt(struct engine *engine, const struct model_step *step);
void asks_manual(struct engine *engine, const struct model_step *step);
void asks_param(struct engine *engine, const struct script_param *param, const char *problem);

/* True when a question of that kind (of) is open; of NULL = any. */
bool asks_open(const struct engine *engine, const char *of);

/* An answer intent of a view. */
void asks_answer(struct engine *engine, struct client *client, const struct json *intent);

/* Acts on stored asked, answered, withdrawn. */
void asks_stored(struct engine *engine, const struct event *ev);

/* Withdraws an open question. */
void asks_withdraw(struct engine *engine, int64_t seq, const char *reason);

/* ---- people.c ---- */

const struct server_hooks *people_hooks(void);
void people_presence(struct engine *engine);

/* ---- secrets.c ---- */

/* Every secret named in args known? If not, gets them (file, env, command, question) and returns false; calls_release comes when they are. */
bool secrets_ready(struct engine *engine, const struct json *args);

/* A value typed for a secret question. -1 with words when it cannot be one. */
int secrets_take(struct engine *engine, const char *name, const char *value, struct err *e);

void secrets_free(struct engine *engine);

/* ---- resume.c ---- */

/* Reads the session's events into model and records. */
int resume_load(struct engine *engine, struct err *e);

/* Compares the runbook with what the journal says it was; adds session.resumed and asks about each change. */
int resume_compare(struct engine *engine, const char *reason, struct err *e);

/* Data of session.opened / resumed. */
struct json *resume_opened_data(struct engine *engine, bool with_steps);

#endif
