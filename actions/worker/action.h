/* action.h - what the world can be asked to do: one table of functions per action, run inside the worker as straight-line C. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_WORKER_ACTION_H
#define ACTIONS_WORKER_ACTION_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum action_effect {
	EFFECT_READ,	/* changes nothing: may be run again freely */
	EFFECT_CHANGE,	/* changes something, and can be settled after a crash */
	EFFECT_ONCE,	/* changes something and cannot be looked up: in doubt after a crash */
};

enum action_type { ARG_TEXT, ARG_INT, ARG_BOOL, ARG_DURATION, ARG_COMMAND /* text, or list of words */, ARG_MAP /* text → text or secret */, ARG_DATA /* text or secret */, ARG_LIST, ARG_TABLES /* list of tables */ };

struct action_param {
	const char *name;
	enum action_type type;
	bool required;
	const char *unit;	/* "s", "bytes", "octal" … or NULL */
	const char *help;
};

struct call;	/* one running call inside the worker */

/* How a call that had begun before a crash was found. */
enum action_settled {
	SETTLED_NEVER,		/* it never started and now never will: may be started anew under the same name */
	SETTLED_RUNNING,	/* it runs; start() of the action goes on streaming it */
	SETTLED_FINISHED,	/* it ended while nobody watched; its result follows */
	SETTLED_UNKNOWN,	/* it started, and what became of it cannot be known */
};

struct action {
	const char *name;			/* "ssh.run" */
	enum action_effect effect;
	const char *help;			/* one line */
	const struct action_param *params;	/* ended by name NULL */

	/* Does it, blocking only in call_wait(). 0: it ended and call_set_result() was called (also for a non-zero exit status); -1: it could not be done; ERR_TIMEOUT = outcome unknown. */
	int (*start)(struct call *call, struct err *e);

	/* After a crash or a lost worker: finds out what became of the call's job; for RUNNING and FINISHED it tells so with call_settled() and then goes on like start(). NULL for EFFECT_READ and EFFECT_ONCE. */
	int (*settle)(struct call *call, enum action_settled *how, struct err *e);

	/* Removes what the call left on the host, after its outcome is in the journal. NULL when nothing is left. Failure is reported, never fatal. */
	int (*forget)(struct call *call, struct err *e);
	bool by_hand;		/* for people at a terminal: no runbook can want it */
	bool forgets_many;	/* forget takes the jobs of several calls at once: call_job() gives their names with blanks between */
};

/* Action by name, NULL when there is none. Static. */
const struct action *action_find(const char *name);

/* All actions, NULL-terminated. */
const struct action *const *action_list(void);

/* Checks args (an object) against the action's parameters: unknown names (with the nearest), missing ones, wrong types. ERR_USAGE with words. */
int action_check(const struct action *action, const struct json *args, struct err *e);

/* The command of args["cmd"] as a person reads it and as sh runs it: a text as it is, a list shell-quoted. Appends; -1 when it is none. */
int action_command(const struct json *args, struct buf *out, struct err *e);

/* ---- for action code, inside the worker ---- */

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

/* The result told with the end of the call; takes result. Members: exit int, signal text, and what the action gives. */
void call_set_result(struct call *call, struct json *result);

/* Text or secret behind an ARG_DATA / ARG_MAP value: a text, or {"$secret": NAME}. Borrowed; NULL with ERR_NOTFOUND when the secret is not known. */
const char *call_reveal(struct call *call, const struct json *value, size_t *len, struct err *e);

/* Settings of the fleet (object told by worker_config; borrowed): "ssh_config", "hosts" {name → options}. */
const struct json *call_config(const struct call *call);

/* A slot of the target's thread that lives as long as the worker: the connection is kept here between calls. The free function runs in the thread at the end. */
void *call_keep(struct call *call);
void call_set_keep(struct call *call, void *keep, void (*keep_free)(void *keep));

#endif
