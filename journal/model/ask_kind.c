/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/model/ask_kind.h"

#include <stddef.h>
#include <string.h>

#include "base/str.h"

static const struct ask_type types[] = {
#define ASK(id, name, about, choices, who, voided, order, chosen, usual, spare, ...) \
	{ ASK_##id, name, about, choices, who, voided, order, chosen, usual, spare },
#include "journal/model/ask_kinds.def"
	{ ASK_UNKNOWN, NULL, NULL, NULL, ANSWER_DRIVER, VOID_BY_RUNBOOK, ORDER_HOLDS, false, NULL, 0 },
};

static const struct ask_type unknown = {
	ASK_UNKNOWN, "", "", "", ANSWER_DRIVER, VOID_BY_RUNBOOK, ORDER_HOLDS, false, "", 0,
};

const struct ask_type *ask_type_of(const char *name)
{
	for (const struct ask_type *type = types; name && type->name; type++)
		if (str_is(type->name, name))
			return type;
	return &unknown;
}

const struct ask_type *ask_types(void)
{
	return types;
}

/* The value in a list with blanks around each, NULL when it is not there. */
static const char *value_in(const char *list, const char *value)
{
	size_t len = strchr(value, ' ') ? 0 : strlen(value);

	for (const char *at = list; len && (at = strstr(at, value)) != NULL; at += len)
		if (at[-1] == ' ' && (at[len] == ' ' || at[len] == '('))
			return at + len;
	return NULL;
}

bool ask_type_wants(const struct ask_type *type, const char *value, const char *member)
{
	const char *at = strncmp(type->choices, " *(", 3) == 0 ? type->choices + 2 : value_in(type->choices, value);
	size_t len = strlen(member);

	while (at && (*at == '(' || *at == ',')) {
		at++;
		if (strncmp(at, member, len) == 0 && (at[len] == ',' || at[len] == ')'))
			return true;
		at += strcspn(at, ",)");
	}
	return false;
}

bool ask_type_is_usual(const struct ask_type *type, const char *value)
{
	return str_is(type->usual, "*") || value_in(type->usual, value);
}

bool ask_type_holds(const struct ask_type *type)
{
	return type->order != ORDER_BESIDE && type->order != ORDER_FIRST_BESIDE;
}
