/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE	/* flock, F_OFD_SETLK: locks of the open file, not of the process */
#include "journal/store/store_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"

#define BALLAST_SIZE ((int64_t)32 << 20)
#define BALLAST_MIN ((int64_t)64 << 10)		/* less would not hold the closing records */

/* Locks or shared memory are not to be trusted there. tmpfs is fine. */
static const struct { long type; const char *name; } refused_fs[] = {
	{ 0x6969, "NFS" }, { 0x517b, "SMB" }, { 0xff534d42, "CIFS" }, { 0xfe534d42, "SMB2" }, { 0x65735546, "FUSE" },
	{ 0x01021997, "9P" }, { 0x5346414f, "AFS" }, { 0x6b414653, "AFS" }, { 0x73757245, "Coda" }, { 0x00c36400, "Ceph" },
	{ 0x0bd00bd0, "Lustre" }, { 0x01161970, "GFS2" }, { 0x7461636f, "OCFS2" }, { 0x19830326, "BeeGFS" },
	{ 0x47504653, "GPFS" },
};

const char *store_fs_refused(long type)
{
	for (size_t i = 0; i < sizeof(refused_fs) / sizeof(refused_fs[0]); i++)
		if (((unsigned long)refused_fs[i].type & 0xffffffffu) == ((unsigned long)type & 0xffffffffu))
			return refused_fs[i].name;
	return NULL;
}

/* Directory part as a new string, "." when there is none. */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return mem_strdup(".");
	return mem_dup(path, slash == path ? 1 : (size_t)(slash - path));
}

char *store_resolve(const char *path, struct err *e)
{
	char whole[PATH_MAX], *dir, *out;
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;

	if (!*base) {
		err_set(e, ERR_USAGE, "%s is a directory, not a journal", *path ? path : "\"\"");
		return NULL;
	}
	if (realpath(path, whole))
		return mem_strdup(whole);
	dir = directory_of(path);
	if (errno != ENOENT || !realpath(dir, whole)) {
		err_errno(e, "%s", path);
		mem_free(dir);
		return NULL;
	}
	out = mem_printf("%s/%s", str_is(whole, "/") ? "" : whole, base);
	mem_free(dir);
	return out;
}

int store_fs_check(const char *path, struct err *e)
{
	char *dir = directory_of(path);
	struct statfs fs;
	const char *name;
	int rc = 0;

	if (statfs(dir, &fs) < 0) {
		rc = err_errno(e, "%s", dir);
	} else {
		name = store_fs_refused((long)fs.f_type);
		if (name)
			rc = err_set(e, ERR_USAGE, "%s is on %s, where file locks cannot be trusted: put the journal on a local disk", dir, name);
	}
	mem_free(dir);
	return rc;
}

mode_t store_file_mode(const char *path)
{
	char *dir = directory_of(path);
	struct stat st;
	bool team = stat(dir, &st) == 0 && (st.st_mode & S_ISGID);

	mem_free(dir);
	return team ? 0660 : 0600;
}

/* Makes the new name itself durable. */
static void sync_directory(const char *path)
{
	char *dir = directory_of(path);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	mem_free(dir);
}

int store_companion(const char *path, const char *suffix, struct err *e)
{
	char *name = mem_printf("%s%s", path, suffix);
	mode_t mode = store_file_mode(path);
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);

	if (fd >= 0) {
		fchmod(fd, mode);	/* the umask has no say */
		sync_directory(path);
	} else if (errno == EEXIST) {
		fd = file_open(name, O_RDWR | O_NOFOLLOW, 0, e);
	} else {
		err_errno(e, "%s", name);
	}
	mem_free(name);
	return fd;
}

/* True when fd is still what the lock's name leads to: a cleaner may have removed the file. */
static bool lock_is_named(const struct store *store)
{
	char *name = mem_printf("%s-lock", store->path);
	struct stat open_st, named;
	bool same = fstat(store->lock_fd, &open_st) == 0 && stat(name, &named) == 0
		&& open_st.st_ino == named.st_ino && open_st.st_dev == named.st_dev;

	mem_free(name);
	return same;
}

/* Beside the flock on the whole, every writer holds a shared lock on the first byte of "<journal>-lock" as long as it lives. */
static struct flock writer_byte(short type)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1 };
}

bool store_writer_lives(struct store *store)
{
	struct flock lock = writer_byte(F_WRLCK);

	if (store->lock_fd < 0) {
		char *name = mem_printf("%s-lock", store->path);
		struct err e;

		store->lock_fd = file_open(name, O_RDONLY | O_NOFOLLOW, 0, &e);
		mem_free(name);
	}
	return store->lock_fd >= 0 && fcntl(store->lock_fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* The process that has the lock, as the kernel knows it; 0 = none that can be seen. */
static pid_t lock_holder(const struct store *store)
{
	FILE *locks = fopen("/proc/locks", "re");
	unsigned long inode;
	char line[256];
	struct stat st;
	pid_t found = 0;
	int pid;

	if (!locks)
		return 0;
	/* Who waits for one has an arrow in its line. */
	while (!found && fstat(store->lock_fd, &st) == 0 && fgets(line, sizeof(line), locks))
		if (sscanf(line, "%*d: FLOCK %*s %*s %d %*x:%*x:%lu", &pid, &inode) == 2 && inode == (unsigned long)st.st_ino)
			found = pid;
	fclose(locks);
	return found;
}

#define LOCK_LOOKS 20
#define LOCK_NAP_NS 1000000	/* between two of them */

/* Waits for the lock, but not for a process that was stopped in the middle of writing and may never go on. */
static int lock_whole(struct store *store, struct err *e)
{
	const struct timespec nap = { .tv_nsec = LOCK_NAP_NS };
	pid_t holder = 0;

	for (int i = 0; i < LOCK_LOOKS; i++) {
		if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		nanosleep(&nap, NULL);
	}
	holder = lock_holder(store);
	if (holder > 0 && proc_is_stopped(holder))
		return err_set(e, ERR_DENIED, "process %d was stopped in the middle of writing to %s: let it go on (kill -CONT %d), or end it (kill -9 %d)", (int)holder,
			store->path, (int)holder, (int)holder);
	while (flock(store->lock_fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_errno(e, "%s-lock", store->path);
	return 0;
}

int store_lock(struct store *store, struct err *e)
{
	struct flock alive = writer_byte(F_RDLCK);

	for (;;) {
		if (store->lock_fd < 0)
			store->lock_fd = store_companion(store->path, "-lock", e);
		if (store->lock_fd < 0)
			return -1;
		if (fcntl(store->lock_fd, F_OFD_SETLK, &alive) < 0)
			return err_errno(e, "%s-lock", store->path);
		if (lock_whole(store, e) < 0)
			return -1;
		if (lock_is_named(store))
			return 0;
		close(store->lock_fd);
		store->lock_fd = -1;
	}
}

void store_unlock(struct store *store)
{
	if (store->lock_fd >= 0)
		flock(store->lock_fd, LOCK_UN);
}

int store_still_there(struct store *store, struct err *e)
{
	struct stat st;

	if (lstat(store->path, &st) < 0)
		return err_set(e, ERR_NOTFOUND, "%s was moved or deleted while in use: put it back, and it goes on", store->path);
	if (st.st_ino != store->inode || st.st_dev != store->device)
		return err_set(e, ERR_NOTFOUND, "another file was put in the place of %s while in use. Put the first one back, and it goes on; if that is lost, end process %d (kill), "
			"then bellbook verify and bellbook resume go on from what the new one holds", store->path, (int)store->pid);
	if (st.st_size < store->size) {
		store->broken = store->cut = true;
		return err_set(e, ERR_NOTFOUND, "%s was cut short while in use: %lld of its %lld bytes are there. Put all of them back into it (from a copy), and it goes on; if they "
			"are lost, end process %d (kill) and go on in another journal; bellbook verify says what this one still holds", store->path, (long long)st.st_size,
			(long long)store->size, (int)store->pid);
	}
	store->size = st.st_size;
	return 0;
}

int64_t store_space(const struct store *store)
{
	char *dir = directory_of(store->path);
	struct statvfs fs;
	int rc = statvfs(dir, &fs);

	mem_free(dir);
	return rc < 0 ? -1 : (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
}

/* --- ballast --- */

/* What a person wants: BELLBOOK_BALLAST in bytes, else 32 MiB. */
static int64_t ballast_wanted(void)
{
	const char *text = getenv("BELLBOOK_BALLAST");
	int64_t size;

	return text && str_to_int(text, 0, (int64_t)1 << 40, &size) ? size : BALLAST_SIZE;
}

/* Present size of the ballast file, 0 when there is none. */
static int64_t ballast_size(const struct store *store)
{
	char *name = mem_printf("%s-ballast", store->path);
	struct stat st;
	int64_t size = stat(name, &st) == 0 ? (int64_t)st.st_size : 0;

	mem_free(name);
	return size;
}

/* Made under another name and renamed when whole: what is named ballast always holds its bytes. */
static int ballast_write(struct store *store, int64_t size, struct err *e)
{
	char *name = mem_printf("%s-ballast", store->path);
	char *part = mem_printf("%s-ballast.part", store->path);
	int fd, rc = 0;

	unlink(part);
	fd = store_companion(store->path, "-ballast.part", e);
	if (fd < 0) {
		rc = -1;
		goto out;
	}
	errno = posix_fallocate(fd, 0, (off_t)size);
	if (errno || rename(part, name) < 0) {
		rc = err_errno(e, "reserving %lld bytes in %s", (long long)size, name);
		unlink(part);
	} else {
		store->ballast = size;
	}
	close(fd);
out:
	mem_free(name);
	mem_free(part);
	return rc;
}

void store_ballast_make(struct store *store)
{
	int64_t size = ballast_wanted(), space = store_space(store);
	struct err e = { 0 };

	store->ballast = ballast_size(store);
	if (store->ballast || size == 0)
		return;
	if (size > space / 8)
		size = space / 8 / 4096 * 4096;
	if (size >= BALLAST_MIN || size == ballast_wanted())
		(void)ballast_write(store, size, &e);
}

bool store_ballast_drop(struct store *store)
{
	char *name = mem_printf("%s-ballast", store->path);
	bool was = unlink(name) == 0;

	if (was)
		sync_directory(store->path);
	mem_free(name);
	return was;
}

int store_ballast_restore(struct store *store, struct err *e)
{
	int64_t size = store->ballast ? store->ballast : ballast_wanted(), space = store_space(store);

	if (ballast_size(store) || size == 0)
		return 0;
	/* One write that works on a full disk is no recovery: as much again must stay free. */
	if (space < 2 * size)
		return err_set(e, ERR_FULL, "the disk of %s has %lld KiB free, %lld KiB are needed", store->path,
			(long long)(space / 1024), (long long)(2 * size / 1024));
	return ballast_write(store, size, e);
}
