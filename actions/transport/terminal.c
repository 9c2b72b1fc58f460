/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A shell for a person: ssh.shell and here.shell. No job: it lives and dies
 * with its connection, and nobody can look up afterwards what it did. What is
 * typed comes through the session, what the terminal shows goes there; both
 * ways are bounded, and a flood of output never holds up a key for longer
 * than one read.
 */
#define _DEFAULT_SOURCE	/* explicit_bzero */
#include "actions/worker/builtin.h"

#include <string.h>

#include "actions/transport/link.h"
#include "base/str.h"
#include "base/time.h"

#define TYPED_PAUSE (TIME_SECOND / 50)	/* between tries to give a terminal what it did not take */
#define SIZE_MAX_CELLS 1000

static const struct action_param params[] = {
	{ "rows", ARG_INT, .help = "lines of the terminal (24)" },
	{ "cols", ARG_INT, .help = "columns of the terminal (80)" },
	{ "term", ARG_TEXT, .help = "its type, as in TERM (xterm-256color)" },
	{ .name = NULL },
};

/* One shell at work. */
struct sitting {
	struct call *call;
	struct channel *channel;
	struct terminal terminal;
	struct buf typed;	/* not taken by the terminal yet */
};

static int within(int64_t value, int otherwise)
{
	return value >= 1 && value <= SIZE_MAX_CELLS ? (int)value : otherwise;
}

/* A connection kept from an earlier call may have died unnoticed: a second try with a new one. */
static struct channel *open_shell(struct call *call, const struct terminal *terminal, struct err *e)
{
	bool kept = link_of(call)->transport != NULL;
	struct transport *transport = transport_get(call, e);
	struct channel *channel = transport ? transport->ops->shell(transport, call, terminal, e) : NULL;

	if (channel || e->kind != ERR_IO)
		return channel;
	transport_drop(call);
	if (!kept)
		return NULL;
	transport = transport_get(call, e);
	return transport ? transport->ops->shell(transport, call, terminal, e) : NULL;
}

/* Takes what the person did and gives it to the terminal, as far as that takes it. */
static int feed(struct sitting *sitting, struct err *e)
{
	const struct transport_ops *ops = sitting->channel->transport->ops;
	int rows, cols;
	size_t done = 0;

	/* More is taken only when this is gone: what waits is bounded in the call. */
	if (call_take_typed(sitting->call, sitting->typed.len ? NULL : &sitting->typed, &rows, &cols)) {
		sitting->terminal.rows = within(rows, sitting->terminal.rows);
		sitting->terminal.cols = within(cols, sitting->terminal.cols);
		if (ops->resize(sitting->channel, sitting->call, &sitting->terminal, e) < 0)
			return -1;
	}
	while (done < sitting->typed.len) {
		ssize_t put = ops->put(sitting->channel, sitting->call, sitting->typed.data + done, sitting->typed.len - done, e);

		if (put < 0)
			return -1;
		if (put == 0)
			break;
		done += (size_t)put;
	}
	if (done > 0) {
		buf_consume(&sitting->typed, done);
		/* It may have been a password. */
		explicit_bzero(sitting->typed.data + sitting->typed.len, done);
	}
	return 0;
}

/* Until the shell ends: 0; or -1. */
static int sit(struct sitting *sitting, struct err *e)
{
	const struct transport_ops *ops = sitting->channel->transport->ops;
	struct buf out = {0}, none = {0};
	int got;

	do {
		if (feed(sitting, e) < 0) {
			got = -1;
			break;
		}
		call_listen(sitting->call, sitting->typed.len == 0);
		got = ops->read(sitting->channel, sitting->call, &out, &none, sitting->typed.len ? TYPED_PAUSE : -1, e);
		call_listen(sitting->call, false);
		if (out.len > 0)
			call_output(sitting->call, "pty", out.data, out.len);
		buf_clear(&out);
		buf_clear(&none);
	} while (got > 0);
	buf_done(&out);
	buf_done(&none);
	return got;
}

static void tell_result(struct call *call, const struct channel *channel)
{
	struct json *result = json_new_object();

	if (channel->exit_code >= 0)
		json_set_int(result, "exit", channel->exit_code);
	json_set_text(result, "signal", *channel->signal ? channel->signal : NULL);
	call_set_result(call, result);
}

static int start(struct call *call, struct err *e)
{
	const struct json *args = call_args(call);
	struct sitting sitting = {
		.call = call,
		.terminal = {
			.type = json_text(args, "term", "xterm-256color"),
			.rows = within(json_int(args, "rows", 24), 24), .cols = within(json_int(args, "cols", 80), 80),
		},
	};
	struct err why;
	int result;

	sitting.channel = open_shell(call, &sitting.terminal, e);
	if (!sitting.channel)
		return -1;
	result = sit(&sitting, e);
	if (result == 0)
		tell_result(call, sitting.channel);
	/* Closing the terminal hangs up: the shell and what it runs in the foreground get HUP. */
	sitting.channel->transport->ops->channel_free(sitting.channel);
	if (sitting.typed.data)
		explicit_bzero(sitting.typed.data, sitting.typed.cap);
	buf_done(&sitting.typed);
	if (result < 0 && e->kind == ERR_IO) {
		transport_drop(call);
		why = *e;
		return err_set(e, ERR_TIMEOUT, "%s; the shell is gone with it, and what it was doing may have ended or not", why.text);
	}
	return result;
}

static void show(const struct action *action, const struct json *args, struct buf *out)
{
	(void)action;
	(void)args;
	buf_puts(out, "a shell");
}

static const struct action_gives gives[] = {
	{ "exit", ARG_INT, NULL, "the exit status of the shell" },
	{ "signal", ARG_TEXT, NULL, "the signal that ended it" },
	{ .name = NULL },
};

#define SHELL \
	.effect = EFFECT_ONCE, .params = params, .gives = gives, .shown = show, .use = USE_SHELL, .by_hand = true, .start = start

const struct action action_ssh_shell = {
	.name = "ssh.shell", .target = TARGET_HOST, SHELL,
	.help = "a shell for a person, on a host",
};

const struct action action_here_shell = {
	.name = "here.shell", .target = TARGET_HERE, SHELL,
	.help = "a shell for a person, on this computer",
};
