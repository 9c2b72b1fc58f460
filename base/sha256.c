/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/sha256.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/mem.h"

/* libcrypto fails here only when memory is out or SHA-256 is missing: both end the program, as in mem.c. */

struct sha256 {
	EVP_MD_CTX *ctx;	/* owned */
};

static void start(struct sha256 *digest)
{
	int ok = EVP_DigestInit_ex(digest->ctx, EVP_sha256(), NULL);

	assert(ok);
}

struct sha256 *sha256_new(void)
{
	struct sha256 *digest = mem_alloc(sizeof(*digest));

	digest->ctx = EVP_MD_CTX_new();
	assert(digest->ctx);
	start(digest);
	return digest;
}

void sha256_add(struct sha256 *digest, const void *bytes, size_t len)
{
	int ok = EVP_DigestUpdate(digest->ctx, bytes, len);

	assert(ok);
}

void sha256_end(struct sha256 *digest, unsigned char out[SHA256_LEN])
{
	unsigned int len = 0;
	int ok = EVP_DigestFinal_ex(digest->ctx, out, &len);

	assert(ok && len == SHA256_LEN);
	start(digest);
}

void sha256_free(struct sha256 *digest)
{
	if (!digest)
		return;
	EVP_MD_CTX_free(digest->ctx);
	mem_free(digest);
}

void sha256_of(const void *bytes, size_t len, unsigned char out[SHA256_LEN])
{
	unsigned int got = 0;
	int ok = EVP_Digest(bytes, len, out, &got, EVP_sha256(), NULL);

	assert(ok && got == SHA256_LEN);
}

void random_bytes(void *out, size_t len)
{
	unsigned char *to = out;
	size_t done = 0;

	while (done < len) {
		ssize_t got = getrandom(to + done, len - done, 0);

		if (got > 0)
			done += (size_t)got;
		else if (errno != EINTR)
			abort();
	}
}
