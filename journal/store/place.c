/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE	/* O_PATH */
#include "journal/store/place.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "journal/store/store_int.h"

#define BACKLOG 64

/* Makes path and what is missing above it, 0700. */
static int make_directories(char *path, struct err *e)
{
	for (char *at = path + 1; ; at++) {
		char kept = *at;

		if (kept && kept != '/')
			continue;
		*at = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return err_errno(e, "%s", path);
		*at = kept;
		if (!kept)
			return 0;
	}
}

/* $XDG_STATE_HOME, or ~/.local/state. Caller owns; NULL when there is no home. */
static char *state_home(struct err *e)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	struct passwd *pw;

	if (state && *state == '/')
		return mem_strdup(state);
	if (!home || *home != '/') {
		pw = getpwuid(geteuid());
		home = pw ? pw->pw_dir : NULL;
	}
	if (home && *home == '/')
		return mem_printf("%s/.local/state", home);
	err_set(e, ERR_USAGE, "no home directory: name a journal with --journal or BELLBOOK_JOURNAL");
	return NULL;
}

char *place_journal(const char *given, struct err *e)
{
	const char *named = given ? given : getenv("BELLBOOK_JOURNAL");
	char *state, *dir, *path = NULL;

	if (named && *named)
		return mem_strdup(named);
	state = state_home(e);
	if (!state)
		return NULL;
	dir = mem_printf("%s/bellbook", state);
	if (make_directories(dir, e) == 0)
		path = mem_printf("%s/journal.db", dir);
	mem_free(dir);
	mem_free(state);
	return path;
}

/* What the run directory must look like, taken from the directory that holds the journal. */
static int wanted_mode(const char *run, struct stat *above, mode_t *mode, struct err *e)
{
	char *dir = mem_strdup(run), *slash = strrchr(dir, '/');
	int rc;

	slash[slash == dir ? 1 : 0] = '\0';
	rc = stat(dir, above) < 0 ? err_errno(e, "%s", dir) : 0;
	*mode = rc == 0 && (above->st_mode & S_ISGID) ? 02770 : 0700;
	mem_free(dir);
	return rc;
}

/* Root makes it for the journal's owner, who could not use it otherwise. The umask has no say. */
static int dress(const char *run, const struct stat *above, mode_t mode, struct err *e)
{
	int fd = open(run, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return err_errno(e, "%s", run);
	if (geteuid() == 0 && fchown(fd, above->st_uid, above->st_gid) < 0)
		rc = err_errno(e, "%s", run);
	if (rc == 0 && fchmod(fd, mode) < 0)
		rc = err_errno(e, "%s", run);
	close(fd);
	return rc;
}

/* The mode of what stands there, whatever it is now; never of what a link leads to. */
static int set_mode(const char *path, mode_t mode)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), rc;
	char name[40];

	if (fd < 0)
		return -1;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);	/* fchmod takes no O_PATH */
	rc = chmod(name, mode);
	close(fd);
	return rc;
}

static int check_above(const char *run, const struct stat *above, struct err *e)
{
	if ((above->st_mode & S_IWOTH) && !(above->st_mode & S_ISVTX))
		return err_set(e, ERR_DENIED, "everybody on this machine may write to the directory of %.*s, and so replace the journal: chmod o-w it",
			(int)strlen(run) - 4, run);
	return 0;
}

static int check_is_directory(const char *run, struct stat *st, struct err *e)
{
	if (lstat(run, st) < 0)
		return err_errno(e, "%s", run);
	if (!S_ISDIR(st->st_mode))
		return err_set(e, ERR_DENIED, "%s is no directory: somebody put something in the way", run);
	return 0;
}

static int check_directory(const char *run, const struct stat *above, mode_t mode, struct err *e)
{
	struct stat st;

	if (check_is_directory(run, &st, e) < 0)
		return -1;
	if (st.st_mode & (mode == 0700 ? 077 : 07))
		return err_set(e, ERR_DENIED, "%s can be entered by others (mode %04o): chmod %04o it", run, (unsigned)st.st_mode & 07777, (unsigned)mode);
	if (check_above(run, above, e) < 0)
		return -1;
	if (mode == 0700 && st.st_uid != geteuid() && geteuid() != 0)
		return err_set(e, ERR_DENIED, "%s belongs to user %u, not to you", run, (unsigned)st.st_uid);
	if (mode != 0700 && st.st_gid != above->st_gid)
		return err_set(e, ERR_DENIED, "%s belongs to group %u, its directory to group %u", run, (unsigned)st.st_gid, (unsigned)above->st_gid);
	return 0;
}

char *place_run_dir(const char *journal, struct err *e)
{
	char *path = store_resolve(journal, e), *run;
	struct stat above;
	mode_t mode;
	int rc;

	if (!path)
		return NULL;
	run = mem_printf("%s.run", path);
	mem_free(path);
	rc = wanted_mode(run, &above, &mode, e);
	if (rc == 0 && mkdir(run, 0700) == 0)
		rc = dress(run, &above, mode, e);
	else if (rc == 0 && errno != EEXIST)
		rc = err_errno(e, "%s", run);
	if (rc == 0)
		rc = check_directory(run, &above, mode, e);
	if (rc == 0)
		return run;
	mem_free(run);
	return NULL;
}

int place_run_keep(const char *run, mode_t *mode, struct err *e)
{
	char *journal = mem_dup(run, strlen(run) - 4), *made;
	struct stat above, st;
	mode_t wanted;
	int rc = wanted_mode(run, &above, &wanted, e);

	if (rc == 0 && lstat(run, &st) < 0 && errno == ENOENT) {
		made = place_run_dir(journal, e);
		rc = made && lstat(run, &st) == 0 ? 1 : -1;
		*mode = st.st_mode & 07777;
		mem_free(made);
	} else if (rc == 0 && (rc = check_is_directory(run, &st, e)) == 0 && (rc = check_above(run, &above, e)) == 0 && (st.st_mode & 07777) != *mode) {
		rc = set_mode(run, *mode) == 0 ? 1
			: err_set(e, ERR_DENIED, "the mode of %s was changed to %04o, and it is not ours to put right: chmod %04o it", run, (unsigned)st.st_mode & 07777,
				(unsigned)*mode);
	}
	mem_free(journal);
	return rc;
}

/* Words for who is kept out of a run directory: whose it is, and what lets a team in. */
static int kept_out(const char *run, struct err *e)
{
	struct passwd *me = getpwuid(geteuid()), *owner;
	struct group *group;
	struct stat st;

	if (lstat(run, &st) < 0)
		return err_errno(e, "%s", run);
	if (st.st_mode & S_ISGID) {
		group = getgrgid(st.st_gid);
		return err_set(e, ERR_DENIED, "sessions of %.*s are for the group %s, and your account is not in it: adduser %s %s, then log in anew", (int)strlen(run) - 4, run,
			group ? group->gr_name : "of its directory", me ? me->pw_name : "YOU", group ? group->gr_name : "GROUP");
	}
	owner = getpwuid(st.st_uid);
	return err_set(e, ERR_DENIED,
		"sessions of %.*s are for the account %s alone. To share them, a team keeps its journal in a directory of its group: chgrp GROUP DIR; chmod 2770 DIR (man bellbook, SHARING)",
		(int)strlen(run) - 4, run, owner ? owner->pw_name : "that made it");
}

int place_check(const char *journal, struct err *e)
{
	char *path = store_resolve(journal, e), *run;
	struct stat above, st;
	mode_t mode;
	int rc = 0;

	if (!path && e->kind == ERR_DENIED)
		return err_set(e, ERR_DENIED, "you may not look into the directory of %s: ask whoever keeps it to let your account in", journal);
	if (!path)
		return -1;
	run = mem_printf("%s.run", path);
	mem_free(path);
	if (lstat(run, &st) < 0 && errno == ENOENT)
		;	/* nobody has carried a session yet */
	else if (access(run, R_OK | X_OK) < 0)
		rc = kept_out(run, e);
	else if ((rc = wanted_mode(run, &above, &mode, e)) == 0)
		rc = check_directory(run, &above, mode, e);
	mem_free(run);
	return rc;
}

/* --- sockets --- */

/* sun_path holds 108 bytes and a journal's path may be longer: the name goes through a descriptor of the run directory. */
static int address(const char *run, int64_t session, struct sockaddr_un *at, int *dir, struct err *e)
{
	*dir = open(run, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*dir < 0)
		return err_errno(e, "%s", run);
	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(at->sun_path, sizeof(at->sun_path), "/proc/self/fd/%d/%lld.sock", *dir, (long long)session);
	return 0;
}

static int listen_at(const char *run, int64_t session, mode_t mode, struct err *e)
{
	struct sockaddr_un at;
	int dir, fd, rc = -1;

	if (address(run, session, &at, &dir, e) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || fchmod(fd, mode) < 0)	/* bind takes the mode from here, less the umask */
		err_errno(e, "a socket");
	else if ((unlink(at.sun_path) < 0 && errno != ENOENT) || bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 || chmod(at.sun_path, mode) < 0 || listen(fd, BACKLOG) < 0)
		err_errno(e, "%s/%lld.sock", run, (long long)session);
	else
		rc = fd;
	if (rc < 0 && fd >= 0)
		close(fd);
	close(dir);
	return rc;
}

int place_listen(const char *journal, int64_t session, struct err *e)
{
	char *run = place_run_dir(journal, e);
	struct stat st;
	int fd;

	if (!run)
		return -1;
	fd = listen_at(run, session, stat(run, &st) == 0 && (st.st_mode & S_ISGID) ? 0660 : 0600, e);
	mem_free(run);
	return fd;
}

int place_connect(const char *journal, int64_t session, struct err *e)
{
	char *path, *run;
	struct sockaddr_un at;
	int dir, fd = -1, rc = -1;

	if (place_check(journal, e) < 0)
		return -1;
	path = store_resolve(journal, e);
	if (!path)
		return -1;
	run = mem_printf("%s.run", path);
	mem_free(path);
	if (address(run, session, &at, &dir, e) < 0)
		goto out;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		err_errno(e, "a socket");
	else if ((rc = connect(fd, (const struct sockaddr *)&at, sizeof(at))) < 0)
		err_errno(e, "%s/%lld.sock", run, (long long)session);
	if (rc < 0 && fd >= 0 && (errno == ENOENT || errno == ECONNREFUSED))
		err_set(e, ERR_NOTFOUND, "no process carries session %lld now", (long long)session);
	if (rc < 0 && fd >= 0)
		close(fd);
	close(dir);
out:
	mem_free(run);
	return rc < 0 ? -1 : fd;
}

int place_listening(const char *journal, int64_t session, struct place_socket *at)
{
	struct err e = { 0 };
	char *path = store_resolve(journal, &e), *name;
	struct stat st;
	int rc = -1;

	if (!path)
		return -1;
	name = mem_printf("%s.run/%lld.sock", path, (long long)session);
	if (lstat(name, &st) == 0 && S_ISSOCK(st.st_mode)) {
		if (!at->inode)
			*at = (struct place_socket){ .device = st.st_dev, .inode = st.st_ino, .mode = st.st_mode & 07777 };
		rc = st.st_dev == at->device && st.st_ino == at->inode ? 0 : -1;
		if (rc == 0 && (st.st_mode & 07777) != at->mode)
			rc = set_mode(name, at->mode) == 0;
	}
	mem_free(name);
	mem_free(path);
	return rc;
}

void place_unlisten(const char *journal, int64_t session)
{
	struct err e = { 0 };
	char *path = store_resolve(journal, &e), *name;

	if (!path)
		return;
	name = mem_printf("%s.run/%lld.sock", path, (long long)session);
	unlink(name);
	mem_free(name);
	mem_free(path);
}
