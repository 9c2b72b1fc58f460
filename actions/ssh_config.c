/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "actions/ssh_config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actions/ssh_child.h"
#include "base/mem.h"
#include "base/str.h"

#define LOAD_TIME ((int64_t)20 * 1000000)
#define OUTPUT_MAX ((size_t)1 << 20)

struct ssh_config {
	char *name;		/* owned */
	struct json *values;	/* owned; keyword → array of texts */
	int port;
};

/* A name that a program could take for an option, or that could break a line somewhere, is none. */
static bool is_safe_name(const char *name)
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
	if (blank)
		json_add(list, json_new_text(blank + 1, len - key_len - 1));
	else
		json_add(list, json_new_text("", 0));
}

static int check(struct ssh_config *config, struct err *e)
{
	int64_t port;

	if (!is_safe_name(ssh_config_address(config)))
		return err_set(e, ERR_USAGE, "ssh_config: the HostName of %s cannot be used", config->name);
	if (!is_safe_name(ssh_config_user(config)))
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

struct ssh_config *ssh_config_load(struct call *call, struct err *e)
{
	const char *file = json_text(call_config(call), "ssh_config", NULL);
	const char *host = call_host(call);
	const char *argv[8] = { "ssh", "-G" };
	struct buf out = {0}, words = {0};
	struct ssh_config *config = NULL;
	size_t n = 2;
	int status;

	if (!is_safe_name(host)) {
		err_set(e, ERR_USAGE, "\"%s\" is no name of a host", host);
		return NULL;
	}
	if (file && *file) {
		argv[n++] = "-F";
		argv[n++] = file;
	}
	argv[n++] = "--";
	argv[n] = host;
	status = ssh_child_run(call, argv, &out, &words, LOAD_TIME, e);
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

/* One token; false when it is not known here. */
static bool expand_token(const struct ssh_config *config, char token, struct buf *out)
{
	struct passwd entry, *found = NULL;
	char text[1024];

	switch (token) {
	case '%':
		buf_putc(out, '%');
		return true;
	case 'd':
		buf_puts(out, home());
		return true;
	case 'h':
		buf_puts(out, ssh_config_address(config));
		return true;
	case 'i':
		buf_printf(out, "%lu", (unsigned long)getuid());
		return true;
	case 'k':
		buf_puts(out, ssh_config_text(config, "hostkeyalias", config->name));
		return true;
	case 'n':
		buf_puts(out, config->name);
		return true;
	case 'p':
		buf_printf(out, "%d", config->port);
		return true;
	case 'r':
		buf_puts(out, ssh_config_user(config));
		return true;
	case 'u':
		if (getpwuid_r(getuid(), &entry, text, sizeof(text), &found) != 0 || !found)
			return false;
		buf_puts(out, entry.pw_name);
		return true;
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

bool ssh_config_path(const struct ssh_config *config, const char *text, struct buf *out)
{
	struct buf plain = {0};
	bool known = true;

	if (str_starts(text, "~/")) {
		buf_puts(&plain, home());
		text++;
	}
	while (known && *text) {
		if (str_starts(text, "${")) {
			text = expand_variable(text, &plain);
			known = text != NULL;
		} else {
			buf_putc(&plain, *text++);
		}
	}
	known = known && ssh_config_expand(config, buf_text(&plain), out);
	buf_done(&plain);
	return known;
}
