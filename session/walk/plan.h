/* plan.h - a runbook as a document: what it is for, what it asks, its steps; for show, list and check. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WALK_PLAN_H
#define SESSION_WALK_PLAN_H

#include "base/buf.h"
#include "base/json.h"
#include "session/lua/script.h"

/* Appends the runbook as plain text (markdown false) or Markdown; safe to show on any terminal. past: {"usual":{"took"?,"whole"?,"down"?},"steps":{ID → {"took"?,"wait"?}}}, each
 * {"n","median_us","min_us","max_us"}, says how long things usually take; NULL = nothing is known. */
void plan_text(const struct script_book *book, bool markdown, const struct json *past, struct buf *out);

/* What a step says of itself, as an object: in the plan, and in the journal when a session begins or is
 * taken over. Caller owns. */
struct json *plan_step(const struct script_step *step);

/* The runbook as an object: id, title, about, window, digest, params, steps. Caller owns. */
struct json *plan_json(const struct script_book *book);

#endif
