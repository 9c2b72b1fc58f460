/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/usual.h"

static void set_usual(struct json *object, const char *key, const struct index_usual *usual)
{
	struct json *span;

	if (!usual->count)
		return;
	span = json_new_object();
	json_set_int(span, "n", usual->count);
	json_set_int(span, "median_us", usual->median_us);
	json_set_int(span, "min_us", usual->min_us);
	json_set_int(span, "max_us", usual->max_us);
	json_put(object, key, span);
}

static bool set_last(void *arg, const struct index_session *row)
{
	struct json *last = json_new_object();

	json_set_int(last, "session", row->session);
	json_set_text(last, "who", row->who);
	json_set_int(last, "at_us", row->opened_us);
	json_set_text(last, "state", *row->outcome ? row->outcome : "open");
	json_set_int(last, "left_out", row->left_out);
	json_set_int(last, "put_off", row->deferred);
	json_put(arg, "last", last);
	return true;
}

struct json *usual_runbook(struct index *index, const char *runbook)
{
	struct json *one = json_new_object();
	struct index_runbook past = {0};
	struct err e = {0};

	if (!index || index_runbook(index, runbook, &past, &e) < 0)
		return one;
	json_set_int(one, "runs", past.sessions);
	json_set_int(one, "ok", past.ok);
	set_usual(one, "took", &past.work);
	set_usual(one, "whole", &past.active);
	set_usual(one, "down", &past.down);
	if (past.last)
		(void)index_sessions(index, &(struct index_filter){.session = past.last}, set_last, one, &e);
	return one;
}

static bool add_step(void *arg, const struct index_step *row)
{
	struct json *one = json_new_object();

	json_set_int(one, "runs", row->runs);
	json_set_int(one, "failed", row->failed);
	set_usual(one, "took", &row->took);
	set_usual(one, "wait", &row->waited);
	json_put(arg, row->step, one);
	return true;
}

struct json *usual_steps(struct index *index, const char *runbook)
{
	struct json *steps = json_new_object();
	struct err e = {0};

	if (index)
		(void)index_steps(index, runbook, 0, add_step, steps, &e);
	return steps;
}
