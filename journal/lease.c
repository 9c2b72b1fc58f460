/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE	/* F_OFD_SETLK: a lock of the open file, which can be asked about without being taken */
#include "journal/place.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/time.h"
#include "journal/store_int.h"

struct lease {
	char *name;	/* owned; of the file */
	int fd;		/* holds the lock as long as it is open */
};

/* What a lease file says, in one line: pid, start, boot id, since (wall clock), user. */
struct holder {
	struct proc_id id;
	int64_t since_us;
	char user[64];
};

static bool read_holder(int fd, struct holder *holder)
{
	char line[256] = "";
	long long started, since;
	int pid;

	*holder = (struct holder){ 0 };
	if (pread(fd, line, sizeof(line) - 1, 0) <= 0)
		return false;
	if (sscanf(line, "%d %lld %39s %lld %63s", &pid, &started, holder->id.boot, &since, holder->user) != 5)
		return false;
	holder->id.pid = pid;
	holder->id.started = started;
	holder->since_us = since;
	return true;
}

static int write_holder(int fd, const char *name, struct err *e)
{
	struct passwd *pw = getpwuid(geteuid());
	struct proc_id id;
	char line[256];
	int len;

	if (proc_identify(getpid(), &id, e) < 0)
		return -1;
	if (pw)
		len = snprintf(line, sizeof(line), "%d %lld %s %lld %s\n", (int)id.pid, (long long)id.started, id.boot, (long long)time_wall_us(),
			pw->pw_name);
	else
		len = snprintf(line, sizeof(line), "%d %lld %s %lld uid%u\n", (int)id.pid, (long long)id.started, id.boot,
			(long long)time_wall_us(), (unsigned)geteuid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, line, (size_t)len, 0) != len)
		return err_errno(e, "%s", name);
	return 0;
}

static int refuse(int fd, int64_t session, struct proc_id *who, struct err *e)
{
	struct holder holder;
	char at[TIME_TEXT];

	if (!read_holder(fd, &holder))
		return err_set(e, ERR_DENIED, "another process carries session %lld", (long long)session);
	if (who)
		*who = holder.id;
	return err_set(e, ERR_DENIED, "session %lld is carried by process %d of %s since %s UTC: attach to it instead", (long long)session,
		(int)holder.id.pid, holder.user, time_format_clock(holder.since_us, at));
}

/* The holder before us removes the file when it is done: then what we locked is nothing any more. */
static bool is_named(int fd, const char *name)
{
	struct stat open_st, named;

	return fstat(fd, &open_st) == 0 && stat(name, &named) == 0 && open_st.st_ino == named.st_ino && open_st.st_dev == named.st_dev;
}

/* Locked descriptor of the lease file, -1 with *e. */
static int lock_file(const char *name, mode_t mode, int64_t session, struct proc_id *who, struct err *e)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	for (;;) {
		int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);

		if (fd < 0)
			return err_errno(e, "%s", name);
		(void)fchmod(fd, mode);		/* only its owner can; the umask has no say */
		if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
			if (errno == EAGAIN || errno == EACCES)
				refuse(fd, session, who, e);
			else
				err_errno(e, "%s", name);
			close(fd);
			return -1;
		}
		if (is_named(fd, name))
			return fd;
		close(fd);
	}
}

struct lease *lease_take(const char *journal, int64_t session, struct proc_id *holder, struct err *e)
{
	char *run = place_run_dir(journal, e), *name;
	struct lease *lease;
	struct stat st;
	int fd;

	if (!run)
		return NULL;
	name = mem_printf("%s/%lld.lease", run, (long long)session);
	fd = lock_file(name, stat(run, &st) == 0 && (st.st_mode & S_ISGID) ? 0660 : 0600, session, holder, e);
	mem_free(run);
	if (fd < 0 || write_holder(fd, name, e) < 0) {
		if (fd >= 0)
			close(fd);
		mem_free(name);
		return NULL;
	}
	lease = mem_alloc(sizeof(*lease));
	lease->name = name;
	lease->fd = fd;
	return lease;
}

void lease_drop(struct lease *lease)
{
	if (!lease)
		return;
	unlink(lease->name);	/* while it is still locked: who waits at it sees that it is gone */
	close(lease->fd);
	mem_free(lease->name);
	mem_free(lease);
}

bool lease_is_held(const char *journal, int64_t session)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct err e = { 0 };
	char *path = store_resolve(journal, &e), *name;
	bool held = false;
	int fd;

	if (!path)
		return false;
	name = mem_printf("%s.run/%lld.lease", path, (long long)session);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
		close(fd);
	}
	mem_free(name);
	mem_free(path);
	return held;
}
