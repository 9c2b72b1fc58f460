/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/lua/lua_int.h"

#include <errno.h>
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "session/lua/lua_watch.h"

#define PATTERN_TEXT_MAX 4096

/* Values of parameters: from the command line (texts), from an answer, or the runbook's default. */

struct matching {
	const char *text, *pattern;
	bool matches;
};

static int match_protected(lua_State *L)
{
	struct matching *m = lua_touserdata(L, 1);
	lua_Integer first, last;

	lua_getglobal(L, "string");
	lua_getfield(L, -1, "find");
	lua_pushstring(L, m->text);
	lua_pushstring(L, m->pattern);
	lua_call(L, 2, 2);
	first = lua_tointeger(L, -2);
	last = lua_tointeger(L, -1);
	m->matches = !lua_isnil(L, -2) && first == 1 && last == (lua_Integer)strlen(m->text);
	return 0;
}

bool script_pattern_is_fine(struct script *script, const char *pattern, struct err *e)
{
	struct matching m = {.text = "", .pattern = pattern};

	return lua_protected(script, match_protected, &m, e) == 0;
}

/* Once in the life of a runbook that is tested with short texts: "a*a*a*a*b" and a long one. */
static int match(struct script *script, const char *name, struct matching *m, struct err *e)
{
	char *words = mem_printf("the pattern of parameter '%s' goes on without end inside one function of Lua with the %zu bytes that were given: mend the pattern, or give something else. "
				 "Nothing of it was taken. %s", name, strlen(m->text), script->book.path);
	int result;

	lua_watch_begin(words, NULL, NULL, LUA_WATCH_LOAD);
	mem_free(words);
	result = lua_protected(script, match_protected, m, e);
	lua_watch_end();
	return result;
}

static bool to_number(const struct json *value, double *out)
{
	const char *text = json_as_text(value);
	char *end;

	if (!text) {
		if (json_type_of(value) != JSON_IS_INT && json_type_of(value) != JSON_IS_REAL)
			return false;
		*out = json_as_real(value, 0);
		return true;
	}
	errno = 0;
	*out = strtod(text, &end);
	return *text && !*end && errno == 0 && isfinite(*out);
}

static struct json *check_number(const struct script_param *param, const struct json *value, struct err *e)
{
	bool whole = str_is(param->type, "integer");
	double number;

	if (!to_number(value, &number) || (whole && (number != floor(number) || fabs(number) > 9e15))) {
		err_set(e, ERR_USAGE, "%s: a %s is needed", param->name, whole ? "whole number" : "number");
		return NULL;
	}
	if ((!isnan(param->min) && number < param->min) || (!isnan(param->max) && number > param->max)) {
		if (isnan(param->max))
			err_set(e, ERR_USAGE, "%s: at least %g is needed", param->name, param->min);
		else if (isnan(param->min))
			err_set(e, ERR_USAGE, "%s: at most %g is possible", param->name, param->max);
		else
			err_set(e, ERR_USAGE, "%s: a number from %g to %g is needed", param->name, param->min, param->max);
		return NULL;
	}
	return whole ? json_new_int((int64_t)number) : json_new_real(number);
}

static struct json *check_boolean(const struct script_param *param, const struct json *value, struct err *e)
{
	static const char *const yes[] = {"true", "yes", "y", "on", "1"}, *const no[] = {"false", "no", "n", "off", "0"};
	const char *text = json_as_text(value);

	if (json_type_of(value) == JSON_IS_BOOL)
		return json_copy_of(value);
	for (size_t i = 0; text && i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (str_is(text, yes[i]))
			return json_new_bool(true);
		if (str_is(text, no[i]))
			return json_new_bool(false);
	}
	err_set(e, ERR_USAGE, "%s: yes or no is needed", param->name);
	return NULL;
}

static struct json *check_choice(const struct script_param *param, const char *text, struct err *e)
{
	struct buf list = {0};

	for (size_t i = 0; i < json_count(param->choices); i++) {
		const char *choice = json_as_text(json_item(param->choices, i));

		if (str_is(choice, text)) {
			buf_done(&list);
			return json_new_text(text, strlen(text));
		}
		buf_printf(&list, "%s%s", i ? ", " : "", choice ? choice : "?");
	}
	err_set(e, ERR_USAGE, "%s: one of %s is needed", param->name, buf_text(&list));
	buf_done(&list);
	return NULL;
}

static struct json *check_text(struct script *script, const struct script_param *param, const char *text, struct err *e)
{
	struct matching m = {.text = text, .pattern = param->pattern};
	int64_t us;

	if (strlen(text) > LIMIT_TEXT) {
		err_set(e, ERR_USAGE, "%s: %zu bytes; at most %zu are taken", param->name, strlen(text), LIMIT_TEXT);
		return NULL;
	}
	if (str_is(param->type, "duration") && !str_to_duration(text, &us)) {
		err_set(e, ERR_USAGE, "%s: a duration is needed, like 90s, 10m, 6h or 2d", param->name);
		return NULL;
	}
	if (str_is(param->type, "host") && (!*text || *text == '-' || strpbrk(text, " \t\r\n'\"\\;|&$`<>"))) {
		err_set(e, ERR_USAGE, "%s: a host name is needed", param->name);
		return NULL;
	}
	if (param->pattern && strlen(text) > PATTERN_TEXT_MAX) {
		err_set(e, ERR_USAGE, "%s: longer than %d bytes", param->name, PATTERN_TEXT_MAX);
		return NULL;
	}
	if (param->pattern && match(script, param->name, &m, e) < 0)
		return NULL;
	if (param->pattern && !m.matches) {
		err_set(e, ERR_USAGE, "%s: %s does not look right%s%s", param->name, text, param->help ? ": " : "", param->help ? param->help : "");
		return NULL;
	}
	return json_new_text(text, strlen(text));
}

struct json *script_param_check(struct script *script, const struct script_param *param, const struct json *value, struct err *e)
{
	const char *text = json_as_text(value);

	if (str_is(param->type, "integer") || str_is(param->type, "number"))
		return check_number(param, value, e);
	if (str_is(param->type, "boolean"))
		return check_boolean(param, value, e);
	if (!text) {
		err_set(e, ERR_USAGE, "%s: a text is needed", param->name);
		return NULL;
	}
	if (str_is(param->type, "choice"))
		return check_choice(param, text, e);
	return check_text(script, param, text, e);
}
