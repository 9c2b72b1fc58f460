/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Until a shell has begun: what a login prints, what it lets through, and how long it may be silent. */
#define _GNU_SOURCE
#include "actions/transport/shell_int.h"

#include <string.h>

#include "actions/worker/call_int.h"
#include "actions/transport/link.h"
#include "actions/ssh/ssh_child.h"
#include "actions/ssh/ssh_memory.h"
#include "base/mem.h"
#include "base/time.h"

#define HEARD_MAX ((size_t)4096)	/* of what a login prints this much is kept */
#define LATE_TIME (5 * TIME_SECOND)	/* without a word from a shell that was started */
#define ERRORS_TIME TIME_SECOND		/* for mark 0 of stderr behind that of stdout; one that comes later is not missed, only dropped */
#define STREAM_TIME (5 * TIME_SECOND)	/* for that of stdout behind that of stderr */
#define BEGIN_MAX (120 * TIME_SECOND)	/* for mark 0: start files may wait for something, but not for ever */

#define WAITS "something in its start files (.bashrc, a ForceCommand) waits, or reads what is meant for the shell"

static char *one_stream_key(const struct call *call)
{
	return mem_printf("one stream %s", call_host(call));
}

bool shell_has_one_stream(const struct call *call)
{
	char *key = one_stream_key(call);
	char *found = ssh_memory_get(key);

	ssh_memory_wipe(found);
	mem_free(key);
	return found != NULL;
}

/* What the login printed on its way to our shell: told once for each host, as a note. */
static void tell_heard(struct shell *shell, struct call *call)
{
	struct buf words = {0};
	struct buf *heard = &shell->heard;

	while (heard->len > 0 && strchr(" \t\r\n", heard->data[heard->len - 1]))
		heard->len--;
	buf_printf(&words, "%s %s", "login text", call_host(call));
	if (heard->len > 0 && ssh_memory_first(buf_text(&words))) {
		buf_clear(&words);
		buf_printf(&words, "%s prints this at each log-in; it is no output of a command, and is left out from here on:\n",
			   link_name(call));
		buf_append(&words, heard->data, heard->len);
		buf_putc(&words, '\n');
		call_output(call, "note", words.data, words.len);
	}
	buf_done(&words);
	buf_done(heard);
}

/* Stderr does not come by itself: told once for each host, and remembered for its next shells. */
static void set_one_stream(struct shell *shell, struct call *call, const char *what)
{
	char *key = one_stream_key(call);
	char *words = mem_printf("the log-in on %s %s (its start files, a wrapper or a ForceCommand do it); "
				 "what a command prints there is brought in another way, and shows when it has ended.\n",
				 link_name(call), what);

	shell->one = true;
	if (ssh_memory_first(key))
		call_output(call, "note", words, strlen(words));
	ssh_memory_set(key, what);
	mem_free(key);
	mem_free(words);
}

bool shell_take_login(struct shell *shell, struct call *call)
{
	char mark[MARK_MAX];
	size_t len = shell_next_mark(shell, mark);
	bool has_begun = shell_take_marked(shell, &shell->heard, &shell->heard);

	if (!has_begun && !shell->one && shell->marked[0] && shell->pending[0].len > 0 &&
	    memmem(shell->pending[0].data, shell->pending[0].len, mark, len)) {
		set_one_stream(shell, call, "prints stderr on stdout");
		has_begun = shell_take_marked(shell, NULL, NULL);
	}
	/* What comes on a stderr that is not used is nobody's. */
	if (shell->one) {
		buf_append(&shell->heard, shell->pending[1].data, shell->pending[1].len);
		buf_clear(&shell->pending[1]);
	}
	if (shell->heard.len > HEARD_MAX)
		shell->heard.len = HEARD_MAX;
	if (has_begun) {
		shell->pid = shell->status;
		tell_heard(shell, call);
	}
	return has_begun;
}

/* Beside a shell that has begun, the one whose channel is looked at is no matter of the login: none was given. */
static bool is_second(const struct shell *shell, struct call *call)
{
	const struct shell *first = link_of(call)->shell;

	return first && first != shell && first->seen >= 0;
}

/* Nothing was by this shell; an earlier one may have run it. */
static int not_run(struct call *call)
{
	return call->may_run || call->settle ? -1 : call_not_run(call);
}

/* A login that begins no shell: nothing was run, and nothing will be. -1. */
static int of_no_use(const struct shell *shell, struct call *call, const char *words, struct err *e)
{
	if (is_second(shell, call))
		return err_set(e, ERR_REMOTE, "%s gave no second channel: its log-in %s", link_name(call), words);
	err_set(e, ERR_USAGE, "the log-in on %s %s, so nothing was run", link_name(call), words);
	return not_run(call);
}

static void tell_late(struct shell *shell, struct call *call)
{
	char *key = mem_printf("late %s", call_host(call));
	char *words = mem_printf("%s let us in, but its log-in has begun no shell for %lld s: something in its start files "
				 "(.bashrc, .profile, a ForceCommand) seems to wait or to read what is meant for the shell. "
				 "Let it do so only where there is a terminal: [ -t 0 ] || return\n",
				 link_name(call), (long long)(LATE_TIME / TIME_SECOND));

	shell->late = true;
	if (ssh_memory_first(key))
		call_output(call, "note", words, strlen(words));
	mem_free(key);
	mem_free(words);
}

/* Until when a shell that has not begun may be silent. */
static int64_t begin_until(struct shell *shell)
{
	bool half = shell->marked[0] || shell->marked[1];

	if (half && !shell->half_us)
		shell->half_us = time_mono_us();
	if (half)
		return shell->half_us + (shell->marked[0] ? ERRORS_TIME : STREAM_TIME);
	return shell->began_us + (shell->late ? BEGIN_MAX : LATE_TIME);
}

/* Mark 0 came on one stream alone, and nothing will come on the other. 0 = that will do, -1 = it is of no use. */
static int half_begun(struct shell *shell, struct call *call, struct err *e)
{
	if (!shell->marked[0])
		return of_no_use(shell, call, "throws away what is printed on stdout", e);
	set_one_stream(shell, call, "throws away what is printed on stderr");
	shell->marked[1] = true;
	return 0;
}

/* It was silent until then. 0 = waits on, -1 = it is of no use. */
static int silent(struct shell *shell, struct call *call, struct err *e)
{
	if (shell->marked[0] || shell->marked[1])
		return half_begun(shell, call, e);
	if (shell->late)
		return of_no_use(shell, call, "begins no shell (" WAITS ")", e);
	tell_late(shell, call);
	return 0;
}

int shell_read(struct shell *shell, struct call *call, int64_t extra_us, struct err *e)
{
	const struct transport_ops *ops = shell_ops(shell->channel);
	int64_t until, left;
	int got;

	if (shell->seen >= 0)
		return ops->read(shell->channel, call, &shell->pending[0], &shell->pending[1], extra_us, e);
	until = begin_until(shell);
	left = until - time_mono_us();
	if (left < 0)
		left = 0;
	got = ops->read(shell->channel, call, &shell->pending[0], &shell->pending[1],
			extra_us >= 0 && extra_us < left ? extra_us : left, e);
	if (got != 2 || time_mono_us() < until)
		return got;
	return silent(shell, call, e) < 0 ? -1 : 1;
}

int shell_never_begun(struct shell *shell, struct call *call, struct err *e)
{
	if (shell->marked[0] || shell->marked[1])
		return half_begun(shell, call, e);
	/* The system's ssh tells a refused channel only by its end. */
	if (is_second(shell, call)) {
		link_of(call)->one_channel = true;
		return err_set(e, ERR_REMOTE, "%s gave no second channel: %s", link_name(call),
			       ssh_child_last_line(&shell->heard, "it said nothing"));
	}
	err_set(e, ERR_USAGE, "the log-in on %s runs no commands, so nothing was run; it says: %s", link_name(call),
		ssh_child_last_line(&shell->heard, "nothing"));
	return not_run(call);
}

int shell_begin(struct shell *shell, struct call *call, struct err *e)
{
	while (shell->seen < 0 && !shell_take_login(shell, call)) {
		int got = shell_read(shell, call, -1, e);

		if (got < 0 && e->kind == ERR_TIMEOUT)
			return err_set(e, ERR_TIMEOUT, "%s let us in, but its log-in has begun no shell in time: " WAITS, link_name(call));
		if (got < 0)
			return -1;
		if (got == 0 && !shell_take_login(shell, call) && shell_never_begun(shell, call, e) < 0)
			return -1;
	}
	return 0;
}
