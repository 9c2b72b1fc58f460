/* question.h - one open question as a view shows it, and the rules that turn what a person types into its answer. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_QUESTION_H
#define TUI_PART_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "journal/event/event.h"

struct question {
	int64_t seq;		/* of the asked event: every answer carries it */
	int64_t at_us;
	struct json *data;	/* owned; what follows is borrowed from it */
	char *step, *host;	/* owned; "" when there is none */
	const char *of, *text, *details, *type;	/* never NULL */
	const char *expect, *fallback, *name;	/* fallback: the default; NULL when there is none */
	bool secret;
};

struct choice {			/* borrowed from the question */
	const char *value, *label, *help;
	bool why;
};

/* What an answer still lacks. */
enum answer_need { ANSWER_WHY, ANSWER_OWNER, ANSWER_DUE, ANSWER_COMPLETE };

/* An answer in the making. Zero-initialise; strings owned. */
struct answer {
	int64_t seq;
	struct json *value;
	char *why, *owner, *due;
};

/* From an asked event. Caller owns. Data that make no sense give a question of type "text". */
struct question *question_new(const struct event *asked);

/* Frees. NULL is fine. */
void question_free(struct question *question);

/* Choices; a boolean has "yes" and "no". */
size_t question_choices(const struct question *question);

/* i-th choice; false when there is none. */
bool question_choice_at(const struct question *question, size_t i, struct choice *choice);

/* True when Enter alone must never answer: typed, approval, secret, no default. */
bool question_is_dangerous(const struct question *question);

/* Turns a typed line (number, word, value; "" = the default) into the value. NULL with ERR_USAGE: words for the person. Caller owns. */
struct json *question_value(const struct question *question, const char *line, struct err *e);

/* What else the session needs with this value. */
enum answer_need answer_lacks(const struct question *question, const struct answer *answer);

/* Words that ask for it; borrowed from the question. */
const char *answer_prompt(const struct question *question, const struct answer *answer, enum answer_need need);

/* Puts a typed line where answer_lacks pointed, a day as a date; ERR_USAGE with words when it is empty or no day, and the answer stays as it was. */
int answer_fill(struct answer *answer, enum answer_need need, const char *line, struct err *e);

/* {"do":"answer",…}. Caller owns. */
struct json *answer_intent(const struct answer *answer);

/* Empties it. */
void answer_done(struct answer *answer);

#endif
