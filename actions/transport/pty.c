/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE	/* posix_openpt with O_CLOEXEC, ptsname_r, TIOCSWINSZ */
#include "actions/transport/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

extern char **environ;

/* What a terminal of ours must not inherit from the one bellbook was started on. */
static bool is_of_terminal(const char *variable)
{
	static const char *const names[] = { "TERM=", "COLUMNS=", "LINES=", "TERMCAP=", "TMUX=", "TMUX_PANE=", "STY=", "WINDOW=" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_starts(variable, names[i]))
			return true;
	return false;
}

/* Our environment with another TERM; the array is the caller's, what it points to is not. */
static const char **environment(const char *term)
{
	size_t count = 0, kept = 0;
	const char **env;

	while (environ[count])
		count++;
	env = mem_array(count + 2, sizeof(*env));
	for (size_t i = 0; i < count; i++)
		if (!is_of_terminal(environ[i]))
			env[kept++] = environ[i];
	env[kept++] = term;
	env[kept] = NULL;
	return env;
}

static int set_size(int fd, const struct terminal *terminal)
{
	struct winsize size = { .ws_row = (unsigned short)terminal->rows, .ws_col = (unsigned short)terminal->cols };

	return ioctl(fd, TIOCSWINSZ, &size);
}

/* Both ends, the slave's with the size. */
static int open_both(const struct terminal *terminal, int *master, int *slave, struct err *e)
{
	char name[64];

	*slave = -1;
	*master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*master < 0)
		return err_errno(e, "cannot make a terminal");
	if (grantpt(*master) == 0 && unlockpt(*master) == 0 && ptsname_r(*master, name, sizeof(name)) == 0)
		*slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*slave >= 0 && set_size(*slave, terminal) == 0)
		return 0;
	err_errno(e, "cannot make a terminal");
	if (*slave >= 0)
		close(*slave);
	close(*master);
	*master = -1;
	return -1;
}

pid_t pty_start(const struct proc_spawn *spawn, const struct terminal *terminal, int *master, struct err *e)
{
	struct proc_spawn process = *spawn;
	char *term;
	const char **env;
	pid_t pid;
	int slave;

	if (open_both(terminal, master, &slave, e) < 0)
		return -1;
	term = mem_printf("TERM=%s", terminal->type);
	env = environment(term);
	process.env = env;
	process.in = process.out = process.err = slave;
	process.new_session = process.terminal = true;
	pid = proc_start(&process, e);
	mem_free(env);
	mem_free(term);
	close(slave);
	if (pid < 0) {
		close(*master);
		*master = -1;
	}
	return pid;
}

ssize_t pty_put(int master, const void *bytes, size_t len, struct err *e)
{
	ssize_t put;

	if (master < 0)
		return (ssize_t)len;
	do
		put = write(master, bytes, len);
	while (put < 0 && errno == EINTR);
	if (put >= 0)
		return put;
	if (errno == EAGAIN)
		return 0;
	return errno == EIO ? (ssize_t)len : err_errno(e, "cannot write to a terminal");
}

int pty_resize(int master, const struct terminal *terminal, struct err *e)
{
	if (master >= 0 && set_size(master, terminal) < 0)
		return err_errno(e, "cannot change a terminal's size");
	return 0;
}

const char *pty_login_shell(char *text, size_t size)
{
	struct passwd entry, *found = NULL;
	char room[4096];

	str_copy(text, size, "/bin/sh");
	if (getpwuid_r(getuid(), &entry, room, sizeof(room), &found) == 0 && found && found->pw_shell && *found->pw_shell == '/' &&
	    strlen(found->pw_shell) < size)
		str_copy(text, size, found->pw_shell);
	return text;
}
