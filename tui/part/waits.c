/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/part/waits.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"

#define LOOKED 200	/* calls, from the last one back */

bool waits_is_part(const struct model_call *call)
{
	return call->wait || call->reads;
}

static size_t prefix_of(const char *path)
{
	const char *end = strrchr(path, '/');

	return end ? (size_t)(end - path) + 1 : 0;
}

static bool same_branch(const char *a, const char *b)
{
	size_t len = prefix_of(a);

	return len == prefix_of(b) && strncmp(a, b, len) == 0;
}

/* Something later in its branch: another wait, which counts instead, or work, with which the wait is over. */
static bool is_over(const struct model *model, size_t at)
{
	for (size_t i = at + 1; i < model->call_count; i++) {
		const struct model_call *later = &model->calls[i];

		if (str_is(later->step, model->calls[at].step) && later->attempt == model->calls[at].attempt && same_branch(later->path, model->calls[at].path)
			&& (later->wait || !later->reads))
			return true;
	}
	return false;
}

/* Its pause is over, and nothing was looked at since: the function went on to something else, or another branch is at work. */
static bool is_stale(const struct model *model, size_t at)
{
	if (model->calls[at].state == CALL_RUNNING)
		return false;
	for (size_t i = at + 1; i < model->call_count; i++)
		if (model->calls[i].state == CALL_RUNNING && same_branch(model->calls[i].path, model->calls[at].path))
			return false;
	return at + 1 < model->call_count && model->calls[model->call_count - 1].state != CALL_RUNNING;
}

size_t waits_of(const struct model *model, const struct model_step *step, const struct model_call *waits[WAITS_MOST])
{
	size_t n = 0, first = model->call_count > LOOKED ? model->call_count - LOOKED : 0;

	if (!step || step->state != STEP_RUNNING)
		return 0;
	for (size_t i = model->call_count; i-- > first && n < WAITS_MOST;) {
		const struct model_call *call = &model->calls[i];

		if (!call->wait || call->attempt != step->attempt || !str_is(call->step, step->id) || call->state == CALL_CANCELED)
			continue;
		if (!is_over(model, i) && !is_stale(model, i))
			waits[n++] = call;
	}
	return n;
}

static void put_safe(struct buf *out, const char *text)
{
	utf8_safe(out, text, strlen(text), false);
}

void waits_words(const struct model_call *wait, int64_t now_us, struct buf *out)
{
	const struct model_wait *one = wait->wait;
	const char *mark = ": ";
	char span[TIME_TEXT];
	size_t start = out->len;

	put_safe(out, *one->what ? one->what : wait->shown && *wait->shown ? wait->shown : "wait");
	out->data[start] = (char)toupper((unsigned char)out->data[start]);
	if (now_us - one->since_us >= TIME_SECOND) {
		buf_printf(out, ": %s so far", time_format_span(now_us - one->since_us, span));
		mark = ", ";
	}
	if (one->look > 0 && one->of > 0) {
		buf_printf(out, "%slook %lld of %lld", mark, (long long)one->look, (long long)one->of);
		mark = "; ";
	}
	if (*one->seen) {
		buf_printf(out, "%slast seen: ", *mark == ',' ? "; " : mark);
		put_safe(out, one->seen);
	}
}
