/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Searching a whole session: a line of the timeline, then what belongs to it, then the next line. Outputs are read as they are needed. */
#include <string.h>
#include <strings.h>

#include "base/time.h"
#include "tui/review/review_work.h"

static bool holds(const char *line, const char *text)
{
	size_t n = strlen(text);

	for (; *line; line++)
		if (strncasecmp(line, text, n) == 0)
			return true;
	return false;
}

static bool row_holds(const struct review *review, const struct mark *mark)
{
	struct buf text = { 0 };
	bool found;

	timeline_text(review->timeline, review->store, mark, &text);
	found = holds(buf_text(&text), review->find) || holds(mark->who, review->find);
	buf_done(&text);
	return found;
}

/* The next line of the pane from at on that holds it, -1. Only commands have more there than their line says. */
static long pane_find(const struct review *review, long at, int by)
{
	const struct pane *pane = &review->pane;
	const struct mark *mark = review_mark(review);

	if (!mark || (!mark->is_step && mark->kind != EVENT_CALL_BEGUN))
		return -1;
	for (; at >= 0 && at < (long)pane->count; at += by)
		if (holds(pane->lines[at].text, review->find))
			return at;
	return -1;
}

static bool in_pane(struct review *review, long found)
{
	if (found < 0)
		return false;
	review->pane.at = found;
	review->in_pane = true;
	return true;
}

static bool on_row(struct review *review)
{
	const struct mark *mark = review_mark(review);

	if (!mark || !row_holds(review, mark))
		return false;
	review->in_pane = false;
	return true;
}

static enum review_found forwards(struct review *review, int64_t until_us)
{
	if (!review->find_moved) {
		review->find_moved = true;
		pane_load(review, true);
		if (in_pane(review, pane_find(review, review->in_pane ? review->pane.at + 1 : 0, 1)))
			return REVIEW_FOUND;
	}
	while (review->at + 1 < (long)review->row_count) {
		review->at++;
		if (on_row(review))
			return REVIEW_FOUND;
		pane_load(review, true);
		if (in_pane(review, pane_find(review, 0, 1)))
			return REVIEW_FOUND;
		if (time_mono_us() > until_us)
			return REVIEW_SEARCHING;
	}
	return REVIEW_NOT_FOUND;
}

static enum review_found upwards(struct review *review, int64_t until_us)
{
	if (!review->find_moved) {
		review->find_moved = true;
		pane_load(review, true);
		if (review->in_pane && (in_pane(review, pane_find(review, review->pane.at - 1, -1)) || on_row(review)))
			return REVIEW_FOUND;
	}
	while (review->at > 0) {
		review->at--;
		pane_load(review, true);
		if (in_pane(review, pane_find(review, (long)review->pane.count - 1, -1)) || on_row(review))
			return REVIEW_FOUND;
		if (time_mono_us() > until_us)
			return REVIEW_SEARCHING;
	}
	return REVIEW_NOT_FOUND;
}

bool review_find_begin(struct review *review, bool backwards)
{
	if (!review->find || !*review->find || review->row_count == 0)
		return false;
	review->finding = backwards ? -1 : 1;
	review->find_moved = review->find_wrapped = false;
	review->find_at = review->at;
	review->find_line = review->pane.at;
	review->find_in_pane = review->in_pane;
	return true;
}

void review_find_stop(struct review *review)
{
	if (review->finding == 0)
		return;
	review->finding = 0;
	review->at = review->find_at;
	review->in_pane = review->find_in_pane;
	pane_load(review, review->in_pane);
	review->pane.at = review->find_line < (long)review->pane.count ? review->find_line : 0;
}

enum review_found review_find_on(struct review *review, int64_t for_us)
{
	int64_t until_us = for_us < INT64_MAX ? time_mono_us() + for_us : INT64_MAX;
	enum review_found found = review->finding > 0 ? forwards(review, until_us) : review->finding < 0 ? upwards(review, until_us) : REVIEW_NOT_FOUND;

	if (found == REVIEW_NOT_FOUND && review->finding != 0 && !review->find_wrapped) {
		/* From the other end on, once. */
		review->find_wrapped = review->find_moved = true;
		review->in_pane = false;
		review->at = review->finding > 0 ? -1 : (long)review->row_count;
		found = review->finding > 0 ? forwards(review, until_us) : upwards(review, until_us);
	}
	if (found == REVIEW_FOUND)
		review->finding = 0;
	if (found == REVIEW_NOT_FOUND)
		review_find_stop(review);
	return found;
}
