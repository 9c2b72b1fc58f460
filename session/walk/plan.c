/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/walk/plan.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"

static void safe(struct buf *out, const char *text)
{
	utf8_safe(out, text, strlen(text), false);
}

/* A text of several lines, each behind indent; blank lines at both ends are left out. */
static void block(struct buf *out, const char *indent, const char *text)
{
	while (*text == '\n' || *text == ' ')
		text++;
	while (*text) {
		size_t len = strcspn(text, "\n");

		buf_puts(out, indent);
		while (len && (*text == ' ' || *text == '\t')) {
			text++;
			len--;
		}
		utf8_safe(out, text, len, false);
		buf_putc(out, '\n');
		text += len;
		text += *text == '\n';
		if (strspn(text, " \t\n") == strlen(text))
			break;
	}
}

static void params_text(const struct script_book *book, bool markdown, struct buf *out)
{
	if (!book->param_count)
		return;
	buf_puts(out, markdown ? "\n## Settings\n\n" : "\nSETTINGS\n");
	for (size_t i = 0; i < book->param_count; i++) {
		const struct script_param *p = &book->params[i];
		char *fallback = p->fallback ? json_print(p->fallback) : NULL;

		buf_printf(out, markdown ? "- `%s` (%s)" : "  %s (%s)", p->name, p->type);
		if (fallback) {
			buf_puts(out, ", usually ");
			safe(out, fallback);
		}
		if (p->ask) {
			buf_puts(out, ": ");
			safe(out, p->ask);
		}
		buf_putc(out, '\n');
		if (p->help)
			block(out, "      ", p->help);
		mem_free(fallback);
	}
}

/* "12 s (7 s to 20 s in 3 runs)"; nothing when span is NULL. */
static void span_text(const char *label, const struct json *span, struct buf *out)
{
	char median[TIME_TEXT], least[TIME_TEXT], most[TIME_TEXT];

	if (!span)
		return;
	buf_printf(out, "%s%s", label, time_format_span(json_int(span, "median_us", 0), median));
	if (json_int(span, "n", 0) > 1)
		buf_printf(out, " (%s to %s in %lld runs)", time_format_span(json_int(span, "min_us", 0), least), time_format_span(json_int(span, "max_us", 0), most),
			   (long long)json_int(span, "n", 0));
}

/* In which walks the step is; nothing when it is in all. */
static void only_text(const char *gap, const struct script_step *step, struct buf *out)
{
	struct json *value;
	const char *name;
	void *it = NULL;

	while ((name = json_next(step->only, &it, &value)) != NULL) {
		buf_printf(out, "%s%s=", gap, name);
		safe(out, json_as_text(value));
		gap = ", ";
	}
}

/* Where the site goes down, where there is no way back, and how long it all takes. */
static void times_text(const struct script_book *book, bool markdown, const struct json *past, struct buf *out)
{
	const struct json *usual = json_at(past, "usual");
	size_t from = 0, to = 0, last = 0;
	const char *mark = markdown ? "- " : "  ";

	for (size_t i = book->step_count; i-- > 0;) {
		from = str_is(book->steps[i].downtime, "begins") ? i + 1 : from;
		to = to == 0 && str_is(book->steps[i].downtime, "ends") ? i + 1 : to;
	}
	buf_putc(out, '\n');
	if (json_at(usual, "took")) {
		buf_printf(out, "%sUsual work: ", mark);
		span_text("", json_at(usual, "took"), out);
		span_text("; with waiting for people ", json_at(usual, "whole"), out);
		buf_putc(out, '\n');
	}
	if (from) {
		buf_printf(out, "%sDowntime: from step %zu to %s%.0zu", mark, from, to ? "step " : "the end", to);
		only_text(" with ", &book->steps[from - 1], out);
		buf_puts(out, book->steps[from - 1].has[FN_WHEN] ? ", where it is needed: the step looks" : "");
		span_text("; usually ", json_at(usual, "down"), out);
		buf_putc(out, '\n');
	}
	for (size_t i = 0; i < book->step_count; i++) {
		if (!step_type_of(book->steps[i].kind)->final)
			continue;
		buf_printf(out, "%s%sstep %zu", last ? "; " : mark, last ? "" : "Point of no return: ", i + 1);
		only_text(" with ", &book->steps[i], out);
		buf_puts(out, book->steps[i].has[FN_WHEN] ? ", where it is needed" : "");
		last = i + 1;
	}
	buf_puts(out, last ? "\n" : "");
}

/*
 * The words of a step's data form: a line for each command; what is indented belongs to the line
 * before.
 */
static void form_text(const char *label, const char *words, bool markdown, struct buf *out)
{
	while (words && *words) {
		size_t len = strcspn(words, "\n");

		buf_printf(out, "%s%s", markdown ? "   " : "      ", *words == ' ' ? "" : label);
		utf8_safe(out, words, len, false);
		buf_puts(out, markdown ? "  \n" : "\n");
		words += len + (words[len] == '\n');
	}
}

static void step_text(const struct script_step *step, size_t number, bool markdown, const struct json *usual, struct buf *out)
{
	buf_printf(out, markdown ? "%zu. **" : "%4zu  ", number);
	safe(out, step->title);
	buf_printf(out, markdown ? "** (`%s`, %s" : "  [%s, %s", step->id, step_kind_name(step->kind));
	if (step->takes)
		buf_printf(out, ", takes %s", step->takes);
	span_text(", usually ", json_at(usual, "took"), out);
	if (json_int(json_at(usual, "wait"), "median_us", 0) > 0)
		span_text(", and people ", json_at(usual, "wait"), out);
	if (step->downtime)
		buf_printf(out, ", downtime %s", step->downtime);
	if (step->refuses)
		buf_printf(out, ", requests are refused for about %s", step->refuses);
	only_text(", only with ", step, out);
	buf_puts(out, markdown ? ")\n" : "]\n");
	if (step_type_of(step->kind)->final)
		buf_puts(out, markdown ? "   **Point of no return.**\n" : "      POINT OF NO RETURN\n");
	if (step->why)
		block(out, markdown ? "   " : "      ", step->why);
	form_text("Runs ", step->command, markdown, out);
	form_text("Done when it holds ", step->done_when, markdown, out);
	if (step->back) {
		buf_puts(out, markdown ? "   Way back: " : "      Way back: ");
		safe(out, step->back);
		buf_putc(out, '\n');
	}
	if (step->about && markdown)
		block(out, "   > ", step->about);
}

void plan_text(const struct script_book *book, bool markdown, const struct json *past, struct buf *out)
{
	const char *phase = NULL;

	buf_puts(out, markdown ? "# " : "");
	safe(out, book->title);
	buf_printf(out, markdown ? " (`%s`)\n\n" : "  (%s)\n", book->id);
	if (book->about)
		block(out, markdown ? "" : "  ", book->about);
	times_text(book, markdown, past, out);
	params_text(book, markdown, out);
	buf_puts(out, markdown ? "\n## Steps\n" : "\nSTEPS\n");
	for (size_t i = 0; i < book->step_count; i++) {
		const struct script_step *step = &book->steps[i];

		if (step->phase && !str_is(step->phase, phase)) {
			buf_puts(out, markdown ? "\n### " : "\n  -- ");
			safe(out, step->phase);
			buf_puts(out, markdown ? "\n\n" : " --\n");
			phase = step->phase;
		}
		step_text(step, i + 1, markdown, json_at(json_at(past, "steps"), step->id), out);
	}
}

static struct json *param_json(const struct script_param *p)
{
	struct json *entry = json_new_object();

	json_set_text(entry, "name", p->name);
	json_set_text(entry, "type", p->type);
	json_set_text(entry, "ask", p->ask);
	json_set_text(entry, "help", p->help);
	if (p->fallback)
		json_put(entry, "default", json_copy_of(p->fallback));
	if (p->choices)
		json_put(entry, "choices", json_copy_of(p->choices));
	if (p->optional)
		json_set_bool(entry, "optional", true);
	if (p->later)
		json_set_bool(entry, "later", true);
	return entry;
}

struct json *plan_step(const struct script_step *step)
{
	struct json *entry = json_new_object();

	json_set_text(entry, "id", step->id);
	json_set_text(entry, "kind", step_kind_name(step->kind));
	json_set_text(entry, "title", step->title);
	json_set_text(entry, "why", step->why);
	json_set_text(entry, "phase", step->phase);
	json_set_text(entry, "takes", step->takes);
	json_set_text(entry, "downtime", step->downtime);
	json_set_text(entry, "refuses", step->refuses);
	json_set_text(entry, "back", step->back);
	json_set_text(entry, "about", step->about);
	return entry;
}

/* With what only the plan tells: under which conditions it is due, and what it will do. */
static struct json *step_json(const struct script_step *step)
{
	struct json *entry = plan_step(step);

	if (step->only)
		json_put(entry, "only", json_copy_of(step->only));
	json_set_text(entry, "otherwise", step->otherwise);
	if (step->has[FN_WHEN])
		json_set_bool(entry, "when", true);
	json_set_text(entry, "because", step->because);
	json_set_text(entry, "target", step->target);
	json_set_text(entry, "command", step->command);
	json_set_text(entry, "done_when", step->done_when);
	return entry;
}

struct json *plan_json(const struct script_book *book)
{
	struct json *plan = json_new_object(), *params = json_new_array(), *steps = json_new_array();

	json_set_text(plan, "id", book->id);
	json_set_text(plan, "title", book->title);
	json_set_text(plan, "about", book->about);
	json_set_text(plan, "window", book->window);
	json_set_text(plan, "path", book->path);
	json_set_text(plan, "digest", book->digest);
	for (size_t i = 0; i < book->param_count; i++)
		json_add(params, param_json(&book->params[i]));
	for (size_t i = 0; i < book->step_count; i++)
		json_add(steps, step_json(&book->steps[i]));
	json_put(plan, "params", params);
	json_put(plan, "steps", steps);
	return plan;
}
