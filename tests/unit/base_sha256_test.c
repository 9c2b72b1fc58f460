/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

static void assert_digest(const unsigned char digest[SHA256_LEN], const char *hex)
{
	struct buf out = {0};

	str_hex(&out, digest, SHA256_LEN);
	assert_string_equal(buf_text(&out), hex);
	buf_done(&out);
}

static const char empty[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static void sha256_of__matches_fips_180(void **state)
{
	unsigned char out[SHA256_LEN];

	(void)state;
	sha256_of("", 0, out);
	assert_digest(out, empty);
	sha256_of("abc", 3, out);
	assert_digest(out, abc);
	sha256_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, out);
	assert_digest(out, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void sha256_end__is_ready_for_the_next_message(void **state)
{
	struct sha256 *digest = sha256_new();
	unsigned char out[SHA256_LEN];

	(void)state;
	for (int i = 0; i < 3; i++) {
		sha256_add(digest, "a", 1);
		sha256_add(digest, "", 0);
		sha256_add(digest, "bc", 2);
		sha256_end(digest, out);
		assert_digest(out, abc);
	}
	sha256_end(digest, out);
	assert_digest(out, empty);
	sha256_free(digest);
	sha256_free(NULL);
}

static void sha256_add__does_not_depend_on_the_chunks(void **state)
{
	struct sha256 *digest = sha256_new();
	unsigned char message[300];
	unsigned char whole[SHA256_LEN];
	unsigned char parts[SHA256_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (unsigned char)i;
	sha256_of(message, sizeof(message), whole);
	for (size_t cut = 0; cut <= sizeof(message); cut++) {
		sha256_add(digest, message, cut);
		sha256_add(digest, message + cut, sizeof(message) - cut);
		sha256_end(digest, parts);
		assert_memory_equal(parts, whole, SHA256_LEN);
	}
	sha256_free(digest);
}

static void random_bytes__fills_all_and_differs(void **state)
{
	unsigned char a[1000] = {0};
	unsigned char b[1000] = {0};
	size_t zeroes = 0;

	(void)state;
	random_bytes(a, 0);
	assert_int_equal(a[0], 0);
	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	for (size_t i = 0; i < sizeof(a); i++)
		zeroes += a[i] == 0;
	/* About four are expected, 60 would be a miracle. */
	assert_true(zeroes < 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_of__matches_fips_180),
		cmocka_unit_test(sha256_end__is_ready_for_the_next_message),
		cmocka_unit_test(sha256_add__does_not_depend_on_the_chunks),
		cmocka_unit_test(random_bytes__fills_all_and_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
