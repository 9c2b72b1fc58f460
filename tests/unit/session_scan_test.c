/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `bellbook check` finds in calls without running them: what an editor would underline. */
#include "session_fixture.h"

#include "session/lua/script.h"

/* What is said of a step's function with that body; NULL = nothing. The body stands in line 3. */
static void says(const char *body, const char *wanted)
{
	char *text = mem_printf(
		"%sobserve \"a\" { title = \"A\", run = function(s)\n%s\nend }\n", HEAD, body);
	struct err e = { 0 };
	struct script *script = script_load(folder_file("t.lua", text), &e);

	if (!script)
		fail_msg("%s", e.text);
	if (script_check_calls(script, &e) == 0 && wanted)
		fail_msg("%s\n  is fine; expected: %s", body, wanted);
	if (e.text[0] && !wanted)
		fail_msg("%s\n  says: %s", body, e.text);
	if (wanted)
		assert_contains(e.text, wanted);
	script_free(script);
	mem_free(text);
}

static void check__finds_an_action_that_there_is_not(void **state)
{
	(void)state;
	says("ssh.raed(\"a\", \"ls\")", "t.lua:3: there is no ssh.raed (did you mean ssh.read?)");
	says("pcall(here.rum, \"ls\")", "t.lua:3: there is no here.rum (did you mean here.run?)");
	says("ssh.shell(\"a\")", "there is no ssh.shell");
	says("s:nott \"x\"", "t.lua:3: there is no s:nott (did you mean s:note?)");
}

static void check__finds_an_argument_that_there_is_not(void **state)
{
	(void)state;
	says("ssh.run(\"a\", \"ls\", { ass = \"root\" })",
		"t.lua:3: ssh.run has no argument 'ass' (did you mean 'as'?)");
	says("ssh.read(\"a\", \"ls\", { grace = \"5s\" })", "ssh.read has no argument 'grace'");
	says("here.run(\"ls\", {\n\n}, 3)", "here.run takes 2 arguments");
	says("ssh.put(\"a\", { path = \"/x\", contents = \"y\" })",
		"ssh.put has no argument 'contents' (did you mean 'content'?)");
	says("each({}, function() end, { at_onec = 1 })",
		"each has no argument 'at_onec' (did you mean 'at_once'?)");
	says("s:ask { text = \"?\", choice = { \"a\" } }",
		"s:ask has no argument 'choice' (did you mean 'choices'?)");
	says("ssh.run(\"a\", \"ls\", { \"root\" })", "ssh.run has an argument without a name");
	says("local a = trim(\"x\", 1)", "trim takes 1 argument");
}

static void check__finds_a_wrong_type(void **state)
{
	(void)state;
	says("ssh.run(7, \"ls\")", "t.lua:3: ssh.run: 'host' must be a text");
	says("ssh.run(\"a\", true)", "ssh.run: 'cmd' must be a text, or a list of words");
	says("ssh.run(\"a\", \"ls\", { as = 7 })", "ssh.run: 'as' must be a text");
	says("ssh.run(\"a\", \"ls\", { pty = \"yes\" })", "ssh.run: 'pty' must be true or false");
	says("ssh.run(\"a\", \"ls\", \"root\")", "ssh.run: 'options' must be table");
	says("ssh.read(\"a\", \"ls\", { codes = 1 })",
		"ssh.read: 'codes' must be a list of whole numbers");
	says("ssh.read(\"a\", \"ls\", { env = \"A=1\" })",
		"ssh.read: 'env' must be a table of texts or secrets");
	says("here.run(\"ls\", { timeout = {} })", "here.run: 'timeout' must be a duration");
	says("each(\"a\", function() end)", "each: 'hosts' must be a list of texts");
	says("each({}, \"ls\")", "each: 'fn' must be a function");
	says("retry({ times = 1.5 }, function() end)", "retry: 'times' must be a whole number");
	says("s:note {}", "s:note: 'text' must be");
	says("ssh.run(\"a\", function() end)", "ssh.run: 'cmd' must be");
	says("ssh.run(\"a\", nil)", "ssh.run: 'cmd' must be");
}

static void check__finds_what_is_missing(void **state)
{
	(void)state;
	says("ssh.run(\"a\")", "t.lua:3: ssh.run: 'cmd' is missing (what to run: a text for sh, or "
			       "a list of words)");
	says("ssh.put(\"a\", { content = \"x\" })", "ssh.put: 'path' is missing");
	says("ssh.put(\"a\")", "ssh.put: 'options' is missing");
	says("each({})", "each: 'fn' is missing");
	says("s:ask { choices = { \"a\" } }", "s:ask: 'text' is missing");
	says("outside.look {}", "outside.look: 'asks' is missing");
}

static void check__leaves_alone_what_is_known_only_when_it_runs(void **state)
{
	(void)state;
	says("local h, o = \"a\", { ass = 1 } ssh.run(h, \"ls\", o) ssh.run(h, \"ls \" .. h, { as "
	     "= s.params.x, [h] = 1, timeout = 5 })",
		NULL);
	says("ssh.run(table.unpack { \"a\", \"ls\" }) ssh.run(\"a\", (\"x\"):rep(3)) "
	     "ssh.run(\"a\", { \"ls\", \"-l\" }, nil)",
		NULL);
	says("each({ \"a\" }, function(h, i) if i then for _ = 1, 2 do ssh.read(h, \"ls\") end end "
	     "return h, i end, { at_once = 1 })",
		NULL);
	says("local function f(...) return ssh.run(...) end f(\"a\", \"ls\")", NULL);
	says("repeat local a, b = 1, 2 until a ~= b ssh.read(\"a\", [[ls, ]] --[=[ , ]=] , { -- , "
	     "}\n tell = true, })",
		NULL);
	says("local x = (\"a\"):sub(1) s:note(x, nil)", "s:note takes 1 argument");
	says("sleep(5) sleep(\"5s\", \"for x\") sleep(0.5, { what = \"x\" }) retry({ times = 3, "
	     "every = \"1s\" }, function() return true end)",
		NULL);
	says("ssh.run(\"a\", \"x\", { env = {}, stdin = s.fleet.extra.t, codes = { 0, 1 }, check = "
	     "false })",
		NULL);
}

static void check__leaves_alone_names_of_the_file_s_own(void **state)
{
	(void)state;
	says("local ssh = { raed = function() end } ssh.raed()", NULL);
	says("local function lines(a, b, c) return a, b, c end lines(1, 2, 3)", NULL);
	says("local function f(check) check() end f(function() end)", NULL);
	says("local t = { ssh = { raed = print or 1 } } t.ssh.raed()", NULL);
	says("local s = \"x\" local n = s:len() .. s:rep(2)", NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(check__finds_an_action_that_there_is_not),
		cmocka_unit_test(check__finds_an_argument_that_there_is_not),
		cmocka_unit_test(check__finds_a_wrong_type),
		cmocka_unit_test(check__finds_what_is_missing),
		cmocka_unit_test(check__leaves_alone_what_is_known_only_when_it_runs),
		cmocka_unit_test(check__leaves_alone_names_of_the_file_s_own),
	};

	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
