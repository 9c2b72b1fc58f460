/* rounds.h - whether a walk goes forward: what is done again and again, and changes nothing, is stopped. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WALK_ROUNDS_H
#define SESSION_WALK_ROUNDS_H

#include <stdbool.h>
#include <stddef.h>

#define ROUNDS_MAX 100	/* things that one attempt does by itself; about twelve are usual */

/* Zero at the beginning. */
struct rounds {
	size_t step;		/* in the model */
	int attempt, count;
	bool stopped;
};

/* The session has done one more thing by itself, at that attempt of that step. False when it was one too many: nothing more is to be done before rounds_anew. */
bool rounds_count(struct rounds *rounds, size_t step, int attempt);

/* A person did something: it counts from the beginning, and goes on. */
void rounds_anew(struct rounds *rounds);

#endif
