/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/helpers.h"

#include <signal.h>
#include <unistd.h>

#include "base/proc.h"

#define WORDS 64

int helper_start(struct helper *helper, const char *const *words, struct err *e)
{
	const char *argv[WORDS] = {"/proc/self/exe"};
	int out[2];

	for (size_t i = 0; i < WORDS - 2 && words[i]; i++)
		argv[i + 1] = words[i];
	if (proc_pipe(out, e) < 0)
		return -1;
	helper->pid = proc_start(&(struct proc_spawn){.argv = argv, .in = -1, .out = out[1], .err = -1, .new_group = true, .die_with_parent = true}, e);
	close(out[1]);
	if (helper->pid > 0)
		return out[0];
	close(out[0]);
	helper->pid = 0;
	return -1;
}

void helper_stop(struct helper *helper)
{
	if (helper->pid > 0) {
		kill(helper->pid, SIGKILL);
		proc_wait(helper->pid);
	}
	*helper = (struct helper){0};
}
