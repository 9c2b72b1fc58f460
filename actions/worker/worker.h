/* worker.h - the process that touches the world, as the session sees it: calls go in; output, questions and outcomes come back through the loop. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_WORKER_WORKER_H
#define ACTIONS_WORKER_WORKER_H

#include "actions/worker/action.h"
#include "base/err.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/proc.h"
#include "base/secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct worker;

/* Called from the loop; all pointers are borrowed during the call. call = the number given to worker_start. */
struct worker_events {
	void (*output)(void *arg, uint64_t call, const char *stream, const void *bytes, size_t len);
	void (*progress)(void *arg, uint64_t call, const struct json *progress);
	void (*link)(void *arg, uint64_t call, const char *state, const char *text);
	/* how: "never" "running" "finished" "unknown" "again"; after never and unknown the call is over (no ended follows). text says what was seen. */
	void (*settled)(void *arg, uint64_t call, const char *how, const char *text);
	/* A question of the transport; answer with worker_answer(call, ask, …). of: "hostkey" (value trust|refuse) or "secret". */
	void (*ask)(void *arg, uint64_t call, int64_t ask, const char *of, const char *text, const char *details);
	/* outcome: "ok" (it ended; result has exit …), "failed" (could not be done, error says why; not_run: nothing of it was begun), "canceled", "unknown" (in doubt). result may be NULL. */
	void (*ended)(void *arg, uint64_t call, const char *outcome, const char *error, bool not_run, const struct json *result);
	/* What worker_sweep asked for is done, or was tried in vain. left: the hosts on which something stays, with ", " between, "" = none; "here" is this computer. */
	void (*swept)(void *arg, const char *left);
	/* A fact of a call (call_fact), which waits: worker_kept once it is on disk. NULL: nobody keeps facts here, and the call hears so. */
	void (*fact)(void *arg, uint64_t call, int64_t number, const struct json *fact);
	/* The worker process died; every call that has not ended is to be settled on a new worker (worker_restart). */
	void (*lost)(void *arg, pid_t pid);
};

/* Main of the worker process, for fork_server_start(). */
int worker_main(int fd);

/* Asks the fork server for a worker and watches it in the loop. Caller owns. */
struct worker *worker_new(struct loop *loop, struct fork_server *server, const struct worker_events *events, void *arg, struct err *e);

/* Ends the worker process (its jobs on hosts go on) and frees. NULL is fine. */
void worker_free(struct worker *worker);

/* A new process in place of a lost one; configuration and secrets are told to it again. */
int worker_restart(struct worker *worker, struct err *e);

/* pid of the process, 0 when lost. */
pid_t worker_pid(const struct worker *worker);

struct worker_call {
	const char *action;		/* its name */
	const struct json *args;	/* borrowed during worker_start */
	const char *host;		/* the target's name, of the action's kind: its lanes and connections; "" = here */
	const char *job;		/* unique name of the call on the host */
	int64_t timeout_us;		/* 0 = none */
	bool settle;			/* it had begun before: settle it instead of starting it */
	int64_t out_offset, err_offset;	/* with settle: bytes that are in the journal */
	const struct json *facts;	/* borrowed during worker_start: a list of those in the journal, NULL = none */
};

/* Hands over a call. Never blocks. */
void worker_start(struct worker *worker, uint64_t call, const struct worker_call *what);

/* Cancels a call (TERM, grace, KILL on the host); ended follows. Holds also for the worker that is given the call after this one is lost. */
void worker_cancel(struct worker *worker, uint64_t call);

/* Answers a question. The value is wiped from the frame after sending. */
void worker_answer(struct worker *worker, uint64_t call, int64_t ask, const char *value, size_t len);

/* The fact with that number is on disk; or will not be, and why (words). */
void worker_kept(struct worker *worker, uint64_t call, int64_t number, const char *why);

/* Bytes that a person typed into the terminal of a call. Wiped from the frame after sending. */
void worker_type(struct worker *worker, uint64_t call, const void *bytes, size_t len);

/* The terminal of a call has another size. */
void worker_resize(struct worker *worker, uint64_t call, int rows, int cols);

/* The outcome of a call is in the journal: what it left on the host goes. patient: a host that cannot be reached is tried again later; else it is asked once. */
void worker_forget(struct worker *worker, const char *action, const char *host, const char *job, bool patient);

/* What is to be forgotten goes now, not when the hosts are idle; swept follows, after 10 s for a host that does not answer. Lost with the worker. */
void worker_sweep(struct worker *worker);

/* Tells a secret to the worker (kept for restarts). The worker handle copies it. */
void worker_secret(struct worker *worker, const struct secret *secret);

/* Fleet settings, an object: "ssh_config" path or absent, "hosts" {name → {…}}. Takes config. */
void worker_config(struct worker *worker, struct json *config);

/* Back-pressure: while paused nothing is read from the worker, so that hosts wait. */
void worker_pause(struct worker *worker, bool paused);

#endif
