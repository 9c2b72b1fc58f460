/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/mem.h"
#include "tests/unit/base_dies.h"

static void buf_text__is_empty_without_allocation(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf);
	assert_string_equal(buf_text(&buf), "");
	assert_null(buf.data);
	buf_clear(&buf);
	buf_consume(&buf, 0);
	buf_added(&buf, 0);
	assert_null(buf.data);
	buf_done(&buf);
}

static void buf_append__keeps_a_nul_behind_every_length(void **state)
{
	struct buf buf = {0};

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		if (i % 2)
			buf_putc(&buf, (char)('a' + i % 26));
		else
			buf_append(&buf, &"abcdefghijklmnopqrstuvwxyz"[i % 26], 1);
		assert_int_equal(buf.len, i + 1);
		assert_int_equal(buf.data[buf.len], 0);
	}
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(buf.data[i], 'a' + i % 26);
	buf_append(&buf, NULL, 0);
	assert_int_equal(buf.len, 1000);
	buf_done(&buf);
	assert_null(buf.data);
	buf_puts(&buf, "usable again");
	assert_string_equal(buf_text(&buf), "usable again");
	buf_done(&buf);
}

static void buf_printf__formats_behind_what_is_there(void **state)
{
	struct buf buf = {0};

	(void)state;
	buf_puts(&buf, "n=");
	buf_printf(&buf, "%d, %0300d", 5, 1);
	assert_int_equal(buf.len, 2 + 3 + 300);
	assert_memory_equal(buf.data, "n=5, 000", 8);
	assert_int_equal(buf.data[buf.len - 1], '1');
	buf_printf(&buf, "%s", "");
	assert_int_equal(buf.len, 305);
	buf_done(&buf);
}

static void buf_consume__removes_from_the_front(void **state)
{
	struct buf buf = {0};

	(void)state;
	buf_puts(&buf, "hello world");
	buf_consume(&buf, 6);
	assert_string_equal(buf_text(&buf), "world");
	assert_int_equal(buf.len, 5);
	buf_consume(&buf, 5);
	assert_string_equal(buf_text(&buf), "");
	buf_done(&buf);
}

static void buf_clear__keeps_the_memory(void **state)
{
	struct buf buf = {0};
	char *data;

	(void)state;
	buf_puts(&buf, "something");
	data = buf.data;
	buf_clear(&buf);
	assert_int_equal(buf.len, 0);
	assert_string_equal(buf_text(&buf), "");
	buf_puts(&buf, "x");
	assert_ptr_equal(buf.data, data);
	buf_done(&buf);
}

static void buf_room__can_be_written_to_the_last_byte(void **state)
{
	struct buf buf = {0};
	char *room = buf_room(&buf, 777);

	(void)state;
	memset(room, 'r', 777);
	buf_added(&buf, 777);
	assert_int_equal(strlen(buf_text(&buf)), 777);
	buf_done(&buf);
}

static void buf_take__gives_the_bytes_away(void **state)
{
	struct buf buf = {0};
	char *bytes;

	(void)state;
	bytes = buf_take(&buf);
	assert_string_equal(bytes, "");
	mem_free(bytes);
	buf_puts(&buf, "mine");
	bytes = buf_take(&buf);
	assert_string_equal(bytes, "mine");
	assert_null(buf.data);
	assert_int_equal(buf.len + buf.cap, 0);
	mem_free(bytes);
}

static void consume_too_much(void *arg)
{
	buf_consume(arg, 100);
}

static void add_too_much(void *arg)
{
	struct buf *buf = arg;

	buf_added(buf, buf->cap);
}

static void room_too_much(void *arg)
{
	buf_room(arg, SIZE_MAX - 2);
}

static void buf__stops_on_misuse(void **state)
{
	struct buf buf = {0};

	(void)state;
	buf_puts(&buf, "x");
	assert_true(dies(consume_too_much, &buf));
	assert_true(dies(add_too_much, &buf));
	assert_true(dies(room_too_much, &buf));
	buf_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_text__is_empty_without_allocation),
		cmocka_unit_test(buf_append__keeps_a_nul_behind_every_length),
		cmocka_unit_test(buf_printf__formats_behind_what_is_there),
		cmocka_unit_test(buf_consume__removes_from_the_front),
		cmocka_unit_test(buf_clear__keeps_the_memory),
		cmocka_unit_test(buf_room__can_be_written_to_the_last_byte),
		cmocka_unit_test(buf_take__gives_the_bytes_away),
		cmocka_unit_test(buf__stops_on_misuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
