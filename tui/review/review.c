/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/review/review_int.h"

#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/store/place.h"

#define VERIFY_MAX ((off_t)16 << 20)	/* a larger journal is not verified on the way */

static char *safe_copy(const char *text)
{
	struct buf out = { 0 };

	utf8_safe(&out, text, strlen(text), false);
	return buf_take(&out);
}

/* What is known of the chain: a small journal is checked whole, that costs nothing here. */
static void look_at_chain(struct review *review)
{
	struct verify_report report = { 0 };
	struct err e = { 0 };
	struct stat st;
	char *text;

	if (stat(review->journal, &st) == 0 && st.st_size <= VERIFY_MAX && store_verify(review->journal, &report, &e) < 0)
		text = mem_printf("CHAIN: %s", e.text);
	else if (store_is_cut(review->store, &e))
		text = mem_printf("CUT: %s", e.text);
	else if (report.bad_seq)
		text = mem_printf("CHAIN BROKEN at event %lld", (long long)report.bad_seq);
	else
		text = mem_strdup(report.events ? "chain ok" : "chain not checked (bellbook verify)");
	review->chain_bad = report.bad_seq != 0 || e.text[0];
	mem_free(review->chain);
	review->chain = safe_copy(text);
	mem_free(text);
}

/* The run before is a help, no need: without it the column is empty. */
static void read_before(struct review *review)
{
	struct err ignored = { 0 };
	int64_t session = timeline_before(review->timeline, review->store, &ignored);

	if (session <= 0)
		return;
	review->before = timeline_new(session);
	if (timeline_read(review->before, review->store, &ignored) == 0)
		return;
	timeline_free(review->before);
	review->before = NULL;
}

struct review *review_new(const char *journal, int64_t session, struct err *e)
{
	struct review *review = mem_alloc(sizeof(*review));

	review->journal = mem_strdup(journal);
	review->timeline = timeline_new(session);
	review->page = 1;
	review->pane.page = 1;
	review->pane.first_error = -1;
	review->store = store_open(journal, STORE_READ, e);
	if (!review->store || timeline_read(review->timeline, review->store, e) < 0) {
		review_free(review);
		return NULL;
	}
	review->running = lease_is_held(journal, session);
	look_at_chain(review);
	read_before(review);
	review_show(review, MARK_DEFAULT);
	return review;
}

void review_free(struct review *review)
{
	if (!review)
		return;
	box_close(review);
	palette_close(&review->palette);
	mem_free(review->copy);
	pane_clear(&review->pane);
	timeline_free(review->timeline);
	timeline_free(review->before);
	store_close(review->store);
	mem_free(review->journal);
	mem_free(review->rows);
	mem_free(review->find);
	mem_free(review->notice);
	mem_free(review->chain);
	mem_free(review->down);
	mem_free(review);
}

const struct mark *review_row(const struct review *review, size_t at)
{
	return at < review->row_count ? &review->timeline->marks[review->rows[at]] : NULL;
}

const struct mark *review_mark(const struct review *review)
{
	return review->at >= 0 ? review_row(review, (size_t)review->at) : NULL;
}

void review_pick(struct review *review, long at)
{
	long last = (long)review->row_count - 1;

	review->at = at > last ? last : at < 0 ? 0 : at;
}

void review_show(struct review *review, unsigned groups)
{
	const struct timeline *timeline = review->timeline;
	const struct mark *picked = review_mark(review);
	int64_t order = picked ? picked->order : 0;
	long at = -1;

	review->groups = groups;
	review->rows = mem_grow(review->rows, timeline->count + 1, sizeof(*review->rows));
	review->row_count = 0;
	for (size_t i = 0; i < timeline->count; i++) {
		if (!(timeline->marks[i].groups & groups))
			continue;
		if (at < 0 && timeline->marks[i].order >= order)
			at = (long)review->row_count;
		review->rows[review->row_count++] = i;
	}
	review_pick(review, at < 0 ? (long)review->row_count - 1 : at);
}

void review_refresh(struct review *review)
{
	struct err e = { 0 };
	size_t count = review->timeline->count;

	review->running = lease_is_held(review->journal, review->timeline->session);
	if (timeline_read(review->timeline, review->store, &e) < 0 || (count == review->timeline->count && !review->running))
		return;
	/* A step that goes on has more output now; its line is the same one. */
	review->pane.seq = review->pane.seq == 0 || review->in_pane ? review->pane.seq : -1;
	review_show(review, review->groups);
}

void review_notice(struct review *review, const char *text, int64_t now_us)
{
	mem_free(review->notice);
	review->notice = safe_copy(text);
	review->notice_us = now_us;
}

/* The last line of the same step and try in the run before. */
static const struct mark *same_step(const struct timeline *before, const struct mark *mark)
{
	const struct mark *found = NULL;

	for (size_t i = 0; i < before->count; i++)
		if (before->marks[i].is_step && str_is(before->marks[i].step, mark->step) && (!found || before->marks[i].attempt <= mark->attempt))
			found = &before->marks[i];
	return found;
}

static const char *compared(const struct mark *mark, const struct mark *was)
{
	int64_t now = mark->took_us, then = was->took_us;

	if ((mark->state == STEP_FAILED) != (was->state == STEP_FAILED))
		return mark->state == STEP_FAILED ? "new failure" : "failed then";
	if (now < 0 || then < 0)
		return "";
	if (now > then + then / 4 + TIME_SECOND)
		return "slower";
	return then > now + now / 4 + TIME_SECOND ? "faster" : "same";
}

void review_versus(const struct review *review, const struct mark *mark, struct buf *out)
{
	char span[TIME_TEXT];
	const struct mark *was;

	if (!review->before || !mark->is_step)
		return;
	was = same_step(review->before, mark);
	if (!was) {
		buf_printf(out, "not in #%lld", (long long)review->before->session);
		return;
	}
	if (was->state == STEP_SKIPPED || was->state == STEP_DEFERRED)
		buf_printf(out, "%s then", was->state == STEP_SKIPPED ? "skipped" : "deferred");
	else
		buf_printf(out, "%s  %s", was->took_us >= 0 ? time_format_span(was->took_us, span) : "?", compared(mark, was));
}

const struct review_group *review_groups(void)
{
	static const struct review_group all[] = {
		{ MARK_STEPS, "steps" }, { MARK_FAILURES, "failures" }, { MARK_DECISIONS, "decisions" }, { MARK_NOTES, "notes" },
		{ MARK_SETTINGS, "settings" }, { MARK_SITE, "site" }, { MARK_COMMANDS, "commands" }, { MARK_QUESTIONS, "questions" },
		{ MARK_PEOPLE, "people" }, { MARK_TALK, "chat" }, { MARK_LINKS, "links" }, { MARK_PROGRESS, "progress" },
		{ MARK_OTHER, "rest" }, { 0, NULL },
	};

	return all;
}
