/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/export/export_md.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/export/export_evidence.h"
#include "journal/export/export_int.h"

/* Lines behind the first of an entry that were told in full: told again, they are counted there. */
struct fold {
	char *text;	/* owned */
	size_t at;	/* end of that entry in the timeline */
	int64_t at_us;
	int count;
};

/* A step that was put off; settled by whoever came back to it, or who said that it was done. */
struct debt {
	char *step, *reason, *owner, *due, *how;	/* owned; how NULL = it is open */
	int64_t seq, settled_us;
};

struct md_state {
	struct export_lines *lines;
	struct export_evidence *evidence;
	struct buf timeline, notes, down;	/* Markdown already */
	struct debt *debts;		/* owned */
	size_t debt_count;
	int64_t down_since;
	struct export_md_failure *failures;	/* owned */
	size_t failure_count;
	int64_t first_seq;
	char hash[2 * SHA256_LEN + 1];	/* of the last event, "" when the feed has none */
	char date[TIME_TEXT];		/* of the last line of the timeline */
	struct fold *folds;		/* owned; in the order of the timeline */
	size_t fold_count;
};

void export_md_block(struct buf *out, const char *text, size_t len)
{
	struct buf safe = {0};
	size_t longest = 2, run = 0;

	utf8_safe(&safe, text, len, true);
	for (size_t i = 0; i < safe.len; i++) {
		run = safe.data[i] == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	if (safe.len > 0 && safe.data[safe.len - 1] != '\n')
		buf_putc(&safe, '\n');
	/* A fence longer than any in the text: nothing in it can close the block. */
	for (size_t i = 0; i <= longest; i++)
		buf_putc(out, '`');
	buf_puts(out, "text\n");
	buf_append(out, buf_text(&safe), safe.len);
	for (size_t i = 0; i <= longest; i++)
		buf_putc(out, '`');
	buf_putc(out, '\n');
	buf_done(&safe);
}

static void output_line(void *arg, const struct export_line *line)
{
	struct md_state *me = arg;

	export_evidence_line(me->evidence, line);
}

static void *md_start(void)
{
	struct md_state *me = mem_alloc(sizeof(*me));

	me->lines = export_lines_new(output_line, me);
	me->evidence = export_evidence_new();
	return me;
}

/* What a reader of the story wants: decisions, ends, trouble, words of people; not each call that went well. */
static bool is_told(const struct event *ev, const struct json *data)
{
	static const enum event_kind untold[] = {
		EVENT_PARAM_SET, EVENT_CALL_PROGRESS,
		EVENT_ASKED, EVENT_WITHDRAWN, EVENT_APPROVAL_ASKED, EVENT_ANCHORED, EVENT_CALL_OUTPUT, EVENT_DEFERRED,
	};

	if (ev->kind == EVENT_STEP_ENTERED)
		return json_bool(data, "back", false);
	if (ev->kind == EVENT_CALL_ENDED)
		return !str_is(json_text(data, "outcome", NULL), "ok");
	if (ev->kind == EVENT_OUTSIDE_COUNTED)	/* that all is well is no story */
		return !str_is(json_text(data, "state", ""), "answers") || json_int(data, "refused", 0) > 0 || json_int(data, "waited", 0) > 0;
	/* What changed something, and what a person did by hand, are parts of the story. */
	if (ev->kind == EVENT_CALL_BEGUN)
		return str_is(json_text(data, "of", NULL), "detour") || !str_is(json_text(data, "effect", "read"), "read");
	for (size_t i = 0; i < sizeof(untold) / sizeof(untold[0]); i++) {
		if (untold[i] == ev->kind)
			return false;
	}
	return true;
}

static size_t lines_in(const char *text)
{
	size_t lines = 1;

	for (const char *at = text; (at = strchr(at, '\n')) && at[1]; at++)
		lines++;
	return lines;
}

/*
 * A script that was shown, or a long answer, is not shown again: the entry keeps its first line and says where the
 * others stand.
 */
static void fold(struct md_state *me, const struct event *ev, struct buf *words)
{
	const char *rest = strchr(buf_text(words), '\n');
	char clock[TIME_TEXT];
	size_t lines = rest ? lines_in(rest + 1) : 0;

	if (lines < 2)
		return;
	for (size_t i = 0; i < me->fold_count; i++) {
		struct fold *one = &me->folds[i];

		if (!str_is(one->text, rest))
			continue;
		one->count++;
		buf_cut(words, (size_t)(rest - buf_text(words)));
		buf_printf(words, " ... (and the same %zu lines as at %s)", lines, time_format_clock(one->at_us, clock));
		return;
	}
	me->folds = mem_more(me->folds, me->fold_count, sizeof(*me->folds));
	me->folds[me->fold_count++] = (struct fold){ .text = mem_strdup(rest), .at_us = ev->at_us, .count = 1 };
}

/* The timeline, with how often what is shown once was meant. Caller owns. */
static struct buf counted(const struct md_state *me)
{
	struct buf out = {0};
	size_t from = 0;

	for (size_t i = 0; i < me->fold_count; i++) {
		const struct fold *one = &me->folds[i];

		if (one->count < 2)
			continue;
		buf_append(&out, buf_text(&me->timeline) + from, one->at - from);
		buf_printf(&out, " (shown once, %d times in all)", one->count);
		from = one->at;
	}
	buf_append(&out, buf_text(&me->timeline) + from, me->timeline.len - from);
	return out;
}

static void entry(struct buf *out, const struct event *ev, const struct buf *words)
{
	char clock[TIME_TEXT];
	size_t from = out->len;

	buf_printf(out, "- %s ", time_format_clock(ev->at_us, clock));
	if (ev->step && ev->step[0]) {
		buf_puts(out, "**");
		export_md_text(out, ev->step, strlen(ev->step));
		buf_puts(out, "** ");
	}
	if (ev->who && ev->who[0]) {
		export_md_text(out, ev->who, strlen(ev->who));
		buf_puts(out, ": ");
	}
	export_md_text(out, buf_text(words), words->len);
	export_md_wrap(out, from);
	buf_putc(out, '\n');
}

static void told(struct md_state *me, const struct event *ev, struct buf *words)
{
	struct buf date = {0};

	export_date(&date, ev->at_us);
	if (!str_is(buf_text(&date), me->date)) {
		buf_printf(&me->timeline, "%s### %s\n\n", me->timeline.len > 0 ? "\n" : "", buf_text(&date));
		str_copy(me->date, sizeof(me->date), buf_text(&date));
	}
	fold(me, ev, words);
	entry(&me->timeline, ev, words);
	if (me->fold_count && !me->folds[me->fold_count - 1].at)
		me->folds[me->fold_count - 1].at = me->timeline.len - 1;
	buf_done(&date);
}

static void downtime(struct md_state *me, const struct event *ev)
{
	char from[TIME_TEXT], to[TIME_TEXT], span[TIME_TEXT];

	if (ev->kind == EVENT_DOWNTIME_BEGAN && me->down_since == 0)
		me->down_since = ev->at_us;
	if (ev->kind != EVENT_DOWNTIME_ENDED || me->down_since == 0)
		return;
	buf_printf(&me->down, "- %s to %s (%s)\n", time_format(me->down_since, from), time_format(ev->at_us, to),
		   time_format_span(ev->at_us > me->down_since ? ev->at_us - me->down_since : 0, span));
	me->down_since = 0;
}

static void settle(struct debt *debt, const struct event *ev, const char *how)
{
	if (debt->how)
		return;
	debt->how = mem_printf("%s%s%s", ev->who ? ev->who : "", ev->who && *ev->who && *how ? ": " : "", how);
	debt->settled_us = ev->at_us;
}

/* A step that ends anew pays what it owed, or owes it again. */
static void debt(struct md_state *me, const struct event *ev, const struct json *data)
{
	bool ends = ev->kind == EVENT_STEP_ENDED, settles = ev->kind == EVENT_DEBT_SETTLED;
	const char *state = json_text(data, "state", "");
	struct debt *one;

	for (size_t i = 0; i < me->debt_count; i++) {
		if (settles && me->debts[i].seq == json_int(data, "seq", 0))
			settle(&me->debts[i], ev, json_text(data, "how", ""));
		else if (ends && str_is(me->debts[i].step, ev->step) && !str_is(state, "failed"))
			settle(&me->debts[i], ev, str_is(state, "deferred") ? "put off anew" : state);
	}
	if (!ends || !str_is(state, "deferred"))
		return;
	me->debts = mem_more(me->debts, me->debt_count, sizeof(*me->debts));
	one = &me->debts[me->debt_count++];
	*one = (struct debt){ .step = mem_strdup(ev->step ? ev->step : ""), .reason = mem_strdup(json_text(data, "reason", "")), .owner = mem_strdup(json_text(data, "owner", "")),
		.due = mem_strdup(json_text(data, "due", "")), .seq = ev->seq };
}

static void put(struct buf *out, const char *before, const char *text)
{
	buf_puts(out, before);
	export_md_text(out, *text ? text : "?", *text ? strlen(text) : 1);
}

static void debt_line(const struct debt *debt, struct buf *out)
{
	char clock[TIME_TEXT];
	size_t from = out->len;

	put(out, debt->how ? "- [x] " : "- [ ] ", debt->step);
	buf_puts(out, " (deferred): ");
	export_md_text(out, debt->reason, strlen(debt->reason));
	put(out, "; owner ", debt->owner);
	put(out, ", due ", debt->due);
	if (debt->how) {
		buf_printf(out, "; settled in this walk at %s by ", time_format_clock(debt->settled_us, clock));
		put(out, "", debt->how);
	}
	export_md_wrap(out, from);
	buf_putc(out, '\n');
}

static void failure(struct md_state *me, const struct event *ev, const struct json *data)
{
	struct export_md_failure *one;

	if (ev->kind != EVENT_STEP_ENDED || !str_is(json_text(data, "state", NULL), "failed"))
		return;
	me->failures = mem_more(me->failures, me->failure_count, sizeof(*one));
	one = &me->failures[me->failure_count++];
	*one = (struct export_md_failure){ .step = mem_strdup(ev->step ? ev->step : ""), .reason = mem_strdup(json_text(data, "reason", "")),
		.attempt = ev->attempt, .at_us = ev->at_us };
}

/* A command that a runbook ran and that ended well; one with an exit status may be why its step failed. */
static bool is_fine(const struct event *ev, const struct json *data)
{
	return ev->kind == EVENT_CALL_ENDED && str_is(json_text(data, "outcome", NULL), "ok") && json_int(data, "exit", 0) <= 0;
}

static void md_event(void *state, struct buf *out, const struct model *model, const struct event *ev,
		     const struct json *data)
{
	static const unsigned char none[SHA256_LEN];
	struct md_state *me = state;
	struct buf words = {0};

	(void)out;
	if (me->first_seq == 0)
		me->first_seq = ev->seq;
	if (memcmp(ev->hash, none, sizeof(none)) != 0) {
		str_hex(&words, ev->hash, sizeof(ev->hash));
		str_copy(me->hash, sizeof(me->hash), buf_text(&words));
		buf_clear(&words);
	}
	if (ev->kind == EVENT_CALL_OUTPUT)
		export_lines_feed(me->lines, ev, data);
	if (ev->kind == EVENT_CALL_ENDED)
		export_lines_end(me->lines, ev);
	if (is_fine(ev, data))
		export_evidence_drop(me->evidence, ev);
	if (is_told(ev, data)) {
		export_words(&words, model, ev, data);
		if (ev->kind == EVENT_NOTE || ev->kind == EVENT_LESSON)
			entry(&me->notes, ev, &words);
		told(me, ev, &words);
	}
	downtime(me, ev);
	debt(me, ev, data);
	failure(me, ev, data);
	buf_done(&words);
}

static void md_finish(void *state, struct buf *out, const struct model *model)
{
	struct md_state *me = state;
	struct buf timeline = counted(me), debts = {0};
	struct export_md_parts parts = {
		.model = model,
		.evidence = me->evidence,
		.timeline = &timeline,
		.notes = &me->notes,
		.debts = &debts,
		.down = &me->down,
		.failures = me->failures,
		.failure_count = me->failure_count,
		.down_since_us = me->down_since,
		.first_seq = me->first_seq,
		.hash = me->hash,
	};

	for (size_t i = 0; i < me->debt_count; i++)
		debt_line(&me->debts[i], &debts);
	export_lines_flush(me->lines);
	export_md_page(out, &parts);
	buf_done(&timeline);
	buf_done(&debts);
}

static void debt_done(struct debt *debt)
{
	mem_free(debt->step);
	mem_free(debt->reason);
	mem_free(debt->owner);
	mem_free(debt->due);
	mem_free(debt->how);
}

static void md_drop(void *state)
{
	struct md_state *me = state;

	export_lines_free(me->lines);
	export_evidence_free(me->evidence);
	for (size_t i = 0; i < me->failure_count; i++) {
		mem_free(me->failures[i].step);
		mem_free(me->failures[i].reason);
	}
	mem_free(me->failures);
	for (size_t i = 0; i < me->fold_count; i++)
		mem_free(me->folds[i].text);
	mem_free(me->folds);
	buf_done(&me->timeline);
	buf_done(&me->notes);
	for (size_t i = 0; i < me->debt_count; i++)
		debt_done(&me->debts[i]);
	mem_free(me->debts);
	buf_done(&me->down);
	mem_free(me);
}

const struct export_writer export_md_writer = {
	.start = md_start,
	.event = md_event,
	.finish = md_finish,
	.drop = md_drop,
};
