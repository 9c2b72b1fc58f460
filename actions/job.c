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
#include "actions/job.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/call_int.h"
#include "actions/command.h"
#include "actions/link.h"
#include "actions/shell.h"
#include "actions/sink.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"

#define MS (TIME_SECOND / 1000)
#define HEAD_MAX 65536			/* bytes of each stream that `start` reports inline */
#define QUIET_MAX (60 * MS)		/* a starter that says nothing for so long gets a watch beside it */
#define PAUSE_MIN (10 * MS)
#define PAUSE_MAX (150 * MS)		/* how late an end is noticed at most */
#define PAUSE_LOSS (10 * TIME_SECOND)
#define CLAIM_WAIT (3 * TIME_SECOND)	/* a claim that stays empty for so long is nobody's */
#define GRACE (5 * TIME_SECOND)
#define GRACE_AFTER (15 * TIME_SECOND)	/* for KILL to work and the end to be seen */
#define SETTLE_AGAIN_MAX (20 * TIME_SECOND)
#define MARK "bellbook:"

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
	bool whole[2];		/* all of that stream has been told */
	bool settling;		/* look tells the session what it found */
	enum action_settled found;
	bool stopping;
	int64_t kill_us;	/* when KILL is sent (again) */
	bool blind;		/* the host allows no second channel: the output comes at the end */
	int losses;		/* how often connection or shell were lost */
	int64_t look_until;	/* end of the wait for a claim to be written */
};

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

	if (json_type_of(grace) == JSON_IS_TEXT && str_to_duration(json_as_text(grace), &us))
		return us;
	if (json_type_of(grace) == JSON_IS_INT)
		return json_as_int(grace, 0) * TIME_SECOND;
	if (json_type_of(grace) == JSON_IS_REAL)
		return (int64_t)(json_as_real(grace, 0) * (double)TIME_SECOND);
	return GRACE;
}

static int no_space(const struct job *job, struct err *e)
{
	return err_set(e, ERR_FULL, "no space left on %s: the job was not started", link_name(job->call));
}

static int cannot(const struct job *job, const char *words, struct err *e)
{
	if (strstr(words, "No space left") || strstr(words, "quota"))
		return no_space(job, e);
	return err_set(e, ERR_REMOTE, "the job was not started on %s: %s", link_name(job->call), words);
}

/* The line behind the mark in what a verb said, NUL-terminated in place; *rest gets what follows. NULL when there is none yet. */
static char *find_line(struct buf *said, size_t *rest)
{
	char *at = said->len ? memmem(said->data, said->len, MARK " ", strlen(MARK) + 1) : NULL;
	char *end;

	if (!at)
		return NULL;
	at += strlen(MARK) + 1;
	end = memchr(at, '\n', said->len - (size_t)(at - said->data));
	if (!end)
		return NULL;
	*end = '\0';
	*rest = (size_t)(end + 1 - said->data);
	return at;
}

/* A shell that ended under one of our own verbs is as good as a lost connection. */
static void as_lost(struct err *e)
{
	if (e->kind == ERR_REMOTE)
		e->kind = ERR_IO;
}

/* Runs a verb of job.sh to its end and gives its line: own = on a channel of its own, as the persistent shell is taken. Caller frees *line. */
static int ask_host(struct job *job, const char *verbs, bool own, char **line, struct err *e)
{
	struct buf said[2] = {{0}};
	struct run *run;
	int result = -1;
	char *found;
	size_t rest;

	*line = NULL;
	run = own ? run_plain_bb(job->call, verbs, false, e) : run_framed_bb(job->call, verbs, NULL, e);
	if (run && run_finish(run, job->call, &said[0], &said[1], e) == 0) {
		found = find_line(&said[0], &rest);
		if (found) {
			*line = mem_strdup(found);
			result = 0;
		} else {
			/* A shell that was shot between two commands looks like this. */
			err_set(e, ERR_IO, "%s answers nonsense", link_name(job->call));
		}
	}
	if (result < 0)
		as_lost(e);
	run_close(run, job->call);
	buf_done(&said[0]);
	buf_done(&said[1]);
	return result;
}

/* "VERB 'JOB' MARK" in out. */
static void verb(struct buf *out, const struct job *job, const char *name)
{
	buf_printf(out, "%s ", name);
	str_shell_quote(out, call_job(job->call));
	buf_puts(out, " " MARK);
}

static int launch(struct job *job, struct err *e)
{
	struct command command = {0};
	struct buf text = {0};

	buf_puts(&text, "start ");
	str_shell_quote(&text, call_job(job->call));
	if (command_build(job->call, &command, e) == 0) {
		if (command.fed)
			buf_puts(&command.feed, "bellbook:end\n");
		buf_printf(&text, " %d " MARK " %d ", call_generation(job->call), command.fed);
		str_shell_quote(&text, buf_text(&command.script));
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
	if (job->watch)
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
	const char *line = find_line(&job->said[0], &rest);

	run_close(job->starter, job->call);
	job->starter = NULL;
	if (line && str_starts(line, "ended ") && !str_is(line, "ended -")) {
		started_ended(job, line + 6, rest);
		return 0;
	}
	if (line && str_is(line, "refused"))
		return err_set(e, ERR_REMOTE, "%s was started on %s before: it is not started a second time",
			       call_job(job->call), link_name(job->call));
	if (line && str_is(line, "void"))
		return err_set(e, ERR_REMOTE, "%s was ruled out on %s by somebody else: it was not started",
			       call_job(job->call), link_name(job->call));
	if (line && str_is(line, "full"))
		return no_space(job, e);
	if (line && str_starts(line, "cannot "))
		return cannot(job, line + 7, e);
	/* "lost", "cut", or nothing: only the claim knows. */
	job->state = JOB_LOOK;
	return 0;
}

/* Opens the live output beside the starter. A host that refuses a second channel (MaxSessions 1) is no reason to fail. */
static int open_watch(struct job *job, struct err *e)
{
	struct buf verbs = {0};

	buf_puts(&verbs, "watch ");
	str_shell_quote(&verbs, call_job(job->call));
	buf_printf(&verbs, " %lld %lld", (long long)job->sink.told[0], (long long)job->sink.told[1]);
	job->watch = run_plain_bb(job->call, buf_text(&verbs), true, e);
	buf_done(&verbs);
	if (!job->watch && e->kind != ERR_REMOTE && e->kind != ERR_DENIED)
		return -1;
	job->blind = !job->watch;
	return 0;
}

/* Reads the watch for at most pause. 1 = there was output, 0 = none, -1. */
static int read_watch(struct job *job, int64_t pause, struct err *e)
{
	struct buf got[2] = {{0}};
	int result;

	if (!job->watch)
		return call_wait(job->call, -1, 0, pause, e) < 0 ? -1 : 0;
	result = run_read(job->watch, job->call, &got[0], &got[1], pause, e);
	if (result == 1) {
		sink_put(&job->sink, 0, got[0].data, got[0].len);
		sink_put(&job->sink, 1, got[1].data, got[1].len);
	} else if (result == 0) {
		/* The outputs were not there yet, or somebody ended it. */
		run_close(job->watch, job->call);
		job->watch = NULL;
		result = call_wait(job->call, -1, 0, pause, e) < 0 ? -1 : 0;
	} else if (result == 2) {
		result = 0;
	}
	buf_done(&got[0]);
	buf_done(&got[1]);
	return result;
}

/* The claim, looked at while no starter waits. */
static int poll_claim(struct job *job, struct err *e)
{
	struct buf verbs = {0};
	char *line;
	int result;

	verb(&verbs, job, "poll");
	buf_printf(&verbs, " %d", call_generation(job->call));
	result = ask_host(job, buf_text(&verbs), false, &line, e);
	buf_done(&verbs);
	/* Anything but "running" is for look to judge. */
	if (result == 0 && !str_starts(line, "running "))
		job->state = JOB_LOOK;
	mem_free(line);
	return result;
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
	buf_printf(&verbs, "signal - " MARK " %lld %s %s", (long long)job->pid, job->since, name);
	run_bb_script(&script, buf_text(&verbs));
	if (!as)
		run = run_plain(job->call, buf_text(&script), NULL, false, e);
	else if (command_as(job->call, &command, buf_text(&script), e) == 0)
		run = run_plain(job->call, buf_text(&command.script), command.fed ? &command.feed : NULL, false, e);
	if (run && run_finish(run, job->call, &said[0], &said[1], e) == 0) {
		line = find_line(&said[0], &rest);
		if (line && str_starts(line, "left "))
			*reached = strtoll(line + 5, NULL, 10);
		result = 0;
	}
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
		return poll_claim(job, e);
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
	if (!job->watch && !job->blind && open_watch(job, e) < 0)
		return -1;
	got = read_watch(job, job->pause, e);
	if (got < 0)
		return -1;
	job->pause = got > 0 ? PAUSE_MIN : job->pause * 2 < PAUSE_MAX ? job->pause * 2 : PAUSE_MAX;
	return 0;
}

static int found_running(struct job *job, const char *words)
{
	char text[120];
	long long pid = 0;
	int generation = 0;

	if (sscanf(words, "%d %lld %31[0-9-]", &generation, &pid, job->since) != 3 || pid <= 0)
		return -1;
	call_set_generation(job->call, generation);
	job->pid = pid;
	snprintf(text, sizeof(text), "it runs as process %lld", pid);
	call_set_seen(job->call, text);
	job->found = SETTLED_RUNNING;
	job->state = JOB_FOLLOW;
	return 0;
}

static int found_finished(struct job *job, const char *words)
{
	char text[120];
	int generation = 0;

	if (sscanf(words, "%d %d", &generation, &job->status) != 2)
		return -1;
	call_set_generation(job->call, generation);
	snprintf(text, sizeof(text), "it ended with exit status %d", job->status);
	call_set_seen(job->call, text);
	job->found = SETTLED_FINISHED;
	job->state = JOB_COLLECT;
	return 0;
}

static int found_unknown(struct job *job, const char *words, struct err *e)
{
	call_set_seen(job->call, words);
	job->found = SETTLED_UNKNOWN;
	job->state = JOB_DONE;
	if (job->settling)
		return 0;
	return err_set(e, ERR_TIMEOUT, "%s was started on %s, and what became of it is not known: %s",
		       call_job(job->call), link_name(job->call), words);
}

/* Sets the state from what look said. */
static int found(struct job *job, const char *line, struct err *e)
{
	if (str_starts(line, "running ") && found_running(job, line + 8) == 0)
		return 0;
	if (str_starts(line, "finished ") && found_finished(job, line + 9) == 0)
		return 0;
	if (str_starts(line, "never ")) {
		call_set_generation(job->call, (int)strtol(line + 6, NULL, 10));
		call_set_seen(job->call, "it had not been started, and now never will");
		job->found = SETTLED_NEVER;
		job->state = job->settling ? JOB_DONE : JOB_LAUNCH;
		return 0;
	}
	if (str_is(line, "writing")) {
		if (!job->look_until)
			job->look_until = time_mono_us() + CLAIM_WAIT;
		if (time_mono_us() < job->look_until)
			return call_wait(job->call, -1, 0, PAUSE_MIN, e) < 0 ? -1 : 0;
		return found_unknown(job, "its claim was begun and never written", e);
	}
	if (str_starts(line, "unknown "))
		return found_unknown(job, line + 8, e);
	if (str_is(line, "full"))
		return err_set(e, ERR_FULL, "no space left on %s: cannot look after the job", link_name(job->call));
	return err_set(e, ERR_REMOTE, "cannot look after the job on %s: %s", link_name(job->call), line);
}

static int look(struct job *job, struct err *e)
{
	struct buf verbs = {0};
	char *line;
	int result;

	verb(&verbs, job, "look");
	/* When stopping, the persistent shell may still wait in the starter. */
	result = ask_host(job, buf_text(&verbs), job->starter != NULL, &line, e);
	buf_done(&verbs);
	if (result == 0)
		result = found(job, line, e);
	mem_free(line);
	if (result < 0 || job->state == JOB_LOOK || !job->settling)
		return result;
	if (job->found == SETTLED_RUNNING || job->found == SETTLED_FINISHED)
		call_settled(job->call, job->found);
	job->settling = false;
	return 0;
}

/* What the watch has brought already, then the rest by offset. */
static int collect(struct job *job, struct err *e)
{
	struct buf script = {0};
	struct buf got[2] = {{0}};
	struct run *run;
	int result = 0;

	while (job->watch && (result = read_watch(job, 0, e)) > 0)
		;
	run_close(job->watch, job->call);
	job->watch = NULL;
	if (result < 0)
		return -1;
	job->state = JOB_DONE;
	if (job->whole[0] && job->whole[1])
		return 0;
	buf_puts(&script, "fetch ");
	str_shell_quote(&script, call_job(job->call));
	buf_printf(&script, " %lld %lld", (long long)job->sink.told[0], (long long)job->sink.told[1]);
	run = run_framed_bb(job->call, buf_text(&script), NULL, e);
	buf_done(&script);
	result = -1;
	while (run && (result = run_read(run, job->call, &got[0], &got[1], -1, e)) > 0) {
		for (int i = 0; i < 2; i++) {
			sink_put(&job->sink, i, got[i].data, got[i].len);
			buf_clear(&got[i]);
		}
	}
	run_close(run, job->call);
	buf_done(&got[0]);
	buf_done(&got[1]);
	if (result < 0) {
		job->state = JOB_COLLECT;
		as_lost(e);
	}
	return result;
}

/* A person cancelled: TERM to all that the job runs; follow sends KILL after the grace. */
static int begin_stop(struct job *job, struct err *e)
{
	int64_t grace = grace_of(job->call);
	enum job_state before = job->state;

	job->stopping = true;
	call_cancel_seen(job->call, grace + GRACE_AFTER);
	if (before == JOB_LAUNCH && !link_of(job->call)->transport) {
		job->found = SETTLED_NEVER;
		job->state = JOB_DONE;
		return 0;
	}
	job->state = JOB_LOOK;
	job->settling = false;
	/* The runner may be about to take its claim: look voids it or sees it. */
	while (job->state == JOB_LOOK) {
		if (look(job, e) < 0)
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
		return look(job, e);
	case JOB_COLLECT:
		return collect(job, e);
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
		if (!launched && !link_of(job->call)->transport)
			return false;	/* never connected: nothing was asked of the host */
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
	/* No connection, no doubt. */
	if (!launched && e->kind == ERR_TIMEOUT && !link_of(job->call)->transport)
		e->kind = ERR_IO;
	/* A job that was asked for and whose end was not seen is in doubt, whatever stopped us. */
	if (launched && (job->stopping || e->kind == ERR_IO || e->kind == ERR_DENIED))
		e->kind = ERR_TIMEOUT;
	return -1;
}

static void job_init(struct job *job, struct call *call, enum job_state state)
{
	*job = (struct job){ .call = call, .state = state, .pause = PAUSE_MIN, .status = -1,
			     .found = SETTLED_RUNNING };
	sink_init(&job->sink, call);
}

static void job_done(struct job *job)
{
	close_runs(job);
	sink_done(&job->sink);
	buf_done(&job->said[0]);
	buf_done(&job->said[1]);
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

	buf_puts(&verbs, "forget - " MARK);
	result = quote_names(&verbs, call_job(call), e);
	if (result == 0) {
		result = ask_host(&job, buf_text(&verbs), false, &line, e);
		if (result < 0 && e->kind == ERR_IO) {
			transport_drop(call);
			result = ask_host(&job, buf_text(&verbs), false, &line, e);
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
