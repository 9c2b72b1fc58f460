/* redact_int.h - the forms in which a secret may turn up, and the automaton that finds them; private to redact*.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_REDACT_INT_H
#define BASE_REDACT_INT_H

#include "base/buf.h"

#include <stdint.h>

/* Gets each form of a value once or more; bytes are borrowed until it returns. */
typedef void redact_form_fn(void *arg, const char *bytes, size_t len);

/* Calls fn with every form of value that has at least SECRET_MIN bytes. */
void redact_forms(const char *value, size_t len, redact_form_fn *fn, void *arg);

/* The automaton of all registered forms (Aho-Corasick). State 0 is the root; states are numbered breadth first. */
struct automaton;

struct automaton_form {
	const char *bytes;
	size_t len;
	uint32_t name;	/* the caller's number for it */
};

/* Facts about a state. */
struct automaton_state {
	uint32_t live;	/* bytes at the end of the text so far that may still grow into a form */
	uint32_t match;	/* length of the longest form that ends here, 0 = none */
	uint32_t name;	/* and its name */
};

/* Builds it; of equal forms the first wins. Caller owns; the forms may go afterwards. */
struct automaton *automaton_new(const struct automaton_form *forms, size_t count);

/* Wipes and frees; NULL is fine. */
void automaton_free(struct automaton *automaton);

/* Runs from *state over bytes until one in which a form ends. Returns the number of bytes used; *state is the state after them. */
size_t automaton_run(const struct automaton *automaton, uint32_t *state, const char *bytes, size_t len);

/* One byte. */
uint32_t automaton_step(const struct automaton *automaton, uint32_t state, unsigned char c);

/* Facts about state; borrowed. */
const struct automaton_state *automaton_at(const struct automaton *automaton, uint32_t state);

#endif
