/* step_kind.h - what is known of a kind of step: one row of step_kinds.def each. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_MODEL_STEP_KIND_H
#define JOURNAL_MODEL_STEP_KIND_H

#include <stdbool.h>

enum step_kind {
#define STEP(id, ...) STEP_##id,
#include "journal/model/step_kinds.def"
};

/* How many there are; kinds are 0 and up. */
enum {
	STEP_KIND_COUNT = 0
#define STEP(id, ...) + 1
#include "journal/model/step_kinds.def"
};

/* What people are asked before a step begins. */
enum step_prompt {
	PROMPT_NONE,		/* nothing: it begins when it is next and somebody drives */
	PROMPT_CHOICE,		/* whether it may run, with what would run; question "step" */
	PROMPT_BY_HAND,		/* whether a person has done it; question "manual" */
};

/* What a step does to the world. */
enum step_effect {
	STEP_LOOKS,		/* no call of it may change anything; its result is evidence */
	STEP_BY_HAND,		/* a person does it; calls of it may change something, too */
	STEP_CHANGES,		/* its calls change something */
};

struct step_type {
	const char *name;	/* "observe" */
	const char *about;	/* for the manual: a sentence, or several with a line each */
	enum step_prompt prompt;
	enum step_effect effect;
	bool final;		/* no way back: a second person agrees to each attempt, and plans name it */
	const char *needs;	/* fields that a runbook must give, blanks around each; a title always */
	const char *own;	/* fields that steps of this kind alone may have, in the same way */
	const char *glyph;	/* at the end of its line in the list of steps, at most 2 columns; "" = none */
	const char *warning;	/* behind its name where it is told in words; "" = none */
	const char *word;	/* in the plan's list */
	const char *counted;	/* in the plan, behind a number of such steps */
};

/* Borrowed static entry. */
const struct step_type *step_type_of(enum step_kind kind);

/* Whether a runbook must give the field; whether the field is one that only some kinds have, and this is one of them. */
bool step_kind_needs(enum step_kind kind, const char *field);
bool step_kind_owns(enum step_kind kind, const char *field);

/* First kind that has the field for its own, -1 when every kind may have it. */
int step_kind_owner(const char *field);

/* Static name; back from it: false, and *out as it was, when no kind has that name (NULL too). */
const char *step_kind_name(enum step_kind kind);
bool step_kind_parse(const char *name, enum step_kind *out);

#endif
