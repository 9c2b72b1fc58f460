/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The persistent shell reads its commands from stdin. Each command is framed:
 * it runs in a subshell with a stdin of its own, and behind it the shell
 * prints a mark with a number that only this shell and we know on both
 * streams, with the status on the first. What comes before mark N + 1 and
 * after mark N is the output of command N + 1. Mark 0 ends what the login
 * printed.
 */
#define _GNU_SOURCE
#include "actions/shell.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "actions/call_int.h"
#include "actions/command.h"
#include "actions/link.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "job_sh.h"

#define MARK_MAX 80
#define KILL_TIME TIME_SECOND
#define PENDING_ROOM ((size_t)131072)	/* two reads of a transport, so that the buffer need not grow: growing touches all of its pages */
#define PENDING_TOUCHED 16384		/* a command with more output leaves buffers that are worth freeing */

struct shell {
	struct channel *channel;	/* owned */
	char nonce[33];
	int64_t sent, seen;		/* number of the last mark asked for, and of the last that both streams gave */
	struct buf pending[2];		/* received, not yet given */
	bool marked[2];			/* mark seen + 1 has been found on that stream */
	int status;			/* behind the last mark of stdout */
	int64_t pid;
};

struct run {
	struct shell *shell;		/* borrowed from the link; NULL = own channel */
	struct channel *channel;	/* owned unless framed */
	int64_t number;			/* of the mark that ends it */
	int64_t before;			/* bytes that the channel had given */
	bool ended;
	int status;
};

static const struct transport_ops *ops_of(const struct channel *channel)
{
	return channel->transport->ops;
}

void shell_free(struct shell *shell)
{
	if (!shell)
		return;
	ops_of(shell->channel)->channel_free(shell->channel);
	buf_done(&shell->pending[0]);
	buf_done(&shell->pending[1]);
	mem_free(shell);
}

/* job.sh without comment lines and indentation: it travels with each channel. */
static void append_functions(struct buf *out)
{
	for (const char *at = job_sh; *at;) {
		size_t len = strcspn(at, "\n");
		size_t tabs = strspn(at, "\t");

		if (tabs < len && at[tabs] != '#') {
			buf_append(out, at + tabs, len - tabs);
			buf_putc(out, '\n');
		}
		at += len + (at[len] == '\n');
	}
}

void run_bb_script(struct buf *out, const char *verbs)
{
	append_functions(out);
	buf_puts(out, "bb ");
	buf_puts(out, verbs);
}

static void append_mark(struct buf *out, const struct shell *shell, int64_t number, const char *status)
{
	buf_printf(out, "printf '\\036%s:%lld:%%s\\n' %s; printf '\\036%s:%lld:\\n' >&2\n", shell->nonce,
		   (long long)number, status, shell->nonce, (long long)number);
}

static int make_nonce(char out[33], struct err *e)
{
	unsigned char bytes[16];
	struct buf hex = {0};

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return err_errno(e, "no random numbers");
	str_hex(&hex, bytes, sizeof(bytes));
	str_copy(out, 33, buf_text(&hex));
	buf_done(&hex);
	return 0;
}

/* Starts the persistent shell; what it must know first is sent with the first command. */
static struct shell *shell_open(struct call *call, struct buf *first, struct err *e)
{
	struct transport *transport = transport_get(call, e);
	struct shell *shell;

	if (!transport)
		return NULL;
	shell = mem_alloc(sizeof(*shell));
	shell->seen = -1;
	if (make_nonce(shell->nonce, e) == 0)
		shell->channel = transport->ops->exec(transport, call, "exec sh", e);
	if (!shell->channel) {
		mem_free(shell);
		return NULL;
	}
	append_functions(first);
	append_mark(first, shell, 0, "$$");
	return shell;
}

/* Words for a failed channel operation; ERR_IO drops nothing here, the caller does. */
static void give_up_shell(struct call *call)
{
	struct link *link = link_of(call);

	shell_free(link->shell);
	link->shell = NULL;
}

static int64_t received(const struct shell *shell)
{
	return shell->channel->in_bytes[0] + shell->channel->in_bytes[1];
}

/* Sends the line `HEAD QUOTED TAIL` with feed as its stdin, and the mark behind it. */
static struct run *run_line(struct call *call, const char *head, const char *quoted, const char *tail, const struct buf *feed,
			    struct err *e)
{
	struct link *link = link_of(call);
	struct buf text = {0};
	struct shell *shell;
	struct run *run;
	int written;

	if (!link->shell)
		link->shell = shell_open(call, &text, e);
	shell = link->shell;
	if (!shell)
		return NULL;
	assert(shell->sent == 0 || shell->seen == shell->sent);
	if (feed) {
		buf_puts(&text, "printf '%s' ");
		str_shell_quote(&text, buf_text(feed));
		buf_puts(&text, " | ");
	}
	buf_puts(&text, head);
	if (quoted)
		str_shell_quote(&text, quoted);
	buf_puts(&text, tail);
	buf_puts(&text, feed ? "\n" : " </dev/null\n");
	append_mark(&text, shell, ++shell->sent, "\"$?\"");
	written = ops_of(shell->channel)->write(shell->channel, call, text.data, text.len, e);
	explicit_bzero(text.data, text.cap);
	buf_done(&text);
	if (written < 0) {
		give_up_shell(call);
		return NULL;
	}
	run = mem_alloc(sizeof(*run));
	*run = (struct run){ .shell = shell, .channel = shell->channel, .number = shell->sent, .status = -1,
			     .before = received(shell) };
	buf_room(&shell->pending[0], PENDING_ROOM);
	buf_room(&shell->pending[1], PENDING_ROOM);
	return run;
}

struct run *run_framed(struct call *call, const char *script, const struct buf *feed, struct err *e)
{
	/* $$ in a subshell is the persistent shell: a script that means its own process gets one. */
	if (strstr(script, "$$"))
		return run_line(call, "( exec sh -c ", script, " )", feed, e);
	return run_line(call, "( eval ", script, " )", feed, e);
}

struct run *run_framed_bb(struct call *call, const char *verbs, const struct buf *feed, struct err *e)
{
	return run_line(call, "bb ", NULL, verbs, feed, e);
}

struct run *run_plain(struct call *call, const char *script, const struct buf *feed, bool keep_stdin, struct err *e)
{
	struct transport *transport = transport_get(call, e);
	struct buf command = {0};
	struct channel *channel;
	struct run *run;
	int sent = 0;

	if (!transport)
		return NULL;
	buf_puts(&command, "exec sh -c ");
	str_shell_quote(&command, script);
	channel = transport->ops->exec(transport, call, buf_text(&command), e);
	buf_done(&command);
	if (!channel)
		return NULL;
	if (feed)
		sent = transport->ops->write(channel, call, feed->data, feed->len, e);
	if (sent == 0 && !keep_stdin)
		sent = transport->ops->eof(channel, call, e);
	if (sent < 0) {
		transport->ops->channel_free(channel);
		return NULL;
	}
	run = mem_alloc(sizeof(*run));
	*run = (struct run){ .channel = channel, .status = -1 };
	return run;
}

struct run *run_plain_bb(struct call *call, const char *verbs, bool keep_stdin, struct err *e)
{
	struct buf script = {0};
	struct run *run;

	run_bb_script(&script, verbs);
	run = run_plain(call, buf_text(&script), NULL, keep_stdin, e);
	buf_done(&script);
	return run;
}

/* How many of the last bytes may be the beginning of the mark. */
static size_t held_back(const struct buf *pending, const char *mark, size_t len)
{
	size_t most = pending->len < len ? pending->len : len;

	for (size_t n = most; n > 0; n--) {
		if (memcmp(pending->data + pending->len - n, mark, n) == 0)
			return n;
	}
	return 0;
}

/* Moves what surely is output of the present command from pending to out (NULL: dropped). Sets marked and status when the mark is whole. */
static void take_pending(struct shell *shell, int stream, struct buf *out)
{
	struct buf *pending = &shell->pending[stream];
	char mark[MARK_MAX];
	int wanted = snprintf(mark, sizeof(mark), "\036%s:%lld:", shell->nonce, (long long)shell->seen + 1);
	size_t len = (size_t)wanted;
	size_t before, behind = 0;
	char *at;

	if (shell->marked[stream] || pending->len == 0)
		return;
	at = memmem(pending->data, pending->len, mark, len);
	if (at) {
		char *end = memchr(at + len, '\n', pending->len - (size_t)(at + len - pending->data));

		before = (size_t)(at - pending->data);
		if (end) {
			shell->marked[stream] = true;
			if (stream == 0)
				shell->status = (int)strtol(at + len, NULL, 10);
			behind = (size_t)(end + 1 - at);
		}
	} else {
		before = pending->len - held_back(pending, mark, len);
	}
	if (out && before > 0)
		buf_append(out, pending->data, before);
	buf_consume(pending, before + behind);
}

/* Gives what is pending up to the mark that ends run. */
static void take_until(struct run *run, struct buf *out, struct buf *errout)
{
	struct shell *shell = run->shell;

	while (!run->ended) {
		bool mine = shell->seen + 1 == run->number;

		take_pending(shell, 0, mine ? out : NULL);
		take_pending(shell, 1, mine ? errout : NULL);
		if (!shell->marked[0] || !shell->marked[1])
			return;
		shell->marked[0] = shell->marked[1] = false;
		if (++shell->seen == 0)
			shell->pid = shell->status;
		run->ended = mine;
	}
	run->status = shell->status;
}

static int read_framed(struct run *run, struct call *call, struct buf *out, struct buf *errout, int64_t extra_us,
		       struct err *e)
{
	struct shell *shell = run->shell;
	size_t before = out->len + errout->len;
	int64_t until = extra_us >= 0 ? time_mono_us() + extra_us : 0;

	for (;;) {
		int64_t left = extra_us >= 0 ? until - time_mono_us() : -1;
		int got;

		take_until(run, out, errout);
		if (out->len + errout->len > before)
			return 1;
		if (run->ended)
			return 0;
		got = ops_of(shell->channel)->read(shell->channel, call, &shell->pending[0], &shell->pending[1],
						   extra_us >= 0 && left < 0 ? 0 : left, e);
		if (got == 0)
			return err_set(e, ERR_REMOTE, "the shell on %s ended", link_name(call));
		if (got != 1)
			return got;
	}
}

int run_read(struct run *run, struct call *call, struct buf *out, struct buf *errout, int64_t extra_us,
	     struct err *e)
{
	int got;

	if (run->ended)
		return 0;
	if (run->shell)
		return read_framed(run, call, out, errout, extra_us, e);
	got = ops_of(run->channel)->read(run->channel, call, out, errout, extra_us, e);
	if (got == 0) {
		run->ended = true;
		run->status = command_status(run->channel->exit_code, run->channel->signal);
	}
	return got;
}

int run_finish(struct run *run, struct call *call, struct buf *out, struct buf *errout, struct err *e)
{
	int got;

	while ((got = run_read(run, call, out, errout, -1, e)) > 0)
		;
	return got;
}

int run_status(const struct run *run)
{
	return run->status;
}

void run_kill(struct run *run, struct call *call)
{
	struct buf out = {0}, errout = {0}, verbs = {0};
	struct run *killer;
	struct err e;

	call_cancel_seen(call, KILL_TIME);
	if (!run->shell || run->shell->pid <= 0)
		return;
	buf_printf(&verbs, "signal - - %lld - KILL", (long long)run->shell->pid);
	killer = run_plain_bb(call, buf_text(&verbs), false, &e);
	if (killer) {
		(void)run_finish(killer, call, &out, &errout, &e);
		run_close(killer, call);
	}
	buf_done(&verbs);
	buf_done(&out);
	buf_done(&errout);
}

void run_close(struct run *run, struct call *call)
{
	if (!run)
		return;
	if (!run->shell) {
		ops_of(run->channel)->channel_free(run->channel);
	} else if (!run->ended || run->shell->pending[0].len + run->shell->pending[1].len > 0) {
		give_up_shell(call);	/* busy, or something left in the background still writes into it */
	} else if (received(run->shell) - run->before > PENDING_TOUCHED) {
		/* Two read buffers are most of what an idle connection takes, once they were filled. */
		buf_done(&run->shell->pending[0]);
		buf_done(&run->shell->pending[1]);
	}
	mem_free(run);
}
