/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "actions/worker/action_doc.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static const char *const type_names[] = {
	[ARG_TEXT] = "text", [ARG_INT] = "integer", [ARG_BOOL] = "boolean", [ARG_DURATION] = "duration",
	[ARG_COMMAND] = "text or list of words", [ARG_MAP] = "table of texts or secrets", [ARG_DATA] = "text or secret",
	[ARG_LIST] = "list of texts", [ARG_TABLES] = "list of tables",
};

static const char *const target_names[] = {
	[TARGET_HERE] = "here", [TARGET_HOST] = "host", [TARGET_DATABASE] = "database", [TARGET_SERVICE] = "service",
};

/* What every Lua call that raises by a status takes besides. */
static const struct action_param status_params[] = {
	{ "codes", ARG_LIST, .help = "list of exit statuses that are fine; usually only 0" },
	{ "check", ARG_BOOL, .help = "false: any exit status is fine" },
	{ .name = NULL },
};

const char *action_effect_name(enum action_effect effect)
{
	return effect == EFFECT_READ ? "read" : effect == EFFECT_CHANGE ? "change" : "once";
}

/* "host", "cmd" … in their order; NULL behind the last. */
static const char *placed_name(const struct action *action, int at)
{
	const struct action_param *param;

	if (action_is_aimed(action) && at-- == 0)
		return target_names[action->target];
	param = action_param_at(action, at + 1);
	return param ? param->name : NULL;
}

static bool has_named(const struct action *action)
{
	for (const struct action_param *param = action->params; param->name; param++)
		if (!param->rank)
			return true;
	return false;
}

void action_doc_usage(const struct action *action, struct buf *out)
{
	const char *name;
	int at = 0;

	buf_printf(out, "%s(", action->name);
	for (; (name = placed_name(action, at)) != NULL; at++)
		buf_printf(out, "%s%s", at ? ", " : "", name);
	if (has_named(action))
		buf_printf(out, "%s{ … }", at ? ", " : "");
	buf_putc(out, ')');
}

/* ---- for a terminal ---- */

static void put_param(struct buf *out, const struct action_param *param)
{
	buf_printf(out, "  %-14s %s%s%s%s: %s%s%s\n", param->name, type_names[param->type], param->unit ? ", " : "",
		   param->unit ? param->unit : "", param->required ? ", needed" : "", param->help, param->more ? ". " : "",
		   param->more ? param->more : "");
}

static const char *raises_words(const struct action *action)
{
	return action->raises == RAISES_STATUS
		? "It raises an error when it could not be done, when its outcome is unknown, and when its status is not 0."
		: "It raises an error when it could not be done, or when its outcome is unknown.";
}

void action_doc_text(const struct action *action, struct buf *out)
{
	action_doc_usage(action, out);
	buf_printf(out, "\n\n%s.\n", action->help);
	if (action->about)
		buf_printf(out, "\n%s\n", action->about);
	buf_printf(out, "\nIt is a %s, on %s%s.\n", action->effect == EFFECT_READ ? "look" : "change",
		   action_is_aimed(action) ? "a " : "this computer", action_is_aimed(action) ? target_names[action->target] : "");
	buf_puts(out, action->params->name ? "\nArguments:\n" : "");
	for (const struct action_param *param = action->params; param->name; param++)
		put_param(out, param);
	for (const struct action_param *param = status_params; action->raises == RAISES_STATUS && param->name; param++)
		put_param(out, param);
	buf_puts(out, action->gives->name ? "\nIt gives:\n" : "");
	for (const struct action_gives *member = action->gives; member->name; member++)
		buf_printf(out, "  %-14s %s%s%s: %s\n", member->name, type_names[member->type], member->unit ? ", " : "",
			   member->unit ? member->unit : "", member->help);
	buf_printf(out, "\n%s\n", raises_words(action));
	if (action->by_hand)
		buf_puts(out, "Runbooks cannot call it: it is for people, or for bellbook itself.\n");
}

/* ---- for front-ends ---- */

static struct json *param_json(const struct action_param *param)
{
	struct json *one = json_new_object();

	json_set_text(one, "name", param->name);
	json_set_text(one, "type", type_names[param->type]);
	json_set_text(one, "unit", param->unit);
	json_set_bool(one, "required", param->required || param->rank);
	if (param->rank)
		json_set_int(one, "rank", param->rank);
	json_set_text(one, "help", param->help);
	json_set_text(one, "more", param->more);
	return one;
}

struct json *action_doc_json(const struct action *action)
{
	struct json *all = json_new_object(), *params = json_new_array(), *gives = json_new_array(), *one;
	struct buf usage = {0};

	action_doc_usage(action, &usage);
	json_set_text(all, "action", action->name);
	json_set_text(all, "usage", buf_text(&usage));
	json_set_text(all, "effect", action_effect_name(action->effect));
	json_set_text(all, "target", target_names[action->target]);
	json_set_text(all, "help", action->help);
	json_set_text(all, "about", action->about);
	json_set_text(all, "raises", action->raises == RAISES_STATUS ? "status" : "failure");
	json_set_bool(all, "by_hand", action->by_hand);
	for (const struct action_param *param = action->params; param->name; param++)
		json_add(params, param_json(param));
	for (const struct action_param *param = status_params; action->raises == RAISES_STATUS && param->name; param++)
		json_add(params, param_json(param));
	for (const struct action_gives *member = action->gives; member->name; member++) {
		one = json_new_object();
		json_set_text(one, "name", member->name);
		json_set_text(one, "type", type_names[member->type]);
		json_set_text(one, "unit", member->unit);
		json_set_text(one, "help", member->help);
		json_add(gives, one);
	}
	json_put(all, "params", params);
	json_put(all, "gives", gives);
	buf_done(&usage);
	return all;
}

/* ---- the manual ---- */

/* A new line of the page, which has none that are empty, and no blank at an end. */
static void new_line(struct buf *out)
{
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->len--;
	if (out->len > 0 && out->data[out->len - 1] != '\n')
		buf_putc(out, '\n');
}

/* What stands between marks of code: a macro's line, with the punctuation behind it as the macro wants it. Gives where the text goes on. */
static const char *put_code(struct buf *out, const char *text)
{
	size_t len = strcspn(text, "`");
	const char *rest = text + len + (text[len] == '`');

	new_line(out);
	buf_puts(out, ".Ql \"");
	for (size_t i = 0; i < len; i++)
		buf_puts(out, text[i] == '"' ? "\\(dq" : (char[2]){ text[i], '\0' });
	buf_putc(out, '"');
	while (*rest && strchr(".,;:)", *rest))
		buf_printf(out, " %c", *rest++);
	buf_putc(out, '\n');
	return rest + (*rest == ' ');
}

/* Text of a table: a sentence a line, an empty line begins a paragraph, first letter large, full stop at its end. */
static void put_text(struct buf *out, const char *text, bool sentence)
{
	bool first = sentence;

	while (*text) {
		if (*text == '`') {
			text = put_code(out, text + 1);
			first = false;
		} else if (strncmp(text, "\n\n", 2) == 0) {
			new_line(out);
			buf_puts(out, ".Pp\n");
			text += 2;
		} else if (strncmp(text, ". ", 2) == 0) {
			buf_puts(out, ".\n");
			text += 2;
		} else {
			bool begins = out->len == 0 || out->data[out->len - 1] == '\n';

			if (begins && (*text == '.' || *text == '\''))
				buf_puts(out, "\\&");
			if (*text == '\\')
				buf_puts(out, "\\e");
			else if (*text == '"')
				buf_puts(out, "\\(dq");
			else
				buf_putc(out, first && *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text);
			first = false;
			text++;
		}
	}
	if (sentence && out->data[out->len - 1] == '\n') {
		out->len--;	/* a macro's line */
		buf_puts(out, " .");
	} else if (sentence && out->data[out->len - 1] != '.') {
		buf_putc(out, '.');
	}
	new_line(out);
}

static void put_call(struct buf *out, const struct action *action)
{
	const char *name;
	int at = 0;

	buf_printf(out, ".It Fn %s", action->name);
	for (; (name = placed_name(action, at)) != NULL; at++)
		buf_printf(out, " %s", name);
	if (has_named(action))
		buf_puts(out, at && action_param_at(action, 1) ? " opts" : " \"{ ... }\"");
	buf_putc(out, '\n');
	put_text(out, action->help, true);
	if (action->about)
		put_text(out, action->about, true);
}

static bool takes(const struct action *action, const char *param)
{
	for (const struct action_param *at = action->params; at->name; at++)
		if (str_is(at->name, param))
			return true;
	return false;
}

/* Those of a group, or without one of a module, stand together. */
static bool together(const struct action *a, const struct action *b)
{
	size_t len = strcspn(a->name, ".");

	return a->group == b->group && (a->group || strncmp(a->name, b->name, len + 1) == 0);
}

/* Those that stand with it, one after the other, as *at counts on from 0; NULL at the end. */
static const struct action *next_of(const struct action *with, size_t *at)
{
	const struct action *action;

	while ((action = action_list()[*at]) != NULL) {
		++*at;
		if (!action->by_hand && together(with, action))
			return action;
	}
	return NULL;
}

/* An argument, and whose it is when not all of the group take it. */
static void put_shared(struct buf *out, const struct action_param *param, const struct action *with)
{
	const struct action *action;
	size_t at = 0;
	const char *before = "Of";
	bool all = true;

	buf_printf(out, ".It Ic %s\n", param->name);
	put_text(out, param->help, true);
	if (param->more)
		put_text(out, param->more, true);
	while ((action = next_of(with, &at)) != NULL)
		all = all && takes(action, param->name);
	at = 0;
	while (!all && (action = next_of(with, &at)) != NULL) {
		if (!takes(action, param->name))
			continue;
		buf_printf(out, "%s\n.Fn %s\n", before, action->name);
		before = "or";
	}
	if (!all) {
		out->len--;
		buf_puts(out, " .\n");
	}
}

/* Each argument of the actions of a group once. */
static void put_all_shared(struct buf *out, const struct action *with)
{
	const struct action *action, *earlier;
	size_t at = 0, before;

	buf_puts(out, ".Pp\nArguments:\n.Bl -tag -width Ds\n");
	while ((action = next_of(with, &at)) != NULL) {
		for (const struct action_param *param = action->params; param->name; param++) {
			bool told = false;

			before = 0;
			while ((earlier = next_of(with, &before)) != NULL && earlier != action)
				told = told || takes(earlier, param->name);
			if (!told)
				put_shared(out, param, with);
		}
	}
	for (const struct action_param *param = status_params; param->name; param++) {
		buf_printf(out, ".It Ic %s\n", param->name);
		put_text(out, param->help, true);
	}
	buf_puts(out, ".El\n");
}

static void put_own(struct buf *out, const struct action *action)
{
	if (!action->params->name)
		return;
	buf_puts(out, ".Bl -tag -width Ds -compact\n");
	for (const struct action_param *param = action->params; param->name; param++) {
		buf_printf(out, ".It Ic %s%s\n", param->name, param->required ? " Pq needed" : "");
		put_text(out, param->help, true);
		if (param->more)
			put_text(out, param->more, true);
	}
	buf_puts(out, ".El\n");
}

static void put_gives(struct buf *out, const struct action *action, const char *who)
{
	const struct action_gives *member = action->gives;

	if (member->name) {
		buf_printf(out, "%s a table with\n", who);
		for (; member->name; member++) {
			buf_printf(out, ".Li %s\n", member->name);
			buf_putc(out, '(');
			put_text(out, member->help, false);
			out->len--;
			buf_puts(out, member[1].name ? "),\n" : ").\n");
		}
	}
}

static void put_group(struct buf *out, const struct action *first)
{
	const struct action_group *group = first->group;
	const struct action *action;
	size_t at = 0;

	if (group)
		buf_printf(out, ".Ss %s\n", group->title);
	else
		buf_printf(out, ".Ss %.*s\n", (int)strcspn(first->name, "."), first->name);
	buf_puts(out, ".Bl -tag -width Ds\n");
	while ((action = next_of(first, &at)) != NULL) {
		put_call(out, action);
		if (group && group->alike)
			continue;
		put_own(out, action);
		put_gives(out, action, "Gives");
	}
	buf_puts(out, ".El\n");
	if (group && group->about) {
		buf_puts(out, ".Pp\n");
		put_text(out, group->about, true);
	}
	if (group && group->alike) {
		put_all_shared(out, first);
		buf_puts(out, ".Pp\n");
		put_gives(out, first, "They give");
	}
	if (first->raises == RAISES_STATUS)
		buf_puts(out, "When the status is not fine they raise an error with\n.Li kind , text , code , out , err , host .\n");
}

void action_doc_manual(struct buf *out)
{
	const struct action *const *list = action_list();

	for (size_t i = 0; list[i]; i++) {
		bool told = list[i]->by_hand;

		for (size_t k = 0; k < i; k++)
			told = told || (!list[k]->by_hand && together(list[k], list[i]));
		if (!told)
			put_group(out, list[i]);
	}
}
