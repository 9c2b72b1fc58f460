/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A slow line shows a question late. Who presses Enter half a second after the session asked may not have it on the
 * screen yet, and meant something else. Bytes keep their order in both directions, so one round trip tells: a request
 * goes out behind the question, and what was typed before the terminal took it in comes before its answer.
 */
#define _DEFAULT_SOURCE /* explicit_bzero */
#include "tui/term/seen.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "tui/term/keys.h"

#define DRAIN_US (TIME_SECOND / 2)

void seen_question(struct seen *seen, int64_t question)
{
	if (seen->question == question)
		return;
	seen->question = question;
	seen->painted = seen->shown = false;
}

bool seen_painted(struct seen *seen, int64_t now_us)
{
	if (!seen->question || seen->painted)
		return false;
	seen->painted = true;
	seen->painted_us = now_us;
	if (seen->can)
		seen->behind = ++seen->asked;
	return true;
}

bool seen_answer(struct seen *seen)
{
	if (seen->answered == seen->asked)
		return false;
	seen->answered++;
	seen->answers = true;
	if (!seen->painted || seen->shown || seen->answered < seen->behind)
		return false;
	seen->shown = true;
	return true;
}

static int64_t patience(const struct seen *seen)
{
	return seen->answers ? SEEN_KNOWN_US : seen->asked == 1 ? SEEN_UNKNOWN_US : 0;
}

bool seen_waits(const struct seen *seen, int64_t now_us)
{
	return seen->question && !seen->shown && (!seen->painted || now_us - seen->painted_us < patience(seen));
}

int64_t seen_wait(const struct seen *seen, int64_t now_us)
{
	return seen->painted && seen_waits(seen, now_us) ? seen->painted_us + patience(seen) - now_us : -1;
}

void seen_drain(struct seen *seen, int fd, int64_t now_us)
{
	int64_t until = now_us + DRAIN_US;
	struct keys *keys;

	if (seen->answered == seen->asked || (!seen->answers && now_us - seen->painted_us > SEEN_UNKNOWN_US))
		return;
	keys = keys_new();
	keys_reports(keys);
	while (seen->answered != seen->asked && now_us < until) {
		struct pollfd in = { .fd = fd, .events = POLLIN };
		char bytes[256];
		struct press press;
		ssize_t n = 0;

		if (poll(&in, 1, (int)((until - now_us) / 1000) + 1) > 0) {
			n = read(fd, bytes, sizeof(bytes));
			if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
				break;
		}
		now_us = time_mono_us();
		if (n > 0)
			keys_feed(keys, bytes, (size_t)n, now_us);
		while (keys_next(keys, now_us, &press))
			if (press.code == PRESS_REPORT)
				seen_answer(seen);
		explicit_bzero(bytes, sizeof(bytes));
	}
	keys_free(keys);
	seen->asked = seen->answered;
}
