/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/part/record.h"

#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "tui/part/prose.h"

/* What was noted, warned of and said at a step ("": outside of steps). */
static void record_talk(const struct scene *scene, const char *step, struct buf *out)
{
	for (size_t i = 0; i < scene->talk_count; i++) {
		const struct talk *talk = &scene->talk[i];

		if (!str_is(talk->step, step))
			continue;
		if (talk->warned)
			buf_printf(out, "   - WARNING: %s\n", talk->text);
		else if (talk->note && str_is(talk->who, "bellbook"))
			buf_printf(out, "   - %s\n", talk->text);
		else
			buf_printf(out, "   - %s%s: %s\n", talk->who, talk->note ? " noted" : "", talk->text);
	}
}

static void record_step(const struct scene *scene, size_t i, struct buf *out)
{
	const struct model_step *step = &scene->model->steps[i];

	buf_printf(out, "%2zu ", i + 1);
	utf8_safe(out, step->title, strlen(step->title), false);
	buf_puts(out, ": ");
	model_step_words(step, out);
	if (*step->reason) {
		buf_puts(out, ", ");
		prose_flow(out, step->reason);
	}
	buf_putc(out, '\n');
	record_talk(scene, step->id, out);
}

void record_text(const struct scene *scene, struct buf *out)
{
	const struct model *model = scene->model;
	size_t start = out->len;

	record_talk(scene, "", out);
	for (size_t i = 0; i < model->step_count; i++)
		if (model->steps[i].state != STEP_PLANNED)
			record_step(scene, i, out);
	if (model->outside.seq) {
		model_outside_words(model, model->last_us, out);
		buf_putc(out, '\n');
	}
	if (out->len == start)
		buf_puts(out, "Nothing was done yet.\n");
}
