/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/shown.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* Quoted only where a shell needs it: what can be read is compared. */
static void put_word(struct buf *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,+=@%";

	if (*text && strspn(text, plain) == strlen(text))
		buf_puts(out, text);
	else
		str_shell_quote(out, text);
}

static void put_value(struct buf *out, const char *name, const struct json *value)
{
	const char *secret = json_text(value, "$secret", NULL);

	buf_printf(out, "%s=", name);
	if (json_as_text(value))
		put_word(out, json_as_text(value));
	else if (secret)
		buf_printf(out, "(secret %s)", secret);
	else
		buf_puts(out, "(secret)");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of the variables in their order: a table in Lua has none. Caller owns the list. */
static const char **names_of(const struct json *env, size_t *count)
{
	const char **names = mem_array(json_count(env) + 1, sizeof(*names)), *name;
	struct json *value;
	void *it = NULL;

	*count = 0;
	while ((name = json_next(env, &it, &value)) != NULL)
		names[(*count)++] = name;
	qsort(names, *count, sizeof(*names), by_name);
	return names;
}

void shown_where(struct buf *out, const struct json *args)
{
	const char *cwd = json_text(args, "cwd", NULL), *before = " with ", **names;
	const struct json *env = json_at(args, "env");
	size_t count;

	if (cwd && *cwd) {
		buf_puts(out, " in ");
		put_word(out, cwd);
	}
	names = names_of(env, &count);
	for (size_t i = 0; i < count; i++) {
		buf_puts(out, before);
		put_value(out, names[i], json_at(env, names[i]));
		before = " ";
	}
	mem_free(names);
}

void shown_before(struct buf *out, const struct json *args)
{
	const char *cwd = json_text(args, "cwd", NULL), **names;
	const struct json *env = json_at(args, "env");
	size_t count;

	names = names_of(env, &count);
	for (size_t i = 0; i < count; i++) {
		buf_puts(out, "export ");
		put_value(out, names[i], json_at(env, names[i]));
		buf_putc(out, '\n');
	}
	mem_free(names);
	if (cwd && *cwd) {
		buf_puts(out, "cd -- ");
		put_word(out, cwd);
		buf_putc(out, '\n');
	}
}
