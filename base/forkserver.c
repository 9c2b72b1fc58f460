/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The server is forked while the process is still clean: no journal, no
 * secrets, no threads. It holds one descriptor, the control socket, and reaps.
 * A request is one byte; the answer is struct answer with our end of the
 * child's socket pair attached. Three things end the server and all its
 * children: the owner closes, the owner dies (end of file, and
 * PR_SET_PDEATHSIG should the server hang), or the server itself is killed
 * (the children's PR_SET_PDEATHSIG).
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

struct fork_server {
	int control;	/* owned */
	pid_t pid;
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
	size_t count, cap;
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
	if (serving->count == serving->cap) {
		serving->cap = serving->cap ? serving->cap * 2 : 16;
		serving->children = mem_grow(serving->children, serving->cap,
					     sizeof(*serving->children));
	}
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

	if (fd < 0 || proc_die_with(owner) < 0 || settle_standard() < 0)
		_exit(127);
	proc_close_from(3, fd);
	/* Ctrl-C and hang-up at the owner's terminal are the owner's business. */
	setsid();
	proc_reset_signals();
	serve(fd, fn);
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

int fork_server_child(struct fork_server *server, pid_t *pid, struct err *e)
{
	struct answer answer = { .pid = -1 };
	ssize_t sent;
	int fd;

	do {
		sent = send(server->control, "c", 1, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent != 1) {
		err_errno(e, "the fork server is gone");
		e->kind = ERR_IO;
		return -1;
	}
	fd = receive_answer(server->control, &answer);
	if (fd < 0) {
		err_errno(e, "the fork server cannot start a child");
		e->kind = ERR_IO;
		return -1;
	}
	*pid = answer.pid;
	return fd;
}

void fork_server_stop(struct fork_server *server)
{
	if (!server)
		return;
	close(server->control);
	proc_wait(server->pid);
	mem_free(server);
}
