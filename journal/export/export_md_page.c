/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "journal/export/export_int.h"
#include "journal/export/export_md.h"

/* In a table or a heading. */
static void text(struct buf *out, const char *words)
{
	export_md_cell(out, words, strlen(words));
}

/* A paragraph, wrapped; before is ours. */
static void paragraph(struct buf *out, const char *before, const char *words)
{
	size_t from = out->len;

	buf_puts(out, before);
	export_md_text(out, words, strlen(words));
	export_md_wrap(out, from);
}

static void row(struct buf *out, const char *name, const char *words)
{
	buf_puts(out, "| ");
	text(out, name);
	buf_puts(out, " | ");
	text(out, words);
	buf_puts(out, " |\n");
}

static int64_t lasted(const struct model *model)
{
	int64_t end = model->closed_us ? model->closed_us : model->last_us;

	return end > model->opened_us ? end - model->opened_us : 0;
}

/* "4 ok, 1 failed, 2 planned of 7" */
static void step_counts(struct buf *out, const struct model *model)
{
	const char *comma = "";

	for (int state = STEP_PLANNED; state <= STEP_STALE; state++) {
		size_t n = 0;

		for (size_t i = 0; i < model->step_count; i++)
			n += model->steps[i].state == (enum step_state)state;
		if (n > 0) {
			buf_printf(out, "%s%zu %s", comma, n, step_state_name((enum step_state)state));
			comma = ", ";
		}
	}
	buf_printf(out, "%sof %zu", comma[0] ? " " : "0 ", model->step_count);
}

static void head(struct buf *out, const struct export_md_parts *parts)
{
	const struct model *model = parts->model;
	char opened[TIME_TEXT], closed[TIME_TEXT], span[TIME_TEXT];
	struct buf line = {0};

	buf_puts(out, "# Post-mortem: ");
	text(out, model->title[0] ? model->title : model->runbook);
	buf_puts(out, "\n\n| | |\n|---|---|\n");
	row(out, "Runbook", model->runbook);
	if (model->fleet[0])
		row(out, "Fleet", model->fleet);
	buf_printf(&line, "%s by %s%s", time_format(model->opened_us, opened), model->who,
		   model->dry_run ? ", a dry run: nothing was changed" : "");
	row(out, "Opened", buf_text(&line));
	buf_clear(&line);
	if (model->closed_us) {
		buf_printf(&line, "%s: %s", time_format(model->closed_us, closed), model->outcome);
		model_left_out_words(model, &line);
	}
	row(out, "Closed", model->closed_us ? buf_text(&line) : "not yet");
	buf_clear(&line);
	row(out, "Lasted", time_format_span(lasted(model), span));
	row(out, "Waited for people", model->people_us > 0 ? time_format_span(model->people_us, span) : "-");
	buf_puts(&line, model->down_since_us ? "not over" : model->down_total_us ? time_format_span(model->down_total_us, span) : "none");
	if (model->outside.seq)
		buf_printf(&line, " by the steps; asked from outside: %lld of %lld requests refused, %s", (long long)model->outside.refused,
			   (long long)model->outside.asked, time_format_span(model->outside.refused_us, span));
	row(out, "Downtime", buf_text(&line));
	buf_clear(&line);
	buf_clear(&line);
	step_counts(&line, model);
	row(out, "Steps", buf_text(&line));
	buf_clear(&line);
	buf_printf(&line, "session %lld, events %lld to %lld%s%s", (long long)model->session,
		   (long long)parts->first_seq, (long long)model->last_seq, parts->hash[0] ? ", last hash " : "",
		   parts->hash);
	row(out, "Record", buf_text(&line));
	buf_done(&line);
}

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

static void summary(struct buf *out, const struct export_md_parts *parts)
{
	const struct model *model = parts->model;
	char since[TIME_TEXT];
	struct buf seen = {0};

	buf_puts(out, "\n## Summary\n\n*What happened, in three sentences, for somebody who was not there.*\n\n");
	if (model->about[0]) {
		paragraph(out, "The runbook: ", model->about);
		buf_puts(out, "\n\n");
	}
	buf_printf(out, "%lld failed attempt%s, %lld warning%s, %lld note%s.\n", (long long)model->failures, plural(model->failures),
		   (long long)model->warnings, plural(model->warnings), (long long)model->notes, plural(model->notes));
	if (model->gap)
		buf_puts(out, "\n**This record has a hole: it does not begin at its beginning, or calls are missing.**\n");
	buf_puts(out, "\n## Impact\n\n*Who noticed what, and since when?*\n\n");
	if (parts->down->len > 0)
		buf_printf(out, "Downtime:\n\n%s", buf_text(parts->down));
	if (parts->down_since_us)
		buf_printf(out, "%sSince %s the site is down as far as this record goes:\nthe step that ends the downtime was not done.\n", parts->down->len > 0 ? "\n" : "",
			   time_format(parts->down_since_us, since));
	else if (parts->down->len == 0 && !model->outside.seq)
		buf_puts(out, "No downtime was recorded.\n");
	model_outside_words(model, model->last_us, &seen);
	if (seen.len) {
		buf_puts(out, parts->down->len > 0 ? "\n" : "");
		paragraph(out, "", buf_text(&seen));
		buf_putc(out, '\n');
	}
	buf_done(&seen);
}

/* Why it ended so: too long for the table. */
static void reason(struct buf *out, const struct model_step *step)
{
	size_t from = out->len;

	if (!step->reason[0] && !step->by_hand)
		return;
	buf_puts(out, "- **");
	text(out, step->id);
	buf_puts(out, "**: ");
	export_md_text(out, step->reason, strlen(step->reason));
	if (step->by_hand)
		buf_puts(out, step->reason[0] ? "; touched by hand" : "touched by hand");
	export_md_wrap(out, from);
	buf_putc(out, '\n');
}

static void steps(struct buf *out, const struct model *model)
{
	char span[TIME_TEXT], waited[TIME_TEXT];
	struct buf state = {0};

	buf_puts(out, "\n## Steps\n\n| # | step | what | kind | state | attempts | took | waited for people |\n"
		      "|---|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < model->step_count; i++) {
		const struct model_step *step = &model->steps[i];

		buf_printf(out, "| %zu | ", i + 1);
		text(out, step->id);
		buf_puts(out, " | ");
		text(out, step->title);
		buf_printf(out, " | %s | ", step_kind_name(step->kind));
		buf_clear(&state);
		model_step_words(step, &state);
		text(out, buf_text(&state));
		buf_printf(out, " | %d | %s | %s |\n", step->attempt, step->took_us > 0 ? time_format_span(step->took_us, span) : "-",
			   step->waited_us > 0 ? time_format_span(step->waited_us, waited) : "-");
	}
	buf_puts(out, "\n");
	for (size_t i = 0; i < model->step_count; i++)
		reason(out, &model->steps[i]);
	buf_done(&state);
}

static const char *fate(const struct model_call *call)
{
	switch (call->state) {
	case CALL_FAILED:
		return "failed";
	case CALL_CANCELED:
		return "was canceled";
	case CALL_UNKNOWN:
		return "ended nobody knows how";
	case CALL_RUNNING:
		return "had not ended when the record ends";
	case CALL_OK:
		break;
	}
	return "ended";
}

/* The first call of the page's failures that ran the same command, when that is long; NULL = this one. */
static const struct model_call *shown_before(const struct export_md_parts *parts, const struct model_call *call)
{
	const char *line = strchr(call->shown, '\n');

	if (!line || !strchr(line + 1, '\n'))
		return NULL;
	for (size_t i = 0; i < parts->shown_count; i++)
		if (str_is(parts->shown[i]->shown, call->shown) && str_is(parts->shown[i]->before, call->before))
			return parts->shown[i];
	return NULL;
}

static void failed_command(struct buf *out, struct export_md_parts *parts, const struct model_call *call)
{
	const struct model_call *first = shown_before(parts, call);
	struct buf exact = { 0 };
	char clock[TIME_TEXT];

	if (first) {
		buf_puts(out, "The same command as call ");
		text(out, first->path);
		buf_puts(out, " of ");
		text(out, first->step);
		buf_printf(out, " at %s, above.\n", time_format_clock(first->begun_us, clock));
		return;
	}
	buf_printf(&exact, "%s%s", call->before, call->shown);
	export_md_block(out, exact.data, exact.len);
	buf_done(&exact);
	parts->shown = mem_more(parts->shown, parts->shown_count, sizeof(*parts->shown));
	parts->shown[parts->shown_count++] = call;
}

static void failed_call(struct buf *out, struct export_md_parts *parts, const struct model_call *call)
{
	const struct buf *evidence = export_evidence_of(parts->evidence, call);
	char at[TIME_TEXT];
	size_t from;

	buf_puts(out, "### ");
	text(out, call->step);
	buf_puts(out, ", call ");
	text(out, call->path);
	buf_puts(out, " on ");
	text(out, call->host[0] ? call->host : "this computer");
	if (call->as[0]) {
		buf_puts(out, " as ");
		text(out, call->as);
	}
	buf_puts(out, "\n\n");
	from = out->len;
	buf_printf(out, "Begun %s, attempt %d; it %s", time_format(call->begun_us, at), call->attempt, fate(call));
	if (call->exit_code > 0)
		buf_printf(out, " with exit status %d", call->exit_code);
	if (call->error[0]) {
		buf_puts(out, ": ");
		export_md_text(out, call->error, strlen(call->error));
	}
	export_md_wrap(out, from);
	buf_puts(out, call->error[0] ? "\n\n" : ".\n\n");
	if (call->shown[0])
		failed_command(out, parts, call);
	if (evidence && evidence->len > 0) {
		buf_puts(out, "\nIt said:\n\n");
		export_md_block(out, evidence->data, evidence->len);
	}
	buf_putc(out, '\n');
}

/* True for a call that did not end well; of a shell only when nobody knows: a person closes it as it comes. */
static bool is_bad(const struct model_call *call)
{
	if (call->rows > 0)
		return call->state == CALL_UNKNOWN || call->state == CALL_FAILED;
	return call->state != CALL_OK;
}

static bool is_of(const struct model_call *call, const struct export_md_failure *failure)
{
	return call->attempt == failure->attempt && str_is(call->step, failure->step);
}

static const struct export_md_failure *failure_of(const struct export_md_parts *parts, const struct model_call *call)
{
	for (size_t i = 0; i < parts->failure_count; i++)
		if (is_of(call, &parts->failures[i]))
			return &parts->failures[i];
	return NULL;
}

/* A step that failed: why, and the last of its commands that ended with a status, or badly. */
static void failed_step(struct buf *out, struct export_md_parts *parts, const struct export_md_failure *failure)
{
	const struct model *model = parts->model;
	const struct model_step *step = model_step_find(model, failure->step);
	const struct model_call *last = NULL;
	char clock[TIME_TEXT];

	buf_puts(out, "### ");
	text(out, step ? step->title : failure->step);
	buf_printf(out, ", attempt %d, failed at %s\n\n", failure->attempt, time_format_clock(failure->at_us, clock));
	paragraph(out, "", failure->reason);
	buf_puts(out, "\n\n");
	for (size_t i = 0; i < model->call_count; i++) {
		const struct model_call *call = &model->calls[i];

		if (is_of(call, failure) && is_bad(call))
			failed_call(out, parts, call);
		else if (is_of(call, failure) && call->exit_code > 0 && call->rows == 0)
			last = call;
	}
	if (last)
		failed_call(out, parts, last);
}

static void failures(struct buf *out, struct export_md_parts *parts)
{
	bool any = parts->failure_count > 0;

	buf_puts(out, "\n## Failures\n\n");
	for (size_t i = 0; i < parts->failure_count; i++)
		failed_step(out, parts, &parts->failures[i]);
	for (size_t i = 0; i < parts->model->call_count; i++) {
		const struct model_call *call = &parts->model->calls[i];

		if (!is_bad(call) || failure_of(parts, call))
			continue;
		failed_call(out, parts, call);
		any = true;
	}
	if (!any)
		buf_puts(out, "Nothing failed.\n\n");
	mem_free(parts->shown);
	parts->shown = NULL;
	parts->shown_count = 0;
}

static void settings(struct buf *out, const struct json *params)
{
	void *it = NULL;
	struct json *value;
	const char *name;

	if (json_count(params) == 0)
		return;
	buf_puts(out, "\n## Settings\n\n| name | value |\n|---|---|\n");
	while ((name = json_next(params, &it, &value))) {
		struct buf printed = {0};

		export_value(&printed, value);
		row(out, name, buf_text(&printed));
		buf_done(&printed);
	}
}

void export_md_page(struct buf *out, struct export_md_parts *parts)
{
	head(out, parts);
	summary(out, parts);
	steps(out, parts->model);
	buf_puts(out, "\n## Timeline (UTC)\n\n");
	buf_append(out, buf_text(parts->timeline), parts->timeline->len);
	failures(out, parts);
	buf_puts(out, "## Notes and lessons\n\n");
	buf_puts(out, parts->notes->len > 0 ? buf_text(parts->notes) : "None were written.\n");
	settings(out, parts->model->params);
	buf_puts(out, "\n## What went well\n\n-\n\n## What went badly\n\n-\n\n## Where we were lucky\n\n-\n\n"
		      "## What we will do\n\n*Each with an owner and a day.*\n\n");
	buf_puts(out, parts->debts->len > 0 ? buf_text(parts->debts) : "- [ ]\n");
}
