/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "actions/ssh/ssh_kept.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"

#define FORMAT 1	/* another one for another kept text, or other options of ssh -G */
#define FILE_LIMIT ((size_t)1 << 20)	/* of a configuration, and of what is kept */
#define PATH_LIMIT 4096
#define SETTLED_US ((int64_t)2 * 1000000)	/* file systems tell times to a tick or a second */

/* ---- places ---- */

/* The home folder as ssh itself takes it: of the account, whatever $HOME says. */
static bool account_home(char out[static PATH_LIMIT])
{
	struct passwd entry, *found = NULL;
	char room[2048];

	if (getpwuid_r(getuid(), &entry, room, sizeof(room), &found) != 0 || !found)
		return false;
	return str_copy(out, PATH_LIMIT, entry.pw_dir);
}

/* The program that an `ssh` would be. */
static bool ssh_program(char out[static PATH_LIMIT])
{
	const char *at = getenv("PATH");

	if (!at)
		return false;
	while (*at) {
		size_t len = strcspn(at, ":");

		if (len > 0 && *at == '/' && len + sizeof("/ssh") <= PATH_LIMIT) {
			memcpy(out, at, len);
			memcpy(out + len, "/ssh", sizeof("/ssh"));
			if (access(out, X_OK) == 0)
				return true;
		} else if (len > 0) {
			return false;
		}
		at += len;
		at += *at == ':';
	}
	return false;
}

static char *folder(void)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (cache && *cache == '/')
		return mem_printf("%s/bellbook/ssh", cache);
	return home && *home == '/' ? mem_printf("%s/.cache/bellbook/ssh", home) : NULL;
}

/* Where it is kept: one name for what decides an answer and is no file. Caller owns; NULL = nowhere. */
static char *place(const char *host, const char *file)
{
	unsigned char digest[SHA256_LEN];
	char name[256] = "";
	char *in = folder(), *key, *path;
	struct buf hex = {0};

	if (!in || gethostname(name, sizeof(name) - 1) < 0) {
		mem_free(in);
		return NULL;
	}
	key = mem_printf("%d\n%ld\n%s\n%s\n%s", FORMAT, (long)getuid(), name, file ? file : "", host);
	sha256_of(key, strlen(key), digest);
	str_hex(&hex, digest, sizeof(digest));
	path = mem_printf("%s/%s", in, buf_text(&hex));
	buf_done(&hex);
	mem_free(key);
	mem_free(in);
	return path;
}

/* Makes the folder, for nobody else. */
static bool make_folder(void)
{
	char *path = folder();
	bool made = path != NULL;

	for (char *at = path; made && at; at = strchr(at + 1, '/')) {
		if (at == path)
			continue;
		*at = '\0';
		made = mkdir(path, 0700) == 0 || errno == EEXIST;
		*at = '/';
	}
	made = made && (mkdir(path, 0700) == 0 || errno == EEXIST);
	mem_free(path);
	return made;
}

/* ---- what it depends on ---- */

/* What a change of a file or folder changes; false when that could not be known. */
static bool state_of(const char *path, char out[static 200])
{
	struct stat st;

	if (stat(path, &st) < 0) {
		(void)str_copy(out, 200, "absent");
		return errno == ENOENT || errno == ENOTDIR;
	}
	snprintf(out, 200, "%llx %llx %o %u %lld %lld.%09ld %lld.%09ld",
		 (unsigned long long)st.st_dev, (unsigned long long)st.st_ino, st.st_mode, st.st_uid,
		 (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
		 (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	return true;
}

/* True when nothing about it has changed since a while before that time. */
static bool is_settled(const char *path, int64_t before_us)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR;
	return (int64_t)st.st_ctim.tv_sec * 1000000 + st.st_ctim.tv_nsec / 1000 < before_us - SETTLED_US;
}

/* An answer that is being looked at: of may grow, fine may become false. */
struct look {
	struct json *of;	/* path → state */
	int64_t began_us;
	bool fine;
};

static void depend(struct look *look, const char *path)
{
	char state[200];

	if (*path != '/' || !utf8_valid(path, strlen(path)) || !is_settled(path, look->began_us) ||
	    !state_of(path, state))
		look->fine = false;
	else
		json_set_text(look->of, path, state);
}

/* The folder of a path: what appears in it may fit a pattern. */
static void depend_on_folder(struct look *look, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *in = slash && slash > path ? mem_dup(path, (size_t)(slash - path)) : mem_strdup("/");

	depend(look, in);
	mem_free(in);
}

/* All of a small file; false when it cannot be read, or is none. */
static bool read_small(int fd, struct buf *out)
{
	ssize_t got;

	do {
		got = read(fd, buf_room(out, 16384), 16384);
		if (got > 0)
			buf_added(out, (size_t)got);
	} while (got > 0 && out->len <= FILE_LIMIT);
	return got == 0;
}

/*
 * One line of a configuration names nothing but files. No pattern in the name of a folder: what may
 * come to fit it has no one place to look at.
 */
static bool is_plain_line(const char *line)
{
	const char *slash;

	if (strstr(line, "${"))
		return false;
	line += strspn(line, " \t");
	if (strncasecmp(line, "include", 7) != 0)
		return true;
	slash = strrchr(line, '/');
	return !strpbrk(line, "?[") && !(slash && memchr(line, '*', (size_t)(slash - line)));
}

/* A configuration that ssh read. */
static void read_configuration(struct look *look, const char *path)
{
	struct buf text = {0};
	struct err e;
	int fd = file_open(path, O_RDONLY, 0, &e);

	depend(look, path);
	if (!look->fine || fd < 0 || !read_small(fd, &text) || memchr(buf_text(&text), '\0', text.len)) {
		look->fine = false;
	} else {
		char *rest = text.data, *line;

		while (rest && (line = strsep(&rest, "\n")) != NULL)
			look->fine = look->fine && is_plain_line(line);
	}
	if (fd >= 0)
		close(fd);
	buf_done(&text);
}

/* "~/…", as ssh shows a pattern of the user's own file, or a path. */
static void depend_on_pattern(struct look *look, const char *pattern)
{
	char home[PATH_LIMIT];
	char *path = NULL;

	if (str_starts(pattern, "~/") && account_home(home))
		path = mem_printf("%s%s", home, pattern + 1);
	depend_on_folder(look, path ? path : pattern);
	mem_free(path);
}

/* One line of -vvv. */
static void look_at(struct look *look, char *line)
{
	static const char reading[] = "debug1: Reading configuration data ", included[] = ": Including file ";
	static const char pattern[] = ": include ", none[] = " matched no files", depth[] = " depth ";
	char *at, *end;

	if (!str_starts(line, "debug"))
		return;
	if (str_starts(line, reading)) {
		read_configuration(look, line + sizeof(reading) - 1);
	} else if ((at = strstr(line, included)) && (end = strstr(at, depth))) {
		*end = '\0';
		depend_on_folder(look, at + sizeof(included) - 1);
	} else if ((at = strstr(line, pattern)) && (end = strstr(at, none))) {
		*end = '\0';
		depend_on_pattern(look, at + sizeof(pattern) - 1);
	} else if (strstr(line, "checking match for") && (strstr(line, "exec") || strstr(line, "localnetwork"))) {
		look->fine = false;
	}
}

/* The files that are read when no other is named. */
static void depend_on_usual(struct look *look)
{
	char home[PATH_LIMIT];
	char *own;

	if (!account_home(home)) {
		look->fine = false;
		return;
	}
	own = mem_printf("%s/.ssh/config", home);
	depend(look, own);
	depend(look, "/etc/ssh/ssh_config");
	mem_free(own);
}

/* A script in ssh's place may ask whatever it likes. */
static void depend_on_program(struct look *look)
{
	char path[PATH_LIMIT], magic[4] = "";
	struct err e;
	int fd = ssh_program(path) ? file_open(path, O_RDONLY, 0, &e) : -1;

	if (fd < 0 || read(fd, magic, sizeof(magic)) != (ssize_t)sizeof(magic) ||
	    memcmp(magic, "\177ELF", 4) != 0)
		look->fine = false;
	else
		depend(look, path);
	if (fd >= 0)
		close(fd);
}

/* ---- the file ---- */

static bool is_ours(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022);
}

/* The whole file at once, or nothing. */
static void write_kept(const char *path, const char *text)
{
	char *made = mem_printf("%s.XXXXXX", path);
	size_t len = strlen(text);
	int fd = mkostemp(made, O_CLOEXEC);

	if (fd >= 0) {
		bool whole = write(fd, text, len) == (ssize_t)len;

		close(fd);
		if (!whole || rename(made, path) < 0)
			unlink(made);
	}
	mem_free(made);
}

void ssh_kept_put(const char *host, const char *file, const struct buf *out,
		  const struct buf *words, int64_t began_us)
{
	struct look look = { .of = json_new_object(), .began_us = began_us, .fine = out->len < FILE_LIMIT };
	char *lines = mem_dup(buf_text(words), words->len), *rest = lines, *line;
	char *path = place(host, file), *text;

	look.fine = look.fine && path && utf8_valid(buf_text(out), out->len) &&
		    !strstr(buf_text(out), "canonicalizehostname true") &&
		    !strstr(buf_text(out), "canonicalizehostname always");
	while (look.fine && (line = strsep(&rest, "\r\n")) != NULL)
		look_at(&look, line);
	if (look.fine && (!file || !*file))
		depend_on_usual(&look);
	if (look.fine)
		depend_on_program(&look);
	if (look.fine && make_folder()) {
		struct json *kept = json_new_object();

		json_set_int(kept, "format", FORMAT);
		json_put(kept, "of", look.of);
		look.of = NULL;
		json_put(kept, "said", json_new_text(buf_text(out), out->len));
		text = json_print(kept);
		write_kept(path, text);
		mem_free(text);
		json_free(kept);
	}
	json_free(look.of);
	mem_free(lines);
	mem_free(path);
}

/* All that it was made of is as it was, the program that would be asked among it. */
static bool still_holds(const struct json *kept)
{
	const struct json *of = json_at(kept, "of");
	char path[PATH_LIMIT], state[200];
	const char *name;
	struct json *was;
	void *it = NULL;

	if (json_int(kept, "format", 0) != FORMAT || !ssh_program(path) || !json_at(of, path))
		return false;
	while ((name = json_next(of, &it, &was)))
		if (!state_of(name, state) || !json_as_text(was) || !str_is(json_as_text(was), state))
			return false;
	return true;
}

bool ssh_kept_get(const char *host, const char *file, struct buf *out)
{
	char *path = place(host, file);
	struct buf text = {0};
	struct json *kept = NULL;
	struct err e;
	const char *said = NULL;
	int fd = path ? file_open(path, O_RDONLY | O_NOFOLLOW, 0, &e) : -1;

	if (fd >= 0 && is_ours(fd) && read_small(fd, &text))
		kept = json_parse(buf_text(&text), text.len, &e);
	if (fd >= 0)
		close(fd);
	if (kept && still_holds(kept))
		said = json_text(kept, "said", NULL);
	if (said)
		buf_puts(out, said);
	json_free(kept);
	buf_done(&text);
	mem_free(path);
	return said != NULL;
}

void ssh_kept_strip(struct buf *words)
{
	struct buf left = {0};
	const char *at = buf_text(words), *end = at + words->len;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *next = newline ? newline + 1 : end;

		if (!str_starts(at, "debug1: ") && !str_starts(at, "debug2: ") && !str_starts(at, "debug3: ") &&
		    !str_starts(at, "OpenSSH_"))
			buf_append(&left, at, (size_t)(next - at));
		at = next;
	}
	buf_done(words);
	*words = left;
}
