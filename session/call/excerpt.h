/* excerpt.h - private to session/: what Lua gets of an output: all of it, or of a long one its beginning and its end. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_CALL_EXCERPT_H
#define SESSION_CALL_EXCERPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define EXCERPT_MAX ((size_t)1 << 20)		/* whole up to here */
#define EXCERPT_HEAD (EXCERPT_MAX / 4 * 3)	/* of a longer one, about */
#define EXCERPT_TAIL (EXCERPT_MAX / 4)		/* where errors stand */

struct excerpt {
	struct buf text;	/* the beginning, and what came last */
	int64_t left_out;	/* bytes between them that are gone; the journal has them */
};

/* Takes more of it. */
void excerpt_add(struct excerpt *excerpt, const void *bytes, size_t len);

/* True when it is longer than EXCERPT_MAX. */
bool excerpt_is_cut(const struct excerpt *excerpt);

/* Appends it; where something is left out stands a line that says how much. */
void excerpt_put(const struct excerpt *excerpt, struct buf *out);

/* Empty again; nothing is kept. */
void excerpt_done(struct excerpt *excerpt);

#endif
