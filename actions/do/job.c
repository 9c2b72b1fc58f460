/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The near side of job.sh (whose head says what is guaranteed, and why).
 *
 * launch	`start` through the persistent shell: for a short job the whole
 *		call is this one exchange. A job that takes longer keeps that
 *		shell waiting, and its output comes over a second channel
 *		(`watch`).
 * follow	until the end is known: from the starter's line, or, when the
 *		starter was lost, by polling the claim.
 * look		after any loss: what became of the job? It alone decides between
 *		starting (in the next generation), following and collecting.
 * collect	the rest of the output by offset, exactly; then the result.
 *
 * Whatever fails on the way with ERR_IO leads to: connect again, look.
 */
#define _GNU_SOURCE
#include "actions/do/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/worker/call_int.h"
#include "actions/do/command.h"
#include "actions/do/job_int.h"
#include "actions/transport/link.h"
#include "base/duration.h"
#include "base/mem.h"
#include "base/str.h"

#define MS (TIME_SECOND / 1000)
#define HEAD_MAX 65536			/* bytes of each stream that `start` reports inline */
#define QUIET_MAX (60 * MS)		/* a starter that says nothing for so long gets a watch beside it */
#define PAUSE_MAX (150 * MS)		/* how late an end is noticed at most */
#define PAUSE_LOSS (10 * TIME_SECOND)
#define GRACE (5 * TIME_SECOND)
#define GRACE_AFTER (15 * TIME_SECOND)	/* for KILL to work and the end to be seen */
#define SETTLE_AGAIN_MAX (20 * TIME_SECOND)

static void close_runs(struct job *job)
{
	run_close(job->watch, job->call);
	run_close(job->starter, job->call);
	job->watch = job->starter = NULL;
	buf_clear(&job->said[0]);
	buf_clear(&job->said[1]);
}

static int64_t grace_of(const struct call *call)
{
	const struct json *grace = json_at(call_args(call), "grace");
	int64_t us;

	return duration_of(grace, &us) ? us : GRACE;
}

static int no_space(const struct job *job, struct err *e)
{
	err_set(e, ERR_FULL, "no space left on %s: the job was not started, as its output is kept in a file there first. A shell (!) needs none: make room with it", link_name(job->call));
	return call_not_run(job->call);
}

static int cannot(const struct job *job, const char *words, struct err *e)
{
	if (strstr(words, "No space left") || strstr(words, "quota"))
		return no_space(job, e);
	err_set(e, ERR_REMOTE, "the job was not started on %s: %s", link_name(job->call), words);
	return call_not_run(job->call);
}

/* Its folder cannot be used: whoever reads it can name another. */
static int nowhere(const struct job *job, const char *words, struct err *e)
{
	const char *name = link_name(job->call), *place = link_option(job->call, "jobs");

	if (strstr(words, "No space left") || strstr(words, "quota"))
		return no_space(job, e);
	if (place)
		err_set(e, ERR_REMOTE, "%s has no place for jobs, so nothing was started: cannot %s (the fleet file says jobs = \"%s\" for this host)",
			name, words, place);
	else
		err_set(e, ERR_REMOTE, "%s has no place for jobs, so nothing was started: cannot %s; %s", name, words,
			*call_host(job->call) ? "jobs = \"/FOLDER\" among the options of this host in the fleet file names another"
					      : "HOME must name a folder that can be written");
	return call_not_run(job->call);
}

static int launch(struct job *job, struct err *e)
{
	struct command command = {0};
	struct buf text = {0};

	if (shell_ready(job->call, e) < 0)
		return -1;
	buf_puts(&text, "start ");
	str_shell_quote(&text, call_job(job->call));
	if (command_prepare(job->call, &command, true, e) == 0 && command_build(job->call, &command, e) == 0) {
		if (command.fed)
			buf_puts(&command.feed, "bellbook:end\n");
		buf_printf(&text, " %d " JOB_MARK " %d ", call_generation(job->call), command.fed);
		str_shell_quote(&text, buf_text(&command.script));
		/* From here on the host may have heard of it. */
		job->asked = job->call->may_run = true;
		job->starter = run_framed_bb(job->call, buf_text(&text), command.fed ? &command.feed : NULL, e);
	}
	command_done(&command);
	buf_done(&text);
	if (!job->starter)
		return -1;
	job->found = SETTLED_RUNNING;
	job->state = JOB_FOLLOW;
	return 0;
}

/* The job ended while its starter waited: the status, and the first bytes of its output. */
static void started_ended(struct job *job, const char *status, size_t rest)
{
	const struct buf *out = &job->said[0];
	size_t len = out->len - rest;

	job->status = (int)strtol(status, NULL, 10);
	job->state = JOB_COLLECT;
	/* A watch has its own place in the output; collect goes on from there. */
	if (job->watch || job->last[0].len > 0 || job->last[1].len > 0)
		return;
	sink_at(&job->sink, 0, 0, out->data ? out->data + rest : NULL, len);
	sink_at(&job->sink, 1, 0, job->said[1].data, job->said[1].len);
	job->whole[0] = len < HEAD_MAX;
	job->whole[1] = job->said[1].len < HEAD_MAX;
}

/* The starter's last word. */
static int starter_said(struct job *job, struct err *e)
{
	size_t rest;
	const char *line = job_line(&job->said[0], &rest);

	run_close(job->starter, job->call);
	job->starter = NULL;
	if (line && str_starts(line, "ended ") && !str_is(line, "ended -")) {
		started_ended(job, line + 6, rest);
		return 0;
	}
	if (line && str_is(line, "refused"))
		return err_set(e, ERR_REMOTE, "the command was started on %s before: it is not started a second time",
			       link_name(job->call));
	if (line && str_is(line, "void")) {
		err_set(e, ERR_REMOTE, "the command was ruled out on %s by somebody else: it was not started",
			link_name(job->call));
		return call_not_run(job->call);
	}
	if (line && str_is(line, "full"))
		return no_space(job, e);
	if (line && str_starts(line, "cannot "))
		return cannot(job, line, e);
	if (line && str_starts(line, "nowhere "))
		return nowhere(job, line + 8, e);
	/* "lost", "cut", or nothing: only the claim knows. */
	job->state = JOB_LOOK;
	return 0;
}

/* Sends a signal to what the runner runs; as = by the user that the command runs as. *reached: how many got it. */
static int send_signal(struct job *job, const char *name, bool as, int64_t *reached, struct err *e)
{
	struct command command = {0};
	struct buf verbs = {0}, script = {0};
	struct buf said[2] = {{0}};
	struct run *run = NULL;
	size_t rest;
	const char *line;
	int result = -1;

	*reached = 0;
	buf_printf(&verbs, "signal - " JOB_MARK " %lld %s %s", (long long)job->pid, job->since, name);
	run_bb_script(job->call, &script, buf_text(&verbs));
	if (!as)
		run = run_plain(job->call, buf_text(&script), NULL, false, e);
	else if (command_prepare(job->call, &command, false, e) == 0 &&
		 command_as(job->call, &command, buf_text(&script), e) == 0)
		run = run_plain(job->call, buf_text(&command.script), command.fed ? &command.feed : NULL, false, e);
	if (run && run_finish(run, job->call, &said[0], &said[1], e) == 0) {
		line = job_line(&said[0], &rest);
		if (line && str_starts(line, "left "))
			*reached = strtoll(line + 5, NULL, 10);
		result = 0;
	}
	/* Without that user's rights others of its processes may stay; nobody is asked for a password now. */
	if (!run && as && e->kind == ERR_USAGE)
		result = 0;
	run_close(run, job->call);
	command_done(&command);
	buf_done(&verbs);
	buf_done(&script);
	buf_done(&said[0]);
	buf_done(&said[1]);
	return result;
}

static int signal_job(struct job *job, const char *name, struct err *e)
{
	int64_t reached;

	if (send_signal(job, name, false, &reached, e) < 0)
		return -1;
	if (json_at(call_args(job->call), "as"))
		return send_signal(job, name, true, &reached, e);
	return 0;
}

/* Everything that has to be done between two waits. */
static int follow_once(struct job *job, struct err *e)
{
	int got;

	if (job->stopping && time_mono_us() >= job->kill_us) {
		if (signal_job(job, "KILL", e) < 0)
			return -1;
		job->kill_us = time_mono_us() + TIME_SECOND;
	}
	if (!job->starter)
		return job_poll(job, e);
	/* What it says comes in parts, of which the last follows at once. */
	do
		got = run_read(job->starter, job->call, &job->said[0], &job->said[1], job->watch ? 0 : QUIET_MAX, e);
	while (got == 1);
	return got == 0 ? starter_said(job, e) : got < 0 ? -1 : 0;
}

static int follow(struct job *job, struct err *e)
{
	int got;

	if (follow_once(job, e) < 0)
		return -1;
	if (job->state != JOB_FOLLOW)
		return 0;
	if (!job->watch && !job->blind && job_open_watch(job, e) < 0)
		return -1;
	got = job_read_watch(job, job->pause, e);
	if (got < 0)
		return -1;
	job->pause = got > 0 ? JOB_PAUSE_MIN : job->pause * 2 < PAUSE_MAX ? job->pause * 2 : PAUSE_MAX;
	return 0;
}

/* A person cancelled: TERM to all that the job runs; follow sends KILL after the grace. */
static int begin_stop(struct job *job, struct err *e)
{
	int64_t grace = grace_of(job->call);
	enum job_state before = job->state;

	job->stopping = true;
	call_cancel_seen(job->call, grace + GRACE_AFTER);
	if (before == JOB_LAUNCH && !job->asked) {
		job->found = SETTLED_NEVER;
		job->state = JOB_DONE;
		return 0;
	}
	job->state = JOB_LOOK;
	job->settling = false;
	/* The runner may be about to take its claim: look voids it or sees it. */
	while (job->state == JOB_LOOK) {
		if (job_look(job, e) < 0)
			return -1;
	}
	/* What became of it is known from here on, also to a session that asked for just that. */
	job->call->settled_told = true;
	if (job->state == JOB_LAUNCH) {
		job->state = JOB_DONE;
		return 0;
	}
	if (job->state != JOB_FOLLOW)
		return 0;
	job->kill_us = time_mono_us() + grace;
	return signal_job(job, "TERM", e);
}

/* The connection or the shell is gone: again, and look. */
static int begin_again(struct job *job, struct err *e)
{
	char why[sizeof(e->text)];
	enum err_kind kind = e->kind;

	memcpy(why, e->text, sizeof(why));
	close_runs(job);
	job->state = JOB_LOOK;
	job->look_until = 0;
	/* A host on which every shell dies at once must not be asked in a tight circle. */
	if (job->losses++ > 0 && call_wait(job->call, -1, 0, job->losses < 50 ? job->losses * PAUSE_MAX : PAUSE_LOSS, e) < 0)
		return -1;
	if (kind == ERR_REMOTE)
		return 0;
	return link_again(job->call, why, job->settling ? SETTLE_AGAIN_MAX : 0, e);
}

static int step(struct job *job, struct err *e)
{
	switch (job->state) {
	case JOB_LAUNCH:
		return launch(job, e);
	case JOB_FOLLOW:
		return follow(job, e);
	case JOB_LOOK:
		return job_look(job, e);
	case JOB_COLLECT:
		return job_collect(job, e);
	case JOB_DONE:
		break;
	}
	return 0;
}

/* Words for the end of a job that was stopped. */
static int stopped(struct job *job, struct err *e)
{
	if (job->found == SETTLED_NEVER)
		return err_set(e, ERR_CANCELED, "it had not been started on %s, and now never will",
			       link_name(job->call));
	return err_set(e, ERR_CANCELED, "stopped on %s", link_name(job->call));
}

/* A failed step: true when the job goes on (e is spent), false when e is the end. */
static bool recover(struct job *job, bool launched, struct err *e)
{
	if (e->kind == ERR_CANCELED && !job->stopping)
		return begin_stop(job, e) == 0 || (e->kind == ERR_IO && recover(job, true, e));
	/* The shell that ended under `start` or a verb; words from start are ERR_REMOTE too, but final. */
	if (e->kind == ERR_IO || (e->kind == ERR_REMOTE && job->starter)) {
		if (!launched && !link_of(job->call)->transport) {	/* never connected: nothing was asked of the host */
			(void)(job->call->settle || job->call->may_run ? 0 : call_not_run(job->call));
			return false;
		}
		if (begin_again(job, e) == 0)
			return true;
		if (e->kind == ERR_CANCELED && !job->stopping)
			return recover(job, launched, e);
	}
	return false;
}

/* Runs the job from its state to its end. */
static int drive(struct job *job, struct err *e)
{
	bool launched = job->state != JOB_LAUNCH;
	int result = 0;

	while (job->state != JOB_DONE) {
		launched |= job->state != JOB_LAUNCH;
		result = step(job, e);
		if (result < 0 && !recover(job, launched, e))
			break;
		result = 0;
	}
	close_runs(job);
	if (result == 0 && job->found == SETTLED_NEVER && !job->stopping)
		return 0;
	if (result == 0 && job->found != SETTLED_UNKNOWN)
		call_set_result(job->call, command_result(job->status));
	if (result == 0)
		return job->stopping ? stopped(job, e) : 0;
	/* Not asked for, no doubt. */
	if (!launched && e->kind == ERR_TIMEOUT && !job->asked)
		e->kind = ERR_IO;
	/* A log-in that runs no commands any more says nothing of what it ran before. */
	if (e->kind == ERR_USAGE && (job->state == JOB_LOOK || (job->state == JOB_FOLLOW && job->losses > 0)))
		e->kind = ERR_TIMEOUT;
	/* A job that was asked for and whose end was not seen is in doubt, whatever stopped us. */
	if (launched && (job->stopping || e->kind == ERR_IO || e->kind == ERR_DENIED))
		e->kind = ERR_TIMEOUT;
	return -1;
}

static void job_init(struct job *job, struct call *call, enum job_state state)
{
	*job = (struct job){ .call = call, .state = state, .pause = JOB_PAUSE_MIN, .status = -1,
			     .found = SETTLED_RUNNING };
	sink_init(&job->sink, call);
}

static void job_done(struct job *job)
{
	close_runs(job);
	sink_done(&job->sink);
	buf_done(&job->said[0]);
	buf_done(&job->said[1]);
	buf_done(&job->last[0]);
	buf_done(&job->last[1]);
}

static bool is_name(const char *name)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

	return *name && *name != '.' && *name != '-' && strlen(name) <= 200 && strspn(name, allowed) == strlen(name);
}

int job_start(struct call *call, struct err *e)
{
	struct job job;
	int result;

	if (!is_name(call_job(call)))
		return err_set(e, ERR_USAGE, "\"%s\" is no name of a job", call_job(call));
	job_init(&job, call, JOB_LAUNCH);
	result = drive(&job, e);
	job_done(&job);
	return result;
}

int job_settle(struct call *call, enum action_settled *how, struct err *e)
{
	struct job job;
	int result;

	if (!is_name(call_job(call)))
		return err_set(e, ERR_USAGE, "\"%s\" is no name of a job", call_job(call));
	job_init(&job, call, JOB_LOOK);
	job.settling = true;
	result = drive(&job, e);
	*how = job.found;
	job_done(&job);
	return result;
}

/* " 'JOB' 'JOB' ..." for the names in the call, which are apart by blanks. */
static int quote_names(struct buf *out, const char *names, struct err *e)
{
	while (*names) {
		size_t len = strcspn(names, " ");
		char *name = mem_printf("%.*s", (int)len, names);
		bool is_fine = is_name(name);

		if (is_fine) {
			buf_putc(out, ' ');
			str_shell_quote(out, name);
		} else {
			err_set(e, ERR_USAGE, "\"%s\" is no name of a job", name);
		}
		mem_free(name);
		if (!is_fine)
			return -1;
		names += len + (names[len] == ' ');
	}
	return 0;
}

int job_forget(struct call *call, struct err *e)
{
	struct job job = { .call = call };
	struct buf verbs = {0};
	char *line = NULL;
	int result;

	buf_puts(&verbs, "forget - " JOB_MARK);
	result = quote_names(&verbs, call_job(call), e);
	if (result == 0) {
		result = job_ask(&job, buf_text(&verbs), false, &line, e);
		if (result < 0 && e->kind == ERR_IO) {
			transport_drop(call);
			result = job_ask(&job, buf_text(&verbs), false, &line, e);
		}
		if (result < 0 && e->kind == ERR_IO)
			transport_drop(call);
	}
	buf_done(&verbs);
	if (result == 0 && str_is(line, "running"))
		result = err_set(e, ERR_REMOTE, "%s still runs on %s", call_job(call), link_name(call));
	mem_free(line);
	return result;
}
