/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "actions/ssh/ssh_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define BASE_MAX 40 /* the path of a socket in it has to fit into sun_path */

void ssh_folder_remove(const char *path)
{
	DIR *dir = path ? opendir(path) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	if (path)
		(void)rmdir(path);
}

/* The process whose folder that is by its name; 0 = it is none of ours. */
static pid_t maker_of(const char *name)
{
	static const char *const prefixes[] = { "bellbook-ssh.", "bellbook-via.", NULL };

	for (const char *const *prefix = prefixes; *prefix; prefix++) {
		char *end;
		long pid;

		if (!str_starts(name, *prefix))
			continue;
		pid = strtol(name + strlen(*prefix), &end, 10);
		return pid > 0 && *end == '.' ? (pid_t)pid : 0;
	}
	return 0;
}

/* A worker that was killed leaves its folders behind; their names tell whose they were. */
static void sweep(const char *base)
{
	DIR *dir = opendir(base);
	struct dirent *entry;
	struct stat st;

	while (dir && (entry = readdir(dir))) {
		pid_t pid = maker_of(entry->d_name);
		char *path;

		if (pid == 0 || kill(pid, 0) == 0 || errno != ESRCH)
			continue;
		path = mem_printf("%s/%s", base, entry->d_name);
		if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid())
			ssh_folder_remove(path);
		mem_free(path);
	}
	if (dir)
		closedir(dir);
}

/* $XDG_RUNTIME_DIR is the user's own and in memory. */
char *ssh_folder_make(const char *purpose, struct err *e)
{
	const char *base = getenv("XDG_RUNTIME_DIR");
	char *path;

	if (!base || *base != '/' || strlen(base) > BASE_MAX || access(base, W_OK) != 0)
		base = "/tmp";
	sweep(base);
	path = mem_printf("%s/bellbook-%s.%ld.XXXXXX", base, purpose, (long)getpid());
	if (mkdtemp(path))
		return path;
	err_errno(e, "cannot make a directory in %s", base);
	mem_free(path);
	return NULL;
}
