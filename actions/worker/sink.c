/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "actions/worker/sink.h"

#include <assert.h>
#include <string.h>

#include "base/time.h"

#define LINE_MAX_BYTES ((size_t)400)
#define PROGRESS_PAUSE (TIME_SECOND / 4)

void sink_init(struct sink *sink, struct call *call)
{
	bool pty = json_bool(call_args(call), "pty", false);

	*sink = (struct sink){ .call = call, .names = { pty ? "pty" : "out", "err" } };
	call_offsets(call, &sink->told[0], &sink->told[1]);
}

static void tell_progress(struct sink *sink, int64_t now)
{
	struct json *progress;

	if (sink->progress.len == 0)
		return;
	progress = json_new_object();
	json_put(progress, "text", json_new_text(sink->progress.data, sink->progress.len));
	call_progress(sink->call, progress);
	buf_clear(&sink->progress);
	sink->progress_us = now;
}

void sink_done(struct sink *sink)
{
	tell_progress(sink, time_mono_us());
	buf_done(&sink->line);
	buf_done(&sink->progress);
}

static void append_cut(struct buf *to, const char *bytes, size_t len)
{
	size_t room = to->len < LINE_MAX_BYTES ? LINE_MAX_BYTES - to->len : 0;

	buf_append(to, bytes, len < room ? len : room);
}

/* A segment that ends in \r without \n is what a progress bar shows at that moment. */
static void note_progress(struct sink *sink, const char *bytes, size_t len)
{
	const char *last = memrchr(bytes, '\r', len);
	const char *newline = memrchr(bytes, '\n', len);
	const char *from = bytes;
	const char *end = bytes + len;

	/* "\r\n" is a line end of a terminal, no progress. */
	while (last && last + 1 < end && last[1] == '\n')
		last = memrchr(bytes, '\r', (size_t)(last - bytes));
	if (last) {
		size_t before = (size_t)(last - bytes);
		const char *cr = memrchr(bytes, '\r', before);
		const char *lf = memrchr(bytes, '\n', before);

		from = cr > lf || !lf ? cr : lf;
		if (from)
			buf_clear(&sink->line);
		from = from ? from + 1 : bytes;
		append_cut(&sink->line, from, (size_t)(last - from));
		if (sink->line.len > 0) {
			buf_clear(&sink->progress);
			buf_append(&sink->progress, sink->line.data, sink->line.len);
		}
		buf_clear(&sink->line);
		from = last + 1;
	}
	if (newline && newline >= from) {
		buf_clear(&sink->line);
		from = newline + 1;
	}
	append_cut(&sink->line, from, (size_t)(end - from));
}

void sink_put(struct sink *sink, int stream, const void *bytes, size_t len)
{
	int64_t now;

	if (len == 0)
		return;
	call_output(sink->call, sink->names[stream], bytes, len);
	sink->told[stream] += (int64_t)len;
	note_progress(sink, bytes, len);
	now = time_mono_us();
	if (now - sink->progress_us >= PROGRESS_PAUSE)
		tell_progress(sink, now);
}

void sink_at(struct sink *sink, int stream, int64_t offset, const void *bytes, size_t len)
{
	int64_t skip = sink->told[stream] - offset;

	assert(skip >= 0);
	if (skip < (int64_t)len)
		sink_put(sink, stream, (const char *)bytes + skip, len - (size_t)skip);
}
