/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "actions/ssh/ssh_known.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libssh2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/ssh/ssh_child.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"
#include "base/time.h"

#define FILE_MAX ((size_t)16 << 20)
#define BLANKS " \t"

/* What is looked for in the files. */
struct wanted {
	LIBSSH2_SESSION *session;	/* for its HMAC of hashed names; never connected */
	const char *name;		/* "[app1]:2222" */
	const char *plain;		/* "app1", NULL when name has no port in it */
	const char *file;
	int line;
	struct ssh_known **end;
};

/* One field of a line. */
struct field {
	const char *text;
	size_t len;
};

static struct field next_field(const char **at)
{
	struct field field;

	*at += strspn(*at, BLANKS);
	field.text = *at;
	field.len = strcspn(*at, BLANKS "\r");
	*at += field.len;
	return field;
}

/* Shell-like pattern with * and ?, as ssh_config has it; case of letters does not count in names of hosts. */
static bool matches(const char *text, const char *pattern, size_t len)
{
	for (; len > 0; pattern++, len--) {
		if (*pattern == '*') {
			for (;; text++) {
				if (matches(text, pattern + 1, len - 1))
					return true;
				if (!*text)
					return false;
			}
		}
		if (!*text || (*pattern != '?' && tolower((unsigned char)*pattern) != tolower((unsigned char)*text)))
			return false;
		text++;
	}
	return !*text;
}

/* Comma-separated patterns; one with ! that matches says no. */
static bool matches_list(const char *name, struct field list)
{
	bool found = false;

	while (list.len > 0) {
		const char *comma = memchr(list.text, ',', list.len);
		size_t part = comma ? (size_t)(comma - list.text) : list.len;
		bool negated = part > 0 && *list.text == '!';

		if (matches(name, list.text + negated, part - negated)) {
			if (negated)
				return false;
			found = true;
		}
		list.text += part + (comma != NULL);
		list.len -= part + (comma != NULL);
	}
	return found;
}

/* |1|SALT|HASH: libssh2 computes the HMAC; the key is of no importance. */
static bool matches_hash(LIBSSH2_SESSION *session, const char *name, struct field hashed)
{
	static const char key[] = "AAAA";
	const char *salt = hashed.text + 3;
	const char *bar = memchr(salt, '|', hashed.len - 3);
	LIBSSH2_KNOWNHOSTS *hosts;
	int type = LIBSSH2_KNOWNHOST_TYPE_SHA1 | LIBSSH2_KNOWNHOST_KEYENC_BASE64 | LIBSSH2_KNOWNHOST_KEY_SSHRSA;
	char *salt_text, *hash_text;
	int found = LIBSSH2_KNOWNHOST_CHECK_NOTFOUND;

	if (!bar)
		return false;
	hosts = libssh2_knownhost_init(session);
	salt_text = mem_dup(salt, (size_t)(bar - salt));
	hash_text = mem_dup(bar + 1, hashed.len - 3 - (size_t)(bar + 1 - salt));
	if (hosts && libssh2_knownhost_add(hosts, hash_text, salt_text, key, sizeof(key) - 1, type, NULL) == 0)
		found = libssh2_knownhost_check(hosts, name, key, sizeof(key) - 1,
						LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_BASE64, NULL);
	mem_free(salt_text);
	mem_free(hash_text);
	if (hosts)
		libssh2_knownhost_free(hosts);
	return found == LIBSSH2_KNOWNHOST_CHECK_MATCH || found == LIBSSH2_KNOWNHOST_CHECK_MISMATCH;
}

static bool is_about(const struct wanted *wanted, struct field names, const char *name)
{
	if (names.len > 3 && memcmp(names.text, "|1|", 3) == 0)
		return matches_hash(wanted->session, name, names);
	return matches_list(name, names);
}

static void read_line(struct wanted *wanted, const char *line)
{
	struct field names = next_field(&line);
	struct field type, key;
	struct ssh_known *known;
	enum ssh_known_kind kind = KNOWN_KEY;
	bool portless = false;

	if (names.len == 0 || *names.text == '#')
		return;
	if (*names.text == '@') {
		kind = strncmp(names.text, "@revoked", names.len) == 0 ? KNOWN_REVOKED : KNOWN_AUTHORITY;
		names = next_field(&line);
	}
	type = next_field(&line);
	key = next_field(&line);
	if (key.len == 0)
		return;
	if (!is_about(wanted, names, wanted->name)) {
		portless = true;
		if (!wanted->plain || !is_about(wanted, names, wanted->plain))
			return;
	}
	known = mem_alloc(sizeof(*known));
	if (!str_unbase64(&known->key, key.text, key.len)) {
		mem_free(known);
		return;
	}
	known->kind = kind;
	known->type = mem_dup(type.text, type.len);
	known->file = mem_strdup(wanted->file);
	known->line = wanted->line;
	known->portless = portless;
	*wanted->end = known;
	wanted->end = &known->next;
}

/* The file's bytes; nothing when it cannot be read or is no plain file. */
static void slurp(const char *path, struct buf *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t got = 1;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		while (got > 0 && text->len < FILE_MAX) {
			got = read(fd, buf_room(text, 65536), 65536);
			if (got > 0)
				buf_added(text, (size_t)got);
		}
	}
	close(fd);
}

static void read_file(struct wanted *wanted, const char *path)
{
	struct buf text = {0};
	char *line;

	slurp(path, &text);
	wanted->file = path;
	wanted->line = 0;
	line = text.data;
	while (line && *line) {
		char *newline = strchr(line, '\n');

		if (newline)
			*newline = '\0';
		wanted->line++;
		read_line(wanted, line);
		line = newline ? newline + 1 : NULL;
	}
	buf_done(&text);
}

/* ssh -G prints several files on one line, with blanks between them. */
static void read_files(struct wanted *wanted, const struct ssh_config *config, const char *key)
{
	const char *at = ssh_config_text(config, key, "");

	while (*at) {
		struct field field = next_field(&at);
		char *name = mem_dup(field.text, field.len);
		struct buf path = {0};

		if (field.len > 0 && ssh_config_path(config, name, &path))
			read_file(wanted, buf_text(&path));
		buf_done(&path);
		mem_free(name);
		at += strspn(at, BLANKS "\r");
	}
}

static void lower(struct buf *text)
{
	for (size_t i = 0; i < text->len; i++)
		text->data[i] = (char)tolower((unsigned char)text->data[i]);
}

void ssh_known_name(const struct ssh_config *config, struct buf *out)
{
	const char *alias = ssh_config_text(config, "hostkeyalias", NULL);
	struct buf name = {0};

	if (alias)
		buf_puts(&name, alias);
	else if (ssh_config_port(config) == 22)
		buf_puts(&name, ssh_config_address(config));
	else
		buf_printf(&name, "[%s]:%d", ssh_config_address(config), ssh_config_port(config));
	lower(&name);
	buf_append(out, name.data, name.len);
	buf_done(&name);
}

struct ssh_known *ssh_known_load(const struct ssh_config *config)
{
	struct ssh_known *first = NULL;
	struct buf name = {0}, plain = {0};
	struct wanted wanted = { .end = &first, .session = libssh2_session_init_ex(NULL, NULL, NULL, NULL) };

	ssh_known_name(config, &name);
	wanted.name = buf_text(&name);
	if (*wanted.name == '[') {
		buf_puts(&plain, ssh_config_address(config));
		lower(&plain);
		wanted.plain = buf_text(&plain);
	}
	if (wanted.session) {
		read_files(&wanted, config, "userknownhostsfile");
		read_files(&wanted, config, "globalknownhostsfile");
		libssh2_session_free(wanted.session);
	}
	buf_done(&name);
	buf_done(&plain);
	return first;
}

void ssh_known_free(struct ssh_known *known)
{
	while (known) {
		struct ssh_known *next = known->next;

		mem_free(known->type);
		mem_free(known->file);
		buf_done(&known->key);
		mem_free(known);
		known = next;
	}
}

void ssh_known_fingerprint(const void *key, size_t len, struct buf *out)
{
	unsigned char digest[SHA256_LEN];

	sha256_of(key, len, digest);
	buf_puts(out, "SHA256:");
	str_base64(out, digest, sizeof(digest));
	while (out->len > 0 && out->data[out->len - 1] == '=')
		out->data[--out->len] = '\0';
}

void ssh_known_type(const void *key, size_t len, struct buf *out)
{
	const unsigned char *at = key;
	size_t size;

	if (len < 4)
		return;
	size = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
	if (size > len - 4 || size > 64)
		return;
	for (size_t i = 0; i < size; i++) {
		if (at[4 + i] <= ' ' || at[4 + i] >= 0x7f)
			return;
	}
	buf_append(out, at + 4, size);
}

/* The file that gets new keys: the user's first one. */
static bool user_file(const struct ssh_config *config, struct buf *path)
{
	const char *at = ssh_config_text(config, "userknownhostsfile", "");
	struct field field = next_field(&at);
	char *name = mem_dup(field.text, field.len);
	bool known = field.len > 0 && ssh_config_path(config, name, path);

	mem_free(name);
	return known;
}

static void make_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder;

	if (!slash || slash == path)
		return;
	folder = mem_dup(path, (size_t)(slash - path));
	(void)mkdir(folder, 0700);
	mem_free(folder);
}

/* True when the file is not empty and its last line has no end. */
static bool ends_open(int fd)
{
	struct stat st;
	char last = '\n';

	return fstat(fd, &st) == 0 && st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n';
}

/* Appends a whole line in one write: beside us ssh or another session may do the same. */
static int append_line(const char *path, const struct buf *line, struct err *e)
{
	struct buf bytes = {0};
	ssize_t put;
	int fd;
	int result = 0;

	make_folder(path);
	fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(e, "cannot write to %s", path);
	if (ends_open(fd))
		buf_putc(&bytes, '\n');
	buf_append(&bytes, line->data, line->len);
	put = write(fd, bytes.data, bytes.len);
	if (put < 0)
		result = err_errno(e, "cannot write to %s", path);
	else if ((size_t)put < bytes.len)
		result = err_set(e, ERR_FULL, "cannot write to %s: no space", path);
	buf_done(&bytes);
	close(fd);
	return result;
}

/* ssh-keygen -H hashes the names of a file of ours that holds this one line. Where it cannot, the name stays readable. */
static void hash_line(struct call *call, struct buf *line)
{
	char folder[] = "/tmp/bellbook.XXXXXX";
	struct buf path = {0}, old = {0}, out = {0}, words = {0}, hashed = {0};
	struct err e;

	if (!mkdtemp(folder))
		return;
	buf_printf(&path, "%s/hosts", folder);
	buf_printf(&old, "%s/hosts.old", folder);
	if (append_line(buf_text(&path), line, &e) == 0 &&
	    ssh_child_run(call, (const char *const[]){ "ssh-keygen", "-q", "-H", "-f", buf_text(&path), NULL }, &out,
			  &words, 10 * TIME_SECOND, &e) == 0) {
		slurp(buf_text(&path), &hashed);
		if (hashed.len > 3 && memcmp(hashed.data, "|1|", 3) == 0) {
			buf_clear(line);
			buf_append(line, hashed.data, hashed.len);
		}
	}
	(void)unlink(buf_text(&path));
	(void)unlink(buf_text(&old));
	(void)rmdir(folder);
	buf_done(&path);
	buf_done(&old);
	buf_done(&out);
	buf_done(&words);
	buf_done(&hashed);
}

int ssh_known_add(struct call *call, const struct ssh_config *config, const void *key, size_t len,
		  struct buf *where, struct err *e)
{
	struct buf line = {0};
	int result;

	if (!user_file(config, where))
		return err_set(e, ERR_USAGE, "ssh_config names no UserKnownHostsFile");
	ssh_known_name(config, &line);
	buf_putc(&line, ' ');
	ssh_known_type(key, len, &line);
	buf_putc(&line, ' ');
	str_base64(&line, key, len);
	buf_putc(&line, '\n');
	if (ssh_config_is(config, "hashknownhosts"))
		hash_line(call, &line);
	result = append_line(buf_text(where), &line, e);
	buf_done(&line);
	return result;
}
