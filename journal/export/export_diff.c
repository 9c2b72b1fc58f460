/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/plain.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/export/export.h"
#include "journal/export/export_int.h"
#include "journal/export/export_md.h"

#define SAID_BYTES ((size_t)16 << 10)	/* of each call's output that are compared */
#define SHOWN_BYTES ((size_t)200)	/* of a line that differs */

struct said {		/* what a call of a step's last attempt printed; strings owned */
	char *step, *call, *host;
	int attempt;
	struct buf text;	/* plain, whole lines */
	int64_t lines;		/* all that there were */
};

struct side {
	struct model *model;		/* owned */
	struct export_lines *lines;	/* owned */
	struct said *said;		/* owned */
	size_t count;
};

/* --- one session --- */

static struct said *said_find(const struct side *side, const char *step, const char *call)
{
	for (size_t i = 0; i < side->count; i++)
		if (str_is(side->said[i].call, call) && str_is(side->said[i].step, step))
			return &side->said[i];
	return NULL;
}

static struct said *said_of(struct side *side, const struct export_line *line)
{
	struct said *said = said_find(side, line->step, line->call);

	if (said)
		return said;
	side->said = mem_more(side->said, side->count, sizeof(*said));
	said = &side->said[side->count++];
	*said = (struct said){ .attempt = line->attempt };
	mem_set(&said->step, line->step);
	mem_set(&said->call, line->call);
	mem_set(&said->host, line->host);
	return said;
}

static void take_line(void *arg, const struct export_line *line)
{
	struct said *said = said_of(arg, line);

	if (line->attempt > said->attempt) {	/* what counts is how it came out in the end */
		said->attempt = line->attempt;
		said->lines = 0;
		buf_clear(&said->text);
	}
	said->lines++;
	if (line->attempt < said->attempt || said->text.len >= SAID_BYTES)
		return;
	plain_text(&said->text, line->text, line->len);
	buf_putc(&said->text, '\n');
}

static void side_done(struct side *side)
{
	for (size_t i = 0; i < side->count; i++) {
		mem_free(side->said[i].step);
		mem_free(side->said[i].call);
		mem_free(side->said[i].host);
		buf_done(&side->said[i].text);
	}
	mem_free(side->said);
	export_lines_free(side->lines);
	model_free(side->model);
}

static void take_event(struct side *side, const struct event *ev)
{
	struct err ignored = { 0 };
	struct json *data = NULL;

	if (ev->kind == EVENT_CALL_OUTPUT && ev->len) {
		data = ev->data ? json_parse(ev->data, strlen(ev->data), &ignored) : NULL;
		if (!str_is(json_text(data, "stream", ""), "pty"))	/* a screen is no text */
			export_lines_feed(side->lines, ev, data);
		json_free(data);
	}
	model_apply(side->model, ev);
}

static int read_side(struct side *side, const char *journal, int64_t session, struct err *e)
{
	struct feed *feed = feed_stored(journal, session, 0, e);
	const struct json *reply;
	struct event ev = { 0 };
	enum feed_item item = FEED_EVENT;

	if (!feed)
		return -1;
	side->model = model_new();
	side->lines = export_lines_new(take_line, side);
	while ((item = feed_next(feed, &ev, &reply, e)) == FEED_EVENT)
		take_event(side, &ev);
	export_lines_flush(side->lines);
	feed_close(feed);
	if (item == FEED_ERROR)
		return -1;
	return side->model->session ? 0 : err_set(e, ERR_NOTFOUND, "session %lld is not in the journal %s", (long long)session, journal);
}

/* --- two of them --- */

static struct json *session_json(const struct model *model)
{
	int64_t end = model->closed_us ? model->closed_us : model->last_us;
	struct json *out = json_new_object();
	char at[TIME_TEXT];

	json_set_int(out, "session", model->session);
	json_set_text(out, "runbook", model->runbook);
	json_set_text(out, "title", model->title);
	json_set_text(out, "who", model->who);
	json_set_text(out, "opened", time_format(model->opened_us, at));
	json_set_text(out, "state", model->closed_us ? model->outcome : "open");
	json_set_bool(out, "dry_run", model->dry_run);
	json_set_int(out, "took_us", end > model->opened_us ? end - model->opened_us : 0);
	json_set_int(out, "down_us", model_down_us(model, model->last_us));
	return out;
}

static void add_param(struct json *list, const char *name, const struct json *a, const struct json *b)
{
	struct json *one = json_new_object();

	json_set_text(one, "name", name);
	if (a)
		json_put(one, "a", json_copy_of(a));
	if (b)
		json_put(one, "b", json_copy_of(b));
	json_add(list, one);
}

/* Those that differ, or are in one alone. */
static struct json *params_json(const struct json *a, const struct json *b)
{
	struct json *list = json_new_array(), *value;
	const char *name;
	void *it = NULL;

	while ((name = json_next(a, &it, &value)))
		if (!json_same(value, json_at(b, name)))
			add_param(list, name, value, json_at(b, name));
	it = NULL;
	while ((name = json_next(b, &it, &value)))
		if (!json_at(a, name))
			add_param(list, name, NULL, value);
	return list;
}

static struct json *step_json(const struct model_step *step)
{
	struct json *out = json_new_object();

	json_set_text(out, "state", step_state_name(step->state));
	json_set_int(out, "attempts", step->attempt);
	json_set_int(out, "took_us", step->took_us);
	json_set_int(out, "waited_us", step->waited_us);
	json_set_text(out, "reason", step->reason);
	return out;
}

static void set_line(struct json *out, const char *key, const char *line)
{
	size_t len = strcspn(line, "\n");

	len = len > SHOWN_BYTES ? utf8_border(line, SHOWN_BYTES) : len;
	json_put(out, key, json_new_text(line, len));
}

/* Number of the first line that differs with both lines, NULL when there is none. a or b may be NULL; call is the one of them that is there. */
static struct json *first_difference(const struct said *call, const struct said *a, const struct said *b)
{
	const char *left = a ? buf_text(&a->text) : "", *right = b ? buf_text(&b->text) : "";
	struct json *out;
	int64_t line = 1, a_lines, b_lines;

	while (*left && *right) {
		size_t len = strcspn(left, "\n");

		if (len != strcspn(right, "\n") || memcmp(left, right, len) != 0)
			break;
		left += len + (left[len] != '\0');
		right += len + (right[len] != '\0');
		line++;
	}
	a_lines = a ? a->lines : 0;
	b_lines = b ? b->lines : 0;
	if (!*left && !*right && a_lines == b_lines)
		return NULL;
	out = json_new_object();
	json_set_text(out, "call", call->call);
	json_set_text(out, "host", call->host);
	json_set_int(out, "line", line);
	json_set_int(out, "a_lines", a_lines);
	json_set_int(out, "b_lines", b_lines);
	if (*left)
		set_line(out, "a", left);
	if (*right)
		set_line(out, "b", right);
	return out;
}

static struct json *outputs_json(const struct side *a, const struct side *b, const char *step)
{
	struct json *list = json_new_array(), *one;

	for (size_t i = 0; i < a->count; i++) {
		if (!str_is(a->said[i].step, step))
			continue;
		one = first_difference(&a->said[i], &a->said[i], said_find(b, step, a->said[i].call));
		if (one)
			json_add(list, one);
	}
	for (size_t i = 0; i < b->count; i++) {
		if (!str_is(b->said[i].step, step) || said_find(a, step, b->said[i].call))
			continue;
		one = first_difference(&b->said[i], NULL, &b->said[i]);
		if (one)
			json_add(list, one);
	}
	return list;
}

static void add_step(struct json *list, const struct side *a, const struct side *b, const struct model_step *step)
{
	const struct model_step *left = model_step_find(a->model, step->id), *right = model_step_find(b->model, step->id);
	struct json *one = json_new_object(), *outputs;

	json_set_text(one, "step", step->id);
	json_set_text(one, "title", step->title);
	if (left)
		json_put(one, "a", step_json(left));
	if (right)
		json_put(one, "b", step_json(right));
	if (left && right) {
		outputs = outputs_json(a, b, step->id);
		json_set_bool(one, "same", left->state == right->state && json_count(outputs) == 0);
		json_put(one, "outputs", outputs);
	}
	json_add(list, one);
}

static struct json *steps_json(const struct side *a, const struct side *b)
{
	struct json *list = json_new_array();

	for (size_t i = 0; i < a->model->step_count; i++)
		add_step(list, a, b, &a->model->steps[i]);
	for (size_t i = 0; i < b->model->step_count; i++)
		if (!model_step_find(a->model, b->model->steps[i].id))
			add_step(list, a, b, &b->model->steps[i]);
	return list;
}

struct json *export_diff(const char *journal, int64_t a, int64_t b, struct err *e)
{
	struct side left = { 0 }, right = { 0 };
	struct json *out = NULL;

	if (read_side(&left, journal, a, e) == 0 && read_side(&right, journal, b, e) == 0) {
		out = json_new_object();
		json_put(out, "a", session_json(left.model));
		json_put(out, "b", session_json(right.model));
		json_put(out, "params", params_json(left.model->params, right.model->params));
		json_put(out, "steps", steps_json(&left, &right));
	}
	side_done(&left);
	side_done(&right);
	return out;
}

/* --- for people --- */

struct page {
	struct buf *out;
	bool md;
};

static void text(const struct page *page, const char *words)
{
	if (page->md)
		export_md_cell(page->out, words, strlen(words));
	else
		utf8_safe(page->out, words, strlen(words), false);
}

static void heading(const struct page *page, const char *words)
{
	buf_printf(page->out, page->md ? "\n## %s\n\n" : "\n%s\n", words);
}

static void put_session(const struct page *page, const char *name, const struct json *one)
{
	char span[TIME_TEXT];

	buf_printf(page->out, "%s%s: session %lld, ", page->md ? "- " : "", name, (long long)json_int(one, "session", 0));
	text(page, json_text(one, "runbook", ""));
	buf_printf(page->out, ", %.16s UTC by ", json_text(one, "opened", ""));
	text(page, json_text(one, "who", ""));
	buf_puts(page->out, ", ");
	text(page, json_text(one, "state", ""));
	buf_printf(page->out, " after %s", time_format_span(json_int(one, "took_us", 0), span));
	if (json_int(one, "down_us", 0))
		buf_printf(page->out, ", downtime %s", time_format_span(json_int(one, "down_us", 0), span));
	buf_puts(page->out, json_bool(one, "dry_run", false) ? " (dry run)\n" : "\n");
}

static void put_value(const struct page *page, const struct json *value)
{
	struct buf printed = { 0 };

	if (value)
		export_value(&printed, value);
	text(page, value ? buf_text(&printed) : "(not set)");
	buf_done(&printed);
}

static void put_params(const struct page *page, const struct json *params)
{
	heading(page, "Settings");
	for (size_t i = 0; i < json_count(params); i++) {
		const struct json *one = json_item(params, i);

		buf_puts(page->out, page->md ? "- " : "  ");
		text(page, json_text(one, "name", ""));
		buf_puts(page->out, ": ");
		put_value(page, json_at(one, "a"));
		buf_puts(page->out, " -> ");
		put_value(page, json_at(one, "b"));
		buf_putc(page->out, '\n');
	}
	if (!json_count(params))
		buf_puts(page->out, page->md ? "All the same.\n" : "  all the same\n");
}

static void put_state(const struct page *page, const struct json *one)
{
	char span[TIME_TEXT];
	int64_t attempts = json_int(one, "attempts", 0);

	if (!one) {
		buf_puts(page->out, "not there");
		return;
	}
	text(page, json_text(one, "state", ""));
	if (json_int(one, "took_us", 0))
		buf_printf(page->out, " in %s", time_format_span(json_int(one, "took_us", 0), span));
	if (json_int(one, "waited_us", 0))
		buf_printf(page->out, " (waited %s)", time_format_span(json_int(one, "waited_us", 0), span));
	if (attempts > 1)
		buf_printf(page->out, ", %lld attempts", (long long)attempts);
}

static void put_line(const struct page *page, char sign, const char *line)
{
	if (!line)
		return;
	if (page->md)
		buf_puts(page->out, sign == '-' ? "    - first: " : "    - second: ");
	else
		buf_printf(page->out, "      %c ", sign);
	text(page, line);
	buf_putc(page->out, '\n');
}

static void put_output(const struct page *page, const struct json *one)
{
	const char *host = json_text(one, "host", "");

	buf_puts(page->out, page->md ? "  - call " : "    call ");
	text(page, json_text(one, "call", ""));
	buf_puts(page->out, *host ? " on " : "");
	text(page, host);
	buf_printf(page->out, ", line %lld (of %lld and %lld):\n", (long long)json_int(one, "line", 0), (long long)json_int(one, "a_lines", 0),
		   (long long)json_int(one, "b_lines", 0));
	put_line(page, '-', json_text(one, "a", NULL));
	put_line(page, '+', json_text(one, "b", NULL));
}

/* 0 = it came out otherwise, or is in one of them alone; 1 = it printed something else; 2 = the same. */
static int rank(const struct json *one)
{
	const struct json *a = json_at(one, "a"), *b = json_at(one, "b");

	if (!a || !b || !str_is(json_text(a, "state", ""), json_text(b, "state", "")))
		return 0;
	return json_bool(one, "same", false) ? 2 : 1;
}

static void put_step(const struct page *page, const struct json *one)
{
	const struct json *outputs = json_at(one, "outputs");

	buf_puts(page->out, page->md ? "- " : json_bool(one, "same", false) ? "  " : "* ");
	text(page, json_text(one, "step", ""));
	buf_puts(page->out, ": ");
	put_state(page, json_at(one, "a"));
	buf_puts(page->out, " -> ");
	put_state(page, json_at(one, "b"));
	buf_putc(page->out, '\n');
	for (size_t i = 0; i < json_count(outputs); i++)
		put_output(page, json_item(outputs, i));
}

/* What matters first; within that in the order of the runbook. */
static void put_ranked(const struct page *page, const struct json *steps, int which)
{
	static const char *const titles[] = { "Steps that came out otherwise", "Steps that printed something else", "Steps that are the same" };
	bool any = false;

	for (size_t i = 0; i < json_count(steps); i++) {
		const struct json *one = json_item(steps, i);

		if (rank(one) != which)
			continue;
		if (!any)
			heading(page, titles[which]);
		any = true;
		put_step(page, one);
	}
	if (!any && which == 0) {
		heading(page, titles[which]);
		buf_puts(page->out, page->md ? "None.\n" : "  none\n");
	}
}

void export_diff_text(const struct json *diff, bool md, struct buf *out)
{
	const struct page page = { .out = out, .md = md };
	const struct json *steps = json_at(diff, "steps");

	if (md)
		buf_puts(out, "# Two sessions\n\n");
	put_session(&page, "first", json_at(diff, "a"));
	put_session(&page, "second", json_at(diff, "b"));
	/* A few lines, and often why the steps came out otherwise. */
	if (json_count(json_at(diff, "params")))
		put_params(&page, json_at(diff, "params"));
	put_ranked(&page, steps, 0);
	if (!json_count(json_at(diff, "params")))
		put_params(&page, json_at(diff, "params"));
	put_ranked(&page, steps, 1);
	put_ranked(&page, steps, 2);
}
