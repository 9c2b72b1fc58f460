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
	bool told;		/* of a step that is gone, in doubt: a person was asked */
	bool detour;		/* wanted by a person, not by the runbook: detour.c */
	bool patient;		/* looked up again by a person: no time limit now */
	int losses;		/* workers that died while they had it */
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
	void *sleeper;		/* owned: its argument */
	struct script_task *task;	/* who waits for it, or NULL; borrowed */
};

#define RECORD_TEXT ((size_t)1 << 20)

/* What the running task is for. */
enum task_part { PART_NONE, PART_WHEN, PART_LOOK, PART_FORESEE, PART_RUN, PART_VERIFY, PART_UNDO, PART_DOUBT };

/* A call that waits: for the session to go on after a pause, for a secret, or for agreement. */
struct waiting {
	struct waiting *next;
	char *path, *name, *host;	/* owned; path without the part's prefix */
	struct json *args;		/* owned */
	bool stray;			/* it waits for agreement: nobody foresaw it */
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

struct detour;

struct engine {
	struct loop *loop;
	struct fork_server *forks;
	struct store *store;
	struct book *book;
	struct server *server;
	struct worker *worker;
	struct lease *lease;
	struct model *model;
	struct pairing *pairing;	/* owned: people, pairing.h */
	struct script *script;
	struct json *fleet;		/* owned */
	struct json *vars;		/* owned: what steps gave */
	char *who;			/* owned: user that runs the process */
	const char *journal;		/* borrowed */
	int64_t session;
	bool dry_run, bound, closing, closed;
	struct json *closing_data;	/* owned: of session.closed, while the worker sweeps the hosts before it */
	int timer_sweep;
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

	bool needed;			/* the ready step's own question whether it is needed (when) is answered */
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

	struct meter *meter;		/* owned: of the running step, NULL = none */
	struct waiting *held;		/* calls held while paused or until a secret is known */
	struct transport_ask *transport_asks;
	struct known_secret *secrets;
	struct detour *detour;		/* owned by detour.c; NULL = there was none */
	bool settle_later;		/* the fleet file changed: no host is asked before people have agreed to it */
	size_t settling;		/* calls being settled after a resume */
	size_t foreseen, foreseeable;	/* dry run */
	int worker_losses;
	int64_t worker_lost_us;
	int timer_exit;
};

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
/* One more event of the batch; as engine_add, but stored with the others by batch_commit. At most 8. */
void batch_add(struct batch *batch, enum event_kind kind, const char *who, const char *step, int attempt, struct json *data);

/* Queues the batch as one transaction and empties it. */
void batch_commit(struct engine *engine, struct batch *batch);

#endif
