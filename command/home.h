/* home.h - the home screen's run: data, helpers and the stage it is shown on; shared with the plan screen. Private to command/. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef COMMAND_HOME_H
#define COMMAND_HOME_H

#include "command/helpers.h"
#include "command/home_data.h"
#include "tui/home/home.h"
#include "tui/part/stage.h"

enum { SOURCE_HOSTS = 1, SOURCE_OUTSIDE, SOURCE_REHEARSAL };

struct home_run {
	struct options *o;		/* borrowed */
	struct home_data data;
	struct home *home;		/* owned */
	struct stage *stage;		/* owned; NULL while something else has the terminal */
	struct helper hosts, outside;
	int64_t looked_us;		/* when hosts were asked last; 0 = never */
	struct home_choice choice;
	bool gone;			/* a signal ends it all */
	char *fleet;			/* owned: fleet file of a way back, NULL = the usual one */
};

/* Reads what the journal has now; true when home knows something else then. Blocks for disk. */
bool home_refresh(struct home_run *run);

/* Asks hosts and site again, in helpers whose lines the stage brings; with_sudo as `bellbook hosts --sudo`. */
void home_look(struct home_run *run, bool with_sudo);

/* A helper's last line has come: reaps it. False while another still runs. */
bool home_look_ended(struct home_run *run, int source);

/* Ends the helpers. */
void home_look_stop(struct home_run *run);

/* Gives the terminal to fn, which gives an exit status and may print; then takes it back. Waits for Enter when there is something bad to read. */
void home_lend(struct home_run *run, int (*fn)(struct home_run *run, void *arg), void *arg);

/* Says on the home screen how a session stands. */
void home_tell(struct home_run *run, int64_t session);

/* Shows the plan of a runbook until the person goes back home. */
void home_plan(struct home_run *run, const char *runbook);

/* The same for the way back of a session that is over (way_back of session.closed), filled in; says so when a walk goes back already. */
void home_way_back(struct home_run *run, const struct json *back);

/* Each shows what home leads to, and returns when the person comes back; run->gone when a signal ended it. */
#define LEAD(what, action, function) void function(struct home_run *run);
#include "command/leads.def"

#endif
