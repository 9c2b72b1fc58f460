/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/people/pairing.h"

#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "session/watch/clock.h"
#include "session/people/guests.h"

/* The part of a session's state that is about people and that the model does not hold: a fold of events too, so that it survives the process. */

void pairing_forget(struct agreement *agreement)
{
	mem_free(agreement->step);
	mem_free(agreement->hash);
	mem_free(agreement->by);
	json_free(agreement->commands);
	*agreement = (struct agreement){0};
}

void pairing_open(struct engine *engine)
{
	engine->pairing = mem_alloc(sizeof(*engine->pairing));
}

void pairing_close(struct engine *engine)
{
	struct pairing *pairing = engine->pairing;

	if (!pairing)
		return;
	pairing_forget(&pairing->asked);
	pairing_forget(&pairing->given);
	pairing_forget(&pairing->running);
	guests_free(pairing);
	mem_free(pairing->wheel_who);
	mem_free(pairing->navigator_left);
	mem_free(pairing);
	engine->pairing = NULL;
}

int64_t pairing_policy_us(const struct engine *engine, const char *name, int64_t usual)
{
	const char *text = json_text(json_at(engine->fleet, "policy"), name, NULL);
	int64_t us;

	return text && str_to_duration(text, &us) ? us : usual;
}

bool pairing_may_waive(const struct engine *engine)
{
	return str_is(json_text(json_at(engine->fleet, "policy"), "alone", "refuse"), "waiver");
}

/* ---- folding ---- */

static void on_asked(struct engine *engine, const struct event *ev, const struct json *data)
{
	struct pairing *pairing = engine->pairing;
	const char *of = json_text(data, "of", "");

	if (str_is(of, "wheel")) {
		pairing->wheel_seq = ev->seq;
		pairing->wheel_queued = false;
	}
	if (!str_is(of, "approval"))
		return;
	pairing->adding = false;
	pairing_forget(&pairing->asked);
	pairing->asked = (struct agreement){.step = mem_strdup(ev->step ? ev->step : ""), .hash = mem_strdup(json_text(data, "hash", "")), .commands = json_copy_of(json_at(data, "commands")),
					    .attempt = (int)json_int(data, "attempt", 0), .seq = ev->seq, .asked_us = clock_of(engine, ev), .until_us = clock_end(engine, ev, json_int(data, "until_us", 0)),
					    .whole = json_bool(data, "whole", false), .added = json_bool(data, "added", false)};
}

static void on_given(struct engine *engine, const struct event *ev, const struct json *data)
{
	struct pairing *pairing = engine->pairing;
	struct agreement *asked = &pairing->asked;

	if (!asked->step || json_int(data, "seq", 0) != asked->seq)
		return;
	if (asked->added) {
		/* One more command of the attempt that runs. */
		for (size_t i = 0; i < json_count(asked->commands); i++)
			json_add(pairing->running.commands, json_copy_of(json_item(asked->commands, i)));
		pairing_forget(asked);
		return;
	}
	pairing_forget(&pairing->given);
	pairing->given = *asked;
	*asked = (struct agreement){0};
	mem_set(&pairing->given.by, json_text(data, "by", ""));
	pairing->given.waiver = json_bool(data, "waiver", false);
	pairing->given.until_us = clock_end(engine, ev, json_int(data, "until_us", 0));
}

static void on_begun(struct pairing *pairing, const struct event *ev)
{
	struct agreement *given = &pairing->given;
	bool same = pairing->running.step && str_is(pairing->running.step, ev->step) && pairing->running.attempt == ev->attempt;

	if (!same)
		pairing_forget(&pairing->running);
	if (given->step && str_is(given->step, ev->step) && given->attempt == ev->attempt) {
		pairing->running = *given;
		*given = (struct agreement){0};
		if (!pairing->running.commands)
			pairing->running.commands = json_new_array();
	}
	pairing->again = false;
}

void pairing_stored(struct engine *engine, const struct event *ev, const struct json *data)
{
	struct pairing *pairing = engine->pairing;
	int64_t seq = json_int(data, "seq", 0);

	if (ev->kind == EVENT_ASKED) {
		on_asked(engine, ev, data);
	} else if (ev->kind == EVENT_ANSWERED || ev->kind == EVENT_WITHDRAWN) {
		if (pairing->wheel_seq == seq)
			pairing->wheel_seq = 0;
		if (ev->kind == EVENT_WITHDRAWN && pairing->asked.seq == seq)
			pairing_forget(&pairing->asked);
	} else if (ev->kind == EVENT_APPROVAL_GIVEN) {
		on_given(engine, ev, data);
	} else if (ev->kind == EVENT_APPROVAL_VOIDED && pairing->given.seq == seq) {
		pairing_forget(&pairing->given);
	} else if (ev->kind == EVENT_STEP_BEGUN) {
		on_begun(pairing, ev);
	} else if (ev->kind == EVENT_STEP_ENDED) {
		pairing_forget(&pairing->running);
	} else if (ev->kind == EVENT_INVITED || ev->kind == EVENT_DISMISSED) {
		guests_stored(engine, ev, data);
	}
}
