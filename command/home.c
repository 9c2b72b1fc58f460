/* home.c - bellbook without a command: what is unsafe, what can be continued, what can be started; as a screen, as text, as JSON. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/home.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/utf8.h"
#include "command/command.h"
#include "command/debts.h"
#include "journal/model/back.h"
#include "journal/export/export.h"
#include "journal/model/model.h"
#include "tui/part/down_now.h"
#include "tui/term/keyfile.h"

#define REFRESH_US (2 * TIME_SECOND)
#define LOOK_AGAIN_US (300 * TIME_SECOND)

struct lead {
	enum home_do what;
	enum action action;
	void (*show)(struct home_run *run);
};

/* ---- helpers ---- */

static void look_at(struct home_run *run, int source, struct helper *helper, const char *const *words)
{
	struct err e = {0};
	int fd;

	stage_drop(run->stage, source);
	helper_stop(helper);
	fd = helper_start(helper, words, &e);
	if (fd >= 0)
		stage_source(run->stage, source, fd);
	else
		home_notice(run->home, e.text);
}

void home_look(struct home_run *run, bool with_sudo)
{
	const char *hosts[] = {"hosts", "--json", "--fleet", run->data.fleet_path, with_sudo ? "--sudo" : NULL, NULL};
	const char *const outside[] = {"outside", "--json", "--fleet", run->data.fleet_path, NULL};

	run->looked_us = time_mono_us();
	if (!run->data.fleet_path || json_at(run->data.fleet, "error"))
		return;
	if (json_count(json_at(run->data.fleet, "hosts")))
		look_at(run, SOURCE_HOSTS, &run->hosts, hosts);
	if (json_at(run->data.fleet, "site"))
		look_at(run, SOURCE_OUTSIDE, &run->outside, outside);
	home_asking(run->home, run->hosts.pid || run->outside.pid);
}

bool home_look_ended(struct home_run *run, int source)
{
	helper_stop(source == SOURCE_HOSTS ? &run->hosts : &run->outside);
	home_asking(run->home, run->hosts.pid || run->outside.pid);
	return !run->hosts.pid && !run->outside.pid;
}

void home_look_stop(struct home_run *run)
{
	if (run->stage) {
		stage_drop(run->stage, SOURCE_HOSTS);
		stage_drop(run->stage, SOURCE_OUTSIDE);
	}
	helper_stop(&run->hosts);
	helper_stop(&run->outside);
	home_asking(run->home, false);
}

/* ---- the screen ---- */

static void draw(void *arg, struct canvas *canvas, int64_t wall_us, int64_t mono_us)
{
	struct home_run *run = arg;

	(void)mono_us;
	home_draw(run->home, canvas, wall_us);
}

static void press(void *arg, const struct press *one, int64_t now_us)
{
	struct home_run *run = arg;

	(void)now_us;
	home_press(run->home, one, &run->choice);
	if (run->choice.what != HOME_ACT)
		return;
	if (run->choice.action == ACTION_CHECK) {
		home_data_again(&run->data);
		home_look(run, false);
	} else if (run->choice.action == ACTION_REDRAW) {
		stage_redraw(run->stage);
	} else if (run->choice.action == ACTION_SUSPEND) {
		stage_suspend(run->stage);
	}
}

static void line(void *arg, int source, const struct json *one)
{
	struct home_run *run = arg;

	if (one)
		home_line(run->home, one);
	else
		(void)home_look_ended(run, source);
}

static bool show_data(struct home_run *run)
{
	struct json *data = home_data_json(&run->data);
	bool changed = home_data(run->home, data);

	json_free(data);
	return changed;
}

bool home_refresh(struct home_run *run)
{
	return home_data_refresh(&run->data) && show_data(run);
}

static struct front *front(void *arg)
{
	const struct home_run *run = arg;

	return home_front(run->home);
}

static int64_t tick(void *arg, bool *changed)
{
	struct home_run *run = arg;

	*changed = home_refresh(run);
	if (!run->looked_us || time_mono_us() - run->looked_us > LOOK_AGAIN_US) {
		home_look(run, false);
		*changed = true;
	}
	return run->data.behind ? REFRESH_US / 10 : REFRESH_US;
}

/* Where the choice leads, NULL when it stays here. */
static const struct lead *lead_of(const struct home_choice *choice)
{
	static const struct lead leads[] = {
#define LEAD(what, action, function) {what, action, function},
#include "command/leads.def"
	};

	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++)
		if (leads[i].what == choice->what && (leads[i].action == ACTION_NONE || leads[i].action == choice->action))
			return &leads[i];
	return NULL;
}

static bool over(void *arg)
{
	const struct home_run *run = arg;

	return run->choice.what == HOME_QUIT || lead_of(&run->choice);
}

/* ---- what is chosen ---- */

static void wait_for_enter(void)
{
	int c;

	fputs("\nEnter goes back. ", stdout);
	fflush(stdout);
	do
		c = getchar();
	while (c != EOF && c != '\n');
	clearerr(stdin);
}

void home_lend(struct home_run *run, int (*fn)(struct home_run *run, void *arg), void *arg)
{
	struct err e = {0};
	int result;

	home_look_stop(run);
	home_data_park(&run->data);
	stage_close(run->stage);
	run->stage = NULL;
	result = fn(run, arg);
	/* Who chose the way back sees its plan at once, as from the command line. */
	if ((result == EXIT_FAILED || result == EXIT_USAGE) && !run->o->way_back)
		wait_for_enter();
	run->stage = stage_open(&e);
	run->gone = !run->stage;
	run->looked_us = 0;
	(void)home_refresh(run);
}

/* The command for one session, as the command line has it. */
static int with_session(struct home_run *run, void *arg)
{
	int (*command)(struct options *o) = run->choice.what == HOME_ATTACH ? cmd_attach : run->choice.what == HOME_RESUME ? cmd_resume : cmd_review;
	char number[24];
	int result;

	(void)arg;
	snprintf(number, sizeof(number), "%lld", (long long)run->choice.session);
	run->o->args[0] = number;
	run->o->count = 1;
	result = command(run->o);
	run->o->count = 0;
	return result;
}

void home_tell(struct home_run *run, int64_t session)
{
	const struct json *sessions = history_sessions(run->data.history);

	for (size_t i = 0; i < json_count(sessions); i++) {
		const struct json *one = json_item(sessions, i);
		char *text, left_out[MODEL_LEFT_OUT_WORD];
		const char *word = model_left_out_word(json_int(one, "left_out", 0), json_int(one, "put_off", 0), left_out);

		if (json_int(one, "session", 0) != session)
			continue;
		text = str_is(json_text(one, "state", ""), "open") ? mem_printf("Session %lld goes on without you.", (long long)session)
			: mem_printf("Session %lld ended: %s%s%s.", (long long)session, json_text(one, "state", ""), word ? ", " : "", word ? word : "");
		home_notice(run->home, text);
		mem_free(text);
	}
}

void home_lead_session(struct home_run *run)
{
	home_lend(run, with_session, NULL);
	if (run->choice.what != HOME_REVIEW)
		home_tell(run, run->choice.session);
}

void home_lead_runbook(struct home_run *run)
{
	home_plan(run, run->choice.runbook);
}

/* The way back of a session on this screen. */
void home_lead_back(struct home_run *run)
{
	int64_t session = run->choice.session;
	const struct json *sessions = history_sessions(run->data.history);
	struct json *back = NULL;

	for (size_t i = 0; i < json_count(sessions) && !back; i++)
		if (json_int(json_item(sessions, i), "session", 0) == session)
			back = json_copy_of(json_at(json_item(sessions, i), "way_back"));
	if (back)
		home_way_back(run, back);
	(void)show_data(run);
	json_free(back);
}

/* What a view that just ended leads to. */
static void go_on(struct home_run *run)
{
	struct json *back = run->o->way_back;

	run->o->way_back = NULL;
	home_way_back(run, back);
	(void)show_data(run);
	json_free(back);
}

static void screens(struct home_run *run)
{
	static const struct stage_screen screen = {.name = "home", .draw = draw, .press = press, .over = over, .front = front, .tick = tick, .line = line};
	const struct lead *lead;
	struct err ignored = {0};

	while (!run->gone) {
		if (run->o->way_back) {
			go_on(run);
			continue;
		}
		run->choice = (struct home_choice){.what = HOME_STAY};
		run->gone = !stage_run(run->stage, &screen, run, &ignored);
		lead = lead_of(&run->choice);
		if (run->gone || !lead)
			return;
		lead->show(run);
	}
}

/* ---- plain and JSON ---- */

static void tell_doubts(const struct json *sessions)
{
	for (size_t i = 0; i < json_count(sessions); i++) {
		const struct json *one = json_item(sessions, i), *doubts = json_at(one, "doubts");

		for (size_t k = 0; k < json_count(doubts); k++) {
			const struct json *doubt = json_item(doubts, k);
			const char *host = json_text(doubt, "host", "");
			char *text = mem_printf("IN DOUBT: session %lld: nobody knows whether step “%s” happened%s%s. bellbook resume %lld looks, and shows the choices.",
						(long long)json_int(one, "session", 0), json_text(doubt, "title", ""), *host ? " on " : "", host,
						(long long)json_int(one, "session", 0));
			struct buf safe = {0};

			utf8_safe(&safe, text, strlen(text), false);
			puts(buf_text(&safe));
			buf_done(&safe);
			mem_free(text);
		}
	}
}

static void tell_down(const struct json *sessions)
{
	char *words = down_now(sessions, NULL, time_wall_us());

	if (words)
		printf("THE SITE IS %s. bellbook outside asks it now.\n", words);
	mem_free(words);
}

static void tell_ways_back(const struct json *sessions)
{
	for (size_t i = 0; i < json_count(sessions); i++) {
		const struct json *one = json_item(sessions, i);
		struct buf words = {0};

		if (!json_bool(one, "back_open", false))
			continue;
		back_words(json_at(one, "way_back"), &words);
		printf("Session %lld ended %s. %s\n", (long long)json_int(one, "session", 0), json_text(one, "state", ""), buf_text(&words));
		buf_done(&words);
	}
}

static int tell_plain(struct options *o, struct home_data *data)
{
	struct err e = {0};
	struct json *sessions = export_sessions(o->journal, true, 20, &e);
	struct buf out = {0};

	if (!sessions && e.kind != ERR_NOTFOUND)
		return cmd_fail_err(&e);
	(void)home_data_refresh(data);
	tell_down(history_sessions(data->history));
	tell_doubts(history_sessions(data->history));
	if (json_count(sessions)) {
		puts("UNFINISHED SESSIONS (bellbook attach N joins, bellbook resume N takes over)");
		export_sessions_text(sessions, &out);
		fputs(buf_text(&out), stdout);
		buf_done(&out);
		putchar('\n');
	}
	json_free(sessions);
	tell_ways_back(history_sessions(data->history));
	debts_tell(data->debts);
	if (data->behind)
		puts("What is owed is not known yet, the index is being made: bellbook debts waits for it.\n");
	puts("RUNBOOKS (bellbook show NAME to read one, bellbook run NAME --dry-run to try, bellbook run NAME to start)");
	cmd_list(o);
	puts("\nbellbook hosts and bellbook outside look at the fleet; bellbook help lists all commands; man bellbook tells the rest.");
	return EXIT_OK;
}

int cmd_home(struct options *o)
{
	struct home_run run = {.o = o};
	struct err e = {0};
	int result = EXIT_OK;

	home_data_open(&run.data, o);
	run.home = home_new();
	run.stage = o->json || cmd_is_plain(o) ? NULL : stage_open(&e);
	if (run.stage) {
		if (keyfile_load(&e) < 0)
			home_notice(run.home, e.text);
		(void)show_data(&run);
		screens(&run);
	} else if (o->json) {
		(void)home_data_refresh(&run.data);
		cmd_print_json(home_data_json(&run.data));
	} else {
		if (e.text[0])
			printf("No full screen here, %s; this is the plain view.\n", e.text);
		result = tell_plain(o, &run.data);
	}
	home_look_stop(&run);
	stage_close(run.stage);
	home_free(run.home);
	home_data_close(&run.data);
	if (run.fleet)
		o->fleet = NULL;
	mem_free(run.fleet);
	return result;
}
