/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One page that needs nothing but itself. Everything in it that came from elsewhere is text: made safe as for a terminal, then escaped, so that
 * neither a tag nor a bidi mark of a server's output means anything. The policy in its head forbids scripts, pictures, frames and every request
 * whatever else happens; the only style allowed is the one whose digest it names.
 */
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/line.h"
#include "base/sha256.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/export/export_int.h"

#include "export_css.h"

#define HEAD_BYTES ((size_t)256 << 10)	/* of a call's output that the page has from its beginning … */
#define TAIL_BYTES ((size_t)64 << 10)	/* … and from its end */

struct output {			/* of one call that has not ended; strings owned */
	char *step, *call;
	int attempt;
	struct buf head, tail;
	int64_t left_out, lines;
};

struct html_state {
	struct buf record;	/* the list, HTML already */
	struct output *outputs;	/* owned */
	size_t count;
	char date[TIME_TEXT];
	char hash[2 * SHA256_LEN + 1];
	bool open;		/* a list is open */
};

static void html(struct buf *out, const char *text, size_t len, bool keep_lines)
{
	struct buf safe = { 0 };

	utf8_safe(&safe, text, len, keep_lines);
	for (size_t i = 0; i < safe.len; i++) {
		char c = safe.data[i];

		if (c == '<')
			buf_puts(out, "&lt;");
		else if (c == '>')
			buf_puts(out, "&gt;");
		else if (c == '&')
			buf_puts(out, "&amp;");
		else if (c == '"')
			buf_puts(out, "&quot;");
		else if (c == '\'')
			buf_puts(out, "&#39;");
		else
			buf_putc(out, c);
	}
	buf_done(&safe);
}

static void html_text(struct buf *out, const char *text)
{
	html(out, text ? text : "", text ? strlen(text) : 0, false);
}

static void *html_start(void)
{
	return mem_alloc(sizeof(struct html_state));
}

/* --- outputs --- */

static struct output *output_of(struct html_state *me, const struct event *ev, bool make)
{
	struct output *one;

	for (size_t i = 0; i < me->count; i++) {
		one = &me->outputs[i];
		if (one->attempt == ev->attempt && str_is(one->call, ev->call ? ev->call : "") && str_is(one->step, ev->step ? ev->step : ""))
			return one;
	}
	if (!make)
		return NULL;
	me->outputs = mem_more(me->outputs, me->count, sizeof(*one));
	one = &me->outputs[me->count++];
	*one = (struct output){ .attempt = ev->attempt };
	mem_set(&one->step, ev->step ? ev->step : "");
	mem_set(&one->call, ev->call ? ev->call : "");
	return one;
}

static void output_done(struct output *one)
{
	mem_free(one->step);
	mem_free(one->call);
	buf_done(&one->head);
	buf_done(&one->tail);
}

static void take_output(struct html_state *me, const struct event *ev, const struct json *data)
{
	struct output *one = output_of(me, ev, true);
	const char *bytes = ev->bytes ? ev->bytes : "";
	size_t len = ev->bytes ? ev->len : 0, fits = HEAD_BYTES - one->head.len;

	one->left_out += json_int(data, "dropped", 0);
	for (size_t i = 0; i < len; i++)
		one->lines += bytes[i] == '\n';
	if (ev->purged)
		buf_puts(&one->head, "(output purged)\n");
	fits = one->head.len >= HEAD_BYTES ? 0 : len < fits ? len : fits;
	buf_append(&one->head, bytes, fits);
	buf_append(&one->tail, bytes + fits, len - fits);
	if (one->tail.len > 2 * TAIL_BYTES) {
		one->left_out += (int64_t)(one->tail.len - TAIL_BYTES);
		buf_consume(&one->tail, one->tail.len - TAIL_BYTES);
	}
}

static void put_part(struct buf *out, const struct buf *part)
{
	struct buf plain = { 0 };

	line_words(&plain, buf_text(part), part->len, true);
	html(out, buf_text(&plain), plain.len, true);
	buf_done(&plain);
}

/* What a call printed, folded away; short ones stand open. */
static void put_output(struct html_state *me, const struct output *one)
{
	struct buf *out = &me->record;

	if (!one->head.len && !one->left_out)
		return;
	buf_printf(out, "<details%s><summary>output, %lld line%s</summary><pre>", one->lines <= 3 ? " open" : "", (long long)one->lines, one->lines == 1 ? "" : "s");
	put_part(out, &one->head);
	if (one->left_out)
		buf_printf(out, "\n… %lld bytes are not in this page; bellbook log has what was kept …\n", (long long)one->left_out);
	put_part(out, &one->tail);
	buf_puts(out, "</pre></details>");
}

static void end_output(struct html_state *me, const struct event *ev)
{
	struct output *one = output_of(me, ev, false);

	if (!one)
		return;
	put_output(me, one);
	output_done(one);
	*one = me->outputs[--me->count];
}

/* --- the record --- */

static void close_list(struct html_state *me)
{
	buf_puts(&me->record, me->open ? "</ol>\n" : "");
	me->open = false;
}

static void open_list(struct html_state *me, int64_t at_us)
{
	struct buf date = { 0 };

	export_date(&date, at_us);
	if (!str_is(buf_text(&date), me->date)) {
		close_list(me);
		buf_printf(&me->record, "<h3>%s (UTC)</h3>\n", buf_text(&date));
		str_copy(me->date, sizeof(me->date), buf_text(&date));
	}
	buf_done(&date);
	buf_puts(&me->record, me->open ? "" : "<ol>\n");
	me->open = true;
}

/* How an event is coloured; the words say it too. */
static const char *class_of(const struct model *model, const struct event *ev, const struct json *data)
{
	const char *state = json_text(data, ev->kind == EVENT_CALL_ENDED || ev->kind == EVENT_SESSION_CLOSED ? "outcome" : "state", "");

	if (ev->kind == EVENT_STEP_DOUBTED || ev->kind == EVENT_HOLD_BROKEN || ev->kind == EVENT_JOURNAL_GAP || ev->kind == EVENT_WORKER_LOST)
		return "bad";
	if (ev->kind == EVENT_WARNED || ev->kind == EVENT_DOWNTIME_BEGAN)
		return "warn";
	if (ev->kind != EVENT_STEP_ENDED && ev->kind != EVENT_CALL_ENDED && ev->kind != EVENT_SESSION_CLOSED)
		return "";
	if (ev->kind == EVENT_SESSION_CLOSED && str_is(state, "ok") && model_left_out(model))
		return "warn";
	if (ev->kind == EVENT_STEP_ENDED && (str_is(state, "deferred") || (str_is(state, "skipped") && !str_is(ev->who, "bellbook"))))
		return "warn";
	if (str_is(state, "ok"))
		return "good";
	return str_is(state, "failed") || str_is(state, "unknown") ? "bad" : str_is(state, "warn") ? "warn" : "";
}

static void put_words(struct buf *out, const struct model *model, const struct event *ev, const struct json *data)
{
	const char *class = class_of(model, ev, data);
	struct buf words = { 0 };

	export_words(&words, model, ev, data);
	buf_printf(out, "<span%s%s%s>", *class ? " class=\"" : "", class, *class ? "\"" : "");
	for (size_t i = 0; i < words.len;) {
		const char *end = memchr(words.data + i, '\n', words.len - i);
		size_t len = end ? (size_t)(end - words.data) - i : words.len - i;

		html(out, words.data + i, len, false);
		i += len + 1;
		buf_puts(out, i < words.len ? "<br>" : "");
	}
	buf_puts(out, "</span>");
	buf_done(&words);
}

static void step_heading(struct html_state *me, const struct model *model, const struct event *ev)
{
	const struct model_step *step = model_step_find(model, ev->step);
	struct buf *out = &me->record;

	close_list(me);
	buf_printf(out, "<h3 id=\"e%lld\">", (long long)ev->seq);
	html_text(out, ev->step);
	buf_puts(out, step ? ": " : "");
	html_text(out, step ? step->title : "");
	buf_puts(out, "</h3>\n");
	if (step && step->why[0]) {
		buf_puts(out, "<p class=\"note\">");
		html_text(out, step->why);
		buf_puts(out, "</p>\n");
	}
}

static void html_event(void *state, struct buf *out, const struct model *model, const struct event *ev, const struct json *data)
{
	static const unsigned char none[SHA256_LEN];
	struct html_state *me = state;
	char clock[TIME_TEXT];
	struct buf hex = { 0 };

	(void)out;
	if (memcmp(ev->hash, none, sizeof(none)) != 0) {
		str_hex(&hex, ev->hash, sizeof(ev->hash));
		str_copy(me->hash, sizeof(me->hash), buf_text(&hex));
		buf_done(&hex);
	}
	if (ev->kind == EVENT_CALL_OUTPUT) {
		take_output(me, ev, data);
		return;
	}
	if (ev->kind == EVENT_CALL_PROGRESS)
		return;
	if (ev->kind == EVENT_STEP_ENTERED)
		step_heading(me, model, ev);
	open_list(me, ev->at_us);
	buf_printf(&me->record, "<li id=\"e%lld%s\"><time>%s</time> ", (long long)ev->seq, ev->kind == EVENT_STEP_ENTERED ? "b" : "",
		   time_format_clock(ev->at_us, clock));
	if (ev->who && *ev->who && !str_is(ev->who, "bellbook")) {
		buf_puts(&me->record, "<span class=\"who\">");
		html_text(&me->record, ev->who);
		buf_puts(&me->record, ":</span> ");
	}
	put_words(&me->record, model, ev, data);
	if (ev->kind == EVENT_CALL_ENDED)
		end_output(me, ev);
	buf_puts(&me->record, "</li>\n");
}

/* --- the page --- */

static void put_head(struct buf *out, const struct model *model)
{
	unsigned char digest[SHA256_LEN];

	sha256_of(export_css, sizeof(export_css) - 1, digest);
	buf_puts(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;; style-src &#39;sha256-");
	str_base64(out, digest, sizeof(digest));
	buf_puts(out, "&#39;; base-uri &#39;none&#39;; form-action &#39;none&#39;\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		      "<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
	html_text(out, model->title[0] ? model->title : model->runbook);
	buf_printf(out, " (session %lld)</title>\n<style>%s</style>\n</head>\n<body>\n<h1>", (long long)model->session, export_css);
	html_text(out, model->title[0] ? model->title : model->runbook);
	buf_puts(out, "</h1>\n");
}

static void fact(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, "<tr><th scope=\"row\">%s</th><td>", name);
	html_text(out, text);
	buf_puts(out, "</td></tr>\n");
}

static void put_facts(struct buf *out, const struct model *model)
{
	int64_t end = model->closed_us ? model->closed_us : model->last_us;
	char time[TIME_TEXT], span[TIME_TEXT];
	struct buf line = { 0 };

	buf_puts(out, "<div class=\"wide\"><table>\n");
	fact(out, "Runbook", model->runbook);
	if (model->fleet[0])
		fact(out, "Fleet", model->fleet);
	buf_printf(&line, "%s by %s%s", time_format(model->opened_us, time), model->who, model->dry_run ? ", a dry run: nothing was changed" : "");
	fact(out, "Opened", buf_text(&line));
	buf_clear(&line);
	buf_printf(&line, "%s: %s", time_format(model->closed_us, time), model->outcome);
	model_left_out_words(model, &line);
	fact(out, "Closed", model->closed_us ? buf_text(&line) : "not yet");
	fact(out, "Lasted", time_format_span(end > model->opened_us ? end - model->opened_us : 0, span));
	fact(out, "Downtime", model->down_since_us ? "not over" : model->down_total_us ? time_format_span(model->down_total_us, span) : "none");
	buf_clear(&line);
	buf_printf(&line, "failed attempts: %lld, warnings: %lld, notes: %lld", (long long)model->failures, (long long)model->warnings, (long long)model->notes);
	fact(out, "Trouble", buf_text(&line));
	buf_puts(out, "</table></div>\n");
	if (model->gap)
		buf_puts(out, "<p class=\"bad\">This record has a hole: it does not begin at its beginning, or calls are missing.</p>\n");
	buf_done(&line);
}

static const char *state_class(const struct model_step *step)
{
	enum step_state state = step->state;

	return state == STEP_OK ? "good" : state == STEP_FAILED || state == STEP_IN_DOUBT ? "bad" : state == STEP_WARN || model_step_is_left_out(step) ? "warn" : "";
}

static void put_steps(struct buf *out, const struct model *model)
{
	char took[TIME_TEXT], waited[TIME_TEXT];
	struct buf state = { 0 };

	buf_puts(out, "<h2>Steps</h2>\n<div class=\"wide\"><table>\n<tr><th>#</th><th>Step</th><th>State</th><th>Took</th><th>Waited for people</th><th>Reason</th></tr>\n");
	for (size_t i = 0; i < model->step_count; i++) {
		const struct model_step *step = &model->steps[i];

		buf_printf(out, "<tr><td>%zu</td><td>", i + 1);
		html_text(out, step->title);
		buf_printf(out, "</td><td class=\"%s\">", state_class(step));
		buf_clear(&state);
		model_step_words(step, &state);
		html_text(out, buf_text(&state));
		buf_printf(out, "%s</td><td>%s</td><td>%s</td><td>", step->attempt > 1 ? ", again" : "", step->took_us ? time_format_span(step->took_us, took) : "-",
			   step->waited_us ? time_format_span(step->waited_us, waited) : "-");
		html_text(out, step->reason);
		buf_puts(out, "</td></tr>\n");
	}
	buf_puts(out, "</table></div>\n");
	buf_done(&state);
}

static void put_settings(struct buf *out, const struct json *params)
{
	struct json *value;
	const char *name;
	void *it = NULL;

	if (!json_count(params))
		return;
	buf_puts(out, "<h2>Settings</h2>\n<div class=\"wide\"><table>\n");
	while ((name = json_next(params, &it, &value))) {
		struct buf printed = { 0 };

		export_value(&printed, value);
		buf_puts(out, "<tr><th scope=\"row\">");
		html_text(out, name);
		buf_puts(out, "</th><td>");
		html_text(out, buf_text(&printed));
		buf_puts(out, "</td></tr>\n");
		buf_done(&printed);
	}
	buf_puts(out, "</table></div>\n");
}

static void html_finish(void *state, struct buf *out, const struct model *model)
{
	struct html_state *me = state;

	for (size_t i = 0; i < me->count; i++) {
		open_list(me, model->last_us);
		buf_puts(&me->record, "<li>");
		html_text(&me->record, me->outputs[i].step);
		buf_puts(&me->record, ", call ");
		html_text(&me->record, me->outputs[i].call);
		buf_puts(&me->record, " had not ended when the record ends");
		put_output(me, &me->outputs[i]);
		buf_puts(&me->record, "</li>\n");
	}
	close_list(me);
	put_head(out, model);
	put_facts(out, model);
	put_steps(out, model);
	put_settings(out, model->params);
	buf_puts(out, "<h2>Record</h2>\n");
	buf_append(out, buf_text(&me->record), me->record.len);
	buf_printf(out, "<footer><p>Session %lld of a bellbook journal, events up to %lld%s%s. Times are UTC.</p></footer>\n</body>\n</html>\n",
		   (long long)model->session, (long long)model->last_seq, me->hash[0] ? ", last hash " : "", me->hash);
}

static void html_drop(void *state)
{
	struct html_state *me = state;

	for (size_t i = 0; i < me->count; i++)
		output_done(&me->outputs[i]);
	mem_free(me->outputs);
	buf_done(&me->record);
	mem_free(me);
}

const struct export_writer export_html_writer = {
	.start = html_start,
	.event = html_event,
	.finish = html_finish,
	.drop = html_drop,
};
