/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/lua/lua_int.h"

#include <lauxlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "session/lua/lua_sources.h"
#include "session/lua/lua_watch.h"
#include "session/lua/lua_words.h"
#include "session/call/sizes.h"

/*
 * Tasks: a step's function is a coroutine, and so is each branch of each().
 * script_run() resumes what can go on; a coroutine that yields has put on its
 * branch what it wants: a call (handed out through the task's handler) or an
 * each() (whose branches are started in the order of the list). Handlers may
 * answer at once, later, or drop the task: nothing is freed while
 * script_run() works, only marked.
 */

/* ---- freeing ---- */

static void answer_clear(struct answer *answer)
{
	json_free(answer->value);
	mem_free(answer->kind);
	mem_free(answer->error);
	*answer = (struct answer){0};
}

static void request_clear(struct branch *branch)
{
	mem_free(branch->path);
	mem_free(branch->name);
	mem_free(branch->host);
	json_free(branch->args);
	branch->path = branch->name = branch->host = NULL;
	branch->args = NULL;
}

static void branch_free(struct branch *branch)
{
	struct branch *none = NULL;

	if (branch->co)
		memcpy(lua_getextraspace(branch->co), &none, sizeof(none));
	branch->task->script->used -= branch->charged;
	request_clear(branch);
	answer_clear(&branch->answer);
	mem_free(branch->prefix);
	mem_free(branch->order);
	mem_free(branch);
}

static void fanout_free(struct script *script, struct fanout *fan)
{
	for (size_t i = 0; i < fan->count; i++) {
		mem_free(fan->keys[i]);
		mem_free(fan->errors[i]);
	}
	mem_free(fan->keys);
	mem_free(fan->errors);
	mem_free(fan->branches);
	luaL_unref(script->L, LUA_REGISTRYINDEX, fan->results);
	mem_free(fan);
}

static void task_free(struct script_task *task)
{
	struct script *script = task->script;

	while (task->branches) {
		struct branch *branch = task->branches;

		task->branches = branch->next;
		branch_free(branch);
	}
	while (task->fans) {
		struct fanout *fan = task->fans;

		task->fans = fan->next;
		fanout_free(script, fan);
	}
	luaL_unref(script->L, LUA_REGISTRYINDEX, task->anchor);
	json_free(task->vars);
	json_free(task->result);
	json_free(task->gives);
	mem_free(task->error);
	mem_free(task);
}

static void sweep(struct script *script)
{
	struct script_task **at = &script->tasks;

	while (*at) {
		struct script_task *task = *at;

		if (!task->dropped) {
			at = &task->next;
			continue;
		}
		*at = task->next;
		task_free(task);
	}
}

void script_task_drop(struct script_task *task)
{
	struct script *script = task->script;

	task->dropped = true;
	if (!script->running)
		sweep(script);
}

/* ---- starting ---- */

static struct branch *branch_new(struct script_task *task, const char *prefix)
{
	struct branch *branch = mem_alloc(sizeof(*branch));

	branch->task = task;
	branch->prefix = mem_strdup(prefix);
	branch->order = mem_strdup("");
	branch->charged = sizeof(*branch) + strlen(prefix) + 1;
	task->script->used += branch->charged;
	branch->next = task->branches;
	task->branches = branch;
	return branch;
}

/* A coroutine for the branch, anchored in the table at index of L; its function and arguments are moved to it by the caller. */
static void branch_thread(lua_State *L, struct branch *branch, int anchor)
{
	branch->co = lua_newthread(L);
	memcpy(lua_getextraspace(branch->co), &branch, sizeof(branch));
	lua_rawseti(L, anchor, (lua_Integer)lua_rawlen(L, anchor) + 1);
}

static int start_protected(lua_State *L)
{
	struct script_task *task = lua_touserdata(L, 1);

	lua_newtable(L);
	lua_push_json(L, task->vars, false);
	if (!lua_istable(L, -1)) {
		lua_pop(L, 1);
		lua_newtable(L);
	}
	lua_rawseti(L, 2, 1);
	lua_newtable(L);
	lua_rawseti(L, 2, 2);
	branch_thread(L, task->root, 2);
	lua_rawgeti(L, LUA_REGISTRYINDEX, task->script->steps);
	lua_rawgeti(L, -1, (lua_Integer)task->step + 1);
	lua_getfield(L, -1, script_fn_name(task->fn));
	lua_step_push(L, task);
	lua_xmove(L, task->root->co, 2);
	task->root->nargs = 1;
	lua_pushvalue(L, 2);
	task->anchor = luaL_ref(L, LUA_REGISTRYINDEX);
	return 0;
}

struct script_task *script_task_start(struct script *script, size_t step, enum script_fn fn, const struct json *vars, const struct script_handlers *handlers, void *arg)
{
	struct script_task *task = mem_alloc(sizeof(*task)), **at = &script->tasks;
	struct err e = {0};

	task->script = script;
	task->step = step;
	task->fn = fn;
	task->handlers = *handlers;
	task->arg = arg;
	task->vars = vars ? json_copy_of(vars) : json_new_object();
	task->anchor = LUA_NOREF;
	task->root = branch_new(task, "");
	while (*at)
		at = &(*at)->next;
	*at = task;
	if (lua_protected(script, start_protected, task, &e) < 0) {
		task->error = mem_strdup(e.text);
		task->ended = true;
	} else {
		task->root->runnable = true;
	}
	return task;
}

void script_task_fail(struct script_task *task, const char *error)
{
	mem_set(&task->error, error);
	task->ended = true;
}

/* ---- each() ---- */

/* Its branches and itself, once all have ended: a loop around each() must not gather them. */
static void fanout_end(struct fanout *fan)
{
	struct script_task *task = fan->parent->task;
	struct branch **branch = &task->branches;
	struct fanout **at = &task->fans;

	while (*branch) {
		struct branch *one = *branch;

		if (one->fan == fan) {
			*branch = one->next;
			branch_free(one);
		} else {
			branch = &one->next;
		}
	}
	while (*at != fan)
		at = &(*at)->next;
	*at = fan->next;
	fanout_free(task->script, fan);
}

static int each_after(lua_State *L, int status, lua_KContext ctx)
{
	struct branch *branch = lua_branch_of(L);
	struct fanout *fan = branch->waits;
	struct buf text = {0};

	(void)status;
	(void)ctx;
	branch->waits = NULL;
	lua_rawgeti(L, LUA_REGISTRYINDEX, fan->results);
	if (!fan->failed) {
		fanout_end(fan);
		return 1;
	}
	lua_newtable(L);
	lua_newtable(L);
	for (size_t i = 0; i < fan->count; i++) {
		if (!fan->errors[i])
			continue;
		lua_pushstring(L, fan->errors[i]);
		lua_setfield(L, -2, fan->keys[i]);
	}
	lua_setfield(L, -2, "failed");
	lua_pushvalue(L, -2);
	lua_setfield(L, -2, "results");
	lua_each_words(&text, fan);
	lua_pushlstring(L, buf_text(&text), text.len);
	buf_done(&text);
	lua_insert(L, -2);
	fanout_end(fan);
	return lua_raise_answer(L, "remote", lua_tostring(L, -2));
}

static size_t each_option(lua_State *L, const char *key, size_t fallback)
{
	lua_Integer value = 0;

	if (!lua_istable(L, 3))
		return fallback;
	if (lua_getfield(L, 3, key) != LUA_TNIL)
		value = luaL_checkinteger(L, -1);
	else
		value = (lua_Integer)fallback;
	lua_pop(L, 1);
	if (value < 1)
		luaL_error(L, "each: %s must be at least 1", key);
	return (size_t)value;
}

static void escape_key(struct buf *out, const char *key)
{
	for (; *key; key++) {
		if (*key == '/')
			buf_puts(out, "%2F");
		else
			buf_putc(out, *key);
	}
}

/* One branch per value of the list; threads are made here, where Lua may raise. */
static void add_branches(lua_State *L, struct fanout *fan, const char *prefix)
{
	struct script_task *task = fan->parent->task;

	for (size_t i = 0; i < fan->count; i++) {
		struct buf path = {0};
		struct branch *branch;

		lua_rawgeti(L, 1, (lua_Integer)i + 1);
		buf_puts(&path, prefix);
		escape_key(&path, fan->keys[i]);
		buf_putc(&path, '/');
		branch = branch_new(task, buf_text(&path));
		buf_done(&path);
		branch->fan = fan;
		branch->index = i;
		branch->depth = fan->parent->depth + 1;
		branch->changed = fan->parent->changed;
		mem_free(branch->order);
		branch->order = mem_printf("%s%08d/%08zu/", fan->parent->order, fan->parent->counter, i);
		fan->branches[i] = branch;
		branch_thread(L, branch, 4);
		lua_pushvalue(L, 2);
		lua_insert(L, -2);
		lua_pushinteger(L, (lua_Integer)i + 1);
		lua_xmove(L, branch->co, 3);
		branch->nargs = 2;
	}
}

/* The list becomes a table of our own with nothing but texts and numbers in it: what is made of it after this cannot raise. */
static void copy_list(lua_State *L, lua_Integer count)
{
	lua_createtable(L, (int)count, 0);
	lua_newtable(L);
	for (lua_Integer i = 1; i <= count; i++) {
		size_t len;

		lua_geti(L, 1, i);
		if (lua_type(L, -1) != LUA_TSTRING && lua_type(L, -1) != LUA_TNUMBER)
			luaL_error(L, "each: the list must hold texts (host names), entry %d is a %s", (int)i, luaL_typename(L, -1));
		luaL_tolstring(L, -1, &len);
		if (len > SCRIPT_KEY_MAX)
			luaL_error(L, "each: entry %d has %d bytes; a name has %d at most", (int)i, (int)len, SCRIPT_KEY_MAX);
		lua_pushvalue(L, -1);
		if (lua_rawget(L, -4) != LUA_TNIL)
			luaL_error(L, "each: '%s' stands twice in the list", lua_tostring(L, -2));
		lua_pop(L, 1);
		lua_pushboolean(L, 1);
		lua_rawset(L, -4);
		lua_rawseti(L, -3, i);
	}
	lua_pop(L, 1);
	lua_replace(L, 1);
}

static void read_keys(lua_State *L, struct fanout *fan)
{
	for (size_t i = 0; i < fan->count; i++) {
		lua_rawgeti(L, 1, (lua_Integer)i + 1);
		fan->keys[i] = mem_strdup(luaL_tolstring(L, -1, NULL));
		lua_pop(L, 2);
	}
}

/* What we need for the branches is the script's memory as much as what Lua needs. */
static void check_room(lua_State *L, const struct branch *parent, lua_Integer count)
{
	size_t one = sizeof(struct branch) + strlen(parent->prefix) + (size_t)3 * SCRIPT_KEY_MAX + 3 * sizeof(char *);

	if (count < 0 || count > SCRIPT_EACH_MAX)
		luaL_error(L, "each: more than %d entries", SCRIPT_EACH_MAX);
	if (parent->depth >= SCRIPT_EACH_DEPTH)
		luaL_error(L, "each: more than %d of them inside each other", SCRIPT_EACH_DEPTH);
	if (parent->task->script->used + (size_t)count * one > SCRIPT_MEMORY)
		luaL_error(L, "each: its branches do not fit into the %d MiB of memory that a runbook has", (int)(SCRIPT_MEMORY >> 20));
}

/* A brake with a typing mistake would be no brake. */
static void check_each_options(lua_State *L)
{
	if (lua_isnoneornil(L, 3))
		return;
	luaL_checktype(L, 3, LUA_TTABLE);
	lua_pushnil(L);
	while (lua_next(L, 3)) {
		const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";

		if (!str_is(key, "at_once") && !str_is(key, "stop_after"))
			luaL_error(L, "each: there is no option '%s'; options are at_once and stop_after", key);
		lua_pop(L, 1);
	}
}

int lua_each(lua_State *L)
{
	struct branch *parent = lua_branch_of(L);
	struct fanout *fan;
	lua_Integer count;
	size_t at_once, stop_after;
	char *prefix;

	if (!parent)
		return luaL_error(L, "each() is called while the runbook loads; put it into a step's run function");
	if (!lua_isyieldable(L))
		return luaL_error(L, "each() cannot be used here (inside table.sort or gsub): use a plain loop");
	luaL_checkany(L, 1);
	luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_settop(L, 3);
	check_each_options(L);
	count = luaL_len(L, 1);
	check_room(L, parent, count);
	copy_list(L, count);
	at_once = each_option(L, "at_once", 10);
	stop_after = each_option(L, "stop_after", 1);
	fan = mem_alloc(sizeof(*fan));
	fan->results = LUA_NOREF;
	fan->parent = parent;
	fan->next = parent->task->fans;
	parent->task->fans = fan;
	fan->keys = mem_array((size_t)count + 1, sizeof(char *));
	fan->errors = mem_array((size_t)count + 1, sizeof(char *));
	fan->branches = mem_array((size_t)count + 1, sizeof(struct branch *));
	fan->count = (size_t)count;
	fan->at_once = at_once;
	fan->stop_after = stop_after;
	read_keys(L, fan);
	lua_newtable(L);
	lua_pushvalue(L, 4);
	lua_newtable(L);
	fan->results = luaL_ref(L, LUA_REGISTRYINDEX);
	lua_settop(L, 4);
	prefix = mem_printf("%s%d/", parent->prefix, ++parent->counter);
	add_branches(L, fan, prefix);
	mem_free(prefix);
	parent->waits = fan;
	return lua_yieldk(L, 0, 0, each_after);
}

/* Starts branches up to the limit; wakes the parent when all have ended. */
static void fanout_go(struct fanout *fan)
{
	while (fan->started < fan->count && fan->started - fan->ended < fan->at_once && fan->failed < fan->stop_after)
		fan->branches[fan->started++]->runnable = true;
	if (fan->ended == fan->started)
		fan->parent->runnable = true;
}

/* ---- running ---- */

char *lua_error_words(lua_State *L)
{
	size_t len;
	const char *text;
	char *copy;

	if (lua_istable(L, -1)) {
		lua_pushliteral(L, "text");
		lua_rawget(L, -2);
		if (lua_type(L, -1) == LUA_TSTRING) {
			copy = mem_strdup(lua_tostring(L, -1));
			lua_pop(L, 1);
			return copy;
		}
		lua_pop(L, 1);
	}
	text = luaL_tolstring(L, -1, &len);
	copy = mem_dup(text, len);
	lua_pop(L, 1);
	return copy;
}

struct ending {
	struct branch *branch;
	int status, results;
	char *error;		/* owned */
};

/* A meter may return done, total, unit: the same as a table with these. */
static void push_meter(lua_State *L, lua_State *co, int results)
{
	static const char *const names[] = {"done", "total", "unit"};
	int n = results > 3 ? 3 : results;

	lua_pop(co, results - n);
	lua_newtable(L);
	while (n-- > 0) {
		lua_xmove(co, L, 1);
		lua_setfield(L, -2, names[n]);
	}
}

/* Takes the results of a coroutine that ended; runs protected. */
static int end_protected(lua_State *L)
{
	struct ending *ending = lua_touserdata(L, 1);
	struct branch *branch = ending->branch;
	struct script_task *task = branch->task;
	struct err e = {0};

	if (ending->status != LUA_OK) {
		lua_xmove(branch->co, L, 1);
		ending->error = lua_error_words(L);
		return 0;
	}
	if (task->fn == FN_METER && !branch->fan && ending->results > 1) {
		push_meter(L, branch->co, ending->results);
	} else if (ending->results > 0) {
		lua_pop(branch->co, ending->results - 1);
		lua_xmove(branch->co, L, 1);
	} else {
		lua_pushnil(L);
	}
	if (branch->fan) {
		lua_rawgeti(L, LUA_REGISTRYINDEX, branch->fan->results);
		lua_insert(L, -2);
		if (lua_isnil(L, -1)) {
			lua_pop(L, 1);
			lua_pushboolean(L, 1);
		}
		lua_setfield(L, -2, branch->fan->keys[branch->index]);
		return 0;
	}
	task->result = lua_to_json(L, -1, &e);
	lua_rawgeti(L, LUA_REGISTRYINDEX, task->anchor);
	lua_rawgeti(L, -1, 2);
	task->gives = lua_to_json(L, -1, &e);
	/* A step whose variables are lost has not ended well: the next one would go on without them. */
	if (!task->gives || !sizes_fit(task->gives, &e))
		return luaL_error(L, "what it gives cannot be kept: %s", e.text);
	if (json_type_of(task->gives) != JSON_IS_OBJECT) {
		json_free(task->gives);
		task->gives = json_new_object();
	}
	return 0;
}

static void branch_over(struct branch *branch, int status, int results)
{
	struct ending ending = {.branch = branch, .status = status, .results = results};
	struct script_task *task = branch->task;
	struct err e = {0};

	branch->over = true;
	if (branch->fan && branch->changed)
		branch->fan->parent->changed = true;
	if (status == LUA_ERRMEM)
		ending.error = mem_printf("it needs more than %zu MiB of memory", SCRIPT_MEMORY >> 20);
	else if (lua_protected(task->script, end_protected, &ending, &e) < 0)
		ending.error = mem_strdup(e.text);
	if (!branch->fan) {
		task->error = ending.error;
		task->ended = true;
		return;
	}
	branch->fan->ended++;
	if (ending.error) {
		branch->fan->failed++;
		branch->fan->errors[branch->index] = ending.error;
	}
	fanout_go(branch->fan);
}

static void hand_out(struct branch *branch)
{
	struct script_task *task = branch->task;
	char *name = branch->name, *host = branch->host;
	struct json *args = branch->args;

	branch->name = branch->host = NULL;
	branch->args = NULL;
	task->handlers.call(task->arg, task, branch->path, name, host, args);
	mem_free(name);
	mem_free(host);
	json_free(args);
}

static void watch(const struct script_task *task)
{
	const char *id = task->script->book.steps[task->step].id;
	char *text = mem_printf("step '%s' (%s) goes on without end inside one function of Lua (a text pattern, or table.move?): mend the step. The process that carried the session ended "
				"there; nothing is lost, and what runs on hosts goes on. %s", id, script_fn_name(task->fn), task->script->book.path);

	lua_watch_begin(text, id, script_fn_name(task->fn), LUA_WATCH_RUN);
	mem_free(text);
}

static void branch_run(struct branch *branch)
{
	struct script *script = branch->task->script;
	int results = 0, nargs = branch->nargs, status;

	branch->runnable = false;
	branch->nargs = 0;
	mem_free(branch->path);
	branch->path = NULL;
	script->budget = SCRIPT_RUN_BUDGET;
	watch(branch->task);
	status = lua_resume(branch->co, script->L, nargs, &results);
	lua_watch_end();
	answer_clear(&branch->answer);
	if (script->exhausted) {
		script->exhausted = false;
		branch->over = true;
		mem_free(branch->task->error);
		branch->task->error = mem_printf("step '%s' goes on without end (no call for too many instructions)", script->book.steps[branch->task->step].id);
		branch->task->ended = true;
	} else if (status != LUA_YIELD) {
		branch_over(branch, status, results);
	} else if (branch->waits) {
		fanout_go(branch->waits);
	} else if (branch->name) {
		hand_out(branch);
	}
}

static struct branch *runnable_branch(struct script *script)
{
	struct branch *found = NULL;

	for (struct script_task *task = script->tasks; task && !found; task = task->next) {
		if (task->dropped || task->ended)
			continue;
		/* Newest branches stand first: take the oldest that can run, for an order that is always the same. */
		for (struct branch *b = task->branches; b; b = b->next)
			if (b->runnable && !b->over)
				found = b;
	}
	return found;
}

static bool tell_ended(struct script *script)
{
	for (struct script_task *task = script->tasks; task; task = task->next) {
		if (task->dropped || !task->ended)
			continue;
		task->dropped = true;
		task->handlers.ended(task->arg, task, task->error, task->result, task->gives);
		return true;
	}
	return false;
}

bool script_run(struct script *script)
{
	int64_t began = time_mono_us();
	struct branch *branch;
	bool more = false;

	if (script->running)
		return false;
	script->running = true;
	for (int n = 1; !more && ((branch = runnable_branch(script)) != NULL || tell_ended(script)); n++) {
		if (branch)
			branch_run(branch);
		/* Calls that are answered at once would keep the loop from its other work. */
		more = n % SCRIPT_TURN == 0 && time_mono_us() - began > SCRIPT_TURN_US;
	}
	script->running = false;
	sweep(script);
	return more;
}

void script_answer(struct script_task *task, const char *path, bool ok, const struct json *value, const char *kind, const char *error)
{
	if (task->dropped)
		return;
	for (struct branch *branch = task->branches; branch; branch = branch->next) {
		if (!branch->path || branch->over || branch->answer.there || !str_is(branch->path, path))
			continue;
		branch->answer = (struct answer){.there = true, .ok = ok, .value = json_copy_of(value), .kind = mem_strdup(kind), .error = mem_strdup(error)};
		branch->runnable = true;
		return;
	}
}

/* ---- the script ---- */

struct binding {
	struct script *script;
	const struct json *fleet, *params;
};

static int bind_protected(lua_State *L)
{
	struct binding *binding = lua_touserdata(L, 1);
	struct script *script = binding->script;

	luaL_unref(L, LUA_REGISTRYINDEX, script->fleet);
	luaL_unref(L, LUA_REGISTRYINDEX, script->params);
	script->fleet = script->params = LUA_NOREF;
	lua_push_json(L, binding->fleet, true);
	script->fleet = luaL_ref(L, LUA_REGISTRYINDEX);
	lua_push_json(L, binding->params, true);
	script->params = luaL_ref(L, LUA_REGISTRYINDEX);
	return 0;
}

static int check_roles(const struct script *script, const struct json *fleet, struct err *e)
{
	struct json *value;
	const char *role;
	void *it = NULL;

	while (script->book.roles && (role = json_next(script->book.roles, &it, &value)) != NULL) {
		const char *wanted = json_as_text(value) ? json_as_text(value) : "1+";
		size_t have = json_count(json_at(json_at(fleet, "roles"), role));
		int64_t least = wanted[0] >= '0' && wanted[0] <= '9' ? wanted[0] - '0' : 1;
		bool more = str_ends(wanted, "+");

		if ((int64_t)have < least || (!more && (int64_t)have != least))
			return err_set(e, ERR_USAGE, "%s needs %s host%s with the role '%s'; the fleet %s has %zu. Add it to roles in the fleet file", script->book.id, wanted,
				       str_is(wanted, "1") ? "" : "s", role, json_text(fleet, "name", "file"), have);
	}
	return 0;
}

int script_bind(struct script *script, const struct json *fleet, const struct json *params, struct err *e)
{
	struct binding binding = {.script = script, .fleet = fleet, .params = params};

	if (check_roles(script, fleet, e) < 0)
		return -1;
	json_free(script->fleet_json);
	script->fleet_json = json_copy_of(fleet);
	return lua_protected(script, bind_protected, &binding, e);
}

static void free_list(char **list)
{
	for (char **at = list; at && *at; at++)
		mem_free(*at);
	mem_free(list);
}

static void step_free(struct script_step *step)
{
	char *texts[] = {step->id, step->title, step->why, step->phase, step->back, step->because, step->about, step->takes, step->downtime, step->refuses, step->meanwhile, step->question, step->target, step->otherwise,
			 step->command, step->done_when};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		mem_free(texts[i]);
	json_free(step->only);
	free_list(step->needs);
	free_list(step->uses);
	free_list(step->gives);
	free_list(step->was);
}

static void book_free_parts(struct script_book *book)
{
	for (size_t i = 0; i < book->step_count; i++)
		step_free(&book->steps[i]);
	for (size_t i = 0; i < book->param_count; i++) {
		struct script_param *p = &book->params[i];

		mem_free(p->name);
		mem_free(p->ask);
		mem_free(p->help);
		mem_free(p->type);
		mem_free(p->pattern);
		json_free(p->fallback);
		json_free(p->choices);
	}
	mem_free(book->steps);
	mem_free(book->params);
	mem_free(book->id);
	mem_free(book->title);
	mem_free(book->about);
	mem_free(book->window);
	mem_free(book->path);
	mem_free(book->back_runbook);
	mem_free(book->back_open);
	for (char **name = book->back_with; name && *name; name++)
		mem_free(*name);
	mem_free(book->back_with);
	json_free(book->roles);
}

void script_free(struct script *script)
{
	if (!script)
		return;
	for (struct script_task *task = script->tasks; task; task = task->next)
		task->dropped = true;
	sweep(script);
	if (script->L)
		lua_close(script->L);
	book_free_parts(&script->book);
	lua_sources_done(script);
	json_free(script->fleet_json);
	mem_free(script->dir);
	mem_free(script->phase);
	mem_free(script);
}
