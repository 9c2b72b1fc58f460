/* bellbook - an interactive runbook console for the people who keep a Mastodon server afloat. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/askpass.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "journal/export.h"
#include "journal/place.h"
#include "journal/store.h"
#include "session/plan.h"
#include "session/script.h"
#include "session/session.h"
#include "tui/view.h"

enum exit_code { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_LEFT = 3 };

/* What the command line said. Strings are borrowed from argv unless owned is written. */
struct options {
	const char *journal_arg, *fleet, *format, *role, *reason;
	char *journal;			/* owned */
	struct json *set;		/* owned: object of --set */
	bool json, plain, dry_run, read_only, open_only;
	int64_t after;
	const char *args[512];
	size_t count;
	const char *const *rest;	/* behind "--" */
};

struct command {
	const char *name, *usage, *about;
	int (*run)(struct options *options);
};

static int fail(enum exit_code code, const char *text)
{
	struct buf out = {0};

	utf8_safe(&out, text, strlen(text), true);
	fprintf(stderr, "bellbook: %s\n", buf_text(&out));
	buf_done(&out);
	return (int)code;
}

static int fail_err(const struct err *e)
{
	return fail(e->kind == ERR_USAGE || e->kind == ERR_NOTFOUND ? EXIT_USAGE : EXIT_FAILED, e->text);
}

static int print_json(struct json *value)
{
	char *text = json_print(value);

	puts(text);
	mem_free(text);
	json_free(value);
	return EXIT_OK;
}

/* ---- runbooks ---- */

/* Folders that may hold runbooks, most important first. Each is owned by the caller. */
static size_t runbook_folders(char *folders[4])
{
	const char *given = getenv("BELLBOOK_RUNBOOKS");
	char exe[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	size_t n = 0;

	if (given)
		folders[n++] = mem_strdup(given);
	if (len > 0) {
		char *slash;

		exe[len] = '\0';
		slash = strstr(exe, "/build/");
		if (slash) {
			*slash = '\0';
			folders[n++] = mem_printf("%s/runbooks", exe);
		}
	}
	folders[n++] = mem_strdup(BELLBOOK_DATADIR "/runbooks");
	return n;
}

/* Absolute path of a runbook named by id or path. Caller owns; NULL with words. */
static char *find_runbook(const char *name, struct err *e)
{
	char *folders[4], *found = NULL;
	size_t n;

	if (strchr(name, '/') || str_ends(name, ".lua")) {
		char *real = realpath(name, NULL);

		if (!real)
			err_errno(e, "runbook %s", name);
		return real;
	}
	n = runbook_folders(folders);
	for (size_t i = 0; i < n; i++) {
		char *path = mem_printf("%s/%s.lua", folders[i], name);

		if (!found && access(path, R_OK) == 0)
			found = realpath(path, NULL);
		mem_free(path);
		mem_free(folders[i]);
	}
	if (!found)
		err_set(e, ERR_NOTFOUND, "there is no runbook %s; bellbook list shows what there is", name);
	return found;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Paths of all runbooks, by id; the first folder that has an id wins. */
static size_t all_runbooks(char ***paths)
{
	char *folders[4], **list = NULL;
	size_t n = runbook_folders(folders), count = 0;

	for (size_t i = 0; i < n; i++) {
		DIR *dir = opendir(folders[i]);
		const struct dirent *entry;

		while (dir && (entry = readdir(dir)) != NULL) {
			bool known = false;

			if (!str_ends(entry->d_name, ".lua") || entry->d_name[0] == '.')
				continue;
			for (size_t k = 0; k < count; k++)
				known = known || str_is(strrchr(list[k], '/') + 1, entry->d_name);
			if (known)
				continue;
			list = mem_grow(list, count + 1, sizeof(*list));
			list[count++] = mem_printf("%s/%s", folders[i], entry->d_name);
		}
		if (dir)
			closedir(dir);
		mem_free(folders[i]);
	}
	if (count)
		qsort(list, count, sizeof(*list), by_name);
	*paths = list;
	return count;
}

static void list_one(const struct options *o, const char *path, struct json *all)
{
	struct err e = {0};
	struct script *script = script_load(path, &e);
	struct buf line = {0};

	if (!script) {
		buf_printf(&line, "  BROKEN: %s", e.text);
	} else if (o->json) {
		json_add(all, plan_json(script_book(script)));
	} else {
		buf_printf(&line, "  %-18s %3zu steps  %s", script_book(script)->id, script_book(script)->step_count, script_book(script)->title);
	}
	if (line.len) {
		struct buf shown = {0};

		utf8_safe(&shown, line.data, line.len, false);
		puts(buf_text(&shown));
		buf_done(&shown);
	}
	buf_done(&line);
	script_free(script);
}

static int cmd_list(struct options *o)
{
	char **paths;
	size_t n = all_runbooks(&paths);
	struct json *all = json_new_array();

	for (size_t i = 0; i < n; i++) {
		list_one(o, paths[i], all);
		mem_free(paths[i]);
	}
	mem_free(paths);
	if (o->json)
		return print_json(all);
	json_free(all);
	return EXIT_OK;
}

static int cmd_show(struct options *o)
{
	struct err e = {0};
	struct script *script;
	struct buf out = {0};
	char *path;

	if (o->count != 1)
		return fail(EXIT_USAGE, "show needs one runbook");
	path = find_runbook(o->args[0], &e);
	script = path ? script_load(path, &e) : NULL;
	mem_free(path);
	if (!script)
		return fail_err(&e);
	if (o->json) {
		print_json(plan_json(script_book(script)));
	} else {
		plan_text(script_book(script), str_is(o->format, "md"), &out);
		fputs(buf_text(&out), stdout);
	}
	buf_done(&out);
	script_free(script);
	return EXIT_OK;
}

static int check_one(const struct options *o, const char *path)
{
	struct session_options options = {.runbook = path, .fleet = o->fleet};
	struct err e = {0};
	struct buf line = {0};

	if (session_check(&options, &e) < 0) {
		utf8_safe(&line, e.text, strlen(e.text), false);
		puts(buf_text(&line));
		buf_done(&line);
		return -1;
	}
	printf("%s: ok\n", strrchr(path, '/') + 1);
	return 0;
}

static int cmd_check(struct options *o)
{
	struct err e = {0};
	char **paths;
	size_t n = 0;
	int bad = 0;

	for (size_t i = 0; i < o->count; i++) {
		char *path = find_runbook(o->args[i], &e);

		if (!path)
			return fail_err(&e);
		bad += check_one(o, path) < 0;
		mem_free(path);
	}
	if (!o->count)
		n = all_runbooks(&paths);
	for (size_t i = 0; i < n; i++) {
		bad += check_one(o, paths[i]) < 0;
		mem_free(paths[i]);
	}
	if (n)
		mem_free(paths);
	return bad ? EXIT_FAILED : EXIT_OK;
}

/* ---- sessions ---- */

#define CHECK_MAX ((off_t)64 << 20)	/* larger journals: the store looks at their tail, `bellbook verify` at all */

/* A journal with a damaged event is not written on. 0, or an exit code after words. */
static int check_journal(const struct options *o)
{
	struct verify_report report = {0};
	struct err e = {0};
	struct stat st;
	char *text;
	int result;

	if (stat(o->journal, &st) < 0 || st.st_size > CHECK_MAX)
		return 0;
	if (store_verify(o->journal, &report, &e) < 0)
		return fail_err(&e);
	if (!report.bad_seq)
		return 0;
	text = mem_printf("the journal %s is NOT INTACT at event %lld: %s. Nothing was written to it. Keep it as evidence, and use another one: --journal PATH", o->journal,
			  (long long)report.bad_seq, report.text);
	result = fail(EXIT_FAILED, text);
	mem_free(text);
	return result;
}

static int watch(const struct options *o, int64_t session)
{
	struct view_options view = {.journal = o->journal, .session = session, .role = o->role ? o->role : "driver", .after = o->after};

	if (o->json)
		return view_json(&view);
	if (o->plain || getenv("BELLBOOK_PLAIN") || !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
		return view_plain(&view);
	return view_live(&view);
}

static const char *fleet_of(const struct options *o, char **owned)
{
	const char *env = getenv("BELLBOOK_FLEET"), *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");

	*owned = NULL;
	if (o->fleet)
		return o->fleet;
	if (env && *env)
		return env;
	*owned = config && *config ? mem_printf("%s/bellbook/fleet.lua", config) : mem_printf("%s/.config/bellbook/fleet.lua", home ? home : "");
	return access(*owned, R_OK) == 0 ? *owned : NULL;
}

static int start(struct options *o, const char *name)
{
	struct session_options options = {.journal = o->journal, .params = o->set, .dry_run = o->dry_run, .reason = o->reason};
	struct err e = {0};
	int64_t session = 0;
	char *path = find_runbook(name, &e), *owned;
	int result = -1, damaged;

	options.runbook = path;
	options.fleet = fleet_of(o, &owned);
	damaged = path ? check_journal(o) : 0;
	if (path && !damaged && session_check(&options, &e) == 0)
		result = session_launch(&options, &session, &e);
	mem_free(path);
	mem_free(owned);
	if (damaged)
		return damaged;
	return result < 0 ? fail_err(&e) : watch(o, session);
}

static int cmd_run(struct options *o)
{
	return o->count == 1 ? start(o, o->args[0]) : fail(EXIT_USAGE, "run needs one runbook: bellbook run RUNBOOK");
}

static int cmd_each(struct options *o)
{
	struct buf hosts = {0}, command = {0};
	int result;

	if (!o->count || !o->rest || !*o->rest)
		return fail(EXIT_USAGE, "each needs hosts or roles, then -- and a command: bellbook each web db1 -- uptime");
	for (size_t i = 0; i < o->count; i++)
		buf_printf(&hosts, "%s%s", i ? " " : "", o->args[i]);
	for (const char *const *word = o->rest; *word; word++)
		buf_printf(&command, "%s%s", word == o->rest ? "" : " ", *word);
	if (!o->set)
		o->set = json_new_object();
	json_set_text(o->set, "hosts", buf_text(&hosts));
	json_set_text(o->set, "command", buf_text(&command));
	buf_done(&hosts);
	buf_done(&command);
	result = start(o, o->read_only ? "each-read" : "each");
	return result;
}

/* The session named on the command line, or the newest open one that wanted says; 0 with words. */
static int64_t pick_session(const struct options *o, bool running, struct err *e)
{
	struct json *sessions;
	int64_t session = 0;

	if (o->count) {
		if (!str_to_int(o->args[0], 1, INT64_MAX, &session))
			err_set(e, ERR_USAGE, "%s is no session number; bellbook sessions lists them", o->args[0]);
		return session;
	}
	sessions = export_sessions(o->journal, true, 0, e);
	for (size_t i = 0; i < json_count(sessions) && !session; i++)
		if (json_bool(json_item(sessions, i), "running", false) == running)
			session = json_int(json_item(sessions, i), "session", 0);
	json_free(sessions);
	if (!session && !e->text[0])
		err_set(e, ERR_NOTFOUND, running ? "no session is running; bellbook resume goes on with one that was killed, bellbook sessions lists all" : "no session waits to be resumed; bellbook sessions lists all");
	return session;
}

static int cmd_attach(struct options *o)
{
	struct err e = {0};
	int64_t session = pick_session(o, true, &e);

	if (!session)
		return fail_err(&e);
	if (!lease_is_held(o->journal, session)) {
		char *text = mem_printf("no process carries session %lld now. If it is not over, `bellbook resume %lld` takes it over where it stopped", (long long)session, (long long)session);
		int result = fail(EXIT_USAGE, text);

		mem_free(text);
		return result;
	}
	return watch(o, session);
}

static int cmd_resume(struct options *o)
{
	struct session_options options = {.journal = o->journal, .reason = o->reason ? o->reason : "its process was gone"};
	struct err e = {0};
	int64_t session = pick_session(o, false, &e);
	int damaged;

	if (!session)
		return fail_err(&e);
	if (lease_is_held(o->journal, session)) {
		fprintf(stderr, "bellbook: session %lld is running: attaching to it\n", (long long)session);
		return watch(o, session);
	}
	options.resume = session;
	options.fleet = o->fleet;
	if ((damaged = check_journal(o)) != 0)
		return damaged;
	if (session_launch(&options, &session, &e) < 0)
		return fail_err(&e);
	return watch(o, session);
}

static int cmd_sessions(struct options *o)
{
	struct err e = {0};
	struct json *sessions = export_sessions(o->journal, o->open_only, 0, &e);
	struct buf out = {0};

	if (!sessions && e.kind == ERR_NOTFOUND)
		sessions = json_new_array();
	if (!sessions)
		return fail_err(&e);
	if (o->json)
		return print_json(sessions);
	export_sessions_text(sessions, &out);
	fputs(buf_text(&out), stdout);
	buf_done(&out);
	json_free(sessions);
	return EXIT_OK;
}

static int cmd_log(struct options *o)
{
	enum export_format format = EXPORT_TEXT;
	struct err e = {0};
	int64_t session;
	int damaged;

	if (o->count != 1 || !str_to_int(o->args[0], 1, INT64_MAX, &session))
		return fail(EXIT_USAGE, "log needs the number of a session; bellbook sessions lists them");
	if (o->json)
		format = EXPORT_JSONL;
	else if (o->format && !export_format_parse(o->format, &format))
		return fail(EXIT_USAGE, "formats are text, md and jsonl");
	damaged = check_journal(o);
	if (damaged)
		return damaged;
	if (export_log(o->journal, session, format, export_to_file, stdout, &e) < 0)
		return fail_err(&e);
	return fflush(stdout) == 0 ? EXIT_OK : fail(EXIT_FAILED, "the log could not be written");
}

static int cmd_verify(struct options *o)
{
	struct verify_report report = {0};
	struct err e = {0};
	struct json *value;

	if (store_verify(o->count ? o->args[0] : o->journal, &report, &e) < 0)
		return fail_err(&e);
	if (o->json) {
		value = json_new_object();
		json_set_int(value, "events", report.events);
		json_set_int(value, "payloads", report.payloads);
		json_set_int(value, "purged", report.purged);
		json_set_int(value, "bad_seq", report.bad_seq);
		json_set_text(value, "head", report.head);
		json_set_text(value, "text", report.text);
		print_json(value);
	} else if (report.bad_seq) {
		printf("NOT INTACT: event %lld: %s\n", (long long)report.bad_seq, report.text);
	} else {
		printf("intact: %lld events, %lld payloads (%lld purged), head %s\n", (long long)report.events, (long long)report.payloads, (long long)report.purged, report.head);
		puts("A chain that was cut at its end or rewritten as a whole cannot be seen from the file alone: keep the head elsewhere.");
	}
	return report.bad_seq ? EXIT_FAILED : EXIT_OK;
}

/* ---- home ---- */

static int cmd_home(struct options *o)
{
	struct err e = {0};
	struct json *sessions = export_sessions(o->journal, true, 20, &e);
	struct buf out = {0};

	if (!sessions && e.kind != ERR_NOTFOUND)
		return fail_err(&e);
	if (json_count(sessions)) {
		puts("UNFINISHED SESSIONS (bellbook attach N joins, bellbook resume N takes over)");
		export_sessions_text(sessions, &out);
		fputs(buf_text(&out), stdout);
		buf_done(&out);
		putchar('\n');
	}
	json_free(sessions);
	puts("RUNBOOKS (bellbook show NAME to read one, bellbook run NAME --dry-run to try, bellbook run NAME to start)");
	cmd_list(o);
	puts("\nbellbook help lists all commands; man bellbook tells the rest.");
	return EXIT_OK;
}

/* ---- the command line ---- */

static int cmd_help(struct options *o);

static int cmd_version(struct options *o)
{
	(void)o;
	puts("bellbook 1");
	return EXIT_OK;
}

static const struct command commands[] = {
	{"list", "", "the runbooks there are", cmd_list},
	{"show", "RUNBOOK [--format text|md]", "a runbook as a document", cmd_show},
	{"check", "[FILE…] [--fleet F]", "look for mistakes in runbooks without running anything", cmd_check},
	{"run", "RUNBOOK [--set name=value]… [--fleet F] [--dry-run] [--plain|--json]", "walk through a runbook", cmd_run},
	{"attach", "[SESSION] [--role driver|navigator|observer] [--plain|--json]", "join a running session", cmd_attach},
	{"resume", "[SESSION] [--reason WHY] [--plain|--json]", "take over a session whose process is gone", cmd_resume},
	{"sessions", "[--open]", "list the sessions of the journal", cmd_sessions},
	{"log", "SESSION [--format text|md|jsonl]", "a session as a text, a post-mortem or JSON lines", cmd_log},
	{"verify", "[JOURNAL]", "check the journal's chain of hashes", cmd_verify},
	{"each", "[--read] ROLE|HOST… -- COMMAND", "one command on several hosts, journaled", cmd_each},
	{"version", "", "print the version", cmd_version},
	{"help", "", "this list", cmd_help},
};

static int cmd_help(struct options *o)
{
	(void)o;
	puts("bellbook: walk through runbooks with a journal of every order\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		printf("  bellbook %s %s\n      %s\n", commands[i].name, commands[i].usage, commands[i].about);
	puts("\nWithout a command: what is unfinished, and the runbooks. Everywhere: --journal PATH (or BELLBOOK_JOURNAL), --json.\n"
	     "Exit status: 0 ok, 1 failed or stopped, 2 wrong use, 3 left while the session goes on.");
	return EXIT_OK;
}

static int add_setting(struct options *o, const char *text)
{
	const char *equals = strchr(text, '=');
	char *name;

	if (!equals || equals == text)
		return fail(EXIT_USAGE, "--set needs name=value");
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
		{"--reason", &o->reason, NULL}, {"--json", NULL, &o->json}, {"--plain", NULL, &o->plain}, {"--dry-run", NULL, &o->dry_run},
		{"--read", NULL, &o->read_only}, {"--open", NULL, &o->open_only},
	};
	const char *names[16] = {"--set", "--after"}, *near;
	char *text;
	int result;

	for (size_t k = 0; k < sizeof(table) / sizeof(table[0]); k++) {
		names[k + 2] = table[k].name;
		if (!str_is(table[k].name, argv[*i]))
			continue;
		if (table[k].flag)
			*table[k].flag = true;
		else if (!argv[*i + 1])
			return fail(EXIT_USAGE, "an option needs a value; bellbook help lists them");
		else
			*table[k].text = argv[++*i];
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
	result = fail(EXIT_USAGE, text);
	mem_free(text);
	return result;
}

static const struct command *find_command(const char *name)
{
	const char *names[32] = {NULL}, *near;
	char *text;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		names[i] = commands[i].name;
		if (str_is(commands[i].name, name))
			return &commands[i];
	}
	near = str_nearest(name, names);
	text = mem_printf("there is no command %s%s%s; bellbook help lists them", name, near ? "; did you mean " : "", near ? near : "");
	fail(EXIT_USAGE, text);
	mem_free(text);
	return NULL;
}

static int read_line(struct options *o, int argc, char **argv, const struct command **command)
{
	for (int i = 1; i < argc; i++) {
		int bad = 0;

		if (str_is(argv[i], "--")) {
			o->rest = (const char *const *)&argv[i + 1];
			break;
		}
		if (str_is(argv[i], "--help") || str_is(argv[i], "-h"))
			*command = find_command("help");
		else if (str_is(argv[i], "--version"))
			*command = find_command("version");
		else if (str_starts(argv[i], "-") && argv[i][1])
			bad = read_option(o, argv, &i);
		else if (!*command)
			bad = (*command = find_command(argv[i])) ? 0 : EXIT_USAGE;
		else if (o->count < sizeof(o->args) / sizeof(o->args[0]))
			o->args[o->count++] = argv[i];
		else
			bad = fail(EXIT_USAGE, "too many words");
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
	setlocale(LC_CTYPE, "");
	result = read_line(&options, argc, argv, &command);
	if (result == 0) {
		options.journal = place_journal(options.journal_arg, &e);
		if (!options.journal)
			result = fail_err(&e);
		else
			result = command ? command->run(&options) : cmd_home(&options);
	}
	json_free(options.set);
	mem_free(options.journal);
	return result;
}
