/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "actions/worker/action.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "journal/model/step_kind.h"
#include "session/lua/lua_actions.h"
#include "session/lua/lua_api.h"
#include "session/lua/script.h"

/*
 * The types of what a runbook may call, for editors: a file of definitions as
 * lua-language-server reads it, made of the tables that loading and calling go
 * by. It defines names and does nothing.
 */

static const char head[] = "---@meta bellbook\n"
			   "-- bellbook.lua - types of what a runbook may call, for editors with "
			   "lua-language-server.\n"
			   "-- SPDX-License-Identifier: GPL-3.0-or-later\n"
			   "-- Made by `bellbook check --types`. Do not edit.\n"
			   "\n"
			   "---@alias bellbook.Duration string|number a text like \"90s\", \"10m\" "
			   "or \"6h\", or seconds\n";

static void put_help(struct buf *out, const char *help)
{
	if (help && *help)
		buf_printf(out, " %s", help);
	buf_putc(out, '\n');
}

static void put_field(
	struct buf *out, const char *name, const char *type, bool required, const char *help)
{
	buf_printf(out, "---@field %s%s %s", name, required || *name == '[' ? "" : "?", type);
	put_help(out, help);
}

static void put_class(struct buf *out, const struct lua_class *class)
{
	buf_printf(out, "\n---%s\n---@class %s", class->help, class->name);
	buf_printf(out, class->also ? ": %s\n" : "\n", class->also);
	for (const struct lua_arg *f = class->fields; f->name; f++)
		put_field(out, f->name, f->type, f->required, f->help);
	/* Its functions are added to it below. */
	if (str_is(class->name, "bellbook.S"))
		buf_puts(out, "local s = {}\n");
}

/* A field of the data form: as it stands there, or a function that gives it. */
static void put_computed(struct buf *out, const char *name, const char *type, const char *help)
{
	char *both = mem_printf("%s|fun(s: bellbook.S, host: string): %s", type, type);

	put_field(out, name, both, false, help);
	mem_free(both);
}

static bool has_param(const struct action *action, const char *name)
{
	for (const struct action_param *p = action ? action->params : NULL; p && p->name; p++)
		if (str_is(p->name, name))
			return true;
	return false;
}

/* command and done_when: the options of these actions; but for one that the first has already. */
static void put_form(struct buf *out, const char *name, const char *help, const struct action *one,
	const struct action *two)
{
	const struct action *both[] = { one, two };

	buf_printf(out, "\n---%s\n---@class %s: bellbook.Form%s\n", help, name,
		two ? ", bellbook.Status" : "");
	buf_puts(out, "---@field [integer] string|string[]|fun(s: bellbook.S, host: string): "
		      "string|string[] the commands\n");
	for (size_t i = 0; i < 2; i++)
		for (const struct action_param *p = both[i] ? both[i]->params : NULL; p && p->name;
			p++)
			if (p->type != ARG_COMMAND && (i == 0 || !has_param(one, p->name)))
				put_computed(out, p->name, lua_action_type(p->type), p->help);
}

static void put_function(struct buf *out, const struct lua_function *fn)
{
	buf_printf(out, "\n---%s\n", fn->help);
	for (const struct lua_arg *a = fn->args; a->name; a++) {
		buf_printf(out, "---@param %s%s %s", a->name, a->required ? "" : "?", a->type);
		put_help(out, a->help);
	}
	if (fn->gives)
		buf_printf(out, "---@return %s\n", fn->gives);
	buf_printf(out, "function %s(", fn->name);
	for (const struct lua_arg *a = fn->args; a->name; a++)
		buf_printf(out, "%s%s", a == fn->args ? "" : ", ", a->name);
	buf_puts(out, ") end\n");
}

/* A step of each kind: what it must have, but for what the data form can say instead. */
static void put_kind(struct buf *out, enum step_kind kind)
{
	const struct step_type *type = step_type_of(kind);
	char *about = mem_strdup(type->about);

	for (char *at = about; (at = strchr(at, '\n')) != NULL;)
		*at = ' ';
	buf_printf(out, "\n---@class bellbook.step.%s: bellbook.Step\n", type->name);
	for (const struct lua_arg *f = lua_api_fields("bellbook.Step"); f->name; f++)
		if (step_kind_needs(kind, f->name) && !str_is(f->name, "run") && !str_is(f->name, "done"))
			put_field(out, f->name, f->type, true, f->help);
	buf_printf(out, "\n---%s\n---@param id string small letters, digits, - and _\n", about);
	buf_printf(out, "---@return fun(step: bellbook.step.%s)\nfunction %s(id) end\n", type->name,
		type->name);
	mem_free(about);
}

/* The named arguments of an action, a class of their own. False when it has none. */
static bool put_options(struct buf *out, const struct action *action)
{
	bool status = action->raises == RAISES_STATUS, any = status;

	for (const struct action_param *p = action->params; p->name; p++)
		any = any || p->rank == 0;
	if (!any)
		return false;
	buf_printf(out, "\n---@class bellbook.%s.Options%s\n", action->name,
		status ? ": bellbook.Status" : "");
	for (const struct action_param *p = action->params; p->name; p++)
		if (p->rank == 0)
			put_field(out, p->name, lua_action_type(p->type), p->required, p->help);
	return true;
}

/* What it gives, a class of its own too. */
static void put_result(struct buf *out, const struct action *action)
{
	buf_printf(out, "\n---@class bellbook.%s.Result\n", action->name);
	for (const struct action_gives *g = action->gives; g->name; g++)
		put_field(out, g->name, lua_action_type(g->type), true, g->help);
}

static bool needs_options(const struct action *action)
{
	for (const struct action_param *p = action->params; p->name; p++)
		if (p->required && p->rank == 0)
			return true;
	return false;
}

static void put_action(struct buf *out, const struct action *action)
{
	const char *target = lua_action_target(action);
	bool options = put_options(out, action);
	const struct action_param *placed;
	const char *gap = "";

	put_result(out, action);
	buf_printf(out, "\n---%s\n", action->help);
	if (*target)
		buf_printf(out, "---@param %s string a %s of the fleet\n", target, target);
	for (int i = 1; (placed = action_param_at(action, i)) != NULL; i++)
		buf_printf(out, "---@param %s %s %s\n", placed->name, lua_action_type(placed->type),
			placed->help);
	if (options)
		buf_printf(out, "---@param options%s bellbook.%s.Options\n",
			needs_options(action) ? "" : "?", action->name);
	buf_printf(out, "---@return bellbook.%s.Result\nfunction %s(", action->name, action->name);
	if (*target) {
		buf_puts(out, target);
		gap = ", ";
	}
	for (int i = 1; (placed = action_param_at(action, i)) != NULL; i++) {
		buf_printf(out, "%s%s", gap, placed->name);
		gap = ", ";
	}
	buf_printf(out, "%s) end\n", options ? *gap ? ", options" : "options" : "");
}

/* The tables that functions lie in: "ssh = {}", each once, before what is in it. */
static void put_module(struct buf *out, const char *name, char **last)
{
	const char *dot = strchr(name, '.');
	char *module = dot ? mem_dup(name, (size_t)(dot - name)) : NULL;

	if (module && !str_is(module, *last))
		buf_printf(out, "\n%s = {}\n", module);
	if (module)
		mem_set(last, module);
	mem_free(module);
}

void script_types(struct buf *out)
{
	char *last = NULL;

	buf_puts(out, head);
	for (const struct lua_class *class = lua_api_classes(); class->name; class++)
		put_class(out, class);
	put_form(out, "bellbook.Command", "What a plain step runs, and where.",
		action_for(USE_COMMAND, false), action_for(USE_LOOK, false));
	put_form(out, "bellbook.DoneWhen", "What tells whether a plain step is done.",
		action_for(USE_LOOK, false), NULL);
	for (int kind = 0; kind < STEP_KIND_COUNT; kind++)
		put_kind(out, (enum step_kind)kind);
	for (const struct lua_function *fn = lua_api_functions(); fn->name; fn++) {
		put_module(out, fn->name, &last);
		put_function(out, fn);
	}
	for (const struct action *const *a = action_list(); *a; a++) {
		if ((*a)->by_hand)
			continue;
		put_module(out, (*a)->name, &last);
		put_action(out, *a);
	}
	mem_free(last);
}
