/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/lua/lua_int.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "base/utf8.h"
#include "session/lua/lua_api.h"
#include "session/lua/lua_digest.h"
#include "session/lua/lua_keys.h"
#include "session/lua/lua_kinds.h"
#include "session/lua/lua_names.h"
#include "session/lua/lua_plain.h"
#include "session/lua/lua_sources.h"
#include "session/lua/lua_watch.h"

/* Loading: a file becomes a function in the sandbox, and is run once so that its runbook{}, phase and steps fill the skeleton. */

#define FILE_MAX ((size_t)1 << 20)

/* ---- memory and instructions ---- */

static void *limited(void *arg, void *old, size_t old_size, size_t size)
{
	struct script *script = arg;
	size_t had = old ? old_size : 0;

	if (size == 0) {
		script->used -= had;
		mem_free(old);
		return NULL;
	}
	if (size > had && script->used + (size - had) > SCRIPT_MEMORY)
		return NULL;
	script->used = script->used - had + size;
	return mem_grow(old, 1, size);
}

/* The budget is gone: a loop without end. pcall must not catch it, so the coroutine is stopped where that can be done. */
static void count_hook(lua_State *L, lua_Debug *at)
{
	struct script *script = lua_script_of(L);

	(void)at;
	if (script->budget-- > 0)
		return;
	script->exhausted = true;
	if (lua_isyieldable(L)) {
		lua_yield(L, 0);
	} else {
		/* Inside table.sort or gsub only an error leads out; each pcall on the way may catch it, so the next instruction raises it again. */
		lua_sethook(L, count_hook, LUA_MASKCOUNT, 1);
		luaL_error(L, "this goes on without end (no call for too many instructions)");
	}
}

/* ---- files ---- */

static char *read_file(const char *path, size_t *len, struct err *e)
{
	struct buf text = {0};
	struct stat st;
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		err_errno(e, "%s", path);
		return NULL;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (size_t)st.st_size > FILE_MAX) {
		err_set(e, ERR_USAGE, "%s: not a regular file of at most 1 MiB", path);
	} else {
		while (text.len <= FILE_MAX && ((n = read(fd, buf_room(&text, 65536), 65536)) > 0 || (n < 0 && errno == EINTR)))
			buf_added(&text, n > 0 ? (size_t)n : 0);
		if (n < 0)
			err_errno(e, "%s", path);
	}
	close(fd);
	if (n < 0 || text.len > FILE_MAX) {
		buf_done(&text);
		if (!e->text[0])
			err_set(e, ERR_USAGE, "%s: larger than 1 MiB", path);
		return NULL;
	}
	*len = text.len;
	return buf_take(&text);
}

/* A message of Lua's parser, without its "near" being cut. */
void lua_load_file(lua_State *L, struct script *script, const char *path, const char *shown)
{
	struct err e = {0};
	size_t len = 0;
	char *text = read_file(path, &len, &e), *name;
	int result;

	if (!text)
		luaL_error(L, "%s", e.text);
	lua_sources_add(script, path, shown, text, len);
	name = mem_printf("@%s", shown);
	result = luaL_loadbufferx(L, text, len, name, "t");
	mem_free(name);
	mem_free(text);
	if (result != LUA_OK)
		lua_error(L);
	lua_env_push(script, L);
	lua_setupvalue(L, -2, 1);
}

struct loading {
	struct script *script;
	const char *path, *shown;
	lua_State *co;
};

static int load_main(lua_State *L)
{
	struct loading *loading = lua_touserdata(L, 1);
	struct branch *none = NULL;

	loading->co = lua_newthread(L);
	memcpy(lua_getextraspace(loading->co), &none, sizeof(none));
	lua_setfield(L, LUA_REGISTRYINDEX, "bellbook.loading");
	lua_load_file(L, loading->script, loading->path, loading->shown);
	lua_xmove(L, loading->co, 1);
	return 0;
}

/* What was raised, as valid UTF-8: Lua quotes the bytes of the file. -1 */
static int set_raised(lua_State *L, const char *other, struct err *e)
{
	size_t len = 0;
	const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
	struct buf words = {0};

	if (text)
		utf8_scrub(&words, text, len);
	else
		buf_puts(&words, other ? other : "it raised something that is no text");
	err_set(e, ERR_USAGE, "%s", buf_text(&words));
	buf_done(&words);
	return -1;
}

int lua_protected(struct script *script, lua_CFunction fn, void *arg, struct err *e)
{
	lua_State *L = script->L;
	int top = lua_gettop(L), result;

	lua_pushcfunction(L, fn);
	lua_pushlightuserdata(L, arg);
	result = lua_pcall(L, 1, 0, 0);
	if (result != LUA_OK)
		set_raised(L, "not enough memory", e);
	lua_settop(L, top);
	return result == LUA_OK ? 0 : -1;
}

/* Runs the loaded chunk in its coroutine. */
static int run_loaded(struct script *script, lua_State *co, const char *shown, struct err *e)
{
	int results = 0, status;
	char *text;

	script->budget = SCRIPT_LOAD_BUDGET;
	script->exhausted = false;
	script->loading = true;
	text = mem_printf("%s: this goes on without end while it loads, inside one function of Lua (a text pattern, or table.move?)", shown);
	lua_watch_begin(text, NULL, NULL, LUA_WATCH_LOAD);
	mem_free(text);
	status = lua_resume(co, script->L, 0, &results);
	lua_watch_end();
	script->loading = false;
	if (script->exhausted)
		return err_set(e, ERR_USAGE, "%s: this goes on without end while it loads; a runbook's file only describes its steps", shown);
	if (status == LUA_OK)
		return 0;
	if (status == LUA_YIELD)
		return err_set(e, ERR_USAGE, "%s: it stopped while loading", shown);
	if (status == LUA_ERRMEM)
		return err_set(e, ERR_USAGE, "%s: it needs more than %zu MiB of memory", shown, SCRIPT_MEMORY >> 20);
	if (lua_type(co, -1) == LUA_TSTRING)
		return set_raised(co, NULL, e);
	return err_set(e, ERR_USAGE, "%s: it raised an error that is no text", shown);
}

/* ---- require ---- */

static int require_after(lua_State *L, int status, lua_KContext ctx)
{
	(void)status;
	(void)ctx;
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		lua_pushboolean(L, 1);
	}
	lua_rawgeti(L, LUA_REGISTRYINDEX, lua_script_of(L)->loaded);
	lua_pushvalue(L, -2);
	lua_setfield(L, -2, lua_tostring(L, 1));
	lua_pop(L, 1);
	return 1;
}

static int require(lua_State *L)
{
	struct script *script = lua_script_of(L);
	const char *name = luaL_checkstring(L, 1);
	char *path, *shown;

	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(name) || !*name)
		return luaL_error(L, "require \"%s\": a library is named by small letters, digits, _ and -, and lies in lib/ beside the runbook", name);
	lua_rawgeti(L, LUA_REGISTRYINDEX, script->loaded);
	if (lua_getfield(L, -1, name) == LUA_TLIGHTUSERDATA)
		return luaL_error(L, "require \"%s\": libraries require each other in a circle", name);
	if (!lua_isnil(L, -1))
		return 1;
	lua_pushlightuserdata(L, script);	/* it is being loaded */
	lua_setfield(L, -3, name);
	lua_pop(L, 2);
	if (!script->loading)
		return luaL_error(L, "require \"%s\": write it at the top of the file, not in a step", name);
	path = mem_printf("%s/lib/%s.lua", script->dir, name);
	shown = mem_printf("lib/%s.lua", name);
	/* Kept on the stack, so that an error frees them. */
	lua_pushstring(L, path);
	lua_pushstring(L, shown);
	mem_free(path);
	mem_free(shown);
	if (access(lua_tostring(L, -2), F_OK) < 0)
		return luaL_error(L, "require \"%s\": there is no %s beside the runbook", name, lua_tostring(L, -1));
	lua_load_file(L, script, lua_tostring(L, -2), lua_tostring(L, -1));
	lua_callk(L, 0, 1, 0, require_after);
	return require_after(L, LUA_OK, 0);
}

/* ---- the words of the skeleton ---- */

static const char *const param_types[] = {"text", "integer", "number", "boolean", "duration", "choice", "host", "secret", NULL};

/* A text field; NULL when it is not there. Caller owns. */
static char *text_field(lua_State *L, int table, const char *key, const char *what)
{
	char *text = NULL;
	size_t len;

	if (lua_getfield(L, table, key) != LUA_TNIL) {
		const char *value;

		/* Before lua_tolstring: it would make a text of a number. */
		if (lua_type(L, -1) != LUA_TSTRING)
			luaL_error(L, "%s: %s must be a text", what, key);
		value = lua_tolstring(L, -1, &len);
		if (len > SCRIPT_TEXT_MAX || strlen(value) != len)
			luaL_error(L, "%s: %s is too long, or contains a NUL", what, key);
		text = mem_strdup(value);
	}
	lua_pop(L, 1);
	return text;
}

static bool good_id(const char *id)
{
	return *id && strlen(id) <= 64 && strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(id);
}

static char **list_field(lua_State *L, int table, const char *key, const char *what)
{
	size_t n = 0;
	char **list;

	if (lua_getfield(L, table, key) != LUA_TNIL && !lua_istable(L, -1))
		luaL_error(L, "%s: %s must be a list of texts, like { \"a\", \"b\" }", what, key);
	if (lua_istable(L, -1)) {
		n = lua_rawlen(L, -1);
		lua_pushnil(L);
		while (lua_next(L, -2)) {
			if (!lua_isinteger(L, -2))
				luaL_error(L, "%s: %s must be a list of texts, like { \"a\", \"b\" }", what, key);
			lua_pop(L, 1);
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (lua_rawgeti(L, -1, (lua_Integer)i + 1) != LUA_TSTRING)
			luaL_error(L, "%s: %s must be a list of texts", what, key);
		lua_pop(L, 1);
	}
	list = mem_array(n + 1, sizeof(char *));
	for (size_t i = 0; i < n; i++) {
		lua_rawgeti(L, -1, (lua_Integer)i + 1);
		list[i] = mem_strdup(lua_tostring(L, -1));
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return list;
}

static double number_field(lua_State *L, int table, const char *key, const char *what)
{
	double value = (double)NAN;

	if (lua_getfield(L, table, key) != LUA_TNIL) {
		if (lua_type(L, -1) != LUA_TNUMBER)
			luaL_error(L, "%s: %s must be a number", what, key);
		value = lua_tonumber(L, -1);
	}
	lua_pop(L, 1);
	return value;
}

static void read_choices(lua_State *L, int table, struct script_param *param, const char *what)
{
	struct err e = {0};

	if (lua_getfield(L, table, "choices") != LUA_TNIL) {
		param->choices = lua_to_json(L, -1, &e);
		if (!param->choices)
			luaL_error(L, "%s: choices: %s", what, e.text);
		for (size_t i = 0; i < json_count(param->choices); i++)
			if (!json_as_text(json_item(param->choices, i)))
				luaL_error(L, "%s: choices must be a list of texts", what);
	}
	lua_pop(L, 1);
	if (str_is(param->type, "choice") && json_count(param->choices) == 0)
		luaL_error(L, "%s: a choice needs choices = { … }", what);
}

static void read_default(lua_State *L, struct script *script, int table, struct script_param *param, const char *what)
{
	struct err e = {0};
	struct json *value;

	if (lua_getfield(L, table, "default") != LUA_TNIL) {
		if (str_is(param->type, "secret"))
			luaL_error(L, "%s: a secret has no default; it is asked for, or comes from the fleet file", what);
		value = lua_to_json(L, -1, &e);
		if (!value)
			luaL_error(L, "%s: default: %s", what, e.text);
		param->fallback = script_param_check(script, param, value, &e);
		json_free(value);
		if (!param->fallback)
			luaL_error(L, "default: %s", e.text);
	}
	lua_pop(L, 1);
}

static void read_param(lua_State *L, struct script *script, const char *name, int table)
{
	struct script_param *param;
	const char *what = lua_pushfstring(L, "parameter '%s'", name);
	struct err e = {0};

	if (!*name || strlen(name) > 64 || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != strlen(name))
		luaL_error(L, "%s: a name has letters, digits and _", what);
	lua_check_fields(L, table, lua_api_fields("bellbook.Param"), what);
	script->book.params = mem_more(
		script->book.params, script->book.param_count, sizeof(*param));
	param = &script->book.params[script->book.param_count++];
	*param = (struct script_param){.min = (double)NAN, .max = (double)NAN};
	param->name = mem_strdup(name);
	param->type = text_field(L, table, "type", what);
	if (!param->type)
		param->type = mem_strdup("text");
	for (size_t i = 0; !str_is(param_types[i], param->type); i++)
		if (!param_types[i])
			luaL_error(L, "%s: there is no type '%s'; types are text, integer, number, boolean, duration, choice, host, secret", what, param->type);
	param->ask = text_field(L, table, "ask", what);
	param->help = text_field(L, table, "help", what);
	param->pattern = text_field(L, table, "pattern", what);
	param->min = number_field(L, table, "min", what);
	param->max = number_field(L, table, "max", what);
	lua_getfield(L, table, "optional");
	param->optional = lua_toboolean(L, -1);
	lua_pop(L, 1);
	lua_getfield(L, table, "later");
	param->later = lua_toboolean(L, -1);
	param->optional = param->optional || param->later;
	lua_pop(L, 1);
	read_choices(L, table, param, what);
	if (param->pattern && !script_pattern_is_fine(script, param->pattern, &e))
		luaL_error(L, "%s: pattern: %s", what, e.text);
	read_default(L, script, table, param, what);
}

static int by_name(const void *a, const void *b)
{
	const struct script_param *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void read_params(lua_State *L, struct script *script)
{
	struct script_book *book = &script->book;
	int type = lua_getfield(L, 1, "params"), params = lua_gettop(L);

	if (type != LUA_TNIL && type != LUA_TTABLE)
		luaL_error(L, "params = { NAME = { type = … }, … }");
	lua_pushnil(L);
	while (type == LUA_TTABLE && lua_next(L, params)) {
		if (lua_type(L, -2) != LUA_TSTRING || !lua_istable(L, -1))
			luaL_error(L, "params = { NAME = { type = … }, … }");
		read_param(L, script, lua_tostring(L, -2), lua_gettop(L));
		lua_settop(L, params + 1);
	}
	lua_settop(L, 1);
	/* Lua's tables have no order; questions need one that is always the same. */
	if (book->param_count)
		qsort(book->params, book->param_count, sizeof(*book->params), by_name);
}

/* A number of hosts: "1", "1+", "0+" … "9+". */
static bool good_role(const char *wanted)
{
	return wanted && wanted[0] >= '0' && wanted[0] <= '9' && (!wanted[1] || (wanted[1] == '+' && !wanted[2]));
}

static void read_roles(lua_State *L, struct script *script)
{
	struct err e = {0};
	struct json *value;
	void *it = NULL;

	if (lua_getfield(L, 1, "roles") != LUA_TNIL) {
		script->book.roles = lua_istable(L, -1) ? lua_to_json(L, -1, &e) : NULL;
		if (!script->book.roles)
			luaL_error(L, "roles = { ROLE = \"1+\", … }");
		if (json_type_of(script->book.roles) == JSON_IS_ARRAY && json_count(script->book.roles))
			luaL_error(L, "roles = { ROLE = \"1+\", … }");
		while (json_next(script->book.roles, &it, &value))
			if (!good_role(json_as_text(value)))
				luaL_error(L, "roles = { ROLE = \"1+\", … }: a role needs \"1\", \"1+\", \"0+\" or another number of hosts");
	}
	lua_settop(L, 1);
}

/* The runbook that undoes this one, and what it is given of it. */
static void read_way_back(lua_State *L, struct script_book *book)
{
	if (lua_getfield(L, 1, "way_back") != LUA_TNIL) {
		if (!lua_istable(L, 2))
			luaL_error(L, "way_back = { runbook = \"…\", with = { … }, open = \"…\" }");
		lua_check_fields(L, 2, lua_api_fields("bellbook.WayBack"), "way_back");
		book->back_runbook = text_field(L, 2, "runbook", "way_back");
		book->back_open = text_field(L, 2, "open", "way_back");
		book->back_with = list_field(L, 2, "with", "way_back");
		if (!book->back_runbook || !good_id(book->back_runbook))
			luaL_error(L, "way_back needs runbook = \"…\", the id of another runbook");
	}
	lua_settop(L, 1);
}

static int dsl_runbook(lua_State *L)
{
	struct script *script = lua_script_of(L);
	struct script_book *book = &script->book;
	lua_Debug at;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	if (book->id)
		return luaL_error(L, "runbook { … } stands once in a file");
	lua_check_fields(L, 1, lua_api_fields("bellbook.Runbook"), "runbook");
	book->id = text_field(L, 1, "id", "runbook");
	book->title = text_field(L, 1, "title", "runbook");
	book->about = text_field(L, 1, "about", "runbook");
	book->window = text_field(L, 1, "window", "runbook");
	if (!book->id || !good_id(book->id))
		return luaL_error(L, "runbook needs id = \"…\" of small letters, digits, - and _");
	if (!book->title)
		return luaL_error(L, "runbook needs a title");
	if (lua_getfield(L, 1, "bellbook") != LUA_TNUMBER || lua_tonumber(L, -1) != 1)
		return luaL_error(L, "runbook needs bellbook = 1 (the version of the runbook language that this bellbook knows)");
	read_params(L, script);
	read_roles(L, script);
	read_way_back(L, book);
	if (lua_getstack(L, 1, &at) && lua_getinfo(L, "l", &at))
		script->line = at.currentline;
	return 0;
}

static int dsl_phase(lua_State *L)
{
	mem_set(&lua_script_of(L)->phase, luaL_checkstring(L, 1));
	return 0;
}

/* A field that the first bellbooks did not have. */
static bool is_younger(const char *key)
{
	static const char *const keys[] = {"uses", "only", "otherwise", "command", "done_when"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (str_is(keys[i], key))
			return true;
	return false;
}

/* Over the data fields, in order of their names, and what the functions do. */
static void step_digest(lua_State *L, int table, struct script_step *step)
{
	struct sha256 *sum = sha256_new();
	unsigned char digest[SHA256_LEN];
	struct buf hex = {0};
	struct err e = {0};

	sha256_add(sum, step_kind_name(step->kind), strlen(step_kind_name(step->kind)) + 1);
	for (const struct lua_arg *field = lua_api_fields("bellbook.Step"); field->name; field++) {
		int functions = 200;

		/* A field that older bellbooks did not know counts only where it is used: their sessions find the same digests. */
		if (lua_getfield(L, table, field->name) == LUA_TNIL && is_younger(field->name)) {
			lua_pop(L, 1);
			continue;
		}
		sha256_add(sum, field->name, strlen(field->name) + 1);
		if (lua_isfunction(L, -1) && !lua_iscfunction(L, -1)) {
			lua_digest_function(L, sum, &functions);
		} else {
			struct json *value = lua_to_json(L, -1, &e);
			char *text = json_print(value);

			sha256_add(sum, text, strlen(text) + 1);
			/* No JSON can be made of it: there are functions in the table. */
			if (!value && lua_istable(L, -1))
				lua_digest_table(L, sum, &functions);
			mem_free(text);
			json_free(value);
		}
		lua_pop(L, 1);
	}
	sha256_end(sum, digest);
	sha256_free(sum);
	str_hex(&hex, digest, sizeof(digest));
	(void)str_copy(step->digest, sizeof(step->digest), buf_text(&hex));
	buf_done(&hex);
}

static void read_functions(lua_State *L, struct script_step *step, const char *what)
{
	for (int i = 0; i < FN_COUNT; i++) {
		const char *name = script_fn_name((enum script_fn)i);
		int type = lua_getfield(L, 1, name);

		/* A list of texts: lua_plain_read has looked at it. */
		if (i == FN_COMMANDS && type == LUA_TTABLE) {
			lua_pop(L, 1);
			continue;
		}
		if (type != LUA_TNIL && (type != LUA_TFUNCTION || lua_iscfunction(L, -1)))
			luaL_error(L, "%s: %s must be a function (s) … end", what, name);
		step->has[i] = step->has[i] || type == LUA_TFUNCTION;
		lua_pop(L, 1);
	}
	step->has[FN_RUN] = step->has[FN_RUN] || step->command;
	step->has[FN_DONE] = step->has[FN_DONE] || step->done_when;
}

/* commands and text of a manual step become part of what is shown. */
static void read_manual(lua_State *L, struct script_step *step, const char *what)
{
	bool computed = lua_plain_commands(L, step, what);
	char *text = text_field(L, 1, "text", what);
	char **commands = computed ? NULL : list_field(L, 1, "commands", what);
	struct buf about = {0};

	if (step->about)
		buf_printf(&about, "%s\n", step->about);
	if (text)
		buf_printf(&about, "%s\n", text);
	for (size_t i = 0; commands && commands[i]; i++) {
		buf_printf(&about, "  $ %s\n", commands[i]);
		mem_free(commands[i]);
	}
	mem_free(commands);
	mem_free(text);
	if (about.len)
		mem_set(&step->about, buf_text(&about));
	buf_done(&about);
}

/* Microseconds; 0 = not said. */
static int64_t duration_field(lua_State *L, const char *key, const char *what)
{
	char *text = text_field(L, 1, key, what);
	int64_t us = 0;
	bool fine = !text || str_to_duration(text, &us);

	mem_free(text);
	if (!fine)
		luaL_error(L, "%s: %s must be a duration like \"90s\", \"10m\" or \"6h\"", what, key);
	return us;
}

static void read_texts(lua_State *L, struct script *script, struct script_step *step, const char *what)
{
	step->title = text_field(L, 1, "title", what);
	step->why = text_field(L, 1, "why", what);
	step->about = text_field(L, 1, "about", what);
	step->takes = text_field(L, 1, "takes", what);
	step->downtime = text_field(L, 1, "downtime", what);
	step->refuses = text_field(L, 1, "refuses", what);
	step->meanwhile = text_field(L, 1, "meanwhile", what);
	step->back = text_field(L, 1, "back", what);
	step->because = text_field(L, 1, "because", what);
	step->target = text_field(L, 1, "target", what);
	step->question = text_field(L, 1, "question", what);
	step->otherwise = text_field(L, 1, "otherwise", what);
	step->needs = list_field(L, 1, "needs", what);
	step->uses = list_field(L, 1, "uses", what);
	step->gives = list_field(L, 1, "gives", what);
	step->was = list_field(L, 1, "was", what);
	step->phase = mem_strdup(script->phase);
	step->timeout_us = duration_field(L, "timeout", what);
	step->stall_us = duration_field(L, "stall", what);
	read_manual(L, step, what);
}

static int dsl_step_body(lua_State *L)
{
	struct script *script = lua_script_of(L);
	const char *id = lua_tostring(L, lua_upvalueindex(2));
	struct script_step *step;
	const char *what, *where;
	lua_Debug at;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	what = where = lua_pushfstring(L, "step '%s'", id);
	lua_check_fields(L, 1, lua_api_fields("bellbook.Step"), what);
	lua_kinds_refuse(L, (enum step_kind)lua_tointeger(L, lua_upvalueindex(1)), what);
	if (script->book.step_count >= SCRIPT_STEPS_MAX)
		return luaL_error(L, "more than %d steps", SCRIPT_STEPS_MAX);
	script->book.steps = mem_more(script->book.steps, script->book.step_count, sizeof(*step));
	step = &script->book.steps[script->book.step_count++];
	*step = (struct script_step){.kind = (enum step_kind)lua_tointeger(L, lua_upvalueindex(1))};
	step->id = mem_strdup(id);
	if (lua_getstack(L, 1, &at) && lua_getinfo(L, "Sl", &at)) {
		step->line = at.currentline;
		where = lua_pushfstring(L, "%s:%d: %s", at.short_src, at.currentline, what);
	}
	read_texts(L, script, step, what);
	lua_plain_read(L, step, what);
	read_functions(L, step, what);
	lua_kinds_demand(L, step, what);
	step->only = lua_names_only(L, &script->book, what);
	lua_names_check(L, &script->book, step, what);
	step_digest(L, 1, step);
	lua_rawgeti(L, LUA_REGISTRYINDEX, script->steps);
	lua_plain_push(L, step, where);
	lua_rawseti(L, -2, (lua_Integer)script->book.step_count);
	return 0;
}

static int dsl_step(lua_State *L)
{
	struct script *script = lua_script_of(L);
	const char *id = luaL_checkstring(L, 1);

	if (!script->loading)
		return luaL_error(L, "steps are described while the runbook loads, not inside a step");
	if (!good_id(id))
		return luaL_error(L, "step '%s': an id has small letters, digits, - and _", id);
	for (size_t i = 0; i < script->book.step_count; i++)
		if (str_is(script->book.steps[i].id, id))
			return luaL_error(L, "step '%s' stands twice (first in line %d): ids are unique, the journal names steps by them", id, script->book.steps[i].line);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_pushvalue(L, 1);
	lua_pushcclosure(L, dsl_step_body, 2);
	return 1;
}

void lua_load_open(lua_State *L)
{
	for (int kind = 0; kind < STEP_KIND_COUNT; kind++) {
		lua_pushinteger(L, kind);
		lua_pushcclosure(L, dsl_step, 1);
		lua_setfield(L, -2, step_kind_name((enum step_kind)kind));
	}
	lua_pushcfunction(L, dsl_runbook);
	lua_setfield(L, -2, "runbook");
	lua_pushcfunction(L, dsl_phase);
	lua_setfield(L, -2, "phase");
	lua_pushcfunction(L, require);
	lua_setfield(L, -2, "require");
}

/* ---- the whole ---- */

static int open_env(struct script *script, struct err *e)
{
	struct branch *none = NULL;

	script->L = lua_newstate(limited, script);
	if (!script->L)
		return err_set(e, ERR_FULL, "no memory for Lua");
	memcpy(lua_getextraspace(script->L), &none, sizeof(none));
	if (lua_protected(script, lua_env_open, script, e) < 0)
		return -1;
	lua_sethook(script->L, count_hook, LUA_MASKCOUNT, SCRIPT_SLICE);
	return 0;
}

static int load(struct script *script, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	const char *shown = slash ? slash + 1 : path;
	struct loading loading = {.script = script, .path = path, .shown = shown};

	script->dir = slash ? mem_dup(path, (size_t)(slash - path)) : mem_strdup(".");
	script->book.path = mem_strdup(path);
	if (open_env(script, e) < 0 || lua_protected(script, load_main, &loading, e) < 0)
		return -1;
	if (run_loaded(script, loading.co, shown, e) < 0)
		return -1;
	if (!script->book.id)
		return err_set(e, ERR_USAGE, "%s: there is no runbook { id = …, title = … }", shown);
	if (script->book.step_count == 0)
		return err_set(e, ERR_USAGE, "%s:%d: the runbook has no steps", shown, script->line);
	lua_sources_digest(script);
	return lua_names_given(script, shown, e);
}

/* The words name what stands in the file, which may be any bytes. */
static void scrub(struct err *e)
{
	struct buf words = {0};
	size_t most = sizeof(e->text) - 1, len;

	utf8_scrub(&words, e->text, strlen(e->text));
	len = utf8_border(buf_text(&words), words.len < most ? words.len : most);
	memcpy(e->text, buf_text(&words), len);
	e->text[len] = '\0';
	buf_done(&words);
}

struct script *script_load(const char *path, struct err *e)
{
	struct script *script = mem_alloc(sizeof(*script));

	if (load(script, path, e) == 0)
		return script;
	e->kind = e->kind == ERR_NONE ? ERR_USAGE : e->kind;
	if (!utf8_valid(e->text, strlen(e->text)))
		scrub(e);
	script_free(script);
	return NULL;
}

const struct script_book *script_book(const struct script *script)
{
	return &script->book;
}

long script_step_find(const struct script *script, const char *id)
{
	for (size_t i = 0; i < script->book.step_count; i++)
		if (str_is(script->book.steps[i].id, id) || lua_names_has(script->book.steps[i].was, id))
			return (long)i;
	return -1;
}
