/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/live/ending.h"

#include <string.h>

#include "base/called.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "journal/model/back.h"
#include "tui/part/prose.h"

enum view_exit ending_exit(enum ending ending, const char *outcome)
{
	if (ending == ENDING_LEFT || ending == ENDING_GONE)
		return VIEW_LEFT;
	return ending == ENDING_CLOSED && str_is(outcome, "ok") ? VIEW_OK : VIEW_FAILED;
}

bool ending_may_go_back(const struct scene *scene)
{
	return scene->model->way_back && (str_is(scene->my_role, "driver") || str_is(scene->my_role, "navigator"));
}

bool ending_goes_back(const struct scene *scene)
{
	return ending_may_go_back(scene) && str_is(scene->my_role, "driver") && scene->me && str_is(json_text(scene->model->way_back, "by", ""), scene->me);
}

static void to_type(struct buf *out, const char *what, const char *command, int64_t session)
{
	buf_printf(out, "%s: ", what);
	called(out);
	buf_printf(out, " %s %lld\n", command, (long long)session);
}

static void title(const struct scene *scene, int64_t session, struct buf *out)
{
	const char *name = scene->model->title && *scene->model->title
		? scene->model->title : scene->model->runbook;

	buf_printf(out, "bellbook: session %lld", (long long)session);
	if (name && *name) {
		buf_puts(out, ", ");
		utf8_safe(out, name, strlen(name), false);
	}
	buf_printf(out, "\n%zu of %zu steps over: ", scene_steps_over(scene), scene->model->step_count);
}

static void host_and_command(const struct model_call *call, struct buf *out)
{
	const char *host = *call->host ? call->host : "this computer";

	utf8_safe(out, host, strlen(host), false);
	buf_puts(out, ": ");
	prose_command(out, *call->shown ? call->shown : call->action);
	buf_putc(out, '\n');
}

/* The parts that the lists tell: work alone, or from the beginning to the end. */
static void lasted_words(const struct model *model, struct buf *out)
{
	char span[TIME_TEXT];
	int64_t work = 0;

	if (model->closed_us <= model->opened_us)
		return;
	for (size_t i = 0; i < model->step_count; i++)
		work += model->steps[i].took_us;
	buf_printf(out, "It lasted %s", time_format_span(model->closed_us - model->opened_us, span));
	if (work >= TIME_SECOND)
		buf_printf(out, ", %s of it work", time_format_span(work, span));
	if (model->people_us >= TIME_SECOND)
		buf_printf(out, ", %s waiting for people", time_format_span(model->people_us, span));
	buf_puts(out, ".\n");
}

/* What a tired reader must not miss: steps that did not simply go well, and how long the site was down. */
static void open_ends(const struct model *model, struct buf *out)
{
	char span[TIME_TEXT];

	for (size_t i = 0; i < model->step_count; i++) {
		const struct model_step *step = &model->steps[i];

		if ((step->state == STEP_OK && !step->already) || step->state == STEP_PLANNED)
			continue;
		buf_puts(out, "  ");
		model_step_words(step, out);
		buf_printf(out, ": step %zu, ", i + 1);
		utf8_safe(out, step->title, strlen(step->title), false);
		if (*step->reason) {
			buf_puts(out, ": ");
			prose_flow(out, step->reason);
		}
		buf_putc(out, '\n');
	}
	for (size_t i = 0; i < model->call_count; i++) {
		const struct model_call *call = &model->calls[i];

		if (call->state != CALL_UNKNOWN || call->reads)
			continue;
		buf_puts(out, "  IN DOUBT, nobody knows how it ended: on ");
		host_and_command(call, out);
	}
	lasted_words(model, out);
	if (model->down_since_us > 0)
		buf_printf(out, "THE SITE IS STILL DOWN, as far as is known here, since %s UTC.\n", time_format_clock(model->down_since_us, span));
	else if (model->down_total_us > 0 && !model->outside.seq)	/* else both clocks are told together */
		buf_printf(out, "The site was down %s.\n", time_format_span(model->down_total_us, span));
}

#define ENDING_NOTES 6	/* the last of them are told, all stand in the log */

/* Warned of in an attempt that failed, of a step that went well since: mended, or warned of again. */
static bool is_mended(const struct scene *scene, const struct talk *talk)
{
	const struct model_step *step = talk->failed ? model_step_find(scene->model, talk->step) : NULL;

	return step && (step->state == STEP_OK || step->state == STEP_WARN);
}

/* What was warned of, each thing once, and what was noted last: what is left to do stands there. */
static void words_of_the_walk(const struct scene *scene, int64_t session, struct buf *out)
{
	size_t notes = 0, told = 0;

	for (size_t i = 0; i < scene->talk_count; i++) {
		const struct talk *talk = &scene->talk[i];
		bool again = false;

		notes += talk->note;
		for (size_t k = 0; k < i && talk->warned && !again; k++)
			again = scene->talk[k].warned && !is_mended(scene, &scene->talk[k]) && str_is(scene->talk[k].text, talk->text);
		if (!talk->warned || again || is_mended(scene, talk))
			continue;
		buf_puts(out, told++ == 0 ? "Warnings of this walk:\n  " : "  ");
		prose_flow(out, talk->text);
		buf_putc(out, '\n');
	}
	if (notes > 0)
		buf_printf(out, notes > ENDING_NOTES ? "Notes, the last %d of %zu:\n" : "Notes:\n", ENDING_NOTES, notes);
	for (size_t i = 0; i < scene->talk_count; i++) {
		const struct talk *talk = &scene->talk[i];

		if (!talk->note || notes-- > ENDING_NOTES)
			continue;
		buf_puts(out, "  ");
		prose_flow(out, talk->text);
		buf_putc(out, '\n');
	}
	to_type(out, "Read it with", "log", session);
}

/* What the process that is gone had begun: commands on hosts do not end with it. */
static void still_there(const struct model *model, size_t at, struct buf *out)
{
	size_t count = 0;

	buf_printf(out, "Step %zu, ", at + 1);
	utf8_safe(out, model->steps[at].title, strlen(model->steps[at].title), false);
	buf_puts(out, ", was running. What it did is in doubt until the session is resumed.\n");
	for (size_t i = 0; i < model->call_count; i++) {
		const struct model_call *call = &model->calls[i];

		if (call->reads || (call->state != CALL_RUNNING && call->state != CALL_UNKNOWN) || !str_is(call->step, model->steps[at].id))
			continue;
		buf_printf(out, "%sOn ", count++ == 0 ? "This may go on without it: start nothing by hand there before the session is resumed.\n  " : "  ");
		host_and_command(call, out);
	}
}

void ending_tell(const struct scene *scene, int64_t session, enum ending ending, struct buf *out)
{
	const struct model *model = scene->model;
	const char *outcome = model->outcome && *model->outcome ? model->outcome : "unknown";
	long long id = (long long)session;
	long at = model_current(model);

	if (ending == ENDING_REFUSED) {
		buf_printf(out, "bellbook: session %lld refused this view: %s\n", id,
			scene->turned_away ? scene->turned_away : "it did not say why");
		return;
	}
	title(scene, session, out);
	if (ending == ENDING_CLOSED) {
		buf_puts(out, "closed, outcome ");
		utf8_safe(out, outcome, strlen(outcome), false);
		model_left_out_words(model, out);
		if (*model->closed_why && !str_is(outcome, "ok")) {
			buf_puts(out, ": ");
			prose_flow(out, model->closed_why);
		}
		buf_puts(out, ".\n");
		open_ends(model, out);
		if (model->outside.seq) {
			model_outside_words(model, model->closed_us, out);
			buf_putc(out, '\n');
		}
		back_words(model->way_back, out);
		words_of_the_walk(scene, session, out);
		return;
	}
	if (ending == ENDING_GONE) {
		buf_puts(out, "its process is gone: nothing new begins.\n");
		if (at >= 0 && model->steps[at].state == STEP_RUNNING)
			still_there(model, (size_t)at, out);
		to_type(out, "Resume it with", "resume", session);
		return;
	}
	if (scene->halted)
		buf_printf(out, "nothing goes on there, with you or without: %s\n", scene->halted);
	else if (scene->question_count > 0)
		buf_puts(out, "it goes on without you, and waits for an answer.\n");
	else
		buf_puts(out, model->state == SESSION_PAUSED ? "paused; it stays as it is.\n"
			: "it goes on without you.\n");
	to_type(out, "Come back with", "attach", session);
}
