/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/base_dies.h"

static void mem_alloc__gives_zeroes_and_a_block_for_size_0(void **state)
{
	char *block = mem_alloc(100);
	void *none = mem_alloc(0);

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(block[i], 0);
	assert_non_null(none);
	mem_free(block);
	mem_free(none);
	mem_free(NULL);
}

static void overflow_array(void *arg)
{
	(void)arg;
	mem_free(mem_array(SIZE_MAX / 2, 3));
}

static void overflow_grow(void *arg)
{
	(void)arg;
	mem_free(mem_grow(NULL, SIZE_MAX / 2, 3));
}

static void overflow_more(void *arg)
{
	(void)arg;
	mem_free(mem_more(NULL, SIZE_MAX / 2 + 1, 1));
}

static void too_large(void *arg)
{
	(void)arg;
	mem_free(mem_alloc(SIZE_MAX - 4096));
}

static void too_large_grow(void *arg)
{
	(void)arg;
	mem_free(mem_grow(NULL, SIZE_MAX - 4096, 1));
}

static void too_large_dup(void *arg)
{
	(void)arg;
	mem_free(mem_dup("", SIZE_MAX));
}

/* Kept, so that a checker does not call what the end of the process loses a leak. */
static struct arena *lost;

static void too_large_arena(void *arg)
{
	(void)arg;
	lost = arena_new();
	arena_alloc(lost, SIZE_MAX - 3);
}

static void too_large_chunk(void *arg)
{
	(void)arg;
	lost = arena_new();
	arena_alloc(lost, SIZE_MAX - 2 * sizeof(max_align_t) + 1);
}

static void too_large_arena_dup(void *arg)
{
	(void)arg;
	lost = arena_new();
	arena_dup(lost, "", SIZE_MAX);
}

static void mem__aborts_on_overflow_and_when_memory_is_out(void **state)
{
	(void)state;
	assert_true(dies(overflow_array, NULL));
	assert_true(dies(overflow_grow, NULL));
	assert_true(dies(overflow_more, NULL));
	assert_true(dies(too_large, NULL));
	assert_true(dies(too_large_grow, NULL));
	assert_true(dies(too_large_dup, NULL));
	assert_true(dies(too_large_arena, NULL));
	assert_true(dies(too_large_chunk, NULL));
	assert_true(dies(too_large_arena_dup, NULL));
}

static void mem_array__allows_zero_of_each(void **state)
{
	(void)state;
	mem_free(mem_array(0, 8));
	mem_free(mem_array(8, 0));
}

static void mem_grow__keeps_what_was_there(void **state)
{
	int *numbers = mem_grow(NULL, 2, sizeof(int));

	(void)state;
	numbers[0] = 7;
	numbers[1] = 8;
	numbers = mem_grow(numbers, 1000, sizeof(int));
	assert_int_equal(numbers[0] + numbers[1], 15);
	numbers = mem_grow(numbers, 0, sizeof(int));
	assert_non_null(numbers);
	mem_free(numbers);
}

/* Up, down again anywhere, and up once more: nothing is lost, and nothing is written behind the block. */
static void mem_more__has_room_for_one_more(void **state)
{
	int *numbers = NULL;
	size_t count = 0;

	(void)state;
	for (size_t turn = 0; turn < 70; turn++) {
		for (size_t i = 0; i < 3 * turn + 1; i++) {
			numbers = mem_more(numbers, count, sizeof(*numbers));
			numbers[count] = (int)count;
			count++;
		}
		for (size_t i = 0; i < count; i++)
			assert_int_equal(numbers[i], i);
		count = turn % 9 == 8 ? 0 : count - turn;
	}
	mem_free(numbers);
}

static void mem_dup__adds_a_nul(void **state)
{
	char *copy = mem_dup("ab\0cd", 5);
	char *empty = mem_dup(NULL, 0);

	(void)state;
	assert_memory_equal(copy, "ab\0cd\0", 6);
	assert_string_equal(empty, "");
	mem_free(copy);
	mem_free(empty);
	assert_null(mem_strdup(NULL));
}

static void mem_printf__formats_any_length(void **state)
{
	char *text = mem_printf("%0500d|%s", 7, "end");

	(void)state;
	assert_int_equal(strlen(text), 504);
	assert_string_equal(text + 499, "7|end");
	mem_free(text);
}

static void mem_set__replaces_also_by_a_part_of_itself(void **state)
{
	char *field = NULL;

	(void)state;
	mem_set(&field, "hello");
	assert_string_equal(field, "hello");
	mem_set(&field, field + 2);
	assert_string_equal(field, "llo");
	mem_set(&field, NULL);
	assert_null(field);
}

static void arena_alloc__is_zeroed_aligned_and_apart(void **state)
{
	struct arena *arena = arena_new();
	char *blocks[200];

	(void)state;
	for (size_t i = 0; i < 200; i++) {
		size_t size = i * 7 % 300;

		blocks[i] = arena_alloc(arena, size);
		assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
		for (size_t k = 0; k < size; k++)
			assert_int_equal(blocks[i][k], 0);
		memset(blocks[i], (int)i, size);
	}
	for (size_t i = 0; i < 200; i++) {
		for (size_t k = 0; k < i * 7 % 300; k++)
			assert_int_equal((unsigned char)blocks[i][k], i);
		for (size_t j = 0; j < i; j++)
			assert_ptr_not_equal(blocks[i], blocks[j]);
	}
	arena_free(arena);
	arena_free(NULL);
}

static void arena_reset__reuses_the_memory_zeroed(void **state)
{
	struct arena *arena = arena_new();
	char *first = arena_alloc(arena, 64);
	char *large = arena_alloc(arena, 100000);
	char *again;

	(void)state;
	memset(first, 'x', 64);
	memset(large, 'x', 100000);
	arena_reset(arena);
	again = arena_alloc(arena, 64);
	assert_ptr_equal(again, first);
	assert_int_equal(again[63], 0);
	again = arena_alloc(arena, 100000);
	assert_ptr_equal(again, large);
	for (size_t i = 0; i < 100000; i++)
		assert_int_equal(again[i], 0);
	/* Larger than every kept chunk: a new one between them. */
	assert_non_null(arena_alloc(arena, 300000));
	arena_reset(arena);
	arena_reset(arena);
	assert_ptr_equal(arena_alloc(arena, 1), first);
	arena_free(arena);
}

static void arena_reset__of_an_empty_arena_is_fine(void **state)
{
	struct arena *arena = arena_new();

	(void)state;
	arena_reset(arena);
	assert_non_null(arena_alloc(arena, 0));
	arena_free(arena);
}

static void arena_printf__and_dup_borrow_from_the_arena(void **state)
{
	struct arena *arena = arena_new();

	(void)state;
	assert_string_equal(arena_printf(arena, "%s-%d", "a", 5), "a-5");
	assert_memory_equal(arena_dup(arena, "x\0y", 3), "x\0y\0", 4);
	assert_string_equal(arena_dup(arena, NULL, 0), "");
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mem_alloc__gives_zeroes_and_a_block_for_size_0),
		cmocka_unit_test(mem__aborts_on_overflow_and_when_memory_is_out),
		cmocka_unit_test(mem_array__allows_zero_of_each),
		cmocka_unit_test(mem_grow__keeps_what_was_there),
		cmocka_unit_test(mem_more__has_room_for_one_more),
		cmocka_unit_test(mem_dup__adds_a_nul),
		cmocka_unit_test(mem_printf__formats_any_length),
		cmocka_unit_test(mem_set__replaces_also_by_a_part_of_itself),
		cmocka_unit_test(arena_alloc__is_zeroed_aligned_and_apart),
		cmocka_unit_test(arena_reset__reuses_the_memory_zeroed),
		cmocka_unit_test(arena_reset__of_an_empty_arena_is_fine),
		cmocka_unit_test(arena_printf__and_dup_borrow_from_the_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
