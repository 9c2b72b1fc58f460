/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lower part of the plan: settings, and the steps with what is known of each. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tui/plan/plan_int.h"
#include "tui/part/prose.h"
#include "tui/part/when.h"

static void head(struct plan *plan, const char *text)
{
	rows_add(&plan->rows, ROLE_TEXT, "", NULL);
	rows_add(&plan->rows, ROLE_BOLD, text, NULL);
}

/* ---- settings ---- */

const struct json *plan_param(const struct plan *plan, const char *name)
{
	const struct json *params = json_at(plan->data, "params");

	for (size_t i = 0; i < json_count(params); i++)
		if (str_is(json_text(json_item(params, i), "name", ""), name))
			return json_item(params, i);
	return NULL;
}

bool plan_applies(const struct plan *plan, const struct json *step)
{
	const struct json *only = json_at(step, "only");
	struct json *wanted;
	const char *name;
	void *it = NULL;

	while ((name = json_next(only, &it, &wanted)) != NULL)
		if (!str_is(plan_value(plan, name), json_as_text(wanted)))
			return false;
	return true;
}

static bool is_secret(const struct json *param)
{
	return str_is(json_text(param, "type", ""), "secret");
}

/* A walk cannot go without it. */
static bool is_needed(const struct json *param)
{
	return !is_secret(param) && !json_bool(param, "optional", false) && !json_at(param, "default");
}

bool plan_is_missing(const struct plan *plan, const struct json *param)
{
	return is_needed(param) && !json_at(plan->values, json_text(param, "name", ""));
}

/* Value as it would be used, and its role. Caller owns. */
static char *value_words(const struct plan *plan, const struct json *param, enum role *role)
{
	const char *given = json_text(plan->values, json_text(param, "name", ""), NULL);
	const struct json *fallback = json_at(param, "default");
	char *print, *words;

	*role = given ? ROLE_BOLD : ROLE_TEXT;
	if (given)
		return mem_strdup(given);
	if (plan_is_missing(plan, param)) {
		*role = ROLE_WARN;
		return mem_strdup("NEEDED");
	}
	if (!fallback)
		return mem_strdup(is_secret(param) || json_bool(param, "later", false) ? "asked later" : "not set");
	print = json_as_text(fallback) ? mem_strdup(json_as_text(fallback)) : json_print(fallback);
	words = mem_printf("%s (usual)", print);
	mem_free(print);
	return words;
}

/* What may be typed, and why the last Enter was not taken. */
static void add_help(struct plan *plan, const struct json *param, int cols)
{
	const struct json *choices = json_at(param, "choices");
	struct buf text = { 0 }, safe = { 0 };

	prose_flow(&safe, json_text(param, "help", ""));
	rows_add_text(&plan->rows, ROLE_DIM, buf_text(&safe), 6, cols);
	buf_clear(&safe);
	if (json_count(choices)) {
		buf_puts(&text, "One of:");
		for (size_t i = 0; i < json_count(choices); i++)
			buf_printf(&text, "%s %s", i ? "," : "", json_as_text(json_item(choices, i)) ? json_as_text(json_item(choices, i)) : "?");
		buf_puts(&text, ". The arrows go through them.");
	} else {
		buf_printf(&text, "Type: %s.%s", json_text(param, "type", "text"), json_bool(param, "later", false) ? " Empty: asked in the walk."
			: json_at(param, "default") || json_bool(param, "optional", false) ? " Empty: as usual." : "");
	}
	if (is_secret(param)) {
		buf_clear(&text);
		buf_puts(&text, "A secret is asked for in the walk, when it is needed; it is never stored.");
	}
	utf8_safe(&safe, text.data, text.len, false);
	rows_add_text(&plan->rows, ROLE_DIM, buf_text(&safe), 6, cols);
	buf_clear(&safe);
	if (plan->error && plan->editing) {
		utf8_safe(&safe, plan->error, strlen(plan->error), false);
		rows_add_text(&plan->rows, ROLE_FAIL, buf_text(&safe), 6, cols);
	}
	buf_done(&text);
	buf_done(&safe);
}

static void add_param(struct plan *plan, const struct json *param, int cols)
{
	const char *name = json_text(param, "name", "");
	char *key = mem_printf("setting %s", name), *value;
	bool open = str_is(plan->editing, name) || str_is(plan->unfolded, key);
	struct buf line = { 0 };
	struct row *row;
	enum role role;

	value = value_words(plan, param, &role);
	buf_puts(&line, "  ");
	cell_left(&line, name, 16);
	buf_putc(&line, ' ');
	cell_left(&line, value, 24);
	buf_putc(&line, ' ');
	cell_left(&line, json_text(param, "ask", ""), cols - 44 > 0 ? cols - 44 : 0);
	row = rows_add(&plan->rows, ROLE_TEXT, buf_text(&line), key);
	row_mark(row, 19, 24, role);
	if (open)
		add_help(plan, param, cols);
	buf_done(&line);
	mem_free(value);
	mem_free(key);
}

void plan_build_settings(struct plan *plan, int cols)
{
	const struct json *params = json_at(plan->data, "params");

	if (!json_count(params))
		return;
	head(plan, "SETTINGS");
	/* What must be filled in comes first. */
	for (int needed = 1; needed >= 0; needed--)
		for (size_t i = 0; i < json_count(params); i++)
			if (is_needed(json_item(params, i)) == (bool)needed)
				add_param(plan, json_item(params, i), cols);
}

/* ---- steps ---- */

static const char *kind_word(const struct plan *plan, const struct json *step, enum role *role)
{
	const char *kind = json_text(step, "kind", "");
	const struct step_type *type;
	enum step_kind known;

	if (!plan_applies(plan, step)) {
		*role = ROLE_DIM;
		return "left out";
	}
	*role = ROLE_BOLD;
	if (!step_kind_parse(kind, &known))
		return kind;
	type = step_type_of(known);
	*role = type->final ? ROLE_FAIL : type->effect == STEP_LOOKS ? ROLE_TEXT : ROLE_BOLD;
	return type->word;
}

/* What the rehearsal found, "" when it was not there. */
static const char *state_word(const struct plan *plan, const char *id, enum role *role)
{
	const struct model_step *step = plan->rehearsal ? model_step_find(plan->model, id) : NULL;

	*role = ROLE_TEXT;
	if (!step || step->state == STEP_PLANNED)
		return "";
	if (step->state == STEP_FAILED) {
		*role = ROLE_FAIL;
		return "FAIL";
	}
	if (!step_state_is_over(step->state)) {
		*role = ROLE_RUN;
		return "RUN";
	}
	*role = step->state == STEP_WARN || model_step_is_left_out(step) ? ROLE_WARN : step->state == STEP_SKIPPED ? ROLE_TEXT : ROLE_OK;
	if (str_starts(step->reason, "foreseen") || str_starts(step->reason, "not foreseen"))
		return "todo";	/* a dry run only looked what it would be */
	return step->already ? "done" : step->state == STEP_SKIPPED ? "skip" : step->state == STEP_DEFERRED ? "defer" : step->state == STEP_WARN ? "warn" : "ok";
}

/* Ranges have a column where there is room for one and something to show. */
static bool shows_range(const struct plan *plan, int cols)
{
	return cols >= 70 && json_int(json_at(json_at(plan->data, "usual"), "took"), "n", 0) > 1;
}

static void range_cell(struct buf *line, const struct json *took, int cols)
{
	char least[TIME_TEXT], most[TIME_TEXT], text[2 * TIME_TEXT + 4] = "";

	if (json_int(took, "n", 0) > 1)
		snprintf(text, sizeof(text), "%s-%s", when_span(json_int(took, "min_us", 0), least), when_span(json_int(took, "max_us", 0), most));
	cell_right(line, text, cols);
}

static void names(struct buf *out, const struct json *list)
{
	for (size_t i = 0; i < json_count(list); i++)
		buf_printf(out, "%s%s", i ? " " : "", json_as_text(json_item(list, i)) ? json_as_text(json_item(list, i)) : "?");
}

/* A labelled text as rows; nothing when it is empty. */
static void detail(struct plan *plan, const char *label, const char *text, int cols)
{
	struct buf all = { 0 };

	if (!*text)
		return;
	buf_puts(&all, label);
	prose_flow(&all, text);
	rows_add_text(&plan->rows, ROLE_TEXT, buf_text(&all), 6, cols);
	buf_done(&all);
}

/*
 * What a step in its data form runs, a row for each command; what is indented belongs to the row
 * before.
 */
static void form_details(struct plan *plan, const char *label, const char *words, int cols)
{
	while (*words) {
		size_t len = strcspn(words, "\n");
		struct buf line = { 0 };

		char *text = mem_dup(words, len);

		buf_puts(&line, *words == ' ' ? "" : label);
		prose_command(&line, text);
		mem_free(text);
		rows_add_text(&plan->rows, ROLE_COMMAND, buf_text(&line), 6, cols);
		buf_done(&line);
		words += len + (words[len] == '\n');
	}
}

static void add_details(struct plan *plan, const struct json *step, int cols)
{
	const struct json *usual = json_at(step, "usual");
	const char *id = json_text(step, "id", "");
	const struct model_step *seen = plan->rehearsal ? model_step_find(plan->model, id) : NULL;
	struct json *past = plan_past(plan, NULL, id);
	struct buf text = { 0 };

	if (!plan_applies(plan, step))
		detail(plan, "Left out with these settings: ", json_text(step, "otherwise", "it does not belong to the way that is chosen"), cols);
	detail(plan, "Why: ", json_text(step, "why", ""), cols);
	detail(plan, "", json_text(step, "about", ""), cols);
	form_details(plan, "Runs ", json_text(step, "command", ""), cols);
	form_details(plan, "Done when it holds ", json_text(step, "done_when", ""), cols);
	detail(plan, "Dangerous because: ", json_text(step, "because", ""), cols);
	detail(plan, "Way back: ", json_text(step, "back", ""), cols);
	detail(plan, "To agree, its target must be typed: ", json_text(step, "target", ""), cols);
	if (past) {
		plan_past_words(plan, past, &text);
	} else if (json_at(usual, "took")) {
		plan_span(&text, json_at(usual, "took"));
		buf_puts(&text, json_at(usual, "wait") ? "; people: " : "");
		plan_span(&text, json_at(usual, "wait"));
	} else if (json_at(step, "takes")) {
		buf_printf(&text, "%s by the runbook's own estimate", json_text(step, "takes", ""));
	}
	detail(plan, "Usual: ", buf_text(&text), cols);
	buf_clear(&text);
	if (json_int(usual, "failed", 0))
		buf_printf(&text, "%lld of %lld times", (long long)json_int(usual, "failed", 0), (long long)json_int(usual, "runs", 0));
	detail(plan, "Failed before: ", buf_text(&text), cols);
	buf_clear(&text);
	names(&text, json_at(step, "hosts"));
	detail(plan, "Hosts, last time: ", buf_text(&text), cols);
	if (seen)
		detail(plan, "Dry run: ", seen->reason, cols);
	buf_clear(&text);
	prose_command(&text, json_text(plan->foreseen, id, ""));
	rows_add_text(&plan->rows, ROLE_COMMAND, buf_text(&text), 6, cols);
	buf_done(&text);
	json_free(past);
}

/* What stands behind the title: where downtime begins and ends, no return. */
static const char *flag(const struct plan *plan, const struct json *step)
{
	const char *downtime = json_text(step, "downtime", "");

	if (!plan_applies(plan, step) || (str_is(downtime, "ends") && !plan_downtime_step(plan, "begins")))
		return "";
	return str_is(downtime, "begins") ? "DOWN" : str_is(downtime, "ends") ? "UP" : "";
}

/* The end tells apart what begins alike. */
static void put_title(const struct plan *plan, const struct json *step, int cols, struct buf *line)
{
	const struct json *steps = json_at(plan->data, "steps");
	const char *title = json_text(step, "title", "");
	bool alike = false;

	for (size_t i = 0; i < json_count(steps) && !alike; i++)
		alike = cell_alike(title, json_text(json_item(steps, i), "title", ""), cols);
	if (alike)
		cell_ends(line, title, cols);
	else
		cell_left(line, title, cols);
}

static void add_step(struct plan *plan, const struct json *step, size_t number, int cols)
{
	const char *id = json_text(step, "id", "");
	struct json *past = plan_past(plan, NULL, id);
	const struct json *took = past ? past : json_at(json_at(step, "usual"), "took"), *wait = json_at(json_at(step, "usual"), "wait");
	char *key = mem_printf("step %s", id), numbers[24];
	bool wide = cols >= 110, slim = !shows_range(plan, cols);
	enum role kind_role, state_role;
	const char *kind = kind_word(plan, step, &kind_role), *state = state_word(plan, id, &state_role);
	int title = cols - 5 - 10 - 5 - 5 - 8 - (slim ? 0 : 16) - (wide ? 26 : 0);
	struct buf line = { 0 }, hosts = { 0 };
	char span[TIME_TEXT];
	struct row *row;

	snprintf(numbers, sizeof(numbers), "%zu", number);
	cell_right(&line, numbers, 4);
	buf_putc(&line, ' ');
	cell_left(&line, kind, 10);
	cell_left(&line, state, 5);
	put_title(plan, step, title, &line);
	buf_putc(&line, ' ');
	cell_left(&line, flag(plan, step), 4);
	cell_right(&line, took ? when_span(json_int(took, "median_us", 0), span) : json_text(step, "takes", NULL) ? json_text(step, "takes", "") : "-", 8);
	if (!slim)
		range_cell(&line, took, 16);
	names(&hosts, json_at(step, "hosts"));
	if (wide) {
		cell_right(&line, wait ? when_span(json_int(wait, "median_us", 0), span) : "", 8);
		buf_puts(&line, "  ");
		cell_left(&line, buf_text(&hosts), 16);
	}
	row = rows_add(&plan->rows, ROLE_TEXT, buf_text(&line), key);
	row_mark(row, 5, (int)strlen(kind), kind_role);
	row_mark(row, 15, (int)strlen(state), state_role);
	row_mark(row, 20 + title + 1, *flag(plan, step) ? 4 : 0, ROLE_DOWN);
	if (str_is(plan->unfolded, key))
		add_details(plan, step, cols);
	buf_done(&line);
	buf_done(&hosts);
	mem_free(key);
	json_free(past);
}

static void add_heading(struct plan *plan, int cols)
{
	struct buf line = { 0 };
	bool wide = cols >= 110, slim = !shows_range(plan, cols);

	rows_add(&plan->rows, ROLE_TEXT, "", NULL);
	cell_left(&line, plan->rehearsal ? "STEPS, with what the dry run found" : "STEPS", cols - 8 - (slim ? 0 : 16) - (wide ? 26 : 0));
	cell_right(&line, "usual", 8);
	if (!slim)
		cell_right(&line, "range", 16);
	if (wide)
		buf_puts(&line, "  people  hosts, last time");
	rows_add(&plan->rows, ROLE_BOLD, buf_text(&line), NULL);
	buf_done(&line);
}

void plan_build_steps(struct plan *plan, int cols)
{
	const struct json *steps = json_at(plan->data, "steps");
	const char *phase = "";

	add_heading(plan, cols);
	for (size_t i = 0; i < json_count(steps); i++) {
		const struct json *step = json_item(steps, i);

		if (json_at(step, "phase") && !str_is(json_text(step, "phase", ""), phase)) {
			struct buf line = { 0 };
			char *text = mem_printf("-- %s --", json_text(step, "phase", ""));

			cell_left(&line, text, cols);
			rows_add(&plan->rows, ROLE_DIM, buf_text(&line), NULL);
			buf_done(&line);
			mem_free(text);
			phase = json_text(step, "phase", "");
		}
		add_step(plan, step, i + 1, cols);
	}
}

void plan_build(struct plan *plan, int cols)
{
	rows_clear(&plan->rows);
	plan_build_facts(plan, cols);
	plan_build_settings(plan, cols);
	plan_build_checks(plan, cols);
	plan_build_steps(plan, cols);
}
