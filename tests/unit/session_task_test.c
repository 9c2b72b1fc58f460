/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session_fixture.h"

#include "base/buf.h"
#include "base/json.h"
#include "session/lua/script.h"

/* A double of the engine: writes down what tasks want, and answers at once, later, or in another order. */
#define WANTS 64

struct want {
	char *path, *name, *host;
	struct json *args;
};

struct double_of_engine {
	struct script *script;
	struct script_task *task;
	struct want wants[WANTS];
	size_t count;
	bool at_once, drop;
	const char *fail_host;	/* calls there fail */
	char *error, *result, *gives;
	int ended;
};

static void answer(struct double_of_engine *d, size_t i)
{
	const struct want *want = &d->wants[i];
	struct json *value = json_new_object();

	json_set_int(value, "code", str_is(want->host, "f") ? 128 : 0);
	json_set_text(value, "out", want->host);
	json_set_text(value, "err", str_is(want->host, "f") ? "ERROR: Repository not found.\nfatal: Could not read from remote repository.\n\nPlease make sure\nand the repository exists.\n" : "");
	json_set_text(value, "host", want->host);
	if (d->fail_host && str_is(d->fail_host, want->host))
		script_answer(d->task, want->path, false, NULL, "io", "the host is away");
	else
		script_answer(d->task, want->path, true, value, NULL, NULL);
	json_free(value);
}

static void on_call(void *arg, struct script_task *task, const char *path, const char *name, const char *host, const struct json *args)
{
	struct double_of_engine *d = arg;

	assert_ptr_equal(task, d->task);
	assert_true(d->count < WANTS);
	d->wants[d->count++] = (struct want){mem_strdup(path), mem_strdup(name), mem_strdup(host), json_copy_of(args)};
	if (d->drop) {
		script_task_drop(task);
		d->task = NULL;
	} else if (d->at_once) {
		answer(d, d->count - 1);
	}
}

static void on_ended(void *arg, struct script_task *task, const char *error, const struct json *result, const struct json *gives)
{
	struct double_of_engine *d = arg;

	assert_ptr_equal(task, d->task);
	d->ended++;
	d->task = NULL;
	mem_set(&d->error, error);
	d->result = json_print(result);
	d->gives = json_print(gives);
}

static void start(struct double_of_engine *d, const char *step_fields, const char *body)
{
	static const struct script_handlers handlers = {.call = on_call, .ended = on_ended};
	char *text = mem_printf("%sobserve \"first\" { title = \"F\", gives = { \"v\", \"n\" }, run = function(s) end }\nobserve \"a\" { title = \"A\", %s run = function(s)\n%s\nend }\n", HEAD, step_fields, body);
	struct json *vars, *params, *fleet;
	struct err e = {0};

	d->script = script_load(folder_file("t.lua", text), &e);
	if (!d->script)
		fail_msg("%s", e.text);
	vars = json_parse("{\"v\":\"deep\",\"n\":7}", 18, &e);
	params = json_parse("{\"p\":\"x\"}", 9, &e);
	fleet = fleet_load(folder_file("fleet.lua", "fleet { name = \"f\", hosts = { a = {}, b = {}, c = {} }, roles = { web = { \"a\", \"b\" }, db = { \"c\" }, none = {} }, extra = { t = secret.env \"T\" } }"), &e);
	assert_int_equal(script_bind(d->script, fleet, params, &e), 0);
	d->task = script_task_start(d->script, 1, FN_RUN, vars, &handlers, d);
	json_free(vars);
	json_free(params);
	json_free(fleet);
	mem_free(text);
	script_run(d->script);
}

static void done(struct double_of_engine *d)
{
	for (size_t i = 0; i < d->count; i++) {
		mem_free(d->wants[i].path);
		mem_free(d->wants[i].name);
		mem_free(d->wants[i].host);
		json_free(d->wants[i].args);
	}
	mem_free(d->error);
	mem_free(d->result);
	mem_free(d->gives);
	script_free(d->script);
}

/* Runs a body with calls answered at once; it must end as said ("" = fine). */
static void body_ends(const char *fields, const char *body, const char *error, const char *result)
{
	struct double_of_engine d = {.at_once = true, .fail_host = "b"};

	start(&d, fields, body);
	assert_int_equal(d.ended, 1);
	if (*error)
		assert_contains(d.error ? d.error : "(no error)", error);
	else if (d.error)
		fail_msg("%s", d.error);
	if (result)
		assert_string_equal(d.result, result);
	done(&d);
}

static void task__gives_what_it_set_and_returns_what_it_returned(void **state)
{
	struct double_of_engine d = {.at_once = true};

	(void)state;
	start(&d, "gives = { \"x\" }, needs = { \"v\" },", "s.x = { s.v, 2, true } return { a = s.params.p, b = s.step.id }");
	assert_null(d.error);
	assert_string_equal(d.gives, "{\"x\":[\"deep\",2,true]}");
	assert_string_equal(d.result, "{\"a\":\"x\",\"b\":\"a\"}");
	done(&d);
}

static void task__waits_for_late_answers_in_any_order(void **state)
{
	struct double_of_engine d = {0};

	(void)state;
	start(&d, "", "local r = each({ \"a\", \"b\", \"c\" }, function(h, i) local x = ssh.read(h, \"one\").out return x .. ssh.read(h, \"two\").out .. i end, { at_once = 2 }) return r.a .. r.b .. r.c");
	assert_int_equal(d.count, 2);
	assert_string_equal(d.wants[0].path, "1/a/1");
	assert_string_equal(d.wants[1].path, "1/b/1");
	answer(&d, 1);
	script_run(d.script);
	assert_int_equal(d.count, 3);
	assert_string_equal(d.wants[2].path, "1/b/2");
	answer(&d, 2);
	script_run(d.script);
	assert_string_equal(d.wants[3].path, "1/c/1");
	answer(&d, 0);
	answer(&d, 3);
	answer(&d, 3);	/* twice: the second is nobody's */
	script_run(d.script);
	answer(&d, 5);
	answer(&d, 4);
	script_run(d.script);
	assert_int_equal(d.ended, 1);
	assert_string_equal(d.result, "\"aa1bb2cc3\"");
	done(&d);
}

static void each__stops_after_failures_and_names_them(void **state)
{
	(void)state;
	body_ends("", "each({ \"a\", \"b\", \"c\" }, function(h) ssh.read(h, \"x\") end, { at_once = 1 })", "1 of 3 failed: b: the host is away; 1 were not started", NULL);
	body_ends("", "each({ \"a\", \"b\", \"c\" }, function(h) ssh.read(h, \"x\") end, { at_once = 1, stop_after = 2 })", "1 of 3 failed: b: the host is away", NULL);
	body_ends("", "local ok, e = pcall(each, { \"a\", \"b\", \"c\" }, function(h) return ssh.read(h, \"x\").out end, { at_once = 1, stop_after = 3 }) return { ok, e.kind, e.failed.b, e.results.c }", "",
		  "[false,\"remote\",\"the host is away\",\"c\"]");
	body_ends("", "return each({}, function() end)", "", "{}");
	body_ends("", "each({ \"a\", \"a\" }, function() end)", "each: 'a' stands twice in the list", NULL);
	body_ends("", "each({ {} }, function() end)", "each: the list must hold texts", NULL);
	body_ends("", "each({ \"a\" }, function() end, { at_once = 0 })", "each: at_once must be at least 1", NULL);
}

static void each__may_be_nested_and_stand_in_pcall(void **state)
{
	(void)state;
	body_ends("", "local r = each({ \"a\", \"c\" }, function(h) local t = each({ \"x\", \"y/z\" }, function(k) return ssh.read(h, k).out .. k end) return t.x .. t[\"y/z\"] end) return r.a .. r.c", "", "\"axay/zcxcy/z\"");
	body_ends("", "pcall(table.sort, { 3, 2, 1 }, function() each({ \"a\" }, function() end) end) return ssh.read(\"a\", \"x\").out", "", "\"a\"");
	body_ends("", "table.sort({ 3, 2, 1 }, function() ssh.read(\"a\", \"x\") end)", "ssh.read() cannot be used here (inside table.sort or gsub)", NULL);
}

static void errors__are_tables_that_pcall_gives(void **state)
{
	(void)state;
	body_ends("", "local ok, e = pcall(ssh.read, \"b\", \"x\") return { ok, tostring(e), e.kind, e.text }", "", "[false,\"the host is away\",\"io\",\"the host is away\"]");
	body_ends("", "ssh.read(\"b\", \"x\")", "the host is away", NULL);
	body_ends("", "for i = 1, 3 do pcall(ssh.read, \"b\", \"x\") end return ssh.read(\"a\", \"x\").ok", "", "true");
	body_ends("", "local x = nil; return x.y", "t.lua:4: attempt to index a nil value (local 'x')", NULL);
	body_ends("", "fail(\"no\")", "no", NULL);
	body_ends("", "check(1 == 2, \"sums\")", "sums", NULL);
	body_ends("", "error({ text = \"own\" })", "own", NULL);
	body_ends("", "error()", "nil", NULL);
	body_ends("", "ssh.run(\"a\", 7)", "a command is a text, or a list of words", NULL);
	body_ends("", "ssh.run(\"a\", {})", "ssh.run: \"cmd\" must be a command", NULL);
	body_ends("", "ssh.job(\"a\", {}, \"x\")", "bad argument #2 to 'job' (string expected, got table)", NULL);
	body_ends("", "ssh.job(\"a\", \"name\", 7)", "bad argument #3 to 'job' (a command is a text, or a list of words)", NULL);
	body_ends("", "here.run(7)", "bad argument #1 to 'run' (a command is a text, or a list of words)", NULL);
	body_ends("", "ssh.read(nil, \"x\")", "bad argument #1 to 'read' (string expected, got nil)", NULL);
	body_ends("", "ssh.get(\"a\")", "bad argument #2 to 'get' (string expected, got no value)", NULL);
	body_ends("", "ssh.put(\"a\", \"/x\")", "bad argument #2 to 'put' (table expected, got string)", NULL);
	body_ends("", "outside.look({ { url = \"x\" } })", "outside.look: its arguments are named: asks =", NULL);
	body_ends("", "outside.look()", "bad argument #1 to 'look' (table expected, got no value)", NULL);
	body_ends("", "local n = 0 local r = retry({ times = 3, every = \"1s\" }, function() n = n + 1 return n == 2 and n end) return r", "", "2");
	body_ends("", "retry({ times = 2, every = \"1s\", what = \"the web\" }, function() return false end)", "the web (tried 2 times, every 1s): there was no result", NULL);
}

static void failures__begin_with_the_cause_and_not_with_the_script(void **state)
{
	(void)state;
	body_ends("", "local ok, e = pcall(ssh.read, \"f\", \"umask 077 && A=\\\"$(sed -n x y)\\\" git fetch\\nmore\\n\") return { e.text, e.code, e.host, e.kind }", "",
		  "[\"f: ERROR: Repository not found. (`git fetch…` ended with status 128)\\n  fatal: Could not read from remote repository.\",128,\"f\",\"remote\"]");
	body_ends("", "local f = ssh.read(\"f\", \"git fetch\", { check = false }) return { cause(f), cause(\"x\\nerror: y\"), cause(nil, \"z\\n\"), cause {} }", "",
		  "[\"ERROR: Repository not found.\\nfatal: Could not read from remote repository.\",\"error: y\",\"z\",\"\"]");
	/* One host alone is not counted, and is named once. */
	body_ends("", "local ok, e = pcall(each, { \"f\" }, function(h) ssh.read(h, \"git fetch\") end) return e.text", "",
		  "\"f: ERROR: Repository not found. (`git fetch` ended with status 128)\\n  fatal: Could not read from remote repository.\"");
	body_ends("", "local ok, e = pcall(each, { \"a\", \"f\", \"b\" }, function(h) ssh.read(h, \"git fetch\") end, { stop_after = 3 }) return e.text", "",
		  "\"2 of 3 failed:\\nf: ERROR: Repository not found. (`git fetch` ended with status 128)\\n  fatal: Could not read from remote repository.\\nb: the host is away\"");
	body_ends("", "local ok, e = pcall(each, { \"b\" }, function(h) ssh.read(h, \"x\") end) return e.text", "", "\"b: the host is away\"");
}

/* What the last wait of a body was told to say. */
static void wait_says(const char *body, const char *args)
{
	struct double_of_engine d = {.at_once = true, .fail_host = "b"};
	char *print = NULL;

	start(&d, "", body);
	for (size_t i = 0; i < d.count; i++)
		if (str_is(d.wants[i].name, "sleep")) {
			mem_free(print);
			print = json_print(d.wants[i].args);
		}
	assert_string_equal(print, args);
	mem_free(print);
	done(&d);
}

static void waits__say_what_for_how_often_and_what_was_last_seen(void **state)
{
	(void)state;
	wait_says("sleep \"3s\"", "{\"for\":\"3s\"}");
	wait_says("sleep(2, \"for the mail\")", "{\"for\":2,\"what\":\"for the mail\"}");
	wait_says("retry({ times = 3, every = \"1s\", waiting = \"for the web to answer\" }, function(i) return i == 3, \"status \" .. 500 + i end)",
		  "{\"for\":\"1s\",\"look\":2,\"of\":3,\"seen\":\"status 502\",\"what\":\"waiting for the web to answer\"}");
	wait_says("pcall(retry, { times = 2, what = \"the web does not answer\" }, function() ssh.read(\"f\", \"git fetch\") end)",
		  "{\"for\":\"2s\",\"look\":1,\"of\":2,\"seen\":\"f: ERROR: Repository not found. (`git fetch` ended with status 128)\",\"what\":\"trying again: the web does not answer\"}");
	wait_says("pcall(retry, { times = 2 }, function() error(\"a\\nb\", 0) end)", "{\"for\":\"2s\",\"look\":1,\"of\":2,\"seen\":\"a\",\"what\":\"trying again\"}");
	body_ends("", "sleep(1, { wat = \"x\" })", "sleep has no field 'wat' (did you mean 'what'?)", NULL);
	body_ends("", "retry({ times = 14, every = \"1s\" }, function() ssh.read(\"f\", \"git fetch\") end)", "(`git fetch` ended with status 128) (tried 14 times)\n", NULL);
	body_ends("", "retry({ times = 2, every = \"1s\", what = \"the web\" }, function() return false, \"status 502\" end)", "the web (tried 2 times, every 1s): status 502", NULL);
}

static void s__reads_and_writes_what_the_step_names(void **state)
{
	(void)state;
	body_ends("", "return s.v", "step 'a' reads s.v, but names it neither in needs nor in gives: add needs = { \"v\" }", NULL);
	body_ends("", "s.v = 1", "step 'a' sets s.v, but does not say so: add gives = { \"v\" }", NULL);
	body_ends("needs = { \"v\" },", "s.v = 1", "step 'a' sets s.v, but does not say so", NULL);
	body_ends("gives = { \"x\" },", "s.x = function() end", "s.x: a function cannot be kept or sent", NULL);
	body_ends("gives = { \"x\" },", "s.x = 0/0", "s.x: a number is not finite", NULL);
	body_ends("", "s.fleet.name = \"g\"", "the fleet and the parameters cannot be changed", NULL);
	body_ends("", "s.params.p = 1", "the fleet and the parameters cannot be changed", NULL);
	body_ends("", "local t = {} for k in pairs(s.fleet.hosts) do t[#t + 1] = k end table.sort(t) return table.concat(t, \",\") .. #s.fleet.roles.web", "", "\"a,b,c2\"");
	body_ends("", "return { s:one \"db\", s:first \"web\", s:all \"web\", s:one \"a\" }", "", "[\"c\",\"a\",[\"a\",\"b\"],\"a\"]");
	body_ends("", "s:one \"web\"", "role 'web' has 2 hosts, and exactly one is needed", NULL);
	body_ends("", "s:first \"none\"", "role 'none' has no host", NULL);
	body_ends("", "s:all \"nope\"", "the fleet file has no role 'nope'", NULL);
	body_ends("", "s:ask { text = \"?\", typ = \"text\" }", "s:ask has no field 'typ' (did you mean 'type'?)", NULL);
	body_ends("", "s:ask { }", "s:ask { text =", NULL);
}

static void secrets__never_become_text(void **state)
{
	const char *bodies[] = {"return \"x\" .. s.fleet.extra.t", "return s.fleet.extra.t .. \"x\"", "return (\"x\"):rep(2, s.fleet.extra.t)", "return s.fleet.extra.t.value", "return #s.fleet.extra.t",
				"return table.concat({ s.fleet.extra.t })", "here.run({ \"echo\", s.fleet.extra.t })", "return s.fleet.extra.t + 1", NULL};

	(void)state;
	for (size_t i = 0; bodies[i]; i++) {
		struct double_of_engine d = {.at_once = true};

		start(&d, "", bodies[i]);
		assert_int_equal(d.ended, 1);
		assert_non_null(d.error);
		done(&d);
	}
	body_ends("", "return tostring(s.fleet.extra.t)", "", "\"[secret T]\"");
	body_ends("", "return here.run(\"x\", { env = { A = s.fleet.extra.t } }).ok", "", "true");
}

static void texts__are_made_of_what_has_a_value(void **state)
{
	(void)state;
	body_ends("", "return \"rm -rf \" .. q(s.params.nothing) .. \"/tmp\"", "t.lua:4: q got nil: there is no value", NULL);
	body_ends("", "local t = {} local cmd = (\"rm -rf %s/tmp\"):format(t.dir) return cmd", "t.lua:4: format got nil: there is no value", NULL);
	body_ends("", "return string.format(\"%s %d\", \"a\", nil)", "format got nil", NULL);
	body_ends("", "return q({})", "q got a table, which is no text", NULL);
	body_ends("", "return (\"%s\"):format({})", "format got a table", NULL);
	body_ends("", "return q(s.fleet.extra.t)", "a secret cannot be put into a text", NULL);
	body_ends("", "return (\"%s\"):format(s.fleet.extra.t)", "a secret cannot be put into a text", NULL);
	body_ends("", "return q(\"\") .. q(0) .. q(\"it's\") .. (\"%s %5.1f %q\"):format(false, 1, \"x\")", "", "\"'''0''it'\\\\''s'false   1.0 \\\"x\\\"\"");
}

static void secrets__are_named_by_no_text_of_a_host(void **state)
{
	(void)state;
	body_ends("", "local d = json.decode('{\"name\":{\"$secret\":\"T\"}}') return type(d.name) .. d.name[\"$secret\"]", "", "\"tableT\"");
	body_ends("", "here.run(\"x\", { stdin = json.decode('{\"$secret\":\"T\"}') })", "not $secret", NULL);
	body_ends("", "here.run(\"x\", { env = { A = { [\"$secret\"] = \"T\" } } })", "not $secret", NULL);
	body_ends("gives = { \"x\" },", "s.x = json.decode('[{\"$secret\":\"T\"}]')", "not $secret", NULL);
	body_ends("gives = { \"x\" },", "s.x = { s.fleet.extra.t } return tostring(s.x[1])", "", "\"[secret T]\"");
}

static void values__come_back_as_they_were(void **state)
{
	(void)state;
	body_ends("gives = { \"x\" },", "s.x = \"\\xff\\0\\xfe\"", "s.x: a text of 3 bytes is no UTF-8", NULL);
	body_ends("gives = { \"x\" },", "s.x = { [\"\\xff\"] = 1 }", "s.x: a table needs texts", NULL);
	body_ends("gives = { \"x\" },", "s.x = { [\"a\\0b\"] = 1 }", "s.x: a table needs texts", NULL);
	body_ends("", "here.run(\"cat\", { stdin = \"\\xff\" })", "no UTF-8", NULL);
	body_ends("gives = { \"x\" },", "s.x = { \"\", 0, false, \"a\\0b\" } return s.x[4] == \"a\\0b\" and s.x[3] == false", "", "true");
}

static void task__that_is_dropped_in_its_handler_ends_quietly(void **state)
{
	struct double_of_engine d = {.drop = true};

	(void)state;
	start(&d, "", "each({ \"a\", \"b\" }, function(h) ssh.read(h, \"x\") end) fail(\"never\")");
	assert_int_equal(d.count, 1);
	assert_int_equal(d.ended, 0);
	script_run(d.script);
	assert_int_equal(d.ended, 0);
	done(&d);
}

static void task__without_end_is_stopped(void **state)
{
	(void)state;
	body_ends("", "while true do end", "step 'a' goes on without end", NULL);
	body_ends("", "while true do pcall(function() while true do end end) end", "step 'a' goes on without end", NULL);
	body_ends("", "table.sort({ 3, 2, 1 }, function() while true do pcall(function() while true do end end) end end)", "step 'a' goes on without end", NULL);
	body_ends("", "each({ \"a\", \"c\" }, function() while true do end end)", "step 'a' goes on without end", NULL);
}

static void task__that_eats_memory_is_stopped_and_leaks_nothing(void **state)
{
	(void)state;
	body_ends("", "local t = {} while true do t[#t + 1] = (\"x\"):rep(1000) .. #t end", "it needs more than 64 MiB of memory", NULL);
	body_ends("", "local big = \"[\" .. (\"1,\"):rep(2000000) .. \"1]\" for i = 1, 3 do pcall(json.decode, big) end return 1", "", "1");
	body_ends("gives = { \"x\" },", "local t = \"a\" for _ = 1, 31 do t = { t, t } end s.x = t", "a table is too large", NULL);
	body_ends("", "return json.decode((\"[\"):rep(1000))", "nested deeper than 64", NULL);
	body_ends("", "local t = {} t[1] = t return json.encode(t)", "nested too deep, or contains itself", NULL);
}

static void look_ahead__knows_what_is_behind_a_change_and_the_order_of_the_hosts(void **state)
{
	struct double_of_engine d = {0};
	char *first, *second, *third;

	(void)state;
	start(&d, "", "each({ \"a\", \"b\" }, function(h) ssh.read(h, \"look\") ssh.run(h, \"one\") ssh.read(h, \"two\") end) ssh.run(\"c\", \"last\")");
	assert_int_equal(d.count, 2);
	/* The second host answers first; the first one is not behind its change. */
	answer(&d, 1);
	script_run(d.script);
	second = script_ahead_note(d.task, d.wants[2].path);
	assert_false(script_ahead_changed(d.task, d.wants[0].path));
	answer(&d, 2);
	answer(&d, 0);
	script_run(d.script);
	assert_int_equal(d.count, 5);
	assert_true(script_ahead_changed(d.task, d.wants[str_is(d.wants[3].name, "ssh.read") ? 3 : 4].path));
	first = script_ahead_note(d.task, d.wants[str_is(d.wants[3].name, "ssh.run") ? 3 : 4].path);
	answer(&d, 3);
	answer(&d, 4);
	script_run(d.script);
	answer(&d, 5);
	script_run(d.script);
	assert_int_equal(d.count, 7);
	assert_true(script_ahead_changed(d.task, d.wants[6].path));
	third = script_ahead_note(d.task, d.wants[6].path);
	assert_true(strcmp(first, second) < 0 && strcmp(second, third) < 0);
	mem_free(first);
	mem_free(second);
	mem_free(third);
	done(&d);
}

static int setup(void **state)
{
	assert_int_equal(folder_setup(state), 0);
	/* The watch is tried by session_load_test; valgrind and sanitizers need more time than it gives. */
	setenv("BELLBOOK_LUA_SECONDS", "600", 1);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(task__gives_what_it_set_and_returns_what_it_returned),
		cmocka_unit_test(task__waits_for_late_answers_in_any_order),
		cmocka_unit_test(each__stops_after_failures_and_names_them),
		cmocka_unit_test(each__may_be_nested_and_stand_in_pcall),
		cmocka_unit_test(errors__are_tables_that_pcall_gives),
		cmocka_unit_test(failures__begin_with_the_cause_and_not_with_the_script),
		cmocka_unit_test(waits__say_what_for_how_often_and_what_was_last_seen),
		cmocka_unit_test(s__reads_and_writes_what_the_step_names),
		cmocka_unit_test(secrets__never_become_text),
		cmocka_unit_test(texts__are_made_of_what_has_a_value),
		cmocka_unit_test(secrets__are_named_by_no_text_of_a_host),
		cmocka_unit_test(values__come_back_as_they_were),
		cmocka_unit_test(task__that_is_dropped_in_its_handler_ends_quietly),
		cmocka_unit_test(look_ahead__knows_what_is_behind_a_change_and_the_order_of_the_hosts),
		cmocka_unit_test(task__without_end_is_stopped),
		cmocka_unit_test(task__that_eats_memory_is_stopped_and_leaks_nothing),
	};

	return cmocka_run_group_tests(tests, setup, folder_teardown);
}
