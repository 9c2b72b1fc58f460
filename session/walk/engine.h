/* engine.h - private to session/: the state of a running session and how its files call each other. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WALK_ENGINE_H
#define SESSION_WALK_ENGINE_H

#include "actions/worker/worker.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/mem.h"
#include "journal/store/keep.h"
#include "journal/model/model.h"
#include "journal/store/store.h"
#include "session/walk/book.h"
#include "session/call/excerpt.h"
#include "session/call/facts.h"
#include "session/lua/script.h"
#include "session/people/server.h"
#include "session/walk/rounds.h"

#include <stdbool.h>
#include <stdint.h>

enum record_state {
	RECORD_PLANNED,		/* call.begun is queued, not stored */
	RECORD_BEGUN,		/* stored; perhaps on the host: must be settled or ended */
	RECORD_NEVER,		/* settled: never started; may be started under the same name */
	RECORD_ENDED,		/* has its outcome */
	RECORD_UNKNOWN,		/* in doubt */
};

/* What is asked, and what a person said, of a call in doubt. */
enum doubt_ask { DOUBT_ASK_WHAT, DOUBT_ASK_EXIT, DOUBT_ASK_OUT };
enum doubt_said { DOUBT_SILENT, DOUBT_LOOK, DOUBT_RAN, DOUBT_RERUN, DOUBT_NEVER, DOUBT_CUT };

/* One call of this session, from its call.begun to its outcome: the memory that durable replay answers from. */
struct record {
	uint64_t number;	/* of the call at the worker; never reused in this process */
	char *step, *path, *action, *host, *job;	/* owned */
	int attempt;
	enum record_state state;
	bool at_worker;		/* the worker has it now */
	bool ending;		/* call.ended is queued */
	bool settling;		/* counted in engine->settling */
	bool detour;		/* wanted by a person, not by the runbook: detour.c */
	bool patient;		/* looked up again by a person: no time limit now */
	int losses;		/* workers that died while they had it */
	struct json *args;	/* owned */
	char *outcome, *error;	/* owned; outcome of call.ended */
	struct json *result;	/* owned */
	struct facts facts;	/* what its action made durable */
	struct excerpt out, err;	/* redacted text for Lua */
	bool dropped;		/* bytes of it are not even in the journal */
	int64_t seq;		/* of call.begun */
	int64_t since_us;	/* boot clock: when it began, also of an earlier process */
	int64_t out_to, err_to;	/* raw offsets stored */
	int64_t asked;		/* seq of its open question (name "ask"), 0 = none */
	/* In doubt: doubt.c. */
	int64_t doubted;	/* seq of the open question about it, 0 = none */
	enum doubt_ask doubted_of;	/* what it asks */
	enum doubt_said said;
	char *said_who, *said_why;	/* owned */
	int said_exit;		/* -1 = not said yet */
	bool looked;		/* the host was asked once more after that, and does not know */
	char *known;		/* owned: what the host said of it last */
	int reruns;		/* how often it was begun anew on a person's word */
	char *first_job;	/* owned: name of the job before that; the later ones are FIRST.again1 … */
	int timer;		/* of a sleep */
	void *sleeper;		/* owned: its argument */
	struct script_task *task;	/* who waits for it, or NULL; borrowed */
};

/* What the running task is for. */
enum task_part { PART_NONE, PART_WHEN, PART_LOOK, PART_FORESEE, PART_COMMANDS, PART_RUN, PART_VERIFY, PART_UNDO, PART_DOUBT };

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
	char *answer;		/* owned, wiped: goes to the worker when answered is stored */
	char *over;		/* owned: why nobody waits for it any more, while asked is queued */
};

struct known_secret {
	struct known_secret *next;
	char *name;		/* owned */
	bool asked;		/* a question or a command for it is under way */
	bool word;		/* its value is also an ordinary word: secret_words.h */
	bool told;		/* the journal says how far it is masked */
	bool stale;		/* read when the session began: its file is read again at the first use */
	char *problem;		/* owned: why the environment has none, NULL = nothing known */
	struct secret *secret;	/* owned; NULL until known */
};

struct detour;
struct outside;
struct stuck;

struct engine {
	struct loop *loop;
	void (*turn)(void *engine);	/* does what comes next: session.c */
	struct fork_server *forks;
	struct store *store;
	struct book *book;
	struct server *server;
	struct worker *worker;
	struct keep *keep;
	struct model *model;
	struct pairing *pairing;	/* owned: people, pairing.h */
	struct script *script;
	struct json *fleet;		/* owned */
	char *places_kept;		/* owned; what is to be said of folders of jobs that the fleet file names otherwise now, or NULL */
	struct json *vars;		/* owned: what steps gave */
	char *who;			/* owned: user that runs the process */
	const char *journal;		/* borrowed */
	int64_t session;
	bool dry_run, bound, closing, closed;
	struct json *closing_data;	/* owned: of session.closed, while the worker sweeps the hosts before it */
	int timer_sweep;
	bool abort_asked, going_back;	/* going_back: who asked for the end wants the way back */
	bool stopped_safely;		/* it was asked for by an answer that the runbook calls a stop: no failure */
	char *abort_why, *abort_who;	/* owned */

	struct record **records;	/* owned, in order of begin */
	size_t record_count;
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
	bool already;			/* its own check said before it was asked about that it is done */
	char *look_details;		/* owned */
	char *look_by_hand;		/* owned: the commands of a manual step that are computed */
	struct json *look_commands;	/* owned */
	struct buf look_raised;		/* owned: branches whose look met a read behind a change, each between newlines */
	char *look_if;			/* owned: what was taken for granted last, NULL = nothing */
	struct json *look_places;	/* owned: where each stands in the runbook, as text that sorts so */
	bool probed;			/* the check of the step in doubt is done */
	bool check_wanted;		/* a person wants it run again */
	char *probe_text;		/* owned: what it said */
	struct rounds rounds;		/* of steps_advance */
	bool advance_planned, warned, undoing;
	int64_t answered_seq;		/* the latest question an answer was accepted for */
	int64_t step_mono_us;		/* when the present attempt began, boot clock; 0 = before this process */
	int64_t step_waited_us;		/* time people took in the present attempt */
	int64_t wait_since_us;

	struct outside *outside;	/* owned by outside.c; NULL = the site was never asked from outside */
	bool swept;			/* the hosts are, at the end */
	struct meter *meter;		/* owned: of the running step, NULL = none */
	struct waiting *held;		/* calls held while paused or until a secret is known */
	struct transport_ask *transport_asks;
	struct known_secret *secrets;
	bool secrets_told;		/* the journal is ready to be told of them */
	struct detour *detour;		/* owned by detour.c; NULL = there was none */
	bool other_boot;		/* what is being read from the journal is of an earlier boot, or another machine */
	bool settle_later;		/* the fleet file changed: no host is asked before people have agreed to it */
	size_t settling;		/* calls being settled after a resume */
	size_t foreseen, foreseeable;	/* dry run */
	int worker_losses;
	int64_t worker_lost_us;
	int timer_exit;
	int timer_keep;
	bool taken;			/* another process carries the session: this one tells its views and ends */
	bool awaited;			/* whoever began it has not come yet: it could be over before anybody sees anything of it */
	int64_t presence_us;		/* when all were told who is here */
	int timer_presence;
	bool in_script, woken;		/* script_run is at work; somebody woke the engine meanwhile */
	int wants, instants;		/* calls of the running task, and those of them that no host has a part in: foresee.c */
	int64_t look_cpu_us;		/* processor time when it began */
	int64_t look_bytes;		/* output of hosts since then */
	int timer_look;
	bool no_worker;			/* none can be started now; it is tried again */
	struct stuck *stuck;		/* owned by stuck.c: functions that took an earlier process with them */
	pid_t *stopped;			/* owned: processes that people were told are stopped */
	size_t stopped_count;
};

/* Plans engine->turn before the loop polls again. */
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
