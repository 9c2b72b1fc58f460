/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/watch/stuck.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "session/lua/lua_watch.h"
#include "session/walk/inner.h"
#include "session/watch/bus.h"

/* What the process before this one died of: told by the one that came behind it (heir.c), as a note with "stuck". */

struct stuck {
	struct stuck *next;
	char *step, *fn, *text;		/* owned */
	int attempt;
};

void stuck_arm(struct engine *engine)
{
	static char number[32];
	const char *argv[] = {"bellbook", SESSION_STUCK, engine->journal, number, NULL};

	snprintf(number, sizeof(number), "%lld", (long long)engine->session);
	lua_watch_heir(argv);
	bus_watch(engine->journal, engine->session);
}

static void drop(struct stuck **at)
{
	struct stuck *one = *at;

	*at = one->next;
	mem_free(one->step);
	mem_free(one->fn);
	mem_free(one->text);
	mem_free(one);
}

void stuck_forget(struct engine *engine)
{
	while (engine->stuck)
		drop(&engine->stuck);
}

void stuck_done(struct engine *engine)
{
	lua_watch_heir(NULL);
	bus_watch(NULL, 0);
	stuck_forget(engine);
}

static void remember(struct engine *engine, const struct event *ev, const char *fn)
{
	const struct model_step *step = model_step_find(engine->model, ev->step);
	struct stuck *one;

	if (!step)
		return;
	one = mem_alloc(sizeof(*one));
	one->step = mem_strdup(ev->step);
	one->fn = mem_strdup(fn);
	one->text = mem_printf("%.*s", (int)ev->len, ev->bytes ? (const char *)ev->bytes : "");
	one->attempt = step->attempt;
	one->next = engine->stuck;
	engine->stuck = one;
}

void stuck_told(struct engine *engine, const struct event *ev, const struct json *data)
{
	const char *fn = ev->kind == EVENT_NOTE ? json_text(data, "stuck", NULL) : NULL;

	if (fn && ev->step && *ev->step)
		remember(engine, ev, fn);
	/* It lists the steps when the runbook is another. */
	if (ev->kind == EVENT_SESSION_RESUMED && json_at(data, "steps"))
		stuck_forget(engine);
	for (struct stuck **at = &engine->stuck; ev->kind == EVENT_STEP_ENDED && *at;)
		if (str_is((*at)->step, ev->step))
			drop(at);
		else
			at = &(*at)->next;
}

char *stuck_take(struct engine *engine, size_t step, enum script_fn fn)
{
	const char *id = script_book(engine->script)->steps[step].id;
	const struct model_step *state = model_step_find(engine->model, id);
	char *text;

	for (struct stuck **at = &engine->stuck; *at; at = &(*at)->next) {
		if (!state || (*at)->attempt != state->attempt || !str_is((*at)->step, id) || !str_is((*at)->fn, script_fn_name(fn)))
			continue;
		text = mem_strdup((*at)->text);
		if (fn != FN_METER)
			drop(at);
		return text;
	}
	return NULL;
}
