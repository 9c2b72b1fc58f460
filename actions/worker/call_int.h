/* call_int.h - the inside of the worker process: what call.c, lane.c, outbox.c and worker_child.c share; private to them and to job code. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_WORKER_CALL_INT_H
#define ACTIONS_WORKER_CALL_INT_H

#include "actions/worker/action.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/secret.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a kind of target is worked on. */
struct target_limits {
	int lanes;		/* threads, and so connections, to one target */
	int64_t wait_us;	/* a call that has waited so long gets a further one */
	int64_t idle_us;	/* a connection that was not used for so long is closed; 0 = when others need the room */
};

/* The limits of that kind, which may be changed before there is a target of it. */
struct target_limits *targets_limits(enum action_target kind);

/* Answer of a person, waiting to be taken. */
struct answer {
	int64_t ask;
	char *value;	/* owned; wiped when freed */
	size_t len;
	struct answer *next;
};


struct child;
struct target;
struct keep_type;

/* Something that a lane keeps between calls; of each type once. */
struct kept {
	const struct keep_type *type;
	void *keep;	/* owned */
	struct kept *next;
};

/* A thread of a target, with the connection that it keeps. */
struct lane {
	struct target *target;
	pthread_t thread;
	int wake;	/* eventfd: the call in work was cancelled or got an answer */
	pthread_cond_t work;	/* something to do */
	bool waiting;	/* for work, and nobody has signalled it yet; under child->lock */
	struct call *call;	/* in work, NULL = idle; under child->lock */
	struct kept *kept;	/* the thread's own */
	int files;	/* descriptors that it may need */
	bool retiring;	/* it makes room for another: ends when it has nothing to do; under child->lock */
	bool closed;	/* the end: its connection is closed; under child->lock */
	int64_t idle_us;	/* boot clock: since when it waits; under child->lock */
	struct lane *next;
};

/* What a job left on a target and is to go. */
struct litter {
	const struct action *action;
	char *job;	/* owned */
	bool patient;	/* a host that cannot be reached is tried again */
	struct litter *next;
};

/* One of its kind and name: a host and a database of the same name have nothing in common. */
struct target {
	struct child *child;
	const struct target_limits *limits;
	char *host;		/* owned; its name */
	struct lane *lanes;	/* oldest first; the first that waits gets the next call, so that connections and shells stay warm */
	int lane_count, idle;
	struct call *first, *last;	/* waiting calls */
	int64_t waiting_since;	/* of the first; 0 = none */
	bool told_full;		/* that the first waits for a descriptor was said */
	struct litter *litter;
	int litter_count;
	int64_t litter_at;	/* when it is to go */
	int64_t litter_pause;	/* the host could not be reached: how long it is left alone; 0 = it could */
	struct target *next;
};

struct kept_config {
	struct json *json;	/* owned */
	struct kept_config *next;
};

struct kept_secret {
	struct secret *secret;	/* owned */
	struct kept_secret *next;
};

/* The process. All below lock is shared by its threads and guarded by it. */
struct child {
	int fd;			/* to the session; the main thread's */
	int wake;		/* eventfd: the outbox has something */
	pthread_mutex_t lock;
	pthread_cond_t room;	/* the outbox has room again */
	struct buf outbox;	/* frames */
	bool closing;		/* the session is gone: nothing is sent any more */
	int64_t sweep_until;	/* boot clock: so long the session waits until nothing is left to forget; 0 = it does not wait */
	struct lane *woken;	/* to be signalled once the lock is free: it would only wait for the lock otherwise */
	struct target *targets;
	struct kept_config *configs;	/* newest first; old ones stay, calls borrow them */
	struct kept_secret *secrets;	/* newest first; old ones stay, calls borrow them */
	int64_t asks, facts;
	int files, files_max;	/* descriptors that the lanes there are may need; that all lanes may */
};

struct call {
	uint64_t id;			/* 0: forgetting */
	const struct action *action;
	struct json *args;		/* owned; NULL when forgetting */
	char *host, *job;		/* owned */
	const char *peer;		/* borrowed: the host whose connection is being opened; NULL = its own */
	int64_t deadline_us;		/* boot clock; 0 = none */
	int64_t offsets[2];
	bool settle;
	int generation;			/* of the job: the claim that its start takes */
	const struct json *config;	/* borrowed until the process ends */
	struct child *child;
	struct lane *lane;		/* NULL until a lane takes it */
	int asker;			/* a question is for the program at the other end of this socket, and void when that is gone: the descriptor + 1; 0 = no such */
	bool canceled;			/* under child->lock */
	struct answer *answers;		/* under child->lock */
	struct buf typed;		/* by a person, for the call's terminal; under child->lock */
	int rows, cols;			/* the terminal's new size; 0 = as it was; under child->lock */
	bool listening;			/* what is typed ends waits; the lane's own */
	bool cancel_seen;
	int64_t grace_us;		/* boot clock; end of what call_cancel_seen gave */
	bool settled_told;
	bool not_run;			/* known: nothing of it was, see call_not_run … */
	bool may_run;			/* … and something of it may have been, so that a log-in which fails now does not say so */
	bool silent;			/* its host was told to be lost or silent; the lane's own */
	bool told;			/* under child->lock: nothing more is said of it, the lane is about to be free */
	char seen[200];			/* words for call_settled */
	struct json *facts;		/* owned; a list */
	int64_t kept;			/* number of the fact that was answered last; under child->lock */
	char *kept_why;			/* owned: why that is not kept, NULL = it is; under child->lock */
	struct json *result;		/* owned */
	struct call *next;
};

/* Frees a call with what it owns. */
void call_free(struct call *call);

/* The generation that the job's claim has, and a new one after it was voided (told to the session with "never"). */
int call_generation(const struct call *call);
void call_set_generation(struct call *call, int generation);

/* The host that a connection opened now leads to: the call's own, or the one behind which its service lies. Borrowed. */
const char *call_peer(const struct call *call);

/* Words that go with call_settled and with "never" and "unknown". */
void call_set_seen(struct call *call, const char *text);

/* It fails, and nothing of it was begun on the host: a fact for people and the journal, beside the words of the error. -1. */
int call_not_run(struct call *call);

/* Puts a frame into the outbox; blocks while it is full. From any thread but the main one. head and tail are sent one after the other; either may be NULL with length 0. */
void outbox_put(struct child *child, uint32_t type, uint64_t id, const struct buf *head, const void *tail, size_t len);

/* As outbox_put with a JSON object; takes it. */
void outbox_json(struct child *child, uint32_t type, uint64_t id, struct json *json);

/* How many descriptors lanes may have. Before the first target. */
void targets_limit(struct child *child);

/* Hands a call to its target; takes it. Lock held. */
void target_add(struct child *child, struct call *call);

/* Notes what is to go; copied. patient: a host that cannot be reached is tried again. Lock held. */
void target_litter(struct child *child, const char *host, const struct action *action, const char *job, bool patient);

/* An idle lane is asked to make room. False when all are at work. Lock held. */
bool targets_make_room(struct child *child);

/* Opens lanes for what has waited too long and wakes those for litter. Returns the microseconds until it wants to be called again, -1 = not before something happens. Lock held. */
int64_t targets_tick(struct child *child);

/* What is to be forgotten goes now, for some seconds also from hosts that could not be reached before. Lock held. */
void targets_sweep(struct child *child);

/* The hosts on which something is left, with ", " between; "here" is this computer. Lock held. */
void targets_left(const struct child *child, struct buf *out);

/* True when nothing is left to forget and nobody is at it, or when the time for it is over. Lock held. */
bool targets_swept(const struct child *child);

/* The running or waiting call with that id, NULL. Lock held. */
struct call *targets_find(struct child *child, uint64_t id);

/* Takes a waiting call out of its queue: true when it waited. Lock held. */
bool target_withdraw(struct child *child, struct call *call);

/* Nothing is left to clean up on any target and no lane is at it. Lock held. */
bool targets_clean(const struct child *child);

#endif
