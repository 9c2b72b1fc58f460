/* history.h - the newest and the unfinished sessions, folded: how they stand, what is in doubt or waits, what became of each step. Durations over all sessions are in index.h. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_INDEX_HISTORY_H
#define JOURNAL_INDEX_HISTORY_H

#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>

#define HISTORY_SESSIONS 60	/* newest sessions that are read; open ones are read however old they are */

/* Summaries of sessions, kept so that what has not changed is not read again. */
struct history;

/* Nothing read yet. Caller owns. */
struct history *history_new(void);

/* Frees. NULL is fine. */
void history_free(struct history *history);

/* Reads what the journal has now: the newest limit sessions and all open ones (20 at most). Sessions that have not moved since the last time are not read again. open_only reads no closed one.
 * After a fifth of a second the rest is left for the next time (history_is_behind). A journal that is not there yet is an empty one. -1 as store_open, with what was known before kept. Blocks for disk. */
int history_read(struct history *history, const char *journal, bool open_only, int64_t limit, struct err *e);

/* True when the last reading left sessions out for want of time. */
bool history_is_behind(const struct history *history);

/* Summaries, newest first: array of {"session","runbook","title","fleet","who","state" ("ok" "failed" … as closed, else "open"),"running","dry_run","opened_us","last_us","closed_us"?,"took_us" (wall clock),
 * "work_us" (without waiting for people),"wait_us","down_us","failures","left_out" (steps that people skipped or put off),"put_off" (of these),"step","steps","at" (title of the present step),"waits" (text of the open question)?,"doubts":[{"step","title","host"}],
 * "params" (name to value),"down": as model_down, when the site is (of a closed session: when it left it so),"notes":[{"at_us","who","text"}] (the last three),"list":[{"id","state","took_us","wait_us","reason"?,"hosts"?:[names]}]}. Times are wall clock. Borrowed until the next history_read. */
const struct json *history_sessions(const struct history *history);

#endif
