/* job.h - named jobs on a target through job.sh: started once, followed, found again, stopped, forgotten; private to job_actions.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_DO_JOB_H
#define ACTIONS_DO_JOB_H

#include "actions/worker/call.h"

/* The three functions of an action whose command runs as a job: see struct action. */
int job_start(struct call *call, struct err *e);
int job_settle(struct call *call, enum action_settled *how, struct err *e);
int job_forget(struct call *call, struct err *e);

#endif
