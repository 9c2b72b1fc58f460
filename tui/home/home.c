/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/home/home_int.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tui/part/down_now.h"
#include "tui/term/keytable.h"

#define NO_GUARD 0	/* a time: what comes here by a key waits for the terminal alone, not for a clock */

struct home *home_new(void)
{
	struct home *home = mem_alloc(sizeof(*home));

	home->hosts = json_new_object();
	home->page = 10;
	return home;
}

void home_free(struct home *home)
{
	if (!home)
		return;
	json_free(home->data);
	json_free(home->hosts);
	json_free(home->outside);
	rows_clear(&home->main);
	rows_clear(&home->aside);
	dialog_close(&home->dialog);
	palette_close(&home->palette);
	mem_free(home->pick);
	mem_free(home->notice);
	mem_free(home);
}

bool home_data(struct home *home, const struct json *data)
{
	if (json_same(home->data, data))
		return false;
	json_free(home->data);
	home->data = json_copy_of(data);
	return true;
}

void home_line(struct home *home, const struct json *line)
{
	const char *host = json_text(line, "host", NULL);

	if (host) {
		json_put(home->hosts, host, json_copy_of(line));
	} else if (json_text(line, "url", NULL)) {
		json_free(home->outside);
		home->outside = json_copy_of(line);
	}
}

char *home_down(const struct home *home, int64_t now_us)
{
	return down_now(json_at(home->data, "sessions"), home->outside, now_us);
}

void home_asking(struct home *home, bool asking)
{
	home->asking = asking;
}

void home_notice(struct home *home, const char *text)
{
	struct buf safe = { 0 };

	utf8_safe(&safe, text, strlen(text), false);
	mem_free(home->notice);
	home->notice = buf_take(&safe);
}

struct front *home_front(struct home *home)
{
	return home->palette.is_open ? NULL : dialog_front(&home->dialog);
}

/* ---- choices ---- */

/* Nobody carries it: taking it over goes on where it stopped, so it is asked. */
static void ask_resume(struct home *home, const struct json *session)
{
	int64_t number = json_int(session, "session", 0);
	char *text = mem_printf("Session %lld, %s, stopped at step %lld of %lld: %s. No process carries it now.%s\nTaking it over looks first at what was running, and asks before "
		"every change.", (long long)number, json_text(session, "title", ""), (long long)json_int(session, "step", 0), (long long)json_int(session, "steps", 0),
		json_text(session, "at", ""), json_count(json_at(session, "doubts")) ? " A step is IN DOUBT: it is looked into first." : "");

	home->asked = number;
	dialog_open(&home->dialog, DIALOG_LIST, HOME_RESUME, "UNFINISHED SESSION", text);
	dialog_option(&home->dialog, (struct dialog_option){ .use = HOME_RESUME }, "take it over and go on where it stopped", "");
	dialog_option(&home->dialog, (struct dialog_option){ .use = HOME_REVIEW }, "only read what was done", "");
	dialog_decides(&home->dialog);
	mem_free(text);
}

static int64_t picked_session(const struct home *home)
{
	int64_t number = 0;

	if (home->pick && str_starts(home->pick, "session "))
		(void)str_to_int(home->pick + strlen("session "), 1, INT64_MAX, &number);
	else if (home->pick && str_starts(home->pick, "back "))
		(void)str_to_int(home->pick + strlen("back "), 1, INT64_MAX, &number);
	else
		number = json_int(home_debt(home, home->pick), "session", 0);
	return number;
}

static void open_session(struct home *home, const struct json *session, struct home_choice *choice)
{
	choice->session = json_int(session, "session", 0);
	if (!str_is(json_text(session, "state", ""), "open"))
		choice->what = HOME_REVIEW;
	else if (json_bool(session, "running", false))
		choice->what = HOME_ATTACH;
	else
		ask_resume(home, session);
}

static void open_runbook(struct home *home, const char *id, struct home_choice *choice)
{
	const struct json *list = json_at(home->data, "runbooks");

	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *runbook = json_item(list, i);

		if (!str_is(json_text(runbook, "id", ""), id))
			continue;
		if (json_at(runbook, "broken"))
			home_notice(home, json_text(runbook, "broken", ""));
		else if (str_copy(choice->runbook, sizeof(choice->runbook), id))
			choice->what = HOME_PLAN;
		return;
	}
}

static void review(struct home *home, struct home_choice *choice)
{
	choice->session = picked_session(home);
	if (choice->session)
		choice->what = HOME_REVIEW;
	else
		home_notice(home, "Pick a session with the arrows first; r shows it from its beginning.");
}

static void open_picked(struct home *home, struct home_choice *choice)
{
	const struct json *session = home_session(home, picked_session(home));

	if (session && str_starts(home->pick, "back ")) {
		choice->what = HOME_BACK;
		choice->session = json_int(session, "session", 0);
	} else if (session)
		open_session(home, session, choice);
	else if (home_debt(home, home->pick))
		review(home, choice);
	else if (home->pick && str_starts(home->pick, "runbook "))
		open_runbook(home, home->pick + strlen("runbook "), choice);
	else
		home_notice(home, "Pick a session or a runbook with the arrows first.");
}

static void settle(struct home *home, struct home_choice *choice)
{
	const struct json *session = home_doubt(home);

	if (session)
		open_session(home, session, choice);
	else
		home_notice(home, "Nothing is in doubt.");
}

/* ---- keys ---- */

static void move(struct home *home, long by)
{
	long at = rows_find(&home->main, home->pick);

	if (at < 0)
		at = rows_step(&home->main, -1, 1);
	else
		at = rows_step(&home->main, at, by);
	if (at >= 0 && at < (long)home->main.count)
		mem_set(&home->pick, home->main.row[at].key);
	else
		mem_set(&home->pick, NULL);
}

/* How far a moving action goes; 0 = it does not move. */
static long distance(const struct home *home, enum action action)
{
	long whole = (long)home->main.count, half = home->page / 2 + 1;

	return action == ACTION_UP ? -1 : action == ACTION_DOWN ? 1 : action == ACTION_PAGE_UP ? -half : action == ACTION_PAGE_DOWN ? half
		: action == ACTION_TOP ? -whole : action == ACTION_FOLLOW ? whole : 0;
}

static void filter(struct home *home, const char *text)
{
	edit_clear(&home->filter);
	home->typing = !text;
	if (text)
		edit_paste(&home->filter, text, strlen(text));
}

static void act(struct home *home, enum action action, const char *arg, struct home_choice *choice)
{
	long by = distance(home, action);

	if (by)
		move(home, by);
	if (action == ACTION_TOP || action == ACTION_FOLLOW)
		home->top = action == ACTION_TOP ? 0 : (long)home->main.count;
	else if (action == ACTION_HELP || action == ACTION_PALETTE)
		palette_open(&home->palette, IN_HOME, action == ACTION_HELP, NULL, NULL);
	else if (action == ACTION_OPEN)
		open_picked(home, choice);
	else if (action == ACTION_FILTER)
		filter(home, arg);
	else if (action == ACTION_SETTLE)
		settle(home, choice);
	else if (action == ACTION_REVIEW)
		review(home, choice);
	else if (action == ACTION_LEAVE)
		choice->what = HOME_QUIT;
	else if (!by && action != ACTION_NONE)
		*choice = (struct home_choice){ .what = HOME_ACT, .action = action };
}

/* Keys while the filter is typed: what can be picked changes with every letter. */
static void press_filter(struct home *home, const struct press *press, struct home_choice *choice)
{
	if (press->code == PRESS_UP || press->code == PRESS_DOWN) {
		move(home, press->code == PRESS_UP ? -1 : 1);
	} else if (press->code == PRESS_ENTER) {
		home->typing = false;
		open_picked(home, choice);
	} else if (press->code == PRESS_ESC || (press->code == PRESS_CTRL && press->cp == 'C')) {
		home->typing = false;
		edit_clear(&home->filter);
	} else if (edit_press(&home->filter, press)) {
		home_build(home, 80, 0);
		mem_set(&home->pick, NULL);
		move(home, 1);
		home->top = 0;
	}
}

static void press_dialog(struct home *home, const struct press *press, struct home_choice *choice)
{
	if (!dialog_take(&home->dialog, press, NO_GUARD))
		return;
	choice->session = home->asked;
	choice->what = (enum home_do)home->dialog.options[home->dialog.pick].use;
	dialog_close(&home->dialog);
}

static void press_palette(struct home *home, const struct press *press, struct home_choice *choice)
{
	enum palette_did did = palette_press(&home->palette, press);
	enum action action = home->palette.run;
	char *arg = did == PALETTE_RUNS ? mem_strdup(home->palette.arg) : NULL;

	if (did != PALETTE_GOES_ON)
		palette_close(&home->palette);
	if (did == PALETTE_RUNS)
		act(home, action, arg, choice);
	mem_free(arg);
}

static void press_key(struct home *home, const struct press *press, struct home_choice *choice)
{
	enum action action = keytable_find(IN_HOME, press);
	char *words;

	if (action != ACTION_NONE || press->code == PRESS_ESC) {
		act(home, action, NULL, choice);
		return;
	}
	words = keytable_stray(press, NULL);
	home_notice(home, words);
	mem_free(words);
}

/* The dialog lies over the line where notices stand. */
static void burst(struct home *home)
{
	if (home->dialog.kind != DIALOG_NONE && !home->palette.is_open)
		dialog_error(&home->dialog, KEYS_BURST_WORDS);
	else
		home_notice(home, KEYS_BURST_WORDS);
}

void home_press(struct home *home, const struct press *press, struct home_choice *choice)
{
	*choice = (struct home_choice){ .what = HOME_STAY };
	mem_set(&home->notice, NULL);
	if (home->blind) {	/* nothing can be read, so nothing is chosen */
		if (press->code == PRESS_CHAR && press->cp == 'q')
			choice->what = HOME_QUIT;
		else if (press->code == PRESS_CTRL && press->cp == 'Z')
			*choice = (struct home_choice){ .what = HOME_ACT, .action = ACTION_SUSPEND };
		return;
	}
	if (keys_stops(press, home->palette.is_open || (home->typing && home->dialog.kind == DIALOG_NONE) ? KEYS_FIELD : dialog_place(&home->dialog)))
		burst(home);
	else if (home->palette.is_open)
		press_palette(home, press, choice);
	else if (home->dialog.kind != DIALOG_NONE)
		press_dialog(home, press, choice);
	else if (home->typing)
		press_filter(home, press, choice);
	else if (press->code == PRESS_ESC && home->filter.len)
		edit_clear(&home->filter);
	else if (press->code == PRESS_CTRL && press->cp == 'C')
		choice->what = HOME_QUIT;
	else
		press_key(home, press, choice);
}
