/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/lua/lua_actions.h"

const char *lua_action_type(enum action_type type)
{
	static const char *const types[] = {
		[ARG_TEXT] = "string",
		[ARG_INT] = "integer",
		[ARG_BOOL] = "boolean",
		[ARG_DURATION] = "bellbook.Duration",
		[ARG_COMMAND] = "string|string[]",
		[ARG_MAP] = "table<string, string|bellbook.Secret>",
		[ARG_DATA] = "string|bellbook.Secret",
		[ARG_LIST] = "string[]",
		[ARG_TABLES] = "table[]",
	};

	return types[type];
}

const char *lua_action_target(const struct action *action)
{
	static const char *const names[] = {
		[TARGET_HERE] = "",
		[TARGET_HOST] = "host",
		[TARGET_DATABASE] = "database",
		[TARGET_SERVICE] = "service",
	};

	return names[action->target];
}
