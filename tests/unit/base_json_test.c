/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_write.h"
#include "base/mem.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void assert_prints(const struct json *value, const char *expected)
{
	char *text = json_print(value);

	assert_string_equal(text, expected);
	mem_free(text);
}

static struct json *parse(const char *text)
{
	struct err e;
	struct json *value = json_parse(text, strlen(text), &e);

	if (!value)
		fail_msg("%s: %s", text, e.text);
	return value;
}

static void json_new__makes_each_type(void **state)
{
	struct json *values[] = {
		json_new_null(), json_new_bool(true), json_new_int(INT64_MIN), json_new_real(0.5),
		json_new_text("x", 1), json_new_array(), json_new_object(),
	};
	static const char *const texts[] = {
		"null", "true", "-9223372036854775808", "0.5", "\"x\"", "[]", "{}",
	};

	(void)state;
	for (int i = JSON_IS_NULL; i <= JSON_IS_OBJECT; i++) {
		assert_int_equal(json_type_of(values[i]), i);
		assert_prints(values[i], texts[i]);
		json_free(values[i]);
	}
	assert_int_equal(json_type_of(NULL), JSON_IS_NULL);
	assert_prints(NULL, "null");
	json_free(NULL);
}

static void json_new_real__has_no_infinity(void **state)
{
	double odd[] = { (double)INFINITY, -(double)INFINITY, (double)NAN };

	(void)state;
	for (size_t i = 0; i < COUNT(odd); i++) {
		struct json *value = json_new_real(odd[i]);

		assert_prints(value, "null");
		json_free(value);
	}
}

static void json_new_text__is_scrubbed(void **state)
{
	struct json *value = json_new_text("a\xff\0b", 4);
	struct json *empty = json_new_text(NULL, 0);

	(void)state;
	assert_string_equal(json_as_text(value), "a\xef\xbf\xbd\xef\xbf\xbd" "b");
	assert_string_equal(json_as_text(empty), "");
	json_free(value);
	json_free(empty);
}

static void json_put__scrubs_keys_too(void **state)
{
	struct json *object = json_new_object();

	(void)state;
	json_set_int(object, "k\xff", 1);
	assert_prints(object, "{\"k\xef\xbf\xbd\":1}");
	json_free(object);
}

static void json_parse__takes_any_value_and_gives_it_back(void **state)
{
	static const char *const texts[] = {
		"null", "true", "false", "0", "-1", "9223372036854775807", "\"\"", "\"\xc3\xa9\"",
		"[]", "{}", "[1,[2,[3]]]", "{\"a\":{\"b\":[null,\"x\"]}}", "\"\\u0001\\n\\\"\\\\\"",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct json *value = parse(texts[i]);

		assert_prints(value, texts[i]);
		json_free(value);
	}
}

static void json_parse__reads_only_len_bytes(void **state)
{
	struct err e;
	struct json *value = json_parse("[1]garbage", 3, &e);

	(void)state;
	assert_prints(value, "[1]");
	json_free(value);
}

static void json_parse__refuses_and_says_where(void **state)
{
	static const char *const bad[] = {
		"", " ", "[", "]", "{", "[1,]", "{\"a\":1,\"a\":2}", "{a:1}", "nul", "01", "1 2",
		"[1] x", "\"open", "\"\xff\"", "\"\xed\xa0\x80\"", "\"\xc0\x80\"", "\"\\u0000\"",
		"\"\\ud800\"", "9223372036854775808", "1e999", "NaN", "\"\n\"", "'x'", "{\"a\"}",
		"\xef\xbb\xbf{}", "[]]]]][[[[[",
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		e = (struct err){0};
		if (json_parse(bad[i], strlen(bad[i]), &e))
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(e.kind, ERR_CORRUPT);
		assert_int_equal(strncmp(e.text, "JSON: line ", 11), 0);
	}
	assert_null(json_parse("[1,\0 2]", 7, &e));
	assert_null(json_parse(NULL, 0, &e));
}

static void nest(struct buf *text, int depth, const char *open, const char *close)
{
	buf_clear(text);
	for (int i = 0; i < depth; i++)
		buf_puts(text, open);
	buf_puts(text, "1");
	for (int i = 0; i < depth; i++)
		buf_puts(text, close);
}

static void json_parse__allows_64_levels_and_no_more(void **state)
{
	struct buf text = {0};
	struct err e;
	struct json *value;

	(void)state;
	nest(&text, 64, "[", "]");
	value = json_parse(text.data, text.len, &e);
	assert_non_null(value);
	json_free(value);
	nest(&text, 65, "[", "]");
	assert_null(json_parse(text.data, text.len, &e));
	assert_int_equal(e.kind, ERR_CORRUPT);
	assert_non_null(strstr(e.text, "64"));
	nest(&text, 65, "{\"a\":", "}");
	assert_null(json_parse(text.data, text.len, &e));
	/* Enough to end a parser that recurses without a limit. */
	nest(&text, 1000000, "[", "]");
	assert_null(json_parse(text.data, text.len, &e));
	buf_done(&text);
}

static void json_parse__does_not_count_brackets_in_strings(void **state)
{
	struct buf text = {0};
	struct err e;
	struct json *value;

	(void)state;
	buf_puts(&text, "\"\\\"\\\\");
	for (int i = 0; i < 100; i++)
		buf_puts(&text, "[{\\\"");
	buf_puts(&text, "\"");
	value = json_parse(text.data, text.len, &e);
	assert_non_null(value);
	json_free(value);
	buf_done(&text);
}

static void json_print__sorts_keys(void **state)
{
	struct json *a = parse("{\"b\": 1, \"a\": {\"z\": [1, 2], \"y\": null}}");
	struct json *b = parse("{\"a\": {\"y\": null, \"z\": [1, 2]}, \"b\": 1}");

	(void)state;
	assert_prints(a, "{\"a\":{\"y\":null,\"z\":[1,2]},\"b\":1}");
	assert_prints(b, "{\"a\":{\"y\":null,\"z\":[1,2]},\"b\":1}");
	assert_true(json_same(a, b));
	json_set_int(b, "b", 2);
	assert_false(json_same(a, b));
	json_free(a);
	json_free(b);
}

/* A line of JSON goes to terminals as it is. */
static void json_print__escapes_what_a_terminal_obeys(void **state)
{
	static const char *const cases[][2] = {
		{ "a\x7f" "b", "\"a\\u007Fb\"" }, { "\xc2\x9b" "31m", "\"\\u009B31m\"" }, { "x\xe2\x80\xaey", "\"x\\u202Ey\"" },
		{ "1234567\xe2\x80\xa8", "\"1234567\\u2028\"" }, { "\xd8\x9c\xe2\x81\xa6\xef\xbb\xbf", "\"\\u061C\\u2066\\uFEFF\"" },
		{ "\xc2\xa0\xd8\xa7\xe2\x82\xac\xef\xbc\xa1\xc3\xa9 \xf0\x9f\x98\x80", "\"\xc2\xa0\xd8\xa7\xe2\x82\xac\xef\xbc\xa1\xc3\xa9 \xf0\x9f\x98\x80\"" },
		{ "\\u202e\"", "\"\\\\u202e\\\"\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct json *value = json_new_text(cases[i][0], strlen(cases[i][0])), *back;
		struct buf written = {0};

		assert_prints(value, cases[i][1]);
		json_write_text(&written, cases[i][0], strlen(cases[i][0]));
		assert_string_equal(buf_text(&written), cases[i][1]);
		back = parse(cases[i][1]);
		assert_true(json_same(back, value));
		buf_done(&written);
		json_free(back);
		json_free(value);
	}
}

static void json_same__treats_no_value_as_null(void **state)
{
	struct json *null = json_new_null();
	struct json *one = json_new_int(1);

	(void)state;
	assert_true(json_same(NULL, NULL));
	assert_true(json_same(null, NULL));
	assert_false(json_same(one, NULL));
	assert_false(json_same(null, one));
	json_free(null);
	json_free(one);
}

static void json_copy_of__is_deep(void **state)
{
	struct json *a = parse("{\"list\":[{\"x\":1}]}");
	struct json *b = json_copy_of(a);

	(void)state;
	json_set_int(json_item(json_at(b, "list"), 0), "x", 2);
	assert_prints(a, "{\"list\":[{\"x\":1}]}");
	assert_prints(b, "{\"list\":[{\"x\":2}]}");
	assert_null(json_copy_of(NULL));
	json_free(a);
	json_free(b);
}

static void json_put__takes_the_value_also_when_it_fails(void **state)
{
	struct json *object = json_new_object();
	struct json *array = json_new_array();

	(void)state;
	json_put(object, "k", json_new_text("one", 3));
	json_put(object, "k", json_new_int(2));
	assert_prints(object, "{\"k\":2}");
	/* Not an object, not an array: the leak check sees what is not freed. */
	json_put(array, "k", json_new_text("lost", 4));
	json_put(NULL, "k", json_new_text("lost", 4));
	json_add(object, json_new_text("lost", 4));
	json_add(NULL, json_new_text("lost", 4));
	assert_prints(array, "[]");
	assert_prints(object, "{\"k\":2}");
	json_free(object);
	json_free(array);
}

static void json_set__each_kind_and_null_text_removes(void **state)
{
	struct json *object = json_new_object();

	(void)state;
	json_set_text(object, "t", "x\xff");
	json_set_int(object, "i", -5);
	json_set_bool(object, "b", false);
	json_set_text(object, "gone", "x");
	json_set_text(object, "gone", NULL);
	json_set_text(object, "never", NULL);
	assert_prints(object, "{\"b\":false,\"i\":-5,\"t\":\"x\xef\xbf\xbd\"}");
	json_free(object);
}

static void json_at__and_item_give_null_for_what_is_not_there(void **state)
{
	struct json *object = parse("{\"a\":[10,20]}");
	struct json *array = json_at(object, "a");

	(void)state;
	assert_int_equal(json_as_int(json_item(array, 1), 0), 20);
	assert_null(json_item(array, 2));
	assert_null(json_item(object, 0));
	assert_null(json_item(NULL, 0));
	assert_null(json_at(object, "b"));
	assert_null(json_at(array, "a"));
	assert_null(json_at(NULL, "a"));
	assert_int_equal(json_count(array), 2);
	assert_int_equal(json_count(object), 1);
	assert_int_equal(json_count(json_item(array, 0)), 0);
	assert_int_equal(json_count(NULL), 0);
	json_free(object);
}

static void json_text__int_and_bool_fall_back_on_other_types(void **state)
{
	struct json *object = parse("{\"t\":\"x\",\"i\":7,\"b\":true,\"r\":1.5,\"n\":null}");
	static const char *const keys[] = { "t", "i", "b", "r", "n", "missing" };

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		const char *key = keys[i];

		assert_string_equal(json_text(object, key, "-"), i == 0 ? "x" : "-");
		assert_int_equal(json_int(object, key, -1), i == 1 ? 7 : -1);
		assert_int_equal(json_bool(object, key, false), i == 2);
		assert_int_equal(json_bool(object, key, true), true);
	}
	assert_null(json_text(NULL, "x", NULL));
	assert_null(json_as_text(json_at(object, "i")));
	assert_true(json_as_real(json_at(object, "r"), 0) > 1.4);
	assert_true(json_as_real(json_at(object, "i"), 0) > 6.9);
	assert_true(json_as_real(json_at(object, "t"), -1) < 0);
	assert_int_equal(json_as_int(json_at(object, "r"), -1), -1);
	json_free(object);
}

static void json_next__walks_in_order_of_insertion(void **state)
{
	struct json *object = parse("{\"z\":1,\"a\":2,\"m\":3}");
	struct json *value;
	struct buf seen = {0};
	const char *key;
	void *it = NULL;

	(void)state;
	while ((key = json_next(object, &it, &value)))
		buf_printf(&seen, "%s%lld ", key, (long long)json_as_int(value, 0));
	assert_string_equal(buf_text(&seen), "z1 a2 m3 ");
	assert_null(value);
	it = NULL;
	assert_null(json_next(NULL, &it, &value));
	buf_done(&seen);
	json_free(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_new__makes_each_type),
		cmocka_unit_test(json_new_real__has_no_infinity),
		cmocka_unit_test(json_new_text__is_scrubbed),
		cmocka_unit_test(json_put__scrubs_keys_too),
		cmocka_unit_test(json_parse__takes_any_value_and_gives_it_back),
		cmocka_unit_test(json_parse__reads_only_len_bytes),
		cmocka_unit_test(json_parse__refuses_and_says_where),
		cmocka_unit_test(json_parse__allows_64_levels_and_no_more),
		cmocka_unit_test(json_parse__does_not_count_brackets_in_strings),
		cmocka_unit_test(json_print__sorts_keys),
		cmocka_unit_test(json_print__escapes_what_a_terminal_obeys),
		cmocka_unit_test(json_same__treats_no_value_as_null),
		cmocka_unit_test(json_copy_of__is_deep),
		cmocka_unit_test(json_put__takes_the_value_also_when_it_fails),
		cmocka_unit_test(json_set__each_kind_and_null_text_removes),
		cmocka_unit_test(json_at__and_item_give_null_for_what_is_not_there),
		cmocka_unit_test(json_text__int_and_bool_fall_back_on_other_types),
		cmocka_unit_test(json_next__walks_in_order_of_insertion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
