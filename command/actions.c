/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bellbook actions: what a runbook can ask of the world, from the tables of actions. */
#include <stdio.h>

#include "actions/worker/action.h"
#include "actions/worker/action_doc.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "command/command.h"

#define NAMES_MAX 64

static int tell_one(const struct action *action, bool as_json)
{
	struct buf out = {0};

	if (as_json)
		return cmd_print_json(action_doc_json(action));
	action_doc_text(action, &out);
	fputs(buf_text(&out), stdout);
	buf_done(&out);
	return EXIT_OK;
}

static int no_such(const char *name)
{
	const char *names[NAMES_MAX] = {NULL}, *near;
	char *text;
	int result;

	for (size_t i = 0; action_list()[i] && i < NAMES_MAX - 1; i++)
		names[i] = action_list()[i]->name;
	near = str_nearest(name, names);
	text = mem_printf("there is no action %s%s%s; bellbook actions lists them", name, near ? "; did you mean " : "", near ? near : "");
	result = cmd_fail(EXIT_USAGE, text);
	mem_free(text);
	return result;
}

int cmd_actions(struct options *o)
{
	const struct action *const *list = action_list();
	const struct action *action = o->count ? action_find(o->args[0]) : NULL;

	if (o->count)
		return action ? tell_one(action, o->json) : no_such(o->args[0]);
	for (size_t i = 0; list[i]; i++) {
		if (list[i]->by_hand)
			continue;
		if (o->json)
			(void)tell_one(list[i], true);
		else
			printf("%-16s %-7s %s\n", list[i]->name, action_effect_name(list[i]->effect), list[i]->help);
	}
	return EXIT_OK;
}
