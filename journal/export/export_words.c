/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <string.h>

#include "base/line.h"
#include "base/mem.h"
#include "base/shown.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/export/export_int.h"

struct said {		/* what a function below needs */
	struct buf *out;
	const struct model *model;
	const struct event *ev;
	const struct json *data;
};

typedef void words_fn(const struct said *said);

static const char *text(const struct said *said, const char *key)
{
	return json_text(said->data, key, "");
}

/* Appends before and the member, when it is there. */
static void also(const struct said *said, const char *before, const char *key)
{
	const char *value = text(said, key);

	if (!value[0])
		return;
	buf_puts(said->out, before);
	line_words(said->out, value, strlen(value), true);
}

void export_value(struct buf *out, const struct json *value)
{
	const char *plain = json_as_text(value);
	const char *secret = json_text(value, "$secret", NULL);
	char *printed = plain || secret ? NULL : json_print(value);

	if (secret)
		buf_printf(out, "[secret %s]", secret);
	else
		buf_puts(out, plain ? plain : printed);
	mem_free(printed);
}

static void payload(const struct said *said, const char *before)
{
	if (said->ev->purged)
		buf_printf(said->out, "%s(text purged)", before);
	if (!said->ev->bytes || said->ev->len == 0)
		return;
	buf_puts(said->out, before);
	line_words(said->out, said->ev->bytes, said->ev->len, true);
}

static void span(const struct said *said, const char *before)
{
	char room[TIME_TEXT];
	int64_t us = json_int(said->data, "took_us", -1);

	if (us >= 0)
		buf_printf(said->out, "%s%s", before, time_format_span(us, room));
}

static void call_name(const struct said *said)
{
	const struct event *ev = said->ev;

	buf_printf(said->out, "call %s", ev->call && ev->call[0] ? ev->call : "?");
	if (ev->host && ev->host[0])
		buf_printf(said->out, " on %s", ev->host);
}

static void say_opened(const struct said *said)
{
	const struct json *runbook = json_at(said->data, "runbook");
	const char *fleet = json_text(json_at(said->data, "fleet"), "name", "");

	buf_printf(said->out, "opened \"%s\" (%s), %zu steps", json_text(runbook, "title", ""),
		   json_text(runbook, "id", "?"), json_count(json_at(said->data, "steps")));
	if (fleet[0])
		buf_printf(said->out, ", fleet %s", fleet);
	if (json_bool(said->data, "dry_run", false))
		buf_puts(said->out, ", dry run: nothing is changed");
}

static void say_resumed(const struct said *said)
{
	buf_puts(said->out, "resumed");
	also(said, ": ", "reason");
}

static void say_closed(const struct said *said)
{
	buf_printf(said->out, "closed: %s", text(said, "outcome"));
	model_left_out_words(said->model, said->out);
	also(said, ", ", "reason");
}

static void say_paused(const struct said *said)
{
	buf_puts(said->out, "paused");
	also(said, ": ", "why");
	also(said, ": ", "reason");
}

static void say_continued(const struct said *said)
{
	buf_puts(said->out, "continued");
	also(said, ": ", "why");
	also(said, ": ", "reason");
}

static void say_changed(const struct said *said)
{
	if (str_is(text(said, "change"), "fleet")) {
		buf_puts(said->out, "the fleet file changed, accepted");
		return;
	}
	buf_printf(said->out, "the runbook changed: step %s %s, %s", text(said, "step"), text(said, "change"),
		   json_bool(said->data, "accepted", false) ? "accepted" : "not accepted");
}

static void say_param(const struct said *said)
{
	buf_printf(said->out, "%s = ", text(said, "name"));
	export_value(said->out, json_at(said->data, "value"));
	also(said, ", ", "source");
}

static void say_entered(const struct said *said)
{
	const struct model_step *step = model_step_find(said->model, said->ev->step);
	int64_t index = json_int(said->data, "index", 0);

	if (json_bool(said->data, "back", false))
		buf_puts(said->out, "goes back to ");
	if (index > 0)
		buf_printf(said->out, "step %lld of %lld: ", (long long)index,
			   (long long)json_int(said->data, "total", 0));
	buf_puts(said->out, step ? step->title : "entered");
	also(said, ", because ", "why");
}

static void say_begun(const struct said *said)
{
	const char *part = text(said, "part");

	buf_puts(said->out, json_bool(said->data, "again", false) ? "goes on" : "begun");
	if (part[0] && !str_is(part, "run"))
		buf_printf(said->out, " (%s)", part);
	if (said->ev->attempt > 1)
		buf_printf(said->out, ", attempt %d", said->ev->attempt);
}

static void say_ended(const struct said *said)
{
	if (json_bool(said->data, "already", false)) {
		buf_puts(said->out, "already done");
		also(said, ": ", "reason");
		return;
	}
	buf_puts(said->out, text(said, "state"));
	span(said, " after ");
	also(said, ": ", "reason");
	also(said, ", owner ", "owner");
	also(said, ", due ", "due");
}

static void say_doubted(const struct said *said)
{
	buf_puts(said->out, "IN DOUBT");
	also(said, ": ", "reason");
}

static void say_call_begun(const struct said *said)
{
	call_name(said);
	also(said, " as ", "as");
	shown_where(said->out, json_at(said->data, "args"));
	if (str_is(text(said, "of"), "detour"))
		buf_puts(said->out, " by hand");
	buf_printf(said->out, ": %s", json_text(said->data, "shown", text(said, "action")));
}

static void say_call_ended(const struct said *said)
{
	int64_t code = json_int(said->data, "exit", -1);
	int64_t signo = json_int(said->data, "signal", 0);

	call_name(said);
	/* A call is ok when its outcome is known: another status than 0 is the runbook's to judge. */
	if (code > 0 && str_is(text(said, "outcome"), "ok"))
		buf_printf(said->out, " ended with exit status %lld", (long long)code);
	else if (code > 0)
		buf_printf(said->out, " %s, exit status %lld", text(said, "outcome"), (long long)code);
	else
		buf_printf(said->out, " %s", text(said, "outcome"));
	if (signo > 0)
		buf_printf(said->out, ", signal %lld", (long long)signo);
	also(said, ", signal ", "signal");
	if (*text(said, "by")) {
		/* It was in doubt, and this is what a person says became of it. */
		also(said, ", says ", "by");
		also(said, ": ", "why");
		return;
	}
	span(said, " after ");
	also(said, ": ", "error");
}

static void say_settled(const struct said *said)
{
	static const struct {
		const char *how, *words;
	} all[] = {
		{ "never", "it never started" },
		{ "running", "it is still running" },
		{ "finished", "it finished while nobody watched" },
		{ "unknown", "nobody can tell what became of it" },
		{ "again", "what it printed so far does not count" },
		{ "rerun", "it did not run, and is begun anew" },
	};
	const char *words = text(said, "how");

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (str_is(words, all[i].how)) {
			words = all[i].words;
			break;
		}
	}
	call_name(said);
	buf_printf(said->out, ": %s", words);
	also(said, ", says ", "by");
	also(said, ": ", "text");
}

static void say_progress(const struct said *said)
{
	double percent = json_as_real(json_at(said->data, "percent"), -1);
	double done = json_as_real(json_at(said->data, "done"), -1);
	double total = json_as_real(json_at(said->data, "total"), -1);

	if (said->ev->call && *said->ev->call)
		call_name(said);
	else
		buf_puts(said->out, "meter");
	buf_puts(said->out, ":");
	if (json_bool(said->data, "stalled", false))
		buf_puts(said->out, " no progress");
	also(said, " ", "text");
	if (percent >= 0)
		buf_printf(said->out, " %.0f %%", percent);
	if (done >= 0)
		buf_printf(said->out, " %.15g", done);
	if (done >= 0 && total >= 0)
		buf_printf(said->out, " of %.15g", total);
	also(said, " ", "unit");
}

static void say_link(const struct said *said)
{
	const char *host = said->ev->host;

	buf_printf(said->out, "connection%s%s: %s", host && host[0] ? " to " : "", host ? host : "",
		   text(said, "state"));
	also(said, ", ", "text");
}

static void say_fact(const struct said *said)
{
	char *fact = json_print(json_at(said->data, "fact"));

	buf_printf(said->out, "fact %lld of the call: %s", (long long)json_int(said->data, "count", 0), fact);
	mem_free(fact);
}

static void say_worker(const struct said *said)
{
	buf_printf(said->out, "the worker (process %lld) died; %zu calls in doubt",
		   (long long)json_int(said->data, "pid", 0), json_count(json_at(said->data, "calls")));
}

static void say_asked(const struct said *said)
{
	buf_printf(said->out, "asks (%s): ", text(said, "of"));
	buf_puts(said->out, text(said, "text"));
}

static void say_answered(const struct said *said)
{
	const struct model_ask *ask = model_ask_find(said->model, json_int(said->data, "seq", 0));
	const struct json *value = json_at(said->data, "value");

	buf_puts(said->out, "answers");
	if (value) {
		buf_putc(said->out, ' ');
		export_value(said->out, value);
	}
	also(said, ", because ", "why");
	also(said, str_is(text(said, "value"), "other") ? ", done by " : str_is(text(said, "value"), "wait") ? " for " : ", owner ", "owner");
	also(said, ", due ", "due");
	if (ask)
		buf_printf(said->out, " (to: %s)", ask->text[0] ? ask->text : ask->of);
}

static void say_withdrawn(const struct said *said)
{
	buf_puts(said->out, "question withdrawn");
	also(said, ": ", "reason");
}

static void say_approval(const struct said *said)
{
	buf_puts(said->out, said->ev->kind == EVENT_APPROVAL_GIVEN ? "approval given" : said->ev->kind == EVENT_APPROVAL_VOIDED ? "approval VOID" : "approval asked");
	also(said, " for ", "step");
	also(said, " by ", "by");
	if (json_bool(said->data, "waiver", false))
		buf_puts(said->out, ", ALONE, by waiver");
	also(said, ": ", "why");
	also(said, ": ", "reason");
	also(said, ", hash ", "hash");
}

static void say_guest(const struct said *said)
{
	char until[TIME_TEXT];

	buf_puts(said->out, said->ev->kind == EVENT_INVITED ? "invites" : "sends away");
	also(said, " ", "to");
	if (said->ev->kind == EVENT_INVITED)
		buf_printf(said->out, " as a guest until %s", time_format(json_int(said->data, "until_us", 0), until));
	also(said, ": ", "why");
}

static void say_note(const struct said *said)
{
	buf_puts(said->out, said->ev->kind == EVENT_SAID ? "says: " :
		 said->ev->kind == EVENT_LESSON ? "lesson: " : "note: ");
	also(said, "", "text");
	payload(said, "");
}

static void say_joined(const struct said *said)
{
	buf_puts(said->out, "joined");
	also(said, " as ", "role");
	also(said, ", view ", "view");
}

static void say_left(const struct said *said)
{
	buf_puts(said->out, "left");
	also(said, ": ", "reason");
}

static void say_wheel(const struct said *said)
{
	buf_puts(said->out, "the wheel passes");
	also(said, " from ", "from");
	also(said, " to ", "to");
	also(said, ", ", "how");
	also(said, ": ", "why");
}

static void say_warned(const struct said *said)
{
	buf_puts(said->out, "WARNING: ");
	also(said, "", "text");
	payload(said, "");
}

static void say_downtime(const struct said *said)
{
	buf_puts(said->out, said->ev->kind == EVENT_DOWNTIME_BEGAN ? "downtime begins" : "downtime ends");
}

/* False when it names none: an older one. */
static bool say_causes(const struct said *said)
{
	const struct json *causes = json_at(said->data, "causes");

	for (size_t i = 0; i < json_count(causes); i++) {
		const char *text = json_text(json_item(causes, i), "text", "");

		buf_puts(said->out, i ? ", " : "; ");
		utf8_safe(said->out, text, strlen(text), false);
		if (json_count(causes) > 1)
			buf_printf(said->out, " (%lld)", (long long)json_int(json_item(causes, i), "count", 0));
	}
	return json_count(causes) > 0;
}

static void say_counted(const struct said *said)
{
	static const struct { const char *key, *words; } counts[] = {
		{ "answered", "answered" }, { "refused", "REFUSED" }, { "odd", "answered otherwise" }, { "unseen", "not seen" }, { "waited", "waited for" },
	};
	char from[TIME_TEXT], to[TIME_TEXT], span[TIME_TEXT];

	buf_printf(said->out, "from outside, %s to %s: asked %lld", time_format_clock(json_int(said->data, "from_us", 0), from),
		   time_format_clock(json_int(said->data, "to_us", 0), to), (long long)json_int(said->data, "asked", 0));
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		if (json_int(said->data, counts[i].key, 0) > 0)
			buf_printf(said->out, ", %s %lld", counts[i].words, (long long)json_int(said->data, counts[i].key, 0));
	if (json_int(said->data, "longest_us", 0) > 0)
		buf_printf(said->out, "; the longest took %s", time_format_span(json_int(said->data, "longest_us", 0), span));
	if (str_is(json_text(said->data, "state", ""), "waits"))
		buf_puts(said->out, "; answers are WAITED for");
	if (!say_causes(said))
		also(said, "; ", "words");
}

static void say_outside(const struct said *said)
{
	const struct json *asks = json_at(said->data, "asks");

	if (said->ev->kind == EVENT_OUTSIDE_ENDED) {
		buf_puts(said->out, "the site is asked from outside no longer");
		also(said, ": ", "reason");
		return;
	}
	buf_puts(said->out, "the site is asked from outside from here on");
	for (size_t i = 0; i < json_count(asks); i++) {
		const char *ask = json_as_text(json_item(asks, i));

		buf_puts(said->out, i ? ", " : ": ");
		utf8_safe(said->out, ask ? ask : "", ask ? strlen(ask) : 0, false);
	}
	also(said, "; not proved: ", "unproven");
}

static void say_deferred(const struct said *said)
{
	buf_puts(said->out, "is a debt now");
	also(said, ": ", "reason");
	also(said, ", owner ", "owner");
	also(said, ", due ", "due");
}

static void say_gap(const struct said *said)
{
	char from[TIME_TEXT], to[TIME_TEXT];

	buf_printf(said->out, "NOT RECORDED: %s to %s, %lld bytes",
		   time_format(json_int(said->data, "from_us", 0), from),
		   time_format(json_int(said->data, "to_us", 0), to),
		   (long long)json_int(said->data, "bytes", 0));
	also(said, ": ", "reason");
}

/* Kinds without a sentence of their own, unknown ones too: raw. */
static void say_raw(const struct said *said)
{
	const struct event *ev = said->ev;

	if (ev->kind == EVENT_UNKNOWN)
		buf_printf(said->out, "event of an unknown kind (%d)", ev->kind_number);
	else
		buf_puts(said->out, event_type_of(ev->kind)->name);
	if (json_count(said->data) > 0) {
		buf_putc(said->out, ' ');
		export_value(said->out, said->data);
	}
	payload(said, " ");
}

static words_fn *words_of(enum event_kind kind)
{
	switch (kind) {
#define KIND(id, number, name, durability, version, about, members, words, values, fold, indexed, said, ...) \
	case EVENT_##id: \
		return said;
#include "journal/event/kinds.def"
	case EVENT_UNKNOWN:
		break;
	}
	return say_raw;
}

void export_words(struct buf *out, const struct model *model, const struct event *ev, const struct json *data)
{
	struct said said = { .out = out, .model = model, .ev = ev, .data = data };

	words_of(ev->kind)(&said);
}
