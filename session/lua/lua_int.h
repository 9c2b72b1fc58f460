/* lua_int.h - private to session/lua_*.c: the Lua state behind a script, its tasks and branches. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_LUA_LUA_INT_H
#define SESSION_LUA_LUA_INT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "session/lua/script.h"

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#define SCRIPT_MEMORY ((size_t)64 << 20)
#define SCRIPT_TEXT_MAX 65536
#define SCRIPT_STEPS_MAX 1000
#define SCRIPT_SLICE 20000	/* instructions between two looks at the budget */
#define SCRIPT_LOAD_BUDGET 1000	/* slices while loading: 20 M instructions */
#define SCRIPT_RUN_BUDGET 5000	/* slices between two calls: 100 M instructions */
#define SCRIPT_VALUES_SLICE 500	/* values copied out of Lua that count as a slice */
#define SCRIPT_BYTES_SLICE (128 << 10)	/* bytes of them that do */
#define SCRIPT_EACH_MAX 10000	/* entries of one each() */
#define SCRIPT_EACH_DEPTH 6	/* each() inside each() */
#define SCRIPT_KEY_MAX 255	/* bytes of an entry's name */
#define SCRIPT_TURN 64		/* resumed branches before script_run looks at the time … */
#define SCRIPT_TURN_US 200000	/* … and lets the loop have its turn */

/* An answer to a call, or a request for one. */
struct answer {
	bool there, ok;
	struct json *value;	/* owned */
	char *kind, *error;	/* owned */
};

struct fanout;

/* One coroutine: the function of a task, or a branch of each(). */
struct branch {
	struct branch *next;
	struct script_task *task;
	lua_State *co;		/* anchored by the task's or the fanout's Lua table */
	struct fanout *fan;	/* whose branch it is, NULL for the function itself */
	size_t index;		/* in fan */
	char *prefix;		/* owned: of its paths, "" or "2/app1/" */
	char *order;		/* owned: the same as text that sorts as the runbook was written: each() by its list, whoever answered first */
	size_t charged;		/* bytes of ours that count as the script's memory */
	int depth;		/* of each() around it */
	int counter;
	bool runnable, over;
	bool changed;		/* a look ahead has met a change in it, in what came before it, or in a branch of it */
	int nargs;		/* values on the stack for the next resume */
	/* What it waits for. */
	char *path;		/* owned: path of the call, NULL = none */
	char *name, *host;	/* owned: of a call not yet handed out */
	struct json *args;	/* owned */
	struct answer answer;
	struct fanout *waits;	/* each() it waits for */
};

/* One each() under way. */
struct fanout {
	struct fanout *next;
	struct branch *parent;
	struct branch **branches;	/* borrowed, in the order of the list */
	char **keys;			/* owned */
	char **errors;			/* owned, NULL = fine */
	size_t count, started, ended, failed, at_once, stop_after;
	int results;			/* registry reference of the table key → value */
};

struct script_task {
	struct script_task *next;
	struct script *script;
	size_t step;
	enum script_fn fn;
	struct script_handlers handlers;
	void *arg;
	struct branch *branches;	/* owned; the function itself is the last */
	struct branch *root;
	struct fanout *fans;		/* owned */
	struct json *vars;		/* owned */
	int anchor;			/* registry reference: table of coroutines; [1] vars, [2] gives */
	bool dropped;
	char *error;			/* owned: how it ended */
	struct json *result, *gives;	/* owned */
	bool ended;
};

struct source {
	char *path, *shown;	/* owned */
	size_t from, len;	/* its bytes, in the sources */
};

struct script {
	lua_State *L;
	size_t used;
	int64_t budget;
	bool exhausted;		/* the budget is gone; set until the coroutine has been dropped */
	bool loading, running;
	struct script_book book;
	char *dir;		/* owned: folder of the runbook */
	char *phase;		/* owned: while loading */
	struct buf sources;	/* name and bytes of every file, for the digest, and to see whether one was changed since */
	struct source *source;	/* owned: the files */
	size_t source_count;
	int env, steps, loaded, fleet, params;	/* registry references */
	struct json *fleet_json;
	struct script_task *tasks;
	int line;		/* of the runbook{} call; 0 = not called */
};

/* ---- lua_json.c ---- */

/* Value at index as JSON; secrets become {"$secret": NAME}. NULL with ERR_USAGE for functions, cycles (depth 32) and such. Raises nothing but "not enough memory". */
struct json *lua_to_json(lua_State *L, int index, struct err *e);

/* Pushes value; objects {"$secret": NAME} become secrets; readonly tables refuse changes. May raise "not enough memory". */
void lua_push_json(lua_State *L, const struct json *value, bool readonly);

/* Pushes a secret by reference. */
void lua_push_secret(lua_State *L, const char *name);

/* What C holds while Lua may raise. */
struct lua_box {
	struct json *value;	/* owned */
	char *text;		/* owned */
};

/* Pushes an empty box, a userdata that frees what is put into it when it is collected: an error of Lua loses nothing. Borrowed from the stack. */
struct lua_box *lua_push_box(lua_State *L);

/* Frees what is in the box now. */
void lua_box_clear(struct lua_box *box);

/* Registers the metatables of secrets, read-only tables and boxes. */
void lua_json_open(lua_State *L);

/* json.decode, json.encode. */
int lua_json_library(lua_State *L);

/* ---- lua_env.c ---- */

/* Makes the sandbox: script->env. Runs protected. */
int lua_env_open(lua_State *L);

/* Pushes the environment table for a chunk. */
void lua_env_push(struct script *script, lua_State *L);

/* The script of a state. */
struct script *lua_script_of(lua_State *L);

/* The branch that runs on this coroutine, NULL while loading. */
struct branch *lua_branch_of(lua_State *L);

/* ---- lua_load.c ---- */

/* runbook, phase, observe …, require: adds them to the table on top. */
void lua_load_open(lua_State *L);

/* Loads a file as a function with the sandbox as environment on top of L; raises on errors. */
void lua_load_file(lua_State *L, struct script *script, const char *path, const char *shown);

/* Runs a chunk of Lua in a coroutine with a budget; 0 or -1 with the message. Needs the function on top of L; pops it. keep: leaves one result. */
int lua_run_chunk(struct script *script, bool keep, struct err *e);

/* ---- lua_calls.c ---- */

/* The modules of actions, each, sleep, … : adds them to the table on top. */
void lua_calls_open(lua_State *L);

/* Makes the branch wait for a call; continue with k. Raises when there is no task. */
int lua_call_out(lua_State *L, const char *name, const char *host, struct json *args, lua_KFunction k);

/* Raises {kind, text, …} from the branch's answer; the table on top (or nothing) is extended. */
int lua_raise_answer(lua_State *L, const char *kind, const char *text);

/* ---- lua_param.c ---- */

/* False with words when pattern is no pattern of Lua. */
bool script_pattern_is_fine(struct script *script, const char *pattern, struct err *e);

/* ---- lua_step.c ---- */

/* Pushes the object s of a task. */
void lua_step_push(lua_State *L, struct script_task *task);

/* Registers its metatable. */
void lua_step_open(lua_State *L);

/* ---- lua_task.c ---- */

/* each(list, fn, opts). */
int lua_each(lua_State *L);

/* Runs fn(L, arg) protected on the main state; 0, or -1 with the message. */
int lua_protected(struct script *script, lua_CFunction fn, void *arg, struct err *e);

/* Text of the error value on top of L (kept there). Caller owns. May raise. */
char *lua_error_words(lua_State *L);

#endif
