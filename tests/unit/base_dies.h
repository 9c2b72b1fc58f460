/* base_dies.h - for tests of what must end the process: a failed assert, memory that is out. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_BASE_DIES_H
#define TESTS_BASE_DIES_H

#include <fcntl.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs fn(arg) in a child without stderr and core; true when it did not come back from it. */
static inline bool dies(void (*fn)(void *arg), void *arg)
{
	static const struct rlimit none = { 0, 0 };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 2);
		setrlimit(RLIMIT_CORE, &none);
		fn(arg);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

#endif
