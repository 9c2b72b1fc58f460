/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE	/* F_OFD_SETLK: a lock of the open file, which can be asked about without being taken */
#include "journal/store/place.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/time.h"
#include "journal/store/store_int.h"

struct lease {
	char *name;	/* owned; of the file */
	char *run;	/* owned; of the directory */
	int64_t session;
	mode_t mode, run_mode;
	int fd;		/* holds the lock as long as it is open */
	bool taken;	/* another process holds the file … */
	struct err why;	/* … and which one */
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

	return fstat(fd, &open_st) == 0 && lstat(name, &named) == 0 && open_st.st_ino == named.st_ino && open_st.st_dev == named.st_dev;
}

/* Locked descriptor of the lease file, -1 with *e. */
static int lock_file(const char *name, mode_t mode, int64_t session, struct proc_id *who, struct err *e)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	for (;;) {
		int fd = file_open(name, O_RDWR | O_CREAT | O_NOFOLLOW, mode, e);

		if (fd < 0)
			return -1;
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
	struct stat st = { 0 };
	mode_t mode;
	int fd;

	if (!run)
		return NULL;
	name = mem_printf("%s/%lld.lease", run, (long long)session);
	mode = stat(run, &st) == 0 && (st.st_mode & S_ISGID) ? 0660 : 0600;
	fd = lock_file(name, mode, session, holder, e);
	if (fd < 0 || write_holder(fd, name, e) < 0) {
		if (fd >= 0)
			close(fd);
		mem_free(name);
		mem_free(run);
		return NULL;
	}
	lease = mem_alloc(sizeof(*lease));
	*lease = (struct lease){ .name = name, .run = run, .session = session, .mode = mode, .run_mode = st.st_mode & 07777, .fd = fd };
	return lease;
}

static bool is_held(const char *name)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct err e = { 0 };
	int fd = file_open(name, O_RDONLY | O_NOFOLLOW, 0, &e);
	bool held = fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;

	if (fd >= 0)
		close(fd);
	return held;
}

/* What stands there is not what we hold: 1 when it is ours now. */
static int take_anew(struct lease *lease, struct err *e)
{
	struct err ignored = { 0 };
	struct stat st;
	int fd;

	/* A link is nobody's lease, and nobody opens one. */
	if (lstat(lease->name, &st) == 0 && S_ISLNK(st.st_mode))
		(void)unlink(lease->name);
	fd = lock_file(lease->name, lease->mode, lease->session, NULL, e);
	if (fd < 0) {
		lease->taken = is_held(lease->name);
		if (lease->taken)
			err_wrap(e, "another process has taken this session over, and this one does nothing more");
		lease->why = *e;
		return -1;
	}
	(void)write_holder(fd, lease->name, &ignored);	/* on a full disk it has no words; it is locked all the same */
	close(lease->fd);
	lease->fd = fd;
	return 1;
}

int lease_keep(struct lease *lease, struct err *e)
{
	struct stat st;
	int changed;

	if (lease->taken) {
		*e = lease->why;
		return -1;
	}
	changed = place_run_keep(lease->run, &lease->run_mode, e);
	if (changed < 0)
		return -1;
	if (!is_named(lease->fd, lease->name))
		return take_anew(lease, e);
	if (fstat(lease->fd, &st) == 0 && (st.st_mode & 07777) != lease->mode && fchmod(lease->fd, lease->mode) == 0)
		changed = 1;
	return changed;
}

bool lease_is_named(const struct lease *lease)
{
	return is_named(lease->fd, lease->name);
}

bool lease_is_taken(const struct lease *lease)
{
	return lease->taken;
}

void lease_drop(struct lease *lease)
{
	if (!lease)
		return;
	if (is_named(lease->fd, lease->name))	/* else it is another's, or gone */
		unlink(lease->name);	/* while it is still locked: who waits at it sees that it is gone */
	close(lease->fd);
	mem_free(lease->name);
	mem_free(lease->run);
	mem_free(lease);
}

bool lease_is_held(const char *journal, int64_t session)
{
	struct err e = { 0 };
	char *path = store_resolve(journal, &e), *name;
	bool held;

	if (!path)
		return false;
	name = mem_printf("%s.run/%lld.lease", path, (long long)session);
	held = is_held(name);
	mem_free(name);
	mem_free(path);
	return held;
}

pid_t lease_stopped(const char *journal, int64_t session)
{
	struct holder holder;
	struct err e = { 0 };
	char *path = store_resolve(journal, &e), *name;
	pid_t pid = 0;
	int fd;

	if (!path)
		return 0;
	name = mem_printf("%s.run/%lld.lease", path, (long long)session);
	fd = file_open(name, O_RDONLY | O_NOFOLLOW, 0, &e);
	if (fd >= 0 && read_holder(fd, &holder) && proc_is_alive(&holder.id) && proc_is_stopped(holder.id.pid))
		pid = holder.id.pid;
	if (fd >= 0)
		close(fd);
	mem_free(name);
	mem_free(path);
	return pid;
}
