/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "actions/ssh/ssh_key.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/ssh/ssh_known.h"
#include "base/mem.h"
#include "base/str.h"

#define KEY_MAX 65536

static const char magic[] = "openssh-key-v1";	/* its NUL belongs to it */

static bool slurp(const char *path, struct buf *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t got = -1;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= KEY_MAX) {
		got = read(fd, buf_room(text, KEY_MAX + 1), KEY_MAX);
		if (got > 0)
			buf_added(text, (size_t)got);
	}
	close(fd);
	return got > 0;
}

/* As ssh does: of a key whose private half only the agent has, the public one says which it is. */
static bool slurp_public(const char *path, struct buf *text)
{
	struct buf name = {0};
	bool there;

	buf_printf(&name, "%s.pub", path);
	there = slurp(buf_text(&name), text);
	buf_done(&name);
	return there;
}

/* "TYPE BASE64 comment" */
static bool read_public(struct ssh_key *key, const char *text)
{
	size_t type = strcspn(text, " \t\r\n");
	size_t len;

	if (text[type] != ' ')
		return false;
	len = strcspn(text + type + 1, " \t\r\n");
	buf_clear(&key->blob);
	if (!str_unbase64(&key->blob, text + type + 1, len))
		return false;
	buf_clear(&key->type);
	ssh_known_type(key->blob.data, key->blob.len, &key->type);
	return key->type.len > 0;
}

/* What stands between the BEGIN and END lines, without its newlines. */
static bool body_of(const char *text, struct buf *body)
{
	const char *at = strchr(text, '\n');
	const char *end = at ? strstr(at, "-----END") : NULL;

	if (!end)
		return false;
	for (; at < end; at++) {
		if (*at != '\n' && *at != '\r')
			buf_putc(body, *at);
	}
	return true;
}

/* A length and that many bytes at *at; false when they do not fit. */
static bool take_string(const struct buf *bytes, size_t *at, const char **text, size_t *len)
{
	const unsigned char *from = (const unsigned char *)bytes->data + *at;

	if (bytes->len - *at < 4)
		return false;
	*len = (size_t)from[0] << 24 | (size_t)from[1] << 16 | (size_t)from[2] << 8 | from[3];
	*at += 4;
	if (*len > bytes->len - *at)
		return false;
	*text = bytes->data + *at;
	*at += *len;
	return true;
}

/* openssh-key-v1: cipher, kdf, kdf options, number of keys, public key, and then what may be encrypted. */
static bool read_openssh(struct ssh_key *key, const char *text)
{
	struct buf body = {0}, bytes = {0};
	size_t at = sizeof(magic);
	const char *part = NULL;
	size_t len = 0;
	bool good = false;

	if (body_of(text, &body) && str_unbase64(&bytes, buf_text(&body), body.len) && bytes.len > sizeof(magic) &&
	    memcmp(bytes.data, magic, sizeof(magic)) == 0 && take_string(&bytes, &at, &part, &len)) {
		key->is_encrypted = len != 4 || memcmp(part, "none", 4) != 0;
		good = take_string(&bytes, &at, &part, &len) && take_string(&bytes, &at, &part, &len) &&
		       bytes.len - at > 4;
		at += 4;
		good = good && take_string(&bytes, &at, &part, &len);
	}
	if (good) {
		buf_append(&key->blob, part, len);
		ssh_known_type(key->blob.data, key->blob.len, &key->type);
	}
	if (bytes.data)
		explicit_bzero(bytes.data, bytes.cap);
	if (body.data)
		explicit_bzero(body.data, body.cap);
	buf_done(&bytes);
	buf_done(&body);
	return good;
}

/* The older forms name the algorithm in their first line, or not at all. */
static bool read_pem(struct ssh_key *key, const char *text)
{
	struct buf path = {0}, public = {0};
	bool known;

	if (!str_starts(text, "-----BEGIN ") || !strstr(text, "PRIVATE KEY-----"))
		return false;
	key->is_encrypted = strstr(text, "Proc-Type: 4,ENCRYPTED") || strstr(text, "BEGIN ENCRYPTED PRIVATE KEY");
	buf_printf(&path, "%s.pub", key->path);
	known = slurp(buf_text(&path), &public) && read_public(key, buf_text(&public));
	if (!known && str_starts(text, "-----BEGIN RSA "))
		buf_puts(&key->type, "ssh-rsa");
	else if (!known && str_starts(text, "-----BEGIN EC "))
		buf_puts(&key->type, "ecdsa-sha2-nistp256");
	buf_done(&path);
	buf_done(&public);
	return true;
}

static bool is_there(const char *path, const char *ending)
{
	struct buf name = {0};
	bool there;

	buf_printf(&name, "%s%s", path, ending);
	there = access(buf_text(&name), R_OK) == 0;
	buf_done(&name);
	return there;
}

struct ssh_key *ssh_key_read(const char *path)
{
	struct ssh_key *key = mem_alloc(sizeof(*key));
	struct buf text = {0};
	bool good = slurp(path, &text) || slurp_public(path, &text);

	key->path = mem_strdup(path);
	key->has_cert = is_there(path, "-cert.pub");
	if (good && str_starts(buf_text(&text), "-----BEGIN OPENSSH PRIVATE KEY")) {
		key->is_private = true;
		good = read_openssh(key, buf_text(&text));
	} else if (good && str_starts(buf_text(&text), "-----BEGIN ")) {
		key->is_private = true;
		good = read_pem(key, buf_text(&text));
	} else if (good) {
		good = read_public(key, buf_text(&text));
	}
	if (text.data)
		explicit_bzero(text.data, text.cap);
	buf_done(&text);
	if (good)
		return key;
	ssh_key_free(key);
	return NULL;
}

void ssh_key_free(struct ssh_key *key)
{
	if (!key)
		return;
	mem_free(key->path);
	buf_done(&key->type);
	buf_done(&key->blob);
	mem_free(key);
}

bool ssh_key_is_plain(const char *type)
{
	return str_is(type, "ssh-ed25519") || str_starts(type, "ecdsa-sha2-nistp");
}
