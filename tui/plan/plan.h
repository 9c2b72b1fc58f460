/* plan.h - the plan screen: what a runbook would do, its settings, what was checked beforehand. Data and keys in; canvas and a choice out. Nothing starts here by itself. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PLAN_PLAN_H
#define TUI_PLAN_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "tui/part/front.h"
#include "tui/term/canvas.h"
#include "tui/term/keys.h"

enum plan_do {
	PLAN_STAY, PLAN_HOME, PLAN_START, PLAN_DRY_RUN,
	PLAN_REHEARSE, PLAN_CHECK, PLAN_REDRAW, PLAN_SUSPEND,	/* done by the view, which goes on */
};

/* Says whether a text may be the value of a setting; -1 with words. */
typedef int plan_check_fn(void *arg, const char *name, const char *value, struct err *e);

struct plan;

/*
 * {"id","title","about","params":[{"name","type","ask"?,"help"?,"default"?,"choices"?,"optional"?,"later"?}],"steps":[{"id","kind","title","phase"?,"why"?,"about"?,"back"?,"takes"?,"downtime"?,"refuses"?,"because"?,
 * "command"?,"done_when"? (words of its data form, a line for each command),"target"?,"only"?:{parameter → value},"otherwise"?,"when"? (it looks whether it is needed),"usual"?:{"took"?,"wait"?,"runs","failed"},"hosts"?:[names]}],"usual"?:{"took"?,"down"?,"last"?},"walks"?:[{"fleet","params":{name → value},"work_us","wait_us","down_us","steps":{id → us}}] (that ended well),"fleet":{"name"?,"hosts":[names]},"values"?:{name → what fills it in},"checks":[{"state" (ok warn FAIL),"text"}]}; durations as
 * {"n","median_us","min_us","max_us"}. Copied. Caller owns.
 */
struct plan *plan_new(const struct json *data, plan_check_fn *check, void *arg);

/* Frees and wipes. NULL is fine. */
void plan_free(struct plan *plan);

/* A line of `bellbook hosts --sudo`, or that of `bellbook outside`. */
void plan_host(struct plan *plan, const struct json *line);

/* Hosts are being asked (true), or that is over. */
void plan_asking(struct plan *plan, bool asking);

/* The rehearsal, a dry run in the background, begins (forgets the last one); a line of its JSON view; it is over. */
void plan_rehearsal(struct plan *plan);
void plan_event(struct plan *plan, const struct json *line);
void plan_rehearsed(struct plan *plan);

/* True when the rehearsal's session was closed. Only after plan_rehearsal. */
bool plan_is_rehearsed(const struct plan *plan);

/* Number of the rehearsal's session while it is not over, 0 = none. */
int64_t plan_session(const struct plan *plan);

/* Words for the header when the site is down (home_down), NULL when nothing says so. Copied; safe already. True when that is new. */
bool plan_down(struct plan *plan, const char *words);

/* Says something in the line above the hints until the next key; text need not be safe. */
void plan_notice(struct plan *plan, const char *text);

/* What stands in front and takes a decision; NULL = nothing does. Borrowed. */
struct front *plan_front(struct plan *plan);

/* One key; what it asked for, PLAN_STAY mostly. */
enum plan_do plan_press(struct plan *plan, const struct press *press);

/* Settings that were filled in: object name → text. Borrowed. */
const struct json *plan_values(const struct plan *plan);

/* Why the walk is started although something failed, NULL when nothing did. Borrowed. */
const char *plan_reason(const struct plan *plan);

/* Draws everything; wall_us is the time shown. */
void plan_draw(struct plan *plan, struct canvas *canvas, int64_t wall_us);

#endif
