/* helpers.h - bellbook running itself beside a screen, for what may take time: lines of JSON come back through a pipe. Private to command/. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef COMMAND_HELPERS_H
#define COMMAND_HELPERS_H

#include <sys/types.h>

#include "base/err.h"

struct helper {			/* zero-initialised runs nothing */
	pid_t pid;
};

/* Starts bellbook with words (NULL-terminated; the program's own name is put before), nothing on its stdin. Returns the descriptor its stdout comes through, the caller's; -1 on failure. It ends with us. */
int helper_start(struct helper *helper, const char *const *words, struct err *e);

/* Ends it with SIGKILL when it still runs, and reaps it. Fine when nothing runs. */
void helper_stop(struct helper *helper);

#endif
