/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/model/timeline.h"

#include <string.h>

#include "base/json.h"
#include "base/line.h"
#include "base/str.h"
#include "base/utf8.h"
#include "journal/export/export_int.h"

struct timeline *timeline_new(int64_t session)
{
	struct timeline *timeline = mem_alloc(sizeof(*timeline));

	timeline->session = session;
	timeline->model = model_new();
	timeline->arena = arena_new();
	timeline->last_seq = session - 1;
	return timeline;
}

void timeline_free(struct timeline *timeline)
{
	if (!timeline)
		return;
	model_free(timeline->model);
	arena_free(timeline->arena);
	mem_free(timeline->marks);
	mem_free(timeline->spans);
	mem_free(timeline->damage);
	mem_free(timeline->answered);
	mem_free(timeline->answered_by);
	mem_free(timeline);
}

/* What is read of one event, for the functions below. */
struct reading {
	struct timeline *timeline;
	const struct event *ev;
	struct json *data;	/* NULL when it was not needed */
};

static const char *text_of(const struct reading *reading, const char *key)
{
	return json_text(reading->data, key, "");
}

static const char *keep(struct timeline *timeline, const char *text, size_t len)
{
	struct buf safe = { 0 };
	const char *kept;

	if (len == 0)
		return "";
	line_words(&safe, text, len, false);
	kept = arena_dup(timeline->arena, buf_text(&safe), safe.len);
	buf_done(&safe);
	return kept;
}

static const char *keep_text(struct timeline *timeline, const char *text)
{
	return text ? keep(timeline, text, strlen(text)) : "";
}

/* A new line in its place: pins stand where the event is that they are about. */
static struct mark *put_mark(struct timeline *timeline, const struct mark *mark)
{
	size_t at = timeline->count;

	timeline->marks = mem_more(timeline->marks, at, sizeof(*mark));
	while (at > 0 && timeline->marks[at - 1].order > mark->order)
		at--;
	memmove(timeline->marks + at + 1, timeline->marks + at, (timeline->count - at) * sizeof(*mark));
	timeline->marks[at] = *mark;
	timeline->count++;
	return &timeline->marks[at];
}

static struct mark *add(const struct reading *reading, unsigned groups, const char *word, const char *text)
{
	const struct event *ev = reading->ev;
	struct timeline *timeline = reading->timeline;
	struct mark mark = {
		.seq = ev->seq, .order = ev->seq, .at_us = ev->at_us, .took_us = -1, .groups = groups, .kind = ev->kind,
		.attempt = ev->attempt, .late = timeline->model->state == SESSION_CLOSED, .word = word, .text = text,
	};

	mark.step = keep_text(timeline, ev->step);
	mark.who = str_is(ev->who, "bellbook") ? "" : keep_text(timeline, ev->who);
	return put_mark(timeline, &mark);
}

/* The event's words as the log has them. */
static const char *words(const struct reading *reading)
{
	struct buf out = { 0 };
	const char *kept;

	export_words(&out, reading->timeline->model, reading->ev, reading->data);
	kept = keep(reading->timeline, buf_text(&out), out.len);
	buf_done(&out);
	return kept;
}

/* --- spans --- */

static void span_begin(struct timeline *timeline, enum span_kind kind, int64_t at_us)
{
	for (size_t i = timeline->span_count; i-- > 0;)
		if (timeline->spans[i].kind == kind && timeline->spans[i].to_us == 0)
			return;
	timeline->spans = mem_more(timeline->spans, timeline->span_count, sizeof(struct span));
	timeline->spans[timeline->span_count++] = (struct span){ kind, at_us, 0 };
}

static void span_end(struct timeline *timeline, enum span_kind kind, int64_t at_us)
{
	for (size_t i = timeline->span_count; i-- > 0;) {
		struct span *span = &timeline->spans[i];

		if (span->kind != kind || span->to_us != 0)
			continue;
		span->to_us = at_us > span->from_us ? at_us : span->from_us + 1;
		return;
	}
}

/* After the event was folded. */
static void take_spans(const struct reading *reading)
{
	struct timeline *timeline = reading->timeline;
	const struct event *ev = reading->ev;
	const struct model *model = timeline->model;
	bool bad = ev->kind == EVENT_STEP_DOUBTED || (ev->kind == EVENT_STEP_ENDED && str_is(text_of(reading, "state"), "failed"));

	if (ev->kind == EVENT_DOWNTIME_BEGAN)
		span_begin(timeline, SPAN_DOWN, ev->at_us);
	else if (ev->kind == EVENT_DOWNTIME_ENDED)
		span_end(timeline, SPAN_DOWN, ev->at_us);
	if (bad)
		span_begin(timeline, SPAN_FAILED, ev->at_us);
	else if (ev->kind == EVENT_STEP_BEGUN || ev->kind == EVENT_STEP_ENDED || ev->kind == EVENT_SESSION_CLOSED)
		span_end(timeline, SPAN_FAILED, ev->at_us);
	if (model->ask_count > 0)
		span_begin(timeline, SPAN_WAIT, ev->at_us);
	else
		span_end(timeline, SPAN_WAIT, ev->at_us);
}

int64_t timeline_total(const struct timeline *timeline, enum span_kind kind)
{
	int64_t us = 0;

	for (size_t i = 0; i < timeline->span_count; i++) {
		const struct span *span = &timeline->spans[i];
		int64_t to = span->to_us ? span->to_us : timeline->end_us;

		us += span->kind == kind && to > span->from_us ? to - span->from_us : 0;
	}
	return us;
}

/* --- lines --- */

static const char *state_word(enum step_state state)
{
	static const char *const all[] = {
		[STEP_PLANNED] = "", [STEP_READY] = "ready", [STEP_RUNNING] = "RUN", [STEP_DETACHED] = "away", [STEP_IN_DOUBT] = "DOUBT",
		[STEP_OK] = "ok", [STEP_WARN] = "warn", [STEP_FAILED] = "FAIL", [STEP_SKIPPED] = "skip", [STEP_DEFERRED] = "defer",
		[STEP_STALE] = "stale",
	};

	return all[state];
}

/* "16 switch writes": the number is its place in the runbook now. */
static const char *step_text(const struct reading *reading, const char *reason, const char *more)
{
	const struct model *model = reading->timeline->model;
	const struct model_step *step = model_step_find(model, reading->ev->step);
	struct buf out = { 0 };
	const char *kept;

	if (step)
		buf_printf(&out, "%ld %s", (long)(step - model->steps) + 1, step->title);
	else
		buf_puts(&out, reading->ev->step ? reading->ev->step : "");
	if (reading->ev->attempt > 1)
		buf_printf(&out, " (try %d)", reading->ev->attempt);
	buf_puts(&out, more);
	if (*reason)
		buf_printf(&out, ": %s", reason);
	kept = keep(reading->timeline, buf_text(&out), out.len);
	buf_done(&out);
	return kept;
}

/* The line of an attempt that has not ended yet, NULL when there is none. */
static struct mark *running_line(const struct reading *reading)
{
	struct timeline *timeline = reading->timeline;

	for (size_t i = timeline->count; i-- > 0;) {
		struct mark *mark = &timeline->marks[i];

		if (mark->is_step && str_is(mark->step, reading->ev->step) && mark->attempt == reading->ev->attempt)
			return mark->end_seq == 0 ? mark : NULL;
	}
	return NULL;
}

static void on_begun(const struct reading *reading)
{
	struct timeline *timeline = reading->timeline;
	bool undo = str_is(text_of(reading, "part"), "undo");
	struct mark *mark = json_bool(reading->data, "again", false) ? running_line(reading) : NULL;

	if (mark)
		return;
	mark = add(reading, MARK_STEPS | (undo ? MARK_DECISIONS : 0), state_word(STEP_RUNNING), step_text(reading, "", undo ? ", undone" : ""));
	mark->is_step = true;
	mark->state = STEP_RUNNING;
	if (!*mark->who && timeline->answered && str_is(timeline->answered, reading->ev->step))
		mark->who = keep_text(timeline, timeline->answered_by);
	mem_set(&timeline->answered, NULL);
}

static void on_ended(const struct reading *reading)
{
	struct mark *mark = running_line(reading);
	const char *reason = text_of(reading, "reason");
	enum step_state state = STEP_WARN;
	bool decided;

	if (!step_state_parse(text_of(reading, "state"), &state))
		reason = text_of(reading, "state");
	decided = state == STEP_SKIPPED || state == STEP_DEFERRED;
	if (!mark) {
		mark = add(reading, MARK_STEPS, "", "");
		mark->is_step = true;
	}
	mark->end_seq = reading->ev->seq;
	mark->end_us = reading->ev->at_us;
	mark->state = state;
	mark->word = state_word(state);
	mark->groups |= state == STEP_FAILED || state == STEP_WARN ? MARK_FAILURES : decided ? MARK_DECISIONS : 0;
	if (!*mark->text || *reason)
		mark->text = step_text(reading, reason, "");
	mark->took_us = json_int(reading->data, "took_us", -1);
	if (mark->took_us < 0 && mark->seq != mark->end_seq && reading->ev->at_us > mark->at_us)
		mark->took_us = reading->ev->at_us - mark->at_us;
}

static void on_doubted(const struct reading *reading)
{
	struct mark *mark = running_line(reading);

	if (mark) {
		mark->state = STEP_IN_DOUBT;
		mark->word = state_word(STEP_IN_DOUBT);
	}
	add(reading, MARK_FAILURES, "DOUBT", step_text(reading, text_of(reading, "reason"), ""));
}

/* Only what is more than "yes, go on" is a decision. */
static void on_answered(const struct reading *reading)
{
	struct timeline *timeline = reading->timeline;
	const struct model_ask *ask = model_ask_find(timeline->model, json_int(reading->data, "seq", 0));
	const char *value = text_of(reading, "value");
	const struct ask_type *type = ask_type_of(ask ? ask->of : NULL);
	bool plain = ask_type_is_usual(type, value) && !*text_of(reading, "why");

	/* What was approved has a line of its own. */
	plain = plain || type->who == ANSWER_SECOND;

	if (ask && str_is(ask->of, "step") && str_is(value, "go")) {
		mem_set(&timeline->answered, ask->step);
		mem_set(&timeline->answered_by, reading->ev->who);
	}
	add(reading, MARK_QUESTIONS | (plain ? 0 : MARK_DECISIONS), "CHOSE", words(reading));
}

/* What somebody wrote: a note, a pin, a lesson; and what bellbook warned of. */
static void on_note(const struct reading *reading)
{
	const struct event *ev = reading->ev;
	struct timeline *timeline = reading->timeline;
	int64_t pin = json_int(reading->data, "pin", 0), at_us = json_int(reading->data, "at_us", ev->at_us);
	const char *text = ev->bytes && ev->len > 0 ? keep(timeline, ev->bytes, ev->len)
		: ev->purged ? "(text purged)" : keep_text(timeline, text_of(reading, "text"));
	bool pinned = pin >= timeline->session && pin < ev->seq;
	struct mark mark;

	if (!pinned) {
		add(reading, ev->kind == EVENT_WARNED ? MARK_FAILURES : MARK_NOTES,
			ev->kind == EVENT_WARNED ? "WARN" : ev->kind == EVENT_LESSON ? "LESSON" : "NOTE", text);
		return;
	}
	mark = (struct mark){
		.seq = ev->seq, .order = pin, .at_us = at_us, .took_us = -1, .groups = MARK_NOTES, .kind = ev->kind, .attempt = ev->attempt,
		.word = "PIN", .text = text, .late = timeline->model->state == SESSION_CLOSED,
		.step = keep_text(timeline, ev->step), .who = keep_text(timeline, ev->who),
	};
	put_mark(timeline, &mark);
}

/* An order of the runbook is read when it is shown; what a person did by hand in between is a decision. */
static void on_call(const struct reading *reading)
{
	bool by_hand = str_is(text_of(reading, "of"), "detour");

	add(reading, MARK_COMMANDS | (by_hand ? MARK_DECISIONS : 0), by_hand ? "HAND" : "RUN", by_hand ? words(reading) : NULL);
}

typedef void mark_fn(const struct reading *reading);

static mark_fn on_simple;

struct line_form {
	mark_fn *put;
	const char *word;
	unsigned groups;
	bool lazy;		/* many of them: the text is read when it is shown */
};

static struct line_form line_of(enum event_kind kind)
{
	switch (kind) {
#define KIND(id, number, name, durability, version, about, members, words, values, fold, indexed, said, line, groups, mark, lazy, ...) \
	case EVENT_##id: \
		return (struct line_form){ line, mark, groups, lazy };
#include "journal/event/kinds.def"
	case EVENT_UNKNOWN:
		break;
	}
	return (struct line_form){ on_simple, "", MARK_OTHER, true };
}

/* A line that is what the log says, with a word before it. */
static void on_simple(const struct reading *reading)
{
	struct line_form line = line_of(reading->ev->kind);
	/* Who comes first to an empty seat decides nothing. */
	bool handed = reading->ev->kind == EVENT_WHEEL_PASSED && *text_of(reading, "from");

	add(reading, line.groups | (handed ? MARK_DECISIONS : 0), line.word, line.lazy ? NULL : words(reading));
}

static void take_line(const struct reading *reading)
{
	line_of(reading->ev->kind).put(reading);
}

void timeline_event(struct timeline *timeline, const struct event *ev)
{
	struct reading reading = { .timeline = timeline, .ev = ev };
	struct err ignored = { 0 };

	if (ev->session != timeline->session || ev->seq <= timeline->last_seq)
		return;
	timeline->last_seq = ev->seq;
	if (ev->kind_number >= EVENT_OUTPUT_FIRST || ev->kind == EVENT_CALL_OUTPUT)
		return;
	if (ev->kind == EVENT_CALL_PROGRESS) {	/* says nothing that a line of the timeline needs, and there may be many */
		add(&reading, MARK_PROGRESS, "", NULL);
		return;
	}
	reading.data = ev->data ? json_parse(ev->data, strlen(ev->data), &ignored) : NULL;
	/* An answer's line names its question, which the fold takes away. A first line needs the titles that the fold brings. */
	if (ev->kind == EVENT_SESSION_OPENED)
		model_apply(timeline->model, ev);
	take_line(&reading);
	/* The walk is over when it was closed: a note that comes later changes nothing of it. */
	if (timeline->model->state != SESSION_CLOSED || ev->kind == EVENT_SESSION_RESUMED) {
		model_apply(timeline->model, ev);
		timeline->end_us = ev->at_us > timeline->end_us ? ev->at_us : timeline->end_us;
		take_spans(&reading);
	}
	json_free(reading.data);
}

/* --- reading --- */

static bool take_event(void *arg, const struct event *ev)
{
	timeline_event(arg, ev);
	return true;
}

static bool stop_at_once(void *arg, const struct event *ev)
{
	(void)ev;
	*(bool *)arg = true;
	return false;
}

/* True when the first event behind after cannot be read. */
static bool is_bad_behind(struct store *store, int64_t session, int64_t after)
{
	struct err ignored = { 0 };
	bool got = false;

	return store_each_marker(store, session, after, stop_at_once, &got, &ignored) < 0 && !got;
}

/* The least after in (last_seq, head] behind which reading goes on, -1 when it never does. */
static int64_t behind_damage(const struct timeline *timeline, struct store *store)
{
	struct err ignored = { 0 };
	int64_t bad = timeline->last_seq, good = store_head(store, &ignored);

	if (good <= bad || is_bad_behind(store, timeline->session, good))
		return -1;
	while (good - bad > 1) {
		int64_t middle = bad + (good - bad) / 2;

		if (is_bad_behind(store, timeline->session, middle))
			bad = middle;
		else
			good = middle;
	}
	return good;
}

int timeline_read(struct timeline *timeline, struct store *store, struct err *e)
{
	while (store_each_marker(store, timeline->session, timeline->last_seq, take_event, timeline, e) < 0) {
		int64_t next = behind_damage(timeline, store);

		timeline->lost++;
		if (!timeline->damage)
			timeline->damage = mem_strdup(e->text);
		if (next < 0 || timeline->lost > 1000)
			break;
		timeline->last_seq = next;
		err_clear(e);
	}
	if (timeline->count > 0) {
		err_clear(e);
		return 0;
	}
	return timeline->damage ? err_set(e, ERR_CORRUPT, "nothing of session %lld can be read: %s", (long long)timeline->session, timeline->damage)
		: err_set(e, ERR_NOTFOUND, "the journal %s has no session %lld; bellbook sessions lists them", store_path(store), (long long)timeline->session);
}

struct telling {
	const struct timeline *timeline;
	struct buf *out;
};

static bool tell_event(void *arg, const struct event *ev)
{
	const struct telling *telling = arg;
	struct err ignored = { 0 };
	struct json *data = ev->data ? json_parse(ev->data, strlen(ev->data), &ignored) : NULL;
	struct buf raw = { 0 };

	export_words(&raw, telling->timeline->model, ev, data);
	utf8_safe(telling->out, buf_text(&raw), raw.len, false);
	buf_done(&raw);
	json_free(data);
	return false;
}

void timeline_text(const struct timeline *timeline, struct store *store, const struct mark *mark, struct buf *out)
{
	struct telling telling = { timeline, out };
	struct err e = { 0 };

	if (mark->text) {
		buf_puts(out, mark->text);
		return;
	}
	if (!store)
		return;
	if (store_each(store, (struct store_range){ .session = timeline->session, .after = mark->seq - 1, .limit = 1 }, tell_event, &telling, &e) < 0)
		utf8_safe(out, e.text, strlen(e.text), false);
}

/* --- questions --- */

struct searching {
	const struct timeline *timeline;
	int64_t found;
};

static bool is_same_runbook(void *arg, const struct store_session *row)
{
	struct searching *searching = arg;
	const struct model *model = searching->timeline->model;
	struct err ignored = { 0 };
	struct json *opened;

	if (row->session >= searching->timeline->session || !row->opened)
		return true;
	opened = json_parse(row->opened, strlen(row->opened), &ignored);
	if (str_is(json_text(json_at(opened, "runbook"), "id", ""), model->runbook) && (model->dry_run || !json_bool(opened, "dry_run", false)))
		searching->found = row->session;
	json_free(opened);
	return searching->found == 0;
}

int64_t timeline_before(const struct timeline *timeline, struct store *store, struct err *e)
{
	struct searching searching = { timeline, 0 };

	if (!timeline->model->runbook || !*timeline->model->runbook)
		return 0;
	return store_sessions(store, false, 0, is_same_runbook, &searching, e) < 0 ? -1 : searching.found;
}

size_t timeline_steps(const struct timeline *timeline, enum step_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < timeline->model->step_count; i++)
		n += timeline->model->steps[i].state == state;
	return n;
}

void timeline_people(const struct timeline *timeline, struct buf *out)
{
	struct buf seen = { 0 };

	for (size_t i = 0; i < timeline->count; i++) {
		char *key = mem_printf("\n%s\n", timeline->marks[i].who);

		if (*timeline->marks[i].who && !strstr(buf_text(&seen), key)) {
			buf_printf(out, "%s%s", seen.len > 0 ? ", " : "", timeline->marks[i].who);
			buf_puts(&seen, key);
		}
		mem_free(key);
	}
	buf_done(&seen);
}
