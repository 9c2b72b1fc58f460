/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A shell of ours reads its commands from stdin: the login shell of a host is
 * asked for nothing but `exec sh`, which fish, csh and any wrapper can do.
 * Each command is framed: it runs in a subshell with a stdin of its own, and
 * behind it the shell prints a mark with a number that only this shell and we
 * know on both streams, with the status on the first. What comes before mark
 * N + 1 and after mark N is the output of command N + 1.
 *
 * Mark 0 ends what the login printed, which is nobody's output: it is told once
 * as a note. What comes behind the last mark (a wrapper that says good-bye) is
 * nobody's either.
 *
 * The persistent shell of a link takes one command after the other. A run on
 * a channel of its own has a shell that takes one and goes. When the command's
 * stdin stays open, that shell says mark 1 when it has read all of its text, so
 * that what is sent behind that mark is the command's stdin.
 *
 * Start files may read what is meant for the shell. So nothing but the request
 * for mark 0 is sent before mark 0 has come, and that request begins with empty
 * lines, which are for a greeter that waits for a key or for a line. Nothing of
 * a script can be eaten then, and a login that is of no use has run nothing.
 * A login that throws
 * stderr away, or prints it on stdout, gives one stream (`one`): there the
 * shell keeps what a command says on stderr in a variable, and prints it
 * between both marks on stdout when the command has ended.
 */
#define _GNU_SOURCE
#include "actions/transport/shell_int.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "actions/worker/call_int.h"
#include "actions/do/command.h"
#include "actions/transport/link.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "job_sh.h"

#define KILL_TIME TIME_SECOND
#define PENDING_ROOM ((size_t)131072)	/* two reads of a transport, so that the buffer need not grow: growing touches all of its pages */
#define PENDING_TOUCHED 16384		/* a command with more output leaves buffers that are worth freeing */
#define END_TIME TIME_SECOND

struct run {
	struct shell *shell;		/* borrowed from the link, or owned when alone */
	bool alone;			/* on a channel of its own */
	bool one;			/* what was sent takes the login for one with one stream */
	int64_t number;			/* of the mark that ends it */
	int64_t begun;			/* of the mark behind which its stdin may be written */
	struct buf rest;		/* owned; what is sent behind mark 0; wiped */
	bool keeps_stdin;		/* no end of file behind rest */
	int64_t before;			/* bytes that the channel had given */
	bool ended;
	bool cut;			/* its shell went without the mark that ends it */
	int status;
};

void shell_free(struct shell *shell)
{
	if (!shell)
		return;
	shell_ops(shell->channel)->channel_free(shell->channel);
	buf_done(&shell->pending[0]);
	buf_done(&shell->pending[1]);
	buf_done(&shell->heard);
	mem_free(shell);
}

/* job.sh without comment lines and indentation: it travels with each channel; and where this host is to have its jobs. */
static void append_functions(const struct call *call, struct buf *out)
{
	const char *place = link_option(call, "jobs");

	for (const char *at = job_sh; *at;) {
		size_t len = strcspn(at, "\n");
		size_t tabs = strspn(at, "\t");

		if (tabs < len && at[tabs] != '#') {
			buf_append(out, at + tabs, len - tabs);
			buf_putc(out, '\n');
		}
		at += len + (at[len] == '\n');
	}
	if (place) {
		buf_puts(out, "bb_jobs_at ");
		str_shell_quote(out, place);
		buf_putc(out, '\n');
	}
}

void run_bb_script(const struct call *call, struct buf *out, const char *verbs)
{
	append_functions(call, out);
	buf_puts(out, "bb ");
	buf_puts(out, verbs);
}

static void append_mark(struct buf *out, const struct shell *shell, int64_t number, const char *status)
{
	buf_printf(out, "printf '\\036%s:%lld:%%s\\n' %s; printf '\\036%s:%lld:\\n'%s\n", shell->nonce,
		   (long long)number, status, shell->nonce, (long long)number, shell->one ? "" : " >&2");
}

/* All that a shell gets before it has begun. */
static void append_opening(struct buf *out, const struct shell *shell)
{
	buf_puts(out, "\n\n\n\n\n\n\n\n");
	append_mark(out, shell, 0, "$$");
}

/* Runs line, and the mark behind it. With one stream stderr is kept meanwhile (a shell complains of NUL bytes in it: that is nobody's). */
static void append_line(struct buf *out, const struct shell *shell, const char *line)
{
	if (!shell->one) {
		buf_printf(out, "%s\n", line);
		append_mark(out, shell, shell->sent, "\"$?\"");
		return;
	}
	buf_printf(out, "{ bb_said=$({ %s\n} 2>&1 >&3 3>&-; printf ':%%s' \"$?\"); } 3>&1 2>/dev/null\n", line);
	buf_printf(out, "printf '\\036%s:%lld:%%s\\n%%s\\036%s:%lld:\\n' \"${bb_said##*:}\" \"${bb_said%%:*}\"; bb_said=\n",
		   shell->nonce, (long long)shell->sent, shell->nonce, (long long)shell->sent);
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

static void give_up_shell(struct call *call)
{
	struct link *link = link_of(call);

	shell_free(link->shell);
	link->shell = NULL;
}

/* The link's shell has nothing to do: it is ended in good order, as a host may count it (MaxSessions 1). False when there is none, or it is busy. */
static bool end_idle_shell(struct call *call)
{
	struct shell *shell = link_of(call)->shell;
	int64_t until = time_mono_us() + END_TIME;
	int64_t left = END_TIME;
	struct buf none = {0};
	struct err e;
	int got = 1;

	if (!shell || shell->seen != shell->sent)
		return false;
	if (shell_ops(shell->channel)->eof(shell->channel, call, &e) < 0)
		got = -1;
	while (got == 1 && left > 0) {
		got = shell_ops(shell->channel)->read(shell->channel, call, &none, &none, left, &e);
		buf_clear(&none);
		left = until - time_mono_us();
	}
	buf_done(&none);
	give_up_shell(call);
	return got >= 0;
}

/* A host takes a moment to count the channel that was closed as gone. */
static struct channel *exec_again(struct transport *transport, struct call *call, struct err *e)
{
	int64_t until = time_mono_us() + END_TIME;
	struct channel *channel;

	do
		channel = transport->ops->exec(transport, call, "exec sh", e);
	while (!channel && e->kind == ERR_REMOTE && time_mono_us() < until && call_wait(call, -1, 0, END_TIME / 20, e) >= 0);
	return channel;
}

/* A shell on a channel of its own, that knows nothing yet. */
static struct shell *shell_new(struct call *call, struct err *e)
{
	struct transport *transport = transport_get(call, e);
	struct shell *shell;

	if (!transport)
		return NULL;
	if (link_of(call)->one_channel)
		(void)end_idle_shell(call);
	shell = mem_alloc(sizeof(*shell));
	shell->seen = -1;
	shell->one = shell_has_one_stream(call);
	if (make_nonce(shell->nonce, e) == 0)
		shell->channel = transport->ops->exec(transport, call, "exec sh", e);
	if (!shell->channel && e->kind == ERR_REMOTE && end_idle_shell(call))
		shell->channel = exec_again(transport, call, e);
	if (!shell->channel) {
		mem_free(shell);
		return NULL;
	}
	shell->began_us = time_mono_us();
	return shell;
}

/* Sends text and wipes it. A shell that is gone already tells its end when it is read. */
static int send_text(struct shell *shell, struct call *call, struct buf *text, struct err *e)
{
	int written = shell_ops(shell->channel)->write(shell->channel, call, text->data, text->len, e);

	explicit_bzero(text->data, text->cap);
	buf_done(text);
	return written < 0 && e->kind != ERR_REMOTE ? -1 : 0;
}

static int64_t received(const struct shell *shell)
{
	return shell->channel->in_bytes[0] + shell->channel->in_bytes[1];
}

static struct run *run_new(struct shell *shell, bool alone)
{
	struct run *run = mem_alloc(sizeof(*run));

	*run = (struct run){ .shell = shell, .alone = alone, .one = shell->one, .number = shell->sent, .status = -1,
			     .before = received(shell) };
	buf_room(&shell->pending[0], PENDING_ROOM);
	buf_room(&shell->pending[1], PENDING_ROOM);
	return run;
}

/* "printf '%s' FEED | ": what is fed is never part of an argv, as printf is the shell's own. */
static void append_feed(struct buf *out, const struct buf *feed)
{
	if (!feed)
		return;
	buf_puts(out, "printf '%s' ");
	str_shell_quote(out, buf_text(feed));
	buf_puts(out, " | ");
}

/* Script in a subshell, or in a sh of its own. */
static void append_script(struct buf *out, const char *script, bool own)
{
	/* $$ in a subshell is the shell around it: a script that means its own process gets one. */
	buf_puts(out, own || strstr(script, "$$") ? "( exec sh -c " : "( eval ");
	str_shell_quote(out, script);
	buf_puts(out, " )");
}

/* The command with feed as its stdin, and the mark behind it. A borrowed stdin is left as it is. */
static void append_fed(struct buf *out, struct shell *shell, const char *command, const struct buf *feed, bool borrowed)
{
	struct buf line = {0};

	append_feed(&line, feed);
	buf_puts(&line, command);
	buf_puts(&line, feed || borrowed ? "" : " </dev/null");
	shell->sent++;
	append_line(out, shell, buf_text(&line));
	if (line.data)
		explicit_bzero(line.data, line.cap);
	buf_done(&line);
}

/* Sends a command to the link's shell. */
static struct run *run_line(struct call *call, const char *line, const struct buf *feed, struct err *e)
{
	struct buf text = {0};
	struct shell *shell;

	if (shell_ready(call, e) < 0)
		return NULL;
	shell = link_of(call)->shell;
	assert(shell->seen == shell->sent);
	append_fed(&text, shell, line, feed, false);
	if (send_text(shell, call, &text, e) < 0) {
		give_up_shell(call);
		return NULL;
	}
	return run_new(shell, false);
}

struct run *run_framed(struct call *call, const char *script, const struct buf *feed, struct err *e)
{
	struct buf line = {0};
	struct run *run;

	append_script(&line, script, false);
	run = run_line(call, buf_text(&line), feed, e);
	buf_done(&line);
	return run;
}

struct run *run_framed_bb(struct call *call, const char *verbs, const struct buf *feed, struct err *e)
{
	struct buf line = {0};
	struct run *run;

	buf_printf(&line, "bb %s", verbs);
	run = run_line(call, buf_text(&line), feed, e);
	buf_done(&line);
	return run;
}

struct run *run_plain(struct call *call, const char *script, const struct buf *feed, bool keep_stdin, struct err *e)
{
	struct shell *shell = shell_new(call, e);
	struct buf text = {0}, command = {0};
	struct run *run;

	if (!shell)
		return NULL;
	append_opening(&text, shell);
	if (send_text(shell, call, &text, e) < 0) {
		shell_free(shell);
		return NULL;
	}
	run = run_new(shell, true);
	run->keeps_stdin = keep_stdin;
	/* In braces: a shell reads them to their end before it does anything. */
	buf_puts(&run->rest, "{\n");
	if (keep_stdin)
		append_mark(&run->rest, shell, ++shell->sent, "0");
	run->begun = shell->sent;
	/* Whatever it does to the shell that it takes for its own, this one lives to tell its status: ssh says 255 for any signal. */
	append_script(&command, script, true);
	append_fed(&run->rest, shell, buf_text(&command), feed, keep_stdin);
	buf_done(&command);
	buf_puts(&run->rest, "exit 0\n}\n");
	run->number = shell->sent;
	return run;
}

/* The shell has begun: it gets what it is for. 0, or -1. */
static int send_rest(struct run *run, struct call *call, struct err *e)
{
	struct shell *shell = run->shell;

	if (run->rest.len == 0 || shell->seen < 0)
		return 0;
	if (send_text(shell, call, &run->rest, e) < 0)
		return -1;
	return run->keeps_stdin ? 0 : shell_ops(shell->channel)->eof(shell->channel, call, e);
}

struct run *run_plain_bb(struct call *call, const char *verbs, bool keep_stdin, struct err *e)
{
	struct buf script = {0};
	struct run *run;

	run_bb_script(call, &script, verbs);
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

size_t shell_next_mark(const struct shell *shell, char mark[MARK_MAX])
{
	return (size_t)snprintf(mark, MARK_MAX, "\036%s:%lld:", shell->nonce, (long long)shell->seen + 1);
}

/* Moves what surely is output of the present command from pending to out (NULL: dropped). Sets marked and status when the mark of the stream is whole. */
static void take_pending(struct shell *shell, int stream, struct buf *pending, struct buf *out)
{
	char mark[MARK_MAX];
	size_t len = shell_next_mark(shell, mark);
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

bool shell_take_marked(struct shell *shell, struct buf *out, struct buf *errout)
{
	take_pending(shell, 0, &shell->pending[0], out);
	if (!shell->one)
		take_pending(shell, 1, &shell->pending[1], errout);
	else if (shell->marked[0])
		take_pending(shell, 1, &shell->pending[0], errout);
	if (!shell->marked[0] || !shell->marked[1])
		return false;
	shell->marked[0] = shell->marked[1] = false;
	shell->seen++;
	return true;
}

/* Gives what is pending up to the mark that ends run. */
static void take_until(struct run *run, struct call *call, struct buf *out, struct buf *errout)
{
	struct shell *shell = run->shell;

	if (shell->seen < 0 && !shell_take_login(shell, call))
		return;
	if (shell->one)
		buf_clear(&shell->pending[1]);
	while (!run->ended) {
		bool mine = shell->seen + 1 == run->number;

		if (!shell_take_marked(shell, mine ? out : NULL, mine ? errout : NULL))
			return;
		run->ended = mine;
	}
	run->status = shell->status;
}

int shell_ready(struct call *call, struct err *e)
{
	struct link *link = link_of(call);
	struct buf first = {0};

	if (!link->shell) {
		link->shell = shell_new(call, e);
		if (!link->shell)
			return -1;
		append_opening(&first, link->shell);
		if (send_text(link->shell, call, &first, e) < 0)
			goto fail;
	}
	if (link->shell->seen >= 0)
		return 0;
	if (shell_begin(link->shell, call, e) < 0)
		goto fail;
	append_functions(call, &first);
	if (send_text(link->shell, call, &first, e) == 0)
		return 0;
fail:
	give_up_shell(call);
	return -1;
}

/* What was sent took the login for another kind than it showed itself to be. */
static int other_kind(const struct run *run, struct call *call, struct err *e)
{
	if (run->shell->seen < 0 || run->one == run->shell->one)
		return 0;
	return err_set(e, ERR_REMOTE, "the log-in on %s is not what it was before", link_name(call));
}

/* The channel ended before the mark did. */
static int shell_ended(struct run *run, struct call *call, struct buf *out, struct buf *errout, struct err *e)
{
	struct shell *shell = run->shell;

	if (shell->seen < 0 && (shell_never_begun(shell, call, e) < 0 || !shell_take_login(shell, call) || other_kind(run, call, e) < 0))
		return -1;
	if (!run->alone)
		return err_set(e, ERR_REMOTE, "the shell on %s ended", link_name(call));
	for (int i = 0; i < 2; i++) {
		if (!shell->marked[i] && (i == 0 || !shell->one))
			buf_append(i == 0 ? out : errout, shell->pending[i].data, shell->pending[i].len);
		buf_clear(&shell->pending[i]);
	}
	run->ended = run->cut = true;
	run->status = command_status(shell->channel->exit_code, shell->channel->signal);
	return 0;
}

int run_read(struct run *run, struct call *call, struct buf *out, struct buf *errout, int64_t extra_us,
	     struct err *e)
{
	struct shell *shell = run->shell;
	size_t before = out->len + errout->len;
	int64_t until = extra_us >= 0 ? time_mono_us() + extra_us : 0;

	for (;;) {
		int64_t left = extra_us >= 0 ? until - time_mono_us() : -1;
		int got;

		if (!run->ended)
			take_until(run, call, out, errout);
		if (other_kind(run, call, e) < 0 || send_rest(run, call, e) < 0)
			return -1;
		if (out->len + errout->len > before)
			return 1;
		if (run->ended)
			return 0;
		got = shell_read(shell, call, extra_us >= 0 && left < 0 ? 0 : left, e);
		if (got == 0 && shell_ended(run, call, out, errout, e) < 0)
			return -1;
		if (got < 0 || got == 2)
			return got;
	}
}

int run_begin(struct run *run, struct call *call, struct err *e)
{
	struct shell *shell = run->shell;

	if (shell_begin(shell, call, e) < 0 || other_kind(run, call, e) < 0 || send_rest(run, call, e) < 0)
		return -1;
	while (shell->seen < run->begun) {
		int got;

		if (shell->one)
			buf_clear(&shell->pending[1]);
		if (shell_take_marked(shell, NULL, NULL))
			continue;
		got = shell_read(shell, call, -1, e);
		if (got == 0)
			return err_set(e, ERR_REMOTE, "the shell on %s ended", link_name(call));
		if (got < 0)
			return -1;
	}
	return 0;
}

int run_write(struct run *run, struct call *call, const void *bytes, size_t len, bool *ended, struct err *e)
{
	struct channel *channel = run->shell->channel;

	*ended = false;
	if (len == 0 || shell_ops(channel)->write(channel, call, bytes, len, e) == 0)
		return 0;
	*ended = e->kind == ERR_REMOTE;
	return *ended ? 0 : -1;
}

int run_eof(struct run *run, struct call *call, struct err *e)
{
	return shell_ops(run->shell->channel)->eof(run->shell->channel, call, e);
}

bool run_is_cut(const struct run *run)
{
	return run->cut;
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
	if (run->shell->pid <= 0)
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
	if (run->rest.data)
		explicit_bzero(run->rest.data, run->rest.cap);
	buf_done(&run->rest);
	if (run->alone) {
		shell_free(run->shell);
	} else if (!run->ended || run->shell->pending[0].len + run->shell->pending[1].len > 0) {
		give_up_shell(call);	/* busy, or something left in the background still writes into it */
	} else if (received(run->shell) - run->before > PENDING_TOUCHED) {
		/* Two read buffers are most of what an idle connection takes, once they were filled. */
		buf_done(&run->shell->pending[0]);
		buf_done(&run->shell->pending[1]);
	}
	mem_free(run);
}
