/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "actions/ssh/ssh_child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/proc.h"
#include "base/time.h"

#define READ_STEP ((size_t)16384)
#define TEXT_MAX ((size_t)2 << 20)

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void ssh_child_kill(pid_t pid)
{
	if (pid <= 0)
		return;
	/* And what it started: a stopped askpass would stay for ever. */
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	(void)proc_wait(pid);
}

/* Reads one pipe to its end. 0, or -1. */
static int read_all(struct call *call, int fd, struct buf *to, int64_t until, struct err *e)
{
	for (;;) {
		int64_t left = until - time_mono_us();
		int waited = call_wait(call, fd, POLLIN, left > 0 ? left : 0, e);
		ssize_t got;

		if (waited < 0)
			return -1;
		if (waited > 0)
			return err_set(e, ERR_IO, "no end in time");
		got = read(fd, buf_room(to, READ_STEP), READ_STEP);
		if (got == 0)
			return 0;
		if (got > 0)
			buf_added(to, (size_t)got);
		else if (errno != EINTR && errno != EAGAIN)
			return err_errno(e, "cannot read");
		if (to->len > TEXT_MAX)
			return err_set(e, ERR_IO, "an endless answer");
	}
}

int ssh_child_run(struct call *call, const char *const *argv, struct buf *out, struct buf *words,
		  int64_t limit_us, struct err *e)
{
	struct proc_spawn spawn = { .argv = argv, .in = -1, .new_session = true, .die_with_parent = true };
	int from[2] = { -1, -1 }, errors[2] = { -1, -1 };
	int64_t until = time_mono_us() + limit_us;
	int status = -1;
	pid_t pid = 0;

	if (proc_pipe(from, e) == 0 && proc_pipe(errors, e) == 0) {
		spawn.out = from[1];
		spawn.err = errors[1];
		pid = proc_start(&spawn, e);
	}
	close_fd(&from[1]);
	close_fd(&errors[1]);
	/* One after the other: what these programs say on stderr fits into a pipe. */
	if (pid > 0 && read_all(call, from[0], out, until, e) == 0 && read_all(call, errors[0], words, until, e) == 0)
		status = proc_wait(pid);
	else if (pid > 0)
		ssh_child_kill(pid);
	if (status < 0 && e->kind == ERR_IO)
		err_wrap(e, "%s", argv[0]);
	close_fd(&from[0]);
	close_fd(&errors[0]);
	return status;
}

const char *ssh_child_last_line(struct buf *words, const char *fallback)
{
	char *data = words->data;
	size_t start;

	while (words->len > 0 && (unsigned char)data[words->len - 1] <= ' ')
		words->len--;
	if (words->len == 0)
		return fallback;
	data[words->len] = '\0';
	for (start = words->len; start > 0 && data[start - 1] != '\n'; start--) {
		unsigned char c = (unsigned char)data[start - 1];

		if (c < ' ' || c == 0x7f)
			data[start - 1] = ' ';
	}
	return data + start;
}
