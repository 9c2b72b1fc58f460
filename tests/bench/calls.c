/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * usage: calls latency SSH_CONFIG HOST TIMES JOURNAL
 *        calls stream SSH_CONFIG HOST COMMAND
 *
 * A real worker process, asked as a session asks it. latency: the medians of
 * one ssh.read and one ssh.run of `true` over an open connection; the change
 * also between two fsynced events, as a session has it. stream: one ssh.read
 * and what came of it. One line of JSON.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "actions/worker/worker.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "journal/store/store.h"
#include "tests/bench/bench.h"

#define PATIENCE (120 * TIME_SECOND)

struct bench {
	struct loop *loop;
	struct worker *worker;
	const char *host;
	uint64_t call;
	bool ended, fine;
	int64_t bytes;
	char error[300];
};

static void on_output(void *arg, uint64_t call, const char *stream, const void *bytes, size_t len)
{
	(void)call;
	(void)stream;
	(void)bytes;
	((struct bench *)arg)->bytes += (int64_t)len;
}

static void on_progress(void *arg, uint64_t call, const struct json *progress)
{
	(void)arg;
	(void)call;
	(void)progress;
}

static void on_text(void *arg, uint64_t call, const char *what, const char *text)
{
	(void)call;
	str_copy(((struct bench *)arg)->error, sizeof(((struct bench *)arg)->error), text);
	(void)what;
}

static void on_ask(void *arg, uint64_t call, int64_t ask, const char *of, const char *text, const char *details)
{
	(void)arg;
	(void)call;
	(void)ask;
	(void)of;
	(void)details;
	bench_fail("calls: the host asks", text);
}

static void on_ended(void *arg, uint64_t call, const char *outcome, const char *error, bool not_run, const struct json *result)
{
	struct bench *b = arg;

	(void)call;
	(void)not_run;
	b->ended = true;
	b->fine = str_is(outcome, "ok") && json_int(result, "exit", -1) == 0;
	if (error)
		str_copy(b->error, sizeof(b->error), error);
}

static void on_lost(void *arg, pid_t pid)
{
	(void)arg;
	(void)pid;
	bench_fail("calls", "the worker died");
}

static const struct worker_events events = {
	.output = on_output, .progress = on_progress, .link = on_text, .settled = on_text, .ask = on_ask,
	.ended = on_ended, .lost = on_lost,
};

/* Runs one call to its end. Seconds. */
static double run(struct bench *b, const char *action, const char *command, const char *job)
{
	struct json *args = json_new_object();
	struct worker_call what = { .action = action, .args = args, .host = b->host, .job = job };
	int64_t until = time_mono_us() + PATIENCE;
	double began, took;
	struct err e = {0};

	json_set_text(args, "cmd", command);
	b->ended = b->fine = false;
	began = bench_now();
	worker_start(b->worker, ++b->call, &what);
	while (!b->ended && time_mono_us() < until)
		if (loop_once(b->loop, TIME_SECOND, &e) < 0)
			bench_fail("calls", e.text);
	took = bench_now() - began;
	json_free(args);
	if (!b->fine)
		bench_fail(action, b->error);
	return took;
}

static void job_name(char *job, size_t size, int i)
{
	snprintf(job, size, "bench.%ld.%d", (long)time_wall_us(), i);
}

static void append(struct store *store, int64_t session, enum event_kind kind, const char *data)
{
	struct event ev = { .kind = kind, .session = session, .step = "bench", .attempt = 1, .call = "1", .host = "host", .data = data };
	struct err e = {0};

	if (store_append(store, &ev, 1, &e) < 0)
		bench_fail("calls", e.text);
}

static int64_t open_session(struct store *store)
{
	struct event ev = { .kind = EVENT_SESSION_OPENED, .who = "bench", .data = "{\"runbook\":{\"id\":\"bench\"}}" };
	struct err e = {0};

	if (store_append(store, &ev, 1, &e) < 0)
		bench_fail("calls", e.text);
	return ev.session;
}

static void latency(struct bench *b, int times, const char *journal)
{
	static const char begun[] = "{\"action\":\"ssh.run\",\"args\":{\"cmd\":\"true\"},\"effect\":\"change\",\"job\":\"bench.1.step.1.1\",\"shown\":\"true\"}";
	static const char ended[] = "{\"exit\":0,\"outcome\":\"ok\",\"result\":{\"exit\":0},\"took_us\":1234}";
	double *read = mem_array((size_t)times, sizeof(double)), *change = mem_array((size_t)times, sizeof(double));
	double *both = mem_array((size_t)times, sizeof(double)), *bare = mem_array((size_t)times, sizeof(double));
	struct err e = {0};
	struct store *store = store_open(journal, STORE_WRITE, &e);
	int64_t session;
	char job[80];

	if (!store)
		bench_fail("calls", e.text);
	session = open_session(store);
	run(b, "ssh.read", "true", "warm");
	/* In turn, so that a slow moment of the machine meets all of them. */
	for (int i = 0; i < times; i++) {
		double began;

		read[i] = run(b, "ssh.read", "true", "read");
		job_name(job, sizeof(job), i);
		change[i] = run(b, "ssh.run", "true", job);
		worker_forget(b->worker, "ssh.run", b->host, job, true);
		job_name(job, sizeof(job), times + i);
		began = bench_now();
		append(store, session, EVENT_CALL_BEGUN, begun);
		bare[i] = bench_now() - began;
		run(b, "ssh.run", "true", job);
		append(store, session, EVENT_CALL_ENDED, ended);
		both[i] = bench_now() - began;
		worker_forget(b->worker, "ssh.run", b->host, job, true);
	}
	store_close(store);
	printf("{\"read\":%.6f,\"read_p05\":%.6f,\"read_p95\":%.6f,\"run\":%.6f,\"run_p95\":%.6f,\"journaled\":%.6f,\"append\":%.6f}\n",
	       bench_part(read, (size_t)times, 0.5), bench_part(read, (size_t)times, 0.05), bench_part(read, (size_t)times, 0.95), bench_part(change, (size_t)times, 0.5),
	       bench_part(change, (size_t)times, 0.95), bench_part(both, (size_t)times, 0.5), bench_part(bare, (size_t)times, 0.5));
	mem_free(read);
	mem_free(change);
	mem_free(both);
	mem_free(bare);
}

static void stream(struct bench *b, const char *command)
{
	double took;

	run(b, "ssh.read", "true", "warm");
	b->bytes = 0;
	took = run(b, "ssh.read", command, "stream");
	printf("{\"wall\":%.6f,\"bytes\":%lld}\n", took, (long long)b->bytes);
}

int main(int argc, char **argv)
{
	struct err e = {0};
	struct fork_server *server;
	struct json *config = json_new_object();
	struct bench b = {0};

	if (argc < 5 || (!str_is(argv[1], "stream") && argc < 6))
		bench_fail("usage", "calls latency SSH_CONFIG HOST TIMES JOURNAL | stream SSH_CONFIG HOST COMMAND");
	signal(SIGPIPE, SIG_IGN);
	server = fork_server_start(worker_main, &e);
	b.host = argv[3];
	b.loop = loop_new(NULL);
	b.worker = server ? worker_new(b.loop, server, &events, &b, &e) : NULL;
	if (!b.worker)
		bench_fail("calls", e.text);
	json_set_text(config, "ssh_config", argv[2]);
	worker_config(b.worker, config);
	if (str_is(argv[1], "stream"))
		stream(&b, argv[4]);
	else
		latency(&b, (int)strtol(argv[4], NULL, 10), argv[5]);
	worker_free(b.worker);
	fork_server_stop(server);
	loop_free(b.loop);
	return 0;
}
