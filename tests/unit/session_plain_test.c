/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A step in its data form does what somebody would write as functions, and says what is wrong
 * with it before anything runs.
 */
#include "session_fixture.h"

#include "base/buf.h"
#include "base/json.h"
#include "session/lua/script.h"

#define FLEET \
	"fleet { name = \"f\", hosts = { a = {}, b = {}, c = {} }, roles = { app = { \"a\", " \
	"\"b\" }, db = { \"c\" }, none = {} }, extra = { t = secret.env \"T\" } }"
#define PARAMS "{\"v\":\"4.6\"}"

/*
 * A double of the engine: answers each call at once, and writes down what was called, a line
 * each.
 */
struct written {
	struct script *script;
	struct script_task *task;
	struct buf lines;
	const char *bad_host; /* its commands end with bad_code */
	int bad_code;
	char *error, *result; /* owned */
	bool ended;
};

static void on_call(void *arg, struct script_task *task, const char *path, const char *name,
	const char *host, const struct json *args)
{
	struct written *w = arg;
	struct json *value = json_new_object();
	char *print = json_print(args);
	bool bad = w->bad_host && str_is(w->bad_host, host);

	buf_printf(&w->lines, "%s %s %s %s\n", path, name, host, print);
	json_set_int(value, "code", bad ? w->bad_code : 0);
	json_set_text(value, "out", host);
	json_set_text(value, "err", bad ? "test: it is wrong" : "");
	json_set_text(value, "host", host);
	script_answer(task, path, true, value, NULL, NULL);
	json_free(value);
	mem_free(print);
}

static void on_ended(void *arg, struct script_task *task, const char *error,
	const struct json *result, const struct json *gives)
{
	struct written *w = arg;

	(void)task;
	(void)gives;
	w->ended = true;
	mem_set(&w->error, error);
	w->result = json_print(result);
}

static struct script *loaded(const char *body)
{
	char *text = mem_printf(
		"runbook { id = \"t\", bellbook = 1, title = \"T\", params = { v = {} } }\n%s",
		body);
	struct err e = { 0 };
	struct script *script = script_load(folder_file("t.lua", text), &e);

	if (!script)
		fail_msg("%s", e.text);
	mem_free(text);
	return script;
}

/* Runs a function of the runbook's first step. */
static void write_down(struct written *w, const char *body, enum script_fn fn)
{
	static const struct script_handlers handlers = { .call = on_call, .ended = on_ended };
	struct json *vars = json_new_object(), *params, *fleet;
	struct err e = { 0 };

	w->script = loaded(body);
	params = json_parse(PARAMS, strlen(PARAMS), &e);
	fleet = fleet_load(folder_file("fleet.lua", FLEET), &e);
	assert_int_equal(script_bind(w->script, fleet, params, &e), 0);
	w->task = script_task_start(w->script, 0, fn, vars, &handlers, w);
	while (script_run(w->script))
		;
	assert_true(w->ended);
	json_free(vars);
	json_free(params);
	json_free(fleet);
}

static void written_done(struct written *w)
{
	script_free(w->script);
	buf_done(&w->lines);
	mem_free(w->error);
	mem_free(w->result);
}

/* The same calls, in the same places, with the same arguments, and the same end. */
static void same(enum script_fn fn, const char *data, const char *functions, const char *bad_host,
	int bad_code)
{
	struct written one = { .bad_host = bad_host, .bad_code = bad_code },
		       two = { .bad_host = bad_host, .bad_code = bad_code };

	write_down(&one, data, fn);
	write_down(&two, functions, fn);
	assert_true(one.lines.len > 0);
	assert_string_equal(buf_text(&one.lines), buf_text(&two.lines));
	assert_string_equal(one.error ? one.error : "", two.error ? two.error : "");
	if (fn == FN_DONE)
		assert_string_equal(one.result, two.result);
	written_done(&one);
	written_done(&two);
}

static void plain__makes_the_calls_that_functions_would(void **state)
{
	(void)state;
	same(FN_RUN,
		"change \"a\" { title = \"A\", why = \"w\", command = { on = \"app\", as = "
		"\"mastodon\", cwd = \"/srv\", env = { B = \"1\", A = \"2\" }, timeout = \"5m\", "
		"name = \"n\", \"yarn install\", { \"ls\", \"a b\" } }, done_when = \"test -s x\" "
		"}",
		"change \"a\" { title = \"A\", why = \"w\", run = function(s) each(s:all \"app\", "
		"function(h)\n"
		"local o = { as = \"mastodon\", cwd = \"/srv\", env = { B = \"1\", A = \"2\" }, "
		"timeout = \"5m\", name = \"n\" }\n"
		"ssh.run(h, \"yarn install\", o) ssh.run(h, { \"ls\", \"a b\" }, o) end) end, done "
		"= function(s) end }",
		NULL, 0);
	same(FN_DONE,
		"change \"a\" { title = \"A\", why = \"w\", command = { on = \"app\", as = "
		"\"mastodon\", cwd = \"/srv\", timeout = \"5m\", \"yarn install\" }, done_when = "
		"\"test -s x\" }",
		"change \"a\" { title = \"A\", why = \"w\", run = function(s) end, done = "
		"function(s) local all = true each(s:all \"app\", function(h)\n"
		"all = ssh.read(h, \"test -s x\", { as = \"mastodon\", cwd = \"/srv\", codes = { "
		"0, 1 } }).ok and all end) return all end }",
		NULL, 0);
	same(FN_RUN,
		"observe \"a\" { title = \"A\", command = { on = \"c\", tell = true, \"uptime\" } "
		"}",
		"observe \"a\" { title = \"A\", run = function(s) each(s:all \"c\", function(h) "
		"ssh.read(h, \"uptime\", { tell = true }) end) end }",
		NULL, 0);
	same(FN_RUN,
		"change \"a\" { title = \"A\", why = \"w\", command = { on = { \"app\", \"b\", "
		"\"db\" }, at_once = 1, \"ls\" }, done_when = \"x\" }",
		"change \"a\" { title = \"A\", why = \"w\", run = function(s) each({ \"a\", \"b\", "
		"\"c\" }, function(h) ssh.run(h, \"ls\") end, { at_once = 1 }) end, done = "
		"function(s) end }",
		"a", 7);
}

static void plain__takes_a_function_for_each_field(void **state)
{
	(void)state;
	same(FN_RUN,
		"change \"a\" { title = \"A\", why = \"w\", command = { on = function(s) return "
		"s:first \"app\" end, as = function() return \"m\" end, stdin = function(s) return "
		"s.fleet.extra.t end,\n"
		"env = { V = function(s) return s.params.v end, H = function(s, h) return h end }, "
		"function(s, h) return \"get \" .. s.params.v .. h end }, done_when = \"x\" }",
		"change \"a\" { title = \"A\", why = \"w\", run = function(s) each(s:all \"a\", "
		"function(h)\n"
		"ssh.run(h, \"get 4.6a\", { as = \"m\", stdin = s.fleet.extra.t, env = { V = "
		"\"4.6\", H = \"a\" } }) end) end, done = function(s) end }",
		NULL, 0);
	same(FN_DONE,
		"change \"a\" { title = \"A\", why = \"w\", command = { on = \"db\", as = \"m\", "
		"\"x\" }, done_when = { as = \"root\", on = \"app\", function(s) return \"grep \" "
		".. s.params.v end } }",
		"change \"a\" { title = \"A\", why = \"w\", run = function(s) end, done = "
		"function(s) each(s:all \"app\", function(h) ssh.read(h, \"grep 4.6\", { as = "
		"\"root\" }) end) return true end }",
		NULL, 0);
	/* A read within one is a call as any other. */
	same(FN_RUN,
		"change \"a\" { title = \"A\", why = \"w\", command = { on = \"db\", function(s, "
		"h) return \"get \" .. ssh.read(h, \"which\").out end }, done_when = \"x\" }",
		"change \"a\" { title = \"A\", why = \"w\", run = function(s) each(s:all \"db\", "
		"function(h) ssh.run(h, \"get \" .. ssh.read(h, \"which\").out) end) end, done = "
		"function(s) end }",
		NULL, 0);
}

/* How a step ends when a host's commands end with a status. */
static void ends(enum script_fn fn, const char *body, const char *host, int code, const char *error,
	const char *result)
{
	struct written w = { .bad_host = host, .bad_code = code };

	write_down(&w, body, fn);
	if (error)
		assert_contains(w.error ? w.error : "(no error)", error);
	else if (w.error)
		fail_msg("%s", w.error);
	if (result)
		assert_string_equal(w.result, result);
	written_done(&w);
}

#define STEP(command, done) \
	"change \"a\" { title = \"A\", why = \"w\", command = " command ", done_when = " done " }"

static void plain__done_when_tells_done_from_not_done_and_from_an_error(void **state)
{
	const char *step = STEP("{ on = \"app\", \"ls\" }", "\"test -s x\"");

	(void)state;
	ends(FN_DONE, step, NULL, 0, NULL, "true");
	ends(FN_DONE, step, "b", 1, NULL, "false");
	ends(FN_DONE, step, "b", 2,
		"b: test: it is wrong (`test -s x` ended with status 2); for done_when, 0 means "
		"done and 1 not done: this tells neither",
		NULL);
	ends(FN_RUN, step, "b", 1, "b: test: it is wrong (`ls` ended with status 1)", NULL);
	ends(FN_RUN, STEP("{ on = \"app\", codes = { 0, 1 }, \"ls\" }", "\"x\""), "b", 1, NULL,
		NULL);
	ends(FN_RUN, STEP("{ on = \"app\", check = false, \"ls\" }", "\"x\""), "b", 9, NULL, NULL);
}

static void plain__says_where_what_is_computed_went_wrong(void **state)
{
	(void)state;
	ends(FN_RUN, STEP("{ on = \"ap\", \"ls\" }", "\"x\""), NULL, 0,
		"t.lua:2: step 'a': the fleet file has no role 'ap'", NULL);
	ends(FN_RUN, STEP("{ on = function() end, \"ls\" }", "\"x\""), NULL, 0,
		"t.lua:2: step 'a': on names no host", NULL);
	ends(FN_RUN, STEP("{ on = function() return 7 end, \"ls\" }", "\"x\""), NULL, 0,
		"t.lua:2: step 'a': on names a number, which is no role and no host", NULL);
	ends(FN_RUN, STEP("{ on = \"db\", function() end }", "\"x\""), NULL, 0,
		"t.lua:2: step 'a': a function gave a nil, and a command is needed", NULL);
	ends(FN_RUN, STEP("{ on = \"db\", function() return \"\" end }", "\"x\""), NULL, 0,
		"t.lua:2: step 'a': a function gave an empty text", NULL);
	ends(FN_RUN, STEP("{ on = \"db\", at_once = function() return 0 end, \"ls\" }", "\"x\""),
		NULL, 0, "t.lua:2: step 'a': at_once must be a whole number of at least 1", NULL);
	ends(FN_RUN, STEP("{ on = \"db\", function(s) return \"ls \" .. s.x end }", "\"x\""), NULL,
		0, "step 'a' reads s.x, but names it neither", NULL);
}

static void plain__is_kept_in_words(void **state)
{
	struct script *script =
		loaded(STEP("{ on = { \"app\", \"db\" }, as = \"m\", cwd = \"/srv\", \"yarn\", { "
			    "\"ls\", \"a b\" }, \"if a\\nthen b; fi\", function() end }",
			"{ on = function() end, \"test -s x\" }"));
	const struct script_step *step = script_book(script)->steps;

	(void)state;
	assert_string_equal(step->command,
		"on app, db as m in /srv: yarn\non app, db as m in /srv: ls 'a b'\non app, db as m "
		"in /srv: if a\n  then b; fi\non app, db as m in /srv: (what a function gives)");
	assert_string_equal(step->done_when, "on (what a function gives): test -s x");
	assert_true(step->has[FN_RUN] && step->has[FN_DONE] && !step->has[FN_UNDO]);
	script_free(script);
}

static void digest_of(const char *body, char digest[65])
{
	struct script *script = loaded(body);

	memcpy(digest, script_book(script)->steps[0].digest, 65);
	script_free(script);
}

/* Two data forms are the same step, or they are not. */
static void digests(const char *one, const char *two, bool alike)
{
	char a[65], b[65];

	digest_of(one, a);
	digest_of(two, b);
	assert_int_equal(strcmp(a, b) == 0, alike);
}

static void plain__counts_in_the_digest_of_its_step(void **state)
{
	(void)state;
	digests(STEP("{ on = \"app\", \"ls\" }", "\"x\""),
		"\n\n" STEP("{ \"ls\", on = \"app\" }", "\"x\""), true);
	digests(STEP("{ on = \"app\", \"ls\" }", "\"x\""),
		STEP("{ on = \"app\", \"id\" }", "\"x\""), false);
	digests(STEP("{ on = \"app\", \"ls\" }", "\"x\""),
		STEP("{ on = \"app\", \"ls\" }", "\"y\""), false);
	digests(STEP("{ on = \"app\", function() return \"ls\" end }", "\"x\""),
		"\n" STEP("{ on = \"app\", function()\nreturn \"ls\" end }", "\"x\""), true);
	digests(STEP("{ on = \"app\", function() return \"ls\" end }", "\"x\""),
		STEP("{ on = \"app\", function() return \"id\" end }", "\"x\""), false);
	digests(STEP("{ on = \"app\", env = { A = \"1\", B = function() end }, \"ls\" }", "\"x\""),
		STEP("{ on = \"app\", env = { A = \"2\", B = function() end }, \"ls\" }", "\"x\""),
		false);
}

/* Bytes that are no UTF-8 stand in a title: no JSON is made of it, and it is no table either. */
static void plain__bears_texts_that_are_none(void **state)
{
	struct script *script = loaded("change \"a\" { title = \"\xff\", why = \"w\", "
				       "command = { on = \"\xff\", \"ls\" }, done_when = \"x\" }");

	(void)state;
	assert_int_equal(strlen(script_book(script)->steps[0].digest), 64);
	script_free(script);
}

/* What a table of a step is made of may be used for another one. */
static void plain__leaves_the_tables_of_the_runbook_alone(void **state)
{
	struct script *script =
		loaded("local t = { title = \"A\", why = \"w\", command = { on = \"app\", \"ls\" "
		       "}, done_when = \"x\" }\nchange \"a\" (t)\nchange \"b\" (t)\nif t.run or "
		       "t.done or t.command.codes then error \"changed\" end");

	(void)state;
	assert_int_equal(script_book(script)->step_count, 2);
	script_free(script);
}

#define BY_HAND(commands) "manual \"a\" { title = \"A\", why = \"w\", commands = " commands " }"

static void commands__of_a_manual_step_may_be_computed(void **state)
{
	struct script *script = loaded(BY_HAND("{ \"ls\" }"));

	(void)state;
	assert_false(script_book(script)->steps[0].has[FN_COMMANDS]);
	script_free(script);
	ends(FN_COMMANDS, BY_HAND("function(s) return \"get \" .. s.params.v end"), NULL, 0, NULL,
		"[\"get 4.6\"]");
	ends(FN_COMMANDS,
		BY_HAND("{ \"ls\", function(s) return { \"a\", ssh.read(\"c\", \"x\").out } end }"),
		NULL, 0, NULL, "[\"ls\",\"a\",\"c\"]");
	ends(FN_COMMANDS, BY_HAND("{ function() return {} end }"), NULL, 0, NULL, "{}");
	ends(FN_COMMANDS, BY_HAND("{ function() end }"), NULL, 0, NULL, "{}");
	ends(FN_COMMANDS, BY_HAND("{ function() return 7 end }"), NULL, 0,
		"t.lua:2: step 'a': commands gave a number, and texts are needed", NULL);
	digests(BY_HAND("{ \"ls\", function() return \"a\" end }"),
		BY_HAND("{ \"ls\", function() return \"b\" end }"), false);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain__makes_the_calls_that_functions_would),
		cmocka_unit_test(plain__takes_a_function_for_each_field),
		cmocka_unit_test(plain__done_when_tells_done_from_not_done_and_from_an_error),
		cmocka_unit_test(plain__says_where_what_is_computed_went_wrong),
		cmocka_unit_test(plain__is_kept_in_words),
		cmocka_unit_test(plain__counts_in_the_digest_of_its_step),
		cmocka_unit_test(commands__of_a_manual_step_may_be_computed),
		cmocka_unit_test(plain__bears_texts_that_are_none),
		cmocka_unit_test(plain__leaves_the_tables_of_the_runbook_alone),
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
