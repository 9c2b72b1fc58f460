/* shell_int.h - the inside of a shell: what runs commands in it (shell.c) and what waits for it to begin (shell_begin.c) share; private to them. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_TRANSPORT_SHELL_INT_H
#define ACTIONS_TRANSPORT_SHELL_INT_H

#include "actions/transport/shell.h"
#include "actions/transport/transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MARK_MAX 80

struct shell {
	struct channel *channel;	/* owned */
	char nonce[33];
	int64_t sent, seen;		/* number of the last mark asked for, and of the last that both streams gave */
	struct buf pending[2];		/* received, not yet given */
	bool marked[2];			/* mark seen + 1 has been found on that stream */
	int status;			/* behind the last mark of stdout */
	int64_t pid;
	struct buf heard;		/* before mark 0, both streams */
	bool late;			/* said that it has not begun */
	bool one;			/* all comes on stdout */
	int64_t began_us, half_us;	/* started; the first of both marks 0 was seen, 0 = not yet */
};

/* What the channel can do. Borrowed. */
static inline const struct transport_ops *shell_ops(const struct channel *channel)
{
	return channel->transport->ops;
}

/* The mark that comes next, and its length. */
size_t shell_next_mark(const struct shell *shell, char mark[MARK_MAX]);

/* Takes what has come up to the next mark, the output of either stream into out and errout (NULL: dropped). True when both streams have reached it. */
bool shell_take_marked(struct shell *shell, struct buf *out, struct buf *errout);

/* True when the host is known to be one whose login lets one stream through. From any thread. */
bool shell_has_one_stream(const struct call *call);

/* Takes what comes before mark 0: nobody's output, told once as a note. True when the shell has begun. */
bool shell_take_login(struct shell *shell, struct call *call);

/* As the transport's read, also for a shell that has not begun: one that is silent for too long is told of, and given up at last (-1, as shell_ready). */
int shell_read(struct shell *shell, struct call *call, int64_t extra_us, struct err *e);

/* The channel ended before both marks 0: its first words would have come before its end. 0 = one is enough, -1 as shell_ready. */
int shell_never_begun(struct shell *shell, struct call *call, struct err *e);

/* Waits for mark 0. 0, or -1 as shell_ready. */
int shell_begin(struct shell *shell, struct call *call, struct err *e);

#endif
