/* proc.h - child processes, a fork server, and which process a pid really is. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Which process: a pid alone proves nothing (reuse, reboot, containers). */
struct proc_id {
	pid_t pid;
	int64_t started;	/* clock ticks after boot, field 22 of /proc/PID/stat */
	char boot[40];		/* /proc/sys/kernel/random/boot_id */
};

/* Fills id for pid; ERR_NOTFOUND when there is no such process. */
int proc_identify(pid_t pid, struct proc_id *id, struct err *e);

/* True when exactly that process still runs (a zombie does not). */
bool proc_is_alive(const struct proc_id *id);

/* True when the process is stopped (SIGSTOP, or by a debugger), and not by the job control of a shell in its terminal; false also when there is none. */
bool proc_is_stopped(pid_t pid);

/* Children of a process, those of all its threads: at most max into list, and how many that are. 0 also where the kernel does not tell. */
size_t proc_children(pid_t pid, pid_t *list, size_t max);

/* The program's name, as `ps` has it, as text that can be shown. "?" when there is no such process. */
void proc_name(pid_t pid, char *name, size_t size);

/* Lets this process have as many descriptors as it may; what it starts with proc_start has the limit of before. */
void proc_raise_files(void);

struct proc_spawn {
	const char *const *argv;	/* borrowed; argv[0] looked up in PATH; NULL-terminated */
	const char *const *env;		/* borrowed; whole environment, NULL = ours */
	int in, out, err;		/* descriptors for 0,1,2 of the child; -1 = /dev/null */
	const char *dir;		/* borrowed; folder it starts in, NULL = ours */
	bool new_session;		/* setsid() in the child */
	bool terminal;			/* with new_session: 0 is a terminal, and becomes the session's own */
	bool new_group;			/* own process group */
	bool die_with_parent;		/* PR_SET_PDEATHSIG SIGKILL; the parent is the thread that calls proc_start */
};

/* Starts a program; all other descriptors are closed in the child, signal mask and handlers reset. Returns pid or -1 (also when exec fails: the child reports it). */
pid_t proc_start(const struct proc_spawn *spawn, struct err *e);

/* Blocking: reaps pid; exit status 0..255, or 256 + signal. -1 when it is no child. */
int proc_wait(pid_t pid);

/* *fd becomes a descriptor that is readable once the child pid has ended (close-on-exec, the caller closes), or -1 where the kernel (before 5.3), a sandbox or valgrind has no such thing: then look with waitpid from time to time. -1 on other errors. */
int proc_watch(pid_t pid, int *fd, struct err *e);

/* Makes a pipe or socket pair (AF_UNIX stream), close-on-exec. */
int proc_pipe(int fds[2], struct err *e);
int proc_pair(int fds[2], struct err *e);

/* Closes every descriptor from first on, except keep (-1 = none). Async-signal-safe. */
void proc_close_from(int first, int keep);

/* O_NONBLOCK on/off. */
int proc_nonblock(int fd, bool on, struct err *e);

/* Fork server: a small clean process that forks children on request, so that a long-lived process with a journal and secrets never forks itself. */
struct fork_server;

/* Runs in the child with its end of a socket pair; the child exits with what it returns. 0 and 1 are /dev/null, 2 too unless it was a plain file (a log);
 * no other descriptor is open, signals are at their defaults, the session is the server's. */
typedef int fork_child_fn(int fd);

/* Forks the server now; call before opening anything or starting threads, from the main thread of the process that will keep it (after daemonizing: it dies with us). Every later child runs fn. The server and its children end when the caller's end closes. */
struct fork_server *fork_server_start(fork_child_fn *fn, struct err *e);

/* What is run in the place of a server that was killed, or stopped so that it does not answer: a program that calls fork_server_main. argv is borrowed for the server's life; without it a lost server stays lost. */
void fork_server_program(struct fork_server *server, const char *const *argv);

/* Main of that program: the server, asked on descriptor 0, until that is closed. Does not return. */
_Noreturn void fork_server_main(fork_child_fn *fn);

/* Asks for a child (blocks a few ms, 5 s when the server was stopped): returns our end of its socket pair (caller closes) and *pid. The server reaps it. */
int fork_server_child(struct fork_server *server, pid_t *pid, struct err *e);

/* Process id of the present server, 0 = none. NULL is fine. */
pid_t fork_server_pid(const struct fork_server *server);

/* Closes, which ends the server and its children (SIGKILL), and frees. NULL is fine. */
void fork_server_stop(struct fork_server *server);

#endif
