/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "actions/ssh/ssh_config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actions/ssh/ssh_child.h"
#include "actions/ssh/ssh_kept.h"
#include "actions/worker/call_int.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"

#define LOAD_TIME ((int64_t)20 * 1000000)
#define OUTPUT_MAX ((size_t)1 << 20)
#define TOKENS "/%C/%l/%L"	/* three parts without a slash */

struct ssh_config {
	char *name;		/* owned */
	struct json *values;	/* owned; keyword → array of texts */
	int port;
	bool is_text;		/* all values are UTF-8 */
};

bool ssh_config_is_plain(const char *name)
{
	if (!*name || *name == '-')
		return false;
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;

		if (c <= ' ' || c == 0x7f || strchr("'\"`$\\;&<>|(){}", c))
			return false;
	}
	return true;
}

/* CORP\deploy is a name of a user. It goes to the server as it is, and into no command. */
static bool is_user(const char *name)
{
	if (!*name || *name == '-')
		return false;
	for (; *name; name++) {
		if ((unsigned char)*name < ' ' || *name == 0x7f)
			return false;
	}
	return true;
}

static void add_line(struct ssh_config *config, const char *line, size_t len)
{
	const char *blank = memchr(line, ' ', len);
	struct json *list;
	char key[64];
	size_t key_len = blank ? (size_t)(blank - line) : len;

	if (key_len == 0 || key_len >= sizeof(key))
		return;
	memcpy(key, line, key_len);
	key[key_len] = '\0';
	list = json_at(config->values, key);
	if (!list) {
		list = json_new_array();
		json_put(config->values, key, list);
	}
	json_add(list, json_new_text(blank ? blank + 1 : "", blank ? len - key_len - 1 : 0));
	/* JSON holds UTF-8 alone: other bytes in the name of a file would name another file. */
	if (blank && !utf8_valid(blank + 1, len - key_len - 1))
		config->is_text = false;
}

static int check(struct ssh_config *config, struct err *e)
{
	int64_t port;

	if (!ssh_config_is_plain(ssh_config_address(config)))
		return err_set(e, ERR_USAGE, "ssh_config: the HostName of %s cannot be used", config->name);
	if (!is_user(ssh_config_user(config)))
		return err_set(e, ERR_USAGE, "ssh_config: the User of %s cannot be used", config->name);
	if (!str_to_int(ssh_config_text(config, "port", "22"), 1, 65535, &port))
		return err_set(e, ERR_USAGE, "ssh_config: the Port of %s is none", config->name);
	config->port = (int)port;
	return 0;
}

struct ssh_config *ssh_config_parse(const char *name, const char *text, size_t len, struct err *e)
{
	struct ssh_config *config = mem_alloc(sizeof(*config));
	const char *end = text + len;

	config->name = mem_strdup(name);
	config->values = json_new_object();
	config->is_text = true;
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;

		add_line(config, text, (size_t)(stop - text));
		text = stop + 1;
	}
	if (check(config, e) < 0) {
		ssh_config_free(config);
		return NULL;
	}
	return config;
}

static struct ssh_config *load(struct call *call, const char *file, struct err *e)
{
	const char *host = call_peer(call);
	/* What only ssh knows how to compute is asked for where it expands the tokens itself. */
	const char *argv[11] = { "ssh", "-vvv", "-G", "-o", ("ControlPath=" TOKENS) };
	struct buf out = {0}, words = {0};
	struct ssh_config *config = NULL;
	int64_t began_us = time_wall_us();
	size_t n = 5;
	int status;

	if (!ssh_config_is_plain(host)) {
		err_set(e, ERR_USAGE, "\"%s\" is no name of a host", host);
		return NULL;
	}
	if (ssh_kept_get(host, file, &out))
		config = ssh_config_parse(host, buf_text(&out), out.len, e);
	if (config) {
		buf_done(&out);
		return config;
	}
	buf_clear(&out);
	if (file && *file) {
		argv[n++] = "-F";
		argv[n++] = file;
	}
	argv[n++] = "--";
	argv[n] = host;
	status = ssh_child_run(call, argv, &out, &words, LOAD_TIME, e);
	if (status == 0)
		ssh_kept_put(host, file, &out, &words, began_us);
	ssh_kept_strip(&words);
	if (status > 0)
		err_set(e, ERR_USAGE, "ssh -G %s: %s", host, ssh_child_last_line(&words, "it failed"));
	else if (status == 0 && out.len > OUTPUT_MAX)
		err_set(e, ERR_USAGE, "ssh -G %s: an endless answer", host);
	else if (status == 0)
		config = ssh_config_parse(host, buf_text(&out), out.len, e);
	buf_done(&out);
	buf_done(&words);
	return config;
}

struct ssh_config *ssh_config_load(struct call *call, struct err *e)
{
	return load(call, json_text(call_config(call), "ssh_config", NULL), e);
}

struct ssh_config *ssh_config_builtin(struct call *call, struct err *e)
{
	return load(call, "none", e);
}

void ssh_config_free(struct ssh_config *config)
{
	if (!config)
		return;
	mem_free(config->name);
	json_free(config->values);
	mem_free(config);
}

const char *ssh_config_name(const struct ssh_config *config)
{
	return config->name;
}

const char *ssh_config_address(const struct ssh_config *config)
{
	return ssh_config_text(config, "hostname", "");
}

const char *ssh_config_user(const struct ssh_config *config)
{
	return ssh_config_text(config, "user", "");
}

int ssh_config_port(const struct ssh_config *config)
{
	return config->port;
}

const struct json *ssh_config_list(const struct ssh_config *config, const char *key)
{
	return json_at(config->values, key);
}

bool ssh_config_is_text(const struct ssh_config *config)
{
	return config->is_text;
}

const char *ssh_config_next(const struct ssh_config *config, void **it, struct json **values)
{
	return json_next(config->values, it, values);
}

const char *ssh_config_text(const struct ssh_config *config, const char *key, const char *fallback)
{
	const char *text = json_as_text(json_item(json_at(config->values, key), 0));

	return text && !str_is(text, "none") ? text : fallback;
}

bool ssh_config_is(const struct ssh_config *config, const char *key)
{
	const char *text = ssh_config_text(config, key, "no");

	return str_is(text, "yes") || str_is(text, "true");
}

int ssh_config_int(const struct ssh_config *config, const char *key, int fallback)
{
	int64_t value;

	if (!str_to_int(ssh_config_text(config, key, ""), 0, 1000000, &value))
		return fallback;
	return (int)value;
}

bool ssh_config_has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (*list) {
		size_t part = strcspn(list, ",");

		if (part == len && memcmp(list, word, len) == 0)
			return true;
		list += part;
		list += *list == ',';
	}
	return false;
}

static const char *home(void)
{
	const char *path = getenv("HOME");

	return path ? path : "/";
}

/* Part 0, 1 or 2 of TOKENS, as ssh -G gave it back; false when it did not expand them. */
static bool computed(const struct ssh_config *config, int part, struct buf *out)
{
	const char *at = ssh_config_text(config, "controlpath", "");
	size_t len = 0;

	if (strchr(at, '%'))
		return false;
	for (int i = 0; i <= part; i++) {
		at += len;
		if (*at++ != '/')
			return false;
		len = strcspn(at, "/");
	}
	buf_append(out, at, len);
	return len > 0;
}

static bool put_name_of_user(struct buf *out)
{
	struct passwd entry, *found = NULL;
	char text[1024];

	if (getpwuid_r(getuid(), &entry, text, sizeof(text), &found) != 0 || !found)
		return false;
	buf_puts(out, entry.pw_name);
	return true;
}

/* What a token stands for, when the configuration holds it as a text; else NULL. */
static const char *text_of_token(const struct ssh_config *config, char token)
{
	switch (token) {
	case '%':
		return "%";
	case 'd':
		return home();
	case 'h':
		return ssh_config_address(config);
	case 'j':
		return ssh_config_text(config, "proxyjump", "");
	case 'k':
		return ssh_config_text(config, "hostkeyalias", config->name);
	case 'n':
		return config->name;
	case 'r':
		return ssh_config_user(config);
	default:
		return NULL;
	}
}

/* One token; false when it is not known here. */
static bool expand_token(const struct ssh_config *config, char token, struct buf *out)
{
	const char *text = text_of_token(config, token);

	if (text) {
		buf_puts(out, text);
		return true;
	}
	switch (token) {
	case 'C':
		return computed(config, 0, out);
	case 'l':
		return computed(config, 1, out);
	case 'L':
		return computed(config, 2, out);
	case 'i':
		buf_printf(out, "%lu", (unsigned long)getuid());
		return true;
	case 'p':
		buf_printf(out, "%d", config->port);
		return true;
	case 'u':
		return put_name_of_user(out);
	default:
		return false;
	}
}

bool ssh_config_expand(const struct ssh_config *config, const char *text, struct buf *out)
{
	for (; *text; text++) {
		if (*text != '%')
			buf_putc(out, *text);
		else if (!*++text || !expand_token(config, *text, out))
			return false;
	}
	return true;
}

/* ${NAME} at text: appends its value and returns what follows, NULL when it is not set. */
static const char *expand_variable(const char *text, struct buf *out)
{
	const char *end = strchr(text, '}');
	const char *value;
	char *name;

	if (!end)
		return NULL;
	name = mem_dup(text + 2, (size_t)(end - text) - 2);
	value = getenv(name);
	mem_free(name);
	if (!value)
		return NULL;
	buf_puts(out, value);
	return end + 1;
}

/* ~ or ~NAME at text: appends that home and returns what follows, NULL when there is no such user. */
static const char *expand_tilde(const char *text, struct buf *out)
{
	size_t len = strcspn(text, "/") - 1;
	struct passwd entry, *found = NULL;
	char room[1024];
	char *name;

	if (len == 0) {
		buf_puts(out, home());
		return text + 1;
	}
	name = mem_dup(text + 1, len);
	if (getpwnam_r(name, &entry, room, sizeof(room), &found) != 0)
		found = NULL;
	mem_free(name);
	if (!found)
		return NULL;
	buf_puts(out, entry.pw_dir);
	return text + 1 + len;
}

bool ssh_config_path(const struct ssh_config *config, const char *text, struct buf *out)
{
	if (*text == '~')
		text = expand_tilde(text, out);
	while (text && *text) {
		if (str_starts(text, "${")) {
			text = expand_variable(text, out);
		} else if (*text != '%') {
			buf_putc(out, *text++);
		} else {
			if (!text[1] || !expand_token(config, text[1], out))
				return false;
			text += 2;
		}
	}
	return text != NULL;
}
