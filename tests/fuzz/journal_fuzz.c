/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libFuzzer entry: any bytes as the JSON lines of a feed: decoder, fold and
 * exports. What comes out is checked too: an export to text is harmless, one
 * to JSON lines reads back as itself.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "journal/event/event.h"
#include "journal/export/export.h"
#include "journal/feed/feed.h"
#include "journal/model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool to_buf(void *arg, const char *bytes, size_t len)
{
	buf_append(arg, bytes, len);
	return true;
}

static bool export_lines(const char *lines, size_t len, enum export_format format, struct buf *out)
{
	struct feed *feed = feed_memory(lines, len);
	struct err e = {0};
	int result = export_feed(feed, format, to_buf, out, &e);

	feed_close(feed);
	return result == 0;
}

/* Both ways to write an event are one. */
static void check_printed(const struct event *ev)
{
	struct json *value = event_to_json(ev, true);
	char *text = json_print(value);
	struct buf printed = {0};

	event_print(ev, true, &printed);
	assert(strcmp(buf_text(&printed), text) == 0);
	buf_done(&printed);
	mem_free(text);
	json_free(value);
}

static void fold(const char *lines, size_t len)
{
	struct feed *feed = feed_memory(lines, len);
	struct model *model = model_new();
	const struct json *reply;
	struct event ev;
	enum feed_item item;
	struct err e = {0};

	while ((item = feed_next(feed, &ev, &reply, &e)) != FEED_END) {
		assert(item != FEED_NONE);
		if (item == FEED_EVENT) {
			model_apply(model, &ev);
			check_printed(&ev);
		}
	}
	assert(model->last_seq <= feed_last(feed));
	model_free(model);
	feed_close(feed);
}

static void assert_harmless(const struct buf *text)
{
	assert(utf8_valid(buf_text(text), text->len));
	for (size_t i = 0; i < text->len; i++) {
		unsigned char c = (unsigned char)text->data[i];

		assert((c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf text = {0}, md = {0}, lines = {0}, again = {0};

	fold((const char *)data, size);
	if (export_lines((const char *)data, size, EXPORT_TEXT, &text)) {
		assert_harmless(&text);
		assert(export_lines((const char *)data, size, EXPORT_MD, &md));
		assert_harmless(&md);
		assert(export_lines((const char *)data, size, EXPORT_JSONL, &lines));
		assert(export_lines(buf_text(&lines), lines.len, EXPORT_JSONL, &again));
		assert(lines.len == again.len && memcmp(buf_text(&lines), buf_text(&again), lines.len) == 0);
	}
	buf_done(&text);
	buf_done(&md);
	buf_done(&lines);
	buf_done(&again);
	return 0;
}
