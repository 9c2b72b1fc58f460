/* hosts.c - bellbook hosts: every host of the fleet at a glance; and bellbook outside: the site as visitors meet it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/do/glance.h"
#include "actions/do/outside.h"
#include "actions/worker/call.h"
#include "actions/worker/worker.h"
#include "base/buf.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "session/lua/script.h"

/* Nothing here changes a host, so nothing of it is journaled. Hosts are asked side by side, and none longer than LIMIT_US. */

#define LIMIT_US (5 * TIME_SECOND)
#define AT_ONCE 8
#define ANSWER_MAX ((size_t)64 << 10)

struct target {
	const char *host, *jobs;	/* borrowed from the fleet */
	struct buf out;
	struct glance_times times;
	bool ended;
};

struct looking {
	struct loop *loop;
	struct worker *worker;
	struct target *targets;		/* owned */
	size_t count, begun, ended;
	bool json, sudo;
};

/* One host's line, at once: who reads it may show it before the others are there. */
static void tell(const struct looking *looking, const struct target *target, struct json *one)
{
	struct buf line = {0}, safe = {0};
	const struct json *problems = json_at(one, "problems");
	char at[TIME_TEXT];

	json_set_text(one, "host", target->host);
	json_set_text(one, "at", time_format(time_wall_us(), at));
	if (looking->json) {
		cmd_print_json(one);
		fflush(stdout);
		return;
	}
	buf_printf(&line, "%-18s %-10s", target->host, json_text(one, "state", ""));
	if (json_at(one, "disk_pct"))
		buf_printf(&line, " disk %3lld%%", (long long)json_int(one, "disk_pct", 0));
	if (json_at(one, "memory_pct"))
		buf_printf(&line, "  memory %3lld%%", (long long)json_int(one, "memory_pct", 0));
	if (json_at(one, "load"))
		buf_printf(&line, "  load %s", json_text(one, "load", ""));
	buf_puts(&line, json_at(one, "text") ? " " : "");
	buf_puts(&line, json_text(one, "text", ""));
	for (size_t i = 0; i < json_count(problems); i++)
		buf_printf(&line, "; %s", json_as_text(json_item(problems, i)));
	utf8_safe(&safe, line.data, line.len, false);
	puts(buf_text(&safe));
	fflush(stdout);
	buf_done(&line);
	buf_done(&safe);
	json_free(one);
}

static struct json *silence(const char *text)
{
	struct json *one = json_new_object();

	json_set_text(one, "state", "silent");
	json_set_text(one, "text", text);
	return one;
}

static void begin_more(struct looking *looking)
{
	while (looking->begun < looking->count && looking->begun - looking->ended < AT_ONCE) {
		struct target *target = &looking->targets[looking->begun];
		struct json *args = json_new_object();
		char *job = mem_printf("glance.%zu", looking->begun), *command = glance_command(looking->sudo, target->jobs);

		json_set_text(args, "cmd", command);
		target->times.asked_us = time_wall_us();
		worker_start(looking->worker, ++looking->begun, &(struct worker_call){.action = action_for(USE_LOOK, false)->name, .args = args, .host = target->host, .job = job, .timeout_us = LIMIT_US});
		json_free(args);
		mem_free(job);
		mem_free(command);
	}
	if (looking->ended == looking->count)
		loop_stop(looking->loop);
}

static void end(struct looking *looking, struct target *target, struct json *one)
{
	if (target->ended) {
		json_free(one);
		return;
	}
	target->ended = true;
	looking->ended++;
	tell(looking, target, one);
	begin_more(looking);
}

static void on_output(void *arg, uint64_t call, const char *stream, const void *bytes, size_t len)
{
	struct looking *looking = arg;
	struct target *target = &looking->targets[call - 1];

	if (str_is(stream, "out") && target->out.len + len <= ANSWER_MAX)
		buf_append(&target->out, bytes, len);
}

static void on_progress(void *arg, uint64_t call, const struct json *progress)
{
	(void)arg;
	(void)call;
	(void)progress;
}

static void on_link(void *arg, uint64_t call, const char *state, const char *text)
{
	(void)arg;
	(void)call;
	(void)state;
	(void)text;
}

static void on_settled(void *arg, uint64_t call, const char *how, const char *text)
{
	struct looking *looking = arg;

	(void)text;
	if (str_is(how, "again"))
		buf_clear(&looking->targets[call - 1].out);
}

/* A glance asks nobody anything: what a person must decide belongs into a session, or into `ssh HOST`. */
static void on_ask(void *arg, uint64_t call, int64_t ask, const char *of, const char *text, const char *details)
{
	struct looking *looking = arg;
	struct target *target = &looking->targets[call - 1];

	(void)ask;
	(void)text;
	(void)details;
	end(looking, target, silence(str_is(of, "hostkey") ? "its host key is not known here yet; `ssh` to it once, or a session, asks you about it"
		: "it asks for a password or passphrase; an ssh agent spares that"));
	worker_cancel(looking->worker, call);
}

static void on_ended(void *arg, uint64_t call, const char *outcome, const char *error, bool not_run, const struct json *result)
{
	struct looking *looking = arg;
	struct target *target = &looking->targets[call - 1];
	char *text;

	(void)result;
	(void)not_run;
	target->times.answered_us = time_wall_us();
	if (str_is(outcome, "ok")) {
		end(looking, target, glance_read(buf_text(&target->out), target->out.len, &target->times));
		return;
	}
	/* More is known than that time passed: which part of the way is not gone. */
	text = error && *error && (str_is(outcome, "failed") || (str_is(outcome, "unknown") && !str_is(error, CALL_NO_END)))
		? mem_strdup(error) : mem_printf("no answer in %d s", (int)(LIMIT_US / TIME_SECOND));
	end(looking, target, silence(text));
	mem_free(text);
}

static void on_lost(void *arg, pid_t pid)
{
	struct looking *looking = arg;

	(void)pid;
	for (size_t i = 0; i < looking->count; i++)
		if (!looking->targets[i].ended)
			tell(looking, &looking->targets[i], silence("bellbook's own worker ended; try again"));
	loop_stop(looking->loop);
}

static const struct worker_events events = {
	.output = on_output, .progress = on_progress, .link = on_link, .settled = on_settled, .ask = on_ask, .ended = on_ended, .lost = on_lost,
};

/* The hosts named on the command line (roles too), or all. -1 with words. */
static int choose(struct looking *looking, const struct options *o, const struct json *fleet, struct err *e)
{
	const struct json *hosts = json_at(fleet, "hosts");
	const char *host;
	struct json *value;
	void *it = NULL;

	for (size_t i = 0; i < o->count; i++)
		if (!json_at(hosts, o->args[i]) && !json_at(json_at(fleet, "roles"), o->args[i]))
			return err_set(e, ERR_USAGE, "the fleet file has no host or role %s", o->args[i]);
	while ((host = json_next(hosts, &it, &value)) != NULL) {
		bool wanted = o->count == 0;

		for (size_t i = 0; i < o->count && !wanted; i++) {
			const struct json *role = json_at(json_at(fleet, "roles"), o->args[i]);

			wanted = str_is(host, o->args[i]);
			for (size_t k = 0; k < json_count(role) && !wanted; k++)
				wanted = str_is(json_as_text(json_item(role, k)), host);
		}
		if (!wanted)
			continue;
		looking->targets = mem_more(
			looking->targets, looking->count, sizeof(*looking->targets));
		looking->targets[looking->count++] = (struct target){.host = host, .jobs = json_text(value, "jobs", NULL)};
	}
	return 0;
}

static int look(struct looking *looking, const struct json *fleet, struct err *e)
{
	struct fork_server *forks = fork_server_start(worker_main, e);
	struct json *config = json_new_object();
	int result = -1;

	json_set_text(config, "ssh_config", json_text(fleet, "ssh_config", getenv("BELLBOOK_SSH_CONFIG")));
	json_put(config, "hosts", json_copy_of(json_at(fleet, "hosts")));
	looking->loop = forks ? loop_new(NULL) : NULL;
	looking->worker = forks ? worker_new(looking->loop, forks, &events, looking, e) : NULL;
	if (looking->worker) {
		worker_config(looking->worker, config);
		config = NULL;
		begin_more(looking);
		result = looking->count ? loop_run(looking->loop, e) : 0;
	}
	json_free(config);
	worker_free(looking->worker);
	loop_free(looking->loop);
	fork_server_stop(forks);
	return result;
}

/* The fleet file of the command line; NULL after words. Caller owns. */
static struct json *load_fleet(const struct options *o, struct err *e)
{
	char *owned;
	const char *path = cmd_fleet(o, &owned);
	struct json *fleet = NULL;

	if (path)
		fleet = fleet_load(path, e);
	else
		err_set(e, ERR_USAGE, "there is no fleet file: name one with --fleet FILE, or put it at ~/.config/bellbook/fleet.lua");
	mem_free(owned);
	return fleet;
}

int cmd_hosts(struct options *o)
{
	struct looking looking = {.json = o->json, .sudo = o->sudo};
	struct err e = {0};
	struct json *fleet = load_fleet(o, &e);
	int result = fleet ? choose(&looking, o, fleet, &e) : -1;

	if (result == 0)
		result = look(&looking, fleet, &e);
	for (size_t i = 0; i < looking.count; i++)
		buf_done(&looking.targets[i].out);
	mem_free(looking.targets);
	json_free(fleet);
	return result < 0 ? cmd_fail_err(&e) : EXIT_OK;
}

/* Where visitors come in: mastodon.url of the fleet, else https and its domain. Caller owns; NULL when it names neither. */
static char *address(const struct json *fleet)
{
	const struct json *mastodon = json_at(fleet, "mastodon");
	const char *url = json_text(mastodon, "url", NULL), *domain = json_text(mastodon, "domain", NULL);

	if (url && *url)
		return mem_printf("%s%s", url, str_ends(url, "/") ? "" : "/");
	return domain && *domain ? mem_printf("https://%s/", domain) : NULL;
}

static void tell_outside(const struct json *seen)
{
	struct buf line = {0}, safe = {0};

	buf_printf(&line, "%s  %s", json_text(seen, "url", ""), json_text(seen, "state", ""));
	if (json_at(seen, "status"))
		buf_printf(&line, "  http %lld in %lld ms", (long long)json_int(seen, "status", 0), (long long)json_int(seen, "took_us", 0) / 1000);
	if (json_at(seen, "cert_days"))
		buf_printf(&line, "  certificate: %lld days left", (long long)json_int(seen, "cert_days", 0));
	if (json_at(seen, "version"))
		buf_printf(&line, "  Mastodon %s", json_text(seen, "version", ""));
	if (json_at(seen, "moved"))
		buf_printf(&line, "  moved to %s", json_text(seen, "moved", ""));
	if (json_at(seen, "text"))
		buf_printf(&line, "  %s", json_text(seen, "text", ""));
	utf8_safe(&safe, line.data, line.len, false);
	puts(buf_text(&safe));
	buf_done(&line);
	buf_done(&safe);
}

int cmd_outside(struct options *o)
{
	struct err e = {0};
	struct json *fleet = o->count ? NULL : load_fleet(o, &e), *seen;
	char at[TIME_TEXT], *url;
	int result;

	if (o->count > 1)
		return cmd_fail(EXIT_USAGE, "outside looks at one address, or at that of the fleet file");
	if (!o->count && !fleet)
		return cmd_fail_err(&e);
	url = o->count ? mem_strdup(o->args[0]) : address(fleet);
	json_free(fleet);
	if (!url)
		return cmd_fail(EXIT_USAGE, "the fleet file names no address: mastodon = { domain = \"…\" }");
	seen = outside_look(url, !o->count, LIMIT_US);
	mem_free(url);
	json_set_text(seen, "at", time_format(time_wall_us(), at));
	result = str_is(json_text(seen, "state", ""), "ok") ? EXIT_OK : EXIT_FAILED;
	if (o->json)
		cmd_print_json(json_copy_of(seen));
	else
		tell_outside(seen);
	json_free(seen);
	return result;
}
