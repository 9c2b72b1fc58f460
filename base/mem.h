/* mem.h - memory that is there or the program aborts; the only home of malloc. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Zeroed block of size bytes (size 0 gives a valid pointer); aborts when memory is out. Caller owns; mem_free. */
void *mem_alloc(size_t size);

/* Zeroed array of count elements; aborts on overflow or when memory is out. Caller owns. */
void *mem_array(size_t count, size_t size);

/* Grows or shrinks; new bytes are NOT zeroed; aborts when memory is out. Takes old, returns its successor. */
void *mem_grow(void *old, size_t count, size_t size);

/* Room for one element more behind the count of an array, which is NULL at first and grows by this
 * alone: it doubles where count is a power of two, so no capacity is kept. Elements may be taken off
 * again. New room is NOT zeroed. Takes array, returns its successor. */
void *mem_more(void *array, size_t count, size_t size);

/* Copy of len bytes, plus a NUL behind them that len does not count. Caller owns. */
void *mem_dup(const void *bytes, size_t len);

/* Copy of a string; NULL gives NULL. Caller owns. */
char *mem_strdup(const char *text);

/* Formatted string. Caller owns. */
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Frees; NULL is fine. */
void mem_free(void *block);

/* Frees *field and stores a copy of text (NULL allowed). For owned string fields. */
void mem_set(char **field, const char *text);

/* Arena: many small allocations with one lifetime (one decoded event, one request, one frame). */
struct arena;

/* New empty arena. Caller owns; arena_free. */
struct arena *arena_new(void);

/* Frees all that came from it. NULL is fine. */
void arena_free(struct arena *arena);

/* Forgets all allocations, keeps the memory for reuse. */
void arena_reset(struct arena *arena);

/* Zeroed, aligned block, borrowed until arena_reset or arena_free. */
void *arena_alloc(struct arena *arena, size_t size);

/* Copy of len bytes plus NUL, borrowed from the arena. */
char *arena_dup(struct arena *arena, const void *bytes, size_t len);

/* Formatted string, borrowed from the arena. */
char *arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
