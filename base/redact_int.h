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

/* How a program writes a text. Appends value to out as it does; does not block. */
struct redact_code {
	void (*write)(struct buf *out, const char *value, size_t len, const void *how);
	const void *how;
};

/* Places in redact_codes of those that are also used one upon another. */
enum redact_code_named {
	CODE_JSON, CODE_JSON_PHP, CODE_JSON_ASCII, CODE_JSON_GO,
	CODE_QUOTED,		/* in single quotes: '\'' */
	CODE_QUOTED_PYTHON,	/* in single quotes: '"'"' */
	CODE_DOUBLE,		/* in double quotes of a shell */
	CODE_BASH,		/* printf %q */
	CODE_URL, CODE_URL_PATH, CODE_URL_JS, CODE_URL_FORM, CODE_URL_PLUS,
	CODE_HTML, CODE_HTML_PYTHON, CODE_HTML_QUOTE,
	CODE_RUBY, CODE_PYTHON, CODE_GO,
	CODE_SHELLWORDS,	/* Ruby's shellescape */
	CODE_BACKSLASH,		/* backslashes twice, nothing else */
	CODE_OTHERS,
};

/* Those that change special characters only, and those that change every one. None makes one byte more than REDACT_GROWTH. */
#define REDACT_GROWTH 9
extern const struct redact_code redact_codes[], redact_wholes[];
extern const size_t redact_code_count, redact_whole_count;

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
