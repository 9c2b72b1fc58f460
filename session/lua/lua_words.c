/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/lua/lua_words.h"

#include <lauxlib.h>
#include <string.h>

#include "base/cause.h"
#include "base/mem.h"
#include "session/lua/lua_int.h"

/* The words for what failed: the cause first, behind it what was run, never a script before a reason. */

#define EACH_TEXT 2000	/* bytes after which the words for a failed each() name no further branch */

char *lua_failure_words(const struct json *value, const char *host, const char *shown)
{
	const char *signal = json_text(value, "signal", NULL), *more;
	struct buf lines = {0}, text = {0};
	size_t first;

	cause_find(json_text(value, "err", ""), json_text(value, "out", ""), &lines);
	first = strcspn(buf_text(&lines), "\n");
	buf_printf(&text, "%s: %.*s%s`", *host ? host : "this host", (int)first, buf_text(&lines), first ? " (" : "");
	cause_command(shown, &text);
	if (signal)
		buf_printf(&text, "` was ended by signal %s", signal);
	else
		buf_printf(&text, "` ended with status %lld", (long long)json_int(value, "code", -1));
	buf_puts(&text, first ? ")" : "");
	for (more = buf_text(&lines) + first; *more; more += strcspn(more + 1, "\n") + 1)
		buf_printf(&text, "\n  %.*s", (int)strcspn(more + 1, "\n"), more + 1);
	buf_done(&lines);
	return buf_take(&text);
}

/* cause(answer) or cause(err, out): the lines that say why a command failed, "" when it said nothing. */
int lua_cause(lua_State *L)
{
	struct lua_box *box = lua_push_box(L);
	struct buf lines = {0};

	lua_insert(L, 1);
	if (lua_istable(L, 2)) {
		lua_settop(L, 2);
		lua_getfield(L, 2, "err");
		lua_getfield(L, 2, "out");
		lua_remove(L, 2);
	}
	cause_find(luaL_optstring(L, 2, ""), luaL_optstring(L, 3, ""), &lines);
	box->text = buf_take(&lines);
	lua_pushstring(L, box->text);
	return 1;
}

/* "app1: words": the words may begin with the name already. */
static void put_failure(struct buf *text, const char *key, const char *error)
{
	size_t len = strlen(key);

	if (strncmp(error, key, len) != 0 || error[len] != ':')
		buf_printf(text, "%s: ", key);
	buf_printf(text, "%.*s", EACH_TEXT / 2, error);
}

/* Each inside each would multiply it; all of them are in the table. Words of several lines stand below each other. */
void lua_each_words(struct buf *text, const struct fanout *fan)
{
	bool below = false;
	size_t n = 0;

	for (size_t i = 0; i < fan->count; i++)
		below = below || (fan->errors[i] && strchr(fan->errors[i], '\n') && fan->count > 1);
	if (fan->count > 1)
		buf_printf(text, "%zu of %zu failed:%s", fan->failed, fan->count, below ? "" : " ");
	for (size_t i = 0; i < fan->count; i++) {
		if (!fan->errors[i])
			continue;
		if (text->len < EACH_TEXT) {
			buf_puts(text, below ? "\n" : n++ ? "; " : "");
			put_failure(text, fan->keys[i], fan->errors[i]);
		} else if (text->data[text->len - 1] != '.') {
			buf_puts(text, "; and others ...");
		}
	}
	if (fan->started < fan->count)
		buf_printf(text, "; %zu were not started", fan->count - fan->started);
}

