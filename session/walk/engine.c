/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/walk/engine.h"

void batch_add(struct batch *batch, enum event_kind kind, const char *who, const char *step, int attempt, struct json *data)
{
	struct event *ev = &batch->events[batch->n];

	*ev = (struct event){.kind = kind, .who = who ? who : "bellbook", .step = step, .attempt = attempt};
	batch->texts[batch->n] = data ? json_print(data) : NULL;
	ev->data = batch->texts[batch->n];
	json_free(data);
	batch->n++;
}

void batch_commit(struct engine *engine, struct batch *batch)
{
	if (batch->n)
		book_add(engine->book, batch->events, batch->n);
	for (size_t i = 0; i < batch->n; i++)
		mem_free(batch->texts[i]);
	batch->n = 0;
}

void engine_add(struct engine *engine, enum event_kind kind, const char *who, const char *step, int attempt, struct json *data)
{
	struct batch batch = {0};

	batch_add(&batch, kind, who, step, attempt, data);
	batch_commit(engine, &batch);
}

void engine_wake(struct engine *engine)
{
	engine->woken = engine->woken || engine->in_script;
	if (engine->advance_planned || engine->closed)
		return;
	engine->advance_planned = true;
	loop_defer(engine->loop, engine->turn, engine);
}
