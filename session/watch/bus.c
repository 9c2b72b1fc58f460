/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/watch/bus.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "session/walk/inner.h"

/*
 * SQLite maps the shared index of the journal's log (-shm). When somebody cuts
 * that file, the store sees it before it writes (store_log.c) and makes it anew;
 * but a look into what was just cut off is a SIGBUS, and the process cannot go
 * on. All that it told is in the journal, and what runs on the hosts goes on. So
 * it does what lua_watch.c does: it becomes the program that writes the words
 * into the journal and has the session resumed. A handler may do little: all of
 * it is prepared.
 */

#define INDEX_REGION (32 << 10)	/* SQLite makes -shm longer by so many bytes at a time */
#define AGAIN_S 60

static char line[] = "bellbook: A file of the journal that was in use (its -shm, most likely) was cut from outside while this session ran. The process that carried it "
		     "ended, and the session went on in another one; nothing that was stored is missing.\n";
#define TEXT_AT (sizeof("bellbook: ") - 1)

extern char **environ;

static struct {
	char *index;	/* owned */
	char number[32];
	char *heir[8];
	pid_t pid;	/* 0 = nothing to watch */
	struct sigaction before;
	struct timespec since;
} bus;

/* A process that ends so again and again would be resumed for ever. */
static bool may_go_on(void)
{
	struct timespec now;
	struct stat st;

	if (stat(bus.index, &st) < 0 || st.st_size == 0 || st.st_size % INDEX_REGION != 0)
		return true;
	return clock_gettime(CLOCK_MONOTONIC, &now) == 0 && now.tv_sec - bus.since.tv_sec > AGAIN_S;
}

static void on_bus(int signo)
{
	sigset_t none;
	ssize_t n;

	if (bus.pid != getpid()) {
		signal(signo, SIG_DFL);
		raise(signo);
		return;
	}
	n = write(STDERR_FILENO, line, sizeof(line) - 1);
	(void)n;
	line[sizeof(line) - 2] = '\0';
	/* The signal is held back in here, and would stay so. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (may_go_on())
		execve("/proc/self/exe", bus.heir, environ);
	_exit(1);
}

void bus_watch(const char *journal, int64_t session)
{
	static char program[] = "bellbook", order[] = SESSION_STUCK, nothing[] = "";
	struct sigaction action = {.sa_handler = on_bus};
	size_t n = 0;

	sigemptyset(&action.sa_mask);
	if (journal && !bus.pid)
		sigaction(SIGBUS, &action, &bus.before);
	else if (!journal && bus.pid)
		sigaction(SIGBUS, &bus.before, NULL);
	mem_free(bus.index);
	bus.index = journal ? mem_printf("%s-shm", journal) : NULL;
	bus.pid = journal ? getpid() : 0;
	(void)clock_gettime(CLOCK_MONOTONIC, &bus.since);
	snprintf(bus.number, sizeof(bus.number), "%lld", (long long)session);
	bus.heir[n++] = program;
	bus.heir[n++] = order;
	bus.heir[n++] = (char *)(uintptr_t)journal;
	bus.heir[n++] = bus.number;
	bus.heir[n++] = nothing;	/* no step … */
	bus.heir[n++] = nothing;	/* … and no function of one */
	bus.heir[n++] = line + TEXT_AT;
	bus.heir[n] = NULL;
}
