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
static const struct {
	enum event_kind kind;
	const char *words, *values;
} members[] = {
	{ EVENT_SESSION_OPENED, " runbook fleet tool journal process steps ", "" },
	{ EVENT_SESSION_RESUMED, " runbook fleet tool journal process steps ", "" },
	{ EVENT_SESSION_CLOSED, " outcome runbook path fleet by ", " params open " },
	{ EVENT_RUNBOOK_CHANGED, " step change ", "" },
	{ EVENT_PARAM_SET, " name source ", " value " },
	{ EVENT_STEP_BEGUN, " part ", "" },
	{ EVENT_STEP_ENDED, " state due ", " gives owner " },
	{ EVENT_CALL_BEGUN, " action effect job of ", " args as " },
	{ EVENT_CALL_ENDED, " outcome signal by ", " result " },
	{ EVENT_CALL_SETTLED, " how by job ", "" },
	{ EVENT_CALL_PROGRESS, "", " unit " },
	{ EVENT_LINK_CHANGED, " state ", "" },
	{ EVENT_WORKER_LOST, " calls ", "" },
	{ EVENT_ASKED, " of type name ask expect host action digest hash step state who by to ",
	  " text title label help value default unit owner as " },
	{ EVENT_ANSWERED, " due ", " value owner " },
	{ EVENT_APPROVAL_ASKED, " step hash ", "" },
	{ EVENT_APPROVAL_GIVEN, " step hash by ", "" },
	{ EVENT_APPROVAL_VOIDED, " by ", "" },
	{ EVENT_NOTE, " secret masked stuck ", "" },
	{ EVENT_JOINED, " role login ", " view " },
	{ EVENT_LEFT, " role ", " view " },
	{ EVENT_WHEEL_PASSED, " to from how ", "" },
	{ EVENT_INVITED, "", " to " },
	{ EVENT_DISMISSED, "", " to " },
	{ EVENT_DEFERRED, " due ", " owner " },
	{ EVENT_DEBT_SETTLED, "", "" },
	{ EVENT_OUTSIDE_COUNTED, " state ", "" },
	{ EVENT_ANCHORED, " hash where ", "" },
	{ EVENT_CALL_OUTPUT, " stream ", "" },
	{ EVENT_UNKNOWN, "", "" },
};

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
	for (size_t i = 0; members[i].kind != EVENT_UNKNOWN; i++) {
		if (members[i].kind != kind)
			continue;
		if (has(members[i].words, key))
			return MEMBER_WORD;
		return has(members[i].values, key) ? MEMBER_VALUE : MEMBER_TEXT;
	}
	return MEMBER_TEXT;
}
