/* sha256.h - SHA-256 (libcrypto inside). */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>

#define SHA256_LEN 32

struct sha256;	/* a running digest */

/* New running digest. Caller owns. */
struct sha256 *sha256_new(void);

/* Adds bytes. */
void sha256_add(struct sha256 *digest, const void *bytes, size_t len);

/* Writes the digest and makes it ready for a new message. */
void sha256_end(struct sha256 *digest, unsigned char out[SHA256_LEN]);

/* Frees; NULL is fine. */
void sha256_free(struct sha256 *digest);

/* One message at once. */
void sha256_of(const void *bytes, size_t len, unsigned char out[SHA256_LEN]);

/* Fills out with len unpredictable bytes (getrandom); aborts if the kernel cannot. */
void random_bytes(void *out, size_t len);

#endif
