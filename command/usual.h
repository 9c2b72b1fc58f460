/* usual.h - the index's durations as data: what is usual for a runbook and for its steps. Private to command/. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef COMMAND_USUAL_H
#define COMMAND_USUAL_H

#include "base/json.h"
#include "journal/index/index.h"

/* {"runs","ok","took"?,"whole"?,"down"?,"last"?:{"session","who","at_us","state"}}; each duration is {"n","median_us","min_us","max_us"}. Empty when index is NULL. Caller owns. */
struct json *usual_runbook(struct index *index, const char *runbook);

/* {STEP → {"runs","failed","took"?,"wait"?}}. Empty when index is NULL. Caller owns. */
struct json *usual_steps(struct index *index, const char *runbook);

#endif
