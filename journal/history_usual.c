/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is usual for a runbook: medians and ranges over the summaries of its sessions. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "journal/history.h"

struct samples {
	int64_t *us;	/* owned */
	size_t count;
};

static void add(struct samples *samples, int64_t us)
{
	samples->us = mem_grow(samples->us, samples->count + 1, sizeof(*samples->us));
	samples->us[samples->count++] = us;
}

static int by_size(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Puts {"n","median_us","min_us","max_us"} under key, nothing when there is no sample; frees the samples. */
static void put(struct json *object, const char *key, struct samples *samples)
{
	size_t n = samples->count;
	struct json *span;

	if (n) {
		qsort(samples->us, n, sizeof(*samples->us), by_size);
		span = json_new_object();
		json_set_int(span, "n", (int64_t)n);
		json_set_int(span, "median_us", n % 2 ? samples->us[n / 2] : samples->us[n / 2 - 1] + (samples->us[n / 2] - samples->us[n / 2 - 1]) / 2);
		json_set_int(span, "min_us", samples->us[0]);
		json_set_int(span, "max_us", samples->us[n - 1]);
		json_put(object, key, span);
	}
	mem_free(samples->us);
	*samples = (struct samples){0};
}

static bool counts(const struct json *session, const char *runbook)
{
	return str_is(json_text(session, "runbook", ""), runbook) && !json_bool(session, "dry_run", false) && !json_bool(session, "cut", false);
}

static const struct json *step_of(const struct json *session, const char *id)
{
	const struct json *list = json_at(session, "list");

	for (size_t i = 0; i < json_count(list); i++)
		if (str_is(json_text(json_item(list, i), "id", ""), id))
			return json_item(list, i);
	return NULL;
}

static struct json *usual_step(const struct json *sessions, const char *runbook, const char *id)
{
	struct samples took = {0}, wait = {0};
	struct json *usual = json_new_object();

	for (size_t i = 0; i < json_count(sessions); i++) {
		const struct json *session = json_item(sessions, i), *step = counts(session, runbook) ? step_of(session, id) : NULL;
		const char *state = json_text(step, "state", "");

		if (!str_is(state, "ok") && !str_is(state, "warn"))
			continue;
		add(&took, json_int(step, "took_us", 0));
		add(&wait, json_int(step, "wait_us", 0));
	}
	put(usual, "took", &took);
	put(usual, "wait", &wait);
	return usual;
}

/* Every step that one of the sessions had. */
static struct json *usual_steps(const struct json *sessions, const char *runbook)
{
	struct json *steps = json_new_object();

	for (size_t i = 0; i < json_count(sessions); i++) {
		const struct json *session = json_item(sessions, i), *list = json_at(session, "list");

		for (size_t k = 0; counts(session, runbook) && k < json_count(list); k++) {
			const char *id = json_text(json_item(list, k), "id", "");

			if (!json_at(steps, id))
				json_put(steps, id, usual_step(sessions, runbook, id));
		}
	}
	return steps;
}

static struct json *last_of(const struct json *session)
{
	struct json *last = json_new_object();

	json_set_int(last, "session", json_int(session, "session", 0));
	json_set_text(last, "who", json_text(session, "who", ""));
	json_set_int(last, "at_us", json_int(session, "opened_us", 0));
	json_set_text(last, "state", json_text(session, "state", ""));
	return last;
}

struct json *history_runbook(const struct history *history, const char *runbook)
{
	const struct json *sessions = history_sessions(history);
	struct json *usual = json_new_object();
	struct samples took = {0}, down = {0};
	int64_t runs = 0, good = 0;

	for (size_t i = 0; i < json_count(sessions); i++) {
		const struct json *session = json_item(sessions, i);

		if (!counts(session, runbook))
			continue;
		if (runs++ == 0)
			json_put(usual, "last", last_of(session));
		if (!str_is(json_text(session, "state", ""), "ok"))
			continue;
		good++;
		add(&took, json_int(session, "work_us", 0));
		add(&down, json_int(session, "down_us", 0));
	}
	json_set_int(usual, "runs", runs);
	json_set_int(usual, "ok", good);
	put(usual, "took", &took);
	put(usual, "down", &down);
	json_put(usual, "steps", usual_steps(sessions, runbook));
	return usual;
}
