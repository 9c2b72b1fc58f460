/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/watch/known.h"

#include <string.h>

#include "base/cause.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"

#define COMMAND_BYTES ((size_t)60)
#define SUSPECTS 3	/* skipped steps named, the last ones */
#define NAMED 6		/* hosts or commands named, the rest counted */

static const char *host_of(const struct model_call *call)
{
	return *call->host ? call->host : "this computer";
}

/* The command in a few words. */
static void command(const struct model_call *call, struct buf *out)
{
	struct buf words = {0};
	size_t keep;

	cause_command(*call->shown ? call->shown : call->action, &words);
	keep = words.len > COMMAND_BYTES + strlen("…") ? utf8_border(buf_text(&words), COMMAND_BYTES) : words.len;
	buf_puts(out, "“");
	buf_append(out, buf_text(&words), keep);
	buf_puts(out, keep < words.len ? "…”" : "”");
	buf_done(&words);
}

/* A call of the attempt that did the step's work; looks at the world around it leave nothing to know. */
static bool is_work(const struct model_call *call, const struct model_step *step)
{
	return call->attempt == step->attempt && str_is(call->step, step->id) && !str_starts(call->path, "look")
		&& !str_starts(call->path, "see") && !str_starts(call->path, "when") && !str_starts(call->path, "doubt");
}

static bool ended_badly(const struct model_call *call)
{
	return call->state == CALL_FAILED || call->state == CALL_CANCELED || (call->state == CALL_OK && call->exit_code > 0);
}

static void bad_one(const struct model_call *call, struct buf *out)
{
	char took[TIME_TEXT];

	buf_printf(out, "on %s ", host_of(call));
	command(call, out);
	if (call->state == CALL_CANCELED)
		buf_puts(out, " was stopped");
	else if (call->not_run)
		buf_puts(out, " was not run");
	else if (call->exit_code >= 0)
		buf_printf(out, " ended with status %d", call->exit_code);
	else
		buf_puts(out, " failed");
	if (call->ended_us > call->begun_us && !call->not_run)
		buf_printf(out, " after %s", time_format_span(call->ended_us - call->begun_us, took));
}

/* The same command came to the same end on the host before: it is counted there. */
static bool is_same(const struct model_call *a, const struct model_call *b)
{
	return a->state == b->state && a->exit_code == b->exit_code && str_is(a->host, b->host) && str_is(a->shown, b->shown);
}

/* A look that said no, and the step went on with something else there: that was its answer, and nothing that went wrong. */
static bool is_answer(const struct model *model, const struct model_step *step, size_t at)
{
	const struct model_call *call = &model->calls[at];

	if (!call->reads || call->state != CALL_OK || call->exit_code <= 0)
		return false;
	for (size_t i = at + 1; i < model->call_count; i++)
		if (is_work(&model->calls[i], step) && str_is(model->calls[i].host, call->host) && !str_is(model->calls[i].shown, call->shown))
			return true;
	return false;
}

/* The next bad call of the step from `from` on that is no repetition; *times: how often it came. model->call_count when there is none. */
static size_t next_bad(const struct model *model, const struct model_step *step, size_t from, size_t *times)
{
	for (size_t i = from; i < model->call_count; i++) {
		const struct model_call *call = &model->calls[i];
		bool again = false;

		if (!is_work(call, step) || !ended_badly(call) || is_answer(model, step, i))
			continue;
		for (size_t k = 0; k < i && !again; k++)
			again = is_work(&model->calls[k], step) && ended_badly(&model->calls[k]) && is_same(&model->calls[k], call);
		*times = 1;
		for (size_t k = i + 1; k < model->call_count && !again; k++)
			*times += is_work(&model->calls[k], step) && ended_badly(&model->calls[k]) && is_same(&model->calls[k], call);
		if (!again)
			return i;
	}
	return model->call_count;
}

static void known(const struct model *model, const struct model_step *step, struct buf *out)
{
	size_t well = 0, bad = 0, told = 0, times = 0;

	for (size_t i = 0; i < model->call_count; i++)
		if (is_work(&model->calls[i], step)) {
			bool answer = is_answer(model, step, i);

			well += answer || (model->calls[i].state == CALL_OK && model->calls[i].exit_code <= 0);
			bad += !answer && ended_badly(&model->calls[i]);
		}
	if (well + bad == 0) {
		buf_puts(out, "Known: no command of this step was run.");
		return;
	}
	buf_printf(out, "Known: %zu command%s ended well", well, well == 1 ? "" : "s");
	for (size_t i = next_bad(model, step, 0, &times), named = 0; i < model->call_count && named < NAMED; i = next_bad(model, step, i + 1, &times), named++) {
		buf_puts(out, "; ");
		bad_one(&model->calls[i], out);
		if (times > 1)
			buf_printf(out, " (%zu times)", times);
		told += times;
	}
	if (bad > told)
		buf_printf(out, "; %zu more did not end well", bad - told);
	buf_putc(out, '.');
}

static void not_known(const struct model *model, const struct model_step *step, struct buf *out)
{
	size_t named = 0;

	for (size_t i = 0; i < model->call_count && named < NAMED; i++) {
		const struct model_call *call = &model->calls[i];

		/* A look leaves nothing behind. */
		if (!is_work(call, step) || call->reads || !(call->state == CALL_UNKNOWN || ended_badly(call)) || call->not_run)
			continue;
		buf_puts(out, named++ ? "; " : "Not known: ");
		buf_printf(out, call->state == CALL_UNKNOWN ? "whether on %s " : "how far on %s ", host_of(call));
		command(call, out);
		buf_puts(out, call->state == CALL_UNKNOWN ? " was carried out" : " came before it ended");
	}
	if (named == 0)
		buf_puts(out, "Not known: no command of it is in doubt; why it failed is said above");
	buf_putc(out, '.');
}

/* Steps before it that a person left out: what they would have made is missing now. */
static void suspects(const struct model *model, const struct model_step *step, struct buf *out)
{
	size_t at = (size_t)(step - model->steps), n = 0;

	for (size_t i = at; i-- > 0 && n < SUSPECTS;) {
		const struct model_step *one = &model->steps[i];

		if (!*one->by || (one->state != STEP_SKIPPED && one->state != STEP_DEFERRED))
			continue;
		buf_puts(out, n++ ? "; " : "Look there first: ");
		buf_printf(out, "step %zu, “%s”, was %s by %s", i + 1, one->title, one->state == STEP_SKIPPED ? "skipped" : "put off", one->by);
	}
	buf_puts(out, n ? ". What it makes may be what is missing. E (in plain lines: enter NUMBER) goes back to it.\n\n" : "");
}

void known_text(const struct model *model, const struct model_step *step, struct buf *out)
{
	suspects(model, step, out);
	known(model, step, out);
	buf_puts(out, "\n\n");
	not_known(model, step, out);
}
