/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#undef err_set
#undef err_errno
#undef err_wrap

static const char *const kind_names[] = {
	[ERR_NONE] = "none",
	[ERR_USAGE] = "usage",
	[ERR_NOTFOUND] = "notfound",
	[ERR_DENIED] = "denied",
	[ERR_TIMEOUT] = "timeout",
	[ERR_CANCELED] = "canceled",
	[ERR_REMOTE] = "remote",
	[ERR_IO] = "io",
	[ERR_CORRUPT] = "corrupt",
	[ERR_FULL] = "full",
};

#define KIND_COUNT (sizeof(kind_names) / sizeof(kind_names[0]))

/* Formats into a buffer of its own first: the arguments may point into e. */
static void format_text(struct err *e, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));

static void format_text(struct err *e, const char *fmt, va_list args)
{
	char text[sizeof(e->text)];
	int wanted = vsnprintf(text, sizeof(text), fmt, args);

	if (wanted < 0)
		text[0] = '\0';
	else if ((size_t)wanted >= sizeof(text))
		text[utf8_border(text, sizeof(text) - 1)] = '\0';
	memcpy(e->text, text, strlen(text) + 1);
}

/* Appends ": tail" as far as it fits. */
static void append_text(struct err *e, const char *tail)
{
	char text[sizeof(e->text)];
	int wanted = snprintf(text, sizeof(text), "%s: %s", e->text, tail);

	if (wanted < 0)
		return;
	if ((size_t)wanted >= sizeof(text))
		text[utf8_border(text, sizeof(text) - 1)] = '\0';
	memcpy(e->text, text, strlen(text) + 1);
}

static enum err_kind kind_of_errno(int code)
{
	switch (code) {
	case ENOENT:
		return ERR_NOTFOUND;
	case EACCES:
	case EPERM:
		return ERR_DENIED;
	case ENOSPC:
	case EDQUOT:
		return ERR_FULL;
	case ETIMEDOUT:
		return ERR_TIMEOUT;
	default:
		return ERR_IO;
	}
}

int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	format_text(e, fmt, args);
	va_end(args);
	e->kind = kind;
	return -1;
}

int err_errno(struct err *e, const char *fmt, ...)
{
	int code = errno;
	char reason[128];
	va_list args;

	va_start(args, fmt);
	format_text(e, fmt, args);
	va_end(args);
	/* The XSI strerror_r: thread-safe, workers have threads. */
	if (strerror_r(code, reason, sizeof(reason)) != 0)
		snprintf(reason, sizeof(reason), "error %d", code);
	append_text(e, reason);
	e->kind = kind_of_errno(code);
	return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char old[sizeof(e->text)];
	va_list args;

	memcpy(old, e->text, sizeof(old));
	va_start(args, fmt);
	format_text(e, fmt, args);
	va_end(args);
	append_text(e, old);
	return -1;
}

void err_clear(struct err *e)
{
	e->kind = ERR_NONE;
	e->text[0] = '\0';
}

const char *err_kind_name(enum err_kind kind)
{
	size_t i = (size_t)kind;

	return i < KIND_COUNT ? kind_names[i] : "io";
}

enum err_kind err_kind_find(const char *name)
{
	for (size_t i = 0; name && i < KIND_COUNT; i++) {
		if (strcmp(name, kind_names[i]) == 0)
			return (enum err_kind)i;
	}
	return ERR_IO;
}
