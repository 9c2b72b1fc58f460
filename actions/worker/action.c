/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "actions/worker/action.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "actions/worker/builtin.h"
#include "base/buf.h"
#include "base/duration.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"

#define PARAMS_MAX 32
#define ACTIONS_MAX 64

static const struct action *actions[ACTIONS_MAX] = {
#define ACTION(name) &action_##name,
#include "actions/worker/builtin.def"
};

const struct action *const *action_list(void)
{
	return actions;
}

void action_add(const struct action *action)
{
	size_t n = 0;

	while (actions[n])
		n++;
	assert(n < ACTIONS_MAX - 1);
	actions[n] = action;
}

const struct action *action_find(const char *name)
{
	for (size_t i = 0; actions[i]; i++) {
		if (str_is(actions[i]->name, name))
			return actions[i];
	}
	return NULL;
}

const struct action *action_for(enum action_use use, bool here)
{
	for (size_t i = 0; actions[i]; i++) {
		if (actions[i]->use == use && actions[i]->target == (here ? TARGET_HERE : TARGET_HOST))
			return actions[i];
	}
	assert(false);	/* there is one for every use */
	return NULL;
}

bool action_is_aimed(const struct action *action)
{
	return action->target != TARGET_HERE;
}

const struct action_param *action_param_at(const struct action *action, int rank)
{
	for (const struct action_param *param = action->params; param->name; param++) {
		if (rank > 0 && param->rank == rank)
			return param;
	}
	return NULL;
}

bool action_looks(const struct action *action, const struct json *args)
{
	bool looks = action->effect == EFFECT_READ;

	for (const struct action_param *param = action->params; param->name; param++)
		looks = looks && !(param->writes_here && json_at(args, param->name));
	return looks;
}

void action_looks_list(struct buf *out)
{
	const char *before = "";

	for (size_t i = 0; actions[i]; i++) {
		if (actions[i]->by_hand || actions[i]->effect != EFFECT_READ || actions[i]->watch != WATCH_NONE)
			continue;
		buf_printf(out, "%s%s", before, actions[i]->name);
		before = ", ";
	}
}

char *action_shown(const struct action *action, const struct json *args)
{
	struct buf out = {0};

	action->shown(action, args, &out);
	return buf_take(&out);
}

struct json *action_entry(const struct action *action, const struct json *args)
{
	struct json *entry = json_new_object();
	char *shown = action_shown(action, args);

	json_set_text(entry, "action", action->name);
	json_set_text(entry, "shown", shown);
	if (action->exact)
		action->exact(args, entry);
	mem_free(shown);
	return entry;
}

/* {"$secret": NAME} */
static bool is_secret(const struct json *value)
{
	return json_count(value) == 1 && json_as_text(json_at(value, "$secret")) != NULL;
}

static bool is_list_of_texts(const struct json *value)
{
	if (json_type_of(value) != JSON_IS_ARRAY)
		return false;
	for (size_t i = 0; i < json_count(value); i++) {
		if (json_type_of(json_item(value, i)) != JSON_IS_TEXT)
			return false;
	}
	return true;
}

static bool is_list_of_tables(const struct json *value)
{
	if (json_type_of(value) != JSON_IS_ARRAY)
		return false;
	for (size_t i = 0; i < json_count(value); i++) {
		if (json_type_of(json_item(value, i)) != JSON_IS_OBJECT)
			return false;
	}
	return true;
}

static bool is_map(const struct json *value)
{
	struct json *item;
	void *it = NULL;

	/* An empty table of Lua may arrive as a list. */
	if (json_type_of(value) == JSON_IS_ARRAY)
		return json_count(value) == 0;
	if (json_type_of(value) != JSON_IS_OBJECT)
		return false;
	while (json_next(value, &it, &item)) {
		if (json_type_of(item) != JSON_IS_TEXT && !is_secret(item))
			return false;
	}
	return true;
}

/* What the type takes, in words; NULL when value is of that type. */
static const char *wrong_type(enum action_type type, const struct json *value)
{
	enum json_type is = json_type_of(value);
	int64_t us;

	switch (type) {
	case ARG_TEXT:
		return is == JSON_IS_TEXT ? NULL : "a text";
	case ARG_INT:
		return is == JSON_IS_INT ? NULL : "a whole number";
	case ARG_BOOL:
		return is == JSON_IS_BOOL ? NULL : "true or false";
	case ARG_DURATION:
		return duration_of(value, &us) ? NULL : DURATION_WORDS;
	case ARG_COMMAND:
		if (is == JSON_IS_TEXT ? *json_as_text(value) : is_list_of_texts(value) && json_count(value))
			return NULL;
		return "a command: a text, or a list of words";
	case ARG_MAP:
		return is_map(value) ? NULL : "a table of texts or secrets";
	case ARG_DATA:
		return is == JSON_IS_TEXT || is_secret(value) ? NULL : "a text or a secret";
	case ARG_LIST:
		return is_list_of_texts(value) ? NULL : "a list of texts";
	case ARG_TABLES:
		return is_list_of_tables(value) ? NULL : "a list of tables";
	}
	return "something else";
}

const char *action_param_wants(const struct action_param *param, const struct json *value)
{
	return wrong_type(param->type, value);
}

static const struct action_param *param_find(const struct action *action, const char *name)
{
	for (const struct action_param *param = action->params; param->name; param++) {
		if (str_is(param->name, name))
			return param;
	}
	return NULL;
}

static int refuse_unknown(const struct action *action, const char *name, struct err *e)
{
	const char *names[PARAMS_MAX + 1] = { NULL };
	const char *near;
	size_t count = 0;

	for (const struct action_param *param = action->params; param->name && count < PARAMS_MAX; param++)
		names[count++] = param->name;
	near = str_nearest(name, names);
	if (near)
		return err_set(e, ERR_USAGE, "%s: unknown \"%s\"; did you mean \"%s\"?", action->name, name, near);
	return err_set(e, ERR_USAGE, "%s: unknown \"%s\"", action->name, name);
}

/* What goes to the worker is one frame. */
static int check_size(const struct action *action, const struct json *args, struct err *e)
{
	char *printed = json_print(args);
	size_t size = strlen(printed);

	mem_free(printed);
	if (size > LIMIT_ARGS)
		return err_set(e, ERR_USAGE, "%s: its arguments take %zu bytes as JSON; at most %zu go into one call", action->name, size, LIMIT_ARGS);
	return 0;
}

int action_check(const struct action *action, const struct json *args, struct err *e)
{
	const char *wants;
	const char *name;
	struct json *value;
	void *it = NULL;

	if (args && json_type_of(args) != JSON_IS_OBJECT)
		return err_set(e, ERR_USAGE, "%s: its arguments are no table with names", action->name);
	while ((name = json_next(args, &it, &value))) {
		const struct action_param *param = param_find(action, name);

		if (!param)
			return refuse_unknown(action, name, e);
		wants = wrong_type(param->type, value);
		if (wants)
			return err_set(e, ERR_USAGE, "%s: \"%s\" must be %s", action->name, name, wants);
	}
	for (const struct action_param *param = action->params; param->name; param++) {
		if (param->required && !json_at(args, param->name))
			return err_set(e, ERR_USAGE, "%s: \"%s\" is missing (%s)", action->name, param->name,
				       param->help);
	}
	if (action->check && action->check(action, args, e) < 0)
		return -1;
	return check_size(action, args, e);
}

/* Quotes only where a shell would need it: people read the command before they agree to it. */
static void put_word(struct buf *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+:,./-";

	if (*word && strspn(word, plain) == strlen(word))
		buf_puts(out, word);
	else
		str_shell_quote(out, word);
}

int action_command(const struct json *args, struct buf *out, struct err *e)
{
	const struct json *cmd = json_at(args, "cmd");

	if (!cmd || wrong_type(ARG_COMMAND, cmd))
		return err_set(e, ERR_USAGE, "\"cmd\" must be a text, or a list of words");
	if (json_type_of(cmd) == JSON_IS_TEXT) {
		buf_puts(out, json_as_text(cmd));
		return 0;
	}
	for (size_t i = 0; i < json_count(cmd); i++) {
		if (i > 0)
			buf_putc(out, ' ');
		put_word(out, json_as_text(json_item(cmd, i)));
	}
	return 0;
}
