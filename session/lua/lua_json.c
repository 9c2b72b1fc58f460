/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/lua/lua_int.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

#define SECRET_META "bellbook.secret"
#define READONLY_META "bellbook.readonly"
#define BOX_META "bellbook.box"
#define VALUES_MAX 100000
#define BYTES_MAX ((int)(2 * LIMIT_ARGS))	/* of texts that are copied */

/* ---- secrets ---- */

void lua_push_secret(lua_State *L, const char *name)
{
	size_t len = strlen(name) + 1;

	memcpy(lua_newuserdatauv(L, len, 0), name, len);
	luaL_setmetatable(L, SECRET_META);
}

static int secret_text(lua_State *L)
{
	lua_pushfstring(L, "[secret %s]", (const char *)luaL_checkudata(L, 1, SECRET_META));
	return 1;
}

static int secret_refuses(lua_State *L)
{
	return luaL_error(L, "a secret cannot be put into a text: pass it as env = { NAME = secret }, stdin = secret or sudo_password = secret, and use \"$NAME\" in the command");
}

/* ---- read-only tables: a proxy whose content is its uservalue ---- */

static int readonly_index(lua_State *L)
{
	lua_getiuservalue(L, 1, 1);
	lua_pushvalue(L, 2);
	lua_rawget(L, -2);
	return 1;
}

static int readonly_newindex(lua_State *L)
{
	return luaL_error(L, "the fleet and the parameters cannot be changed from a runbook; use local variables, or gives");
}

static int readonly_len(lua_State *L)
{
	lua_getiuservalue(L, 1, 1);
	lua_pushinteger(L, (lua_Integer)lua_rawlen(L, -1));
	return 1;
}

static int readonly_next(lua_State *L)
{
	lua_settop(L, 2);
	lua_getiuservalue(L, 1, 1);
	lua_insert(L, 2);
	return lua_next(L, 2) ? 2 : 0;
}

static int readonly_pairs(lua_State *L)
{
	lua_pushcfunction(L, readonly_next);
	lua_pushvalue(L, 1);
	lua_pushnil(L);
	return 3;
}

/* Puts the table on top behind a proxy. */
static void make_readonly(lua_State *L)
{
	lua_newuserdatauv(L, 0, 1);
	lua_insert(L, -2);
	lua_setiuservalue(L, -2, 1);
	luaL_setmetatable(L, READONLY_META);
}

/* ---- boxes: what Lua must free when it leaves a function by an error ---- */

void lua_box_clear(struct lua_box *box)
{
	json_free(box->value);
	mem_free(box->text);
	*box = (struct lua_box){0};
}

static int box_gc(lua_State *L)
{
	lua_box_clear(lua_touserdata(L, 1));
	return 0;
}

struct lua_box *lua_push_box(lua_State *L)
{
	struct lua_box *box = lua_newuserdatauv(L, sizeof(*box), 0);

	*box = (struct lua_box){0};
	luaL_setmetatable(L, BOX_META);
	return box;
}

void lua_json_open(lua_State *L)
{
	static const luaL_Reg secret[] = {{"__tostring", secret_text}, {"__concat", secret_refuses}, {"__index", secret_refuses}, {NULL, NULL}};
	static const luaL_Reg readonly[] = {{"__index", readonly_index}, {"__newindex", readonly_newindex}, {"__len", readonly_len}, {"__pairs", readonly_pairs}, {NULL, NULL}};

	luaL_newmetatable(L, SECRET_META);
	luaL_setfuncs(L, secret, 0);
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	luaL_newmetatable(L, READONLY_META);
	luaL_setfuncs(L, readonly, 0);
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	luaL_newmetatable(L, BOX_META);
	lua_pushcfunction(L, box_gc);
	lua_setfield(L, -2, "__gc");
	lua_pop(L, 3);
}

/* ---- to Lua ---- */

/* How a value becomes Lua's: what bellbook itself put together may name secrets, what comes from elsewhere never does. */
enum pushing { PUSH_OURS, PUSH_READONLY, PUSH_FOREIGN };

static void push(lua_State *L, const struct json *value, enum pushing how);

static void push_object(lua_State *L, const struct json *value, enum pushing how)
{
	struct json *member;
	const char *key;
	void *it = NULL;

	lua_createtable(L, 0, (int)json_count(value));
	while ((key = json_next(value, &it, &member)) != NULL) {
		push(L, member, how);
		lua_setfield(L, -2, key);
	}
}

static void push(lua_State *L, const struct json *value, enum pushing how)
{
	luaL_checkstack(L, 8, "data is nested too deep");
	switch (json_type_of(value)) {
	case JSON_IS_NULL:
		lua_pushnil(L);
		return;
	case JSON_IS_BOOL:
		lua_pushboolean(L, json_as_bool(value, false));
		return;
	case JSON_IS_INT:
		lua_pushinteger(L, json_as_int(value, 0));
		return;
	case JSON_IS_REAL:
		lua_pushnumber(L, json_as_real(value, 0));
		return;
	case JSON_IS_TEXT:
		lua_pushlstring(L, json_as_text(value), json_text_bytes(value));
		return;
	case JSON_IS_ARRAY:
		lua_createtable(L, (int)json_count(value), 0);
		for (size_t i = 0; i < json_count(value); i++) {
			push(L, json_item(value, i), how);
			lua_rawseti(L, -2, (lua_Integer)i + 1);
		}
		break;
	case JSON_IS_OBJECT:
		if (how != PUSH_FOREIGN && json_text(value, "$secret", NULL)) {
			lua_push_secret(L, json_text(value, "$secret", NULL));
			return;
		}
		push_object(L, value, how);
		break;
	}
	if (how == PUSH_READONLY)
		make_readonly(L);
}

void lua_push_json(lua_State *L, const struct json *value, bool readonly)
{
	push(L, value, readonly ? PUSH_READONLY : PUSH_OURS);
}

/* ---- from Lua ---- */

/* One conversion: how many values and bytes may still come. A small table that holds itself many times is a large value. */
struct copying {
	struct err *e;
	size_t values, bytes;
};

static struct json *to_json(lua_State *L, int index, int depth, struct copying *c);

static bool is_list(lua_State *L, int index)
{
	lua_Integer n = (lua_Integer)lua_rawlen(L, index), count = 0;

	lua_pushnil(L);
	while (lua_next(L, index)) {
		lua_pop(L, 1);
		if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 1 || lua_tointeger(L, -1) > n) {
			lua_pop(L, 1);
			return false;
		}
		count++;
	}
	return count == n;
}

static struct json *list_json(lua_State *L, int index, int depth, struct copying *c)
{
	struct json *array = json_new_array();
	lua_Integer n = (lua_Integer)lua_rawlen(L, index);

	for (lua_Integer i = 1; i <= n; i++) {
		struct json *item;

		lua_rawgeti(L, index, i);
		item = to_json(L, lua_gettop(L), depth + 1, c);
		lua_pop(L, 1);
		if (!item) {
			json_free(array);
			return NULL;
		}
		json_add(array, item);
	}
	return array;
}

/* True for a key that comes back as it is, and is not the mark of a secret, which only a secret makes. */
static bool is_name(lua_State *L, int index)
{
	size_t len;
	const char *text = lua_tolstring(L, index, &len);

	return strlen(text) == len && utf8_valid(text, len) && strcmp(text, "$secret") != 0;
}

static struct json *table_json(lua_State *L, int index, int depth, struct copying *c)
{
	struct json *object;

	if (lua_rawlen(L, index) > 0 && is_list(L, index))
		return list_json(L, index, depth, c);
	object = json_new_object();
	lua_pushnil(L);
	while (lua_next(L, index)) {
		struct json *member = NULL;

		if (lua_type(L, -2) == LUA_TSTRING && is_name(L, -2))
			member = to_json(L, lua_gettop(L), depth + 1, c);
		else
			err_set(c->e, ERR_USAGE, "a table needs texts (UTF-8, without a zero byte, not $secret) as keys, or to be a list 1, 2, 3 …");
		if (!member) {
			lua_pop(L, 2);
			json_free(object);
			return NULL;
		}
		json_put(object, lua_tostring(L, -2), member);
		lua_pop(L, 1);
	}
	return object;
}

static struct json *number_json(lua_State *L, int index, struct copying *c)
{
	lua_Number number = lua_tonumber(L, index);

	if (lua_isinteger(L, index))
		return json_new_int(lua_tointeger(L, index));
	if (isfinite(number))
		return json_new_real(number);
	err_set(c->e, ERR_USAGE, "a number is not finite");
	return NULL;
}

static struct json *text_json(lua_State *L, int index, struct copying *c)
{
	size_t len;
	const char *text = lua_tolstring(L, index, &len);

	if (len > c->bytes) {
		err_set(c->e, ERR_USAGE, "the texts are too large (more than %d MiB)", BYTES_MAX >> 20);
		return NULL;
	}
	c->bytes -= len;
	/* It would come back as something else: nothing is changed without a word. */
	if (!utf8_valid(text, len)) {
		err_set(c->e, ERR_USAGE, "a text of %zu bytes is no UTF-8, and cannot be kept or sent as it is: make it one first, or keep a digest of it", len);
		return NULL;
	}
	return json_new_text(text, len);
}

static struct json *to_json(lua_State *L, int index, int depth, struct copying *c)
{
	const char *secret;
	struct json *value;

	if (!c->values) {
		err_set(c->e, ERR_USAGE, "a table is too large (more than %d values)", VALUES_MAX);
		return NULL;
	}
	c->values--;
	if (depth > LIMIT_VALUE_DEPTH || !lua_checkstack(L, 8)) {
		err_set(c->e, ERR_USAGE, "a table is nested too deep, or contains itself");
		return NULL;
	}
	switch (lua_type(L, index)) {
	case LUA_TNIL:
		return json_new_null();
	case LUA_TBOOLEAN:
		return json_new_bool(lua_toboolean(L, index));
	case LUA_TNUMBER:
		return number_json(L, index, c);
	case LUA_TSTRING:
		return text_json(L, index, c);
	case LUA_TTABLE:
		return table_json(L, index, depth, c);
	default:
		break;
	}
	secret = luaL_testudata(L, index, SECRET_META);
	if (secret) {
		value = json_new_object();
		json_set_text(value, "$secret", secret);
		return value;
	}
	if (luaL_testudata(L, index, READONLY_META)) {
		lua_getiuservalue(L, index, 1);
		value = to_json(L, lua_gettop(L), depth, c);
		lua_pop(L, 1);
		return value;
	}
	err_set(c->e, ERR_USAGE, "a %s cannot be kept or sent", lua_typename(L, lua_type(L, index)));
	return NULL;
}

struct json *lua_to_json(lua_State *L, int index, struct err *e)
{
	struct copying c = {.e = e, .values = VALUES_MAX, .bytes = BYTES_MAX};
	struct json *value = to_json(L, lua_absindex(L, index), 0, &c);
	struct script *script = lua_script_of(L);

	/* No instruction of Lua counts it: a loop of copies would otherwise be as good as one without end. */
	if (script)
		script->budget -= (int64_t)(VALUES_MAX - c.values) / SCRIPT_VALUES_SLICE + (int64_t)(BYTES_MAX - c.bytes) / SCRIPT_BYTES_SLICE;
	return value;
}

/* ---- json.decode, json.encode ---- */

static int decode(lua_State *L)
{
	size_t len;
	const char *text = luaL_checklstring(L, 1, &len);
	struct lua_box *box = lua_push_box(L);
	struct err e = {0};

	box->value = json_parse(text, len, &e);
	if (!box->value)
		return luaL_error(L, "json.decode: %s", e.text);
	push(L, box->value, PUSH_FOREIGN);
	lua_box_clear(box);
	return 1;
}

static int encode(lua_State *L)
{
	struct lua_box *box = lua_push_box(L);
	struct err e = {0};

	luaL_checkany(L, 1);
	box->value = lua_to_json(L, 1, &e);
	if (!box->value)
		return luaL_error(L, "json.encode: %s", e.text);
	box->text = json_print(box->value);
	lua_pushstring(L, box->text);
	lua_box_clear(box);
	return 1;
}

int lua_json_library(lua_State *L)
{
	static const luaL_Reg functions[] = {{"decode", decode}, {"encode", encode}, {NULL, NULL}};

	luaL_newlib(L, functions);
	return 1;
}
