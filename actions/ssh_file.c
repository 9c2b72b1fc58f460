/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "actions/ssh_file.h"

#include <string.h>

#include "actions/command.h"
#include "base/str.h"

#define SAID_MAX ((size_t)1 << 20)

static const struct transport_ops *ops_of(const struct channel *channel)
{
	return channel->transport->ops;
}

struct channel *ssh_file_open(struct call *call, const char *script, struct err *e)
{
	struct command command = {0};
	struct buf line = {0};
	struct transport *transport;
	struct channel *channel = NULL;
	bool ended;

	if (json_at(call_args(call), "as")) {
		if (command_as(call, &command, script, e) < 0) {
			command_done(&command);
			return NULL;
		}
	} else {
		buf_puts(&command.script, script);
	}
	transport = transport_get(call, e);
	if (transport) {
		buf_puts(&line, "exec sh -c ");
		str_shell_quote(&line, buf_text(&command.script));
		channel = transport->ops->exec(transport, call, buf_text(&line), e);
	}
	if (channel && ssh_file_write(channel, call, command.feed.data, command.feed.len, &ended, e) < 0) {
		ssh_file_close(channel);
		channel = NULL;
	}
	buf_done(&line);
	command_done(&command);
	return channel;
}

int ssh_file_write(struct channel *channel, struct call *call, const void *bytes, size_t len, bool *ended,
		   struct err *e)
{
	*ended = false;
	if (len == 0 || ops_of(channel)->write(channel, call, bytes, len, e) == 0)
		return 0;
	/* This host's transport knows no lost connection. */
	if (e->kind != ERR_REMOTE && !(e->kind == ERR_IO && str_is(ops_of(channel)->name, "here")))
		return -1;
	*ended = true;
	return 0;
}

int ssh_file_finish(struct channel *channel, struct call *call, struct buf *out, struct buf *words, struct err *e)
{
	int got;

	if (ops_of(channel)->eof(channel, call, e) < 0)
		return -1;
	while ((got = ops_of(channel)->read(channel, call, out, words, -1, e)) > 0) {
		if (out->len > SAID_MAX || words->len > SAID_MAX)
			return err_set(e, ERR_REMOTE, "%s says too much", call_host(call));
	}
	return got;
}

void ssh_file_close(struct channel *channel)
{
	if (channel)
		ops_of(channel)->channel_free(channel);
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
