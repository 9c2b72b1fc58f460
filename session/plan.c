/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/plan.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
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

static void step_text(const struct script_step *step, size_t number, bool markdown, struct buf *out)
{
	buf_printf(out, markdown ? "%zu. **" : "%4zu  ", number);
	safe(out, step->title);
	buf_printf(out, markdown ? "** (`%s`, %s" : "  [%s, %s", step->id, step_kind_name(step->kind));
	if (step->takes)
		buf_printf(out, ", takes %s", step->takes);
	if (step->downtime)
		buf_printf(out, ", downtime %s", step->downtime);
	buf_puts(out, markdown ? ")\n" : "]\n");
	if (step->kind == STEP_IRREVERSIBLE)
		buf_puts(out, markdown ? "   **Point of no return.**\n" : "      POINT OF NO RETURN\n");
	if (step->why)
		block(out, markdown ? "   " : "      ", step->why);
	if (step->back) {
		buf_puts(out, markdown ? "   Way back: " : "      Way back: ");
		safe(out, step->back);
		buf_putc(out, '\n');
	}
	if (step->about && markdown)
		block(out, "   > ", step->about);
}

void plan_text(const struct script_book *book, bool markdown, struct buf *out)
{
	const char *phase = NULL;

	buf_puts(out, markdown ? "# " : "");
	safe(out, book->title);
	buf_printf(out, markdown ? " (`%s`)\n\n" : "  (%s)\n", book->id);
	if (book->about)
		block(out, markdown ? "" : "  ", book->about);
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
		step_text(step, i + 1, markdown, out);
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
	for (size_t i = 0; i < book->step_count; i++) {
		const struct script_step *step = &book->steps[i];
		struct json *entry = json_new_object();

		json_set_text(entry, "id", step->id);
		json_set_text(entry, "kind", step_kind_name(step->kind));
		json_set_text(entry, "title", step->title);
		json_set_text(entry, "why", step->why);
		json_set_text(entry, "phase", step->phase);
		json_set_text(entry, "takes", step->takes);
		json_set_text(entry, "downtime", step->downtime);
		json_set_text(entry, "back", step->back);
		json_set_text(entry, "about", step->about);
		json_set_text(entry, "because", step->because);
		json_set_text(entry, "target", step->target);
		json_add(steps, entry);
	}
	json_put(plan, "params", params);
	json_put(plan, "steps", steps);
	return plan;
}
