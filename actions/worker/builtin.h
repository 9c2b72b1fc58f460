/* builtin.h - the tables of all actions, for the registry in action.c alone. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_WORKER_BUILTIN_H
#define ACTIONS_WORKER_BUILTIN_H

#include "actions/worker/action.h"

/* job_actions.c */
extern const struct action action_ssh_read, action_ssh_run, action_ssh_job;
extern const struct action action_here_read, action_here_run;

/* terminal.c */
extern const struct action action_ssh_shell, action_here_shell;

/* ssh_put.c, ssh_get.c */
extern const struct action action_ssh_put, action_ssh_get;

/* outside_watch.c */
extern const struct action action_outside_look, action_outside_watch, action_outside_finish, action_outside_run;

#endif
