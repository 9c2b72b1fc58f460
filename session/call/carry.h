/* carry.h - private to session/: that this process, and no other, carries the session is looked at before anything is stored, and by a timer. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_CALL_CARRY_H
#define SESSION_CALL_CARRY_H

#include "session/walk/engine.h"

#include <stdbool.h>

/* For the book (book_hooks.fit): lease, socket and journal are what this process made and opened, or are made anew, of which a note is
 * written. -1 with words when nothing may be stored now. arg is the engine. Does not wait. */
int carry_fit(void *arg, struct err *e);

/* Looks each KEEP_US from now on. */
void carry_start(struct engine *engine);

/* True when another process has taken the session over; from then on nothing is stored. */
bool carry_is_over(struct engine *engine);

#endif
