/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libFuzzer entry: any bytes as keys of the live view over a recorded session, from the repository's root. Whatever
 * is typed, nothing is drawn outside of the grid, and without Enter nothing that changes the session is sent.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "journal/feed/feed.h"
#include "tui/live/draw.h"
#include "tui/term/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void load(struct buf *out, const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t n;

	assert(file);
	while ((n = fread(buf_room(out, 65536), 1, 65536, file)) > 0)
		buf_added(out, n);
	fclose(file);
}

static void play(struct scene *scene, const struct buf *lines)
{
	struct feed *feed = feed_memory(buf_text(lines), lines->len);
	struct event ev;
	const struct json *reply;
	struct err e;
	enum feed_item item;

	while ((item = feed_next(feed, &ev, &reply, &e)) == FEED_EVENT || item == FEED_REPLY) {
		if (item == FEED_EVENT)
			scene_event(scene, &ev);
		else
			scene_reply(scene, reply);
	}
	feed_close(feed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct buf lines[2];
	struct keys *keys = keys_new();
	struct scene *scene = scene_new();
	struct ui *ui = ui_new();
	struct canvas *canvas = canvas_new(size > 0 ? data[0] % 60 : 24, size > 1 ? data[1] : 80, size % 2);
	struct press press;
	struct json *intent;
	int64_t now = 10000000;
	bool entered = false;

	if (lines[0].len == 0) {
		load(&lines[0], "tests/screen/failure.events");
		load(&lines[1], "tests/screen/fanout.events");
	}
	play(scene, &lines[size % 2]);
	ui_update(ui, scene, 0);
	for (size_t at = 2; at < size; at++) {
		keys_feed(keys, (const char *)data + at, 1, now);
		while (keys_next(keys, now, &press)) {
			entered = entered || press.code == PRESS_ENTER;
			ui_press(ui, scene, &press, now);
			ui_update(ui, scene, now);
		}
		now += data[at] == 0 ? 2000000 : 1000;
		draw(scene, ui, canvas, 1, now);
	}
	while ((intent = ui_intent(ui)) != NULL) {
		assert(entered);
		json_free(intent);
	}
	canvas_free(canvas);
	ui_free(ui);
	scene_free(scene);
	keys_free(keys);
	return 0;
}
