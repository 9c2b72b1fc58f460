/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE	/* SO_PEERCRED, struct ucred */
#include "session/people/account.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77		/* Linux 6.5 */
#endif
#define UNTOLD 65534		/* what uids without a place in a namespace look like, usually */
#define GENERATIONS 64		/* of processes looked through */
#define FILE_TEXT 4096

/* Reads the beginning of a small file; false when it cannot be read. */
static bool read_text(const char *path, char text[FILE_TEXT])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, FILE_TEXT - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static bool read_number(const char *path, int64_t *number)
{
	char text[FILE_TEXT];

	if (!read_text(path, text))
		return false;
	text[strcspn(text, "\n")] = '\0';
	return str_to_int(text, 0, UINT32_MAX, number);
}

static bool read_of(pid_t pid, const char *what, char text[FILE_TEXT])
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
	return read_text(path, text);
}

char *account_name(uid_t uid)
{
	struct passwd *pw = getpwuid(uid);

	return pw ? mem_strdup(pw->pw_name) : mem_printf("uid %u", (unsigned)uid);
}

/* "ann:100000:65536" */
static bool range_has(char *line, uid_t uid)
{
	char *start = strchr(line, ':'), *count = start ? strchr(start + 1, ':') : NULL;
	int64_t first, n;

	if (!count)
		return false;
	*start = *count = '\0';
	count[1 + strcspn(count + 1, " \t\r\n")] = '\0';
	return str_to_int(start + 1, 0, UINT32_MAX, &first) && str_to_int(count + 1, 0, UINT32_MAX, &n)
		&& uid >= first && uid - first < n;
}

char *account_subordinate(const char *file, uid_t uid)
{
	FILE *in = fopen(file, "re");
	char line[512], *owner = NULL;

	while (in && !owner && fgets(line, sizeof(line), in))
		if (*line != '#' && range_has(line, uid))
			owner = mem_strdup(line);
	if (in)
		fclose(in);
	return owner;
}

/* ---- namespaces ---- */

static bool is_whole(const char *map)
{
	unsigned inside, outside, count;

	return sscanf(map, "%u %u %u", &inside, &outside, &count) == 3 && inside == 0 && outside == 0 && count == UINT32_MAX;
}

/*
 * A namespace that an account of this very namespace made holds only what that account rules. One that root
 * made from outside (a container) has an owner who cannot be seen from inside.
 */
const char *account_namespace(void)
{
	char map[FILE_TEXT];
	int64_t untold = UNTOLD;
	uid_t owner;
	int fd, rc;

	if (!read_text("/proc/self/uid_map", map) || is_whole(map))
		return NULL;
	(void)read_number("/proc/sys/kernel/overflowuid", &untold);
	fd = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	rc = fd < 0 ? -1 : ioctl(fd, NS_GET_OWNER_UID, &owner);
	if (fd >= 0)
		close(fd);
	return rc == 0 && owner != (uid_t)untold ? "it runs in a user namespace, and whoever made that is every account in it" : NULL;
}

/* True when uids mean the same there: a namespace of its own gives itself any. The map may be read by all, its link in ns/ may not. */
static bool is_elsewhere(pid_t pid)
{
	char ours[FILE_TEXT], theirs[FILE_TEXT];

	return read_text("/proc/self/uid_map", ours) && read_of(pid, "uid_map", theirs) && !str_is(ours, theirs);
}

/* ---- one process ---- */

struct status {
	pid_t parent;
	uid_t real, effective, saved, files;
};

static bool read_status(pid_t pid, struct status *status)
{
	char text[FILE_TEXT];
	const char *parent, *uids;
	int number;

	if (!read_of(pid, "status", text))
		return false;
	parent = strstr(text, "\nPPid:");
	uids = strstr(text, "\nUid:");
	if (!parent || !uids || sscanf(parent, "\nPPid: %d", &number) != 1
	    || sscanf(uids, "\nUid: %u %u %u %u", &status->real, &status->effective, &status->saved, &status->files) != 4)
		return false;
	status->parent = number;
	return true;
}

static bool has_above(const struct account *account, uid_t uid)
{
	for (size_t i = 0; i < account->above_count; i++)
		if (account->above[i] == uid)
			return true;
	return false;
}

/* Whose processes it descends from. The way ends where one of them was orphaned. */
static void look_above(struct account *account, pid_t pid)
{
	struct status status;

	for (int i = 0; i < GENERATIONS && pid > 1 && read_status(pid, &status); i++, pid = status.parent)
		if (status.real != 0 && status.real != account->uid && !has_above(account, status.real)
		    && account->above_count < ACCOUNT_ABOVE)
			account->above[account->above_count++] = status.real;
}

static char *doubt_of_process(const struct account *account, pid_t pid)
{
	struct status status;

	if (pid <= 0)
		return mem_strdup("it comes from a container (another process namespace), where an account may be anybody's");
	/* The session's own account is the kernel's word, wherever it comes from. */
	if (account->uid != getuid() && is_elsewhere(pid))
		return mem_strdup("it comes from another user namespace (a container), where an account may be anybody's");
	if (read_status(pid, &status) && (status.real != account->uid || status.effective != account->uid
	    || status.saved != account->uid))
		return mem_printf("the program runs with the rights of %s, and uid %u started it", account->name, (unsigned)status.real);
	return NULL;
}

char *account_doubt(uid_t uid)
{
	int64_t untold = UNTOLD;
	char *owner, *doubt;

	(void)read_number("/proc/sys/kernel/overflowuid", &untold);
	if (uid == (uid_t)untold)
		return mem_printf("uid %u stands for every account that cannot be seen from here", (unsigned)uid);
	if (!getpwuid(uid))
		return mem_printf("uid %u has no account on this computer", (unsigned)uid);
	owner = account_subordinate("/etc/subuid", uid);
	if (!owner)
		return NULL;
	doubt = mem_printf("uid %u is one of those that %s may take on (/etc/subuid)", (unsigned)uid, owner);
	mem_free(owner);
	return doubt;
}

static char *doubt_of(const struct account *account, pid_t pid)
{
	char *doubt = account_doubt(account->uid);
	const char *here = account_namespace();

	if (!doubt)
		doubt = doubt_of_process(account, pid);
	if (!doubt && here && account->uid != getuid())
		doubt = mem_printf("nobody can be told apart in this session: %s", here);
	return doubt;
}

/* ---- a peer ---- */

/* False when that process is gone: what was read of its number may be another's. Without a pidfd that cannot be told as well. */
static bool is_there(int pidfd, pid_t number)
{
	char path[64], text[FILE_TEXT];
	const char *pid;

	if (pidfd < 0)
		return number <= 0 || kill(number, 0) == 0 || errno != ESRCH;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	if (!read_text(path, text))
		return true;
	pid = strstr(text, "\nPid:");
	return !pid || strtol(pid + strlen("\nPid:"), NULL, 10) > 0;
}

bool account_of_peer(int fd, struct account *account)
{
	struct ucred peer = {0};
	socklen_t len = sizeof(peer), fd_len = sizeof(int);
	int64_t login;
	char path[64];
	int pidfd = -1;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &fd_len) < 0)
		pidfd = -1;	/* an older kernel, or it is gone */
	*account = (struct account){.uid = peer.uid, .name = account_name(peer.uid), .login = ACCOUNT_NOBODY};
	account->doubt = doubt_of(account, peer.pid);
	snprintf(path, sizeof(path), "/proc/%d/loginuid", (int)peer.pid);
	if (peer.pid > 0 && read_number(path, &login))
		account->login = (uid_t)login;
	look_above(account, peer.pid);
	if (!is_there(pidfd, peer.pid) && !account->doubt)
		account->doubt = mem_strdup("the process that connected is gone, so that nothing shows who started it");
	if (pidfd >= 0)
		close(pidfd);
	return true;
}

void account_done(struct account *account)
{
	mem_free(account->name);
	mem_free(account->doubt);
	*account = (struct account){0};
}

/* The account that somebody logged in with; its own when the kernel does not know. */
static uid_t origin(const struct account *account)
{
	return account->login != ACCOUNT_NOBODY ? account->login : account->uid;
}

char *account_same(const struct account *a, const struct account *b)
{
	char *name, *text;

	if (a->uid == b->uid)
		return mem_printf("both are %s", a->name);
	if (origin(a) == origin(b)) {
		name = account_name(origin(a));
		text = mem_printf("%s and %s come from a login of %s", a->name, b->name, name);
		mem_free(name);
		return text;
	}
	if (has_above(a, b->uid))
		return mem_printf("%s was started by a program of %s (sudo, su)", a->name, b->name);
	if (has_above(b, a->uid))
		return mem_printf("%s was started by a program of %s (sudo, su)", b->name, a->name);
	return NULL;
}
