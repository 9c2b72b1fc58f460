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
		for (const struct action_param *param = list[i]->params; param->name; param++)
			assert_non_null(param->help);
		/* What changes something either can be settled, or says that it cannot. */
		assert_true(list[i]->effect != EFFECT_CHANGE || list[i]->settle);
		assert_true(list[i]->effect == EFFECT_CHANGE || !list[i]->settle);
	}
	assert_null(action_find("ssh.nothing"));
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
		cmocka_unit_test(action_check__takes_what_fits),
		cmocka_unit_test(action_check__names_what_is_wrong),
		cmocka_unit_test(action_check__takes_durations),
		cmocka_unit_test(action_command__quotes_lists_and_keeps_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
