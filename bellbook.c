/* bellbook - an interactive runbook console for the people who keep a Mastodon server afloat. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/transport/askpass.h"
#include "actions/worker/worker.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/utf8.h"
#include "command/command.h"
#include "command/usage.h"
#include "journal/store/place.h"
#include "session/walk/session.h"

struct command {
	const char *name, *usage, *about;
	int (*run)(struct options *options);
};
static int cmd_help(struct options *o);

static int cmd_version(struct options *o)
{
	struct json *value;

	if (!o->json) {
		puts("bellbook 1");
		return EXIT_OK;
	}
	value = json_new_object();
	json_set_text(value, "name", "bellbook");
	json_set_text(value, "version", "1");
	return cmd_print_json(value);
}

static const struct command commands[] = {
	{"list", "", "the runbooks there are", cmd_list},
	{"show", "RUNBOOK [--format text|md]", "a runbook as a document", cmd_show},
	{"check", "[FILE…] [--fleet F] [--types]", "look for mistakes in runbooks without running anything", cmd_check},
	{"run", "RUNBOOK [--set name=value]… [--fleet F] [--role driver|navigator|observer] [--reason WHY] [--after SEQ] [--dry-run] [--plain|--json]", "walk through a runbook", cmd_run},
	{"attach", "[SESSION] [--role driver|navigator|observer] [--guest] [--after SEQ] [--plain|--json]", "join a running session", cmd_attach},
	{"resume", "[SESSION] [--reason WHY] [--fleet F] [--role driver|navigator|observer] [--after SEQ] [--plain|--json]", "take over a session whose process is gone", cmd_resume},
	{"sessions", "[--open] [--failed] [--runbook R] [--host H] [--person P] [--since T] [--until T] [--limit COUNT]", "list the sessions of the journal", cmd_sessions},
	{"search", "WORD… [--session N] [--runbook R] [--host H] [--person P] [--since T] [--until T] [--limit COUNT]", "find words in outputs, commands, notes, questions and answers of all sessions", cmd_search},
	{"debts", "[--session N] [--all] | settle NUMBER HOW…", "what was put off, by whom and until when; and that it was done", cmd_debts},
	{"diff", "SESSION SESSION [--format text|md|json]", "what was otherwise in another session: settings, steps, durations, outputs", cmd_diff},
	{"log", "SESSION [--format text|md|jsonl|html|cast]", "a session as a text, a post-mortem or JSON lines", cmd_log},
	{"review", "[SESSION|FILTER…] [--open] [--failed] [--runbook R] [--host H] [--person P] [--since T] [--until T] [--plain|--md|--json]", "read a session afterwards, or while it runs", cmd_review},
	{"note", "SESSION TEXT… [--step ID]", "write a note into a session, also afterwards", cmd_note},
	{"verify", "[JOURNAL]", "check the journal's chain of hashes", cmd_verify},
	{"each", "[--read] [--at-once COUNT] [--stop-after COUNT] [--fleet F] [--role driver|navigator|observer] [--reason WHY] [--dry-run] [--plain|--json] ROLE|HOST… -- COMMAND",
	 "one command on several hosts, journaled", cmd_each},
	{"hosts", "[--sudo] [ROLE|HOST…] [--fleet F]", "disk, memory, load and clock of the hosts, at a glance", cmd_hosts},
	{"outside", "[URL] [--fleet F]", "the site as its visitors meet it", cmd_outside},
	{"doctor", "[ROLE|HOST…] [--fleet F]", "look at everything a walk needs, and say what to do about what is wrong", cmd_doctor},
	{"keys", "", "what the keys do, with your own; faults of the keys file", cmd_keys},
	{"actions", "[ACTION]", "what a runbook can ask of the world, and what to know of each", cmd_actions},
	{"version", "", "print the version", cmd_version},
	{"help", "[COMMAND] [--format lines]", "this list, or what one command takes", cmd_help},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *find_command(const char *name)
{
	const char *names[64] = {NULL}, *near;
	char *text;

	for (size_t i = 0; i < COMMANDS; i++) {
		names[i] = commands[i].name;
		if (str_is(commands[i].name, name))
			return &commands[i];
	}
	near = str_nearest(name, names);
	text = mem_printf("there is no command %s%s%s; bellbook help lists them", name, near ? "; did you mean " : "", near ? near : "");
	cmd_fail(EXIT_USAGE, text);
	mem_free(text);
	return NULL;
}

static int help_one(const struct command *command)
{
	struct buf out = {0};

	printf("bellbook %s %s\n\n%s.\n\n", command->name, command->usage, command->about);
	usage_help(command->usage, &out);
	fputs(buf_text(&out), stdout);
	buf_done(&out);
	puts("\nman bellbook tells more.");
	return EXIT_OK;
}

/* The table for shell completions: name, about, words, options with tabs between. */
static int help_lines(void)
{
	struct buf out = {0};

	for (size_t i = 0; i < COMMANDS; i++) {
		buf_printf(&out, "%s\t%s\t", commands[i].name, commands[i].about);
		usage_lines(commands[i].usage, &out);
		buf_putc(&out, '\n');
	}
	fputs(buf_text(&out), stdout);
	buf_done(&out);
	return EXIT_OK;
}

/* The table, for front-ends. */
static int help_json(void)
{
	struct json *all = json_new_array();

	for (size_t i = 0; i < COMMANDS; i++) {
		struct json *one = usage_json(commands[i].usage);

		json_set_text(one, "name", commands[i].name);
		json_set_text(one, "usage", commands[i].usage);
		json_set_text(one, "about", commands[i].about);
		json_add(all, one);
	}
	return cmd_print_json(all);
}

static int cmd_help(struct options *o)
{
	const struct command *command = o->count ? find_command(o->args[0]) : NULL;

	if (o->count)
		return command ? help_one(command) : EXIT_USAGE;
	if (o->json)
		return help_json();
	if (o->format)
		return str_is(o->format, "lines") ? help_lines() : cmd_fail(EXIT_USAGE, "help has one format: lines");
	puts("bellbook: walk through runbooks with a journal of every order\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  bellbook %s %s\n      %s\n", commands[i].name, commands[i].usage, commands[i].about);
	puts("\nWithout a command: what is unfinished, and the runbooks. Everywhere: --journal PATH (or BELLBOOK_JOURNAL), --json, --help.\n"
	     "Exit status: 0 ok, 1 failed or stopped, 2 wrong use, 3 left while the session goes on.");
	return EXIT_OK;
}

static int add_setting(struct options *o, const char *text)
{
	const char *equals = strchr(text, '=');
	char *name;

	if (!equals || equals == text)
		return cmd_fail(EXIT_USAGE, "--set needs name=value");
	if (!o->set)
		o->set = json_new_object();
	name = mem_dup(text, (size_t)(equals - text));
	json_set_text(o->set, name, equals + 1);
	mem_free(name);
	return 0;
}

/* One option at argv[*i]; 0, or an exit code. */
static int read_option(struct options *o, char **argv, int *i)
{
	const struct { const char *name; const char **text; bool *flag; } table[] = {
		{"--journal", &o->journal_arg, NULL}, {"--fleet", &o->fleet, NULL}, {"--format", &o->format, NULL}, {"--role", &o->role, NULL},
		{"--reason", &o->reason, NULL}, {"--guest", NULL, &o->guest}, {"--json", NULL, &o->json}, {"--plain", NULL, &o->plain}, {"--dry-run", NULL, &o->dry_run},
		{"--read", NULL, &o->read_only}, {"--open", NULL, &o->open_only}, {"--sudo", NULL, &o->sudo}, {"--all", NULL, &o->all}, {"--types", NULL, &o->types},
		{"--md", NULL, &o->md}, {"--step", &o->step, NULL},
		{"--failed", NULL, &o->failed}, {"--session", &o->session, NULL}, {"--runbook", &o->runbook, NULL}, {"--host", &o->host, NULL},
		{"--person", &o->person, NULL}, {"--since", &o->since, NULL}, {"--until", &o->until, NULL}, {"--limit", &o->limit, NULL},
		{"--at-once", &o->at_once, NULL}, {"--stop-after", &o->stop_after, NULL},
	};
	const char *names[32] = {"--set", "--after"}, *near;
	char *text;
	int result;

	for (size_t k = 0; k < sizeof(table) / sizeof(table[0]); k++) {
		names[k + 2] = table[k].name;
		if (!str_is(table[k].name, argv[*i]))
			continue;
		if (table[k].flag)
			*table[k].flag = true;
		else if (!argv[*i + 1])
			return cmd_fail(EXIT_USAGE, "an option needs a value; bellbook help lists them");
		else
			*table[k].text = argv[++*i];
		if (o->reason && !utf8_says(o->reason))
			return cmd_fail(EXIT_USAGE, "--reason needs words that people can read in the journal");
		return 0;
	}
	if (str_is(argv[*i], "--set") && argv[*i + 1])
		return add_setting(o, argv[++*i]);
	if (str_is(argv[*i], "--after") && argv[*i + 1] && str_to_int(argv[*i + 1], 0, INT64_MAX, &o->after)) {
		++*i;
		return 0;
	}
	near = str_nearest(argv[*i], names);
	text = mem_printf("there is no option %s%s%s", argv[*i], near ? "; did you mean " : "", near ? near : "");
	result = cmd_fail(EXIT_USAGE, text);
	mem_free(text);
	return result;
}

/* What the command does not take is refused: what looks like a wish must not be passed over. */
static int check_use(const struct options *o, const struct command *command)
{
	const char *usage = command ? command->usage : "[--plain]";
	const char *name = command ? command->name : "home";
	int most = usage_words(usage), result;
	char *text = NULL;

	if (most >= 0 && o->count > (size_t)most)
		text = mem_printf("%s takes no word “%s”: bellbook %s%s%s", name, o->args[most], command ? command->name : "", *usage ? " " : "", usage);
	else if (o->rest && !usage_has(usage, "--"))
		text = mem_printf("%s takes nothing behind --: bellbook %s%s%s", name, command ? command->name : "", *usage ? " " : "", usage);
	for (size_t i = 0; !text && i < o->used_count; i++)
		if (!usage_has(usage, o->used[i]))
			text = mem_printf("%s takes no %s; bellbook help%s%s lists what it takes", name, o->used[i], command ? " " : "", command ? command->name : "");
	if (!text)
		return 0;
	result = cmd_fail(EXIT_USAGE, text);
	mem_free(text);
	return result;
}

static int read_line(struct options *o, int argc, char **argv, const struct command **command)
{
	for (int i = 1; i < argc; i++) {
		int bad = 0;

		if (str_is(argv[i], "--")) {
			o->rest = (const char *const *)&argv[i + 1];
			break;
		}
		if (str_is(argv[i], "--help") || str_is(argv[i], "-h")) {
			o->help = true;
		} else if (str_is(argv[i], "--version")) {
			*command = find_command("version");
		} else if (str_starts(argv[i], "-") && argv[i][1]) {
			if (o->used_count < sizeof(o->used) / sizeof(o->used[0]))
				o->used[o->used_count++] = argv[i];
			bad = read_option(o, argv, &i);
		} else if (!*command) {
			bad = (*command = find_command(argv[i])) ? 0 : EXIT_USAGE;
		} else if (o->count < sizeof(o->args) / sizeof(o->args[0])) {
			o->args[o->count++] = argv[i];
		} else {
			bad = cmd_fail(EXIT_USAGE, "too many words");
		}
		if (bad)
			return bad;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = {0};
	const struct command *command = NULL;
	struct err e = {0};
	int result;

	if (getenv(ASKPASS_VARIABLE))
		return askpass_main(argc > 1 ? argv[1] : NULL);
	if (argc == 2 && str_is(argv[1], SESSION_FORK_SERVER))
		fork_server_main(worker_main);
	if (argc == 7 && str_is(argv[1], SESSION_STUCK))
		return session_stuck_main(argv + 2);
	setlocale(LC_CTYPE, "");
	result = read_line(&options, argc, argv, &command);
	if (result == 0 && options.help) {
		result = command ? help_one(command) : cmd_help(&options);
	} else if (result == 0 && (result = check_use(&options, command)) == 0) {
		options.journal = place_journal(options.journal_arg, &e);
		if (!options.journal)
			result = cmd_fail_err(&e);
		else
			result = command ? command->run(&options) : cmd_home(&options);
		if (options.way_back)
			result = cmd_way_back(&options, result);
	}
	json_free(options.way_back);
	json_free(options.set);
	mem_free(options.journal);
	return result;
}
