/* way_back.c - the way back of a session that is over, opened with all that fills it in. Nothing starts without a further question. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/command.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "journal/model/back.h"
#include "journal/export/export.h"

/* A walk that goes back already, by the same runbook; 0 = none. The newest counts. */
static int64_t goes_back(const struct options *o)
{
	struct err e = {0};
	struct json *sessions = export_sessions(o->journal, true, 0, &e);
	int64_t found = 0;

	for (size_t i = 0; i < json_count(sessions) && !found; i++)
		if (str_is(json_text(json_item(sessions, i), "runbook", ""), json_text(o->way_back, "runbook", NULL)) && !json_bool(json_item(sessions, i), "dry_run", false))
			found = json_int(json_item(sessions, i), "session", 0);
	json_free(sessions);
	return found;
}

/* A line of the terminal that is exactly "yes". */
static bool says_yes(void)
{
	char line[64] = "";

	if (!fgets(line, sizeof(line), stdin))
		return false;
	line[strcspn(line, "\r\n")] = '\0';
	return str_is(line, "yes");
}

static int ask(struct options *o, int result)
{
	struct json *back = o->way_back;
	int64_t other = goes_back(o);
	struct buf command = {0};

	if (other) {
		printf("Session %lld goes back already: bellbook attach %lld, or bellbook resume %lld when it stopped. Nothing was started.\n", (long long)other,
		       (long long)other, (long long)other);
		return result;
	}
	back_command(back, &command);
	printf("\nThe way back, filled in: %s\nIt looks first, and asks before every change. Type yes to start it now; anything else starts nothing.\nstart> ", buf_text(&command));
	buf_done(&command);
	fflush(stdout);
	if (!says_yes()) {
		puts("Nothing was started.");
		return result;
	}
	o->way_back = NULL;
	json_free(o->set);
	o->set = json_copy_of(json_at(back, "params"));
	o->note = NULL;
	o->fleet = json_text(back, "fleet", o->fleet);
	result = cmd_start(o, json_text(back, "path", json_text(back, "runbook", "")));
	o->fleet = NULL;
	json_free(back);
	return result;
}

int cmd_way_back(struct options *o, int result)
{
	if (cmd_is_plain(o))
		return ask(o, result);
	o->count = 0;
	(void)cmd_home(o);
	return result;
}
