/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _DEFAULT_SOURCE
#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

static void secret_new__copies_and_reveals(void **state)
{
	char value[] = "s3cret\0word";
	struct err e;
	struct secret *secret = secret_new("db", value, sizeof(value) - 1, &e);
	const char *revealed;
	size_t len;

	(void)state;
	memset(value, 'x', sizeof(value));
	assert_string_equal(secret_name(secret), "db");
	revealed = secret_reveal(secret, &len);
	assert_int_equal(len, 11);
	assert_memory_equal(revealed, "s3cret\0word", 12);
	assert_ptr_equal(secret_reveal(secret, NULL), revealed);
	secret_free(secret);
	secret_free(NULL);
}

static void secret_new__refuses_too_short_and_too_long(void **state)
{
	struct err e;
	char *text = mem_alloc(65537);
	struct secret *secret;

	(void)state;
	memset(text, 'k', 65537);
	assert_null(secret_new("a", "12345", 5, &e));
	assert_int_equal(e.kind, ERR_USAGE);
	/* The message must not tell the value. */
	assert_null(strstr(e.text, "12345"));
	assert_null(secret_new("a", "", 0, &e));
	assert_null(secret_new("a", text, 65537, &e));
	assert_int_equal(e.kind, ERR_USAGE);
	secret = secret_new("a", text, 65536, &e);
	assert_non_null(secret);
	/* Also when it fills its pages, a NUL is behind it. */
	assert_int_equal(strlen(secret_reveal(secret, NULL)), 65536);
	secret_free(secret);
	secret = secret_new("a", "123456", 6, &e);
	assert_non_null(secret);
	secret_free(secret);
	mem_free(text);
}

/* VmFlags of the mapping that holds address, from /proc/self/smaps. */
static void read_flags(const void *address, char *flags, int size)
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	char line[512];
	unsigned long first, last;
	bool here = false;

	assert_non_null(maps);
	flags[0] = '\0';
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx ", &first, &last) == 2)
			here = (uintptr_t)address >= first && (uintptr_t)address < last;
		else if (here && strncmp(line, "VmFlags:", 8) == 0)
			snprintf(flags, (size_t)size, "%s", line);
	}
	fclose(maps);
}

/* Can this process lock a page so that it shows? Not with a limit of 0, and not under the address sanitizer, which ignores mlock. */
static bool locking_works(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char flags[512];

	assert_ptr_not_equal(page, MAP_FAILED);
	(void)mlock(page, size);
	read_flags(page, flags, sizeof(flags));
	munmap(page, size);
	return strstr(flags, " lo") != NULL;
}

static void secret_new__keeps_the_value_out_of_dumps_and_swap(void **state)
{
	struct err e;
	struct secret *secret = secret_new("db", "hunter2hunter2", 14, &e);
	char flags[512];

	(void)state;
	read_flags(secret_reveal(secret, NULL), flags, sizeof(flags));
	assert_non_null(strstr(flags, " dd"));
	assert_true(strstr(flags, " lo") || !locking_works());
	secret_free(secret);
}

static void secret_new__reports_when_memory_cannot_be_mapped(void **state)
{
	struct rlimit before, none;
	struct secret *secret;
	struct err e;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	none = (struct rlimit){ 4096, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
	secret = secret_new("db", "hunter2", 7, &e);
	assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
	assert_null(secret);
	assert_int_equal(e.kind, ERR_IO);
	assert_null(strstr(e.text, "hunter2"));
}

static void secret_protect_process__forbids_core_dumps(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct rlimit limit;

		secret_protect_process();
		if (getrlimit(RLIMIT_CORE, &limit) < 0 || limit.rlim_cur != 0 || limit.rlim_max != 0)
			_exit(1);
		_exit(prctl(PR_GET_DUMPABLE) == 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secret_new__copies_and_reveals),
		cmocka_unit_test(secret_new__refuses_too_short_and_too_long),
		cmocka_unit_test(secret_new__keeps_the_value_out_of_dumps_and_swap),
		cmocka_unit_test(secret_new__reports_when_memory_cannot_be_mapped),
		cmocka_unit_test(secret_protect_process__forbids_core_dumps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
