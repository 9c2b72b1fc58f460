/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/lua/lua_lex.h"

#include <string.h>

#include "base/mem.h"

struct lexer {
	const char *at, *end;
	int line;
	struct token *tokens; /* owned */
	size_t count, room;
};

bool token_is(const struct token *token, const char *word)
{
	return token->kind != TOKEN_TEXT && strlen(word) == token->len &&
	       memcmp(token->at, word, token->len) == 0;
}

static bool is_name(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (!first && c >= '0' && c <= '9');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* How many = stand in a long bracket that begins here: [[ is 0, [=[ is 1; -1 when it is none. */
static long long_level(const struct lexer *lexer, const char *at)
{
	const char *from = at + 1;

	if (at >= lexer->end || *at != '[')
		return -1;
	while (from < lexer->end && *from == '=')
		from++;
	return from < lexer->end && *from == '[' ? from - at - 1 : -1;
}

static void step(struct lexer *lexer)
{
	lexer->line += *lexer->at == '\n';
	lexer->at++;
}

/* Behind the long bracket that begins here, of that level. */
static void skip_long(struct lexer *lexer, long level)
{
	for (long i = 0; i < level + 2; i++)
		step(lexer);
	while (lexer->at < lexer->end) {
		long n = 0;

		if (*lexer->at != ']') {
			step(lexer);
			continue;
		}
		while (lexer->at + 1 + n < lexer->end && lexer->at[1 + n] == '=')
			n++;
		if (n == level && lexer->at + 1 + n < lexer->end && lexer->at[1 + n] == ']') {
			lexer->at += level + 2;
			return;
		}
		step(lexer);
	}
}

static void skip_quoted(struct lexer *lexer)
{
	char quote = *lexer->at;

	step(lexer);
	while (lexer->at < lexer->end && *lexer->at != quote) {
		if (*lexer->at == '\\' && lexer->at + 1 < lexer->end)
			step(lexer);
		step(lexer);
	}
	if (lexer->at < lexer->end)
		step(lexer);
}

static void skip_comment(struct lexer *lexer)
{
	long level;

	lexer->at += 2;
	level = long_level(lexer, lexer->at);
	if (level >= 0) {
		skip_long(lexer, level);
		return;
	}
	while (lexer->at < lexer->end && *lexer->at != '\n')
		lexer->at++;
}

/* Any digits, letters and points, and a sign behind an exponent: what loaded is a number. */
static void skip_number(struct lexer *lexer)
{
	while (lexer->at < lexer->end && (is_name(*lexer->at, false) || *lexer->at == '.' ||
						 ((*lexer->at == '+' || *lexer->at == '-') &&
							 strchr("eEpP", lexer->at[-1]))))
		lexer->at++;
}

static void skip_sign(struct lexer *lexer)
{
	static const char *const signs[] = { "...", "..", "==", "~=", "<=", ">=", "//", "::", "<<",
		">>" };

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		size_t len = strlen(signs[i]);

		if ((size_t)(lexer->end - lexer->at) >= len &&
			memcmp(lexer->at, signs[i], len) == 0) {
			lexer->at += len;
			return;
		}
	}
	lexer->at++;
}

static enum token_kind skip_token(struct lexer *lexer)
{
	char c = *lexer->at;
	bool point = c == '.' && lexer->at + 1 < lexer->end && is_digit(lexer->at[1]);
	long level = long_level(lexer, lexer->at);

	if (is_name(c, true)) {
		while (lexer->at < lexer->end && is_name(*lexer->at, false))
			lexer->at++;
		return TOKEN_NAME;
	}
	if (is_digit(c) || point) {
		lexer->at++;
		skip_number(lexer);
		return TOKEN_NUMBER;
	}
	if (c == '"' || c == '\'' || level >= 0) {
		if (level >= 0)
			skip_long(lexer, level);
		else
			skip_quoted(lexer);
		return TOKEN_TEXT;
	}
	skip_sign(lexer);
	return TOKEN_SIGN;
}

static void add(struct lexer *lexer, struct token token)
{
	if (lexer->count == lexer->room) {
		lexer->room = lexer->room ? 2 * lexer->room : 1024;
		lexer->tokens = mem_grow(lexer->tokens, lexer->room, sizeof(*lexer->tokens));
	}
	lexer->tokens[lexer->count++] = token;
}

struct token *lua_lex(const char *text, size_t len, size_t *count)
{
	struct lexer lexer = { .at = text, .end = text + len, .line = 1 };

	while (lexer.at < lexer.end) {
		struct token token = { .at = lexer.at, .line = lexer.line };

		if (strchr(" \t\r\n\f\v", *lexer.at)) {
			step(&lexer);
		} else if (*lexer.at == '-' && lexer.at + 1 < lexer.end && lexer.at[1] == '-') {
			skip_comment(&lexer);
		} else {
			token.kind = skip_token(&lexer);
			token.len = (size_t)(lexer.at - token.at);
			add(&lexer, token);
		}
	}
	*count = lexer.count;
	return lexer.tokens;
}
