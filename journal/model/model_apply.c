/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/model/model.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "journal/model/model_int.h"

static void fold_closed(struct model *model, const struct event *ev, const struct json *data)
{
	const char *outcome = model_text(data, "outcome");

	if (!outcome[0])
		return;
	model->state = SESSION_CLOSED;
	model->closed_us = ev->at_us;
	model_outside_close(&model->outside, ev->at_us);
	model_set(&model->outcome, outcome);
	model_set(&model->closed_why, model_text(data, "reason"));
	json_free(model->way_back);
	model->way_back = json_type_of(json_at(data, "way_back")) == JSON_IS_OBJECT ? json_copy_of(json_at(data, "way_back")) : NULL;
	/* Nothing asks and nobody is attached any more; no events say so one by one. */
	model_drop_asks(model);
	model_drop_people(model);
}

static void fold_paused(struct model *model, const struct event *ev, const struct json *data)
{
	(void)ev;
	(void)data;
	if (model->state == SESSION_RUNNING)
		model->state = SESSION_PAUSED;
}

static void fold_continued(struct model *model, const struct event *ev, const struct json *data)
{
	(void)ev;
	(void)data;
	if (model->state == SESSION_PAUSED)
		model->state = SESSION_RUNNING;
}

static void fold_param(struct model *model, const struct event *ev, const struct json *data)
{
	const char *name = model_text(data, "name");
	struct json *value = json_copy_of(json_at(data, "value"));

	(void)ev;
	if (!name[0] || strlen(name) > 200) {
		json_free(value);
		return;
	}
	/* Whatever the writer put there: of a secret only a reference is kept, never its value. */
	if (str_is(json_text(data, "source", NULL), "secret") && !json_text(value, "$secret", NULL)) {
		char *masked = mem_printf("[secret %s]", name);

		json_free(value);
		value = json_new_text(masked, strlen(masked));
		mem_free(masked);
	}
	json_put(model->params, name, value ? value : json_new_null());
}

static void fold_noted(struct model *model, const struct event *ev, const struct json *data)
{
	(void)ev;
	(void)data;
	model->notes++;
}

static void fold_warned(struct model *model, const struct event *ev, const struct json *data)
{
	(void)ev;
	(void)data;
	model->warnings++;
}

static void fold_down(struct model *model, const struct event *ev, const struct json *data)
{
	(void)data;
	if (model->down_since_us)
		return;
	model->down_since_us = ev->at_us;
	mem_set(&model->down_step, ev->step && *ev->step ? ev->step : NULL);
}

static void fold_up(struct model *model, const struct event *ev, const struct json *data)
{
	(void)data;
	/* The wall clock may have been set back meanwhile. */
	if (model->down_since_us != 0 && ev->at_us > model->down_since_us)
		model->down_total_us += ev->at_us - model->down_since_us;
	model->down_since_us = 0;
}

/* NULL: says nothing about the state. */
static model_fold_fn *fold_of(enum event_kind kind)
{
	switch (kind) {
#define KIND(id, number, name, durability, version, about, members, words, values, fold, ...) \
	case EVENT_##id: \
		return fold;
#include "journal/event/kinds.def"
	case EVENT_UNKNOWN:
		break;
	}
	return NULL;
}

/* False: not for this model. */
static bool admit(struct model *model, const struct event *ev)
{
	int64_t session = ev->session;

	if (session == 0 && ev->kind == EVENT_SESSION_OPENED)
		session = ev->seq;
	if (ev->seq <= model->last_seq)
		return false;
	if (model->session == 0) {
		model->session = session;
		model->gap = ev->kind != EVENT_SESSION_OPENED;
	}
	return model->session == session;
}

void model_apply(struct model *model, const struct event *ev)
{
	model_fold_fn *fold = fold_of(ev->kind);
	struct json *data = NULL;
	struct err e = {0};

	if (!admit(model, ev))
		return;
	model->last_seq = ev->seq;
	model->last_us = ev->at_us;
	if (!fold)
		return;
	/* Nothing of an output's data is needed, and there is much output. */
	if (ev->kind == EVENT_CALL_OUTPUT || !ev->data || !ev->data[0])
		data = json_new_object();
	else
		data = json_parse(ev->data, strlen(ev->data), &e);
	if (json_type_of(data) == JSON_IS_OBJECT)
		fold(model, ev, data);
	json_free(data);
}
