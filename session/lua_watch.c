/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/lua_watch.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

/*
 * The count hook sees instructions of Lua. A text pattern like "a*a*a*a*b" on
 * a long text, or table.move over 2^60 places, is one instruction that never
 * ends, and C code of Lua cannot be left from outside. So the process ends.
 * That is safe: all that was done is in the journal, the hosts go on, and a
 * resume with a mended runbook goes on from there.
 */

static char words[512];

static void out_of_time(int signo)
{
	ssize_t n;

	(void)signo;
	n = write(STDERR_FILENO, words, strlen(words));
	(void)n;
	_exit(2);
}

static void arm(double seconds)
{
	struct itimerval timer = {.it_value = {.tv_sec = (time_t)seconds, .tv_usec = (suseconds_t)((seconds - floor(seconds)) * 1e6)}};

	setitimer(ITIMER_VIRTUAL, &timer, NULL);
}

void lua_watch_begin(const char *text, double seconds)
{
	const char *given = getenv("BELLBOOK_LUA_SECONDS");
	struct sigaction action = {.sa_handler = out_of_time};
	double asked = given ? strtod(given, NULL) : 0;

	snprintf(words, sizeof(words), "bellbook: %.400s\n", text);
	sigemptyset(&action.sa_mask);
	sigaction(SIGVTALRM, &action, NULL);
	arm(asked >= 0.1 && asked <= 3600 ? asked : seconds);
}

void lua_watch_end(void)
{
	arm(0);
}
