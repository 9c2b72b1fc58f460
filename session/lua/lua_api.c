/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Flat tables, longer than a file should be only when they grow: one row per field or function. */
#include "session/lua/lua_api.h"

#include <stddef.h>

#include "base/str.h"

#define S     "bellbook.S"
#define LOOKS "fun(s: " S "): any"

/* ---- what a runbook writes ---- */

static const struct lua_arg runbook_fields[] = {
	{ "id", "string", "its name in the journal: small letters, digits, - and _", true },
	{ "bellbook", "1", "the version of this language", true },
	{ "title", "string", "one line for people", true },
	{ "about", "string", "when to use it and what it does, for a newcomer", false },
	{ "window", "string", "how long the maintenance window is, like \"2h\"", false },
	{ "way_back", "bellbook.WayBack", "the runbook that undoes this one as a whole", false },
	{ "params", "table<string, bellbook.Param>", "what may differ from walk to walk", false },
	{ "roles", "table<string, string>", "role: \"1\", \"1+\", \"0+\" … hosts", false },
	{ NULL, NULL, NULL, false },
};

static const struct lua_arg back_fields[] = {
	{ "runbook", "string", "the id of the runbook that undoes this one", true },
	{ "with", "string[]", "parameters and variables that it gets by the same name", false },
	{ "open", "string", "until when it can be gone", false },
	{ NULL, NULL, NULL, false },
};

static const struct lua_arg param_fields[] = {
	{ "type",
		"\"text\"|\"integer\"|\"number\"|\"boolean\"|\"duration\"|\"choice\"|\"host\"|"
		"\"secret\"",
		"usually text", false },
	{ "default", "any", "what it is when nobody says", false },
	{ "min", "number", "the least", false },
	{ "max", "number", "the most", false },
	{ "choices", "string[]", "of a choice", false },
	{ "pattern", "string", "a Lua pattern that the whole text must match", false },
	{ "ask", "string", "the question", false },
	{ "help", "string", "more about it", false },
	{ "optional", "boolean", "it may stay unset", false },
	{ "later", "boolean", "it may stay unset, and a step asks for it then", false },
	{ "role", "string", "of a host, for those who read the runbook", false },
	{ NULL, NULL, NULL, false },
};

/* The digest of a step counts its fields in this order: a new one comes last. */
static const struct lua_arg step_fields[] = {
	{ "title", "string", "one line", true },
	{ "why", "string", "what it is for, and what it means for members", false },
	{ "about", "string", "more, for who sees it for the first time", false },
	{ "needs", "string[]", "variables that it reads; without them it does not run", false },
	{ "uses", "string[]", "variables that it reads and can do without", false },
	{ "gives", "string[]", "variables that it sets", false },
	{ "takes", "string", "about how long, like \"10m\"", false },
	{ "timeout", "string", "of each call in it; then the outcome is unknown", false },
	{ "downtime", "\"begins\"|\"ends\"", "the clock of the downtime", false },
	{ "refuses", "string", "for about so long the site refuses requests", false },
	{ "meanwhile", "string", "what must be known before it is run", false },
	{ "back", "string", "the way back, in words", false },
	{ "because", "string", "why a dangerous flag is in it all the same", false },
	{ "was", "string[]", "former ids", false },
	{ "target", "string", "of an irreversible step: what must be typed", false },
	{ "stall", "string", "without progress for so long people are told", false },
	{ "on", "any", "where it works, for those who read the runbook", false },
	{ "only", "table<string, string>",
		"parameters and the values with which it belongs to the walk", false },
	{ "otherwise", "string", "why other walks leave it out", false },
	{ "run", LOOKS, "does it", false },
	{ "done", LOOKS, "only looks: is it done?", false },
	{ "undo", LOOKS, "takes it back", false },
	{ "meter", "fun(s: " S "): any, any, any", "only looks: how far is it?", false },
	{ "when", LOOKS, "only looks: is it needed here? A text is the reason why not", false },
	{ "question", "string", "of a manual step: what is to be answered", false },
	{ "commands", "(string|" LOOKS ")[]|" LOOKS, "of a manual step: commands to copy", false },
	{ "text", "string", "of a manual step: what to do", false },
	{ "command", "bellbook.Command", "in place of run: commands, and where they run", false },
	{ "done_when", "string|bellbook.DoneWhen|fun(s: " S ", host: string): string",
		"in place of done: a command that only looks; 0 is done, 1 is not", false },
	{ NULL, NULL, NULL, false },
};

/* Beside the options of the action, which are added to these. */
static const struct lua_arg form_fields[] = {
	{ "on", "string|string[]|fun(s: " S "): string|string[]", "roles and hosts", false },
	{ "at_once", "integer|fun(s: " S "): integer", "on how many hosts at once (10)", false },
	{ "stop_after", "integer|fun(s: " S "): integer",
		"after so many failures no host is begun any more (1)", false },
	{ NULL, NULL, NULL, false },
};

/* Of calls that end with an exit status; bellbook goes by them, no action gets them. */
static const struct lua_arg status_fields[] = {
	{ "codes", "integer[]", "exit statuses that are fine; usually only 0", false },
	{ "check", "boolean", "false: any exit status is fine", false },
	{ NULL, NULL, NULL, false },
};

static const struct lua_arg each_fields[] = {
	{ "at_once", "integer", "side by side (10)", false },
	{ "stop_after", "integer", "failures after which no more are begun (1)", false },
	{ NULL, NULL, NULL, false },
};

static const struct lua_arg retry_fields[] = {
	{ "times", "integer", "how often (5)", false },
	{ "every", "bellbook.Duration", "time between two tries (\"2s\")", false },
	{ "waiting", "string", "what for: \"for the web to answer\"", false },
	{ "what", "string", "the words when it never came true", false },
	{ NULL, NULL, NULL, false },
};

static const struct lua_arg sleep_fields[] = {
	{ "what", "string", "what for", false },
	{ "look", "integer", "which look this is", false },
	{ "of", "integer", "of how many", false },
	{ "seen", "string", "what was last seen", false },
	{ "unless", "string", "of retry: what it fails with", false },
	{ NULL, NULL, NULL, false },
};

static const struct lua_arg ask_fields[] = {
	{ "text", "string", "the question", true },
	{ "type", "\"text\"|\"choice\"|\"integer\"|\"number\"|\"boolean\"|\"duration\"",
		"usually text, with choices choice", false },
	{ "choices", "(string|bellbook.Choice)[]", "what can be answered", false },
	{ "default", "any", "what Enter answers", false },
	{ "details", "string", "more about it", false },
	{ NULL, NULL, NULL, false },
};

static const struct lua_arg choice_fields[] = {
	{ "value", "string", "what s:ask gives", true },
	{ "label", "string", "what is shown", false },
	{ "help", "string", "more about it", false },
	{ "stops", "string", "chosen, it ends the session with these words", false },
	{ NULL, NULL, NULL, false },
};

/* ---- what a runbook gets ---- */

static const struct lua_arg s_fields[] = {
	{ "params", "table<string, any>", "the parameters", true },
	{ "fleet", "table<string, any>", "the fleet file", true },
	{ "step", "{ id: string, title: string }", "the step itself", true },
	{ "[string]", "any", "variables named in needs, uses or gives", false },
	{ NULL, NULL, NULL, false },
};

static const struct lua_arg no_fields[] = {
	{ NULL, NULL, NULL, false },
};

static const struct lua_class classes[] = {
	{ "bellbook.Runbook", "What a runbook is.", runbook_fields, NULL },
	{ "bellbook.WayBack", "The runbook that undoes another one.", back_fields, NULL },
	{ "bellbook.Param", "A parameter of a runbook.", param_fields, NULL },
	{ "bellbook.Step", "What all steps have.", step_fields, NULL },
	{ "bellbook.Form", "Where the commands of a plain step run.", form_fields, NULL },
	{ "bellbook.Status", "What exit statuses mean.", status_fields, NULL },
	{ "bellbook.EachOptions", "How each() goes.", each_fields, NULL },
	{ "bellbook.RetryOptions", "How retry() goes.", retry_fields, NULL },
	{ "bellbook.SleepOptions", "What a sleep is for.", sleep_fields, NULL },
	{ "bellbook.AskOptions", "A question to the driver.", ask_fields, NULL },
	{ "bellbook.Choice", "One of the choices of a question.", choice_fields, NULL },
	{ "bellbook.Secret", "A secret; only its name can be seen.", no_fields, NULL },
	{ "bellbook.S", "What the functions of a step get.", s_fields, NULL },
	{ NULL, NULL, NULL, NULL },
};

/* ---- functions ---- */

#define END \
	{ \
		NULL, NULL, NULL, false \
	}
#define ARGS(name) static const struct lua_arg name[]

ARGS(args_runbook) = { { "header", "bellbook.Runbook", "", true }, END };
ARGS(args_phase) = { { "title", "string", "", true }, END };
ARGS(args_name) = { { "name", "string", "", true }, END };
ARGS(args_each) = {
	{ "hosts", "string[]", "host names, or other texts", true },
	{ "fn", "fun(host: string, index: integer): any", "for each", true },
	{ "options", "bellbook.EachOptions", "", false },
	END,
};
ARGS(args_retry) = {
	{ "options", "bellbook.RetryOptions", "", true },
	{ "fn", "fun(try: integer): any, any", "until it returns something true", true },
	END,
};
ARGS(args_sleep) = {
	{ "duration", "bellbook.Duration", "", true },
	{ "what", "string|bellbook.SleepOptions", "what for", false },
	END,
};
ARGS(args_none) = { END };
ARGS(args_check) = {
	{ "ok", "any", "", true },
	{ "text", "string", "what the step fails with", false },
	END,
};
ARGS(args_text) = { { "text", "string", "", true }, END };
ARGS(args_quote) = { { "text", "string|number|boolean", "", true }, END };
ARGS(args_cause) = {
	{ "answer", "table|string", "an answer, or what was printed on stderr", true },
	{ "out", "string", "what was printed", false },
	END,
};
ARGS(args_value) = { { "value", "any", "", true }, END };
ARGS(args_role) = { { "role", "string", "a role or a host of the fleet", true }, END };
ARGS(args_ask) = { { "question", "bellbook.AskOptions", "", true }, END };
ARGS(args_remark) = { { "text", "string|number", "", true }, END };

static const struct lua_function functions[] = {
	{ "runbook", "What this runbook is; stands once, first.", args_runbook, NULL },
	{ "phase", "Begins a part of the walk.", args_phase, NULL },
	{ "require", "Loads lib/NAME.lua beside the runbook, once.", args_name, "any" },
	{ "each", "Runs fn(host) for each, side by side.", args_each, "table<string, any>" },
	{ "retry", "Tries until fn returns something true.", args_retry, "any" },
	{ "sleep", "Waits, and says what for.", args_sleep, NULL },
	{ "now", "The time in seconds; the same again in a replay.", args_none, "number" },
	{ "random", "A number from 0 to 1; the same again in a replay.", args_none, "number" },
	{ "check", "Fails the step with the text when ok is not true.", args_check, "any" },
	{ "fail", "Fails the step with the text.", args_text, NULL },
	{ "cause", "The lines that say why a command failed.", args_cause, "string" },
	{ "q", "Quotes for the shell.", args_quote, "string" },
	{ "trim", "Without blanks at both ends.", args_text, "string" },
	{ "lines", "The lines of a text.", args_text, "string[]" },
	{ "secret", "A secret by its name in the fleet file.", args_name, "bellbook.Secret" },
	{ "json.decode", "A value of the text.", args_text, "any" },
	{ "json.encode", "A text of the value.", args_value, "string" },
	{ "s:one", "The one host of a role.", args_role, "string" },
	{ "s:first", "The first host of a role.", args_role, "string" },
	{ "s:all", "All hosts of a role.", args_role, "string[]" },
	{ "s:ask", "Asks the driver.", args_ask, "any" },
	{ "s:note", "A note in the journal.", args_remark, NULL },
	{ "s:warn", "A warning; the step ends as warn.", args_remark, NULL },
	{ "s:lesson", "A lesson for the next time.", args_remark, NULL },
	{ NULL, NULL, NULL, NULL },
};

const struct lua_class *lua_api_classes(void)
{
	return classes;
}

const struct lua_function *lua_api_functions(void)
{
	return functions;
}

const struct lua_class *lua_api_class(const char *name)
{
	for (const struct lua_class *class = classes; class->name; class++)
		if (str_is(class->name, name))
			return class;
	return NULL;
}

const struct lua_function *lua_api_function(const char *name)
{
	for (const struct lua_function *fn = functions; fn->name; fn++)
		if (str_is(fn->name, name))
			return fn;
	return NULL;
}

const struct lua_arg *lua_api_fields(const char *name)
{
	const struct lua_class *class = lua_api_class(name);

	return class ? class->fields : NULL;
}
