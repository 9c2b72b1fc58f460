/* home.c - bellbook without a command: what is unfinished, and what there is to run. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/command.h"

#include <stdio.h>

#include "base/buf.h"
#include "journal/export.h"

int cmd_home(struct options *o)
{
	struct err e = {0};
	struct json *sessions = export_sessions(o->journal, true, 20, &e);
	struct buf out = {0};

	if (!sessions && e.kind != ERR_NOTFOUND)
		return cmd_fail_err(&e);
	if (json_count(sessions)) {
		puts("UNFINISHED SESSIONS (bellbook attach N joins, bellbook resume N takes over)");
		export_sessions_text(sessions, &out);
		fputs(buf_text(&out), stdout);
		buf_done(&out);
		putchar('\n');
	}
	json_free(sessions);
	puts("RUNBOOKS (bellbook show NAME to read one, bellbook run NAME --dry-run to try, bellbook run NAME to start)");
	cmd_list(o);
	puts("\nbellbook help lists all commands; man bellbook tells the rest.");
	return EXIT_OK;
}
