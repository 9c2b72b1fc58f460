/* file.h - opening a path that somebody else may have put something in: only an ordinary file is opened, and nothing is ever waited for. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/err.h"

#include <sys/types.h>

/* open(2) of an ordinary file, close-on-exec; mode counts with O_CREAT. Never blocks: a named pipe, socket or device at path is ERR_DENIED, a folder ERR_USAGE, with words,
 * other failures as err_errno says. Descriptor, the caller closes; -1. */
int file_open(const char *path, int flags, mode_t mode, struct err *e);

/* 0 when path leads to an ordinary file or to nothing; else -1 as file_open. For paths that a library opens. Never blocks. */
int file_is_plain(const char *path, struct err *e);

#endif
