/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The actions that run a command: ssh.read ssh.run ssh.job here.read here.run. */
#include "actions/worker/builtin.h"

#include <string.h>

#include "actions/worker/call_int.h"
#include "actions/do/command.h"
#include "actions/do/exact.h"
#include "actions/do/job.h"
#include "actions/transport/link.h"
#include "actions/transport/shell.h"
#include "actions/worker/sink.h"
#include "base/limits.h"
#include "base/str.h"
#include "base/time.h"

#define READ_AGAIN_MAX (60 * TIME_SECOND)
#define END_MAX ((size_t)4096)

#define COMMAND(place) { "cmd", ARG_COMMAND, .required = true, .help = "what to run: a text for sh, or a list of words", .rank = (place), \
	.more = "A list of words is quoted" }
#define OPTIONS \
	{ "as", ARG_TEXT, .help = "run it as this user, by sudo", \
	  .more = "Where sudo asks for a password, whoever drives is asked for it, once for each log-in name; it is kept in memory, and never " \
		  "stored. A log-in as root needs no sudo" }, \
	{ "sudo_password", ARG_DATA, .help = "the password for sudo, a secret; without it a person is asked where sudo asks", \
	  .more = "It is tried once: when sudo refuses it, the command is not run and nothing of its stdin is read" }, \
	{ "env", ARG_MAP, .help = "variables of its environment; secrets in it never show in ps" }, \
	{ "cwd", ARG_TEXT, .help = "directory to run it in", \
	  .more = "When it, or the user of `as`, is not there, or sudo refuses, the command was not run: that is raised whatever " \
		  "`check` and `codes` say" }, \
	{ "stdin", ARG_DATA, .help = "text or secret that it reads on stdin, at most 1 MiB" }, \
	{ "pty", ARG_BOOL, .help = "give it a terminal" }, \
	{ "timeout", ARG_DURATION, .unit = "s", .help = "after this time without an end the outcome is unknown" }
#define GRACE { "grace", ARG_DURATION, .unit = "s", .help = "when cancelled: time between TERM and KILL (5 s)" }

static const struct action_group commands = {
	.title = "Commands", .alike = true,
	.about = "On a host the login shell is asked for nothing but `exec sh`, so that any will do. What it prints before or behind a command "
		 "is no output of the command: it is shown once for each host, as a note. A login that throws stderr away, or prints it on "
		 "stdout, will do too: what a command prints there is brought in another way, and shows when it has ended. One that throws "
		 "stdout away, or begins no shell within two minutes, fails; nothing was run then",
};

static const struct action_param read_params[] = {
	COMMAND(1),
	OPTIONS,
	{ "tell", ARG_BOOL, .help = "its output is what people want to see: every view shows it" },
	{ .name = NULL },
};

static const struct action_param run_params[] = {
	COMMAND(1),
	OPTIONS,
	GRACE,
	{ "name", ARG_TEXT, .help = "what people call it" },
	{ .name = NULL },
};

static const struct action_param job_params[] = {
	{ "name", ARG_TEXT, .help = "what people call it", .rank = 1 },
	COMMAND(2),
	OPTIONS,
	GRACE,
	{ .name = NULL },
};

static const struct action_gives gives[] = {
	{ "code", ARG_INT, NULL, "its exit status; -1 when a signal ended it" },
	{ "ok", ARG_BOOL, NULL, "whether that is 0" },
	{ "out", ARG_TEXT, NULL, "what it printed on stdout" },
	{ "err", ARG_TEXT, NULL, "what it printed on stderr" },
	{ "signal", ARG_TEXT, NULL, "the signal that ended it, like KILL" },
	{ "host", ARG_TEXT, NULL, "where it ran; an empty text is the ops host" },
	{ "out_cut", ARG_BOOL, NULL, "true when out or err was longer than 1 MiB, and is its beginning and its end" },
	{ .name = NULL },
};

static int check(const struct action *action, const struct json *args, struct err *e)
{
	size_t len = strlen(json_text(args, "stdin", ""));

	/* The end of a terminal's input cannot be told from a pause in it: the command would wait for ever. */
	if (json_bool(args, "pty", false) && json_at(args, "stdin"))
		return err_set(e, ERR_USAGE, "%s: \"pty\" and \"stdin\" do not go together", action->name);
	if (len > LIMIT_STDIN)
		return err_set(e, ERR_USAGE, "%s: stdin of %zu bytes; at most %zu go with a command: send it as a file",
			       action->name, len, LIMIT_STDIN);
	return 0;
}

/* The last bytes of a stream stay in end. */
static void keep_end(struct buf *end, const struct buf *more)
{
	buf_append(end, more->data, more->len);
	if (end->len > END_MAX)
		buf_consume(end, end->len - END_MAX);
}

/* Runs the command once and tells its output. 1 with the status, or -1. */
static int read_once(struct call *call, bool framed, struct sink *sink, int *status, struct err *e)
{
	struct command command = {0};
	struct buf got[2] = {{0}}, end = {0};
	struct run *run = NULL;
	int result = -1;

	if (command_prepare(call, &command, true, e) == 0 && command_build(call, &command, e) == 0)
		run = framed ? run_framed(call, buf_text(&command.script), command.fed ? &command.feed : NULL, e)
			     : run_plain(call, buf_text(&command.script), command.fed ? &command.feed : NULL, false, e);
	command_done(&command);
	while (run && (result = run_read(run, call, &got[0], &got[1], -1, e)) > 0) {
		keep_end(&end, &got[1]);
		for (int i = 0; i < 2; i++) {
			sink_put(sink, i, got[i].data, got[i].len);
			buf_clear(&got[i]);
		}
	}
	if (run && result == 0 && run_is_cut(run))
		result = err_set(e, ERR_REMOTE, "the shell on %s was ended before it could tell how the command ended", link_name(call));
	else if (run && result == 0)
		*status = run_status(run);
	else if (run && (e->kind == ERR_CANCELED || e->kind == ERR_TIMEOUT))
		run_kill(run, call);
	run_close(run, call);
	if (result == 0 && *status == COMMAND_NOT_RUN && command_was_not_run(call, &end, e))
		result = -1;
	buf_done(&got[0]);
	buf_done(&got[1]);
	buf_done(&end);
	return result;
}

/* The read is repeated from its beginning. */
static void start_over(struct call *call, struct sink *sink, const char *why)
{
	call_set_seen(call, why);
	call_again(call);
	sink_done(sink);
	sink_init(sink, call);
}

static int read_start(struct call *call, struct err *e)
{
	struct sink sink;
	bool framed = true;
	int status = -1;
	int result;

	/* A read that is settled begins anew. */
	call->offsets[0] = call->offsets[1] = 0;
	sink_init(&sink, call);
	while ((result = read_once(call, framed, &sink, &status, e)) < 0) {
		char why[sizeof(e->text)];

		memcpy(why, e->text, sizeof(why));
		if (e->kind == ERR_REMOTE && framed)
			framed = false;		/* it brought the shared shell down: once more, with one of its own */
		else if (e->kind != ERR_IO || !link_of(call)->transport || link_again(call, why, READ_AGAIN_MAX, e) < 0)
			break;
		start_over(call, &sink, why);
	}
	sink_done(&sink);
	if (result == 0)
		call_set_result(call, command_result(status));
	return result;
}

/* What all of them have in common. */
#define RUNS \
	.group = &commands, .gives = gives, .raises = RAISES_STATUS, .check = check, .shown = exact_show_command, .exact = exact_command
#define JOB \
	.effect = EFFECT_CHANGE, .start = job_start, .settle = job_settle, .forget = job_forget, .forgets_many = true

const struct action action_ssh_read = {
	.name = "ssh.read", .target = TARGET_HOST, .effect = EFFECT_READ, .params = read_params, RUNS, .use = USE_LOOK, .start = read_start,
	.help = "run a command on a host that only looks; repeated freely",
};

const struct action action_ssh_run = {
	.name = "ssh.run", .target = TARGET_HOST, .params = run_params, RUNS, JOB, .use = USE_COMMAND,
	.help = "run a command on a host that changes something; runs once, survives a lost connection",
	.about = "It becomes a named job on the host, which is never started twice",
};

const struct action action_ssh_job = {
	.name = "ssh.job", .target = TARGET_HOST, .params = job_params, RUNS, JOB,
	.help = "run a long command on a host, with a name; as ssh.run",
};

const struct action action_here_read = {
	.name = "here.read", .target = TARGET_HERE, .effect = EFFECT_READ, .params = read_params, RUNS, .use = USE_LOOK, .start = read_start,
	.help = "run a command on the ops host that only looks; repeated freely",
};

const struct action action_here_run = {
	.name = "here.run", .target = TARGET_HERE, .params = run_params, RUNS, JOB, .use = USE_COMMAND,
	.help = "run a command on the ops host that changes something; runs once",
};
