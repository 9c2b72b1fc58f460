/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/known.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"

#define COMMAND_BYTES ((size_t)60)
#define NAMED 6		/* hosts or commands named, the rest counted */

static const char *host_of(const struct model_call *call)
{
	return *call->host ? call->host : "this computer";
}

/* The command's first line, cut. */
static void command(const struct model_call *call, struct buf *out)
{
	const char *text = *call->shown ? call->shown : call->action;
	size_t len = strcspn(text, "\n"), keep = len > COMMAND_BYTES ? utf8_border(text, COMMAND_BYTES) : len;

	buf_puts(out, "“");
	buf_append(out, text, keep);
	buf_puts(out, text[keep] ? "…”" : "”");
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
	else if (call->exit_code >= 0)
		buf_printf(out, " ended with status %d", call->exit_code);
	else
		buf_puts(out, " failed");
	if (call->ended_us > call->begun_us)
		buf_printf(out, " after %s", time_format_span(call->ended_us - call->begun_us, took));
}

static void known(const struct model *model, const struct model_step *step, struct buf *out)
{
	size_t well = 0, bad = 0;

	for (size_t i = 0; i < model->call_count; i++)
		if (is_work(&model->calls[i], step)) {
			well += model->calls[i].state == CALL_OK && model->calls[i].exit_code <= 0;
			bad += ended_badly(&model->calls[i]);
		}
	if (well + bad == 0) {
		buf_puts(out, "Known: no command of this step was run.");
		return;
	}
	buf_printf(out, "Known: %zu command%s ended well", well, well == 1 ? "" : "s");
	for (size_t i = 0, named = 0; i < model->call_count && named < NAMED; i++)
		if (is_work(&model->calls[i], step) && ended_badly(&model->calls[i])) {
			buf_puts(out, "; ");
			bad_one(&model->calls[i], out);
			named++;
		}
	if (bad > NAMED)
		buf_printf(out, "; %zu more did not end well", bad - NAMED);
	buf_putc(out, '.');
}

static void not_known(const struct model *model, const struct model_step *step, struct buf *out)
{
	size_t named = 0;

	for (size_t i = 0; i < model->call_count && named < NAMED; i++) {
		const struct model_call *call = &model->calls[i];

		if (!is_work(call, step) || !(call->state == CALL_UNKNOWN || ended_badly(call)))
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

void known_text(const struct model *model, const struct model_step *step, struct buf *out)
{
	known(model, step, out);
	buf_puts(out, "\n\n");
	not_known(model, step, out);
}
