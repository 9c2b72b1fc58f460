/* tasks.h - private to session/: the functions of steps as tasks, and what the end of one means. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_CALL_TASKS_H
#define SESSION_CALL_TASKS_H

#include "session/walk/engine.h"

#include <stddef.h>

/* Starts a function of a step as a part; the paths of its calls get prefix. */
void tasks_start(struct engine *engine, size_t step, enum script_fn fn, enum task_part part, const char *prefix);

/* Ends the running task as if its function had raised why, which it cannot catch. */
void tasks_cut(struct engine *engine, const char *why);

/* Ends the running task, if any; what it wanted goes on without it. */
void tasks_drop(struct engine *engine);

#endif
