/* home.h - the home screen: what is unsafe, what can be continued, what can be started. Data and keys in; canvas and a choice out. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_HOME_HOME_H
#define TUI_HOME_HOME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "tui/part/front.h"
#include "tui/term/canvas.h"
#include "tui/term/keys.h"
#include "tui/term/keytable.h"

enum home_do {
	HOME_STAY, HOME_QUIT, HOME_PLAN, HOME_ATTACH, HOME_RESUME, HOME_REVIEW, HOME_BACK,
	HOME_ACT,		/* something that is done elsewhere: action says what */
};

struct home_choice {
	enum home_do what;
	enum action action;	/* of ACT: a key's, none of home's own */
	int64_t session;	/* of ATTACH, RESUME, REVIEW; of BACK the one whose way back is wanted */
	char runbook[128];	/* of PLAN: its id */
};

struct home;

/* Nothing is known yet. Caller owns. */
struct home *home_new(void);

/* Frees. NULL is fine. */
void home_free(struct home *home);

/*
 * What is known: {"fleet":{"name"?,"error"?,"hosts":[names],"site"?},"journal":{"path","bytes","error"?,"cut"? (what is missing at its end)},"sessions": as history_sessions,
 * "runbooks":[{"id","title","steps","broken"?,"usual"}],"debts": as `bellbook debts --json`,"loading" (more is being read)}. Copied. True when it differs from what was known.
 */
bool home_data(struct home *home, const struct json *data);

/* A line of `bellbook hosts` or `bellbook outside`; a host's line stands until its next one. */
void home_line(struct home *home, const struct json *line);

/* Is the site down, as sessions and the last look from outside say: words as of down_now, NULL = not as far as is known. Caller owns. */
char *home_down(const struct home *home, int64_t now_us);

/* Hosts and site are being asked (true), or that is over: who has not answered has not. */
void home_asking(struct home *home, bool asking);

/* Says something in the line above the hints until the next key; text need not be safe. */
void home_notice(struct home *home, const char *text);

/* What stands in front and takes a decision; NULL = nothing does. Borrowed. */
struct front *home_front(struct home *home);

/* One key; the choice it made, HOME_STAY mostly. */
void home_press(struct home *home, const struct press *press, struct home_choice *choice);

/* Draws everything; wall_us is the time shown. */
void home_draw(struct home *home, struct canvas *canvas, int64_t wall_us);

#endif
