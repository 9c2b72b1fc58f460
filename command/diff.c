/* diff.c - bellbook diff: what was otherwise in another session. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/command.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/str.h"
#include "journal/export/export.h"

int cmd_diff(struct options *o)
{
	bool md = str_is(o->format, "md"), json = o->json || str_is(o->format, "json");
	struct err e = {0};
	struct buf out = {0};
	struct json *diff;
	int64_t a, b;

	if (o->count != 2 || !str_to_int(o->args[0], 1, INT64_MAX, &a) || !str_to_int(o->args[1], 1, INT64_MAX, &b))
		return cmd_fail(EXIT_USAGE, "diff needs the numbers of two sessions; bellbook sessions lists them");
	if (o->format && !md && !json && !str_is(o->format, "text"))
		return cmd_fail(EXIT_USAGE, "formats are text, md and json");
	diff = export_diff(o->journal, a, b, &e);
	if (!diff)
		return cmd_fail_err(&e);
	if (json)
		return cmd_print_json(diff);
	export_diff_text(diff, md, &out);
	fputs(buf_text(&out), stdout);
	buf_done(&out);
	json_free(diff);
	return EXIT_OK;
}
