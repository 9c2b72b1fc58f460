/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/ending.h"

#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "tui/prose.h"

enum view_exit ending_exit(enum ending ending, const char *outcome)
{
	if (ending == ENDING_LEFT || ending == ENDING_GONE)
		return VIEW_LEFT;
	return ending == ENDING_CLOSED && str_is(outcome, "ok") ? VIEW_OK : VIEW_FAILED;
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

/* What a tired reader must not miss: steps that did not simply go well, and how long the site was down. */
static void open_ends(const struct model *model, struct buf *out)
{
	char span[TIME_TEXT];

	for (size_t i = 0; i < model->step_count; i++) {
		const struct model_step *step = &model->steps[i];

		if (step->state == STEP_OK || step->state == STEP_PLANNED)
			continue;
		buf_printf(out, "  %s: step %zu, ", step_state_name(step->state), i + 1);
		utf8_safe(out, step->title, strlen(step->title), false);
		if (*step->reason) {
			buf_puts(out, ": ");
			prose_flow(out, step->reason);
		}
		buf_putc(out, '\n');
	}
	if (model->down_total_us > 0)
		buf_printf(out, "The site was down %s.\n", time_format_span(model->down_total_us, span));
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
		buf_puts(out, ".\n");
		open_ends(model, out);
		buf_printf(out, "Read it with: bellbook log %lld\n", id);
		return;
	}
	if (ending == ENDING_GONE) {
		buf_puts(out, "its process is gone, nothing is being done now.\n");
		if (at >= 0 && model->steps[at].state == STEP_RUNNING)
			buf_puts(out, "A step was running: what it did is in doubt until the session is resumed.\n");
		buf_printf(out, "Resume it with: bellbook resume %lld\n", id);
		return;
	}
	if (scene->question_count > 0)
		buf_puts(out, "it goes on without you, and waits for an answer.\n");
	else
		buf_puts(out, model->state == SESSION_PAUSED ? "paused; it stays as it is.\n"
			: "it goes on without you.\n");
	buf_printf(out, "Come back with: bellbook attach %lld\n", id);
}
