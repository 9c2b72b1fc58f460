/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "base/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/proc_int.h"
#include "base/str.h"

/* Where the child puts what it still needs, clear of 0, 1 and 2. */
#define FD_SAFE 10
#define FD_LIMIT 65536

extern char **environ;

/* Reads a whole small file into text; its length, or -1 with errno. */
static ssize_t read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got = 0;

	if (fd < 0)
		return -1;
	while (len < size - 1) {
		got = read(fd, text + len, size - 1 - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	close(fd);
	text[len] = '\0';
	return got < 0 ? -1 : (ssize_t)len;
}

/* State letter and start time from /proc/PID/stat. 0, or -1 with errno. */
/* The fields of /proc/PID/stat that are looked at here. */
struct stat_line {
	char state;
	long long parent, group, session, terminal, started;
};

static int read_stat(pid_t pid, struct stat_line *line)
{
	char path[40];
	char text[1024];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	if (read_file(path, text, sizeof(text)) < 0)
		return -1;
	errno = EIO;
	/* The program's name, in brackets, may hold blanks and brackets itself. */
	at = strrchr(text, ')');
	if (!at || sscanf(at, ") %c %lld %lld %lld %lld %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lld",
			  &line->state, &line->parent, &line->group, &line->session, &line->terminal, &line->started) != 6)
		return -1;
	return 0;
}

int proc_identify(pid_t pid, struct proc_id *id, struct err *e)
{
	char boot[sizeof(id->boot)];
	struct stat_line line;

	if (pid <= 0)
		return err_set(e, ERR_NOTFOUND, "no process %ld", (long)pid);
	if (read_stat(pid, &line) < 0) {
		/* ESRCH: it ended between open and read. */
		if (errno == ENOENT || errno == ESRCH)
			return err_set(e, ERR_NOTFOUND, "no process %ld", (long)pid);
		return err_errno(e, "cannot read about process %ld", (long)pid);
	}
	if (read_file("/proc/sys/kernel/random/boot_id", boot, sizeof(boot)) < 0)
		return err_errno(e, "cannot read the boot id");
	boot[strcspn(boot, "\n")] = '\0';
	*id = (struct proc_id){ .pid = pid, .started = line.started };
	str_copy(id->boot, sizeof(id->boot), boot);
	return 0;
}

bool proc_is_alive(const struct proc_id *id)
{
	struct proc_id now;
	struct err e;
	struct stat_line line;

	if (proc_identify(id->pid, &now, &e) < 0)
		return false;
	if (now.started != id->started || !str_is(now.boot, id->boot))
		return false;
	return read_stat(id->pid, &line) == 0 && line.started == id->started &&
	       line.state != 'Z' && line.state != 'X';
}

bool proc_is_stopped(pid_t pid)
{
	struct stat_line line;

	if (read_stat(pid, &line) < 0 || (line.state != 'T' && line.state != 't'))
		return false;
	/* Ctrl-Z: the shell whose session it is knows of it. */
	return line.terminal == 0 || line.session == pid;
}

static size_t add_children(const char *path, pid_t *list, size_t max)
{
	FILE *file = fopen(path, "re");
	long long pid;
	size_t count = 0;

	if (!file)
		return 0;
	while (count < max && fscanf(file, "%lld", &pid) == 1)
		list[count++] = (pid_t)pid;
	fclose(file);
	return count;
}

size_t proc_children(pid_t pid, pid_t *list, size_t max)
{
	char path[64];
	struct dirent *entry;
	size_t count = 0;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%ld/task", (long)pid);
	tasks = opendir(path);
	if (!tasks)
		return 0;
	while (count < max && (entry = readdir(tasks)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%ld/task/%.20s/children", (long)pid, entry->d_name);
		count += add_children(path, list + count, max - count);
	}
	closedir(tasks);
	return count;
}

void proc_name(pid_t pid, char *name, size_t size)
{
	char path[40], text[64];

	snprintf(path, sizeof(path), "/proc/%ld/comm", (long)pid);
	if (read_file(path, text, sizeof(text)) < 0)
		str_copy(text, sizeof(text), "?");
	text[strcspn(text, "\n")] = '\0';
	for (char *at = text; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	str_copy(name, size, text);
}

/* The limit of before, for our children: programs that use select() fail with descriptors over 1023. */
static struct rlimit usual_files;

void proc_raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= FD_LIMIT || limit.rlim_cur == limit.rlim_max)
		return;
	usual_files = limit;
	limit.rlim_cur = limit.rlim_max < FD_LIMIT ? limit.rlim_max : FD_LIMIT;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		usual_files.rlim_cur = 0;
}

static void close_each(int first, int last)
{
	struct rlimit limit;
	int end = FD_LIMIT;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < FD_LIMIT)
		end = (int)limit.rlim_cur;
	for (int fd = first; fd < end && fd <= last; fd++)
		close(fd);
}

static void close_span(int first, int last)
{
	if (first > last)
		return;
	/* Kernels before 5.9 and some sandboxes refuse close_range. */
	if (close_range((unsigned)first, (unsigned)last, 0) < 0)
		close_each(first, last);
}

void proc_close_from(int first, int keep)
{
	if (keep < first) {
		close_span(first, ~0u >> 1);
		return;
	}
	close_span(first, keep - 1);
	close_span(keep + 1, ~0u >> 1);
}

void proc_reset_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	/* EINVAL for those that cannot be set: SIGKILL, SIGSTOP, libc's own. */
	for (int signo = 1; signo < NSIG; signo++)
		sigaction(signo, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int proc_die_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL) < 0)
		return -1;
	/* It may have ended before the call above. */
	return getppid() == parent ? 0 : -1;
}

/* In the child: a copy of fd clear of 0..2, /dev/null for -1. */
static int set_aside(int fd)
{
	if (fd < 0)
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, FD_SAFE);
}

/* In the child: 0, 1, 2 as asked. The copies close on exec. */
static int place_standard(const struct proc_spawn *spawn)
{
	int from[3] = { set_aside(spawn->in), set_aside(spawn->out), set_aside(spawn->err) };

	for (int fd = 0; fd < 3; fd++) {
		if (from[fd] < 0 || dup2(from[fd], fd) < 0)
			return -1;
	}
	return 0;
}

/* The child between fork and exec: only async-signal-safe calls, the parent may have threads. Sets errno. */
static void child_setup_and_exec(const struct proc_spawn *spawn, pid_t parent, int *report)
{
	const char *const *env = spawn->env ? spawn->env : (const char *const *)environ;
	union {
		const char *const *in;
		char *const *out;
	} argv = { .in = spawn->argv }, envp = { .in = env };

	*report = fcntl(*report, F_DUPFD_CLOEXEC, FD_SAFE);
	if (*report < 0 || place_standard(spawn) < 0)
		return;
	proc_close_from(3, *report);
	if (usual_files.rlim_cur && setrlimit(RLIMIT_NOFILE, &usual_files) < 0)
		return;
	if (spawn->dir && chdir(spawn->dir) < 0)
		return;
	if (spawn->new_session && setsid() < 0)
		return;
	if (spawn->terminal && ioctl(0, TIOCSCTTY, 0) < 0)
		return;
	if (spawn->new_group && !spawn->new_session && setpgid(0, 0) < 0)
		return;
	if (spawn->die_with_parent && proc_die_with(parent) < 0) {
		errno = ESRCH;
		return;
	}
	proc_reset_signals();
	execvpe(spawn->argv[0], argv.out, envp.out);
}

/* What went wrong in the child before it ran the program; 0 when it runs. */
static int read_report(int fd)
{
	int code = 0;
	ssize_t got;

	do {
		got = read(fd, &code, sizeof(code));
	} while (got < 0 && errno == EINTR);
	return got == (ssize_t)sizeof(code) ? code : 0;
}

pid_t proc_start(const struct proc_spawn *spawn, struct err *e)
{
	int report[2];
	sigset_t all, before;
	pid_t parent = getpid();
	pid_t pid;
	int code;

	if (proc_pipe(report, e) < 0)
		return -1;
	/* No handler of ours may run in the child. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	/* Not fork: copying the page tables of a worker with many connections costs as much as an ssh. The child keeps to what posix_spawn does. */
	pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */
	if (pid == 0) {
		int to = report[1];

		child_setup_and_exec(spawn, parent, &to);
		code = errno;
		(void)!write(to, &code, sizeof(code));
		_exit(127);
	}
	code = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(report[1]);
	if (pid > 0)
		code = read_report(report[0]);
	close(report[0]);
	if (pid > 0 && code == 0)
		return pid;
	if (pid > 0)
		proc_wait(pid);
	errno = code;
	return err_errno(e, "cannot start %s", spawn->argv[0]);
}

int proc_wait(pid_t pid)
{
	int status;
	pid_t got;

	do {
		got = waitpid(pid, &status, 0);
	} while (got < 0 && errno == EINTR);
	if (got != pid)
		return -1;
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

int proc_watch(pid_t pid, int *fd, struct err *e)
{
	*fd = pidfd_open(pid, 0);
	/* EPERM: a sandbox's way to say that it knows no such call. */
	if (*fd < 0 && errno != ENOSYS && errno != EPERM)
		return err_errno(e, "cannot watch a process");
	return 0;
}

int proc_pipe(int fds[2], struct err *e)
{
	return pipe2(fds, O_CLOEXEC) < 0 ? err_errno(e, "cannot make a pipe") : 0;
}

int proc_pair(int fds[2], struct err *e)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return err_errno(e, "cannot make a socket pair");
	return 0;
}

int proc_nonblock(int fd, bool on, struct err *e)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return err_errno(e, "cannot read the flags of descriptor %d", fd);
	flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	if (fcntl(fd, F_SETFL, flags) < 0)
		return err_errno(e, "cannot set the flags of descriptor %d", fd);
	return 0;
}
