/* job_int.h - a job on its way, for the files that drive it (job.c), look for it (job_look.c) and bring its output (job_output.c); private to them. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_DO_JOB_INT_H
#define ACTIONS_DO_JOB_INT_H

#include "actions/worker/call.h"
#include "actions/transport/shell.h"
#include "actions/worker/sink.h"
#include "base/buf.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOB_PAUSE_MIN (TIME_SECOND / 100)
#define JOB_MARK "bellbook:"	/* before the line that a verb of job.sh says */

enum job_state { JOB_LAUNCH, JOB_FOLLOW, JOB_LOOK, JOB_COLLECT, JOB_DONE };

struct job {
	struct call *call;	/* borrowed */
	enum job_state state;
	struct sink sink;
	struct run *starter;	/* owned; NULL when it was lost: then the claim is polled */
	struct buf said[2];	/* by the starter */
	struct run *watch;	/* owned; the live output */
	int64_t pause;
	int64_t pid;		/* of the runner, 0 = not known */
	char since[32];		/* its start time */
	int status;		/* exit status once it ended */
	struct buf last[2];	/* the last bytes that the watch brought */
	bool asked;		/* this generation was sent to the host, or some of it */
	bool whole[2];		/* all of that stream has been told */
	bool settling;		/* look tells the session what it found */
	enum action_settled found;
	bool stopping;
	int64_t kill_us;	/* when KILL is sent (again) */
	bool blind;		/* the host allows no second channel: the output comes at the end */
	int losses;		/* how often connection or shell were lost */
	int64_t look_until;	/* end of the wait for a claim to be written */
};

/* The line behind the mark in what a verb said, NUL-terminated in place; *rest gets the offset of what follows. NULL when there is none yet. Borrowed from said. */
char *job_line(struct buf *said, size_t *rest);

/* A shell that ended under one of our own verbs (ERR_REMOTE) is as good as a lost connection (ERR_IO). */
void job_as_lost(struct err *e);

/* Runs a verb of job.sh to its end and gives its line: own = on a channel of its own, as the persistent shell is taken. Caller frees *line. Blocks; errors as run_read, a lost shell as ERR_IO. */
int job_ask(struct job *job, const char *verbs, bool own, char **line, struct err *e);

/* What became of the job: sets its state (LAUNCH, FOLLOW, COLLECT, DONE, or LOOK again), tells it to a session that settles. Blocks; errors as job_ask, ERR_TIMEOUT = nobody can know. */
int job_look(struct job *job, struct err *e);

/* Looks at the claim while no starter waits; anything but "running" is for job_look. Blocks; errors as job_ask. */
int job_poll(struct job *job, struct err *e);

/* Opens the live output beside the starter. A host that refuses a second channel (MaxSessions 1) is no reason to fail: blind then. Errors as run_plain. */
int job_open_watch(struct job *job, struct err *e);

/* Reads the watch for at most pause (microseconds), or waits so long. 1 = there was output, 0 = none, -1 as run_read. */
int job_read_watch(struct job *job, int64_t pause, struct err *e);

/* Brings the rest of the output once the job has ended, and sees whether it was run at all. Blocks; errors as run_read, ERR_USAGE = it was not run. */
int job_collect(struct job *job, struct err *e);

#endif
