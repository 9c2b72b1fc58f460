/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/lua/lua_digest.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/*
 * What a function does, without where it stands: its code as Lua 5.4 dumps
 * it, less the two line numbers that stay in a stripped dump, and with the
 * values that it closes over (texts, numbers, helper functions of the file).
 * Inserting a step above another must not make the other a changed one, and
 * a changed helper must make each step that calls it a changed one.
 */

#define HEADER 31	/* bytes before the number of upvalues: signature, version, format, check data, three sizes, two check numbers */

struct code {
	struct sha256 *digest;
	const unsigned char *at, *end;
	bool bad;
};

static int collect(lua_State *L, const void *bytes, size_t len, void *arg)
{
	(void)L;
	buf_append(arg, bytes, len);
	return 0;
}

/* Moves over len bytes and counts them in the digest. */
static void take(struct code *code, size_t len)
{
	if (len > (size_t)(code->end - code->at)) {
		code->bad = true;
		code->at = code->end;
		return;
	}
	sha256_add(code->digest, code->at, len);
	code->at += len;
}

/* A number: seven bits a byte, the last byte has the high bit. */
static size_t number(struct code *code, bool counted)
{
	const unsigned char *from = code->at;
	size_t value = 0;

	while (code->at < code->end) {
		unsigned char byte = *code->at++;

		value = value << 7 | (byte & 0x7f);
		if (!(byte & 0x80))
			continue;
		if (counted)
			sha256_add(code->digest, from, (size_t)(code->at - from));
		return value;
	}
	code->bad = true;
	return 0;
}

static void text(struct code *code)
{
	size_t size = number(code, true);

	if (size)
		take(code, size - 1);
}

static void constants(struct code *code)
{
	for (size_t n = number(code, true); n && !code->bad; n--) {
		int type = code->at < code->end ? *code->at : 0;

		take(code, 1);
		if (type == 0x03 || type == 0x13)	/* an integer or a float, as its eight bytes */
			take(code, 8);
		else if (type == 0x04 || type == 0x14)
			text(code);
	}
}

static void function(struct code *code, int depth)
{
	text(code);
	(void)number(code, false);	/* the lines it stands in */
	(void)number(code, false);
	take(code, 3);
	take(code, 4 * number(code, true));
	constants(code);
	take(code, 3 * number(code, true));
	for (size_t n = number(code, true); n && !code->bad && depth < 100; n--)
		function(code, depth + 1);
	for (int i = 0; i < 4; i++)	/* lines, names: none in a stripped dump */
		if (number(code, true))
			code->bad = true;
}

static void digest_one(lua_State *L, struct sha256 *digest)
{
	struct buf dump = {0};
	struct code code = {.digest = digest};

	(void)lua_dump(L, collect, &dump, 1);
	code.at = (const unsigned char *)dump.data + (dump.len > HEADER ? HEADER : dump.len);
	code.end = (const unsigned char *)dump.data + dump.len;
	take(&code, 1);
	function(&code, 0);
	/* Another dump format than Lua 5.4's: then by all its bytes. */
	if (code.bad || code.at != code.end)
		sha256_add(digest, dump.data, dump.len);
	buf_done(&dump);
}

static void digest_value(lua_State *L, struct sha256 *digest, int *left)
{
	int type = lua_type(L, -1);
	size_t len;
	const char *bytes;

	sha256_add(digest, &type, sizeof(type));
	if (type == LUA_TSTRING || type == LUA_TNUMBER) {
		lua_pushvalue(L, -1);
		bytes = lua_tolstring(L, -1, &len);
		sha256_add(digest, bytes, len + 1);
		lua_pop(L, 1);
	} else if (type == LUA_TBOOLEAN) {
		sha256_add(digest, lua_toboolean(L, -1) ? "t" : "f", 1);
	} else if (type == LUA_TFUNCTION && !lua_iscfunction(L, -1)) {
		lua_digest_function(L, digest, left);
	}
}

void lua_digest_function(lua_State *L, struct sha256 *digest, int *left)
{
	if (--*left < 0 || !lua_checkstack(L, 8))
		return;
	digest_one(L, digest);
	for (int i = 1; lua_getupvalue(L, -1, i); i++) {
		digest_value(L, digest, left);
		lua_pop(L, 1);
	}
}

#define KEYS_MAX 256	/* names in one table; what is beyond them is not looked at */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in the table on top, sorted; they are the table's. */
static size_t sorted_keys(lua_State *L, const char *keys[KEYS_MAX])
{
	size_t n = 0;

	lua_pushnil(L);
	while (lua_next(L, -2)) {
		lua_pop(L, 1);
		if (lua_type(L, -1) == LUA_TSTRING && n < KEYS_MAX)
			keys[n++] = lua_tostring(L, -1);
	}
	qsort(keys, n, sizeof(*keys), by_text);
	return n;
}

static void digest_member(lua_State *L, struct sha256 *digest, int *left)
{
	if (lua_istable(L, -1))
		lua_digest_table(L, digest, left);
	else
		digest_value(L, digest, left);
	lua_pop(L, 1);
}

void lua_digest_table(lua_State *L, struct sha256 *digest, int *left)
{
	const char *keys[KEYS_MAX];
	size_t n;

	if (--*left < 0 || !lua_checkstack(L, 8))
		return;
	for (lua_Integer i = 1, count = (lua_Integer)lua_rawlen(L, -1); i <= count; i++) {
		lua_rawgeti(L, -1, i);
		digest_member(L, digest, left);
	}
	n = sorted_keys(L, keys);
	for (size_t i = 0; i < n; i++) {
		sha256_add(digest, keys[i], strlen(keys[i]) + 1);
		lua_pushstring(L, keys[i]);
		lua_rawget(L, -2);
		digest_member(L, digest, left);
	}
}
