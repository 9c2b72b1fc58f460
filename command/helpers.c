/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/helpers.h"

#include <signal.h>
#include <unistd.h>

#include "base/proc.h"

#define WORDS 64

int helper_start(struct helper *helper, const char *const *words, bool wants_in, struct err *e)
{
	const char *argv[WORDS] = {"/proc/self/exe"};
	int out[2], in[2] = {-1, -1};

	for (size_t i = 0; words[i] && i < WORDS - 2; i++)
		argv[i + 1] = words[i];
	if (proc_pipe(out, e) < 0)
		return -1;
	if (wants_in && proc_pipe(in, e) < 0) {
		close(out[0]);
		close(out[1]);
		return -1;
	}
	helper->pid = proc_start(&(struct proc_spawn){.argv = argv, .in = in[0], .out = out[1], .err = -1, .new_group = true, .die_with_parent = !wants_in}, e);
	close(out[1]);
	if (wants_in)
		close(in[0]);
	if (helper->pid < 0) {
		close(out[0]);
		if (wants_in)
			close(in[1]);
		helper->pid = 0;
		return -1;
	}
	helper->in = wants_in ? in[1] : 0;
	return out[0];
}

void helper_stop(struct helper *helper)
{
	if (helper->in > 0)
		close(helper->in);
	if (helper->pid > 0) {
		kill(helper->pid, SIGKILL);
		proc_wait(helper->pid);
	}
	*helper = (struct helper){0};
}
