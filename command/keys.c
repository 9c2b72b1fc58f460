/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bellbook keys: what the keys do, with the person's own; also how to find out what is wrong in the keys file. */
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "command/command.h"
#include "tui/term/keyfile.h"
#include "tui/term/keytable.h"

static void screens(unsigned where, struct buf *out)
{
	for (unsigned at = 0; keytable_screen(at); at++)
		if (where & (1u << at))
			buf_printf(out, "%s%s", out->len > 0 ? " " : "", keytable_screen(at));
}

static void print_row(const struct action_row *row, bool as_json)
{
	struct buf keys = { 0 }, where = { 0 };

	keytable_keys(row->action, &keys);
	screens(row->where, &where);
	if (as_json) {
		struct json *line = json_new_object();
		char *print;

		json_set_text(line, "action", row->name);
		json_set_text(line, "keys", buf_text(&keys));
		json_set_text(line, "screens", buf_text(&where));
		json_set_text(line, "help", row->help);
		print = json_print(line);
		puts(print);
		mem_free(print);
		json_free(line);
	} else {
		printf("%-16s %-18s %s%s (%s)\n", row->name, keys.len > 0 ? buf_text(&keys) : "-", row->help,
			row->changes ? ", asks first" : "", buf_text(&where));
	}
	buf_done(&keys);
	buf_done(&where);
}

int cmd_keys(struct options *o)
{
	char *path = keyfile_path();
	struct err e = { 0 };
	int bad = keyfile_load(&e);

	if (!o->json)
		printf("# action         keys               what it does (screens)\n");
	for (const struct action_row *row = keytable(); row->action != ACTION_NONE; row++)
		print_row(row, o->json);
	if (!o->json && path)
		printf("# Your own keys: lines KEY ACTION in %s\n", path);
	mem_free(path);
	return bad ? cmd_fail(EXIT_USAGE, e.text) : EXIT_OK;
}
