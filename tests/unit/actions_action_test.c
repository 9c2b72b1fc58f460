/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "actions/worker/action.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

/* Checks args for here.run; "" or the words of the refusal. */
static const char *check(const char *args)
{
	static struct err e;
	struct json *json = json_parse(args, strlen(args), &e);

	assert_non_null(json);
	err_clear(&e);
	if (action_check(action_find("here.run"), json, &e) < 0)
		assert_int_equal(e.kind, ERR_USAGE);
	json_free(json);
	return e.text;
}

static void action_find__knows_every_listed_action(void **state)
{
	const struct action *const *list = action_list();

	(void)state;
	assert_non_null(list[0]);
	for (size_t i = 0; list[i]; i++) {
		assert_ptr_equal(action_find(list[i]->name), list[i]);
		assert_non_null(list[i]->help);
		assert_non_null(list[i]->start);
		assert_non_null(list[i]->params);
		assert_non_null(list[i]->gives);
		assert_non_null(list[i]->shown);
		for (const struct action_param *param = list[i]->params; param->name; param++)
			assert_non_null(param->help);
		for (const struct action_gives *member = list[i]->gives; member->name; member++)
			assert_non_null(member->help);
		assert_true((list[i]->watch == WATCH_BEGINS) == (list[i]->watcher != NULL));
		/* What changes something either can be settled, or says that it cannot. */
		assert_true(list[i]->effect != EFFECT_CHANGE || list[i]->settle);
		assert_true(list[i]->effect == EFFECT_CHANGE || !list[i]->settle);
	}
	assert_null(action_find("ssh.nothing"));
}

/* Places in the Lua call are told from 1 on, without a gap; what raises by a status gives one. */
static void actions__can_be_called(void **state)
{
	const struct action *const *list = action_list();

	(void)state;
	for (size_t i = 0; list[i]; i++) {
		int placed = 0, highest = 0;
		bool code = false;

		for (const struct action_param *param = list[i]->params; param->name; param++) {
			placed += param->rank > 0;
			highest = param->rank > highest ? param->rank : highest;
		}
		assert_int_equal(placed, highest);
		for (int rank = 1; rank <= highest; rank++)
			assert_non_null(action_param_at(list[i], rank));
		assert_null(action_param_at(list[i], highest + 1));
		assert_null(action_param_at(list[i], 0));
		for (const struct action_gives *member = list[i]->gives; member->name; member++)
			code = code || str_is(member->name, "code");
		assert_true(list[i]->raises != RAISES_STATUS || code);
	}
}

static void action_for__is_one_here_and_one_on_a_host(void **state)
{
	(void)state;
	for (enum action_use use = USE_LOOK; use <= USE_SHELL; use++) {
		assert_false(action_is_aimed(action_for(use, true)));
		assert_true(action_is_aimed(action_for(use, false)));
	}
	assert_int_equal(action_for(USE_LOOK, false)->effect, EFFECT_READ);
	assert_true(action_for(USE_SHELL, true)->by_hand);
}

static struct json *parse(const char *text)
{
	struct err e;
	struct json *json = json_parse(text, strlen(text), &e);

	assert_non_null(json);
	return json;
}

static void action_looks__is_no_look_that_writes_a_file_here(void **state)
{
	struct json *read = parse("{\"path\":\"/a\"}"), *fetch = parse("{\"path\":\"/a\",\"to\":\"/b\"}");

	(void)state;
	assert_true(action_looks(action_find("ssh.get"), read));
	assert_false(action_looks(action_find("ssh.get"), fetch));
	assert_false(action_looks(action_find("ssh.put"), read));
	json_free(read);
	json_free(fetch);
}

/* What a person confirms, as JSON. */
static void entry(const char *action, const char *args, const char *expected)
{
	struct json *json = parse(args), *got = action_entry(action_find(action), json);
	char *print = json_print(got);

	assert_string_equal(print, expected);
	mem_free(print);
	json_free(got);
	json_free(json);
}

static void action_entry__is_exactly_what_runs(void **state)
{
	(void)state;
	entry("ssh.run",
	      "{\"cmd\":[\"rm\",\"a b\"],\"as\":\"web\",\"cwd\":\"/srv\",\"env\":{\"A\":\"x\",\"P\":{\"$secret\":\"pw\"}},\"stdin\":\"abc\",\"pty\":true}",
	      "{\"action\":\"ssh.run\",\"also\":[\"stdin: 3 bytes, sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",\"it has a terminal\"],"
	      "\"as\":\"web\",\"content\":\"abc\",\"cwd\":\"/srv\",\"env\":{\"A\":\"x\",\"P\":{\"$secret\":\"pw\"}},\"shown\":\"rm 'a b'\"}");
	entry("here.run", "{\"cmd\":\"cat\",\"stdin\":{\"$secret\":\"pw\"}}",
	      "{\"action\":\"here.run\",\"also\":[\"stdin: the secret pw\"],\"shown\":\"cat\"}");
	entry("ssh.put", "{\"path\":\"/etc/a\",\"file\":\"/tmp/a\",\"mode\":\"0640\",\"owner\":\"root:web\",\"as\":\"root\"}",
	      "{\"action\":\"ssh.put\",\"also\":[\"mode 0640, owner root:web\"],\"as\":\"root\",\"shown\":\"ssh.put /etc/a from /tmp/a\"}");
	entry("outside.look", "{\"asks\":[{\"url\":\"https://a\"},{\"url\":\"https://b/x\",\"method\":\"POST\"}]}",
	      "{\"action\":\"outside.look\",\"shown\":\"outside.look https://a, POST https://b/x\"}");
}

/* What is longer than a question can hold is there by its length and digest. */
static void action_entry__has_a_digest_of_what_is_too_long(void **state)
{
	char long_text[5001] = "", *args;
	struct json *json, *got;

	(void)state;
	memset(long_text, 'a', sizeof(long_text) - 1);
	args = mem_printf("{\"cmd\":\"x\",\"stdin\":\"%s\",\"env\":{\"A\":\"1\",\"LONG\":\"%s\"}}", long_text, long_text);
	json = parse(args);
	got = action_entry(action_find("here.run"), json);
	assert_null(json_at(got, "content"));
	assert_int_equal(json_count(json_at(got, "env")), 1);
	assert_int_equal(json_count(json_at(got, "also")), 2);
	assert_true(str_starts(json_as_text(json_item(json_at(got, "also"), 0)), "variable LONG: 5000 bytes, sha256 "));
	assert_true(str_starts(json_as_text(json_item(json_at(got, "also"), 1)), "stdin: 5000 bytes, sha256 "));
	json_free(got);
	json_free(json);
	mem_free(args);
}

static void action_check__takes_what_fits(void **state)
{
	(void)state;
	assert_string_equal(check("{\"cmd\":\"true\"}"), "");
	assert_string_equal(check("{\"cmd\":[\"a\",\"b\"],\"env\":{\"A\":\"x\",\"B\":{\"$secret\":\"s\"}}}"), "");
}

static void action_check__names_what_is_wrong(void **state)
{
	(void)state;
	assert_string_equal(check("{\"cmd\":\"x\",\"tiemout\":1}"), "here.run: unknown \"tiemout\"; did you mean \"timeout\"?");
	assert_string_equal(check("{\"cmd\":\"x\",\"qqqqqqqqq\":1}"), "here.run: unknown \"qqqqqqqqq\"");
	assert_true(str_starts(check("{}"), "here.run: \"cmd\" is missing"));
	assert_true(str_starts(check("{\"cmd\":\"\"}"), "here.run: \"cmd\" must be a command"));
	assert_true(str_starts(check("{\"cmd\":[]}"), "here.run: \"cmd\" must be a command"));
	assert_true(str_starts(check("{\"cmd\":[1]}"), "here.run: \"cmd\" must be a command"));
	assert_true(str_starts(check("{\"cmd\":\"x\",\"env\":{\"A\":1}}"), "here.run: \"env\" must be a table"));
	assert_true(str_starts(check("{\"cmd\":\"x\",\"pty\":\"yes\"}"), "here.run: \"pty\" must be true or false"));
	assert_true(str_starts(check("{\"cmd\":\"x\",\"timeout\":\"soon\"}"), "here.run: \"timeout\" must be a duration"));
	assert_true(str_starts(check("{\"cmd\":\"x\",\"timeout\":-1}"), "here.run: \"timeout\" must be a duration"));
	assert_true(str_starts(check("{\"cmd\":\"x\",\"stdin\":{\"$secret\":1}}"), "here.run: \"stdin\" must be a text or a secret"));
	assert_true(str_starts(check("[]"), "here.run: its arguments"));
}

static void action_check__takes_durations(void **state)
{
	(void)state;
	assert_string_equal(check("{\"cmd\":\"x\",\"timeout\":10,\"grace\":0.5}"), "");
	assert_string_equal(check("{\"cmd\":\"x\",\"timeout\":\"10m\"}"), "");
}

static void command(const char *args, const char *expected)
{
	struct buf out = {0};
	struct err e;
	struct json *json = json_parse(args, strlen(args), &e);

	assert_int_equal(action_command(json, &out, &e), 0);
	assert_string_equal(buf_text(&out), expected);
	json_free(json);
	buf_done(&out);
}

static void action_command__quotes_lists_and_keeps_texts(void **state)
{
	struct buf out = {0};
	struct err e;

	(void)state;
	command("{\"cmd\":\"a | b\"}", "a | b");
	command("{\"cmd\":[\"rm\",\"-f\",\"a b\"]}", "rm -f 'a b'");
	command("{\"cmd\":[\"x=1\",\"\",\"*\"]}", "'x=1' '' '*'");
	assert_int_equal(action_command(NULL, &out, &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(action_find__knows_every_listed_action),
		cmocka_unit_test(actions__can_be_called),
		cmocka_unit_test(action_for__is_one_here_and_one_on_a_host),
		cmocka_unit_test(action_looks__is_no_look_that_writes_a_file_here),
		cmocka_unit_test(action_entry__is_exactly_what_runs),
		cmocka_unit_test(action_entry__has_a_digest_of_what_is_too_long),
		cmocka_unit_test(action_check__takes_what_fits),
		cmocka_unit_test(action_check__names_what_is_wrong),
		cmocka_unit_test(action_check__takes_durations),
		cmocka_unit_test(action_command__quotes_lists_and_keeps_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
