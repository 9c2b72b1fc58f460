/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Searching a whole session: a line of the timeline, then what belongs to it, then the next line. Outputs are read as they are needed. */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "tui/review_int.h"

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

static bool forwards(struct review *review)
{
	pane_load(review, true);
	if (in_pane(review, pane_find(review, review->in_pane ? review->pane.at + 1 : 0, 1)))
		return true;
	while (review->at + 1 < (long)review->row_count) {
		review->at++;
		if (on_row(review))
			return true;
		pane_load(review, true);
		if (in_pane(review, pane_find(review, 0, 1)))
			return true;
	}
	return false;
}

static bool upwards(struct review *review)
{
	pane_load(review, true);
	if (review->in_pane && (in_pane(review, pane_find(review, review->pane.at - 1, -1)) || on_row(review)))
		return true;
	while (review->at > 0) {
		review->at--;
		pane_load(review, true);
		if (in_pane(review, pane_find(review, (long)review->pane.count - 1, -1)) || on_row(review))
			return true;
	}
	return false;
}

bool review_find(struct review *review, bool backwards)
{
	long at = review->at, line = review->pane.at;
	bool was_in_pane = review->in_pane;

	if (!review->find || !*review->find || review->row_count == 0)
		return false;
	if (backwards ? upwards(review) : forwards(review))
		return true;
	review->at = at;
	review->in_pane = was_in_pane;
	pane_load(review, true);
	review->pane.at = line < (long)review->pane.count ? line : 0;
	return false;
}
