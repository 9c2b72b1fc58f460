/* lua_api.h - what a runbook may write, as data: its tables with their fields, and its functions. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_LUA_LUA_API_H
#define SESSION_LUA_LUA_API_H

#include <stdbool.h>

/*
 * Loading, `bellbook check` and the types for editors go by these tables; actions (ssh.run …) have
 * their own, in actions/worker/action.h. Types are written as LuaLS has them: "string", "integer",
 * "string[]", "fun(…)", "bellbook.Duration", with | between.
 */

/* A field of a table, or an argument of a function. */
struct lua_arg {
	const char *name; /* NULL ends a list; "..." is any number of them */
	const char *type;
	const char *help; /* one line */
	bool required;
};

/* A table that a runbook writes or gets. */
struct lua_class {
	const char *name; /* "bellbook.Step"; NULL ends the list */
	const char *help;
	const struct lua_arg *fields;
	const char *also; /* a class whose fields it has, too, or NULL */
};

struct lua_function {
	const char *name; /* "each", "json.decode", "s:ask"; NULL ends the list */
	const char *help;
	const struct lua_arg *args;
	const char *gives; /* type of its result; NULL = nothing, or it never comes back */
};

/* Every class, every function; static. */
const struct lua_class *lua_api_classes(void);
const struct lua_function *lua_api_functions(void);

/* By name; NULL when there is none. Static. */
const struct lua_class *lua_api_class(const char *name);
const struct lua_function *lua_api_function(const char *name);

/* The fields of a class by name, without those of `also`; NULL when there is no such class. */
const struct lua_arg *lua_api_fields(const char *name);

#endif
