/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"

struct secret {
	char *name;	/* owned */
	char *value;	/* owned; pages of its own */
	size_t len;
	size_t pages;	/* bytes mapped */
};

struct secret *secret_new(const char *name, const char *value, size_t len, struct err *e)
{
	if (len < SECRET_MIN) {
		err_set(e, ERR_USAGE, "secret %s has %zu bytes, %d to %zu are possible", name, len,
			SECRET_MIN, LIMIT_SECRET);
		return NULL;
	}
	return secret_new_any(name, value, len, e);
}

struct secret *secret_new_any(const char *name, const char *value, size_t len, struct err *e)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct secret *secret;
	size_t pages;
	char *to;

	if (len == 0 || len > LIMIT_SECRET) {
		err_set(e, ERR_USAGE, "secret %s has %zu bytes, %d to %zu are possible", name, len,
			SECRET_MIN, LIMIT_SECRET);
		return NULL;
	}
	/* len + 1: the mapping is zero, so the value is a C string too. */
	pages = (len + page) / page * page;
	to = mmap(NULL, pages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (to == MAP_FAILED) {
		err_errno(e, "secret %s: cannot map memory", name);
		return NULL;
	}
	/* Both are best effort: a limit on locked memory must not stop the work. */
	(void)madvise(to, pages, MADV_DONTDUMP);
	(void)mlock(to, pages);
	memcpy(to, value, len);
	secret = mem_alloc(sizeof(*secret));
	*secret = (struct secret){
		.name = mem_strdup(name), .value = to, .len = len, .pages = pages,
	};
	return secret;
}

void secret_free(struct secret *secret)
{
	if (!secret)
		return;
	explicit_bzero(secret->value, secret->pages);
	munmap(secret->value, secret->pages);
	mem_free(secret->name);
	mem_free(secret);
}

const char *secret_name(const struct secret *secret)
{
	return secret->name;
}

const char *secret_reveal(const struct secret *secret, size_t *len)
{
	if (len)
		*len = secret->len;
	return secret->value;
}

void secret_forget_env(const char *variable)
{
	char *value = getenv(variable);

	if (value)
		explicit_bzero(value, strlen(value));
	unsetenv(variable);
}

void secret_protect_process(void)
{
	static const struct rlimit none = { 0, 0 };
	int no_dump = prctl(PR_SET_DUMPABLE, 0L);
	int no_core = setrlimit(RLIMIT_CORE, &none);

	/* Neither can fail with these arguments; if they do, the secrets are not safe here. */
	if (no_dump < 0 || no_core < 0)
		abort();
}
