/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/proc.h"
#include "tests/unit/base_dies.h"

static void pair(int fds[2])
{
	struct err e;

	assert_int_equal(proc_pair(fds, &e), 0);
}

static void wire_put__writes_little_endian(void **state)
{
	struct buf out = {0};

	(void)state;
	wire_put(&out, 0x01020304, 0x1112131415161718, "abc", 3);
	assert_int_equal(out.len, WIRE_HEADER + 3);
	assert_memory_equal(out.data, "\3\0\0\0\4\3\2\1\x18\x17\x16\x15\x14\x13\x12\x11" "abc", 19);
	buf_done(&out);
}

static void wire_get__needs_every_byte_of_a_frame(void **state)
{
	struct buf whole = {0};
	struct frame frame;
	struct err e;

	(void)state;
	wire_put(&whole, 7, 99, "hello", 5);
	wire_put(&whole, 8, UINT64_MAX, NULL, 0);
	for (size_t len = 0; len < WIRE_HEADER + 5; len++) {
		/* A buffer of exactly that size, so that the sanitizer sees a byte too far. */
		struct buf part = {0};
		size_t offset = 0;

		buf_append(&part, whole.data, len);
		assert_int_equal(wire_get(&part, &offset, &frame, &e), 0);
		assert_int_equal(offset, 0);
		buf_done(&part);
	}
	buf_done(&whole);
}

static void wire_get__walks_through_frames(void **state)
{
	struct buf in = {0};
	struct frame frame;
	struct err e;
	size_t offset = 0;

	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		wire_put(&in, i, i * (uint64_t)1000000007, "0123456789", i % 11);
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(wire_get(&in, &offset, &frame, &e), 1);
		assert_int_equal(frame.type, i);
		assert_true(frame.id == i * (uint64_t)1000000007);
		assert_int_equal(frame.len, i % 11);
		assert_memory_equal(frame.bytes, "0123456789", frame.len);
	}
	assert_int_equal(offset, in.len);
	assert_int_equal(wire_get(&in, &offset, &frame, &e), 0);
	buf_done(&in);
}

static void wire_get__refuses_a_huge_length_at_once(void **state)
{
	static const char *const lengths[] = { "\1\0\0\1", "\xff\xff\xff\xff", "\0\0\0\x80" };
	struct frame frame;
	struct err e;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct buf in = {0};
		size_t offset = 0;

		buf_append(&in, lengths[i], 4);
		buf_append(&in, "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
		assert_int_equal(wire_get(&in, &offset, &frame, &e), -1);
		assert_int_equal(e.kind, ERR_CORRUPT);
		buf_done(&in);
	}
}

static void wire_get__takes_the_longest_frame(void **state)
{
	struct buf bytes = {0};
	struct buf in = {0};
	struct frame frame;
	struct err e;
	size_t offset = 0;

	(void)state;
	memset(buf_room(&bytes, WIRE_MAX), 'z', WIRE_MAX);
	buf_added(&bytes, WIRE_MAX);
	wire_put(&in, 1, 2, bytes.data, bytes.len);
	assert_int_equal(wire_get(&in, &offset, &frame, &e), 1);
	assert_int_equal(frame.len, WIRE_MAX);
	assert_int_equal(frame.bytes[WIRE_MAX - 1], 'z');
	buf_done(&bytes);
	buf_done(&in);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void wire_get__survives_garbage(void **state)
{
	uint32_t seed = 4711;

	(void)state;
	for (int round = 0; round < 5000; round++) {
		struct buf in = {0};
		struct frame frame;
		struct err e;
		size_t offset = 0;
		size_t len = next_random(&seed) % 200;
		int got;

		for (size_t i = 0; i < len; i++)
			buf_putc(&in, (char)(next_random(&seed) % (round % 2 ? 256 : 3)));
		while ((got = wire_get(&in, &offset, &frame, &e)) == 1) {
			assert_true(frame.bytes >= in.data);
			assert_true(frame.bytes + frame.len <= in.data + in.len);
			assert_true(offset <= in.len);
		}
		assert_true(got == 0 || e.kind == ERR_CORRUPT);
		buf_done(&in);
	}
}

static void put_too_long(void *arg)
{
	wire_put(arg, 1, 1, "", WIRE_MAX + 1);
}

static void get_behind_the_end(void *arg)
{
	struct frame frame;
	struct err e;
	size_t offset = 1000;

	wire_get(arg, &offset, &frame, &e);
}

static void wire__stops_on_our_own_bugs(void **state)
{
	struct buf buf = {0};

	(void)state;
	assert_true(dies(put_too_long, &buf));
	assert_true(dies(get_behind_the_end, &buf));
}

static void wire_read__tells_nothing_data_and_end_apart(void **state)
{
	struct buf in = {0};
	struct err e;
	int fds[2];
	int eof = 5;

	(void)state;
	pair(fds);
	assert_int_equal(wire_read(fds[0], &in, &eof, &e), 0);
	assert_int_equal(eof, 0);
	assert_int_equal(write(fds[1], "abc", 3), 3);
	assert_int_equal(wire_read(fds[0], &in, &eof, &e), 3);
	assert_int_equal(eof, 0);
	assert_int_equal(write(fds[1], "def", 3), 3);
	close(fds[1]);
	assert_int_equal(wire_read(fds[0], &in, &eof, &e), 3);
	assert_int_equal(eof, 1);
	assert_string_equal(buf_text(&in), "abcdef");
	assert_int_equal(wire_read(fds[0], &in, &eof, &e), 0);
	assert_int_equal(eof, 1);
	close(fds[0]);
	assert_int_equal(wire_read(fds[0], &in, &eof, &e), -1);
	assert_int_equal(e.kind, ERR_IO);
	buf_done(&in);
}

/* The far side ends without reading: Linux answers ECONNRESET, after what it had sent. */
static void wire_read__takes_a_reset_for_the_end(void **state)
{
	struct buf in = {0};
	struct err e;
	int fds[2];
	int eof;

	(void)state;
	pair(fds);
	assert_int_equal(write(fds[0], "unread", 6), 6);
	assert_int_equal(write(fds[1], "last", 4), 4);
	close(fds[1]);
	assert_int_equal(wire_read(fds[0], &in, &eof, &e), 4);
	assert_int_equal(eof, 1);
	buf_done(&in);
	close(fds[0]);
}

#define FLOOD ((size_t)8 << 20)

static void *write_flood(void *arg)
{
	const int *fd = arg;
	struct buf out = {0};
	struct err e;
	int result;

	memset(buf_room(&out, FLOOD), 'x', FLOOD);
	buf_added(&out, FLOOD);
	result = wire_flush_all(*fd, &out, &e);
	buf_done(&out);
	return result == 0 ? arg : NULL;
}

/* However fast the far side is, one call comes back. */
static void wire_read__stops_after_about_a_megabyte(void **state)
{
	struct buf in = {0};
	struct err e;
	pthread_t writer;
	void *written;
	int fds[2];
	int eof;

	(void)state;
	pair(fds);
	assert_int_equal(pthread_create(&writer, NULL, write_flood, &fds[0]), 0);
	while (in.len < FLOOD) {
		struct pollfd ready = { .fd = fds[1], .events = POLLIN };
		long got;

		assert_int_equal(poll(&ready, 1, -1), 1);
		got = wire_read(fds[1], &in, &eof, &e);
		assert_in_range(got, 1, (1 << 20) + 65536);
	}
	pthread_join(writer, &written);
	assert_ptr_equal(written, &fds[0]);
	assert_int_equal(in.len, FLOOD);
	buf_done(&in);
	close(fds[0]);
	close(fds[1]);
}

static void wire_flush__keeps_the_rest_in_order(void **state)
{
	struct buf in = {0};
	struct buf out = {0};
	struct err e;
	int fds[2];
	int eof;

	(void)state;
	pair(fds);
	for (uint32_t i = 0; i < 500000; i++)
		buf_append(&out, &i, sizeof(i));
	assert_int_equal(wire_flush(fds[0], &out, &e), 0);
	assert_true(out.len > 0 && out.len < 2000000);
	while (out.len > 0) {
		assert_true(wire_read(fds[1], &in, &eof, &e) > 0);
		assert_int_equal(wire_flush(fds[0], &out, &e), 0);
	}
	while (wire_read(fds[1], &in, &eof, &e) > 0)
		continue;
	assert_int_equal(in.len, 2000000);
	for (uint32_t i = 0; i < 500000; i++) {
		uint32_t got;

		memcpy(&got, in.data + i * sizeof(got), sizeof(got));
		if (got != i)
			fail_msg("%u at %u", got, i);
	}
	buf_done(&in);
	buf_done(&out);
	close(fds[0]);
	close(fds[1]);
}

static void wire_flush__reports_a_closed_far_side_without_sigpipe(void **state)
{
	struct buf out = {0};
	struct err e;
	int fds[2];

	(void)state;
	signal(SIGPIPE, SIG_DFL);
	pair(fds);
	close(fds[1]);
	assert_int_equal(wire_flush(fds[0], &out, &e), 0);
	buf_puts(&out, "x");
	assert_int_equal(wire_flush(fds[0], &out, &e), -1);
	assert_int_equal(e.kind, ERR_IO);
	assert_int_equal(wire_flush_all(fds[0], &out, &e), -1);
	assert_int_equal(e.kind, ERR_IO);
	assert_string_equal(buf_text(&out), "x");
	close(fds[0]);
	buf_done(&out);
}

static void *read_all(void *arg)
{
	const int *fd = arg;
	static char bytes[65536];
	size_t total = 0;
	ssize_t got;

	while ((got = read(*fd, bytes, sizeof(bytes))) > 0)
		total += (size_t)got;
	return (void *)(uintptr_t)total;
}

static void wire_flush_all__waits_until_all_is_written(void **state)
{
	struct buf out = {0};
	struct err e;
	pthread_t reader;
	void *total;
	int fds[2];

	(void)state;
	pair(fds);
	memset(buf_room(&out, 5000000), 'x', 5000000);
	buf_added(&out, 5000000);
	assert_int_equal(pthread_create(&reader, NULL, read_all, &fds[1]), 0);
	assert_int_equal(wire_flush_all(fds[0], &out, &e), 0);
	assert_int_equal(out.len, 0);
	close(fds[0]);
	pthread_join(reader, &total);
	assert_int_equal((uintptr_t)total, 5000000);
	close(fds[1]);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wire_put__writes_little_endian),
		cmocka_unit_test(wire_get__needs_every_byte_of_a_frame),
		cmocka_unit_test(wire_get__walks_through_frames),
		cmocka_unit_test(wire_get__refuses_a_huge_length_at_once),
		cmocka_unit_test(wire_get__takes_the_longest_frame),
		cmocka_unit_test(wire_get__survives_garbage),
		cmocka_unit_test(wire__stops_on_our_own_bugs),
		cmocka_unit_test(wire_read__tells_nothing_data_and_end_apart),
		cmocka_unit_test(wire_read__takes_a_reset_for_the_end),
		cmocka_unit_test(wire_read__stops_after_about_a_megabyte),
		cmocka_unit_test(wire_flush__keeps_the_rest_in_order),
		cmocka_unit_test(wire_flush__reports_a_closed_far_side_without_sigpipe),
		cmocka_unit_test(wire_flush_all__waits_until_all_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
