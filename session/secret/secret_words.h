/* secret_words.h - private to session/: secrets whose value is also an ordinary word or a part of a name, or too short to be masked. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_SECRET_SECRET_WORDS_H
#define SESSION_SECRET_SECRET_WORDS_H

#include "base/json.h"
#include "session/walk/engine.h"

#include <stdbool.h>

/* True when masking value in what a runbook computes with would break it: it looks like a word, a path or a number, or a name here has it inside. */
bool secret_is_word(const struct engine *engine, const char *value, size_t len);

/* Notes in the journal how far a secret is masked, when that is less than usual; once a session. */
void secret_word_tell(struct engine *engine, struct known_secret *known);

/* Folds such a note: what was masked by it stays readable for Lua. */
void secret_word_told(struct engine *engine, const struct json *data);

/* Text from the journal as Lua saw it first: the masks of secrets that are words give way to them. Caller owns. */
char *secret_word_restore(const struct engine *engine, const char *text);

/* The same for the text member key of an object; nothing happens when there is none. */
void secret_word_restore_in(const struct engine *engine, struct json *object, const char *key);

#endif
