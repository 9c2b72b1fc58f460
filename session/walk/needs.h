/* needs.h - private to session/: the variables that a step cannot do without. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WALK_NEEDS_H
#define SESSION_WALK_NEEDS_H

#include "session/walk/engine.h"

#include <stddef.h>

/* Words for the first variable in the step's needs that has no value: which, who gives it, and what became of that step. NULL when all have one. Caller owns. */
char *needs_missing(const struct engine *engine, size_t step);

#endif
