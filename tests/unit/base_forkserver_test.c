/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "base/proc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "tests/unit/base_limit.h"

#define WAIT_MS 20000

/* What a child tells about itself. */
struct report {
	pid_t pid, parent, session;
	int descriptors;
	char standard[3][64];	/* where 0, 1, 2 lead */
	bool blocked;		/* any signal */
	bool ignored;
};

/* Those that valgrind opens for itself lie over the limit that it shows us, where nothing of ours can be. */
static int count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct rlimit limit;
	int count = -1;	/* the one of dir */

	if (!dir)
		return -1;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		count += entry->d_name[0] != '.' && strtoul(entry->d_name, NULL, 10) < limit.rlim_cur;
	closedir(dir);
	return count;
}

static struct report describe(void)
{
	struct report report = {
		.pid = getpid(), .parent = getppid(), .session = getsid(0),
		.descriptors = count_descriptors(),
	};
	sigset_t mask;
	char path[32];

	for (int fd = 0; fd < 3; fd++) {
		ssize_t len;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		len = readlink(path, report.standard[fd], sizeof(report.standard[fd]) - 1);
		report.standard[fd][len > 0 ? len : 0] = '\0';
	}
	sigprocmask(SIG_BLOCK, NULL, &mask);
	for (int signo = 1; signo < 32; signo++) {
		struct sigaction action;

		report.blocked |= sigismember(&mask, signo) == 1;
		if (sigaction(signo, NULL, &action) == 0)
			report.ignored |= action.sa_handler != SIG_DFL;
	}
	return report;
}

/* The children of all tests: one byte asks, until our end closes. */
static int child_main(int fd)
{
	struct report report;
	char request;

	while (recv(fd, &request, 1, 0) == 1) {
		switch (request) {
		case 'e':
			(void)!write(fd, "E", 1);
			break;
		case 'r':
			report = describe();
			(void)!write(fd, &report, sizeof(report));
			break;
		case 'h':
			/* Deaf to everything but SIGKILL. */
			signal(SIGTERM, SIG_IGN);
			(void)!write(fd, "H", 1);
			for (;;)
				pause();
		default:
			return request;
		}
	}
	return 0;
}

static struct fork_server *start(void)
{
	struct err e;
	struct fork_server *server = fork_server_start(child_main, &e);

	if (!server)
		fail_msg("%s", e.text);
	return server;
}

static int new_child(struct fork_server *server, pid_t *pid)
{
	struct err e;
	int fd = fork_server_child(server, pid, &e);

	if (fd < 0)
		fail_msg("%s", e.text);
	return fd;
}

static void ask(int fd, char request, char answer)
{
	char got = 0;

	assert_int_equal(write(fd, &request, 1), 1);
	assert_int_equal(read(fd, &got, 1), 1);
	assert_int_equal(got, answer);
}

static struct report ask_report(int fd)
{
	struct report report;

	assert_int_equal(write(fd, "r", 1), 1);
	assert_int_equal(recv(fd, &report, sizeof(report), MSG_WAITALL), sizeof(report));
	return report;
}

/* Waits until the far end of fd is closed. */
static void assert_hangs_up(int fd)
{
	struct pollfd ended = { .fd = fd };

	assert_int_equal(poll(&ended, 1, WAIT_MS), 1);
	assert_true(ended.revents & POLLHUP);
}

/* valgrind has no pidfd_open. Asked before anything is started. */
static void need_watch(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd < 0) {
		print_message("# pidfd_open is not there (valgrind has none): the end of another's child cannot be waited for\n");
		skip();
	}
	close(fd);
}

/* A descriptor of the process, readable when it has ended. */
static int watch(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	assert_true(fd >= 0);
	return fd;
}

static void assert_ends(int watched)
{
	struct pollfd ended = { .fd = watched, .events = POLLIN };

	assert_int_equal(poll(&ended, 1, WAIT_MS), 1);
	close(watched);
}

static void fork_server_child__runs_the_function_in_a_process_of_its_own(void **state)
{
	struct fork_server *server = start();
	struct report a, b;
	pid_t pids[2];
	int fds[2];

	(void)state;
	fds[0] = new_child(server, &pids[0]);
	fds[1] = new_child(server, &pids[1]);
	assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	a = ask_report(fds[0]);
	b = ask_report(fds[1]);
	assert_int_equal(a.pid, pids[0]);
	assert_int_equal(b.pid, pids[1]);
	assert_int_not_equal(pids[0], pids[1]);
	assert_int_equal(a.parent, b.parent);
	assert_int_not_equal(a.parent, getpid());
	ask(fds[0], 'e', 'E');
	close(fds[0]);
	close(fds[1]);
	fork_server_stop(server);
	fork_server_stop(NULL);
}

/* 0, 1, 2 and its own socket: neither another child's, nor the server's, nor anything of the owner. */
static void fork_server_child__inherits_nothing(void **state)
{
	int leaked = dup(1);
	sigset_t all, before;
	struct fork_server *server;
	int fds[3];
	pid_t pid;

	(void)state;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	signal(SIGPIPE, SIG_IGN);
	server = start();
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	for (int i = 0; i < 3; i++)
		fds[i] = new_child(server, &pid);
	for (int i = 0; i < 3; i++) {
		struct report report = ask_report(fds[i]);

		assert_int_equal(report.descriptors, 4);
		assert_string_equal(report.standard[0], "/dev/null");
		assert_string_equal(report.standard[1], "/dev/null");
		assert_false(report.blocked);
		assert_false(report.ignored);
		/* Away from our terminal: Ctrl-C is not for it. */
		assert_int_equal(report.session, report.parent);
		assert_int_not_equal(report.session, getsid(0));
	}
	/* So a child sees the end of its own socket while others live. */
	close(fds[0]);
	ask(fds[1], 'e', 'E');
	for (int i = 1; i < 3; i++)
		close(fds[i]);
	close(leaked);
	fork_server_stop(server);
}

/* The server as started with its stderr leading to path. */
static void stderr_of_child(const char *path, struct report *report)
{
	int saved = dup(2);
	int to = open(path, O_RDWR);
	struct fork_server *server;
	pid_t pid;
	int fd;

	assert_true(saved >= 0 && to >= 0);
	dup2(to, 2);
	server = start();
	dup2(saved, 2);
	close(saved);
	close(to);
	fd = new_child(server, &pid);
	*report = ask_report(fd);
	close(fd);
	fork_server_stop(server);
}

static void fork_server_start__keeps_stderr_only_when_it_is_a_log(void **state)
{
	char path[] = "/tmp/bellbook-test-XXXXXX";
	struct report report;
	int fd = mkostemp(path, O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	stderr_of_child(path, &report);
	unlink(path);
	assert_true(str_starts(report.standard[2], path));
	stderr_of_child("/dev/zero", &report);
	assert_string_equal(report.standard[2], "/dev/null");
}

static void fork_server_child__ends_when_our_end_closes_and_is_reaped(void **state)
{
	struct fork_server *server = (need_watch(), start());
	pid_t pid, next;
	int fd = new_child(server, &pid);
	int other = new_child(server, &next);
	int watched = watch(pid);

	(void)state;
	close(fd);
	assert_ends(watched);
	/* The server reaps before it serves, and has its SIGCHLD before pidfd tells us. */
	for (int i = 0; i < 100 && kill(pid, 0) == 0; i++)
		close(new_child(server, &next));
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	ask(other, 'e', 'E');
	close(other);
	fork_server_stop(server);
}

/* The server is idle when its last child ends: it must reap and stay. */
static void fork_server__survives_the_end_of_its_last_child(void **state)
{
	struct fork_server *server = start();
	pid_t pid;
	int fd;

	(void)state;
	for (int i = 0; i < 3; i++) {
		fd = new_child(server, &pid);
		close(fd);
		for (int waited = 0; kill(pid, 0) == 0 && waited < WAIT_MS; waited++)
			poll(NULL, 0, 1);
		assert_int_equal(kill(pid, 0), -1);
	}
	fd = new_child(server, &pid);
	ask(fd, 'e', 'E');
	close(fd);
	fork_server_stop(server);
}

static void fork_server_stop__kills_children_that_do_not_listen(void **state)
{
	struct fork_server *server = start();
	struct proc_id ids[20];
	int fds[20];
	struct err e;
	pid_t pid;

	(void)state;
	/* More than the list of children first holds. */
	for (int i = 0; i < 20; i++) {
		fds[i] = new_child(server, &pid);
		assert_int_equal(proc_identify(pid, &ids[i], &e), 0);
		ask(fds[i], 'h', 'H');
	}
	fork_server_stop(server);
	for (int i = 0; i < 20; i++) {
		assert_hangs_up(fds[i]);
		assert_false(proc_is_alive(&ids[i]));
		close(fds[i]);
	}
	/* The server too is gone, not a zombie. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* An owner that tells the pids of its server and two deaf children, and waits to be killed. */
static _Noreturn void owner_main(int tell, bool with_holder)
{
	struct fork_server *server = start();
	pid_t pids[4] = {0};

	for (int i = 0; i < 2; i++) {
		int fd = new_child(server, &pids[i]);

		pids[2] = ask_report(fd).parent;
		ask(fd, 'h', 'H');
	}
	if (with_holder) {
		/* A process that keeps a copy of the control socket open. */
		pids[3] = fork();
		while (pids[3] == 0)
			pause();
	}
	(void)!write(tell, pids, sizeof(pids));
	for (;;)
		pause();
}

static void kill_owner(bool with_holder)
{
	pid_t pids[4];
	int watched[3];
	struct err e;
	int fds[2];
	pid_t owner;

	assert_int_equal(proc_pipe(fds, &e), 0);
	owner = fork();
	if (owner == 0)
		owner_main(fds[1], with_holder);
	assert_int_equal(read(fds[0], pids, sizeof(pids)), sizeof(pids));
	for (int i = 0; i < 3; i++)
		watched[i] = watch(pids[i]);
	kill(owner, SIGKILL);
	assert_int_equal(proc_wait(owner), 256 + SIGKILL);
	for (int i = 0; i < 3; i++)
		assert_ends(watched[i]);
	if (with_holder)
		kill(pids[3], SIGKILL);
	/* Orphans are ours to reap, see main; a child that ended before its server did was reaped by that. */
	for (int i = 0; i < (with_holder ? 4 : 3); i++)
		assert_true(proc_wait(pids[i]) >= 0 || i < 2);
	close(fds[0]);
	close(fds[1]);
}

static void fork_server__ends_with_its_children_when_the_owner_is_killed(void **state)
{
	(void)state;
	need_watch();
	kill_owner(false);
}

/* No end of file comes then: the kernel's signal at the parent's death must do it. */
static void fork_server__ends_also_when_the_socket_stays_open_elsewhere(void **state)
{
	(void)state;
	need_watch();
	kill_owner(true);
}

static void fork_server__killed_takes_its_children_along(void **state)
{
	struct fork_server *server = (need_watch(), start());
	pid_t pid;
	int fd = new_child(server, &pid);
	int watched = watch(pid);
	struct report report = ask_report(fd);
	struct err e;

	(void)state;
	ask(fd, 'h', 'H');
	kill(report.parent, SIGKILL);
	assert_ends(watched);
	assert_int_equal(proc_wait(pid), 256 + SIGKILL);
	assert_hangs_up(fd);
	close(fd);
	assert_int_equal(fork_server_child(server, &pid, &e), -1);
	assert_int_equal(e.kind, ERR_IO);
	fork_server_stop(server);
}

static const char *const program[] = { "/proc/self/exe", "--fork-server", NULL };

/* What the signal does to the server is noticed, and a new one takes its place as often as it happens. */
static void replaced_after(int signo)
{
	struct fork_server *server = (need_watch(), start());
	pid_t pid, last = 0;

	fork_server_program(server, program);
	for (int i = 0; i < 2; i++) {
		int fd = new_child(server, &pid);
		int watched = watch(pid);
		struct report report = ask_report(fd);

		assert_int_not_equal(report.parent, last);
		last = report.parent;
		assert_int_equal(kill(report.parent, signo), 0);
		if (signo == SIGKILL)
			assert_ends(watched);
		close(fd);
		fd = new_child(server, &pid);
		assert_int_not_equal(ask_report(fd).parent, last);
		ask(fd, 'e', 'E');
		/* The children of the lost one are gone with it. */
		assert_int_equal(kill(last, 0), -1);
		assert_ends(watched);
		close(watched);
		close(fd);
	}
	fork_server_stop(server);
}

static void fork_server_child__replaces_a_server_that_was_killed(void **state)
{
	(void)state;
	replaced_after(SIGKILL);
}

static void fork_server_child__replaces_a_server_that_was_stopped(void **state)
{
	(void)state;
	replaced_after(SIGSTOP);
}

static void fork_server_stop__does_not_wait_for_a_stopped_server(void **state)
{
	struct fork_server *server = (need_watch(), start());
	pid_t pid;
	int fd = new_child(server, &pid);
	struct report report = ask_report(fd);

	(void)state;
	assert_int_equal(kill(report.parent, SIGSTOP), 0);
	fork_server_stop(server);
	assert_int_equal(kill(report.parent, 0), -1);
	close(fd);
}

static void set_limit(pid_t pid, rlim_t soft, struct rlimit *before)
{
	struct rlimit limit;

	assert_int_equal(prlimit(pid, RLIMIT_NOFILE, NULL, before), 0);
	limit = (struct rlimit){ soft, before->rlim_max };
	assert_int_equal(prlimit(pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

static void fork_server_child__reports_what_the_server_cannot_do(void **state)
{
	struct fork_server *server = start();
	struct rlimit before;
	struct err e;
	pid_t pid;
	int fd = new_child(server, &pid);
	struct report report = ask_report(fd);

	(void)state;
	set_limit(report.parent, 3, &before);
	assert_int_equal(fork_server_child(server, &pid, &e), -1);
	assert_int_equal(e.kind, ERR_IO);
	assert_non_null(strstr(e.text, strerror(EMFILE)));
	assert_int_equal(prlimit(report.parent, RLIMIT_NOFILE, &before, NULL), 0);
	/* It is still of use. */
	close(fd);
	fd = new_child(server, &pid);
	ask(fd, 'e', 'E');
	close(fd);
	fork_server_stop(server);
}

static void fork_server_child__reports_when_we_have_no_descriptor_left(void **state)
{
	struct fork_server *server = start();
	int open_before = count_descriptors();
	struct rlimit before;
	struct err e;
	pid_t pid;
	int fd;

	(void)state;
	if (!descriptors_end(&before)) {
		fork_server_stop(server);
		skip();
	}
	assert_int_equal(fork_server_child(server, &pid, &e), -1);
	assert_int_equal(prlimit(0, RLIMIT_NOFILE, &before, NULL), 0);
	assert_int_equal(e.kind, ERR_IO);
	assert_int_equal(count_descriptors(), open_before);
	fd = new_child(server, &pid);
	ask(fd, 'e', 'E');
	close(fd);
	fork_server_stop(server);
}

static void fork_server_start__reports_when_descriptors_run_out(void **state)
{
	struct fork_server *server;
	struct rlimit before;
	struct err e;

	(void)state;
	if (!descriptors_end(&before))
		skip();
	server = fork_server_start(child_main, &e);
	assert_int_equal(prlimit(0, RLIMIT_NOFILE, &before, NULL), 0);
	assert_null(server);
	assert_int_equal(e.kind, ERR_IO);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fork_server_child__runs_the_function_in_a_process_of_its_own),
		cmocka_unit_test(fork_server_child__inherits_nothing),
		cmocka_unit_test(fork_server_start__keeps_stderr_only_when_it_is_a_log),
		cmocka_unit_test(fork_server_child__ends_when_our_end_closes_and_is_reaped),
		cmocka_unit_test(fork_server__survives_the_end_of_its_last_child),
		cmocka_unit_test(fork_server_stop__kills_children_that_do_not_listen),
		cmocka_unit_test(fork_server__ends_with_its_children_when_the_owner_is_killed),
		cmocka_unit_test(fork_server__ends_also_when_the_socket_stays_open_elsewhere),
		cmocka_unit_test(fork_server__killed_takes_its_children_along),
		cmocka_unit_test(fork_server_child__replaces_a_server_that_was_killed),
		cmocka_unit_test(fork_server_child__replaces_a_server_that_was_stopped),
		cmocka_unit_test(fork_server_stop__does_not_wait_for_a_stopped_server),
		cmocka_unit_test(fork_server_child__reports_what_the_server_cannot_do),
		cmocka_unit_test(fork_server_child__reports_when_we_have_no_descriptor_left),
		cmocka_unit_test(fork_server_start__reports_when_descriptors_run_out),
	};

	/* Not every init reaps what it gets. */
	prctl(PR_SET_CHILD_SUBREAPER, 1L);
	if (argc > 1 && strcmp(argv[1], program[1]) == 0)
		fork_server_main(child_main);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
