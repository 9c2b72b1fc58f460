/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/time.h"
#include "session/walk/plan.h"
#include "session/lua/script.h"

#if defined(__SANITIZE_ADDRESS__)
#define PATIENCE (10 * TIME_SECOND)
#else
#define PATIENCE (2 * TIME_SECOND)
#endif

/* Loads a runbook in a process of its own, as it may be ended by the watch: what it said, on stderr or as an error. */
static void load_apart(const char *path, struct buf *said)
{
	int fds[2], status;
	char bytes[1024];
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct err e = {0};
		struct script *script;

		dup2(fds[1], STDERR_FILENO);
		script = script_load(path, &e);
		fprintf(stderr, "%s", script ? "loaded" : e.text);
		script_free(script);
		_exit(0);
	}
	close(fds[1]);
	while ((n = read(fds[0], bytes, sizeof(bytes))) > 0)
		buf_append(said, bytes, (size_t)n);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
}

/* Processor time of all children so far: the machine may be busy with other things. */
static int64_t children_us(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_CHILDREN, &usage), 0);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * TIME_SECOND + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

/* ThreadSanitizer delivers signals only between calls of libraries: a function of Lua's that does not return is not interrupted. */
static bool can_be_stopped(const char *line)
{
#ifdef __SANITIZE_THREAD__
	return !strstr(line, "inside one function of Lua");
#else
	(void)line;
	return true;
#endif
}

static void check_bad(const char *path)
{
	char line[400] = "";
	FILE *file = fopen(path, "r");
	int64_t began = children_us();
	struct buf said = {0};

	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	assert_true(str_starts(line, "-- expect: "));
	if (!can_be_stopped(line))
		return;
	load_apart(path, &said);
	if (!strstr(buf_text(&said), line + strlen("-- expect: ")))
		fail_msg("%s\n  says:    %s\n  expected: %s", path, buf_text(&said), line);
	while (said.len && said.data[said.len - 1] == '\n')
		said.data[--said.len] = '\0';
	assert_null(strchr(buf_text(&said), '\n'));
	if (!getenv("BELLBOOK_LUA_SECONDS") && children_us() - began > PATIENCE)
		fail_msg("%s took %lld ms", path, (long long)(children_us() - began) / 1000);
	buf_done(&said);
}

static void script_load__gives_one_clear_message_for_each_bad_runbook(void **state)
{
	const char *repo = getenv("REPO");
	char *path = mem_printf("%s/tests/runbook/bad", repo ? repo : ".");
	DIR *dir = opendir(path);
	const struct dirent *entry;
	size_t n = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		char *file;

		if (!str_ends(entry->d_name, ".lua"))
			continue;
		file = mem_printf("%s/%s", path, entry->d_name);
		check_bad(file);
		mem_free(file);
		n++;
	}
	closedir(dir);
	mem_free(path);
	assert_true(n > 60);
}

static struct script *loaded(const char *text)
{
	struct err e = {0};
	struct script *script = script_load(folder_file("t.lua", text), &e);

	if (!script)
		fail_msg("%s", e.text);
	return script;
}

static void script_load__fills_the_skeleton(void **state)
{
	struct script *script = loaded(
		"runbook { id = \"t\", bellbook = 1, title = \"T\", about = \"A\", window = \"2h\", params = { b = { type = \"integer\", default = 3, min = 1 }, a = {} }, roles = { web = \"1+\" } }\n"
		"phase \"One\"\n"
		"observe \"look\" { title = \"L\", gives = { \"v\" }, run = function(s) end }\n"
		"change \"do\" { title = \"D\", why = \"w\", needs = { \"v\" }, timeout = \"90s\", was = { \"old\" }, back = \"b\", run = function(s) end, done = function(s) end, undo = function(s) end }\n"
		"manual \"hand\" { title = \"H\", why = \"w\", question = \"Done?\", text = \"Do it\", commands = { \"ls\", \"id\" } }\n"
		"irreversible \"drop\" { title = \"X\", why = \"w\", target = \"params.a\", run = function(s) end, done = function(s) end }\n");
	const struct script_book *book = script_book(script);

	(void)state;
	assert_string_equal(book->id, "t");
	assert_int_equal(book->step_count, 4);
	assert_int_equal(book->param_count, 2);
	assert_string_equal(book->params[0].name, "a");
	assert_int_equal(json_as_int(book->params[1].fallback, 0), 3);
	assert_string_equal(book->steps[0].phase, "One");
	assert_true(book->steps[1].has[FN_UNDO]);
	assert_int_equal(book->steps[1].timeout_us, 90 * TIME_SECOND);
	assert_int_equal(book->steps[1].line, 4);
	assert_int_equal(script_step_find(script, "old"), 1);
	assert_int_equal(script_step_find(script, "none"), -1);
	assert_string_equal(book->steps[2].about, "Do it\n  $ ls\n  $ id\n");
	assert_int_equal(strlen(book->steps[3].digest), 64);
	script_free(script);
}

/* Digest of step i of a runbook with that body. */
static void digest_of(const char *body, size_t i, char digest[65])
{
	char *text = mem_printf("%s%s", HEAD, body);
	struct script *script = loaded(text);

	memcpy(digest, script_book(script)->steps[i].digest, 65);
	script_free(script);
	mem_free(text);
}

static void script_load__digests_what_a_step_does_and_not_where_it_stands(void **state)
{
	char a[65], b[65];

	(void)state;
	digest_of("observe \"a\" { title = \"A\", run = function(s) here.read(\"ls\") end }\n", 0, a);
	digest_of("\n-- a remark\n\nobserve \"a\" { title = \"A\",\n\n run = function(s)\n here.read(\"ls\") end }\n", 0, b);
	assert_string_equal(a, b);
	digest_of("observe \"a\" { title = \"A\", run = function(s) here.read(\"id\") end }\n", 0, b);
	assert_string_not_equal(a, b);
	digest_of("local c = \"ls\"\nlocal function go() here.read(c) end\nobserve \"a\" { title = \"A\", run = function(s) go() end }\n", 0, a);
	digest_of("local c = \"id\"\nlocal function go() here.read(c) end\nobserve \"a\" { title = \"A\", run = function(s) go() end }\n", 0, b);
	assert_string_not_equal(a, b);
	digest_of("local c = \"ls\"\n\nlocal function go() --[[ x ]] here.read(c) end\nobserve \"a\" { title = \"A\", run = function(s) go() end }\n", 0, b);
	assert_string_equal(a, b);
	digest_of("observe \"a\" { title = \"B\", run = function(s) here.read(\"ls\") end }\n", 0, b);
	assert_string_not_equal(a, b);
}

static void script_load__requires_a_library_once(void **state)
{
	char *lib = mem_printf("%s/lib", folder);
	struct script *script;

	(void)state;
	mkdir(lib, 0700);
	mem_free(lib);
	folder_file("lib/count.lua", "local t = { n = 0 }\nt.n = t.n + 1\nreturn t\n");
	script = loaded(HEAD "local a, b = require \"count\", require \"count\"\nif a ~= b or a.n ~= 1 then error(\"twice\") end\nobserve \"a\" { title = \"A\", run = function(s) end }\n");
	script_free(script);
}

static void script_load__says_when_there_is_no_such_file(void **state)
{
	struct err e = {0};
	char *path = mem_printf("%s/none.lua", folder);

	(void)state;
	assert_null(script_load(path, &e));
	assert_contains(e.text, "none.lua");
	err_clear(&e);
	assert_null(script_load(folder, &e));
	assert_contains(e.text, "not a regular file");
	mem_free(path);
}

static void script_load__refuses_bytecode(void **state)
{
	struct err e = {0};

	(void)state;
	assert_null(script_load(folder_file("t.lua", "\033Lua"), &e));
	assert_contains(e.text, "attempt to load a binary chunk");
}

static void only_is(const char *only, const char *wanted)
{
	char *text = mem_printf("runbook { id = \"t\", bellbook = 1, title = \"T\", params = { way = { type = \"choice\", choices = { \"x\", \"y\" } } } }\n"
				"observe \"a\" { title = \"A\", only = %s, run = function(s) end }\n", only);
	struct err e = {0};

	assert_null(script_load(folder_file("t.lua", text), &e));
	assert_contains(e.text, wanted);
	mem_free(text);
}

static void script_load__refuses_ways_that_are_none(void **state)
{
	(void)state;
	only_is("{ way = \"z\" }", "t.lua:2: step 'a': only: way has no value 'z'");
	only_is("{ way = true }", "only: way has no value '?'");
	only_is("{ weg = \"x\" }", "only: there is no parameter 'weg'");
	only_is("\"x\"", "only = { PARAMETER = \"value\", … }");
}

static void param_is(struct script *script, size_t i, const char *value, const char *wanted)
{
	struct json *text = json_new_text(value, strlen(value)), *checked;
	struct err e = {0};
	char *printed;

	checked = script_param_check(script, &script_book(script)->params[i], text, &e);
	printed = checked ? json_print(checked) : mem_strdup(e.text);
	assert_string_equal(printed, wanted);
	mem_free(printed);
	json_free(checked);
	json_free(text);
}

static void script_param_check__converts_texts_and_refuses_in_words(void **state)
{
	struct script *script = loaded("runbook { id = \"t\", bellbook = 1, title = \"T\", params = {\n"
		"a_int = { type = \"integer\", min = 1, max = 9 }, b_num = { type = \"number\", min = 0 }, c_bool = { type = \"boolean\" }, d_dur = { type = \"duration\" },\n"
		"e_choice = { type = \"choice\", choices = { \"x\", \"y\" } }, f_host = { type = \"host\" }, g_text = { pattern = \"v%d+\", help = \"like v4\" } } }\n"
		"observe \"a\" { title = \"A\", run = function(s) end }\n");

	(void)state;
	param_is(script, 0, "7", "7");
	param_is(script, 0, "7.5", "a_int: a whole number is needed");
	param_is(script, 0, "10", "a_int: a number from 1 to 9 is needed");
	param_is(script, 0, "", "a_int: a whole number is needed");
	param_is(script, 0, "nan", "a_int: a whole number is needed");
	param_is(script, 1, "-1", "b_num: at least 0 is needed");
	param_is(script, 2, "yes", "true");
	param_is(script, 2, "maybe", "c_bool: yes or no is needed");
	param_is(script, 3, "10m", "\"10m\"");
	param_is(script, 3, "soon", "d_dur: a duration is needed, like 90s, 10m, 6h or 2d");
	param_is(script, 4, "x", "\"x\"");
	param_is(script, 4, "z", "e_choice: one of x, y is needed");
	param_is(script, 5, "app1", "\"app1\"");
	param_is(script, 5, "-oProxyCommand=x", "f_host: a host name is needed");
	param_is(script, 5, "a;b", "f_host: a host name is needed");
	param_is(script, 6, "v43", "\"v43\"");
	param_is(script, 6, "v43; rm", "g_text: v43; rm does not look right: like v4");
	script_free(script);
}

static void fleet_is(const char *text, const char *wanted)
{
	struct err e = {0};
	struct json *fleet = fleet_load(folder_file("fleet.lua", text), &e);

	if (fleet && *wanted)
		fail_msg("loaded: %s", text);
	if (!fleet)
		assert_contains(e.text, wanted);
	if (!fleet)
		assert_contains(e.text, "fleet.lua");
	assert_true(fleet || *wanted);
	json_free(fleet);
}

static void fleet_load__refuses_in_words(void **state)
{
	(void)state;
	fleet_is("fleet { name = \"f\" }", "");
	fleet_is("", "there is no fleet { name = …, hosts = … }");
	fleet_is("fleet { }", "fleet.lua:1: fleet needs name");
	fleet_is("fleet { name = 7 }", "fleet.lua:1: fleet needs name");
	fleet_is("\nfleet { name = \"f\", hosst = {} }", "fleet.lua:2: fleet has no field 'hosst'; did you mean 'hosts'?");
	fleet_is("fleet { name = \"f\", hosts = { \"a\" } }", "fleet.lua:1: fleet.hosts must be a table like");
	fleet_is("fleet { name = \"f\", hosts = { [\"-oX\"] = {} } }", "'-oX' is no host name");
	fleet_is("fleet { name = \"f\", hosts = { [\"a b\"] = {} } }", "'a b' is no host name");
	fleet_is("fleet { name = \"f\", hosts = { app1 = { jobs = \"jobs\" } } }", "hosts.app1.jobs must be the whole path of a folder on that host");
	fleet_is("fleet { name = \"f\", hosts = { app1 = { jobs = \"/var/../tmp/x\" } } }", "hosts.app1.jobs must be the whole path of a folder on that host");
	fleet_is("fleet { name = \"f\", hosts = { app1 = { jobs = 7 } } }", "hosts.app1.jobs must be the whole path of a folder on that host");
	fleet_is("fleet { name = \"f\", hosts = { app1 = { jobs = \"/tmp/x\" } } }", "/tmp/x is emptied when the host starts again");
	fleet_is("fleet { name = \"f\", hosts = { app1 = {} }, roles = { web = { \"app2\" } } }", "roles.web names 'app2', which is not in hosts; did you mean 'app1'?");
	fleet_is("\nfleet { name = \"f\", mastodon = { liv = \"/srv/live\" } }", "fleet.lua:2: mastodon has no field 'liv'; did you mean 'live'? (own facts go into extra");
	fleet_is("fleet { name = \"f\", mastodon = { colour = 1 } }", "mastodon has no field 'colour' (own facts go into extra");
	fleet_is("fleet { name = \"f\", mastodon = { domain = \"a.b\", live = \"/x\", user = \"m\", web = \"a.b\", url = \"u\", rbenv = \"/r\" } }", "");
	fleet_is("fleet { name = \"f\", mastodon = \"a.b\" }", "fleet.mastodon must be a table like");
	fleet_is("fleet { name = \"f\", hosts = { app1 = { job = \"/var/lib/x\" } } }", "hosts.app1 has no field 'job'; did you mean 'jobs'?");
	fleet_is("fleet { name = \"f\", hosts = { app1 = { user = \"m\", rack = 7 } } }", "");
	fleet_is("fleet { name = \"f\", roles = { web = \"app1\" } }", "roles.web must be a list of hosts");
	fleet_is("fleet { name = \"f\", extra = { f = function() end } }", "a function cannot be kept or sent");
	fleet_is("local t = {} t.t = t fleet { name = \"f\", extra = t }", "nested too deep, or contains itself");
	fleet_is("fleet { name = \"f\" } fleet { name = \"g\" }", "stands once in the file");
	fleet_is("while true do end", "fleet.lua:1: the fleet file goes on without end");
	fleet_is("fleet { name = \"f\" ", "fleet.lua:1:");
	fleet_is("fleet { name = os.getenv(\"HOME\") }", "fleet.lua:1:");
	fleet_is("local s = \"x\" while true do s = s .. s end", "memory");
	fleet_is("fleet { name = \"f\", extra = \"pw\" .. secret.env \"X\" }", "a secret cannot be put into a text");
}

static void fleet_load__keeps_secrets_as_references(void **state)
{
	struct err e = {0};
	struct json *fleet = fleet_load(folder_file("fleet.lua", "fleet { name = \"f\", ssh_config = \"ssh/config\", extra = { a = secret.env \"AVAR\", b = secret.file \"pw\", c = secret.command \"pass x\", d = secret.ask \"Token?\" } }"), &e);
	const struct json *secrets = json_at(fleet, "secrets"), *extra = json_at(fleet, "extra");
	char *path = mem_printf("%s/pw", folder);

	(void)state;
	assert_non_null(fleet);
	assert_string_equal(json_text(json_at(extra, "a"), "$secret", ""), "AVAR");
	assert_string_equal(json_text(json_at(secrets, json_text(json_at(extra, "b"), "$secret", "")), "file", ""), path);
	assert_string_equal(json_text(json_at(secrets, json_text(json_at(extra, "c"), "$secret", "")), "command", ""), "pass x");
	assert_string_equal(json_text(json_at(secrets, json_text(json_at(extra, "d"), "$secret", "")), "ask", ""), "Token?");
	assert_true(str_ends(json_text(fleet, "ssh_config", ""), "/ssh/config"));
	assert_int_equal(strlen(json_text(fleet, "digest", "")), 64);
	mem_free(path);
	json_free(fleet);
}

static void fleet_load__takes_paths_from_the_folder_of_a_file_named_without_it(void **state)
{
	struct err e = {0};
	struct json *fleet;
	char *wanted = mem_printf("%s/ssh/config", folder);
	int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	folder_file("fleet.lua", "fleet { name = \"f\", ssh_config = \"ssh/config\" }");
	assert_int_equal(chdir(folder), 0);
	fleet = fleet_load("fleet.lua", &e);
	assert_int_equal(fchdir(before), 0);
	close(before);
	assert_non_null(fleet);
	assert_string_equal(json_text(fleet, "ssh_config", ""), wanted);
	json_free(fleet);
	mem_free(wanted);
}

static void script_bind__checks_the_roles(void **state)
{
	struct script *script = loaded("runbook { id = \"t\", bellbook = 1, title = \"T\", roles = { web = \"2\" } }\nobserve \"a\" { title = \"A\", run = function(s) end }\n");
	struct err e = {0};
	struct json *params = json_new_object();
	struct json *fleet = fleet_load(folder_file("fleet.lua", "fleet { name = \"f\", hosts = { a = {}, b = {} }, roles = { web = { \"a\" } } }"), &e);

	(void)state;
	assert_int_equal(script_bind(script, fleet, params, &e), -1);
	assert_contains(e.text, "t needs 2 hosts with the role 'web'; the fleet f has 1");
	json_free(fleet);
	err_clear(&e);
	fleet = fleet_load(folder_file("fleet.lua", "fleet { name = \"f\", hosts = { a = {}, b = {} }, roles = { web = { \"a\", \"b\" } } }"), &e);
	assert_int_equal(script_bind(script, fleet, params, &e), 0);
	json_free(fleet);
	json_free(params);
	script_free(script);
}

static void plan_text__shows_hostile_titles_safely(void **state)
{
	struct script *script = loaded("runbook { id = \"t\", bellbook = 1, title = \"T\\27[31m\" }\nobserve \"a\" { title = \"A\\27]0;x\\7\", run = function(s) end }\n");
	struct buf out = {0};

	(void)state;
	plan_text(script_book(script), false, NULL, &out);
	assert_null(strchr(buf_text(&out), '\033'));
	buf_clear(&out);
	plan_text(script_book(script), true, NULL, &out);
	assert_null(strchr(buf_text(&out), '\033'));
	buf_done(&out);
	script_free(script);
}

static void plan_text__tells_how_long_it_usually_takes(void **state)
{
	static const char past_text[] = "{\"usual\":{\"took\":{\"n\":2,\"median_us\":60000000,\"min_us\":50000000,\"max_us\":70000000},\"down\":{\"n\":1,\"median_us\":9000000}},"
		"\"steps\":{\"b\":{\"took\":{\"n\":3,\"median_us\":12000000,\"min_us\":7000000,\"max_us\":20000000},\"wait\":{\"n\":1,\"median_us\":5000000}}}}";
	struct script *script = loaded("runbook { id = \"t\", bellbook = 1, title = \"T\" }\nlocal function f() end\n"
		"change \"a\" { title = \"A\", why = \"w\", downtime = \"begins\", run = f, done = f }\n"
		"change \"b\" { title = \"B\", why = \"w\", downtime = \"ends\", run = f, done = f }\n");
	struct err e = {0};
	struct json *past = json_parse(past_text, sizeof(past_text) - 1, &e);
	struct buf out = {0};

	(void)state;
	plan_text(script_book(script), true, past, &out);
	assert_non_null(strstr(buf_text(&out), "- Usual work: 1 m 00 s (50 s to 1 m 10 s in 2 runs)\n"));
	assert_non_null(strstr(buf_text(&out), "- Downtime: from step 1 to step 2; usually 9.0 s\n"));
	assert_non_null(strstr(buf_text(&out), "2. **B** (`b`, change, usually 12 s (7.0 s to 20 s in 3 runs), and people 5.0 s, downtime ends)"));
	assert_null(strstr(buf_text(&out), "no return"));
	buf_done(&out);
	json_free(past);
	script_free(script);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(script_load__gives_one_clear_message_for_each_bad_runbook),
		cmocka_unit_test(script_load__fills_the_skeleton),
		cmocka_unit_test(script_load__digests_what_a_step_does_and_not_where_it_stands),
		cmocka_unit_test(script_load__requires_a_library_once),
		cmocka_unit_test(script_load__says_when_there_is_no_such_file),
		cmocka_unit_test(script_load__refuses_bytecode),
		cmocka_unit_test(script_param_check__converts_texts_and_refuses_in_words),
		cmocka_unit_test(script_load__refuses_ways_that_are_none),
		cmocka_unit_test(fleet_load__refuses_in_words),
		cmocka_unit_test(fleet_load__keeps_secrets_as_references),
		cmocka_unit_test(fleet_load__takes_paths_from_the_folder_of_a_file_named_without_it),
		cmocka_unit_test(script_bind__checks_the_roles),
		cmocka_unit_test(plan_text__shows_hostile_titles_safely),
		cmocka_unit_test(plan_text__tells_how_long_it_usually_takes),
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
