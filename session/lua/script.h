/* script.h - a runbook in Lua: its skeleton as data, and its step functions as tasks whose calls are handed out. No Lua type is seen outside lua_*.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_LUA_SCRIPT_H
#define SESSION_LUA_SCRIPT_H

#include "base/err.h"
#include "base/json.h"
#include "journal/model/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct script;		/* a sandboxed Lua state holding one loaded runbook */

struct script_param {	/* owned by the script */
	char *name, *ask, *help, *type;		/* type: text integer number boolean duration choice host secret */
	struct json *fallback;			/* default or NULL */
	struct json *choices;			/* list of texts or NULL */
	double min, max;			/* NAN = none */
	char *pattern;				/* Lua pattern the whole text must match, or NULL */
	bool optional;				/* may stay unset */
	bool later;				/* and is asked for in the walk then */
};

enum script_fn { FN_RUN, FN_DONE, FN_UNDO, FN_METER, FN_WHEN, FN_COMMANDS /* of a manual step: what a person is to run, computed */, FN_COUNT };

struct script_step {	/* owned by the script */
	char *id, *title, *why, *phase, *back, *because, *about, *takes, *downtime, *refuses, *meanwhile;
	char *question;				/* manual: what to answer */
	char *target;				/* irreversible: what must be typed */
	char *command, *done_when;		/* in words: "on app as x: ls"; NULL = none */
	struct json *only;			/* parameter → text: it belongs to walks in which each has that value; NULL = to all */
	char *otherwise;			/* why other walks leave it out, or NULL */
	enum step_kind kind;
	bool has[FN_COUNT];
	int64_t timeout_us;			/* of each call in it; 0 = none */
	int64_t stall_us;			/* without progress of the meter for so long people are told; 0 = not said */
	char **needs, **uses, **gives, **was;	/* NULL-terminated lists, never NULL; uses: what it reads and can do without */
	char digest[65];			/* over its data and the bytecode of its functions */
	int line;
};

struct script_book {	/* the skeleton; owned by the script */
	char *id, *title, *about, *window, *path;
	char *back_runbook, *back_open;		/* way_back: id of the runbook that undoes this one, until when that is open; NULL = none is named, not said */
	char **back_with;			/* NULL-terminated; parameters and variables of this one that it gets by the same name. NULL = none is named */
	char digest[65];			/* over the runbook file and every library file it required */
	struct script_param *params;
	size_t param_count;
	struct script_step *steps;
	size_t step_count;
	struct json *roles;			/* role → "1", "1+", "0+" … or NULL */
};

/* Loads and checks a runbook file; libraries come from the folder lib/ beside it. One clear message "file:line: what (did you mean …?)" on failure, ERR_USAGE. Bounded in memory and instructions. Caller owns. */
struct script *script_load(const char *path, struct err *e);

/* Frees, with all tasks. NULL is fine. */
void script_free(struct script *script);

/*
 * Looks at the calls in its files without running them: an action, an argument or a field of a
 * table that there is not, a type that it cannot be, one that is missing. -1, ERR_USAGE with
 * "file:line: what" of the first. Only what stands there literally is looked at.
 */
int script_check_calls(const struct script *script, struct err *e);

/* Appends definitions for lua-language-server of all that a runbook may write. */
void script_types(struct buf *out);

/* Borrowed skeleton. */
const struct script_book *script_book(const struct script *script);

/* Gives the fleet (what fleet_load made; copied) and the parameters (object; copied) to the functions: s.fleet, s.params. Roles of the runbook are checked against the fleet: ERR_USAGE with words. */
int script_bind(struct script *script, const struct json *fleet, const struct json *params, struct err *e);

/* Name of the first file of those it was loaded from (libraries too) that is another now, or gone; NULL = they are as they were. Reads them. Borrowed. */
const char *script_changed(const struct script *script);

/* The field of a step that holds the function: "run", "done" and so on. Static. */
const char *script_fn_name(enum script_fn fn);

/* True when some step of the runbook gives the variable. */
bool script_gives(const struct script *script, const char *name);

/* True when a step belongs to a walk with these parameters: all that it asks for (only) have that value. */
bool script_step_applies(const struct script_step *step, const struct json *params);

/* Index of a step by id or one of its former ids, -1 when there is none. */
long script_step_find(const struct script *script, const char *id);

struct script_task;	/* one step function being run, its each() branches included */

struct script_handlers {
	/* The function wants something: name is an action or one of "ask" "note" "warn" "lesson" "sleep" "now" "random". path is its place in the step ("3", "2/app1/1"). host "" = none.
	 * args is borrowed. Answer with script_answer, at once or later. */
	void (*call)(void *arg, struct script_task *task, const char *path, const char *name, const char *host, const struct json *args);
	/* It ended; called once, never inside script_task_start. error NULL = fine. result: what it returned (true/false/text/number/table) or NULL; gives: the variables it set (object). The task is freed behind this. */
	void (*ended)(void *arg, struct script_task *task, const char *error, const struct json *result, const struct json *gives);
};

/* Makes a task for a step's function with the variables of earlier steps (object; copied); it runs when script_run is called. Caller borrows; it goes with ended() or script_task_drop. */
struct script_task *script_task_start(struct script *script, size_t step, enum script_fn fn, const struct json *vars, const struct script_handlers *handlers, void *arg);

/* The task does not run: it ends with that error when script_run is called next. Only for one that was just started. */
void script_task_fail(struct script_task *task, const char *error);

/* Of a task that looks ahead: is the call at path behind a change that was only noted? What each() runs side by side does not stand behind one another. */
bool script_ahead_changed(const struct script_task *task, const char *path);

/* The change at path was noted; what comes behind it in the runbook's order is behind a change from now on. Text that sorts as the runbook was written; caller owns. */
char *script_ahead_note(struct script_task *task, const char *path);

/* Answers the call at path: ok with a value (copied; NULL = nil), or an error text which is raised in Lua at the call. kind: err_kind_name of the error ("remote", "canceled", "timeout" …) or NULL. */
void script_answer(struct script_task *task, const char *path, bool ok, const struct json *value, const char *kind, const char *error);

/* Runs every task that can go on, until all wait or have ended, or a fraction of a second has passed: true = call it again soon. Handlers are called from here. Call from the loop; not re-entrant. */
bool script_run(struct script *script);

/* Ends a task without calling ended(). */
void script_task_drop(struct script_task *task);

/* Checks a value for a parameter and converts it (texts from the command line too): caller owns the result; NULL with ERR_USAGE in words. */
struct json *script_param_check(struct script *script, const struct script_param *param, const struct json *value, struct err *e);

/* Reads a fleet file in an empty environment and checks its shape: an object name, ssh_config?, hosts {name → options}, roles {role → [host…]}, mastodon{}, policy{}, secrets by reference as
 * {"$secret": NAME} with "secrets" {NAME → {env|file|command|ask: text}} beside. "path" and "digest" are added. Caller owns; NULL with "file:line: what". */
struct json *fleet_load(const char *path, struct err *e);

#endif
