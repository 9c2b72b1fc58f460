/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/walk/enter.h"

#include "base/str.h"
#include "session/people/approval.h"
#include "session/people/pairing.h"
#include "session/call/tasks.h"
#include "session/walk/step.h"

/*
 * Going back runs nothing: the step becomes the next one, and whatever a step
 * is asked before it runs is asked then. What was about to be asked of another
 * step is asked anew after it, as that one has a place in the order still.
 */

/* Questions about what is next; they are put again when their step is next again. */
static bool is_about_next(const struct model_ask *ask)
{
	return ask_type_of(ask->of)->order == ORDER_NEXT;
}

/* Questions that must have their answer before anything else is next. */
static const struct model_ask *in_the_way(const struct engine *engine)
{
	for (size_t i = 0; i < engine->model->ask_count; i++) {
		enum ask_order order = ask_type_of(engine->model->asks[i].of)->order;

		if (order == ORDER_FIRST || order == ORDER_FIRST_BESIDE)
			return &engine->model->asks[i];
	}
	return NULL;
}

/* Words why it cannot be gone back to now. Caller owns; NULL = it can. */
static char *problem(struct engine *engine, const struct model_step *step, const char *id)
{
	const struct model_ask *ask = in_the_way(engine);
	const struct model_step *now;
	size_t index;

	if (!step || script_step_find(engine->script, step->id) < 0)
		return mem_printf("the runbook has no step \"%s\"", id);
	if (step->state != STEP_SKIPPED && step->state != STEP_DEFERRED)
		return mem_printf("step “%s” was neither skipped nor put off: it is %s", step->title, step_state_name(step->state));
	if (engine->dry_run)
		return mem_strdup("a dry run has nothing to go back to");
	if (book_halted(engine->book))
		return mem_strdup(book_halted(engine->book));
	if (engine->closing || engine->abort_asked)
		return mem_strdup("the session is being stopped");
	now = step_current(engine, &index);
	if (now && (now->state == STEP_RUNNING || now->state == STEP_DETACHED || now->state == STEP_IN_DOUBT))
		return mem_printf("step “%s” is %s; when it is over, go back to this one", now->title, step_state_name(now->state));
	return ask ? mem_printf("answer this first: %s", ask->text) : NULL;
}

void enter_intent(struct engine *engine, struct client *client, const struct json *intent)
{
	const char *id = json_text(intent, "step", ""), *who = client_who(client);
	const struct model_step *step = model_step_find(engine->model, id);
	char *words = problem(engine, step, id);
	struct batch batch = {0};

	if (words) {
		server_refuse(engine->server, client, intent, words);
		mem_free(words);
		return;
	}
	words = mem_printf("%s goes back to step “%s”", who, step->title);
	if (engine->task)
		tasks_drop(engine);	/* a look, which leaves nothing */
	engine->pairing->again = false;
	approval_void(engine, who, words);
	for (size_t i = 0; i < engine->model->ask_count && batch.n < 4; i++) {
		struct json *data;

		if (!is_about_next(&engine->model->asks[i]))
			continue;
		data = json_new_object();
		json_set_int(data, "seq", engine->model->asks[i].seq);
		json_set_text(data, "reason", words);
		batch_add(&batch, EVENT_WITHDRAWN, who, NULL, 0, data);
	}
	step_enter(engine, &batch, step, &(struct step_back){.who = who, .why = intent_words(intent, "why")});
	batch_commit(engine, &batch);
	mem_free(words);
	if (book_drain(engine->book) == 0)
		server_accept(engine->server, client, intent, engine->model->last_seq);
	else
		server_refuse(engine->server, client, intent, "it is kept, and done as soon as the journal can be written");
	engine_wake(engine);
}
