/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "actions/do/ssh_file.h"

#include <string.h>

#include "actions/do/command.h"
#include "actions/transport/link.h"
#include "base/str.h"

#define SAID_MAX ((size_t)1 << 20)

/* Runs it and sends its feed. Caller owns; NULL. */
static struct run *begin(struct call *call, const struct command *command, struct err *e)
{
	struct run *run = run_plain(call, buf_text(&command->script), NULL, true, e);
	bool ended;

	if (run && (run_begin(run, call, e) < 0 ||
		    run_write(run, call, command->feed.data, command->feed.len, &ended, e) < 0)) {
		run_close(run, call);
		run = NULL;
	}
	return run;
}

struct run *ssh_file_open(struct call *call, const char *script, struct err *e)
{
	struct command command = { .streams = true };
	struct run *run = NULL;

	if (!json_at(call_args(call), "as"))
		buf_puts(&command.script, script);
	else if (command_prepare(call, &command, true, e) < 0 || command_as(call, &command, script, e) < 0)
		goto out;
	run = begin(call, &command, e);
	/* Once more, now that the idle shell is given up for it, or that the login is known to let one stream through. */
	if (!run && e->kind == ERR_REMOTE)
		run = begin(call, &command, e);
out:
	command_done(&command);
	return run;
}

int ssh_file_finish(struct run *run, struct call *call, struct buf *out, struct buf *words, struct err *e)
{
	int got;

	if (run_eof(run, call, e) < 0)
		return -1;
	while ((got = run_read(run, call, out, words, -1, e)) > 0) {
		if (out->len > SAID_MAX || words->len > SAID_MAX)
			return err_set(e, ERR_REMOTE, "%s says too much", call_host(call));
	}
	return got;
}

bool ssh_file_line(const struct buf *text, const char *mark, struct buf *line)
{
	size_t len = strlen(mark);
	const char *at = text->len ? memmem(text->data, text->len, mark, len) : NULL;
	const char *end = at ? memchr(at, '\n', text->len - (size_t)(at - text->data)) : NULL;

	if (!end || at[len] != ' ')
		return false;
	at += len + 1;
	if (at > end)
		return false;
	buf_append(line, at, (size_t)(end - at));
	return true;
}
