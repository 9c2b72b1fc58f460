/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/part/down_now.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "tui/part/when.h"

char *down_now_words(int64_t session, const struct json *down, bool running, bool closed, int64_t now_us)
{
	const char *word = json_bool(down, "waits", false) ? "WAITS" : "DOWN";
	bool seen = str_is(json_text(down, "by", ""), "outside");
	char when[TIME_TEXT];

	if (!down)
		return NULL;
	/* Nobody has asked since: what was last seen, and when. */
	if (seen && !running)
		return mem_printf("%s at %s (session %lld)", word, when_moment(json_int(down, "asked_us", 0), now_us, when), (long long)session);
	return mem_printf("%s%s since %s (session %lld)", closed ? "LEFT " : "", word, when_moment(json_int(down, "since_us", 0), now_us, when), (long long)session);
}

/* Is there a later walk of the same fleet? The list has the newest first. */
static bool is_old(const struct json *sessions, size_t at)
{
	const char *fleet = json_text(json_item(sessions, at), "fleet", "");

	for (size_t i = 0; i < at; i++)
		if (!json_bool(json_item(sessions, i), "dry_run", false) && str_is(json_text(json_item(sessions, i), "fleet", ""), fleet))
			return true;
	return false;
}

/* No answer, or one of those that a proxy gives when nobody is behind it: to a page, to one that lies in no cache, to what other servers send. */
static bool refuses(const struct json *outside)
{
	static const char *const asks[] = { "status", "fresh_status", "inbox_status" };

	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
		int64_t status = json_int(outside, asks[i], 0);

		if (status == 500 || (status >= 502 && status <= 504))
			return true;
	}
	return str_is(json_text(outside, "state", ""), "silent");
}

static char *from_outside(const struct json *outside, int64_t now_us)
{
	char when[TIME_TEXT];
	int64_t at_us = 0;

	if (!outside || !refuses(outside))
		return NULL;
	if (time_parse(json_text(outside, "at", ""), &at_us) < 0)
		at_us = now_us;
	return mem_printf("DOWN from outside, %s", when_moment(at_us, now_us, when));
}

char *down_now(const struct json *sessions, const struct json *outside, int64_t now_us)
{
	bool answers = str_is(json_text(outside, "state", ""), "ok");

	for (size_t i = 0; i < json_count(sessions); i++) {
		const struct json *one = json_item(sessions, i), *down = json_at(one, "down");
		bool open = str_is(json_text(one, "state", ""), "open");

		if (down && !json_bool(one, "dry_run", false) && (open || (!answers && !is_old(sessions, i))))
			return down_now_words(json_int(one, "session", 0), down, json_bool(one, "running", false), !open, now_us);
	}
	return from_outside(outside, now_us);
}
