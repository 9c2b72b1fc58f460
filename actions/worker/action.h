/* action.h - what the world can be asked to do: one table per action, with all that anybody needs to know of it. What its code may ask of a call is in call.h. */
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

enum action_type {
	ARG_TEXT,
	ARG_INT,
	ARG_BOOL,
	ARG_DURATION,
	ARG_COMMAND,	/* a text, or a list of words */
	ARG_MAP,	/* text → text or secret */
	ARG_DATA,	/* a text or a secret */
	ARG_LIST,	/* of texts */
	ARG_TABLES,	/* a list of tables */
};

/* What an action works on. Each has lanes (threads with connections) of its own, by kind and name. */
enum action_target {
	TARGET_HERE,		/* the ops host itself: it has no name */
	TARGET_HOST,
	TARGET_DATABASE,
	TARGET_SERVICE,		/* something behind an address: an API, a site */
};

/* When the Lua call raises an error instead of giving its result. Always when it could not be done, was cancelled, or its outcome is unknown. */
enum action_raises {
	RAISES_FAILURE,		/* and at no other time */
	RAISES_STATUS,		/* also when its "code" is none of `codes` (0 alone when they are not given), but for check = false */
};

/* What bellbook itself takes an action for, on a target of its kind. */
enum action_use {
	USE_NONE,
	USE_LOOK,		/* a command that only looks */
	USE_COMMAND,		/* a command that may change something */
	USE_SHELL,		/* a shell for a person */
};

/* An action that only wishes: something that goes on beside the calls, until another call or the end of the walk ends it. */
enum action_watch {
	WATCH_NONE,
	WATCH_BEGINS,		/* `watcher` runs from here on, with its asks */
	WATCH_ENDS,
};

struct action_param {
	const char *name;
	enum action_type type;
	bool required;
	const char *unit;	/* "s", "bytes", "octal" … or NULL */
	const char *help;
	const char *more;	/* further sentences for the manual, or NULL; `x` is a word of code */
	int rank;		/* place in the Lua call behind the target, from 1; 0: in the table of named arguments */
	bool writes_here;	/* given, the call changes a file of the ops host, and is more than a look */
};

/* Actions that the manual tells of together. */
struct action_group {
	const char *title;
	const char *about;	/* paragraphs with an empty line between, behind the list of its actions; or NULL */
	bool alike;		/* they take nearly the same arguments, which are told once */
};

/* A member of the result as a runbook gets it. */
struct action_gives {
	const char *name;
	enum action_type type;
	const char *unit;	/* or NULL */
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
	const char *name;			/* module and function, with a dot between */
	const char *help;			/* one line */
	const char *about;			/* paragraphs for the manual, or NULL */
	const struct action_group *group;	/* NULL: it is told of under the name of its module */
	const struct action_param *params;	/* ended by name NULL */
	const struct action_gives *gives;	/* ended by name NULL */

	/* Rules that no single parameter can say: ERR_USAGE with words. NULL = none. */
	int (*check)(const struct action *action, const struct json *args, struct err *e);

	/* Appends what is done, in a line or as the shell text that it is: what people read and the journal keeps. No secret: their names. */
	void (*shown)(const struct action *action, const struct json *args, struct buf *out);

	/* Adds to entry what else a person must know who confirms it, so that with `shown` it is exactly what runs: see action_entry. NULL = nothing else. */
	void (*exact)(const struct json *args, struct json *entry);

	/* Does it, blocking only in call_wait(). 0: it ended and call_set_result() was called (also for a non-zero exit status); -1: it could not be done; ERR_TIMEOUT = outcome unknown. */
	int (*start)(struct call *call, struct err *e);

	/* After a crash or a lost worker: finds out what became of the call's job; for RUNNING and FINISHED it tells so with call_settled() and then goes on like start(). NULL for EFFECT_READ and EFFECT_ONCE. */
	int (*settle)(struct call *call, enum action_settled *how, struct err *e);

	/* Removes what the call left on the host, after its outcome is in the journal. NULL when nothing is left. Failure is reported, never fatal. */
	int (*forget)(struct call *call, struct err *e);

	const struct action *watcher;		/* of WATCH_BEGINS */
	enum action_effect effect;
	enum action_target target;
	enum action_raises raises;
	enum action_use use;
	enum action_watch watch;
	bool by_hand;		/* for people at a terminal, or for bellbook itself: no runbook can want it */
	bool forgets_many;	/* forget takes the jobs of several calls at once: call_job() gives their names with blanks between */
};

/* Adds one that is no part of bellbook, before anything is done with actions: tests have some of their own. Borrowed for ever. */
void action_add(const struct action *action);

/* Action by name, NULL when there is none. Static. */
const struct action *action_find(const char *name);

/* All actions, NULL-terminated. */
const struct action *const *action_list(void);

/* The action that bellbook takes for that, here (on the ops host) or on a host. Static; never NULL for a use that is one. */
const struct action *action_for(enum action_use use, bool here);

/* True when it has a target with a name, the first argument of the Lua call. */
bool action_is_aimed(const struct action *action);

/* The parameter at that place of the Lua call (from 1, behind the target); NULL when there is none. */
const struct action_param *action_param_at(const struct action *action, int rank);

/* What values of the parameter are, in words, when value is none; NULL when it is one. Static. */
const char *action_param_wants(const struct action_param *param, const struct json *value);

/* True when the call only looks: it changes nothing, neither there nor on the ops host. */
bool action_looks(const struct action *action, const struct json *args);

/* Appends the names of all that a runbook may look with, with ", " between. */
void action_looks_list(struct buf *out);

/* What the call does, as people read it: see `shown`. Caller owns. */
char *action_shown(const struct action *action, const struct json *args);

/*
 * What a person confirms, an object: action, shown, and what `exact` adds: as (the user), cwd, env (variables that can be shown), content (what it is
 * fed with, when it is short), also (a list of lines, each for itself: length and digest of what it is fed with, of longer variables, …). Caller owns.
 */
struct json *action_entry(const struct action *action, const struct json *args);

/* Checks args (an object) against the action's parameters: unknown names (with the nearest), missing ones, wrong types. ERR_USAGE with words. */
int action_check(const struct action *action, const struct json *args, struct err *e);

/* The command of args["cmd"] as a person reads it and as sh runs it: a text as it is, a list shell-quoted. Appends; -1 when it is none. */
int action_command(const struct json *args, struct buf *out, struct err *e);

#endif
