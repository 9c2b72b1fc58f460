/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the verbs of job.sh say of a job, and what follows from it. */
#define _GNU_SOURCE
#include "actions/do/job_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/worker/call_int.h"
#include "actions/transport/link.h"
#include "base/mem.h"
#include "base/str.h"

#define CLAIM_WAIT (3 * TIME_SECOND)	/* a claim that stays empty for so long is nobody's */

char *job_line(struct buf *said, size_t *rest)
{
	char *at = said->len ? memmem(said->data, said->len, JOB_MARK " ", strlen(JOB_MARK) + 1) : NULL;
	char *end;

	if (!at)
		return NULL;
	at += strlen(JOB_MARK) + 1;
	end = memchr(at, '\n', said->len - (size_t)(at - said->data));
	if (!end)
		return NULL;
	*end = '\0';
	*rest = (size_t)(end + 1 - said->data);
	return at;
}

void job_as_lost(struct err *e)
{
	if (e->kind == ERR_REMOTE)
		e->kind = ERR_IO;
}

int job_ask(struct job *job, const char *verbs, bool own, char **line, struct err *e)
{
	struct buf said[2] = {{0}};
	struct run *run;
	int result = -1;
	char *found;
	size_t rest;

	*line = NULL;
	run = own ? run_plain_bb(job->call, verbs, false, e) : run_framed_bb(job->call, verbs, NULL, e);
	if (run && run_finish(run, job->call, &said[0], &said[1], e) == 0) {
		found = job_line(&said[0], &rest);
		if (found) {
			*line = mem_strdup(found);
			result = 0;
		} else {
			/* A shell that was shot between two commands looks like this. */
			err_set(e, ERR_IO, "%s answers nonsense", link_name(job->call));
		}
	}
	if (result < 0)
		job_as_lost(e);
	run_close(run, job->call);
	buf_done(&said[0]);
	buf_done(&said[1]);
	return result;
}

/* "VERB 'JOB' JOB_MARK" in out. */
static void verb(struct buf *out, const struct job *job, const char *name)
{
	buf_printf(out, "%s ", name);
	str_shell_quote(out, call_job(job->call));
	buf_puts(out, " " JOB_MARK);
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
	return err_set(e, ERR_TIMEOUT, "the command was started on %s, and what became of it is not known: %s",
		       link_name(job->call), words);
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
		job->asked = job->call->may_run = false;
		job->state = job->settling ? JOB_DONE : JOB_LAUNCH;
		return 0;
	}
	if (str_is(line, "writing")) {
		if (!job->look_until)
			job->look_until = time_mono_us() + CLAIM_WAIT;
		if (time_mono_us() < job->look_until)
			return call_wait(job->call, -1, 0, JOB_PAUSE_MIN, e) < 0 ? -1 : 0;
		return found_unknown(job, "its claim was begun and never written", e);
	}
	if (str_starts(line, "unknown "))
		return found_unknown(job, line + 8, e);
	if (str_is(line, "full"))
		return err_set(e, ERR_FULL, "no space left on %s: cannot look after the job", link_name(job->call));
	return err_set(e, ERR_REMOTE, "cannot look after the job on %s: %s", link_name(job->call), line);
}

int job_look(struct job *job, struct err *e)
{
	struct buf verbs = {0};
	char *line;
	int result;

	verb(&verbs, job, "look");
	/* When stopping, the persistent shell may still wait in the starter. */
	result = job_ask(job, buf_text(&verbs), job->starter != NULL, &line, e);
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

int job_poll(struct job *job, struct err *e)
{
	struct buf verbs = {0};
	char *line;
	int result;

	verb(&verbs, job, "poll");
	buf_printf(&verbs, " %d", call_generation(job->call));
	result = job_ask(job, buf_text(&verbs), false, &line, e);
	buf_done(&verbs);
	/* Anything but "running" is for look to judge. */
	if (result == 0 && !str_starts(line, "running "))
		job->state = JOB_LOOK;
	mem_free(line);
	return result;
}
