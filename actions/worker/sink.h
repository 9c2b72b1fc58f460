/* sink.h - the two output streams of a command on their way to the session: where each stands, and progress told by \r; private to job code. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_WORKER_SINK_H
#define ACTIONS_WORKER_SINK_H

#include "actions/worker/call.h"
#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

struct sink {
	struct call *call;		/* borrowed */
	const char *names[2];		/* "out" or "pty", "err" */
	int64_t told[2];		/* offset behind the last byte told */
	struct buf line;		/* the segment of a progress line that has begun */
	struct buf progress;		/* the last whole segment not told yet */
	int64_t progress_us;		/* when progress was told last */
};

/* Starts at the call's offsets. */
void sink_init(struct sink *sink, struct call *call);

/* Frees; tells the last progress. */
void sink_done(struct sink *sink);

/* Tells bytes of stream 0 or 1 that begin at offset; what was told already is left out. Bytes behind a gap are our own bug. */
void sink_at(struct sink *sink, int stream, int64_t offset, const void *bytes, size_t len);

/* Tells bytes that follow what was told. */
void sink_put(struct sink *sink, int stream, const void *bytes, size_t len);

#endif
