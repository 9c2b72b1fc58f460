/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/export/export.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "journal/export/export_int.h"
#include "journal/model/model.h"

#define FLUSH_BYTES ((size_t)64 << 10)

bool export_format_parse(const char *name, enum export_format *out)
{
	static const char *const names[] = {
		[EXPORT_TEXT] = "text",
		[EXPORT_MD] = "md",
		[EXPORT_JSONL] = "jsonl",
		[EXPORT_HTML] = "html",
		[EXPORT_CAST] = "cast",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (str_is(name, names[i])) {
			*out = (enum export_format)i;
			return true;
		}
	}
	return false;
}

bool export_to_file(void *arg, const char *bytes, size_t len)
{
	return fwrite(bytes, 1, len, arg) == len;
}

void export_date(struct buf *out, int64_t at_us)
{
	char room[TIME_TEXT];

	time_format(at_us, room);
	buf_append(out, room, strcspn(room, "T"));
}

static void *jsonl_start(void)
{
	return NULL;
}

static void jsonl_event(void *state, struct buf *out, const struct model *model, const struct event *ev,
			const struct json *data)
{
	(void)state;
	(void)model;
	(void)data;
	event_print(ev, true, out);
	buf_putc(out, '\n');
}

static void jsonl_finish(void *state, struct buf *out, const struct model *model)
{
	(void)state;
	(void)out;
	(void)model;
}

static void jsonl_drop(void *state)
{
	(void)state;
}

static const struct export_writer jsonl_writer = {
	.start = jsonl_start,
	.event = jsonl_event,
	.finish = jsonl_finish,
	.drop = jsonl_drop,
};

struct target {
	struct buf buf;
	int64_t before;		/* the first event that is not wanted; 0 = none */
	export_fn *fn;
	void *arg;
};

/* Gives what is there when it is enough, or all. */
static int pass_on(struct target *target, bool all, struct err *e)
{
	bool ok = true;

	if (target->buf.len >= FLUSH_BYTES || (all && target->buf.len > 0)) {
		ok = target->fn(target->arg, target->buf.data, target->buf.len);
		buf_clear(&target->buf);
	}
	return ok ? 0 : err_set(e, ERR_IO, "cannot write the log any further");
}

static void write_event(const struct export_writer *writer, void *state, struct target *target,
			struct model *model, const struct event *ev)
{
	struct err ignored = {0};
	/* Data that make no sense are no reason to lose the rest: the writer sees NULL. */
	struct json *data = ev->data && ev->data[0] ? json_parse(ev->data, strlen(ev->data), &ignored) : NULL;

	writer->event(state, &target->buf, model, ev, data);
	model_apply(model, ev);
	json_free(data);
}

static int write_all(struct feed *feed, const struct export_writer *writer, void *state, struct target *target,
		     struct err *e)
{
	struct model *model = model_new();
	const struct json *reply;
	struct event ev = {0};
	enum feed_item item = FEED_EVENT;
	int result = 0;

	while (result == 0 && item != FEED_END) {
		item = feed_next(feed, &ev, &reply, e);
		if (item == FEED_EVENT && target->before && ev.seq >= target->before) {
			item = FEED_END;
		} else if (item == FEED_EVENT) {
			write_event(writer, state, target, model, &ev);
			result = pass_on(target, false, e);
		} else if (item == FEED_ERROR) {
			result = -1;
		} else if (item == FEED_NONE) {
			result = err_set(e, ERR_USAGE, "a live session cannot be exported; its journal can");
		}
	}
	if (result == 0 && model->session == 0)
		result = err_set(e, ERR_NOTFOUND, "no such session in this journal");
	if (result == 0 || (item == FEED_ERROR && model->session)) {
		struct err ignored;

		writer->finish(state, &target->buf, model);
		if (pass_on(target, true, result == 0 ? e : &ignored) < 0)
			result = -1;
	}
	model_free(model);
	return result;
}

static const struct export_writer *const writers[] = {
	[EXPORT_TEXT] = &export_text_writer,
	[EXPORT_MD] = &export_md_writer,
	[EXPORT_JSONL] = &jsonl_writer,
	[EXPORT_HTML] = &export_html_writer,
	[EXPORT_CAST] = &export_cast_writer,
};

static int export_part(struct feed *feed, int64_t before, enum export_format format, export_fn *out, void *arg, struct err *e)
{
	const struct export_writer *writer = writers[format];
	struct target target = { .before = before, .fn = out, .arg = arg };
	void *state = writer->start();
	int result = write_all(feed, writer, state, &target, e);

	writer->drop(state);
	buf_done(&target.buf);
	return result;
}

int export_feed(struct feed *feed, enum export_format format, export_fn *out, void *arg, struct err *e)
{
	return export_part(feed, 0, format, out, arg, e);
}

int export_log(const char *journal, int64_t session, enum export_format format, export_fn *out, void *arg,
	       struct err *e)
{
	return export_log_before(journal, (struct export_range){ .session = session }, format, out, arg, e);
}

int export_log_before(const char *journal, struct export_range range, enum export_format format, export_fn *out, void *arg,
		      struct err *e)
{
	struct feed *feed = feed_stored(journal, range.session, 0, e);
	int result;

	if (!feed)
		return -1;
	result = export_part(feed, range.before, format, out, arg, e);
	if (result < 0 && e->kind == ERR_NOTFOUND)
		err_set(e, ERR_NOTFOUND, "session %lld is not in the journal %s", (long long)range.session, journal);
	feed_close(feed);
	return result;
}
