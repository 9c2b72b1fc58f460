/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/walk/way_back.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "session/ask/asks.h"

struct json *way_back_named(const struct script_book *book)
{
	struct json *named, *with;

	if (!book->back_runbook)
		return NULL;
	named = json_new_object();
	with = json_new_array();
	json_set_text(named, "runbook", book->back_runbook);
	json_set_text(named, "open", book->back_open);
	for (char **name = book->back_with; *name; name++)
		json_add(with, json_new_text(*name, strlen(*name)));
	json_put(named, "with", with);
	return named;
}

/* What a parameter of another runbook can be: a secret is asked for again, a table is none. */
static bool is_plain(const struct json *value)
{
	enum json_type type = json_type_of(value);

	return value && (type == JSON_IS_TEXT || type == JSON_IS_INT || type == JSON_IS_REAL || type == JSON_IS_BOOL);
}

/* Values by name; NULL while a variable has none yet. Caller owns. */
static struct json *values_now(const struct engine *engine)
{
	struct json *values = json_new_object();

	for (char **name = script_book(engine->script)->back_with; *name; name++) {
		const struct json *given = json_at(engine->vars, *name);

		if (script_gives(engine->script, *name) && !is_plain(given)) {
			json_free(values);
			return NULL;
		}
		given = given ? given : json_at(engine->model->params, *name);
		if (is_plain(given))
			json_put(values, *name, json_copy_of(given));
	}
	return values;
}

/* It lies beside this one. Caller owns. */
static char *path_of(const struct script_book *book)
{
	const char *slash = strrchr(book->path, '/');

	return mem_printf("%.*s%s.lua", slash ? (int)(slash - book->path + 1) : 0, book->path, book->back_runbook);
}

/* The name's own place among the parameters of the way back, or words with the one that may be meant. */
static int check_param(const struct script_book *book, const struct script_book *back, const char *name, struct err *e)
{
	const char **names = mem_array(back->param_count + 1, sizeof(*names)), *near;
	bool known = false;

	for (size_t i = 0; i < back->param_count; i++) {
		names[i] = back->params[i].name;
		known = known || str_is(names[i], name);
	}
	names[back->param_count] = NULL;
	near = str_nearest(name, names);
	if (!known)
		err_set(e, ERR_USAGE, "%s: way_back: with names '%s', which is no parameter of %s%s%s%s", book->path, name, back->id,
			near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
	mem_free(names);
	return known ? 0 : -1;
}

int way_back_check(const struct script *script, struct err *e)
{
	const struct script_book *book = script_book(script);
	char *path = book->back_runbook ? path_of(book) : NULL;
	struct script *back = path ? script_load(path, e) : NULL;
	int result = path && !back ? err_wrap(e, "%s: way_back", book->path) : 0;

	for (char **name = book->back_with; back && result == 0 && *name; name++)
		result = check_param(book, script_book(back), *name, e);
	script_free(back);
	mem_free(path);
	return result;
}

struct json *way_back_now(const struct engine *engine)
{
	const struct script_book *book = engine->script ? script_book(engine->script) : NULL;
	struct json *back, *values = book && book->back_runbook && !engine->dry_run ? values_now(engine) : NULL;
	char *path;

	if (!values)
		return NULL;
	back = json_new_object();
	path = path_of(book);
	json_set_text(back, "runbook", book->back_runbook);
	json_set_text(back, "path", path);
	json_set_text(back, "fleet", json_text(engine->fleet, "path", NULL));
	json_set_text(back, "open", book->back_open);
	json_put(back, "params", values);
	mem_free(path);
	return back;
}

void way_back_choice(const struct engine *engine, struct json *data)
{
	struct json *back = way_back_now(engine);
	char *label;

	if (!back)
		return;
	label = mem_printf("Go back (%s)", json_text(back, "runbook", ""));
	asks_choice(data, "back", label, "Ends this session. The way back is shown then, filled in; it starts only when you say so. Say why.", true);
	mem_free(label);
	json_free(back);
}
