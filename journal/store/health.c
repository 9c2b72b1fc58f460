/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE	/* flock */
#include "journal/store/health.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "journal/store/store.h"
#include "journal/store/store_int.h"

#define LOCK_TRIES 40	/* of 50 ms */

/* Fixed in 3.51.3, and in the releases 3.44.6 and 3.50.7 of their lines; see the essay in store.c. */
static bool has_wal_bug(int version)
{
	if (version >= 3051003 || version < 3007000)
		return false;
	return !(version >= 3044006 && version < 3045000) && !(version >= 3050007 && version < 3051000);
}

static int64_t size_of(const char *path, const char *suffix)
{
	char *name = mem_printf("%s%s", path, suffix);
	struct stat st;
	int64_t size = stat(name, &st) == 0 ? (int64_t)st.st_size : -1;

	mem_free(name);
	return size;
}

static int64_t space_at(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? mem_dup(path, slash == path ? 1 : (size_t)(slash - path)) : mem_strdup(".");
	struct statvfs fs;
	int64_t space = statvfs(dir, &fs) < 0 ? -1 : (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;

	mem_free(dir);
	return space;
}

static bool is_busy(const char *path)
{
	char *name = mem_printf("%s-lock", path);
	const struct timespec pause = { .tv_nsec = 50000000 };
	struct err e;
	int fd = file_open(name, O_RDONLY | O_NOFOLLOW, 0, &e);
	bool busy = fd >= 0;

	mem_free(name);
	for (int i = 0; busy && i < LOCK_TRIES; i++) {
		busy = flock(fd, LOCK_SH | LOCK_NB) < 0;
		if (busy)
			nanosleep(&pause, NULL);
	}
	if (fd >= 0)
		close(fd);
	return busy;
}

void health_look(const char *path, struct health *health)
{
	int64_t ballast = size_of(path, "-ballast");

	*health = (struct health){
		.sqlite = sqlite3_libversion(), .wal_bug = has_wal_bug(sqlite3_libversion_number()), .size = size_of(path, ""),
		.space = space_at(path), .ballast = ballast > 0 ? ballast : 0, .busy = is_busy(path),
	};
	health->exists = health->size >= 0;
}

int health_check(const char *path, struct err *e)
{
	struct store *store = store_open_as(path, STORE_READ, true, e);

	store_close(store);
	return store ? 0 : -1;
}

static bool stop(void *arg, const struct event *ev)
{
	(void)arg;
	(void)ev;
	return false;
}

bool health_is_unindexed(const char *path, int64_t session, struct err *why)
{
	struct err ignored = { 0 };
	struct store *store = store_open(path, STORE_READ, &ignored);
	bool unindexed = store && store_each(store, (struct store_range){ .session = session, .limit = 1 }, stop, NULL, &ignored) == 0
		&& store_was_unindexed(store, why);

	store_close(store);
	return unindexed;
}

bool health_is_cut(const char *path, struct err *why)
{
	struct err ignored = { 0 };
	struct store *store = store_open(path, STORE_READ, &ignored);
	bool cut = store && store_is_cut(store, why);

	store_close(store);
	return cut;
}
