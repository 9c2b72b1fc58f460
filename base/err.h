/* err.h - errors as values: a kind chosen by what the caller does next, and words for a person. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

enum err_kind {
	ERR_NONE,
	ERR_USAGE,	/* the caller or the person asked for something wrong */
	ERR_NOTFOUND,	/* the thing named does not exist */
	ERR_DENIED,	/* exists, but not allowed */
	ERR_TIMEOUT,	/* no answer in time: the outcome is UNKNOWN, never "failed" */
	ERR_CANCELED,	/* a person or a shutdown stopped it */
	ERR_REMOTE,	/* the far side answered with a failure */
	ERR_IO,		/* disk, socket, connection */
	ERR_CORRUPT,	/* stored or received bytes make no sense */
	ERR_FULL,	/* no space (disk, journal, limit) */
};

struct err {
	enum err_kind kind;
	char text[252];
};

/* Fills *e and returns -1, so that `return err_set(e, …);` reads well. Text is cut at a UTF-8 border. Never blocks. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set with ": <strerror(errno)>" appended; kind chosen from errno (ENOENT NOTFOUND, EACCES/EPERM DENIED, ENOSPC/EDQUOT FULL, ETIMEDOUT TIMEOUT, else IO). */
int err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " before the text that is there, keeps the kind, returns -1. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* -1, in a form that is no fault to leave unused. */
static inline int err_minus_one(void)
{
	return -1;
}

/* Compilers and checkers see one file at a time; these tell them that the three return -1. err.c undoes them. */
#define err_set(...) (err_set(__VA_ARGS__), err_minus_one())
#define err_errno(...) (err_errno(__VA_ARGS__), err_minus_one())
#define err_wrap(...) (err_wrap(__VA_ARGS__), err_minus_one())

/* Makes *e empty (ERR_NONE, ""). */
void err_clear(struct err *e);

/* Borrowed static lower-case name of the kind ("timeout"). */
const char *err_kind_name(enum err_kind kind);

/* Kind with that name, ERR_IO when unknown. */
enum err_kind err_kind_find(const char *name);

#endif
