/* faults.c - loaded before libc by a test: a wall clock that somebody sets, a disk that cannot confirm writes, a process that cannot be seen, a file that is cut. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/* In the folder $FAULTS: "clock" holds seconds that the wall clock is off; while "fsync" is there, syncing anything
 * named *journal.db* fails with EIO; a number in it says how often, and it is removed then. In the environment:
 * BLIND is the number of a process that cannot be seen, as from another pid namespace;
 * CUT = "READS SIZE FILE" cuts a journal's -shm to SIZE bytes behind so many reads of the journal's files, and says so in FILE. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long number_in(const char *name, char path[512])
{
	const char *dir = getenv("FAULTS");
	char text[32] = "";
	int fd;

	if (!dir || snprintf(path, 512, "%s/%s", dir, name) >= 512)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return text[0] ? atol(text) : 0;
}

int clock_gettime(clockid_t which, struct timespec *at)
{
	int kept = errno, rc = (int)syscall(SYS_clock_gettime, which, at);
	char path[512];

	if (rc == 0 && which == CLOCK_REALTIME) {
		long off = number_in("clock", path);

		at->tv_sec += off == -1 ? 0 : off;
		errno = kept;
	}
	return rc;
}

static int fails(int fd)
{
	char link[64], name[512] = "", path[512];
	long left = number_in("fsync", path);
	FILE *file;

	if (left < 0)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, name, sizeof(name) - 1) < 0 || !strstr(name, "journal.db"))
		return 0;
	if (left == 1)
		unlink(path);
	if (left > 1 && (file = fopen(path, "we")) != NULL) {
		fprintf(file, "%ld", left - 1);
		fclose(file);
	}
	errno = EIO;
	return 1;
}

int fsync(int fd)
{
	return fails(fd) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return fails(fd) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

static int open_seen(const char *path, int flags, mode_t mode)
{
	const char *blind = getenv("BLIND");
	char hidden[64];

	if (blind && snprintf(hidden, sizeof(hidden), "/proc/%s/stat", blind) > 0 && strcmp(path, hidden) == 0) {
		errno = ENOENT;
		return -1;
	}
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
	va_end(more);
	return open_seen(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list more;
	mode_t mode;

	va_start(more, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
	va_end(more);
	return open_seen(path, flags, mode);
}

static void cut_index(int fd)
{
	static long reads;
	const char *cut = getenv("CUT");
	char link[64], name[512] = "", told[512], *end;
	long when, size;
	FILE *file;

	if (!cut || sscanf(cut, "%ld %ld %511s", &when, &size, told) != 3)
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, name, sizeof(name) - 8) < 0 || !(end = strstr(name, "journal.db")) || ++reads != when)
		return;
	strcpy(end + strlen("journal.db"), "-shm");
	if (truncate(name, size) < 0)
		perror(name);
	if ((file = fopen(told, "we")) != NULL) {
		fputs("cut\n", file);
		fclose(file);
	}
}

ssize_t pread64(int fd, void *bytes, size_t len, off64_t offset)
{
	ssize_t got = syscall(SYS_pread64, fd, bytes, len, offset);

	cut_index(fd);
	return got;
}
