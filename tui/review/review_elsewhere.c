/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The same error before: in which other sessions a line was printed too, and what people decided then. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/index/index.h"
#include "tui/review/review_work.h"

#define WORDS 10		/* of the line that are looked for */
#define HITS 200		/* looked at */
#define SESSIONS 12		/* told */
#define PATIENCE_US (2 * TIME_SECOND)	/* for bringing the index up to date; what is missing then is said */

struct elsewhere {
	struct review *review;
	struct buf out;		/* what is told */
	int64_t told[SESSIONS];
	size_t count;
	int64_t until_us;
	bool behind;		/* the index was not up to date in time */
};

/* The words of a line that are likely to be the same the next time: none with digits in them, which are times, sizes and names of hosts. */
static void words_of(const char *line, struct buf *query)
{
	int count = 0;

	while (*line && count < WORDS) {
		size_t len = 0;
		bool plain = true;

		while (isalnum((unsigned char)line[len]) || (unsigned char)line[len] >= 0x80) {
			plain = plain && !isdigit((unsigned char)line[len]);
			len++;
		}
		if (len >= 3 && plain) {
			buf_printf(query, "%s\"%.*s\"", query->len ? " " : "", (int)(len < 60 ? len : 60), line);
			count++;
		}
		line += len ? len : 1;
	}
}

static bool is_patient(void *arg, int64_t done, int64_t total)
{
	struct elsewhere *elsewhere = arg;

	elsewhere->behind = done < total && time_mono_us() > elsewhere->until_us;
	return !elsewhere->behind;
}

/* The first thing that somebody decided or wrote after it, in that step. */
static bool take_decision(void *arg, const struct event *ev)
{
	struct buf *out = arg, line = { 0 };
	struct err ignored = { 0 };
	struct json *data;
	const char *why;

	if (ev->kind != EVENT_ANSWERED && ev->kind != EVENT_NOTE)
		return true;
	data = json_parse(ev->data ? ev->data : "{}", ev->data ? strlen(ev->data) : 2, &ignored);
	why = json_text(data, "why", "");
	if (ev->kind == EVENT_ANSWERED && *why)
		buf_printf(&line, "%s decided %s: %s", ev->who, json_text(data, "value", "something"), why);
	else if (ev->kind == EVENT_NOTE && ev->len > 0)
		buf_printf(&line, "%s noted: %.*s", ev->who, (int)(ev->len < 2000 ? ev->len : 2000), (const char *)ev->bytes);
	if (line.len > 0) {
		buf_puts(out, "      ");
		utf8_safe(out, buf_text(&line), line.len, false);
		buf_putc(out, '\n');
	}
	buf_done(&line);
	json_free(data);
	return out->len == 0;
}

static bool take_hit(void *arg, const struct index_hit *hit)
{
	struct elsewhere *elsewhere = arg;
	struct buf decision = { 0 };
	struct err ignored = { 0 };
	char date[TIME_TEXT];

	if (hit->session == elsewhere->review->timeline->session || !str_is(hit->kind, "call.output"))
		return true;
	for (size_t i = 0; i < elsewhere->count; i++)
		if (elsewhere->told[i] == hit->session)
			return true;
	elsewhere->told[elsewhere->count++] = hit->session;
	time_format(hit->at_us, date);
	date[10] = ' ';
	buf_printf(&elsewhere->out, "#%lld  %.16s UTC  ", (long long)hit->session, date);
	utf8_safe(&elsewhere->out, hit->step, strlen(hit->step), false);
	buf_puts(&elsewhere->out, " on ");
	utf8_safe(&elsewhere->out, *hit->host ? hit->host : "this computer", strlen(*hit->host ? hit->host : "this computer"), false);
	buf_puts(&elsewhere->out, "\n      ");
	utf8_safe(&elsewhere->out, hit->line, strlen(hit->line), false);
	buf_putc(&elsewhere->out, '\n');
	(void)store_each_marker(elsewhere->review->store, hit->session, hit->seq, take_decision, &decision, &ignored);
	buf_append(&elsewhere->out, buf_text(&decision), decision.len);
	buf_done(&decision);
	return elsewhere->count < SESSIONS;
}

static int look(struct elsewhere *elsewhere, const char *query, struct err *e)
{
	struct index_filter filter = { .limit = HITS };
	struct index *index = index_open(elsewhere->review->journal, e);
	int rc = -1;

	elsewhere->until_us = time_mono_us() + PATIENCE_US;
	if (index && index_update(index, INDEX_FACTS, is_patient, elsewhere, e) == 0 && index_update(index, INDEX_TEXT, is_patient, elsewhere, e) == 0)
		rc = index_search(index, query, &filter, take_hit, elsewhere, e);
	index_close(index);
	return rc;
}

int review_elsewhere(struct review *review, struct buf *out, struct err *e)
{
	struct elsewhere elsewhere = { .review = review };
	struct pane *pane = &review->pane;
	struct buf query = { 0 };
	int rc = -1;
	long at;

	pane_load(review, true);
	at = review->in_pane ? pane->at : pane->first_error;
	if (at >= 0 && at < (long)pane->count)
		words_of(pane->lines[at].text, &query);
	if (query.len == 0)
		err_set(e, ERR_USAGE, "pick a line of output with words in it first");
	else
		rc = look(&elsewhere, buf_text(&query), e);
	if (rc == 0) {
		buf_puts(out, elsewhere.count > 0 ? buf_text(&elsewhere.out) : "No other session has printed these words.\n");
		if (elsewhere.behind)
			buf_puts(out, "\nThe index of texts is not ready yet: look again, or run `bellbook search` once.\n");
	}
	buf_done(&query);
	buf_done(&elsewhere.out);
	return rc;
}
