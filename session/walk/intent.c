/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/walk/intent.h"

#include <string.h>

#include "base/json_cut.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"

/* Members with a limit of their own; what is typed into a shell, and a fan-out's hosts, only by the line. */
static const struct {
	const char *name;
	size_t max;
} special[] = {
	{"bytes", LIMIT_LINE},
	{"hosts", LIMIT_LINE},
	{"id", LIMIT_TAG},
	{"do", LIMIT_NAME},
	{"view", LIMIT_NAME},
};

static size_t limit_of(const char *name)
{
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (str_is(special[i].name, name))
			return special[i].max;
	return LIMIT_TEXT;
}

/* A text counts as what it is, anything else as what it is in JSON. */
static size_t size_of(const struct json *value)
{
	const char *text = json_as_text(value);
	char *printed;
	size_t len;

	if (text)
		return strlen(text);
	printed = json_print(value);
	len = strlen(printed);
	mem_free(printed);
	return len;
}

char *intent_problem(const struct json *intent)
{
	struct json *value;
	const char *name;
	void *it = NULL;

	if (json_is_deeper(intent, LIMIT_DEPTH))
		return mem_printf("an intent nests at most %d brackets; nothing was done", LIMIT_DEPTH);
	while ((name = json_next(intent, &it, &value)) != NULL) {
		size_t size = size_of(value), max = limit_of(name);

		if (strlen(name) > LIMIT_NAME)
			return mem_printf("an intent has a member with a name of %zu bytes; at most %zu are taken", strlen(name), LIMIT_NAME);
		if (size > max)
			return mem_printf("%s is %zu bytes long, and at most %zu are taken at once: nothing was done. Shorten it, or put it into a file and say where it is", name, size, max);
	}
	return NULL;
}

struct json *intent_outline(const struct json *intent)
{
	struct json *outline = json_new_object();
	const char *what = json_text(intent, "do", NULL);

	if (what && strlen(what) <= LIMIT_NAME)
		json_set_text(outline, "do", what);
	if (json_int(intent, "seq", 0))
		json_set_int(outline, "seq", json_int(intent, "seq", 0));
	if (size_of(json_at(intent, "id")) <= LIMIT_TAG && !json_is_deeper(json_at(intent, "id"), LIMIT_DEPTH))
		json_put(outline, "id", json_copy_of(json_at(intent, "id")));
	return outline;
}
