/* plan.c - the plan screen's run, from home: its data, hosts and rehearsal in helpers, and what is started from it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/command.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "command/home.h"
#include "command/plan_data.h"
#include "journal/feed/feed.h"
#include "journal/store/place.h"
#include "tui/home/home.h"
#include "tui/plan/plan.h"

#define WORDS 56		/* of a helper's command line */
#define REFRESH_US (3600 * TIME_SECOND)

struct plan_run {
	struct home_run *home;		/* borrowed */
	struct script *script;		/* owned */
	struct plan *plan;		/* owned */
	struct helper rehearsal;
	int64_t followed;		/* session that the rehearsal's helper joined, 0 = it has its own */
	char *path;			/* owned: the runbook's */
	enum plan_do what;
	bool looked;
};

static int check_setting(void *arg, const char *name, const char *value, struct err *e)
{
	struct plan_run *run = arg;
	const struct script_book *book = script_book(run->script);
	struct json *text = json_new_text(value, strlen(value)), *checked = NULL;

	for (size_t i = 0; i < book->param_count; i++)
		if (str_is(book->params[i].name, name))
			checked = script_param_check(run->script, &book->params[i], text, e);
	json_free(text);
	json_free(checked);
	return checked ? 0 : -1;
}

/* ---- helpers ---- */

static void look(struct plan_run *run)
{
	home_look(run->home, true);
	plan_asking(run->plan, run->home->hosts.pid > 0);
}

static void stop_rehearsal(struct plan_run *run)
{
	if (run->home->stage)
		stage_drop(run->home->stage, SOURCE_REHEARSAL);
	helper_stop(&run->rehearsal);
}

static void start_helper(struct plan_run *run, const char *const *words)
{
	struct err e = {0};
	int fd;

	stop_rehearsal(run);
	run->followed = 0;
	fd = helper_start(&run->rehearsal, words, &e);
	if (fd < 0) {
		plan_notice(run->plan, e.text);
		return;
	}
	plan_rehearsal(run->plan);
	stage_source(run->home->stage, SOURCE_REHEARSAL, fd);
}

/* A dry run in the background; its session goes on if we go. */
static void rehearse(struct plan_run *run)
{
	const char *words[WORDS + 1] = {"run", run->path, "--dry-run", "--json", "--journal", run->home->o->journal};
	char *given[(WORDS - 8) / 2];
	const char *key;
	struct json *value;
	size_t n = 6, used = 0;
	void *it = NULL;

	if (run->home->data.fleet_path) {
		words[n++] = "--fleet";
		words[n++] = run->home->data.fleet_path;
	}
	while ((key = json_next(plan_values(run->plan), &it, &value)) != NULL && used < sizeof(given) / sizeof(given[0])) {
		given[used] = mem_printf("%s=%s", key, json_as_text(value));
		words[n++] = "--set";
		words[n++] = given[used++];
	}
	start_helper(run, words);
	while (used > 0)
		mem_free(given[--used]);
}

/* What the journal has of a dry run. False when it cannot be read. */
static bool fold_dry_run(struct plan_run *run, int64_t session)
{
	struct err e = {0};
	struct feed *feed = feed_stored(run->home->o->journal, session, 0, &e);
	const struct json *reply;
	struct event ev;

	if (!feed)
		return false;
	plan_rehearsal(run->plan);
	while (feed_next(feed, &ev, &reply, &e) == FEED_EVENT) {
		struct json *one = event_to_json(&ev, false);

		plan_event(run->plan, one);
		json_free(one);
	}
	feed_close(feed);
	return true;
}

/* ---- the screen ---- */

static void draw(void *arg, struct canvas *canvas, int64_t wall_us, int64_t mono_us)
{
	struct plan_run *run = arg;

	(void)mono_us;
	plan_draw(run->plan, canvas, wall_us);
}

static void press(void *arg, const struct press *one, int64_t now_us)
{
	struct plan_run *run = arg;

	(void)now_us;
	run->what = plan_press(run->plan, one);
	if (run->what == PLAN_CHECK)
		look(run);
	else if (run->what == PLAN_REHEARSE)
		rehearse(run);
	else if (run->what == PLAN_REDRAW)
		stage_redraw(run->home->stage);
	else if (run->what == PLAN_SUSPEND)
		stage_suspend(run->home->stage);
}

/* The head says whether the site is down, here as at home. True when that changed. */
static bool show_down(struct plan_run *run)
{
	char *words = home_down(run->home->home, time_wall_us());
	bool changed = plan_down(run->plan, words);

	mem_free(words);
	return changed;
}

static void line(void *arg, int source, const struct json *one)
{
	struct plan_run *run = arg;

	if (source == SOURCE_REHEARSAL && one) {
		plan_event(run->plan, one);
	} else if (source == SOURCE_REHEARSAL) {
		helper_stop(&run->rehearsal);
		/* It was over before the helper got to it: the journal has all. */
		if (run->followed && !plan_session(run->plan))
			(void)fold_dry_run(run, run->followed);
		run->followed = 0;
		plan_rehearsed(run->plan);
	} else if (one) {
		home_line(run->home->home, one);
		plan_host(run->plan, one);
		(void)show_down(run);
	} else {
		(void)home_look_ended(run->home, source);
		plan_asking(run->plan, run->home->hosts.pid > 0);
	}
}

static struct front *front(void *arg)
{
	const struct plan_run *run = arg;

	return plan_front(run->plan);
}

static int64_t tick(void *arg, bool *changed)
{
	struct plan_run *run = arg;

	home_refresh(run->home);
	*changed = show_down(run) || !run->looked;
	if (!run->looked)
		look(run);
	run->looked = true;
	return REFRESH_US;
}

static bool over(void *arg)
{
	const struct plan_run *run = arg;

	return run->what == PLAN_HOME || run->what == PLAN_START || run->what == PLAN_DRY_RUN;
}

/* ---- what is started ---- */

/* The newest session of the runbook, 0 = none. */
static int64_t newest(const struct plan_run *run)
{
	const struct json *sessions = history_sessions(run->home->data.history);

	for (size_t i = 0; i < json_count(sessions); i++)
		if (str_is(json_text(json_item(sessions, i), "runbook", ""), script_book(run->script)->id))
			return json_int(json_item(sessions, i), "session", 0);
	return 0;
}

static int start(struct home_run *home, void *arg)
{
	struct plan_run *run = arg;
	struct options *o = home->o;
	int result;

	o->set = json_copy_of(plan_values(run->plan));
	o->dry_run = run->what == PLAN_DRY_RUN;
	o->note = run->what == PLAN_START ? plan_reason(run->plan) : NULL;
	result = cmd_start(o, run->path);
	json_free(o->set);
	o->set = NULL;
	o->dry_run = false;
	o->note = NULL;
	return result;
}

static int join(struct home_run *home, void *arg)
{
	const int64_t *session = arg;
	char number[24];
	int result;

	snprintf(number, sizeof(number), "%lld", (long long)*session);
	home->o->args[0] = number;
	home->o->count = 1;
	result = cmd_attach(home->o);
	home->o->count = 0;
	return result;
}

/* Shows a dry run as the journal has it; follows it on when it is not over. A process may outlive its session's last event a little. */
static void show_dry_run(struct plan_run *run, int64_t session)
{
	char number[24];

	if (!fold_dry_run(run, session))
		return;
	if (plan_is_rehearsed(run->plan) || !lease_is_held(run->home->o->journal, session)) {
		plan_rehearsed(run->plan);
		return;
	}
	snprintf(number, sizeof(number), "%lld", (long long)session);
	start_helper(run, (const char *const[]){"attach", number, "--json", "--role", "observer", "--journal", run->home->o->journal, NULL});
	run->followed = session;
}

/* A dry run that already goes on in the background is joined: that it asks something may be why the person comes. */
static void dry_run(struct plan_run *run)
{
	int64_t session = plan_session(run->plan);

	stop_rehearsal(run);
	if (session)
		home_lend(run->home, join, &session);
	else
		home_lend(run->home, start, run);
	if (run->home->gone)
		return;
	session = session ? session : newest(run);
	if (session)
		show_dry_run(run, session);
	run->looked = false;
}

static void leave(struct plan_run *run)
{
	int64_t session = plan_session(run->plan);

	stop_rehearsal(run);
	if (run->home->stage)
		home_look_stop(run->home);
	run->home->looked_us = 0;
	if (session && run->what == PLAN_HOME) {
		char *text = mem_printf("The dry run, session %lld, goes on by itself; it changes nothing.", (long long)session);

		home_notice(run->home->home, text);
		mem_free(text);
	}
}

static void show(struct plan_run *run)
{
	static const struct stage_screen screen = {.name = "plan", .draw = draw, .press = press, .over = over, .front = front, .tick = tick, .line = line};
	struct err ignored = {0};

	do {
		run->what = PLAN_STAY;
		run->home->gone = !stage_run(run->home->stage, &screen, run, &ignored);
		if (!run->home->gone && run->what == PLAN_DRY_RUN)
			dry_run(run);
	} while (!run->home->gone && run->what == PLAN_DRY_RUN);
	leave(run);
	if (!run->home->gone && run->what == PLAN_START) {
		home_lend(run->home, start, run);
		home_tell(run->home, newest(run));
	}
}

/* Those of the values that the runbook has parameters for. Caller owns. */
static struct json *values_for(const struct script_book *book, const struct json *values)
{
	struct json *fit = json_new_object();

	for (size_t i = 0; i < book->param_count; i++)
		if (json_at(values, book->params[i].name))
			json_put(fit, book->params[i].name, json_copy_of(json_at(values, book->params[i].name)));
	return fit;
}

/* path: of the runbook, NULL = there is none. values fill it in, NULL = nothing does. */
static void plan_path(struct home_run *home, const char *path, const struct json *values)
{
	struct plan_run run = {.home = home, .path = mem_strdup(path)};
	struct err e = {0};
	struct json *data;

	home_look_stop(home);
	run.script = run.path ? script_load(run.path, &e) : NULL;
	if (!run.script) {
		home_notice(home->home, run.path ? e.text : "It is no longer there.");
	} else {
		data = plan_data(&home->data, run.script);
		json_put(data, "values", values_for(script_book(run.script), values));
		run.plan = plan_new(data, check_setting, &run);
		json_free(data);
		show(&run);
	}
	plan_free(run.plan);
	script_free(run.script);
	mem_free(run.path);
}

void home_plan(struct home_run *home, const char *runbook)
{
	plan_path(home, home_data_path(&home->data, runbook), NULL);
}

/* A walk on that fleet that goes back already; 0 = none. */
static int64_t goes_back(const struct home_run *home, const char *runbook)
{
	const struct json *sessions = history_sessions(home->data.history);

	for (size_t i = 0; i < json_count(sessions); i++) {
		const struct json *one = json_item(sessions, i);

		if (str_is(json_text(one, "state", ""), "open") && str_is(json_text(one, "runbook", ""), runbook) && !json_bool(one, "dry_run", false)
		    && str_is(json_text(one, "fleet", ""), json_text(home->data.fleet, "name", "none")))
			return json_int(one, "session", 0);
	}
	return 0;
}

void home_way_back(struct home_run *home, const struct json *back)
{
	const char *fleet = json_text(back, "fleet", NULL);
	int64_t other;
	char *text;

	(void)home_data_refresh(&home->data);
	if (fleet && !str_is(fleet, home->data.fleet_path)) {
		mem_set(&home->fleet, fleet);
		home->o->fleet = home->fleet;
		home_data_again(&home->data);
	}
	other = goes_back(home, json_text(back, "runbook", ""));
	if (!other) {
		plan_path(home, json_text(back, "path", NULL), json_at(back, "params"));
		return;
	}
	text = mem_printf("Session %lld goes back already: pick it above.", (long long)other);
	home_notice(home->home, text);
	mem_free(text);
}
