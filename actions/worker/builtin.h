/* builtin.h - the tables of all actions, for the registry and for the files that define them. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef ACTIONS_WORKER_BUILTIN_H
#define ACTIONS_WORKER_BUILTIN_H

#include "actions/worker/action.h"

#define ACTION(name) extern const struct action action_##name;
#include "actions/worker/builtin.def"

#endif
