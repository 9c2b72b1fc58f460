/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "actions/worker/action.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "session/lua/lua_actions.h"
#include "session/lua/lua_api.h"
#include "session/lua/lua_int.h"
#include "session/lua/lua_lex.h"

/*
 * What an editor would underline: calls of a runbook's files are compared with
 * the tables of what can be called, without being run. Only what stands there
 * literally can be judged; a variable may hold anything. A name that the file
 * gives another meaning is left alone in that file.
 */

#define ARGS_MAX 16

/* Tokens from the first to before the last. */
struct span {
	size_t from, to;
};

struct scan {
	const char *shown;    /* borrowed: name of the file */
	struct token *tokens; /* owned */
	size_t count;
	struct err *e;
};

enum literal {
	LITERAL_NONE, /* known when it runs */
	LITERAL_NIL,
	LITERAL_BOOL,
	LITERAL_INT,
	LITERAL_FLOAT,
	LITERAL_TEXT,
	LITERAL_TABLE,
	LITERAL_FUNCTION,
};

/* The fields that a table may have: of a class, or the named arguments of an action. */
struct fields {
	const struct lua_class *class;
	const struct action *action;
};

/* ---- tokens ---- */

static bool is_at(const struct scan *scan, size_t i, const char *word)
{
	return i < scan->count && token_is(&scan->tokens[i], word);
}

static bool is_one_of(const struct scan *scan, size_t i, const char *const *words)
{
	for (; *words; words++)
		if (is_at(scan, i, *words))
			return true;
	return false;
}

static int nesting(const struct scan *scan, size_t i)
{
	static const char *const opens[] = { "(", "{", "[", "function", "do", "if", "repeat",
		NULL };
	static const char *const closes[] = { ")", "}", "]", "end", "until", NULL };

	return is_one_of(scan, i, opens) ? 1 : is_one_of(scan, i, closes) ? -1 : 0;
}

/* Where the value that begins at i ends: at a comma, a semicolon or what closes the list. */
static size_t value_end(const struct scan *scan, size_t i)
{
	int depth = 0;

	for (; i < scan->count; i++) {
		int change = nesting(scan, i);

		if (depth == 0 && (change < 0 || is_at(scan, i, ",") || is_at(scan, i, ";")))
			return i;
		depth += change;
	}
	return i;
}

/* True when what opens at span.from is closed by its last token. */
static bool is_whole(const struct scan *scan, struct span span)
{
	int depth = 0;

	for (size_t i = span.from; i < span.to; i++) {
		depth += nesting(scan, i);
		if (depth == 0)
			return i + 1 == span.to;
	}
	return false;
}

static char *word_at(const struct scan *scan, size_t i)
{
	return i < scan->count ? mem_dup(scan->tokens[i].at, scan->tokens[i].len) : mem_strdup("");
}

static int fault(const struct scan *scan, size_t at, const char *text)
{
	return err_set(scan->e, ERR_USAGE, "%s:%d: %s", scan->shown,
		scan->tokens[at < scan->count ? at : scan->count - 1].line, text);
}

/* Takes text. -1 */
static int fault_take(const struct scan *scan, size_t at, char *text)
{
	(void)fault(scan, at, text);
	mem_free(text);
	return -1;
}

/* ---- literals and types ---- */

static enum literal literal_of(const struct scan *scan, struct span span)
{
	const struct token *first = &scan->tokens[span.from];
	size_t len = span.to - span.from;

	if (len == 2 && token_is(first, "-") && first[1].kind == TOKEN_NUMBER) {
		first++;
		len = 1;
	}
	if (len == 1 && first->kind == TOKEN_TEXT)
		return LITERAL_TEXT;
	if (len == 1 && first->kind == TOKEN_NUMBER) {
		bool hex = first->len > 1 && (first->at[1] == 'x' || first->at[1] == 'X');

		for (size_t i = 0; !hex && i < first->len; i++)
			if (strchr(".eE", first->at[i]))
				return LITERAL_FLOAT;
		return LITERAL_INT;
	}
	if (len == 1 && (token_is(first, "true") || token_is(first, "false")))
		return LITERAL_BOOL;
	if (len == 1 && token_is(first, "nil"))
		return LITERAL_NIL;
	if (len > 1 && token_is(first, "{") && is_whole(scan, span))
		return LITERAL_TABLE;
	if (len > 1 && token_is(first, "function") && is_whole(scan, span))
		return LITERAL_FUNCTION;
	return LITERAL_NONE;
}

/* One alternative of a type, of that many bytes. */
static bool one_takes(const char *type, size_t len, enum literal literal)
{
	const struct {
		const char *type;
		unsigned takes;
	} plain[] = {
		{ "any", ~0U },
		{ "string", 1U << LITERAL_TEXT },
		{ "boolean", 1U << LITERAL_BOOL },
		{ "integer", 1U << LITERAL_INT },
		{ "nil", 1U << LITERAL_NIL },
		{ "number", 1U << LITERAL_INT | 1U << LITERAL_FLOAT },
		{ "bellbook.Duration",
			1U << LITERAL_TEXT | 1U << LITERAL_INT | 1U << LITERAL_FLOAT },
		{ "bellbook.Secret", 0 },
	};

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (strlen(plain[i].type) == len && memcmp(plain[i].type, type, len) == 0)
			return (plain[i].takes & 1U << literal) != 0;
	if (*type == '"')
		return literal == LITERAL_TEXT;
	if (len > 4 && memcmp(type, "fun(", 4) == 0)
		return literal == LITERAL_FUNCTION;
	if (*type >= '0' && *type <= '9')
		return literal == LITERAL_INT;
	/* A list, a map, a class. */
	return literal == LITERAL_TABLE;
}

static size_t alternative(const char *type)
{
	int depth = 0;
	size_t i = 0;

	for (; type[i] && (depth > 0 || type[i] != '|'); i++)
		depth += strchr("(<{", type[i]) ? 1 : strchr(")>}", type[i]) ? -1 : 0;
	return i;
}

static bool type_takes(const char *type, enum literal literal)
{
	if (literal == LITERAL_NONE)
		return true;
	for (size_t len; *type; type += len + (type[len] == '|')) {
		len = alternative(type);
		if (one_takes(type, len, literal))
			return true;
	}
	return false;
}

/* The class among the alternatives; NULL when none is one whose fields are known. */
static const struct lua_class *class_in(const char *type)
{
	const struct lua_class *class = NULL;

	for (size_t len; *type && !class; type += len + (type[len] == '|')) {
		char *name;

		len = alternative(type);
		name = mem_dup(type, len);
		class = lua_api_class(name);
		mem_free(name);
	}
	return class && class->fields->name ? class : NULL;
}

static const char *type_words(const char *type)
{
	const struct {
		const char *type, *words;
	} all[] = {
		{ "string", "a text" },
		{ "integer", "a whole number" },
		{ "boolean", "true or false" },
		{ "number", "a number" },
		{ "string|string[]", "a text, or a list of words" },
		{ "bellbook.Duration", "a duration like \"90s\", or seconds" },
		{ "string|bellbook.Secret", "a text or a secret" },
		{ "string[]", "a list of texts" },
		{ "table<string, string|bellbook.Secret>", "a table of texts or secrets" },
		{ "table[]", "a list of tables" },
		{ "integer[]", "a list of whole numbers" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (str_is(all[i].type, type))
			return all[i].words;
	if (str_starts(type, "fun("))
		return "a function";
	return type;
}

/* ---- the fields of a table ---- */

/* The nth field that there is, in *field; false behind the last. */
static bool field_at(const struct fields *fields, size_t n, struct lua_arg *field)
{
	const struct lua_class *status = lua_api_class("bellbook.Status"), *class = fields->class;

	if (fields->action) {
		for (const struct action_param *p = fields->action->params; p->name; p++) {
			if (p->rank > 0 || n-- > 0)
				continue;
			*field = (struct lua_arg){ p->name, lua_action_type(p->type), p->help,
				p->required };
			return true;
		}
		class = (fields->action->raises == RAISES_STATUS) ? status : NULL;
	}
	for (; class; class = class->also ? lua_api_class(class->also) : NULL)
		for (const struct lua_arg *f = class->fields; f->name; f++) {
			if (n-- > 0)
				continue;
			*field = *f;
			return true;
		}
	return false;
}

static int check_value(const struct scan *scan, struct span span, const char *type, bool required,
	const char *what, const char *name);

static int unknown_field(const struct scan *scan, size_t at, const struct fields *fields,
	const char *what, const char *name)
{
	const char *names[64] = { NULL }, *near;
	struct lua_arg field;
	size_t n = 0;

	while (n < 63 && field_at(fields, n, &field))
		names[n++] = field.name;
	near = str_nearest(name, names);
	return fault_take(scan, at,
		near ? mem_printf("%s has no argument '%s' (did you mean '%s'?)", what, name, near)
		     : mem_printf("%s has no argument '%s'", what, name));
}

/* NAME = value, at i. */
static int check_entry(const struct scan *scan, size_t i, size_t end, const struct fields *fields,
	const char *what)
{
	char *name = word_at(scan, i);
	struct lua_arg field;
	size_t n = 0;
	int result;

	while (field_at(fields, n, &field) && !str_is(field.name, name))
		n++;
	if (field_at(fields, n, &field))
		result = check_value(
			scan, (struct span){ i + 2, end }, field.type, false, what, name);
	else
		result = unknown_field(scan, i, fields, what, name);
	mem_free(name);
	return result;
}

/* Fields that must be there, of a table whose entries all have literal names. */
static int check_missing(
	const struct scan *scan, struct span span, const struct fields *fields, const char *what)
{
	struct lua_arg field;

	for (size_t n = 0; field_at(fields, n, &field); n++) {
		bool there = !field.required;

		for (size_t i = span.from + 1, end; !there && i + 1 < span.to; i = end + 1) {
			end = value_end(scan, i);
			there = is_at(scan, i, field.name) && is_at(scan, i + 1, "=");
		}
		if (!there)
			return fault_take(scan, span.from,
				mem_printf(
					"%s: '%s' is missing (%s)", what, field.name, field.help));
	}
	return 0;
}

/* The table that stands in the span, braces included. */
static int check_table(
	const struct scan *scan, struct span span, const struct fields *fields, const char *what)
{
	bool computed = false;

	for (size_t i = span.from + 1, end; i + 1 < span.to; i = end + 1) {
		end = value_end(scan, i);
		if (end == i)
			continue;
		if (is_at(scan, i, "[")) {
			computed = true;
		} else if (scan->tokens[i].kind != TOKEN_NAME || !is_at(scan, i + 1, "=")) {
			return fault_take(
				scan, i, mem_printf("%s has an argument without a name", what));
		} else if (check_entry(scan, i, end, fields, what) < 0) {
			return -1;
		}
	}
	return computed ? 0 : check_missing(scan, span, fields, what);
}

static int check_value(const struct scan *scan, struct span span, const char *type, bool required,
	const char *what, const char *name)
{
	enum literal literal = literal_of(scan, span);
	struct fields fields = { .class = class_in(type) };

	if (literal == LITERAL_NIL && !required)
		return 0;
	if (!type_takes(type, literal))
		return fault_take(scan, span.from,
			mem_printf("%s: '%s' must be %s", what, name, type_words(type)));
	if (literal == LITERAL_TABLE && fields.class)
		return check_table(scan, span, &fields, what);
	return 0;
}

/* ---- calls ---- */

/* Arguments of a call that begins at i: ( a text or {. How many; -1: too many to be looked at. */
static long arguments(const struct scan *scan, size_t i, struct span args[ARGS_MAX])
{
	long n = 0;

	if (!is_at(scan, i, "(")) {
		size_t end = i + 1;

		while (is_at(scan, i, "{") && end < scan->count &&
			!is_whole(scan, (struct span){ i, end }))
			end++;
		args[0] = (struct span){ i, end };
		return 1;
	}
	for (i++; i < scan->count && !is_at(scan, i, ")"); i++) {
		size_t end = value_end(scan, i);

		if (n == ARGS_MAX)
			return -1;
		args[n++] = (struct span){ i, end };
		if (is_at(scan, end, ")"))
			break;
		i = end;
	}
	return n;
}

/* True when the last argument may stand for several: a call, or "...". */
static bool is_open(const struct scan *scan, const struct span *args, long n)
{
	return n > 0 && literal_of(scan, args[n - 1]) == LITERAL_NONE &&
	       (is_at(scan, args[n - 1].to - 1, ")") || is_at(scan, args[n - 1].to - 1, "...") ||
		       is_at(scan, args[n - 1].to - 1, "}") ||
		       scan->tokens[args[n - 1].to - 1].kind == TOKEN_TEXT);
}

static bool is_call(const struct scan *scan, size_t i)
{
	return is_at(scan, i, "(") || is_at(scan, i, "{") ||
	       (i < scan->count && scan->tokens[i].kind == TOKEN_TEXT);
}

/* The argument at each place: host, what is placed, and then a table. */
static bool argument_of(const struct action *action, long place, struct lua_arg *arg, bool *options)
{
	const struct action_param *param;
	long behind = place - (action_is_aimed(action) ? 1 : 0);
	int last = 1;

	*options = false;
	if (behind < 0) {
		*arg = (struct lua_arg){ lua_action_target(action), "string", "it works on it", true };
		return true;
	}
	param = action_param_at(action, (int)behind + 1);
	if (param) {
		*arg = (struct lua_arg){ param->name, lua_action_type(param->type), param->help,
			true };
		return true;
	}
	while (action_param_at(action, last))
		last++;
	*options = behind == last - 1;
	*arg = (struct lua_arg){ "options", "table", "named arguments", false };
	for (const struct action_param *p = action->params; p->name; p++)
		arg->required = arg->required || (p->required && p->rank == 0);
	return *options;
}

static int check_action(
	const struct scan *scan, size_t at, const struct action *action, size_t call)
{
	struct fields fields = { .action = action };
	struct span args[ARGS_MAX];
	struct lua_arg arg;
	long n = arguments(scan, call, args);
	bool options;

	for (long i = 0; i < n; i++) {
		if (!argument_of(action, i, &arg, &options))
			return fault_take(
				scan, at, mem_printf("%s takes %ld arguments", action->name, i));
		if (check_value(scan, args[i], arg.type, arg.required, action->name, arg.name) < 0)
			return -1;
		if (options && literal_of(scan, args[i]) == LITERAL_TABLE &&
			check_table(scan, args[i], &fields, action->name) < 0)
			return -1;
	}
	if (n >= 0 && !is_open(scan, args, n) && argument_of(action, n, &arg, &options) &&
		arg.required)
		return fault_take(scan, at,
			mem_printf("%s: '%s' is missing (%s)", action->name, arg.name, arg.help));
	return 0;
}

static int check_function(
	const struct scan *scan, size_t at, const struct lua_function *fn, size_t call)
{
	struct span args[ARGS_MAX];
	long n = arguments(scan, call, args), known = 0;

	for (const struct lua_arg *a = fn->args; a->name; a++, known++) {
		if (known < n &&
			check_value(scan, args[known], a->type, a->required, fn->name, a->name) < 0)
			return -1;
		if (n >= 0 && known >= n && a->required && !is_open(scan, args, n))
			return fault_take(
				scan, at, mem_printf("%s: '%s' is missing", fn->name, a->name));
	}
	if (n > known)
		return fault_take(scan, at,
			mem_printf(
				"%s takes %ld argument%s", fn->name, known, known == 1 ? "" : "s"));
	return 0;
}

/* ---- names ---- */

static bool is_member(const struct scan *scan, size_t i)
{
	return i > 0 && (is_at(scan, i - 1, ".") || is_at(scan, i - 1, ":"));
}

/* True when the file has a meaning of its own for the name: it is more than called there. */
static bool is_taken(const struct scan *scan, const char *name, bool module)
{
	for (size_t i = 0; i < scan->count; i++) {
		bool declared =
			i > 0 && (is_at(scan, i - 1, "local") || is_at(scan, i - 1, "function"));

		if (!is_at(scan, i, name) || is_member(scan, i))
			continue;
		if (declared || (module ? !is_at(scan, i + 1, ".") : !is_call(scan, i + 1)))
			return true;
	}
	return false;
}

static bool is_module(const char *name)
{
	size_t len = strlen(name);

	for (const struct action *const *a = action_list(); *a; a++)
		if (!(*a)->by_hand && strncmp((*a)->name, name, len) == 0 && (*a)->name[len] == '.')
			return true;
	return false;
}

static int unknown_action(const struct scan *scan, size_t at, const char *module, const char *name)
{
	const char *names[64] = { NULL }, *near;
	size_t n = 0;

	for (const struct action *const *a = action_list(); *a && n < 63; a++)
		if (!(*a)->by_hand && str_starts((*a)->name, module) &&
			(*a)->name[strlen(module)] == '.')
			names[n++] = (*a)->name;
	near = str_nearest(name, names);
	return fault_take(scan, at,
		near ? mem_printf("there is no %s (did you mean %s?)", name, near)
		     : mem_printf("there is no %s", name));
}

/* MODULE.NAME at i, as a call or as a value. */
static int check_module(const struct scan *scan, size_t i, const char *module)
{
	char *member = word_at(scan, i + 2), *name = mem_printf("%s.%s", module, member);
	const struct action *action = action_find(name);
	int result = 0;

	if (!action || action->by_hand)
		result = unknown_action(scan, i, module, name);
	else if (is_call(scan, i + 3))
		result = check_action(scan, i, action, i + 3);
	mem_free(member);
	mem_free(name);
	return result;
}

/* Described while the file loads, where all of it was looked at. */
static bool is_skeleton(const char *name)
{
	static const char *const names[] = { "runbook", "phase", "require", "observe", "change",
		"irreversible", "manual" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_is(names[i], name))
			return true;
	return false;
}

/* What a text has; s may be one in a helper function. */
static bool is_of_texts(const struct scan *scan, size_t i)
{
	static const char *const names[] = { "byte", "find", "format", "gmatch", "gsub", "len",
		"lower", "match", "pack", "packsize", "rep", "reverse", "sub", "unpack", "upper",
		NULL };

	return is_one_of(scan, i, names);
}

static int check_method(const struct scan *scan, size_t i)
{
	const char *names[32] = { NULL }, *near;
	char *member = word_at(scan, i + 2), *name = mem_printf("s:%s", member);
	const struct lua_function *fn = lua_api_function(name);
	size_t n = 0;
	int result = 0;

	if (fn) {
		result = check_function(scan, i, fn, i + 3);
	} else if (!is_of_texts(scan, i + 2)) {
		for (const struct lua_function *f = lua_api_functions(); f->name && n < 31; f++)
			if (str_starts(f->name, "s:"))
				names[n++] = f->name;
		near = str_nearest(name, names);
		result = fault_take(scan, i,
			near ? mem_printf("there is no %s (did you mean %s?)", name, near)
			     : mem_printf("there is no %s", name));
	}
	mem_free(member);
	mem_free(name);
	return result;
}

static int check_name(const struct scan *scan, size_t i)
{
	char *name = word_at(scan, i);
	const struct lua_function *fn = lua_api_function(name);
	int result = 0;

	if (is_module(name) && is_at(scan, i + 1, ".") && !is_taken(scan, name, true))
		result = check_module(scan, i, name);
	else if (str_is(name, "s") && is_at(scan, i + 1, ":") && is_call(scan, i + 3))
		result = check_method(scan, i);
	else if (fn && !is_skeleton(name) && is_call(scan, i + 1) && !is_taken(scan, name, false))
		result = check_function(scan, i, fn, i + 1);
	mem_free(name);
	return result;
}

static int check_source(const struct script *script, const struct source *source, struct err *e)
{
	struct scan scan = { .shown = source->shown, .e = e };
	int result = 0;

	scan.tokens = lua_lex(script->sources.data + source->from, source->len, &scan.count);
	for (size_t i = 0; result == 0 && i < scan.count; i++)
		if (scan.tokens[i].kind == TOKEN_NAME && !is_member(&scan, i))
			result = check_name(&scan, i);
	mem_free(scan.tokens);
	return result;
}

int script_check_calls(const struct script *script, struct err *e)
{
	for (size_t i = 0; i < script->source_count; i++)
		if (check_source(script, &script->source[i], e) < 0)
			return -1;
	return 0;
}
