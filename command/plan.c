/* plan.c - the plan of a runbook, from home. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/command.h"
#include "command/home.h"

/* EXIT_FAILED makes home wait until it was read. */
static int show(struct home_run *run, void *arg)
{
	(void)arg;
	run->o->args[0] = home_data_path(&run->data, run->choice.runbook);
	run->o->count = 1;
	(void)cmd_show(run->o);
	run->o->count = 0;
	return EXIT_FAILED;
}

void home_plan(struct home_run *run, const char *runbook)
{
	(void)runbook;
	home_lend(run, show, NULL);
}
