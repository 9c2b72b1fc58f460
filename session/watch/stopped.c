/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/watch/stopped.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/proc.h"
#include "base/time.h"

/*
 * A stopped process answers nothing, and is not lost: neither end of a
 * connection notices. So the session looks: at its fork server and the
 * commands of secrets, at the worker, at what the worker runs (ssh, shells),
 * and at what ssh runs to ask for a password. Any of them may be killed
 * instead: that is a loss like others.
 */

#define LOOK_EVERY (2 * TIME_SECOND)
#define DEPTH 4		/* session, fork server, worker, its child, and that one's */
#define DEPTH_OURS 3	/* below it is askpass, and the runner of a job, with a session of its own: what that runs outlives us */
#define FOUND_MAX 1024

struct found {
	pid_t pids[FOUND_MAX];
	int depths[FOUND_MAX];	/* 1 = a child of the session's process */
	size_t count;
};

/* Stopped processes below this one, each before its children. */
static void find(struct found *found, pid_t parent, int depth)	/* depth: of its children */
{
	pid_t *children = mem_array(FOUND_MAX, sizeof(*children));
	size_t n = proc_children(parent, children, FOUND_MAX);

	for (size_t i = 0; i < n; i++) {
		if (proc_is_stopped(children[i]) && found->count < FOUND_MAX) {
			found->depths[found->count] = depth;
			found->pids[found->count++] = children[i];
		}
		if (depth < DEPTH)
			find(found, children[i], depth + 1);
	}
	mem_free(children);
}

/* A note to all by bellbook. Takes text. */
static void say(struct engine *engine, char *text)
{
	struct event ev = {.kind = EVENT_NOTE, .who = "bellbook", .bytes = text, .len = strlen(text)};

	book_add(engine->book, &ev, 1);
	mem_free(text);
}

static void say_stopped(struct engine *engine, pid_t pid)
{
	char name[32];

	proc_name(pid, name, sizeof(name));
	if (pid == worker_pid(engine->worker))
		say(engine, mem_printf("Bellbook's worker, process %ld, was stopped from outside (kill -STOP): no command goes on and no output comes until it is let go on "
				       "(kill -CONT %ld) or ended (kill -KILL %ld), which loses nothing.", (long)pid, (long)pid, (long)pid));
	else if (pid == fork_server_pid(engine->forks))
		say(engine, mem_printf("Bellbook's fork server, process %ld, was stopped from outside (kill -STOP): commands go on; a worker that is lost is replaced after some seconds. "
				       "Let it go on (kill -CONT %ld), or end it (kill -KILL %ld), which loses nothing.", (long)pid, (long)pid, (long)pid));
	else
		say(engine, mem_printf("Process %ld (%s), which works for this session, was stopped from outside (kill -STOP): what needs it waits, and what it was doing is not known. "
				       "Let it go on (kill -CONT %ld), or end it (kill -KILL %ld): that counts as a lost connection, or as a command that was killed.",
				       (long)pid, name, (long)pid, (long)pid));
}

static bool has(const pid_t *pids, size_t count, pid_t pid)
{
	for (size_t i = 0; i < count; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

static void tell(struct engine *engine, const struct found *found)
{
	for (size_t i = 0; i < found->count; i++)
		if (!has(engine->stopped, engine->stopped_count, found->pids[i]))
			say_stopped(engine, found->pids[i]);
	for (size_t i = 0; i < engine->stopped_count; i++)
		/* One that is gone is told by what it was for. */
		if (!has(found->pids, found->count, engine->stopped[i]) && kill(engine->stopped[i], 0) == 0)
			say(engine, mem_printf("Process %ld goes on.", (long)engine->stopped[i]));
	mem_free(engine->stopped);
	engine->stopped = NULL;
	engine->stopped_count = found->count;
	if (found->count) {
		engine->stopped = mem_array(found->count, sizeof(*engine->stopped));
		memcpy(engine->stopped, found->pids, found->count * sizeof(*engine->stopped));
	}
}

static void end_all(const struct engine *engine, const struct found *found)
{
	for (size_t i = 0; i < found->count; i++) {
		if (found->pids[i] == fork_server_pid(engine->forks) || (found->depths[i] > DEPTH_OURS && getsid(found->pids[i]) == found->pids[i]))
			continue;
		/* With what it started for itself: ssh its askpass. */
		if (found->depths[i] == DEPTH_OURS)
			kill(-found->pids[i], SIGKILL);
		kill(found->pids[i], SIGKILL);
	}
}

static void look(void *arg)
{
	struct engine *engine = arg;
	struct found *found;

	if (engine->closed)
		return;
	found = mem_alloc(sizeof(*found));
	find(found, getpid(), 1);
	tell(engine, found);
	if (engine->abort_asked || engine->closing)
		end_all(engine, found);
	mem_free(found);
	loop_after(engine->loop, LOOK_EVERY, look, engine);
}

void stopped_watch(struct engine *engine)
{
	loop_after(engine->loop, LOOK_EVERY, look, engine);
}

void stopped_end(struct engine *engine)
{
	struct found *found = mem_alloc(sizeof(*found));

	/* The kernel may leave some out of its list while others of them end. */
	for (int i = 0; i < 3; i++) {
		found->count = 0;
		find(found, getpid(), 1);
		end_all(engine, found);
	}
	mem_free(found);
	mem_free(engine->stopped);
	engine->stopped = NULL;
}
