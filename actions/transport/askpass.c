/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "actions/transport/askpass.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/str.h"

static bool put(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t done = write(fd, bytes, len);

		if (done > 0) {
			bytes += done;
			len -= (size_t)done;
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

static int reach(const char *path)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || !str_copy(where.sun_path, sizeof(where.sun_path), path) ||
	    connect(fd, (const struct sockaddr *)&where, sizeof(where)) < 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

int askpass_main(const char *prompt)
{
	static char answer[LIMIT_SECRET + 2];	/* with "y" before it, and room to see its end */
	const char *hint = getenv("SSH_ASKPASS_PROMPT");
	const char *path = getenv(ASKPASS_VARIABLE);
	size_t len = 0;
	ssize_t got = 1;
	int fd = path ? reach(path) : -1;
	bool good;

	prctl(PR_SET_DUMPABLE, 0);
	prompt = prompt ? prompt : "";
	hint = hint ? hint : "";
	if (fd < 0 || !put(fd, hint, strlen(hint) + 1) || !put(fd, prompt, strlen(prompt) + 1) || shutdown(fd, SHUT_WR) < 0)
		return 1;
	while (len < sizeof(answer) && (got = read(fd, answer + len, sizeof(answer) - len)) > 0)
		len += (size_t)got;
	close(fd);
	/* "y" and the answer, or "n". */
	good = got == 0 && len > 0 && answer[0] == 'y' && put(STDOUT_FILENO, answer + 1, len - 1) &&
	       put(STDOUT_FILENO, "\n", 1);
	explicit_bzero(answer, sizeof(answer));
	return good ? 0 : 1;
}
