/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json_cut.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"

#define MAX ((size_t)4096)

static size_t printed(const struct json *value)
{
	char *text = json_print(value);
	size_t len = strlen(text);

	mem_free(text);
	return len;
}

static struct json *text_of(char c, size_t len)
{
	char *text = mem_alloc(len + 1);
	struct json *value;

	memset(text, c, len);
	value = json_new_text(text, len);
	mem_free(text);
	return value;
}

static void json_cut__leaves_what_fits(void **state)
{
	struct json *value = json_new_object(), *copy;

	(void)state;
	json_put(value, "a", text_of('x', MAX - 8));
	assert_int_equal(printed(value), MAX);
	copy = json_cut(value, MAX);
	assert_true(json_same(value, copy));
	json_free(copy);
	json_put(value, "a", text_of('x', MAX - 7));
	copy = json_cut(value, MAX);
	assert_false(json_same(value, copy));
	assert_true(printed(copy) <= MAX);
	json_free(copy);
	json_free(value);
}

static void json_cut__cuts_the_long_texts_and_nothing_else(void **state)
{
	struct json *value = json_new_object(), *list = json_new_array(), *copy;

	(void)state;
	json_set_text(value, "of", "step");
	json_set_int(value, "seq", 12);
	for (int i = 0; i < 3; i++)
		json_add(list, text_of('\1', 100000));
	json_add(list, json_new_text("last", 4));
	json_put(value, "list", list);
	copy = json_cut(value, MAX);
	assert_true(printed(copy) <= MAX);
	assert_string_equal(json_text(copy, "of", ""), "step");
	assert_int_equal(json_int(copy, "seq", 0), 12);
	assert_int_equal(json_count(json_at(copy, "list")), 4);
	assert_non_null(strstr(json_as_text(json_item(json_at(copy, "list"), 0)), "[cut: 100000 bytes in all"));
	assert_string_equal(json_as_text(json_item(json_at(copy, "list"), 3)), "last");
	json_free(copy);
	json_free(value);
}

static void json_cut__leaves_out_members_only_when_texts_are_not_enough(void **state)
{
	struct json *many = json_new_array(), *keys = json_new_object(), *copy;
	char name[2000];

	(void)state;
	for (int i = 0; i < 100000; i++)
		json_add(many, json_new_int(i));
	copy = json_cut(many, MAX);
	assert_true(printed(copy) <= MAX);
	assert_true(json_count(copy) > 0 && json_count(copy) < 100000);
	assert_int_equal(json_as_int(json_item(copy, 0), -1), 0);
	json_free(copy);
	json_free(many);
	memset(name, 'k', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	for (char c = 'a'; c <= 'z'; c++) {
		name[0] = c;
		json_set_int(keys, name, c);
	}
	json_set_int(keys, "short", 1);
	copy = json_cut(keys, MAX);
	assert_true(printed(copy) <= MAX);
	assert_int_equal(json_int(copy, "short", 0), 1);
	json_free(copy);
	json_free(keys);
}

static void json_cut__bounds_a_bush(void **state)
{
	struct json *value = json_new_int(1), *copy;

	(void)state;
	/* Each level holds the one below it four times: a million leaves. */
	for (int depth = 0; depth < 10; depth++) {
		struct json *level = json_new_array();

		for (int i = 0; i < 3; i++)
			json_add(level, json_copy_of(value));
		json_add(level, value);
		value = level;
	}
	copy = json_cut(value, MAX);
	assert_true(printed(copy) <= MAX);
	json_free(copy);
	json_free(value);
}

static void json_is_deeper__counts_brackets(void **state)
{
	struct json *value = json_new_int(1);

	(void)state;
	for (int depth = 0; depth < 20; depth++) {
		struct json *outer = depth % 2 ? json_new_array() : json_new_object();

		assert_false(json_is_deeper(value, depth));
		assert_int_equal(depth > 0 && json_is_deeper(value, depth - 1), depth > 0);
		if (depth % 2)
			json_add(outer, value);
		else
			json_put(outer, "x", value);
		value = outer;
	}
	json_free(value);
}

static void text_cut__never_gives_half_a_character(void **state)
{
	char text[600];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i += 3)
		memcpy(text + i, "\xe2\x80\xa8", 3);
	for (size_t max = 128; max < sizeof(text); max++) {
		struct buf out = {0};

		text_cut(&out, text, sizeof(text), max);
		assert_true(out.len <= max);
		assert_non_null(strstr(buf_text(&out), "600 bytes in all"));
		assert_memory_equal(strstr(buf_text(&out), " …") - 3, "\xe2\x80\xa8", 3);
		buf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_cut__leaves_what_fits),
		cmocka_unit_test(json_cut__cuts_the_long_texts_and_nothing_else),
		cmocka_unit_test(json_cut__leaves_out_members_only_when_texts_are_not_enough),
		cmocka_unit_test(json_cut__bounds_a_bush),
		cmocka_unit_test(json_is_deeper__counts_brackets),
		cmocka_unit_test(text_cut__never_gives_half_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
