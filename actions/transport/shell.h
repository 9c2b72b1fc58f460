/* shell.h - commands on a target: framed ones through a persistent sh (no new channel, no new process but a fork), or one on a channel of its own. What a login prints around them is nobody's output: told once as a note. A login that lets one stream through will do. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_TRANSPORT_SHELL_H
#define ACTIONS_TRANSPORT_SHELL_H

#include "actions/worker/call.h"
#include "base/buf.h"

#include <stdint.h>

struct shell;	/* the persistent shell of a link */
struct run;	/* one running command */

/* Frees the shell; what it still runs is left alone. NULL is fine. */
void shell_free(struct shell *shell);

/* Opens connection and persistent shell when there is none, and waits until it has begun. When it fails, nothing was asked of the host.
 * Errors as transport_get; ERR_USAGE = the log-in runs no commands, begins no shell within two minutes, or throws away what is printed on stdout. */
int shell_ready(struct call *call, struct err *e);

/* Runs script (shell text) in a subshell of the link's persistent shell, where the functions of job.sh are known; its stdin is feed, or /dev/null when feed is NULL. feed never enters an argv.
 * Errors as shell_ready. Caller owns; run_close. */
struct run *run_framed(struct call *call, const char *script, const struct buf *feed, struct err *e);

/* As run_framed with `VERB JOB …` for job.sh, in the persistent shell itself: a fork less. */
struct run *run_framed_bb(struct call *call, const char *verbs, const struct buf *feed, struct err *e);

/* Runs script in a sh of its own on a channel of its own. verbs: script is `VERB JOB …` for job.sh. With keep_stdin the command's stdin stays open until run_close or run_eof, and feed is NULL;
 * else it is feed, or empty. When the host allows no second channel, an idle persistent shell is given up for it. */
struct run *run_plain(struct call *call, const char *script, const struct buf *feed, bool keep_stdin, struct err *e);
struct run *run_plain_bb(struct call *call, const char *verbs, bool keep_stdin, struct err *e);

/* Waits until a run with keep_stdin has begun: only then may run_write be used. 0, or -1 as run_read. */
int run_begin(struct run *run, struct call *call, struct err *e);

/* Writes to its stdin; blocks through call_wait. 0 also when the command reads no more: *ended then. -1: ERR_CANCELED, ERR_TIMEOUT, ERR_IO. */
int run_write(struct run *run, struct call *call, const void *bytes, size_t len, bool *ended, struct err *e);

/* End of file on its stdin. Errors as run_write. */
int run_eof(struct run *run, struct call *call, struct err *e);

/* The script for run_plain which calls job.sh's functions, by a shell that knows nothing: appends to out. */
void run_bb_script(const struct call *call, struct buf *out, const char *verbs);

/* As read of the transport: 1 = bytes were appended, 0 = it ended, 2 = extra_us passed; -1: ERR_CANCELED, ERR_TIMEOUT, ERR_IO = the connection is lost,
 * ERR_REMOTE = the persistent shell ended under the command, no second channel was given, or the login has become one with one stream (again will do); ERR_USAGE = the log-in runs no commands: nothing was run. */
int run_read(struct run *run, struct call *call, struct buf *out, struct buf *errout, int64_t extra_us, struct err *e);

/* Reads until the end, both streams. 0, or -1 as run_read. */
int run_finish(struct run *run, struct call *call, struct buf *out, struct buf *errout, struct err *e);

/* True when an ended run on a channel of its own was cut short: its shell went (killed) without telling the end, and what came last may be a wrapper's words. */
bool run_is_cut(const struct run *run);

/* Exit status of an ended run as sh gives it: 128 + N for signal N. -1 = unknown. */
int run_status(const struct run *run);

/* A read that is to be stopped: kills what the run's shell runs on the target. Best effort, within a second. */
void run_kill(struct run *run, struct call *call);

/* Closes and frees; when a framed run has not ended, the persistent shell is given up with it. NULL is fine. */
void run_close(struct run *run, struct call *call);

#endif
