/* call - runs one call through a real worker, for tests on the fleet: call [OPTIONS] HOST ACTION ARGS-AS-JSON; what is told goes to stdout, one line each. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 *	-F FILE		ssh_config
 *	-T NAME		transport: "ssh" or "libssh2" alone
 *	-J FOLDER	where the host has its jobs
 *	-a OF=VALUE	answers the next question of that kind ("hostkey", "secret"); several are taken in their order
 *	-s NAME=VALUE	a secret
 *	-c EVENT	cancels when that is told: "start", "ask", "output", or after so many milliseconds
 *	-t SECONDS	time-out of the call
 *	-n COUNT	the same call so many times, one after the other
 *	-q		output as its length and SHA-256
 *	-j JOB		name of the job; -S settles it
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actions/transport/askpass.h"
#include "actions/worker/worker.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "base/time.h"

#define ANSWERS 16

struct driver {
	struct loop *loop;
	struct worker *worker;
	char *answers[ANSWERS];
	int answer_count;
	const char *cancel;
	bool quiet, ended, in_doubt;
	int status;
	uint64_t call;
	int64_t bytes[2];
	struct sha256 *digest[2];
};

static void cancel_if(struct driver *driver, const char *event)
{
	if (str_is(driver->cancel, event)) {
		driver->cancel = NULL;
		worker_cancel(driver->worker, driver->call);
	}
}

static void on_output(void *arg, uint64_t call, const char *stream, const void *bytes, size_t len)
{
	struct driver *driver = arg;
	int which = str_is(stream, "err");

	(void)call;
	if (driver->quiet && !str_is(stream, "note")) {
		driver->bytes[which] += (int64_t)len;
		sha256_add(driver->digest[which], bytes, len);
	} else {
		struct json *text = json_new_text(bytes, len);
		char *shown = json_print(text);

		printf("%s %s\n", stream, shown);
		mem_free(shown);
		json_free(text);
	}
	fflush(stdout);
	cancel_if(driver, "output");
}

static void on_progress(void *arg, uint64_t call, const struct json *progress)
{
	(void)arg;
	(void)call;
	printf("progress %s\n", json_text(progress, "text", ""));
}

static void on_link(void *arg, uint64_t call, const char *state, const char *text)
{
	(void)arg;
	(void)call;
	printf("link %s: %s\n", state, text);
	fflush(stdout);
}

static void on_settled(void *arg, uint64_t call, const char *how, const char *text)
{
	struct driver *driver = arg;

	(void)call;
	printf("settled %s: %s\n", how, text);
	if (str_is(how, "never") || str_is(how, "unknown"))
		driver->ended = true;
}

static void on_ask(void *arg, uint64_t call, int64_t ask, const char *of, const char *text, const char *details)
{
	struct driver *driver = arg;
	size_t len = strlen(of);

	(void)details;
	printf("ask %s: %s\n", of, text);
	fflush(stdout);
	cancel_if(driver, "ask");
	for (int i = 0; i < driver->answer_count; i++) {
		char *answer = driver->answers[i];

		if (!answer || !str_starts(answer, of) || answer[len] != '=')
			continue;
		worker_answer(driver->worker, call, ask, answer + len + 1, strlen(answer + len + 1));
		driver->answers[i] = NULL;
		return;
	}
}

static void on_ended(void *arg, uint64_t call, const char *outcome, const char *error, bool not_run, const struct json *result)
{
	struct driver *driver = arg;
	char *text = json_print(result);
	unsigned char digest[SHA256_LEN];

	(void)call;
	driver->in_doubt = str_is(outcome, "unknown");
	for (int i = 0; driver->quiet && i < 2; i++) {
		struct buf hex = {0};

		sha256_end(driver->digest[i], digest);
		str_hex(&hex, digest, sizeof(digest));
		printf("%s %lld %s\n", i ? "err" : "out", (long long)driver->bytes[i], buf_text(&hex));
		driver->bytes[i] = 0;
		buf_done(&hex);
	}
	printf("ended %s %s %s\n", outcome, text, error ? error : "");
	/* The fact that the session goes by, beside the words. */
	if (!not_run && error && (strstr(error, "it was not run") || strstr(error, "so nothing was")))
		printf("but that nothing was run is not told as a fact\n");
	fflush(stdout);
	mem_free(text);
	driver->ended = true;
	driver->status = str_is(outcome, "ok") ? 0 : 1;
}

static void on_lost(void *arg, pid_t pid)
{
	(void)arg;
	printf("worker %ld died\n", (long)pid);
	exit(3);
}

static void on_time(void *arg)
{
	struct driver *driver = arg;

	if (driver->cancel)
		worker_cancel(driver->worker, driver->call);
}

static void add_secret(struct driver *driver, char *text)
{
	char *value = strchr(text, '=');
	struct secret *secret;
	struct err e;

	if (!value)
		exit(2);
	*value++ = '\0';
	secret = secret_new(text, value, strlen(value), &e);
	if (!secret) {
		fprintf(stderr, "%s\n", e.text);
		exit(2);
	}
	worker_secret(driver->worker, secret);
	secret_free(secret);
}

static void run_once(struct driver *driver, const struct worker_call *what)
{
	struct err e;
	int64_t ms;

	driver->ended = false;
	driver->call++;
	worker_start(driver->worker, driver->call, what);
	cancel_if(driver, "start");
	if (driver->cancel && str_to_int(driver->cancel, 0, 1000000, &ms))
		(void)loop_after(driver->loop, ms * 1000, on_time, driver);
	while (!driver->ended) {
		if (loop_once(driver->loop, TIME_SECOND, &e) < 0)
			exit(3);
	}
	/* As a session does it: what is in doubt stays to be looked at. */
	if (!what->settle && !driver->in_doubt)
		worker_forget(driver->worker, what->action, what->host, what->job, true);
}

int main(int argc, char **argv)
{
	static const struct worker_events events = {
		.output = on_output, .progress = on_progress, .link = on_link, .settled = on_settled,
		.ask = on_ask, .ended = on_ended, .lost = on_lost,
	};
	struct fork_server *server;
	struct driver driver = { .status = 1 };
	struct worker_call what = { .job = "fleet-call" };
	struct json *config, *hosts, *options, *args;
	char *secrets[ANSWERS];
	int count = 1, secret_count = 0, option;
	struct err e;

	if (getenv(ASKPASS_VARIABLE))
		return askpass_main(argc > 1 ? argv[1] : NULL);
	config = json_new_object();
	hosts = json_new_object();
	options = json_new_object();
	while ((option = getopt(argc, argv, "F:T:J:a:s:c:t:n:qj:S")) >= 0) {
		switch (option) {
		case 'F': json_set_text(config, "ssh_config", optarg); break;
		case 'T': json_set_text(options, "transport", optarg); break;
		case 'J': json_set_text(options, "jobs", optarg); break;
		case 'a': driver.answers[driver.answer_count++ % ANSWERS] = optarg; break;
		case 's': secrets[secret_count++ % ANSWERS] = optarg; break;
		case 'c': driver.cancel = optarg; break;
		case 't': what.timeout_us = strtol(optarg, NULL, 10) * TIME_SECOND; break;
		case 'n': count = (int)strtol(optarg, NULL, 10); break;
		case 'q': driver.quiet = true; break;
		case 'j': what.job = optarg; break;
		case 'S': what.settle = true; break;
		default: return 2;
		}
	}
	server = fork_server_start(worker_main, &e);
	if (argc - optind != 3 || !server)
		return 2;
	driver.loop = loop_new(NULL);
	driver.worker = worker_new(driver.loop, server, &events, &driver, &e);
	args = json_parse(argv[optind + 2], strlen(argv[optind + 2]), &e);
	if (!driver.worker || !args) {
		fprintf(stderr, "%s\n", e.text);
		return 2;
	}
	json_put(hosts, argv[optind], options);
	json_put(config, "hosts", hosts);
	worker_config(driver.worker, config);
	for (int i = 0; i < secret_count; i++)
		add_secret(&driver, secrets[i]);
	driver.digest[0] = sha256_new();
	driver.digest[1] = sha256_new();
	what.host = argv[optind];
	what.action = argv[optind + 1];
	what.args = args;
	while (count-- > 0)
		run_once(&driver, &what);
	worker_free(driver.worker);
	loop_free(driver.loop);
	fork_server_stop(server);
	sha256_free(driver.digest[0]);
	sha256_free(driver.digest[1]);
	json_free(args);
	return driver.status;
}
