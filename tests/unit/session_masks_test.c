/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/secret/masks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static struct redactor *of(const char *value)
{
	struct redactor *redactor = redactor_new();
	struct err e = {0};
	struct secret *secret = secret_new("k", value, strlen(value), &e);

	assert_non_null(secret);
	redactor_add(redactor, secret);
	secret_free(secret);
	return redactor;
}

/* Both redactors know the secret unless it is a word: then values keep it. */
static void assert_masked(const char *value, bool word, enum event_kind kind, const char *data, const char *expected)
{
	struct redactor *text = of(value), *values = word ? redactor_new() : of(value);
	char *masked = masks_data(text, values, kind, data);

	if (!expected)
		assert_null(masked);
	else
		assert_string_equal(masked, expected);
	mem_free(masked);
	redactor_free(text);
	redactor_free(values);
}

static void masks_data__replaces_in_what_came_from_outside_alone(void **state)
{
	static const char begun[] = "{\"action\":\"ssh.run\",\"args\":{\"cmd\":\"echo mastodon\",\"env\":{\"A\":{\"$secret\":\"mastodon\"},\"mastodon\":\"1\"}},\"as\":\"mastodon\",\"job\":\"1.mastodon-web.1\","
				    "\"shown\":\"echo mastodon\"}";

	(void)state;
	assert_masked("mastodon", true, EVENT_CALL_BEGUN, begun,
		      "{\"action\":\"ssh.run\",\"args\":{\"cmd\":\"echo mastodon\",\"env\":{\"A\":{\"$secret\":\"mastodon\"},\"mastodon\":\"1\"}},\"as\":\"mastodon\",\"job\":\"1.mastodon-web.1\","
		      "\"shown\":\"echo [secret k]\"}");
	assert_masked("mastodon", false, EVENT_CALL_BEGUN, begun,
		      "{\"action\":\"ssh.run\",\"args\":{\"cmd\":\"echo [secret k]\",\"env\":{\"A\":{\"$secret\":\"mastodon\"},\"mastodon\":\"1\"}},\"as\":\"[secret k]\",\"job\":\"1.mastodon-web.1\","
		      "\"shown\":\"echo [secret k]\"}");
	assert_masked("outcome", false, EVENT_CALL_ENDED, "{\"error\":\"no outcome\",\"outcome\":\"failed\"}", "{\"error\":\"no [secret k]\",\"outcome\":\"failed\"}");
	assert_masked("skipped", false, EVENT_STEP_ENDED, "{\"state\":\"skipped\",\"took_us\":12}", NULL);
}

static void masks_data__leaves_syntax_keys_and_numbers(void **state)
{
	(void)state;
	assert_masked("\":true", false, EVENT_ASKED, "{\"of\":\"x\",\"secret\":true}", NULL);
	assert_masked("1234567", false, EVENT_CALL_OUTPUT, "{\"stream\":\"out\",\"to\":1234567}", NULL);
	assert_masked("hunter2", false, EVENT_STEP_ENDED, "{\"gives\":{\"hunter2\":\"a\"},\"state\":\"ok\"}", NULL);
	assert_masked("\"quo\\ted\"", false, EVENT_CALL_ENDED, "{\"error\":\"a \\\"quo\\\\ted\\\" b\"}", "{\"error\":\"a [secret k] b\"}");
	assert_masked("hunter2", false, EVENT_WARNED, "no json hunter2", NULL);
}

/* A person may type a password into the wrong field: account, guest. An ordinary word stays. */
static void masks_data__looks_into_names_that_people_type(void **state)
{
	(void)state;
	assert_masked("tOpS3cret-zz9", false, EVENT_CALL_BEGUN, "{\"args\":{\"as\":\"tOpS3cret-zz9\",\"cmd\":\"true\"},\"as\":\"tOpS3cret-zz9\"}",
		      "{\"args\":{\"as\":\"[secret k]\",\"cmd\":\"true\"},\"as\":\"[secret k]\"}");
	assert_masked("mastodon", true, EVENT_CALL_BEGUN, "{\"args\":{\"as\":\"mastodon\"},\"as\":\"mastodon\"}", NULL);
	assert_masked("tOpS3cret-zz9", false, EVENT_ASKED, "{\"as\":\"tOpS3cret-zz9\"}", "{\"as\":\"[secret k]\"}");
	assert_masked("tOpS3cret-zz9", false, EVENT_INVITED, "{\"to\":\"tOpS3cret-zz9\"}", "{\"to\":\"[secret k]\"}");
	assert_masked("tOpS3cret-zz9", false, EVENT_DISMISSED, "{\"to\":\"tOpS3cret-zz9\"}", "{\"to\":\"[secret k]\"}");
	assert_masked("tOpS3cret-zz9", false, EVENT_JOINED, "{\"role\":\"driver\",\"view\":\"tOpS3cret-zz9\"}", "{\"role\":\"driver\",\"view\":\"[secret k]\"}");
	assert_masked("tOpS3cret-zz9", false, EVENT_LEFT, "{\"role\":\"driver\",\"view\":\"tOpS3cret-zz9\"}", "{\"role\":\"driver\",\"view\":\"[secret k]\"}");
}

/* What a newer kind has, and this table does not name, is text. */
static void masks_data__takes_what_it_does_not_know_for_text(void **state)
{
	(void)state;
	assert_masked("hunter2", false, EVENT_UNKNOWN, "{\"new\":[\"hunter2\",{\"more\":\"hunter2\"}]}", "{\"new\":[\"[secret k]\",{\"more\":\"[secret k]\"}]}");
	assert_masked("hunter2", false, EVENT_HELD, "{\"text\":\"hunter2\"}", "{\"text\":\"[secret k]\"}");
	assert_int_equal(event_member_of(EVENT_ASKED, "of"), MEMBER_WORD);
	assert_int_equal(event_member_of(EVENT_ASKED, "details"), MEMBER_TEXT);
	assert_int_equal(event_member_of(EVENT_ASKED, "labe"), MEMBER_TEXT);
	assert_int_equal(event_member_of(EVENT_ASKED, ""), MEMBER_TEXT);
	assert_int_equal(event_member_of(EVENT_ASKED, "of type"), MEMBER_TEXT);
}

/* Every text that docs/events.md tells of has a place: a new one must be thought about here. */
static void event_member_of__knows_the_words_of_every_kind(void **state)
{
	static const char texts[] = " text reason why error details shown title label help content said abort how unproven words ";

	(void)state;
	for (const struct event_type *type = event_types(); type->name; type++) {
		for (const char *at = type->fields; (at = strstr(at, " text")) != NULL; at += 5) {
			const char *begin = at;
			char *key, *listed;

			while (begin > type->fields && (begin[-1] == '_' || (begin[-1] >= 'a' && begin[-1] <= 'z')))
				begin--;
			if (begin == at || strchr("?,) ;(]}", at[5]) == NULL)
				continue;
			key = mem_dup(begin, (size_t)(at - begin));
			listed = mem_printf(" %s ", key);
			if (event_member_of(type->kind, key) == MEMBER_TEXT && !strstr(texts, listed) && type->kind != EVENT_SESSION_OPENED && type->kind != EVENT_SESSION_RESUMED)
				fail_msg("%s: is %s a word, a value or a text?", type->name, key);
			mem_free(key);
			mem_free(listed);
		}
	}
}

static bool same(const char *stored, const char *now)
{
	struct err e = {0};
	struct json *a = json_parse(stored, strlen(stored), &e), *b = json_parse(now, strlen(now), &e);
	bool result = masks_same(a, b);

	assert_true(a && b);
	json_free(a);
	json_free(b);
	return result;
}

static void masks_same__lets_a_mask_stand_for_any_text(void **state)
{
	(void)state;
	assert_true(same("{\"a\":[\"x [secret k] y\",1]}", "{\"a\":[\"x mastodon y\",1]}"));
	assert_true(same("\"[secret k]\"", "\"\""));
	assert_true(same("\"[secret k] and [secret l].\"", "\"a and and b.\""));
	assert_true(same("\"[secret k][secret k]\"", "\"aa\""));
	assert_true(same("\"[secret k] x\"", "\"[secret k] x\""));
	assert_true(same("null", "null"));
	assert_false(same("\"[secret k] y\"", "\"y\""));
	assert_false(same("\"x [secret k] y\"", "\"x y\""));
	assert_false(same("\"x [secret k] y\"", "\"x mastodon z\""));
	assert_false(same("\"x [secret k\"", "\"x mastodon\""));
	assert_false(same("{\"a\":\"[secret k]\"}", "{\"b\":\"mastodon\"}"));
	assert_false(same("{\"a\":\"[secret k]\"}", "{\"a\":1}"));
	assert_false(same("{\"a\":\"[secret k]\"}", "{\"a\":\"x\",\"b\":1}"));
	assert_false(same("[1,2]", "[1,3]"));
	assert_false(same("[]", "{}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masks_data__replaces_in_what_came_from_outside_alone),
		cmocka_unit_test(masks_data__leaves_syntax_keys_and_numbers),
		cmocka_unit_test(masks_data__looks_into_names_that_people_type),
		cmocka_unit_test(masks_data__takes_what_it_does_not_know_for_text),
		cmocka_unit_test(event_member_of__knows_the_words_of_every_kind),
		cmocka_unit_test(masks_same__lets_a_mask_stand_for_any_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
