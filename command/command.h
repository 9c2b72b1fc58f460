/* command.h - the commands of the command line, one function each. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

#include "command/common.h"

/* Each carries out one command, with its output on stdout and its faults in words on stderr; blocks until it is done; gives the exit status. */
int cmd_list(struct options *o);
int cmd_show(struct options *o);
int cmd_check(struct options *o);
int cmd_run(struct options *o);
int cmd_each(struct options *o);
int cmd_attach(struct options *o);
int cmd_resume(struct options *o);
int cmd_sessions(struct options *o);
int cmd_search(struct options *o);
int cmd_debts(struct options *o);
int cmd_diff(struct options *o);
int cmd_log(struct options *o);
int cmd_verify(struct options *o);
int cmd_note(struct options *o);
int cmd_review(struct options *o);
int cmd_home(struct options *o);
int cmd_hosts(struct options *o);
int cmd_outside(struct options *o);
int cmd_doctor(struct options *o);
int cmd_keys(struct options *o);
int cmd_actions(struct options *o);

#endif
