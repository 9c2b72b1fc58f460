/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "actions/do/exact.h"

#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/str.h"

/* Content, and all variables together, longer than this are shown by their length and digest. */
#define SHOWN_MAX ((size_t)4096)

const struct action_group exact_files = { .title = "Files" };

void exact_show_command(const struct action *action, const struct json *args, struct buf *out)
{
	struct err e = {0};

	if (action_command(args, out, &e) < 0)
		buf_puts(out, action->name);
}

void exact_show_file(const struct action *action, const struct json *args, struct buf *out)
{
	const char *to = json_text(args, "to", NULL), *from = json_text(args, "file", NULL);

	buf_printf(out, "%s %s", action->name, json_text(args, "path", ""));
	if (to || from)
		buf_printf(out, " %s %s", to ? "to" : "from", to ? to : from);
}

void exact_show_asks(const struct action *action, const struct json *args, struct buf *out)
{
	const struct json *asks = json_at(args, "asks");

	buf_puts(out, action->name);
	for (size_t i = 0; i < json_count(asks); i++) {
		const char *method = json_text(json_item(asks, i), "method", NULL);

		buf_printf(out, "%s%s%s %s", i ? "," : "", method ? " " : "", method ? method : "",
			   json_text(json_item(asks, i), "url", ""));
	}
}

void exact_show_name(const struct action *action, const struct json *args, struct buf *out)
{
	(void)args;
	buf_puts(out, action->name);
}

/* One more line of "also"; takes text. */
static void add_line(struct json *also, char *text)
{
	json_add(also, json_new_text(text, strlen(text)));
	mem_free(text);
}

/* "stdin: 12 bytes, sha256 …" */
static void add_digest(struct json *also, const char *what, const char *bytes)
{
	unsigned char sum[SHA256_LEN];
	struct buf hex = {0};
	size_t len = strlen(bytes);

	sha256_of(bytes, len, sum);
	str_hex(&hex, sum, sizeof(sum));
	add_line(also, mem_printf("%s: %zu byte%s, sha256 %s", what, len, len == 1 ? "" : "s", buf_text(&hex)));
	buf_done(&hex);
}

/* What is fed to a command or written to a file: shown when it is short; its length and digest in any case, a secret by its name. */
static void add_content(struct json *entry, struct json *also, const char *what, const struct json *value)
{
	const char *text = json_as_text(value);

	if (text) {
		if (strlen(text) <= SHOWN_MAX)
			json_set_text(entry, "content", text);
		add_digest(also, what, text);
	} else if (value) {
		add_line(also, mem_printf("%s: the secret %s", what, json_text(value, "$secret", "")));
	}
}

/*
 * The variables of a command as a question can hold them: texts, numbers and names of secrets. What is longer than
 * anybody reads would push the question out of what a view is told; a table is none, and makes the call fail.
 */
static void add_variables(struct json *entry, struct json *also, const struct json *env)
{
	struct json *shown = json_new_object(), *value;
	size_t left = SHOWN_MAX;
	const char *name;
	void *it = NULL;

	while ((name = json_next(env, &it, &value)) != NULL) {
		char *print = json_print(value), *what;
		const char *secret = json_text(value, "$secret", NULL);
		bool nested = !secret && (json_type_of(value) == JSON_IS_ARRAY || json_type_of(value) == JSON_IS_OBJECT);
		size_t size = strlen(name) + strlen(print);

		if (!nested && size <= left) {
			json_put(shown, name, json_copy_of(value));
			left -= size;
		} else if (strlen(name) <= SHOWN_MAX && json_count(also) < 100) {
			what = mem_printf("variable %s", name);
			add_digest(also, what, json_as_text(value) ? json_as_text(value) : print);
			mem_free(what);
		}
		mem_free(print);
	}
	if (json_count(shown))
		json_put(entry, "env", shown);
	else
		json_free(shown);
}

static void put_also(struct json *entry, struct json *also)
{
	if (json_count(also))
		json_put(entry, "also", also);
	else
		json_free(also);
}

void exact_command(const struct json *args, struct json *entry)
{
	struct json *also = json_new_array();

	json_set_text(entry, "as", json_text(args, "as", NULL));
	json_set_text(entry, "cwd", json_text(args, "cwd", NULL));
	add_variables(entry, also, json_at(args, "env"));
	add_content(entry, also, "stdin", json_at(args, "stdin"));
	if (json_bool(args, "pty", false))
		add_line(also, mem_strdup("it has a terminal"));
	put_also(entry, also);
}

void exact_file(const struct json *args, struct json *entry)
{
	const char *mode = json_text(args, "mode", NULL), *owner = json_text(args, "owner", NULL);
	struct json *also = json_new_array();

	json_set_text(entry, "as", json_text(args, "as", NULL));
	add_content(entry, also, "content", json_at(args, "content"));
	if (mode || owner)
		add_line(also, mem_printf("%s%s%s%s%s", mode ? "mode " : "", mode ? mode : "", mode && owner ? ", " : "",
					  owner ? "owner " : "", owner ? owner : ""));
	put_also(entry, also);
}
