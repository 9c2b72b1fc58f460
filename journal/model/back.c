/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/model/back.h"

#include <string.h>

#include "base/called.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

/* One word of a shell; plain ones are not quoted, as people read them. */
static void word(struct buf *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=@%+,-";

	if (*text && strspn(text, plain) == strlen(text))
		buf_puts(out, text);
	else
		str_shell_quote(out, text);
}

/* Its id finds a runbook that lies in a folder of runbooks; any other is named by its file. */
static const char *name(const struct json *back)
{
	const char *path = json_text(back, "path", ""), *id = json_text(back, "runbook", ""), *slash = strrchr(path, '/');
	static const char folder[] = "/runbooks";
	size_t len = slash ? (size_t)(slash - path) : 0;

	return !*path || (len >= sizeof(folder) - 1 && memcmp(slash - (sizeof(folder) - 1), folder, sizeof(folder) - 1) == 0) ? id : path;
}

void back_command(const struct json *back, struct buf *out)
{
	const char *fleet = json_text(back, "fleet", NULL), *key;
	struct buf raw = { 0 };
	struct json *value;
	void *it = NULL;

	called(&raw);
	buf_puts(&raw, " run ");
	word(&raw, name(back));
	if (fleet) {
		buf_puts(&raw, " --fleet ");
		word(&raw, fleet);
	}
	while ((key = json_next(json_at(back, "params"), &it, &value)) != NULL) {
		char *text = json_as_text(value) ? mem_strdup(json_as_text(value)) : json_print(value), *setting = mem_printf("%s=%s", key, text);

		buf_puts(&raw, " --set ");
		word(&raw, setting);
		mem_free(setting);
		mem_free(text);
	}
	utf8_safe(out, buf_text(&raw), raw.len, false);
	buf_done(&raw);
}

void back_words(const struct json *back, struct buf *out)
{
	const char *open = json_text(back, "open", "");

	if (!back)
		return;
	buf_printf(out, "The way back is open%s", *open ? " " : "");
	utf8_safe(out, open, strlen(open), false);
	buf_puts(out, ":\n  ");
	back_command(back, out);
	buf_putc(out, '\n');
}
