/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The upper part of the plan: what it is about, how long it takes, what is checked beforehand. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tui/plan/plan_int.h"
#include "tui/part/prose.h"
#include "tui/part/when.h"

#define CHECK_COL 8	/* where a check's text begins */
#define MANY 6		/* hosts; from so many on those that are fine share a line */

void plan_span(struct buf *out, const struct json *span)
{
	char median[TIME_TEXT], least[TIME_TEXT], most[TIME_TEXT];
	long long n = (long long)json_int(span, "n", 0);

	if (!span)
		return;
	buf_printf(out, "%s", when_span(json_int(span, "median_us", 0), median));
	if (n > 1)
		buf_printf(out, " (%s to %s, %lld runs)", when_span(json_int(span, "min_us", 0), least), when_span(json_int(span, "max_us", 0), most), n);
	else
		buf_puts(out, " (once)");
}

long plan_no_return(const struct plan *plan)
{
	const struct json *steps = json_at(plan->data, "steps");
	enum step_kind kind;

	for (size_t i = 0; i < json_count(steps); i++)
		if (step_kind_parse(json_text(json_item(steps, i), "kind", NULL), &kind) && step_type_of(kind)->final
			&& plan_applies(plan, json_item(steps, i)))
			return (long)i + 1;
	return 0;
}

long plan_downtime_step(const struct plan *plan, const char *word)
{
	const struct json *steps = json_at(plan->data, "steps");
	long found = 0;

	for (size_t i = 0; i < json_count(steps); i++)
		if (str_is(json_text(json_item(steps, i), "downtime", ""), word) && (!found || str_is(word, "ends")) && plan_applies(plan, json_item(steps, i)))
			found = (long)i + 1;
	return found;
}

static void head(struct plan *plan, const char *text)
{
	rows_add(&plan->rows, ROLE_TEXT, "", NULL);
	rows_add(&plan->rows, ROLE_BOLD, text, NULL);
}

/* How many steps of a kind there are that apply; NULL = how many do not. */
static int count_kind(const struct plan *plan, const char *kind)
{
	const struct json *steps = json_at(plan->data, "steps");
	int count = 0;

	for (size_t i = 0; i < json_count(steps); i++)
		count += plan_applies(plan, json_item(steps, i)) ? str_is(json_text(json_item(steps, i), "kind", ""), kind) : !kind;
	return count;
}

static void add_counts(struct plan *plan, int cols)
{
	struct buf text = { 0 };
	const char *gap = ":";
	int left_out = count_kind(plan, NULL);
	size_t steps = json_count(json_at(plan->data, "steps")) - (size_t)left_out;

	buf_printf(&text, "%zu step%s", steps, steps == 1 ? "" : "s");
	for (int kind = 0; kind < STEP_KIND_COUNT; kind++) {
		const struct step_type *type = step_type_of((enum step_kind)kind);
		int count = count_kind(plan, type->name);

		if (count)
			buf_printf(&text, "%s %d %s", gap, count, type->counted);
		gap = count ? "," : gap;
	}
	buf_putc(&text, '.');
	if (left_out)
		buf_printf(&text, " With other settings %d more.", left_out);
	rows_add_text(&plan->rows, ROLE_TEXT, buf_text(&text), 0, cols);
	buf_done(&text);
}

/* What walks of this fleet that went this way took. False when there was none. */
static bool add_past(const struct plan *plan, const char *key, struct buf *out)
{
	struct json *past = plan_past(plan, key, NULL);
	bool found = past != NULL;

	if (past)
		plan_past_words(plan, past, out);
	json_free(past);
	return found;
}

/* What all walks took, on whatever fleet and way. */
static bool add_general(const struct plan *plan, const char *key, struct buf *out)
{
	const struct json *usual = json_at(json_at(plan->data, "usual"), key);

	plan_span(out, usual);
	buf_puts(out, usual ? ", on other fleets or with other settings" : "");
	return usual != NULL;
}

static void add_times(struct plan *plan, int cols)
{
	const struct json *usual = json_at(plan->data, "usual");
	struct json *waits = plan_past(plan, "wait_us", NULL);
	int64_t people = waits ? json_int(waits, "median_us", 0)
		: json_int(json_at(usual, "whole"), "median_us", 0) - json_int(json_at(usual, "took"), "median_us", 0);
	struct buf text = { 0 }, past = { 0 };
	char span[TIME_TEXT];

	if (add_past(plan, "work_us", &past) || add_general(plan, "took", &past)) {
		buf_printf(&text, "Usual work: %s", buf_text(&past));
		if (people >= TIME_SECOND)
			buf_printf(&text, "; people take %s more", when_span(people, span));
		buf_putc(&text, '.');
	} else {
		buf_puts(&text, "How long it takes is not known: no walk of it has ended well here.");
		if (json_at(plan->data, "window"))
			buf_printf(&text, " Its writer says: %s.", json_text(plan->data, "window", ""));
	}
	rows_add_text(&plan->rows, ROLE_TEXT, buf_text(&text), 0, cols);
	buf_done(&text);
	buf_done(&past);
	json_free(waits);
}

/* By the runbook's own words: the sum of what its steps from one to the other take. 0 = not all of them say. */
static int64_t own_estimate(const struct plan *plan, long from, long to)
{
	const struct json *steps = json_at(plan->data, "steps");
	int64_t sum = 0, us;

	for (long i = from; i <= to; i++) {
		const struct json *step = json_item(steps, (size_t)i - 1);

		if (!plan_applies(plan, step))
			continue;
		if (!str_to_duration(json_text(step, "takes", ""), &us))
			return 0;
		sum += us;
	}
	return sum;
}

static const struct json *step_at(const struct plan *plan, long number)
{
	return json_item(json_at(plan->data, "steps"), (size_t)number - 1);
}

/* A step that looks whether it is needed, and is skipped where it is not. */
static bool may_be_left_out(const struct plan *plan, long number)
{
	return number && json_bool(step_at(plan, number), "when", false);
}

static void downtime_words(const struct plan *plan, long from, long to, struct buf *out)
{
	int64_t estimate = to ? own_estimate(plan, from, to) : 0;
	struct buf past = { 0 };
	char span[TIME_TEXT];

	if (may_be_left_out(plan, from))
		buf_printf(out, "Where step %ld, %s, is needed, which the walk finds out: downtime", from, json_text(step_at(plan, from), "title", ""));
	else
		buf_puts(out, "Downtime");
	buf_printf(out, " from step %ld to %s%.0ld", from, to ? "step " : "its end", to);
	if (!add_past(plan, "down_us", &past) && !estimate)
		(void)add_general(plan, "down", &past);
	if (past.len)
		buf_printf(out, ": usually %s", buf_text(&past));
	else if (estimate)
		buf_printf(out, ": %s by the runbook's own estimate", when_span(estimate, span));
	buf_putc(out, '.');
	buf_done(&past);
}

/* Requests that are refused while a step runs, where the site is not down in any case (from 0: it never is). */
static bool refused_words(const struct plan *plan, long from, long to, struct buf *out)
{
	const struct json *steps = json_at(plan->data, "steps");
	bool any = false;

	for (size_t i = 0; i < json_count(steps); i++) {
		const char *refuses = json_text(json_item(steps, i), "refuses", "");
		bool down = from && (long)i + 1 >= from && (!to || (long)i + 1 <= to);

		if (!*refuses || down || !plan_applies(plan, json_item(steps, i)))
			continue;
		buf_printf(out, "%sRequests are refused for about %s in step %zu, %s.", out->len ? " " : "", refuses, i + 1, json_text(json_item(steps, i), "title", ""));
		any = true;
	}
	return any;
}

void plan_pause_words(const struct plan *plan, struct buf *out)
{
	long from = plan_downtime_step(plan, "begins"), to = from ? plan_downtime_step(plan, "ends") : 0;

	if (from)
		downtime_words(plan, from, to, out);
	if (may_be_left_out(plan, from)) {
		buf_puts(out, " Where it is not, the site stays up.");
		(void)refused_words(plan, 0, 0, out);
	} else if (!refused_words(plan, from, to, out) && !from) {
		buf_puts(out, "No downtime is planned.");
	}
}

static bool pauses_at_all(const struct plan *plan)
{
	struct buf words = { 0 };
	bool pauses = plan_downtime_step(plan, "begins") || refused_words(plan, 0, 0, &words);

	buf_done(&words);
	return pauses;
}

void plan_no_return_words(const struct plan *plan, struct buf *out)
{
	long at = plan_no_return(plan);
	const char *alone = json_text(json_at(plan->data, "fleet"), "alone", NULL);

	if (!at)
		return;
	buf_printf(out, "POINT OF NO RETURN: step %ld, %s%s.", at, json_text(step_at(plan, at), "title", ""), may_be_left_out(plan, at) ? ", where that is needed" : "");
	if (str_is(alone, "refuse"))
		buf_puts(out, " Another person must agree to it then, with an account of their own. Alone you come no further than there: the fleet file would have to say "
			      "policy = { alone = \"waiver\" } before you start.");
	else if (alone)
		buf_puts(out, " Another person agrees to it then, or you alone by a waiver.");
}

void plan_version_words(const struct plan *plan, struct buf *out)
{
	const char *version = json_text(plan->outside, "version", NULL);
	char clock[TIME_TEXT];
	int64_t at = 0;

	if (!version)
		return;
	buf_printf(out, "Mastodon %s runs now, by the site's own word", version);
	if (time_parse(json_text(plan->outside, "at", ""), &at) == 0)
		buf_printf(out, " (asked %.5s UTC)", time_format_clock(at, clock));
	buf_putc(out, '.');
}

/* Words as rows; none when there are none. Ends the text. */
static void add_words(struct plan *plan, enum role role, struct buf *text, int cols)
{
	struct buf safe = { 0 };

	utf8_safe(&safe, buf_text(text), text->len, false);
	if (text->len)
		rows_add_text(&plan->rows, role, buf_text(&safe), 0, cols);
	buf_done(&safe);
	buf_done(text);
}

static void add_version(struct plan *plan, int cols)
{
	struct buf text = { 0 };

	plan_version_words(plan, &text);
	add_words(plan, ROLE_TEXT, &text, cols);
}

static void add_downtime(struct plan *plan, int cols)
{
	struct buf text = { 0 };

	plan_pause_words(plan, &text);
	add_words(plan, pauses_at_all(plan) ? ROLE_WARN : ROLE_TEXT, &text, cols);
}

static void add_no_return(struct plan *plan, int cols)
{
	struct buf text = { 0 };

	plan_no_return_words(plan, &text);
	add_words(plan, ROLE_FAIL, &text, cols);
}

static void add_about(struct plan *plan, int cols)
{
	const char *about = json_text(plan->data, "about", "");
	struct buf text = { 0 };

	prose_flow(&text, about);
	if (str_is(plan->unfolded, "about")) {
		rows_add(&plan->rows, ROLE_TEXT, "About", "about");
		rows_add_text(&plan->rows, ROLE_TEXT, buf_text(&text), 2, cols);
	} else if (text.len) {
		struct buf line = { 0 };
		char *first = mem_printf("About: %.*s", (int)strcspn(buf_text(&text), "\n"), buf_text(&text));

		cell_left(&line, first, cols);
		rows_add(&plan->rows, ROLE_TEXT, buf_text(&line), "about");
		buf_done(&line);
		mem_free(first);
	}
	buf_done(&text);
}

void plan_build_facts(struct plan *plan, int cols)
{
	add_version(plan, cols);
	add_counts(plan, cols);
	add_times(plan, cols);
	add_downtime(plan, cols);
	add_no_return(plan, cols);
	add_about(plan, cols);
}

/* ---- preflight ---- */

static enum role check_role(const char *state)
{
	return str_is(state, "ok") ? ROLE_OK : str_is(state, "FAIL") ? ROLE_FAIL : str_is(state, "warn") ? ROLE_WARN : ROLE_WAIT;
}

static void add_check(struct plan *plan, const char *state, const char *text, int cols)
{
	struct buf safe = { 0 };
	size_t first = plan->rows.count;
	char *line;

	utf8_safe(&safe, text, strlen(text), false);
	rows_add_text(&plan->rows, ROLE_TEXT, buf_text(&safe), CHECK_COL, cols);
	buf_done(&safe);
	if (plan->rows.count == first)
		return;
	/* The state stands before the first line of the text. */
	line = mem_printf("  %-*.*s%s", CHECK_COL - 2, CHECK_COL - 3, state, plan->rows.row[first].text + CHECK_COL);
	mem_free(plan->rows.row[first].text);
	plan->rows.row[first].text = line;
	row_mark(&plan->rows.row[first], 2, CHECK_COL - 3, check_role(state));
}

/* What a host's line means before a walk. */
static const char *host_state(const struct json *host)
{
	const char *state = json_text(host, "state", "");

	if (str_is(state, "silent"))
		return "FAIL";
	return str_is(state, "attention") || str_is(json_text(host, "sudo", ""), "no") || str_is(json_text(host, "sudo", ""), "tty") ? "warn" : "ok";
}

static void host_words(const char *name, const struct json *host, struct buf *out)
{
	const struct json *problems = json_at(host, "problems");
	const char *sudo = json_text(host, "sudo", "");

	buf_printf(out, "%s: ", name);
	if (json_at(host, "text")) {
		buf_puts(out, json_text(host, "text", ""));
		return;
	}
	buf_puts(out, "answers");
	if (*sudo)
		buf_puts(out, str_is(sudo, "no") ? ", sudo asks for a password" : str_is(sudo, "tty") ? ", sudo wants a terminal (requiretty)" : str_is(sudo, "root") ? ", is root" : ", sudo without password");
	if (json_at(host, "disk_pct"))
		buf_printf(out, ", disk %lld%%", (long long)json_int(host, "disk_pct", 0));
	if (json_at(host, "skew_s") && json_int(host, "skew_s", 0) == 0)
		buf_puts(out, ", clock right");
	for (size_t i = 0; i < json_count(problems); i++)
		buf_printf(out, "; %s", json_as_text(json_item(problems, i)) ? json_as_text(json_item(problems, i)) : "?");
}

static const char *host_name(const struct plan *plan, size_t i)
{
	const char *name = json_as_text(json_item(json_at(json_at(plan->data, "fleet"), "hosts"), i));

	return name ? name : "?";
}

static size_t host_count(const struct plan *plan)
{
	return json_count(json_at(json_at(plan->data, "fleet"), "hosts"));
}

static void add_hosts(struct plan *plan, int cols)
{
	size_t fine = 0, waiting = 0;

	for (size_t i = 0; i < host_count(plan); i++) {
		const struct json *host = json_at(plan->hosts, host_name(plan, i));
		struct buf text = { 0 };

		waiting += !host;
		if (!host)
			continue;
		if (str_is(host_state(host), "ok") && host_count(plan) >= MANY) {
			fine++;
			continue;
		}
		host_words(host_name(plan, i), host, &text);
		add_check(plan, host_state(host), buf_text(&text), cols);
		buf_done(&text);
	}
	if (fine) {
		char *text = mem_printf("%zu hosts answer: log-in, sudo, disk and clock are right", fine);

		add_check(plan, "ok", text, cols);
		mem_free(text);
	}
	if (waiting) {
		char *text = mem_printf("%zu host%s not asked%s", waiting, waiting == 1 ? "" : "s", plan->asking ? " yet, being asked now" : "; c asks");

		add_check(plan, plan->asking ? "..." : "-", text, cols);
		mem_free(text);
	}
}

#define WARNED 3	/* of a dry run: told by name */

/* What a dry run that ended well warned of, each step with its reason; returns how many warnings there were. */
static int64_t warned_words(const struct model *model, struct buf *out)
{
	int64_t n = 0, named = 0;

	for (size_t i = 0; i < model->step_count; i++) {
		const struct model_step *step = &model->steps[i];

		if (step->state != STEP_WARN)
			continue;
		if (++n <= WARNED)
			buf_printf(out, "%s step %zu, %s: %s", named++ ? ";" : "", i + 1, step->title, *step->reason ? step->reason : "see there");
	}
	if (model->warnings > named)
		buf_printf(out, "%s %lld more", named ? "; and" : "", (long long)(model->warnings - named));
	return n > model->warnings ? n : model->warnings;
}

static char *rehearsed_words(const struct model *model, int64_t *warnings)
{
	struct buf told = { 0 };
	char *text;

	*warnings = warned_words(model, &told);
	if (*warnings)
		text = mem_printf("dry run (session %lld): nothing was changed, %lld warning%s:%s", (long long)model->session, (long long)*warnings, *warnings == 1 ? "" : "s", buf_text(&told));
	else
		text = mem_printf("dry run (session %lld): all steps that only look went well; nothing was changed", (long long)model->session);
	buf_done(&told);
	return text;
}

static void add_rehearsal(struct plan *plan, int cols)
{
	const struct model *model = plan->model;
	const char *state = plan->rehearsal == REHEARSAL_NONE ? "-" : plan->rehearsal == REHEARSAL_RUNS ? model->ask_count ? "asks" : "..." : "FAIL";
	int64_t warnings = 0;
	size_t over = 0;
	char *text;

	for (size_t i = 0; i < model->step_count; i++)
		over += step_state_is_over(model->steps[i].state);
	if (plan->rehearsal == REHEARSAL_NONE)
		text = mem_strdup("the steps that only look were not run; p runs them, and changes nothing");
	else if (plan->rehearsal == REHEARSAL_RUNS && model->ask_count)
		text = mem_printf("the dry run (session %lld) asks: %s Press d to see it and answer.", (long long)model->session, model->asks[0].text);
	else if (plan->rehearsal == REHEARSAL_RUNS)
		text = mem_printf("dry run: step %zu of %zu", over + 1, model->step_count);
	else if (str_is(model->outcome, "ok"))
		text = rehearsed_words(model, &warnings);
	else
		text = mem_printf("dry run (session %lld): ended %s at step %zu; see below", (long long)model->session, *model->outcome ? model->outcome : "early", over + 1);
	if (plan->rehearsal == REHEARSAL_OVER && str_is(model->outcome, "ok"))
		state = warnings ? "warn" : "ok";
	add_check(plan, state, text, cols);
	mem_free(text);
}

void plan_build_checks(struct plan *plan, int cols)
{
	const struct json *checks = json_at(plan->data, "checks");

	head(plan, "PREFLIGHT");
	for (size_t i = 0; i < json_count(checks); i++)
		add_check(plan, json_text(json_item(checks, i), "state", ""), json_text(json_item(checks, i), "text", ""), cols);
	add_hosts(plan, cols);
	add_rehearsal(plan, cols);
}

int plan_failures(const struct plan *plan, struct buf *out)
{
	const struct json *checks = json_at(plan->data, "checks");
	int failed = 0;

	for (size_t i = 0; i < json_count(checks); i++) {
		if (!str_is(json_text(json_item(checks, i), "state", ""), "FAIL"))
			continue;
		buf_printf(out, "FAIL %s\n", json_text(json_item(checks, i), "text", ""));
		failed++;
	}
	for (size_t i = 0; i < host_count(plan); i++) {
		const struct json *host = json_at(plan->hosts, host_name(plan, i));

		if (!host || !str_is(host_state(host), "FAIL"))
			continue;
		buf_puts(out, "FAIL ");
		host_words(host_name(plan, i), host, out);
		buf_putc(out, '\n');
		failed++;
	}
	for (size_t i = 0; plan->rehearsal == REHEARSAL_OVER && i < plan->model->step_count; i++) {
		const struct model_step *step = &plan->model->steps[i];

		if (step->state != STEP_FAILED)
			continue;
		buf_printf(out, "FAIL step %zu, %s: %s\n", i + 1, step->title, step->reason);
		failed++;
	}
	return failed;
}
