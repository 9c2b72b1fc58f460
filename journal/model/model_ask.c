/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "journal/model/model_int.h"

void model_ask_done(struct model_ask *ask)
{
	for (size_t i = 0; i < ask->choice_count; i++) {
		mem_free(ask->choices[i].value);
		mem_free(ask->choices[i].label);
		mem_free(ask->choices[i].help);
	}
	mem_free(ask->choices);
	mem_free(ask->of);
	mem_free(ask->step);
	mem_free(ask->host);
	mem_free(ask->text);
	mem_free(ask->details);
	mem_free(ask->type);
	mem_free(ask->expect);
	mem_free(ask->default_value);
	mem_free(ask->name);
}

void model_drop_asks(struct model *model)
{
	for (size_t i = 0; i < model->ask_count; i++)
		model_ask_done(&model->asks[i]);
	model->ask_count = 0;
}

bool model_asks_about(const struct model *model, const char *step)
{
	for (size_t i = 0; i < model->ask_count; i++) {
		if (str_is(model->asks[i].step, step))
			return true;
	}
	return false;
}

static void read_choices(struct model_ask *ask, const struct json *list)
{
	size_t count = json_type_of(list) == JSON_IS_ARRAY ? json_count(list) : 0;

	ask->choices = mem_array(count, sizeof(*ask->choices));
	for (size_t i = 0; i < count; i++) {
		const struct json *item = json_item(list, i);
		const char *plain = json_as_text(item);
		const char *value = plain ? plain : json_text(item, "value", NULL);
		struct model_choice *choice = &ask->choices[ask->choice_count];

		if (!value)
			continue;
		model_set(&choice->value, value);
		model_set(&choice->label, json_text(item, "label", value));
		model_set(&choice->help, model_text(item, "help"));
		choice->needs_why = json_bool(item, "why", false);
		ask->needs_why = ask->needs_why || choice->needs_why;
		ask->choice_count++;
	}
}

/* The default as text, whatever type it has; NULL when there is none. Caller owns. */
static char *default_text(const struct json *value)
{
	if (json_type_of(value) == JSON_IS_NULL)
		return NULL;
	if (json_type_of(value) == JSON_IS_TEXT)
		return mem_strdup(json_as_text(value));
	return json_print(value);
}

void model_fold_asked(struct model *model, const struct event *ev, const struct json *data)
{
	const char *of = model_text(data, "of");
	struct model_ask *ask;

	if (!of[0])
		return;
	model->asks = mem_more(model->asks, model->ask_count, sizeof(*ask));
	ask = &model->asks[model->ask_count++];
	*ask = (struct model_ask){ .seq = ev->seq, .at_us = ev->at_us };
	model_set(&ask->of, of);
	model_set(&ask->step, ev->step);
	model_set(&ask->host, ev->host);
	model_set(&ask->text, model_text(data, "text"));
	model_set(&ask->details, model_text(data, "details"));
	model_set(&ask->type, json_text(data, "type", "text"));
	model_set(&ask->expect, model_text(data, "expect"));
	model_set(&ask->name, model_text(data, "name"));
	ask->default_value = default_text(json_at(data, "default"));
	ask->secret = json_bool(data, "secret", false) || str_is(ask->type, "secret");
	ask->needs_why = json_bool(data, "needs_why", false) || ask_type_wants(ask_type_of(of), "", "why");
	read_choices(ask, json_at(data, "choices"));
	model_step_wait(model_step_find(model, ask->step), true, ev->at_us);
}

/* answered and withdrawn: either way the question is open no more. */
void model_fold_answered(struct model *model, const struct event *ev, const struct json *data)
{
	struct model_ask *ask = model_ask_find(model, json_int(data, "seq", 0));
	struct model_step *step;
	int64_t open_us;
	size_t behind;

	if (!ask)
		return;
	step = model_step_find(model, ask->step);
	if (step && str_is(ask->of, "manual") && ev->kind == EVENT_ANSWERED) {
		const char *value = model_text(data, "value");

		model_set(&step->waits_for, str_is(value, "wait") ? model_text(data, "owner") : NULL);
		model_set(&step->done_by, str_is(value, "other") ? model_text(data, "owner") : NULL);
	}
	open_us = ev->at_us > ask->at_us ? ev->at_us - ask->at_us : 0;
	model->people_us += open_us;
	if (step)
		step->people_us += open_us;
	model_ask_done(ask);
	behind = model->ask_count - (size_t)(ask - model->asks) - 1;
	memmove(ask, ask + 1, behind * sizeof(*ask));
	model->ask_count--;
	if (step && step->wait_since_us != 0)
		model_step_wait(step, model_asks_about(model, step->id), ev->at_us);
}
