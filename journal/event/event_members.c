/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/event/event.h"

#include <string.h>

/*
 * What the members of data hold, for redaction: a secret may be "mastodon",
 * and a step "mastodon-web". Words are bellbook's own, values are what a
 * runbook computes with and asks about, and names that people type, in which
 * a password may land; all else is text that people or the
 * world wrote, also what a newer kind has and this table does not name.
 * Each list has blanks around its keys.
 */
struct lists {
	const char *words, *values;
};

static struct lists lists_of(enum event_kind kind)
{
	switch (kind) {
#define KIND(id, number, name, durability, version, about, members, words, values, ...) \
	case EVENT_##id: \
		return (struct lists){ words, values };
#include "journal/event/kinds.def"
	case EVENT_UNKNOWN:
		break;
	}
	return (struct lists){ "", "" };
}

static bool has(const char *keys, const char *key)
{
	size_t len = strlen(key);
	const char *at = keys;

	if (len == 0 || strchr(key, ' '))
		return false;
	while ((at = strstr(at, key)) != NULL) {
		if (at[-1] == ' ' && at[len] == ' ')
			return true;
		at += len;
	}
	return false;
}

enum event_member event_member_of(enum event_kind kind, const char *key)
{
	struct lists lists = lists_of(kind);

	if (has(lists.words, key))
		return MEMBER_WORD;
	return has(lists.values, key) ? MEMBER_VALUE : MEMBER_TEXT;
}
