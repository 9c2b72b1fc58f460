/* worker_double.h - a worker that starts nothing, for a session in a test's own process: what its calls come to, the test says. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_WORKER_DOUBLE_H
#define TESTS_WORKER_DOUBLE_H

#include <assert.h>
#include <string.h>

#include "actions/worker/worker.h"
#include "base/proc.h"
#include "base/mem.h"
#include "base/str.h"

/* A call that the session handed over. */
struct double_call {
	struct double_call *next;
	uint64_t number;
	char *action, *host, *job, *args;	/* owned; args as JSON */
	char *facts;				/* owned: those it was handed over with, as JSON */
	bool telling;				/* for the test: a fact of it was told */
	bool settle, canceled;
	bool begun, asking;			/* for the test */
	char *answer;				/* owned: what a person said to its question; NULL = nothing yet */
	int64_t out_offset;
};

struct worker {
	struct loop *loop;
	const struct worker_events *events;
	void *arg;
	struct double_call *calls;	/* owned: without an end, in the order in which they came */
	int deferred;
	bool sweeping;
	uint64_t kept;			/* call of the fact that was kept last */
};

/* What becomes of a call, said through worker->events. False: not yet, ask again when something happened. The test defines it. */
static bool double_answers(struct worker *worker, struct double_call *call);

/* The session has the outcome of that job in its journal. The test defines it. */
static void double_forgets(const char *job);

static inline void double_free(struct double_call *call)
{
	mem_free(call->action);
	mem_free(call->host);
	mem_free(call->job);
	mem_free(call->args);
	mem_free(call->facts);
	mem_free(call->answer);
	mem_free(call);
}

static void double_turn(void *arg)
{
	struct worker *worker = arg;
	struct double_call *rest = worker->calls, *next;
	struct double_call **at;

	worker->deferred = 0;
	worker->calls = NULL;
	for (; rest; rest = next) {
		next = rest->next;
		if (double_answers(worker, rest)) {
			double_free(rest);
			continue;
		}
		rest->next = NULL;
		for (at = &worker->calls; *at; at = &(*at)->next)
			;
		*at = rest;
	}
	if (worker->sweeping) {
		worker->sweeping = false;
		worker->events->swept(worker->arg, "");
	}
}

static inline void double_wake(struct worker *worker)
{
	if (!worker->deferred)
		loop_defer(worker->loop, double_turn, worker);
	worker->deferred = 1;
}

struct fork_server *fork_server_start(fork_child_fn *fn, struct err *e)
{
	static int server;

	(void)fn;
	(void)e;
	return (struct fork_server *)(void *)&server;
}

int fork_server_child(struct fork_server *server, pid_t *pid, struct err *e)
{
	(void)server;
	*pid = 0;
	return err_set(e, ERR_DENIED, "no processes here");
}

void fork_server_program(struct fork_server *server, const char *const *argv)
{
	(void)server;
	(void)argv;
}

pid_t fork_server_pid(const struct fork_server *server)
{
	(void)server;
	return 0;
}

void fork_server_stop(struct fork_server *server)
{
	(void)server;
}

struct worker *worker_new(struct loop *loop, struct fork_server *server, const struct worker_events *events, void *arg, struct err *e)
{
	struct worker *worker = mem_alloc(sizeof(*worker));

	(void)server;
	(void)e;
	*worker = (struct worker){.loop = loop, .events = events, .arg = arg};
	return worker;
}

void worker_free(struct worker *worker)
{
	while (worker && worker->calls) {
		struct double_call *call = worker->calls;

		worker->calls = call->next;
		double_free(call);
	}
	mem_free(worker);
}

int worker_restart(struct worker *worker, struct err *e)
{
	(void)worker;
	return err_set(e, ERR_DENIED, "no processes here");
}

pid_t worker_pid(const struct worker *worker)
{
	(void)worker;
	return 0;
}

void worker_start(struct worker *worker, uint64_t call, const struct worker_call *what)
{
	struct double_call *one = mem_alloc(sizeof(*one)), **at = &worker->calls;

	assert(what->action && what->host && what->job);
	*one = (struct double_call){.number = call, .action = mem_strdup(what->action), .host = mem_strdup(what->host), .job = mem_strdup(what->job),
				    .args = json_print(what->args), .facts = what->facts ? json_print(what->facts) : mem_strdup(""),
				    .settle = what->settle, .out_offset = what->out_offset};
	while (*at)
		at = &(*at)->next;
	*at = one;
	double_wake(worker);
}

static inline struct double_call *double_find(const struct worker *worker, uint64_t number)
{
	struct double_call *call = worker->calls;

	while (call && call->number != number)
		call = call->next;
	return call;
}

void worker_cancel(struct worker *worker, uint64_t call)
{
	struct double_call *one = double_find(worker, call);

	if (one)
		one->canceled = true;
	double_wake(worker);
}

void worker_answer(struct worker *worker, uint64_t call, int64_t ask, const char *value, size_t len)
{
	struct double_call *one = double_find(worker, call);

	(void)ask;
	assert(strlen(value) <= len);
	if (one)
		mem_set(&one->answer, value);
	double_wake(worker);
}

/* The call itself may be in its turn just now. */
void worker_kept(struct worker *worker, uint64_t call, int64_t number, const char *why)
{
	assert(number > 0 && !why);
	worker->kept = call;
	double_wake(worker);
}

void worker_type(struct worker *worker, uint64_t call, const void *bytes, size_t len)
{
	(void)worker;
	(void)call;
	(void)bytes;
	(void)len;
}

void worker_resize(struct worker *worker, uint64_t call, int rows, int cols)
{
	(void)worker;
	(void)call;
	assert(rows > 0 && cols > 0);
}

void worker_forget(struct worker *worker, const char *action, const char *host, const char *job, bool patient)
{
	(void)worker;
	(void)patient;
	assert(action && host && job);
	double_forgets(job);
}

void worker_sweep(struct worker *worker)
{
	worker->sweeping = true;
	double_wake(worker);
}

void worker_secret(struct worker *worker, const struct secret *secret)
{
	(void)worker;
	(void)secret;
}

void worker_config(struct worker *worker, struct json *config)
{
	(void)worker;
	json_free(config);
}

void worker_pause(struct worker *worker, bool paused)
{
	(void)worker;
	(void)paused;
}

#endif
