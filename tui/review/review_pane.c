/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/review/review_int.h"

#include <string.h>

#include "base/json.h"
#include "base/line.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/strip.h"
#include "base/time.h"
#include "base/utf8.h"
#include "tui/part/output.h"
#include "tui/part/prose.h"
#include "tui/live/scene.h"

/* Bytes fed at once: they make no more lines than an output keeps. */
#ifdef TINY_LIMITS
#define SLICE ((size_t)8)
#else
#define SLICE ((size_t)4096)
#endif

void pane_clear(struct pane *pane)
{
	for (size_t i = 0; i < pane->count; i++)
		mem_free(pane->lines[i].text);
	mem_free(pane->lines);
	mem_free(pane->title);
	*pane = (struct pane){ .page = pane->page, .first_error = -1 };
}

/* Takes text, which is safe. */
static void add_line(struct pane *pane, char *text, const struct pane_line *like)
{
	struct pane_line *line;

	pane->lines = mem_more(pane->lines, pane->count, sizeof(*line));
	line = &pane->lines[pane->count++];
	*line = *like;
	line->text = text;
	pane->bytes += strlen(text) + sizeof(*line);
}

/* Adds safe text, a line of the pane for each of its own. */
static void add_text(struct pane *pane, const char *text, const struct pane_line *like)
{
	while (*text) {
		const char *end = strchr(text, '\n');
		size_t len = end ? (size_t)(end - text) : strlen(text);

		add_line(pane, mem_dup(text, len), like);
		text += len + (end != NULL);
	}
}

/* --- outputs --- */

#define PURGED "(output purged)\n"

struct outputs {
	struct review *review;
	struct output *output;	/* owned; makes lines of chunks */
	int64_t taken;		/* lines of it that are in the pane */
	struct strip strip;	/* of a terminal's output: here are its words, p plays it */
	int64_t seq;		/* of the chunk before */
	bool err;
	size_t limit;
	bool full;
};

static void take_lines(struct outputs *outputs, int64_t seq)
{
	struct pane *pane = &outputs->review->pane;

	for (; outputs->taken < output_total(outputs->output); outputs->taken++) {
		const struct output_line *line = output_at(outputs->output, (size_t)(outputs->taken - output_dropped(outputs->output)));
		struct pane_line like = { .role = ROLE_TEXT, .seq = seq };

		if (!line)
			continue;
		like.at_us = line->at_us;
		like.err = line->err;
		add_line(pane, mem_strdup(line->text), &like);
	}
}

static void take_bytes(struct outputs *outputs, const struct event *ev, const char *bytes, size_t len)
{
	for (size_t at = 0; at < len; at += SLICE) {
		output_feed(outputs->output, bytes + at, len - at < SLICE ? len - at : SLICE, outputs->err, ev->at_us);
		take_lines(outputs, ev->seq);
	}
}

static bool take_chunk(void *arg, const struct event *ev)
{
	struct outputs *outputs = arg;
	struct err ignored = { 0 };
	struct json *data = ev->data ? json_parse(ev->data, strlen(ev->data), &ignored) : NULL;
	const char *stream = json_text(data, "stream", "out");
	struct buf text = { 0 };

	outputs->err = str_is(stream, "err");
	outputs->seq = ev->seq;
	if (str_is(stream, "pty")) {
		strip_feed(&outputs->strip, ev->bytes ? ev->bytes : "", ev->len, &text);
		take_bytes(outputs, ev, buf_text(&text), text.len);
	} else if (ev->purged) {
		take_bytes(outputs, ev, PURGED, strlen(PURGED));
	} else {
		take_bytes(outputs, ev, ev->bytes ? ev->bytes : "", ev->len);
	}
	buf_done(&text);
	json_free(data);
	outputs->full = outputs->review->pane.bytes > outputs->limit;
	return !outputs->full;
}

static void add_outputs(struct review *review, const struct mark *mark, const struct model_call *call)
{
	struct outputs outputs = { .review = review, .output = output_new(), .limit = review->pane.whole ? PANE_BYTES : PANE_GLANCE };
	struct store_call name = { review->timeline->session, mark->step, call->attempt, call->path };
	struct pane_line bad = { .role = ROLE_FAIL };
	struct err e = { 0 };

	if (store_each_output(review->store, &name, take_chunk, &outputs, &e) < 0) {
		char *text = mem_printf("(what follows cannot be read: %s)", e.text);
		struct buf safe = { 0 };

		utf8_safe(&safe, text, strlen(text), false);
		add_line(&review->pane, buf_take(&safe), &bad);
		mem_free(text);
	}
	if (outputs.full)
		review->pane.cut = true;
	output_end(outputs.output);
	take_lines(&outputs, outputs.seq);
	output_free(outputs.output);
}

static void add_command(struct review *review, const struct model_call *call)
{
	struct pane_line like = { .role = ROLE_COMMAND, .seq = call->seq };
	struct buf line = { 0 };
	char span[TIME_TEXT];

	utf8_safe(&line, call->host, strlen(call->host), false);
	buf_printf(&line, "%s", call->host[0] ? "" : "here");
	if (call->as[0]) {
		buf_puts(&line, " as ");
		utf8_safe(&line, call->as, strlen(call->as), false);
	}
	utf8_safe(&line, call->where, strlen(call->where), false);
	buf_puts(&line, " $ ");
	prose_command(&line, call->shown[0] ? call->shown : call->action);
	add_text(&review->pane, buf_text(&line), &like);
	buf_clear(&line);
	like.role = call->state == CALL_OK && call->exit_code <= 0 ? ROLE_DIM : call->state == CALL_UNKNOWN ? ROLE_DOUBT
		: call->state == CALL_RUNNING ? ROLE_RUN : ROLE_FAIL;
	buf_puts(&line, call->state == CALL_OK ? "ok" : call->state == CALL_FAILED ? "failed" : call->state == CALL_CANCELED ? "stopped"
		: call->state == CALL_UNKNOWN ? "IN DOUBT" : "runs");
	if (call->exit_code >= 0)
		buf_printf(&line, ", rc %d", call->exit_code);
	if (call->ended_us > call->begun_us)
		buf_printf(&line, ", %s", time_format_span(call->ended_us - call->begun_us, span));
	if (call->error[0]) {
		buf_puts(&line, ": ");
		line_words(&line, call->error, strlen(call->error), false);
	}
	add_text(&review->pane, buf_text(&line), &like);
	buf_done(&line);
}

/* The first line of an error is the first one on standard error of a command that went wrong, else its last line. */
static void find_error(struct pane *pane, const struct model_call *call, size_t from)
{
	if (pane->first_error >= 0 || (call->state != CALL_FAILED && call->state != CALL_UNKNOWN && call->exit_code <= 0))
		return;
	for (size_t i = from; i < pane->count && pane->first_error < 0; i++)
		if (pane->lines[i].err)
			pane->first_error = (long)i;
	if (pane->first_error < 0 && pane->count > from)
		pane->first_error = (long)pane->count - 1;
}

static bool is_of(const struct review *review, const struct mark *mark, const struct model_call *call)
{
	const struct model *model = review->timeline->model;
	bool named = str_is(call->step, mark->step) || !model_step_find(model, mark->step);

	if (!mark->is_step)
		return call->seq == mark->seq;
	return named && call->attempt == mark->attempt && call->seq > mark->seq && (mark->end_seq == 0 || call->seq < mark->end_seq);
}

/* Commands of the line, with what they printed; those that went wrong first. */
static size_t add_calls(struct review *review, const struct mark *mark, bool wrong)
{
	const struct model *model = review->timeline->model;
	size_t n = 0;

	for (size_t i = 0; i < model->call_count; i++) {
		const struct model_call *call = &model->calls[i];
		bool went_wrong = call->state == CALL_FAILED || call->state == CALL_UNKNOWN || call->exit_code > 0;
		size_t from;

		if (went_wrong != wrong || !is_of(review, mark, call))
			continue;
		n++;
		add_command(review, call);
		from = review->pane.count;
		if (!review->pane.cut)
			add_outputs(review, mark, call);
		find_error(&review->pane, call, from);
	}
	return n;
}

/* --- other events --- */

static bool add_event(void *arg, const struct event *ev)
{
	struct pane *pane = arg;
	struct pane_line like = { .role = ROLE_TEXT, .seq = ev->seq }, dim = { .role = ROLE_DIM, .seq = ev->seq };
	struct buf safe = { 0 };

	if (ev->kind == EVENT_NOTE || ev->kind == EVENT_LESSON || (ev->bytes && ev->len > 0))
		scene_text(ev, &safe, true);
	add_text(pane, buf_text(&safe), &like);
	buf_clear(&safe);
	buf_printf(&safe, "event %lld, %s", (long long)ev->seq, event_type_of(ev->kind)->name);
	if (ev->data && !str_is(ev->data, "{}")) {
		buf_puts(&safe, " ");
		utf8_safe(&safe, ev->data, strlen(ev->data), false);
	}
	add_text(pane, buf_text(&safe), &dim);
	buf_done(&safe);
	return false;
}

static void add_mark(struct review *review, const struct mark *mark)
{
	struct pane_line like = { .role = ROLE_TEXT, .seq = mark->seq };
	struct err e = { 0 };
	struct buf text = { 0 };

	if (!(mark->groups & MARK_NOTES)) {
		timeline_text(review->timeline, review->store, mark, &text);
		add_text(&review->pane, buf_text(&text), &like);
		buf_done(&text);
	}
	if (store_each(review->store, (struct store_range){ .session = review->timeline->session, .after = mark->seq - 1, .limit = 1 }, add_event,
		    &review->pane, &e) < 0)
		add_line(&review->pane, mem_strdup("(this event cannot be read)"), &like);
}

static char *title_of(const struct review *review, const struct mark *mark)
{
	const struct model *model = review->timeline->model;
	const struct model_step *step = model_step_find(model, mark->step);
	char from[TIME_TEXT], to[TIME_TEXT];
	struct buf title = { 0 };

	if (mark->is_step && step)
		buf_printf(&title, "STEP %ld", (long)(step - model->steps) + 1);
	else if (mark->is_step)
		buf_printf(&title, "STEP %s", mark->step);
	else
		buf_puts(&title, *mark->word ? mark->word : "EVENT");
	if (mark->attempt > 0 && mark->is_step)
		buf_printf(&title, " TRY %d", mark->attempt);
	if (*mark->who)
		buf_printf(&title, "  %s", mark->who);
	buf_printf(&title, "  %s", time_format_clock(mark->at_us, from));
	if (mark->end_us > mark->at_us)
		buf_printf(&title, " - %s", time_format_clock(mark->end_us, to));
	return buf_take(&title);
}

void pane_load(struct review *review, bool whole)
{
	const struct mark *mark = review_mark(review);
	struct pane *pane = &review->pane;
	struct pane_line dim = { .role = ROLE_DIM };

	if (!mark) {
		pane_clear(pane);
		return;
	}
	if (pane->seq == mark->seq && (!whole || pane->whole || !pane->cut))
		return;
	pane_clear(pane);
	pane->seq = mark->seq;
	pane->whole = whole;
	pane->title = title_of(review, mark);
	if (mark->is_step || mark->kind == EVENT_CALL_BEGUN) {
		if (add_calls(review, mark, true) + add_calls(review, mark, false) == 0)
			add_line(pane, mem_strdup("(no command was run)"), &dim);
	} else {
		add_mark(review, mark);
	}
	if (pane->cut && whole)
		add_line(pane, mem_strdup("(more than is shown here: e exports all of it)"), &dim);
	pane->at = pane->first_error >= 0 ? pane->first_error : 0;
}
