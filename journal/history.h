/* history.h - what earlier sessions say of themselves and of their runbooks: how they ended, how long steps took, what is unfinished or in doubt. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_HISTORY_H
#define JOURNAL_HISTORY_H

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
 * A journal that is not there yet is an empty one. -1 as store_open, with what was known before kept. Blocks for disk. */
int history_read(struct history *history, const char *journal, bool open_only, int64_t limit, struct err *e);

/* Summaries, newest first: array of {"session","runbook","title","fleet","who","state" ("ok" "failed" … as closed, else "open"),"running","dry_run","opened_us","last_us","closed_us"?,"took_us" (wall clock),
 * "work_us" (without waiting for people),"wait_us","down_us","failures","step","steps","at" (title of the present step),"waits" (text of the open question)?,"doubts":[{"step","title","host"}],
 * "notes":[{"at_us","who","text"}] (the last three),"list":[{"id","state","took_us","wait_us","reason"?}]}. Times are wall clock. Borrowed until the next history_read. */
const struct json *history_sessions(const struct history *history);

/* What is usual, from sessions that were no dry run: {"runs","ok","last":{"session","who","at_us","state"}?,"took"?,"down"?,"steps":{ID → {"took"?,"wait"?}}}; each of took, down, wait is {"n","median_us","min_us","max_us"}.
 * Whole durations come from sessions that ended ok; those of steps from attempts that ended ok or warn. Caller owns. */
struct json *history_runbook(const struct history *history, const char *runbook);

#endif
