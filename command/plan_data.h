/* plan_data.h - what the plan screen shows of a runbook: its skeleton, what is usual, and checks that need no host. Private to command/. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef COMMAND_PLAN_DATA_H
#define COMMAND_PLAN_DATA_H

#include "command/home_data.h"
#include "session/lua/script.h"

/* All of it, as tui/plan/plan.h wants it. Caller owns. */
struct json *plan_data(struct home_data *data, const struct script *script);

#endif
