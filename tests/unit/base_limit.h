/* base_limit.h - for tests of what happens when no descriptor is left. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_BASE_LIMIT_H
#define TESTS_BASE_LIMIT_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* From now on no descriptor can be opened; before goes to setrlimit afterwards. False when that has no effect: valgrind keeps a limit of its own. */
static inline bool descriptors_end(struct rlimit *before)
{
	struct rlimit none;
	int fds[2];

	if (getrlimit(RLIMIT_NOFILE, before) < 0)
		return false;
	none = (struct rlimit){ 0, before->rlim_max };
	if (setrlimit(RLIMIT_NOFILE, &none) < 0)
		return false;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		return true;
	close(fds[0]);
	close(fds[1]);
	setrlimit(RLIMIT_NOFILE, before);
	print_message("# the limit of descriptors has no effect here (valgrind keeps one of its own)\n");
	return false;
}

#endif
