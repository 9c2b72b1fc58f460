/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/walk/resume.h"

#include <string.h>
#include <unistd.h>

#include "base/proc.h"
#include "base/str.h"
#include "session/ask/asks.h"
#include "session/call/calls.h"
#include "session/watch/clock.h"
#include "session/ask/doubt.h"
#include "session/walk/fleet_diff.h"
#include "session/walk/plan.h"
#include "session/people/pairing.h"
#include "session/secret/secret_words.h"
#include "session/watch/stuck.h"
#include "session/walk/way_back.h"

#define FLEET "fleet"	/* what a question of kind change is about when it is not a step */

/* A session that is taken over: its state is read from the journal, and the runbook on disk is compared with the one it began with. */

static struct json *steps_data(const struct script_book *book)
{
	struct json *steps = json_new_array();

	for (size_t i = 0; i < book->step_count; i++) {
		const struct script_step *step = &book->steps[i];
		struct json *entry = plan_step(step), *was = json_new_array();

		if (step->stall_us)
			json_set_int(entry, "stall_us", step->stall_us);
		json_set_text(entry, "digest", step->digest);
		for (char **id = step->was; *id; id++)
			json_add(was, json_new_text(*id, strlen(*id)));
		json_put(entry, "was", was);
		json_add(steps, entry);
	}
	return steps;
}

static struct json *process_data(void)
{
	struct json *data = json_new_object();
	struct proc_id id = {0};
	struct err e = {0};

	(void)proc_identify(getpid(), &id, &e);
	json_set_int(data, "pid", getpid());
	json_set_int(data, "started", id.started);
	json_set_text(data, "boot", id.boot);
	return data;
}

struct json *resume_opened_data(struct engine *engine, bool with_steps)
{
	const struct script_book *book = script_book(engine->script);
	struct json *data = json_new_object(), *runbook = json_new_object();

	json_set_text(runbook, "id", book->id);
	json_set_text(runbook, "title", book->title);
	json_set_text(runbook, "about", book->about);
	json_set_text(runbook, "window", book->window);
	json_set_text(runbook, "path", book->path);
	json_set_text(runbook, "digest", book->digest);
	if (book->back_runbook)
		json_put(runbook, "way_back", way_back_named(book));
	json_put(data, "runbook", runbook);
	json_put(data, "fleet", fleet_facts(engine->fleet));
	json_set_text(data, "tool", "bellbook 1");
	json_set_text(data, "journal", store_id(engine->store));
	json_put(data, "process", process_data());
	if (engine->dry_run)
		json_set_bool(data, "dry_run", true);
	if (with_steps)
		json_put(data, "steps", steps_data(book));
	return data;
}

/* ---- reading ---- */

static void keep_gives(struct engine *engine, const struct json *gives)
{
	struct json *value;
	const char *key;
	void *it = NULL;

	while (gives && (key = json_next(gives, &it, &value)) != NULL)
		json_put(engine->vars, key, json_copy_of(value));
}

/* What session.c also does for live events. */
static void fold_extra(struct engine *engine, const struct event *ev)
{
	struct err e = {0};
	struct json *data;

	if (ev->kind >= EVENT_OUTPUT_FIRST)
		return;
	data = json_parse(ev->data, strlen(ev->data), &e);
	if (ev->kind == EVENT_SESSION_OPENED || ev->kind == EVENT_SESSION_RESUMED)
		clock_process(engine, data);
	pairing_stored(engine, ev, data);
	stuck_told(engine, ev, data);
	if (ev->kind == EVENT_NOTE)
		secret_word_told(engine, data);
	else if (ev->kind == EVENT_STEP_ENDED)
		keep_gives(engine, json_at(data, "gives"));
	else if (ev->kind == EVENT_STEP_BEGUN)
		engine->undoing = str_is(json_text(data, "part", ""), "undo");
	if (ev->kind == EVENT_STEP_ENDED || ev->kind == EVENT_STEP_BEGUN || ev->kind == EVENT_WARNED)
		engine->warned = ev->kind == EVENT_WARNED;
	json_free(data);
}

static bool load_event(void *arg, const struct event *ev)
{
	struct engine *engine = arg;

	model_apply(engine->model, ev);
	calls_stored(engine, ev, false);
	fold_extra(engine, ev);
	return true;
}

int resume_load(struct engine *engine, struct err *e)
{
	if (store_each(engine->store, (struct store_range){.session = engine->session, .after = engine->session - 1}, load_event, engine, e) < 0)
		return -1;
	if (engine->model->session != engine->session)
		return err_set(e, ERR_NOTFOUND, "the journal %s has no session %lld", engine->journal, (long long)engine->session);
	if (engine->model->state == SESSION_CLOSED)
		return err_set(e, ERR_USAGE, "session %lld is over (%s); bellbook log %lld shows it", (long long)engine->session, engine->model->outcome, (long long)engine->session);
	engine->dry_run = engine->model->dry_run;
	engine->other_boot = false;	/* what comes is ours */
	store_carry(engine->store, engine->session, engine->model->last_seq);
	return 0;
}

/* ---- comparing ---- */

/* What the runbook was: as it was agreed to, and as the process before this one had it, which people may not have agreed to yet. */
struct old_steps {
	struct json *steps;	/* owned: agreed */
	struct json *pending;	/* owned: of the latest session.resumed that lists them, NULL = all is agreed */
	char *digest;		/* owned: of the runbook that the latest process had */
	int64_t asked, agreed;	/* questions about pending */
	struct json *fleet;	/* owned: facts of the fleet as it was agreed to */
	struct json *fleet_now;	/* owned: as the latest process had it */
};

static void old_process(struct old_steps *old, const struct event *ev, const struct json *data)
{
	const struct json *steps = json_at(data, "steps");

	json_free(old->fleet_now);
	old->fleet_now = json_copy_of(json_at(data, "fleet"));
	if (ev->kind == EVENT_SESSION_OPENED) {
		json_free(old->fleet);
		old->fleet = json_copy_of(old->fleet_now);
	}
	if (json_text(json_at(data, "runbook"), "digest", NULL))
		mem_set(&old->digest, json_text(json_at(data, "runbook"), "digest", NULL));
	if (!steps)
		return;
	json_free(old->pending);
	old->pending = NULL;
	old->asked = old->agreed = 0;
	if (ev->kind == EVENT_SESSION_RESUMED) {
		old->pending = json_copy_of(steps);
	} else {
		json_free(old->steps);
		old->steps = json_copy_of(steps);
	}
}

static bool find_steps(void *arg, const struct event *ev)
{
	struct old_steps *old = arg;
	struct err e = {0};
	struct json *data;

	if (ev->kind != EVENT_SESSION_OPENED && ev->kind != EVENT_SESSION_RESUMED && ev->kind != EVENT_ASKED && ev->kind != EVENT_RUNBOOK_CHANGED)
		return true;
	data = json_parse(ev->data, strlen(ev->data), &e);
	if (ev->kind == EVENT_ASKED) {
		old->asked += str_is(json_text(data, "of", ""), "change") && !str_is(json_text(data, "expect", ""), FLEET);
	} else if (ev->kind == EVENT_RUNBOOK_CHANGED && str_is(json_text(data, "change", ""), FLEET)) {
		json_free(old->fleet);
		old->fleet = json_copy_of(old->fleet_now);
	} else if (ev->kind == EVENT_RUNBOOK_CHANGED) {
		old->agreed += json_bool(data, "accepted", false);
	} else {
		old_process(old, ev, data);
	}
	if (old->pending && old->agreed && old->agreed >= old->asked) {
		json_free(old->steps);
		old->steps = old->pending;
		old->pending = NULL;
	}
	json_free(data);
	return true;
}

static const struct json *entry_of(const struct json *steps, const char *id)
{
	for (size_t i = 0; i < json_count(steps); i++)
		if (str_is(json_text(json_item(steps, i), "id", ""), id))
			return json_item(steps, i);
	return NULL;
}

/* What the step goes on as: by id, else by its former ids in their order, as the model does it. */
static const struct json *old_step(const struct json *steps, const struct script_step *step)
{
	const struct json *entry = entry_of(steps, step->id);

	for (char **was = step->was; !entry && *was; was++)
		entry = entry_of(steps, *was);
	return entry;
}

/* Events that must be stored together: a session is never resumed without the questions about what changed. */
struct comparing {
	struct arena *arena;
	struct event *events;
	size_t n;
};

static void compare_add(struct comparing *c, enum event_kind kind, const char *who, struct json *data)
{
	char *text = json_print(data);

	c->events = mem_more(c->events, c->n, sizeof(*c->events));
	c->events[c->n++] = (struct event){.kind = kind, .who = who, .data = arena_dup(c->arena, text, strlen(text))};
	mem_free(text);
	json_free(data);
}

static void ask_change(struct comparing *c, const char *id, const char *what, const char *text, const char *details)
{
	struct json *data = asks_data("change", text, "choice");

	json_set_text(data, "name", id);
	json_set_text(data, "expect", what);
	json_set_text(data, "details", details);
	asks_choice(data, "accept", "Go on with the runbook as it is now", NULL, false);
	asks_choice(data, "abort", "Stop the session", "Nothing more is run.", true);
	compare_add(c, EVENT_ASKED, "bellbook", data);
}

static const char *deleted_details(const struct model_step *step)
{
	if (!step || step->state == STEP_PLANNED || step->state == STEP_READY)
		return "It will not be run.";
	if (step->state == STEP_RUNNING || step->state == STEP_DETACHED || step->state == STEP_IN_DOUBT)
		return "What it began on a host is looked up and waited for before anything else is run; the rest of it will not be run.";
	return "What it did stays done and stays in the journal.";
}

/* The place of a step in the list that was agreed, -1 = it was not there. */
static long old_place(const struct json *steps, const struct script_step *step)
{
	const struct json *was = old_step(steps, step);

	for (size_t i = 0; was && i < json_count(steps); i++)
		if (json_item(steps, i) == was)
			return (long)i;
	return -1;
}

/* One question when steps that stayed changed places. */
static size_t ask_order(const struct script_book *book, struct comparing *c, const struct json *steps)
{
	long last = -1;

	for (size_t i = 0; i < book->step_count; i++) {
		long place = old_place(steps, &book->steps[i]);
		char *text;

		if (place < 0 || place >= last) {
			last = place > last ? place : last;
			continue;
		}
		text = mem_printf("The steps are in another order: “%s” (%s) comes later than it did.", book->steps[i].id, book->steps[i].title);
		ask_change(c, book->steps[i].id, "moved", text, "Steps that are over keep their results; one that had begun is ended first; the others are run in the new order.");
		mem_free(text);
		return 1;
	}
	return 0;
}

/* True when a step of the runbook goes on as that entry of the old list. A step with two former ids that were both there goes on as one of them: the other is gone. */
static bool has_successor(const struct script_book *book, const struct json *steps, const struct json *entry)
{
	for (size_t i = 0; i < book->step_count; i++)
		if (old_step(steps, &book->steps[i]) == entry)
			return true;
	return false;
}

/* One question for each difference that could change what happens. Returns how many. */
static size_t ask_changes(struct engine *engine, struct comparing *c, const struct json *steps)
{
	const struct script_book *book = script_book(engine->script);
	size_t n = ask_order(book, c, steps);

	for (size_t i = 0; i < json_count(steps); i++) {
		const char *id = json_text(json_item(steps, i), "id", "");
		const struct model_step *step = model_step_find(engine->model, id);
		char *text;

		if (has_successor(book, steps, json_item(steps, i)))
			continue;
		text = mem_printf("Step “%s” is no longer in the runbook. It was: %s.", id, step ? step_state_name(step->state) : "planned");
		ask_change(c, id, "deleted", text, deleted_details(step));
		mem_free(text);
		n++;
	}
	for (size_t i = 0; i < book->step_count; i++) {
		const struct json *was = old_step(steps, &book->steps[i]);
		const struct model_step *step = was ? model_step_find(engine->model, json_text(was, "id", "")) : NULL;
		bool over = step && step_state_is_over(step->state);
		char *text = NULL;

		if (!was)
			text = mem_printf("Step “%s” (%s) is new in the runbook.", book->steps[i].id, book->steps[i].title);
		else if (!str_is(json_text(was, "digest", ""), book->steps[i].digest))
			text = mem_printf("Step “%s” (%s) is not what it was when this session began. It is: %s.", book->steps[i].id, book->steps[i].title, step ? step_state_name(step->state) : "planned");
		if (!text)
			continue;
		ask_change(c, book->steps[i].id, was ? "changed" : "inserted", text,
			   !was ? "It will be run at its place; when later steps are done already, it is run before anything else." : over ? "It is over and keeps its result." : "It will be run as it is now.");
		mem_free(text);
		n++;
	}
	return n;
}

/* One question when the fleet file is another than the one that people agreed to. */
static void ask_fleet(struct engine *engine, struct comparing *c, const struct json *was)
{
	struct json *now = fleet_facts(engine->fleet);
	struct buf words = {0};

	if (was && fleet_differs(was, now, &words)) {
		buf_puts(&words, "Hosts are looked at with the file as it is now, so nothing is asked of them before you answer. Put the old file back and resume again, if that is what you want.");
		ask_change(c, "", FLEET, "The fleet file is not what it was when this session began.", buf_text(&words));
		engine->settle_later = true;
	}
	buf_done(&words);
	json_free(now);
}

/* Questions of the dead process that nobody waits for any more; with a changed runbook also those about steps, as they may mean something else now. */
static bool is_void(const struct engine *engine, const struct model_ask *ask, bool changed)
{
	const struct model_step *step = model_step_find(engine->model, ask->step);
	const struct ask_type *type = ask_type_of(ask->of);

	if (type->kind == ASK_CHANGE && str_is(ask->expect, FLEET))
		return true;
	/* Of an older bellbook, which asked about the step: the call is asked about. */
	if (type->kind == ASK_DOUBT && !doubt_waits(engine, ask->seq))
		return true;
	/* Whoever says "go" to one of these must see what it runs as it is now. */
	if (type->kind == ASK_STEP && step && step_type_of(step->kind)->final)
		return true;
	if (type->voided != VOID_BY_STEP)
		return type->voided == VOID_BY_PROCESS || (type->voided == VOID_BY_RUNBOOK && changed);
	return changed && step && (script_step_find(engine->script, ask->step) < 0 ||
	       !str_is(script_book(engine->script)->steps[script_step_find(engine->script, ask->step)].id, ask->step));
}

static void withdraw_void(struct engine *engine, struct comparing *c, bool changed)
{
	for (size_t i = 0; i < engine->model->ask_count; i++) {
		struct json *data;

		if (!is_void(engine, &engine->model->asks[i], changed))
			continue;
		data = json_new_object();
		json_set_int(data, "seq", engine->model->asks[i].seq);
		json_set_text(data, "reason", "the session was taken over; it asks again where needed");
		compare_add(c, EVENT_WITHDRAWN, "bellbook", data);
	}
}

/* Agreement does not outlive the process that it was given to. */
static void void_agreement(struct engine *engine, struct comparing *c)
{
	const struct agreement *given = &engine->pairing->given;
	struct json *data;

	if (!given->seq)
		return;
	data = json_new_object();
	json_set_int(data, "seq", given->seq);
	json_set_text(data, "by", given->by);
	json_set_text(data, "reason", "the session was taken over before the step began");
	compare_add(c, EVENT_APPROVAL_VOIDED, "bellbook", data);
}

int resume_compare(struct engine *engine, const char *reason, struct err *e)
{
	struct comparing c = {0};
	struct old_steps old = {0};
	struct json *data;
	bool changed;

	if (store_each_marker(engine->store, engine->session, engine->session - 1, find_steps, &old, e) < 0)
		return -1;
	c.arena = arena_new();
	changed = !str_is(old.digest, script_book(engine->script)->digest);
	if (changed)
		stuck_forget(engine);
	withdraw_void(engine, &c, changed);
	void_agreement(engine, &c);
	data = resume_opened_data(engine, changed);
	json_set_text(data, "reason", reason);
	compare_add(&c, EVENT_SESSION_RESUMED, engine->who, data);
	if (changed && ask_changes(engine, &c, old.steps) == 0)
		ask_change(&c, "", "other", "The runbook's file is not what it was, but no step of it changed.", "Its texts, its parameters, remarks in it, or code that no step uses.");
	ask_fleet(engine, &c, old.fleet);
	book_add(engine->book, c.events, c.n);
	if (engine->places_kept)
		book_add(engine->book, &(struct event){ .kind = EVENT_NOTE, .who = "bellbook", .bytes = engine->places_kept,
							.len = strlen(engine->places_kept) }, 1);
	/* The records get the new names of renamed steps before their calls are settled. */
	(void)book_drain(engine->book);
	arena_free(c.arena);
	mem_free(c.events);
	json_free(old.steps);
	json_free(old.pending);
	json_free(old.fleet);
	json_free(old.fleet_now);
	mem_free(old.digest);
	return 0;
}
