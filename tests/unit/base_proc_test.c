/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/proc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"
#include "tests/unit/base_limit.h"

/* Reads fd to its end. */
static void read_all(int fd, struct buf *out)
{
	ssize_t got;

	while ((got = read(fd, buf_room(out, 4096), 4096)) > 0)
		buf_added(out, (size_t)got);
	assert_int_equal(got, 0);
}

/* Runs `sh -c script` with out captured; spawn gives the rest. */
static int run(struct proc_spawn *spawn, const char *script, struct buf *out)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct err e;
	pid_t pid;
	int fds[2];

	assert_int_equal(proc_pipe(fds, &e), 0);
	spawn->argv = argv;
	spawn->out = fds[1];
	pid = proc_start(spawn, &e);
	if (pid < 0)
		fail_msg("%s", e.text);
	close(fds[1]);
	read_all(fds[0], out);
	close(fds[0]);
	spawn->argv = NULL;
	return proc_wait(pid);
}

static void assert_prints(struct proc_spawn *spawn, const char *script, const char *expected)
{
	struct buf out = {0};

	assert_int_equal(run(spawn, script, &out), 0);
	assert_string_equal(buf_text(&out), expected);
	buf_done(&out);
}

static struct proc_spawn plain(void)
{
	return (struct proc_spawn){ .in = -1, .out = -1, .err = -1 };
}

static void proc_identify__describes_us(void **state)
{
	struct proc_id id;
	struct err e;

	(void)state;
	assert_int_equal(proc_identify(getpid(), &id, &e), 0);
	assert_int_equal(id.pid, getpid());
	assert_true(id.started > 0);
	assert_int_equal(strlen(id.boot), 36);
	assert_true(proc_is_alive(&id));
}

static void proc_identify__refuses_what_is_no_process(void **state)
{
	static const pid_t pids[] = { 0, -1, 0x7fffffff };
	struct proc_id id;
	struct err e;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(proc_identify(pids[i], &id, &e), -1);
		assert_int_equal(e.kind, ERR_NOTFOUND);
	}
}

static void proc_is_alive__tells_another_process_with_the_same_pid(void **state)
{
	struct proc_id id, other;
	struct err e;

	(void)state;
	assert_int_equal(proc_identify(getpid(), &id, &e), 0);
	other = id;
	other.started++;
	assert_false(proc_is_alive(&other));
	other = id;
	other.boot[0] = other.boot[0] == 'a' ? 'b' : 'a';
	assert_false(proc_is_alive(&other));
	other = id;
	other.pid = 0x7fffffff;
	assert_false(proc_is_alive(&other));
}

/* A child that says it is there and then waits for ever. */
static pid_t waiting_child(const char *name)
{
	struct err e;
	int fds[2];
	pid_t pid;
	char c;

	assert_int_equal(proc_pipe(fds, &e), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, name);
		(void)!write(fds[1], "x", 1);
		for (;;)
			pause();
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &c, 1), 1);
	close(fds[0]);
	return pid;
}

static void proc_is_alive__is_false_for_a_zombie_and_after_it(void **state)
{
	pid_t pid = waiting_child("child");
	struct proc_id id;
	struct err e;
	siginfo_t info;

	(void)state;
	assert_int_equal(proc_identify(pid, &id, &e), 0);
	assert_true(proc_is_alive(&id));
	kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(kill(pid, 0), 0);
	assert_false(proc_is_alive(&id));
	assert_int_equal(proc_wait(pid), 256 + SIGKILL);
	assert_false(proc_is_alive(&id));
}

static void proc_identify__is_not_fooled_by_the_name(void **state)
{
	pid_t pid = waiting_child("a) Z 1 (b) 2 3");
	struct proc_id us, id;
	struct err e;

	(void)state;
	assert_int_equal(proc_identify(pid, &id, &e), 0);
	assert_int_equal(proc_identify(getpid(), &us, &e), 0);
	assert_true(id.started >= us.started && id.started < us.started + 1000000);
	assert_true(proc_is_alive(&id));
	kill(pid, SIGKILL);
	proc_wait(pid);
}

static void proc_start__connects_the_descriptors(void **state)
{
	struct proc_spawn spawn = plain();
	struct buf out = {0};
	struct buf told = {0};
	struct err e;
	int in[2], err[2];

	(void)state;
	assert_int_equal(proc_pipe(in, &e), 0);
	assert_int_equal(proc_pipe(err, &e), 0);
	assert_int_equal(write(in[1], "question", 8), 8);
	close(in[1]);
	spawn.in = in[0];
	spawn.err = err[1];
	assert_int_equal(run(&spawn, "cat; echo error >&2; exit 7", &out), 7);
	close(in[0]);
	close(err[1]);
	read_all(err[0], &told);
	close(err[0]);
	assert_string_equal(buf_text(&out), "question");
	assert_string_equal(buf_text(&told), "error\n");
	buf_done(&out);
	buf_done(&told);
}

static void proc_start__uses_dev_null_and_closes_the_rest(void **state)
{
	struct proc_spawn spawn = plain();
	int leaked[5];

	(void)state;
	/* Without close-on-exec, and one far away. */
	for (int i = 0; i < 4; i++)
		leaked[i] = dup(1);
	leaked[4] = fcntl(1, F_DUPFD, 200);
	assert_prints(&spawn, "cd /proc/self/fd; readlink 0 2; cat; echo *",
		      "/dev/null\n/dev/null\n0 1 2 3\n");
	for (int i = 0; i < 5; i++)
		close(leaked[i]);
}

static void proc_start__may_exchange_descriptors(void **state)
{
	struct buf out = {0};
	struct buf told = {0};
	struct err e;
	int a[2], b[2];
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(proc_pipe(a, &e), 0);
	assert_int_equal(proc_pipe(b, &e), 0);
	pid = fork();
	if (pid == 0) {
		static const char *const argv[] = { "sh", "-c", "echo to-out; echo to-err >&2", NULL };
		/* Ours are exchanged, so that placing one after the other would lose one. */
		struct proc_spawn spawn = { .argv = argv, .in = 2, .out = 2, .err = 1 };

		dup2(a[1], 1);
		dup2(b[1], 2);
		_exit(proc_wait(proc_start(&spawn, &e)));
	}
	close(a[1]);
	close(b[1]);
	read_all(a[0], &out);
	read_all(b[0], &told);
	close(a[0]);
	close(b[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_string_equal(buf_text(&out), "to-err\n");
	assert_string_equal(buf_text(&told), "to-out\n");
	buf_done(&out);
	buf_done(&told);
}

static void proc_start__gives_exactly_the_environment_asked_for(void **state)
{
	static const char *const env[] = { "ONE=1", "TWO=2", NULL };
	struct proc_spawn spawn = plain();

	(void)state;
	spawn.env = env;
	assert_prints(&spawn, "echo \"$ONE$TWO$HOME\"", "12\n");
	spawn.env = NULL;
	assert_int_equal(setenv("BELLBOOK_TEST", "inherited", 1), 0);
	assert_prints(&spawn, "echo $BELLBOOK_TEST", "inherited\n");
	unsetenv("BELLBOOK_TEST");
}

static void proc_start__resets_signals(void **state)
{
	struct proc_spawn spawn = plain();
	sigset_t all, before;

	(void)state;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	/* glibc's posix_spawn, by which make starts us, leaves its own signal 32 ignored; nobody else can set that. */
	assert_prints(&spawn, "grep -E 'SigBlk|SigIgn' /proc/self/status | sed 's/80000000$/00000000/'",
		      "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
	signal(SIGPIPE, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	/* And ours are as before. */
	sigprocmask(SIG_SETMASK, NULL, &all);
	assert_int_equal(sigismember(&all, SIGTERM), sigismember(&before, SIGTERM));
}

/* Process group and session of the child, from /proc/self/stat of the shell. */
static void assert_group_and_session(struct proc_spawn *spawn, bool own_group, bool own_session)
{
	static const char script[] = "read -r pid x x x group session x </proc/self/stat;"
				     "[ $group = $pid ] && g=own || g=old;"
				     "[ $session = $pid ] && s=own || s=old; echo $g $s";
	struct buf expected = {0};

	buf_printf(&expected, "%s %s\n", own_group ? "own" : "old", own_session ? "own" : "old");
	assert_prints(spawn, script, buf_text(&expected));
	buf_done(&expected);
}

static void proc_start__makes_groups_and_sessions_when_asked(void **state)
{
	struct proc_spawn spawn = plain();

	(void)state;
	assert_group_and_session(&spawn, false, false);
	spawn.new_group = true;
	assert_group_and_session(&spawn, true, false);
	spawn.new_session = true;
	assert_group_and_session(&spawn, true, true);
	spawn.new_group = false;
	assert_group_and_session(&spawn, true, true);
}

static void proc_start__reports_why_the_program_did_not_run(void **state)
{
	static const char *const missing[] = { "bellbook-no-such-program", NULL };
	char path[] = "/tmp/bellbook-test-XXXXXX";
	const char *const plain_file[] = { path, NULL };
	struct proc_spawn spawn = plain();
	struct err e;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	spawn.argv = missing;
	assert_int_equal(proc_start(&spawn, &e), -1);
	assert_int_equal(e.kind, ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "bellbook-no-such-program"));
	spawn.argv = plain_file;
	assert_int_equal(proc_start(&spawn, &e), -1);
	assert_int_equal(e.kind, ERR_DENIED);
	unlink(path);
	/* A descriptor that is not open. */
	spawn.argv = (const char *const[]){ "true", NULL };
	spawn.in = 999;
	assert_int_equal(proc_start(&spawn, &e), -1);
	assert_int_equal(e.kind, ERR_IO);
	/* None of them is left as a zombie. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void proc__reports_when_descriptors_run_out(void **state)
{
	static const char *const argv[] = { "true", NULL };
	struct proc_spawn spawn = plain();
	struct rlimit before;
	struct proc_id id;
	struct err e;
	int fds[2];

	(void)state;
	spawn.argv = argv;
	if (!descriptors_end(&before))
		skip();
	assert_int_equal(proc_pipe(fds, &e), -1);
	assert_int_equal(e.kind, ERR_IO);
	assert_int_equal(proc_pair(fds, &e), -1);
	assert_int_equal(e.kind, ERR_IO);
	assert_int_equal(proc_start(&spawn, &e), -1);
	assert_int_equal(e.kind, ERR_IO);
	assert_int_equal(proc_identify(getpid(), &id, &e), -1);
	assert_int_equal(e.kind, ERR_IO);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* A process between us and the program is killed; the program must not outlive it. Its end of the pipe tells. */
static void proc_start__die_with_parent_ends_the_child(void **state)
{
	struct pollfd ended = { .events = POLLIN };
	struct err e;
	int fds[2], up[2];
	pid_t parent;
	char c;

	(void)state;
	assert_int_equal(proc_pipe(fds, &e), 0);
	assert_int_equal(proc_pipe(up, &e), 0);
	parent = fork();
	if (parent == 0) {
		static const char *const argv[] = { "sh", "-c", "while :; do read x; done </dev/zero", NULL };
		struct proc_spawn spawn = {
			.argv = argv, .in = -1, .out = fds[1], .err = -1, .die_with_parent = true,
		};

		if (proc_start(&spawn, &e) < 0)
			_exit(1);
		close(fds[1]);
		(void)!write(up[1], "x", 1);
		for (;;)
			pause();
	}
	close(fds[1]);
	close(up[1]);
	assert_int_equal(read(up[0], &c, 1), 1);
	ended.fd = fds[0];
	assert_int_equal(poll(&ended, 1, 0), 0);
	kill(parent, SIGKILL);
	assert_int_equal(proc_wait(parent), 256 + SIGKILL);
	assert_int_equal(poll(&ended, 1, 600000), 1);
	assert_true(ended.revents & POLLHUP);
	/* The orphan is ours to reap, see main. */
	assert_true(waitpid(-1, NULL, 0) > 0);
	close(fds[0]);
	close(up[0]);
}

static void proc_wait__gives_status_or_signal(void **state)
{
	struct proc_spawn spawn = plain();
	struct buf out = {0};

	(void)state;
	assert_int_equal(run(&spawn, "exit 0", &out), 0);
	assert_int_equal(run(&spawn, "exit 255", &out), 255);
	assert_int_equal(run(&spawn, "kill -TERM $$", &out), 256 + SIGTERM);
	assert_int_equal(proc_wait(getpid()), -1);
	buf_done(&out);
}

static void proc_pipe__and_pair_close_on_exec(void **state)
{
	struct err e;
	int fds[4];
	char c = 0;

	(void)state;
	assert_int_equal(proc_pipe(fds, &e), 0);
	assert_int_equal(proc_pair(fds + 2, &e), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(fcntl(fds[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(write(fds[1], "p", 1), 1);
	assert_int_equal(read(fds[0], &c, 1), 1);
	assert_int_equal(write(fds[2], "q", 1), 1);
	assert_int_equal(read(fds[3], &c, 1), 1);
	assert_int_equal(c, 'q');
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

static void proc_nonblock__turns_it_on_and_off(void **state)
{
	struct err e;
	int fds[2];
	char c;

	(void)state;
	assert_int_equal(proc_pipe(fds, &e), 0);
	assert_int_equal(proc_nonblock(fds[0], true, &e), 0);
	assert_int_equal(read(fds[0], &c, 1), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(proc_nonblock(fds[0], false, &e), 0);
	assert_int_equal(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(proc_nonblock(fds[0], true, &e), -1);
	assert_int_equal(e.kind, ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proc_identify__describes_us),
		cmocka_unit_test(proc_identify__refuses_what_is_no_process),
		cmocka_unit_test(proc_is_alive__tells_another_process_with_the_same_pid),
		cmocka_unit_test(proc_is_alive__is_false_for_a_zombie_and_after_it),
		cmocka_unit_test(proc_identify__is_not_fooled_by_the_name),
		cmocka_unit_test(proc_start__connects_the_descriptors),
		cmocka_unit_test(proc_start__uses_dev_null_and_closes_the_rest),
		cmocka_unit_test(proc_start__may_exchange_descriptors),
		cmocka_unit_test(proc_start__gives_exactly_the_environment_asked_for),
		cmocka_unit_test(proc_start__resets_signals),
		cmocka_unit_test(proc_start__makes_groups_and_sessions_when_asked),
		cmocka_unit_test(proc_start__reports_why_the_program_did_not_run),
		cmocka_unit_test(proc__reports_when_descriptors_run_out),
		cmocka_unit_test(proc_start__die_with_parent_ends_the_child),
		cmocka_unit_test(proc_wait__gives_status_or_signal),
		cmocka_unit_test(proc_pipe__and_pair_close_on_exec),
		cmocka_unit_test(proc_nonblock__turns_it_on_and_off),
	};

	/* Not every init reaps what it gets. */
	prctl(PR_SET_CHILD_SUBREAPER, 1L);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
