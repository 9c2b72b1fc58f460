/* lua_lex.h - the words of a Lua file, for looking at what is written there; it has loaded. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_LUA_LUA_LEX_H
#define SESSION_LUA_LUA_LEX_H

#include <stdbool.h>
#include <stddef.h>

enum token_kind { TOKEN_NAME, TOKEN_TEXT, TOKEN_NUMBER, TOKEN_SIGN };

struct token {
	const char *at; /* borrowed from the text */
	size_t len;
	int line;	      /* from 1 */
	enum token_kind kind; /* a keyword is a name */
};

/* All tokens of the text, in order; comments are left out. Caller frees the array. */
struct token *lua_lex(const char *text, size_t len, size_t *count);

/* True when the token is these bytes: a name, a keyword or a sign, never a text. */
bool token_is(const struct token *token, const char *word);

#endif
