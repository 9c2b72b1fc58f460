/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/model/step_kind.h"

#include <stddef.h>
#include <string.h>

#include "base/str.h"

static const struct step_type types[] = {
#define STEP(id, name, about, prompt, effect, final, needs, own, glyph, warning, word, counted) \
	[STEP_##id] = { name, about, prompt, effect, final, needs, own, glyph, warning, word, counted },
#include "journal/model/step_kinds.def"
};

const struct step_type *step_type_of(enum step_kind kind)
{
	return &types[kind];
}

/* fields has blanks around each. */
static bool has(const char *fields, const char *field)
{
	size_t len = strchr(field, ' ') ? 0 : strlen(field);

	for (const char *at = fields; len && (at = strstr(at, field)) != NULL; at += len)
		if (at[-1] == ' ' && at[len] == ' ')
			return true;
	return false;
}

bool step_kind_needs(enum step_kind kind, const char *field)
{
	return has(types[kind].needs, field);
}

bool step_kind_owns(enum step_kind kind, const char *field)
{
	return has(types[kind].own, field);
}

int step_kind_owner(const char *field)
{
	for (int kind = 0; kind < STEP_KIND_COUNT; kind++)
		if (has(types[kind].own, field))
			return kind;
	return -1;
}

const char *step_kind_name(enum step_kind kind)
{
	return types[kind].name;
}

bool step_kind_parse(const char *name, enum step_kind *out)
{
	for (int kind = 0; kind < STEP_KIND_COUNT; kind++) {
		if (!str_is(types[kind].name, name))
			continue;
		*out = (enum step_kind)kind;
		return true;
	}
	return false;
}
