/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/call/sizes.h"

#include <string.h>

#include "base/json_cut.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"

char *sizes_problem(const char *name, const struct json *args)
{
	const char *text = json_text(args, "text", "");
	char *printed, *problem = NULL;

	if (str_is(name, "note") || str_is(name, "warn") || str_is(name, "lesson")) {
		if (strlen(text) > LIMIT_TEXT)
			problem = mem_printf("s:%s: the text is %zu bytes long, and at most %zu go into one; note the beginning, or write it into a file on a host and note where it is", name,
					     strlen(text), LIMIT_TEXT);
	} else if (str_is(name, "ask")) {
		printed = json_print(args);
		if (strlen(printed) > LIMIT_QUESTION)
			problem = mem_printf("s:ask: the question takes %zu bytes as JSON, "
				"and at most %zu can be shown", strlen(printed), LIMIT_QUESTION);
		mem_free(printed);
	}
	return problem;
}

char *sizes_cut(const char *text)
{
	struct buf out = {0};

	if (!text)
		return NULL;
	text_cut(&out, text, strlen(text), LIMIT_TEXT);
	return buf_take(&out);
}

bool sizes_fit(const struct json *value, struct err *e)
{
	char *printed = json_print(value);
	size_t size = strlen(printed);

	mem_free(printed);
	if (size > LIMIT_ARGS)
		err_set(e, ERR_USAGE, "%zu bytes as JSON; at most %zu are kept in variables: keep it in a file", size, LIMIT_ARGS);
	return size <= LIMIT_ARGS;
}
