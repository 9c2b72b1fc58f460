/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The server is forked while the process is still clean: no journal, no
 * secrets, no threads. It holds one descriptor, the control socket, and reaps.
 * A request is one byte; the answer is struct answer with our end of the
 * child's socket pair attached. Three things end the server and all its
 * children: the owner closes, the owner dies (end of file, and
 * PR_SET_PDEATHSIG should the server hang), or the server itself is killed
 * (the children's PR_SET_PDEATHSIG).
 *
 * A server may die, or be stopped and answer nothing. By then the owner is not
 * clean any more, so what takes its place is not forked but run: a program
 * that is nothing but this server, with the control socket as descriptor 0.
 */
#define _GNU_SOURCE
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/proc_int.h"

#define ANSWER_MS 5000	/* a fork takes milliseconds; a machine may be slow, a stopped server is silent for ever */

struct fork_server {
	int control;	/* owned; -1 = the last one could not be replaced */
	pid_t pid;
	const char *const *program;	/* borrowed: what takes its place; NULL = nothing */
};

struct answer {
	pid_t pid;	/* -1: it failed */
	int code;	/* errno then */
};

/* The server's side. */
struct serving {
	int control;
	fork_child_fn *fn;
	pid_t self;
	pid_t *children;	/* owned */
	size_t count;
};

/* Only its number matters: it interrupts ppoll. */
static void on_child(int signo)
{
	(void)signo;
}

static void reap(struct serving *serving)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
		for (size_t i = 0; i < serving->count; i++) {
			if (serving->children[i] == pid) {
				serving->children[i] = serving->children[--serving->count];
				break;
			}
		}
	}
}

static _Noreturn void run_child(const struct serving *serving, int fd)
{
	if (proc_die_with(serving->self) < 0)
		_exit(127);
	proc_close_from(3, fd);
	proc_reset_signals();
	_exit(serving->fn(fd));
}

/* Forks a child; fds[0] stays with us for the owner. Fills *answer. */
static void fork_child(struct serving *serving, int fds[2], struct answer *answer)
{
	serving->children = mem_more(serving->children, serving->count, sizeof(*serving->children));
	answer->pid = fork();
	answer->code = errno;
	if (answer->pid == 0)
		run_child(serving, fds[1]);
	if (answer->pid > 0)
		serving->children[serving->count++] = answer->pid;
}

/* Sends the answer, with fd attached unless it is -1. */
static int send_answer(int control, const struct answer *answer, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} attached = {0};
	struct answer copy = *answer;
	struct iovec bytes = { .iov_base = &copy, .iov_len = sizeof(copy) };
	struct msghdr msg = { .msg_iov = &bytes, .msg_iovlen = 1 };
	ssize_t sent;

	if (fd >= 0) {
		msg.msg_control = attached.room;
		msg.msg_controllen = sizeof(attached.room);
		attached.header.cmsg_level = SOL_SOCKET;
		attached.header.cmsg_type = SCM_RIGHTS;
		attached.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&attached.header), &fd, sizeof(fd));
	}
	do {
		sent = sendmsg(control, &msg, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)sizeof(copy) ? 0 : -1;
}

/* Answers one request. 0, or -1 when the owner is gone. */
static int serve_request(struct serving *serving)
{
	struct answer answer = { .pid = -1 };
	struct err e;
	int fds[2];
	char request;
	ssize_t got = recv(serving->control, &request, 1, 0);
	int result;

	if (got < 0 && errno == EINTR)
		return 0;
	if (got <= 0)
		return -1;
	if (proc_pair(fds, &e) < 0) {
		answer.code = errno;
		return send_answer(serving->control, &answer, -1);
	}
	fork_child(serving, fds, &answer);
	result = send_answer(serving->control, &answer, answer.pid > 0 ? fds[0] : -1);
	/* Both: the next child must not inherit them. */
	close(fds[0]);
	close(fds[1]);
	return result;
}

static _Noreturn void serve(int control, fork_child_fn *fn)
{
	struct serving serving = { .control = control, .fn = fn, .self = getpid() };
	struct sigaction action = { .sa_handler = on_child };
	struct pollfd request = { .fd = control, .events = POLLIN };
	sigset_t blocked, open;

	/* SIGCHLD arrives only inside ppoll, so no child ends unnoticed between reap and it. */
	sigemptyset(&open);
	blocked = open;
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	sigaction(SIGCHLD, &action, NULL);
	for (;;) {
		int ready = ppoll(&request, 1, NULL, &open);
		bool broken = ready < 0 && errno != EINTR;

		/* Changes errno. */
		reap(&serving);
		if (broken)
			break;
		if (ready > 0 && serve_request(&serving) < 0)
			break;
	}
	for (size_t i = 0; i < serving.count; i++)
		kill(serving.children[i], SIGKILL);
	while (serving.count > 0 && waitpid(-1, NULL, 0) > 0)
		serving.count--;
	_exit(0);
}

/* 0 and 1 to /dev/null, and 2 unless it is a plain file: a log is welcome to a failed assert, a terminal or pipe is not ours to hold open. */
static int settle_standard(void)
{
	struct stat at;
	bool log = fstat(2, &at) == 0 && S_ISREG(at.st_mode);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		return -1;
	return log || dup2(null, 2) >= 0 ? 0 : -1;
}

static _Noreturn void run_server(int control, pid_t owner, fork_child_fn *fn)
{
	/* Clear of 0, 1, 2, should the owner have started without them. */
	int fd = fcntl(control, F_DUPFD_CLOEXEC, 3);

	if (fd < 0 || (owner && proc_die_with(owner) < 0) || settle_standard() < 0)
		_exit(127);
	proc_close_from(3, fd);
	/* Ctrl-C and hang-up at the owner's terminal are the owner's business. */
	setsid();
	proc_reset_signals();
	serve(fd, fn);
}

_Noreturn void fork_server_main(fork_child_fn *fn)
{
	/* Who started us has said that we die with it (proc_spawn.die_with_parent). */
	run_server(0, 0, fn);
}

struct fork_server *fork_server_start(fork_child_fn *fn, struct err *e)
{
	struct fork_server *server;
	sigset_t all, before;
	pid_t owner = getpid();
	pid_t pid;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
		err_errno(e, "cannot make a socket pair");
		return NULL;
	}
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		run_server(fds[1], owner, fn);
	if (pid < 0)
		err_errno(e, "cannot fork");
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return NULL;
	}
	server = mem_alloc(sizeof(*server));
	*server = (struct fork_server){ .control = fds[0], .pid = pid };
	return server;
}

/* The descriptor attached to msg, -1 when none is. */
static int attached_fd(struct msghdr *msg)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(msg);
	int fd = -1;

	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/* 0 when the server has something to say, -1 with errno when it stays silent. */
static int await_answer(int control)
{
	struct pollfd ready = { .fd = control, .events = POLLIN };
	int got;

	do {
		got = poll(&ready, 1, ANSWER_MS);
	} while (got < 0 && errno == EINTR);
	if (got == 0)
		errno = ETIMEDOUT;
	return got > 0 ? 0 : -1;
}

/* Waits for the answer. Our end of the child's socket, or -1 with errno. */
static int receive_answer(int control, struct answer *answer)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} attached;
	struct iovec bytes = { .iov_base = answer, .iov_len = sizeof(*answer) };
	struct msghdr msg = {
		.msg_iov = &bytes, .msg_iovlen = 1,
		.msg_control = attached.room, .msg_controllen = sizeof(attached.room),
	};
	ssize_t got;
	int fd;

	if (await_answer(control) < 0)
		return -1;
	do {
		got = recvmsg(control, &msg, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -1;
	fd = attached_fd(&msg);
	if (got != (ssize_t)sizeof(*answer))
		errno = ECONNRESET;
	else if (answer->pid <= 0)
		errno = answer->code;
	else if (fd < 0)
		errno = EMFILE;	/* the kernel drops a descriptor that we have no room for */
	else
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Asks the present server. *lost: it is gone or does not answer, and another may do better. */
static int ask_server(struct fork_server *server, pid_t *pid, bool *lost, struct err *e)
{
	struct answer answer = { .pid = 0 };
	ssize_t sent;
	int fd = -1;

	do {
		sent = send(server->control, "c", 1, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent == 1)
		fd = receive_answer(server->control, &answer);
	*lost = fd < 0 && answer.pid == 0;
	if (fd < 0) {
		err_errno(e, sent == 1 ? "the fork server cannot start a child" : "the fork server is gone");
		e->kind = ERR_IO;
		return -1;
	}
	*pid = answer.pid;
	return fd;
}

/* True when the server has ended, after some time at most: one that was stopped never does by itself. */
static bool has_ended(pid_t pid)
{
	struct pollfd end = { .fd = -1, .events = POLLIN };
	struct err e;
	bool ended;

	if (proc_watch(pid, &end.fd, &e) < 0 || end.fd < 0)
		return false;
	ended = poll(&end, 1, ANSWER_MS) > 0;
	close(end.fd);
	return ended;
}

/* Ends the present server, which takes its children along. */
static void end_server(struct fork_server *server, bool at_once)
{
	if (server->control < 0)
		return;
	close(server->control);
	if (at_once || !has_ended(server->pid))
		kill(server->pid, SIGKILL);
	proc_wait(server->pid);
	server->control = -1;
}

static int replace_server(struct fork_server *server, struct err *e)
{
	struct proc_spawn spawn = {
		.argv = server->program, .out = -1, .err = 2, .new_session = true, .die_with_parent = true,
	};
	int fds[2];

	end_server(server, true);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return err_errno(e, "cannot make a socket pair");
	spawn.in = fds[1];
	server->pid = proc_start(&spawn, e);
	close(fds[1]);
	if (server->pid < 0) {
		close(fds[0]);
		return -1;
	}
	server->control = fds[0];
	return 0;
}

void fork_server_program(struct fork_server *server, const char *const *argv)
{
	server->program = argv;
}

int fork_server_child(struct fork_server *server, pid_t *pid, struct err *e)
{
	bool lost = server->control < 0;
	int fd = -1;

	if (!lost)
		fd = ask_server(server, pid, &lost, e);
	if (fd >= 0 || !lost || !server->program)
		return fd;
	if (replace_server(server, e) < 0)
		return err_wrap(e, "the fork server was lost, and no other can be started");
	return ask_server(server, pid, &lost, e);
}

pid_t fork_server_pid(const struct fork_server *server)
{
	return server && server->control >= 0 ? server->pid : 0;
}

void fork_server_stop(struct fork_server *server)
{
	if (!server)
		return;
	end_server(server, false);
	mem_free(server);
}
