/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plain view's looks back: the record, a finished step, the hosts of a step, a text in the output, a copy of it. */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "tui/term/clip.h"
#include "tui/part/fanout.h"
#include "tui/plain/plain_int.h"
#include "tui/part/record.h"

#define STEP_OUTPUT 50	/* last lines shown of a step looked at */
#define FOUND_MAX 50
#define TALK_USUAL 20

static void put(struct plain *plain, const char *text)
{
	buf_puts(&plain->out, text);
}

/* Step by its number or id, else the present one, else NULL. */
static const struct model_step *step_named(const struct plain *plain, const char *text)
{
	struct model *model = plain->scene->model;
	int64_t number;
	long at = model_current(model);

	if (str_to_int(text, 1, (int64_t)model->step_count, &number))
		return &model->steps[number - 1];
	if (*text)
		return model_step_find(model, text);
	return at >= 0 ? &model->steps[at] : NULL;
}

void plain_look_record(struct plain *plain, const char *text)
{
	(void)text;
	record_text(plain->scene, &plain->out);
}

void plain_look_hosts(struct plain *plain, const char *text)
{
	static const char *const words[] = { "runs", "ok", "FAILED", "stopped", "IN DOUBT" };
	const struct model_step *step = step_named(plain, text);
	struct fanout fanout;
	char *line;

	fanout_init(&fanout, plain->scene, step);
	if (fanout.count == 0) {
		put(plain, step ? "That step does not work on several hosts at once.\n" : "Which step? \"hosts 3\" is of step 3.\n");
		return;
	}
	line = fanout_words(&fanout);
	buf_printf(&plain->out, "%s.\n", line);
	mem_free(line);
	for (size_t i = 0; i < fanout.count; i++) {
		bool bad = fanout_is_bad(&fanout, fanout.calls[i]);
		char *why = bad ? fanout_why(plain->scene, fanout.calls[i]) : mem_strdup("");
		enum call_state state = bad && fanout.calls[i]->state == CALL_OK ? CALL_FAILED : fanout.calls[i]->state;

		plain_safe(plain, fanout.calls[i]->host);
		buf_printf(&plain->out, ": %s", words[state]);
		if (fanout.calls[i]->exit_code > 0)
			buf_printf(&plain->out, ", exit status %d", fanout.calls[i]->exit_code);
		buf_printf(&plain->out, "%s%s\n", *why ? ", " : "", why);
		mem_free(why);
	}
	fanout_done(&fanout);
}

void plain_look_step(struct plain *plain, const char *text)
{
	const struct model_step *step = step_named(plain, text);
	const struct model_call *call = step ? scene_step_call(plain->scene, step) : NULL;

	if (!step) {
		put(plain, "Which step? \"step 3\" is about step 3; \"steps\" lists them.\n");
		return;
	}
	plain_tell_step(plain, step);
	buf_printf(&plain->out, "State: %s%s", step_state_name(step->state), *step->reason ? ", " : "");
	plain_words(plain, step->reason);
	put(plain, "\n");
	if (call)
		plain_tell_output(plain, call, STEP_OUTPUT);
}

void plain_look_find(struct plain *plain, const char *text)
{
	const struct model_call *call = scene_focus(plain->scene);
	struct output *output = call ? scene_output(plain->scene, call->seq) : NULL;
	int found = 0;
	long at = -1;

	if (!*text || !output) {
		put(plain, *text ? "There is no output to search.\n" : "Say it on one line: find TEXT\n");
		return;
	}
	while (found < FOUND_MAX && (at = output_find(output, text, at + 1, false)) >= 0) {
		buf_printf(&plain->out, "line %lld: %s\n", (long long)output_dropped(output) + (long long)at + 1,
			output_at(output, (size_t)at)->text);
		found++;
	}
	if (found == 0)
		put(plain, "Not found.\n");
	else if (found == FOUND_MAX)
		put(plain, "There may be more; bellbook log has all of it.\n");
}

void plain_look_copy(struct plain *plain, const char *text)
{
	struct buf record = { 0 };
	struct err e = { 0 };
	char *path;

	(void)text;
	record_text(plain->scene, &record);
	if (clip_save(buf_text(&record), plain->session, "record", &path, &e) == 0) {
		put(plain, "The record was written to ");
		plain_safe(plain, path);
		put(plain, "\n");
	} else {
		put(plain, "The record could not be written: ");
		plain_safe(plain, e.text);
		put(plain, "\n");
	}
	mem_free(path);
	buf_done(&record);
}

void plain_look_talk(struct plain *plain, const char *text)
{
	const struct scene *scene = plain->scene;
	int64_t n = TALK_USUAL;

	if (*text && !str_to_int(text, 1, SCENE_TALK, &n))
		put(plain, "\"talk 50\" shows the last 50.\n");
	if (scene->talk_count == 0)
		put(plain, "Nothing was said or noted yet.\n");
	for (size_t i = scene->talk_count > (size_t)n ? scene->talk_count - (size_t)n : 0; i < scene->talk_count; i++) {
		const struct talk *talk = &scene->talk[i];

		plain_stamp(plain, talk->at_us);
		put(plain, talk->warned ? "WARNING" : talk->who);
		put(plain, talk->note && !talk->warned ? " noted" : "");
		if (talk->step && *talk->step)
			buf_printf(&plain->out, " (%s)", talk->step);
		buf_printf(&plain->out, ": %s\n", talk->text);
	}
}

/* A secret shows as its name: the model has no more of it. */
void plain_look_parameters(struct plain *plain, const char *text)
{
	const struct json *params = plain->scene->model->params;
	struct json *value;
	const char *name;
	void *it = NULL;
	size_t n = 0;

	(void)text;
	while (params && (name = json_next(params, &it, &value)) != NULL) {
		char *words = json_as_text(value) ? mem_strdup(json_as_text(value)) : json_type_of(value) == JSON_IS_NULL ? mem_strdup("not set") : json_print(value);

		plain_safe(plain, name);
		put(plain, ": ");
		plain_safe(plain, words);
		put(plain, "\n");
		mem_free(words);
		n++;
	}
	if (n == 0)
		put(plain, "This walk has no parameters, or none was asked for yet.\n");
}
