/* call.h - what an action's code may ask of the call that it carries out: straight-line C in a thread of the worker. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* long: all that there is for action code, in one place. */
#ifndef ACTIONS_WORKER_CALL_H
#define ACTIONS_WORKER_CALL_H

#include "actions/worker/action.h"

/* The call's arguments (borrowed), target host name ("" for here), and job name (unique for ever; characters [A-Za-z0-9._-]). */
const struct json *call_args(const struct call *call);
const char *call_host(const struct call *call);
const char *call_job(const struct call *call);

/* How many bytes of "out" and "err" are in the journal already: streaming goes on from there after a settle. */
void call_offsets(const struct call *call, int64_t *out, int64_t *err);

/* The words of call_wait when the deadline has passed. */
#define CALL_NO_END "no end in time; what became of it is not known"

/* Waits until events (poll(2)) are ready on fd, at most until the call's deadline. 0 ready, -1 ERR_TIMEOUT (outcome unknown) or ERR_CANCELED. extra_us ≥ 0 bounds this wait alone: 1 when that passed. fd -1 only waits. */
int call_wait(struct call *call, int fd, short events, int64_t extra_us, struct err *e);

/* True once a person or the session has cancelled the call. */
bool call_is_canceled(const struct call *call);

/* Lets an action that saw a cancel use call_wait again for at most grace_us, to stop the job on the host. */
void call_cancel_seen(struct call *call, int64_t grace_us);

/* Tells output of stream "out" "err" "pty" or "note" (note: words of bellbook's own). Blocks when the session is behind. */
void call_output(struct call *call, const char *stream, const void *bytes, size_t len);

/* Tells progress; members text, percent, done, total, unit. Takes progress. */
void call_progress(struct call *call, struct json *progress);

#define CALL_SILENT ((int64_t)10 * 1000000)	/* a host that has not answered for so long is told of */

/* Tells of the connection: "lost"; "silent", it is there and the host does not answer; "back" after one of these; "fallback", another transport is taken.
 * "silent" once until "back", and "back" only after one of them: others are left out. */
void call_link(struct call *call, const char *state, const char *text);

/* Tells how the call was settled; restart = true tells "again": output told so far is void (a read that is repeated). */
void call_settled(struct call *call, enum action_settled how);
void call_again(struct call *call);

/* Asks a person, blocking as call_wait does: of = "hostkey" | "secret"; text in words; details may be NULL. The answer is copied into *answer (caller wipes and frees). */
int call_ask(struct call *call, const char *of, const char *text, const char *details, char **answer, struct err *e);

/* What a person does at the terminal of a call. While listening, a wait also ends (0) when there is something to take. */
void call_listen(struct call *call, bool on);

/* True while listening when call_take_typed would give something. */
bool call_has_typed(const struct call *call);

/* Appends what was typed since the last time (the caller wipes it; NULL leaves it where it is, bounded). True when the terminal has a new size, in *rows and *cols. */
bool call_take_typed(struct call *call, struct buf *typed, int *rows, int *cols);

/*
 * Makes a fact durable in the middle of a call: it is in the journal when 0 comes, and call_facts has it from then on, also after any crash. Takes fact; no
 * secret belongs into it, and texts in it are masked like all that comes from outside. Blocks. -1: it may be there or not, so what was to follow must not be
 * done: ERR_IO when nobody is there any more who could keep it, ERR_CANCELED, ERR_TIMEOUT; ERR_USAGE when it cannot be kept (too large, or a call that is none
 * of the journal, such as a meter's).
 */
int call_fact(struct call *call, struct json *fact, struct err *e);

/* The facts of this call, oldest first: a list, borrowed until the next call_fact. Those from before a job that never started do not count. */
const struct json *call_facts(const struct call *call);

/* The result told with the end of the call; takes result. Members: exit int, signal text, and what the action gives. */
void call_set_result(struct call *call, struct json *result);

/* Text or secret behind an ARG_DATA / ARG_MAP value: a text, or {"$secret": NAME}. Borrowed; NULL with ERR_NOTFOUND when the secret is not known. */
const char *call_reveal(struct call *call, const struct json *value, size_t *len, struct err *e);

/* Settings of the fleet (object told by worker_config; borrowed): "ssh_config", "hosts" {name → options}. */
const struct json *call_config(const struct call *call);

/* What is kept by a lane is of one type, a static value of the module that keeps it: no other module gets it. */
struct keep_type {
	const char *name;
	void (*free)(void *keep);	/* runs in the lane's thread, at its end */
};

/* What this module keeps between the calls of a lane (its connection), NULL = nothing yet. Borrowed. */
void *call_keep(struct call *call, const struct keep_type *type);

/* Keeps it until the lane ends; takes keep. Only when call_keep gives nothing of that type. */
void call_set_keep(struct call *call, const struct keep_type *type, void *keep);

#endif
