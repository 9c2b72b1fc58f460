/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[200];

static int make_folder(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/file.XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void at(char path[256], const char *name)
{
	snprintf(path, 256, "%s/%s", folder, name);
}

/* A call that waits is ended by this: the test is red then, not stuck. */
static void not_long(void)
{
	alarm(20);
}

static void file_open__refuses_a_named_pipe_at_once(void **state)
{
	static const int ways[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_CREAT, O_WRONLY | O_CREAT | O_TRUNC };
	char path[256];

	(void)state;
	at(path, "pipe");
	not_long();
	assert_int_equal(mkfifo(path, 0600), 0);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct err e = { 0 };

		assert_int_equal(file_open(path, ways[i], 0600, &e), -1);
		assert_int_equal(e.kind, ERR_DENIED);
		assert_non_null(strstr(e.text, "a named pipe"));
		assert_non_null(strstr(e.text, path));
	}
	assert_int_equal(unlink(path), 0);
	alarm(0);
}

static void file_open__refuses_folders_and_devices_and_says_what_is_missing(void **state)
{
	struct err e = { 0 };
	char path[256];

	(void)state;
	assert_int_equal(file_open(folder, O_RDONLY, 0, &e), -1);
	assert_non_null(strstr(e.text, "a folder"));
	assert_int_equal(file_open(folder, O_RDWR, 0, &e), -1);
	assert_non_null(strstr(e.text, "a folder"));
	assert_int_equal(file_open("/dev/null", O_RDONLY, 0, &e), -1);
	assert_non_null(strstr(e.text, "a device"));
	at(path, "nothing");
	assert_int_equal(file_open(path, O_RDONLY, 0, &e), -1);
	assert_int_equal(e.kind, ERR_NOTFOUND);
}

static void file_open__opens_ordinary_files_close_on_exec(void **state)
{
	struct err e = { 0 };
	char path[256], bytes[4] = "";
	int fd;

	(void)state;
	at(path, "plain");
	fd = file_open(path, O_RDWR | O_CREAT, 0600, &e);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(fd, "abc", 3), 3);
	close(fd);
	fd = file_open(path, O_RDONLY, 0, &e);
	assert_int_equal(read(fd, bytes, sizeof(bytes)), 3);
	close(fd);
	assert_int_equal(unlink(path), 0);
}

static void file_is_plain__knows_a_pipe_from_a_file_and_from_nothing(void **state)
{
	struct err e = { 0 };
	char path[256];

	(void)state;
	at(path, "x");
	assert_int_equal(file_is_plain(path, &e), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(file_is_plain(path, &e), -1);
	assert_int_equal(e.kind, ERR_DENIED);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_open__refuses_a_named_pipe_at_once),
		cmocka_unit_test(file_open__refuses_folders_and_devices_and_says_what_is_missing),
		cmocka_unit_test(file_open__opens_ordinary_files_close_on_exec),
		cmocka_unit_test(file_is_plain__knows_a_pipe_from_a_file_and_from_nothing),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
