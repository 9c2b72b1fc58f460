/* session_fixture.h - a folder with runbooks made by a test, for the tests of session/. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_SESSION_FIXTURE_H
#define TESTS_SESSION_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define HEAD "runbook { id = \"t\", bellbook = 1, title = \"T\" }\n"

static char folder[128];

/* Of a group: the folder, made before its first test. */
static inline int folder_setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/session.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(folder));
	return 0;
}

static inline int folder_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

/* Of a group: removes the folder with all in it, behind its last test. */
static inline int folder_teardown(void **state)
{
	(void)state;
	nftw(folder, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

/* Writes a file in the folder; returns its path, valid until the next call. */
static inline const char *folder_file(const char *name, const char *text)
{
	static char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
	return path;
}

static inline void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("“%s” is not in “%s”", part, text);
}

#endif
