/* lua_file.h - for the fuzzers of the Lua loaders: bytes as a file with a path, in memory. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_FUZZ_LUA_FILE_H
#define TESTS_FUZZ_LUA_FILE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/utf8.h"

/* The bytes as a file; its descriptor is the caller's. path has room for 40 bytes. */
static inline int lua_file(const uint8_t *data, size_t size, char *path)
{
	int fd = memfd_create("fuzz.lua", MFD_CLOEXEC);

	assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, 40, "/proc/self/fd/%d", fd);
	return fd;
}

/* What is wrong is said, in clean text. */
static inline void check_words(const struct err *e)
{
	bool clean = e->text[0] && utf8_valid(e->text, strlen(e->text));

	if (!clean)
		fprintf(stderr, "it says: %s\n", e->text);
	assert(clean);
}

/* A text pattern that never ends is stopped by lua_watch, which ends the process: with sanitizers it needs its time. libFuzzer's own limit is above it. */
static inline void lua_time(void)
{
	setenv("BELLBOOK_LUA_SECONDS", "60", 1);
}

#endif
