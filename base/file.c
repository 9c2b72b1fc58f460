/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * open(2) of a named pipe waits until somebody opens its other end, and a read
 * from a terminal until somebody types: a process that loops would wait with it.
 */

static const char *kind_of(mode_t mode)
{
	if (S_ISFIFO(mode))
		return "a named pipe";
	if (S_ISSOCK(mode))
		return "a socket";
	if (S_ISDIR(mode))
		return "a folder";
	return "a device";
}

static int refuse(const char *path, mode_t mode, struct err *e)
{
	return err_set(e, S_ISDIR(mode) ? ERR_USAGE : ERR_DENIED, "%s is %s, not an ordinary file: something else was put in its place; look at it, and move it away", path, kind_of(mode));
}

int file_open(const char *path, int flags, mode_t mode, struct err *e)
{
	/* Of no consequence for ordinary files. */
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode);
	int code = errno;
	struct stat st;

	if (fd < 0) {
		/* A pipe that nobody reads (ENXIO), a socket, a folder: the path itself says it better. */
		if ((code == ENXIO || code == EISDIR) && lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
			return refuse(path, st.st_mode, e);
		errno = code;
		return err_errno(e, "%s", path);
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return refuse(path, st.st_mode, e);
}

int file_is_plain(const char *path, struct err *e)
{
	struct stat st;

	return stat(path, &st) < 0 || S_ISREG(st.st_mode) ? 0 : refuse(path, st.st_mode, e);
}
