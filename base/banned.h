/* banned.h - forced into every file by the Makefile: a call of an unsafe or wrong function is an error that names the right one. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The functions are declared here as unavailable, before the system's headers
 * declare them again; attributes add up. No header is included, so that a .c
 * may still define _GNU_SOURCE on its first line. Poison and macros would
 * break the system's own headers.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#define BANNED(use) __attribute__((unavailable(use)))

struct tm;
struct _IO_FILE;

extern char *strcpy(char *, const char *) BANNED("use base/buf.h or base/str.h");
extern char *strcat(char *, const char *) BANNED("use base/buf.h or base/str.h");
extern char *strncpy(char *, const char *, __SIZE_TYPE__) BANNED("use base/str.h");
extern char *strncat(char *, const char *, __SIZE_TYPE__) BANNED("use base/str.h");
extern int sprintf(char *, const char *, ...) BANNED("use snprintf or base/buf.h");
extern int vsprintf(char *, const char *, __builtin_va_list) BANNED("use vsnprintf or base/buf.h");
extern char *strtok(char *, const char *) BANNED("use base/str.h");
extern struct tm *gmtime(const long *) BANNED("use base/time.h");
extern struct tm *localtime(const long *) BANNED("use base/time.h");
extern char *ctime(const long *) BANNED("use base/time.h");
extern char *asctime(const struct tm *) BANNED("use base/time.h");
extern int atoi(const char *) BANNED("use base/str.h or strtol");
extern long atol(const char *) BANNED("use base/str.h or strtol");
extern int system(const char *) BANNED("use base/proc.h");
extern struct _IO_FILE *popen(const char *, const char *) BANNED("use base/proc.h");

/* base/mem.c and the tests, which must check it, may call these. */
#ifndef BANNED_ALLOW_ALLOC
extern void *malloc(__SIZE_TYPE__) BANNED("use base/mem.h");
extern void *calloc(__SIZE_TYPE__, __SIZE_TYPE__) BANNED("use base/mem.h");
extern void *realloc(void *, __SIZE_TYPE__) BANNED("use base/mem.h");
extern void free(void *) BANNED("use mem_free");
extern char *strdup(const char *) BANNED("use base/mem.h");
extern char *strndup(const char *, __SIZE_TYPE__) BANNED("use base/mem.h");
#endif

#endif
