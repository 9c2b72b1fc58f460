/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The output of a job: live while it runs, and the rest by offset. */
#define _GNU_SOURCE
#include "actions/do/job_int.h"

#include <string.h>

#include "actions/worker/call_int.h"
#include "actions/do/command.h"
#include "base/str.h"

#define PIECE ((size_t)1 << 20)
#define LAST_MAX ((size_t)256)	/* of what the watch brought */
#define END_MAX 4096	/* of stderr, where it says that it was not run */

int job_open_watch(struct job *job, struct err *e)
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

/* Nobody says where a live byte comes from: a wrapper prints its good-bye between them when the watch's shell is killed. So the last ones are kept, and looked for at the end. */
static void tell_live(struct job *job, int stream, const struct buf *got)
{
	struct buf *last = &job->last[stream];

	sink_put(&job->sink, stream, got->data, got->len);
	buf_append(last, got->data, got->len);
	if (last->len > LAST_MAX)
		buf_consume(last, last->len - LAST_MAX);
}

int job_read_watch(struct job *job, int64_t pause, struct err *e)
{
	struct buf got[2] = {{0}};
	int result;

	if (!job->watch)
		return call_wait(job->call, -1, 0, pause, e) < 0 ? -1 : 0;
	result = run_read(job->watch, job->call, &got[0], &got[1], pause, e);
	if (result == 1) {
		for (int i = 0; i < 2; i++)
			tell_live(job, i, &got[i]);
	} else if (result == 0) {
		/* The outputs were not there yet, or somebody ended it. */
		run_close(job->watch, job->call);
		job->watch = NULL;
		result = call_wait(job->call, -1, 0, pause, e) < 0 ? -1 : 0;
	} else if (result == 2) {
		result = 0;
	} else if (e->kind == ERR_REMOTE) {
		run_close(job->watch, job->call);
		job->watch = NULL;
		job->blind = true;
		result = 0;
	}
	buf_done(&got[0]);
	buf_done(&got[1]);
	return result;
}

/* Brings what the outputs hold from these offsets on, at most PIECE of each; all of it or nothing: a shell that is killed may be followed by a wrapper's words. */
static int fetch(struct job *job, int64_t from_out, int64_t from_err, struct buf got[2], struct err *e)
{
	struct buf script = {0};
	struct run *run;
	int result = -1;

	buf_puts(&script, "fetch ");
	str_shell_quote(&script, call_job(job->call));
	buf_printf(&script, " %lld %lld %zu", (long long)from_out, (long long)from_err, PIECE);
	run = run_framed_bb(job->call, buf_text(&script), NULL, e);
	if (run)
		result = run_finish(run, job->call, &got[0], &got[1], e);
	run_close(run, job->call);
	buf_done(&script);
	if (result < 0) {
		job->state = JOB_COLLECT;
		job_as_lost(e);
	}
	return result;
}

/* The last bytes of what it said on stderr tell whether it was run at all. 0, or -1. */
static int check_run(struct job *job, struct err *e)
{
	int64_t from = job->sink.told[1] > END_MAX ? job->sink.told[1] - END_MAX : 0;
	struct buf got[2] = {{0}};
	int result = fetch(job, job->sink.told[0], from, got, e);

	if (result == 0 && command_was_not_run(job->call, &got[1], e))
		result = -1;
	buf_done(&got[0]);
	buf_done(&got[1]);
	return result;
}

/* True when what the watch brought last stands where it was said to: what is told of a stream twice or not at all moves all that follows. */
static bool is_in_place(const struct job *job, const struct buf got[2])
{
	for (int i = 0; i < 2; i++) {
		const struct buf *last = &job->last[i];

		if (got[i].len < last->len || (last->len > 0 && memcmp(got[i].data, last->data, last->len) != 0))
			return false;
	}
	return true;
}

/* Something that is not the job's own was told: all of the output once more. */
static void begin_anew(struct job *job)
{
	job->call->offsets[0] = job->call->offsets[1] = 0;
	call_set_seen(job->call, "what was told of its output was not all its own, so it follows once more");
	call_again(job->call);
	sink_done(&job->sink);
	sink_init(&job->sink, job->call);
}

/* One piece behind what was told. 1 = there is more, 0, or -1. */
static int collect_piece(struct job *job, struct err *e)
{
	size_t known[2] = { job->last[0].len, job->last[1].len };
	struct buf got[2] = {{0}};
	int result = fetch(job, job->sink.told[0] - (int64_t)known[0], job->sink.told[1] - (int64_t)known[1], got, e);

	if (result == 0 && !is_in_place(job, got)) {
		begin_anew(job);
		result = 1;
	} else if (result == 0) {
		for (int i = 0; i < 2; i++)
			if (got[i].len > known[i])
				sink_put(&job->sink, i, got[i].data + known[i], got[i].len - known[i]);
		result = got[0].len == PIECE || got[1].len == PIECE;
	}
	if (result >= 0) {
		buf_clear(&job->last[0]);
		buf_clear(&job->last[1]);
	}
	buf_done(&got[0]);
	buf_done(&got[1]);
	return result;
}

/* What the watch has brought already, then the rest by offset. */
static int collect_rest(struct job *job, struct err *e)
{
	int result = 0;

	while (job->watch && (result = job_read_watch(job, 0, e)) > 0)
		;
	run_close(job->watch, job->call);
	job->watch = NULL;
	if (result < 0)
		return -1;
	job->state = JOB_DONE;
	if (job->whole[0] && job->whole[1])
		return 0;
	while ((result = collect_piece(job, e)) > 0)
		;
	return result;
}

int job_collect(struct job *job, struct err *e)
{
	int result = collect_rest(job, e);

	return result == 0 && job->status == COMMAND_NOT_RUN ? check_run(job, e) : result;
}
