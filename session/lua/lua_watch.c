/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/lua/lua_watch.h"

#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/*
 * The count hook sees instructions of Lua. A text pattern like "a*a*a*a*b" on
 * a long text, or table.move over 2^60 places, is one instruction that never
 * ends, and C code of Lua cannot be left from outside. So the process ends.
 * That is safe: all that was done is in the journal, and the hosts go on. A
 * process that carries a session names an heir, which writes the words into
 * the journal and goes on from there (stuck.c). A signal handler may run a
 * program, and little else: nothing is allocated here, and all is prepared.
 */

extern char **environ;

#define HEIR_MAX 8

static char words[1024];	/* "bellbook: TEXT\n" */
#define TEXT_AT (sizeof("bellbook: ") - 1)
static char step_of[256], fn_of[32];
static size_t length;
static char *heir[HEIR_MAX + 4];
static int told = -1, depth;

/* Best effort: whoever does not take it has the journal. */
static void put(int fd, const char *from, size_t len)
{
	ssize_t n = write(fd, from, len);

	(void)n;
}

static void out_of_time(int signo)
{
	sigset_t none;

	(void)signo;
	put(STDERR_FILENO, words, length);
	words[length - 1] = '\0';
	if (told >= 0) {
		put(told, "usage ", sizeof("usage ") - 1);
		put(told, words + TEXT_AT, length - 1 - TEXT_AT);
	}
	/* The signal is held back in here, and would stay so. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (heir[0])
		execve("/proc/self/exe", heir, environ);
	_exit(2);
}

static void arm(double seconds)
{
	struct itimerval timer = {.it_value = {.tv_sec = (time_t)seconds, .tv_usec = (suseconds_t)((seconds - floor(seconds)) * 1e6)}};

	setitimer(ITIMER_VIRTUAL, &timer, NULL);
}

void lua_watch_begin(const char *text, const char *step, const char *fn, double seconds)
{
	const char *given = getenv("BELLBOOK_LUA_SECONDS");
	struct sigaction action = {.sa_handler = out_of_time};
	double asked = given ? strtod(given, NULL) : 0;

	if (depth++ > 0)
		return;
	snprintf(words, sizeof(words), "bellbook: %.800s\n", text);
	length = strlen(words);
	snprintf(step_of, sizeof(step_of), "%s", step ? step : "");
	snprintf(fn_of, sizeof(fn_of), "%s", fn ? fn : "");
	sigemptyset(&action.sa_mask);
	sigaction(SIGVTALRM, &action, NULL);
	arm(asked >= 0.1 && asked <= 3600 ? asked : seconds);
}

void lua_watch_end(void)
{
	if (--depth == 0)
		arm(0);
}

void lua_watch_tell(int fd)
{
	told = fd;
}

void lua_watch_heir(const char *const *argv)
{
	size_t n = 0;

	for (; argv && argv[n] && n < HEIR_MAX; n++)
		heir[n] = (char *)(uintptr_t)argv[n];
	heir[n] = n ? step_of : NULL;
	if (!n)
		return;
	heir[n + 1] = fn_of;
	heir[n + 2] = words + TEXT_AT;
	heir[n + 3] = NULL;
}
