/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_CHUNK ((size_t)8192)
#define ARENA_ALIGN (_Alignof(max_align_t))

struct chunk {
	struct chunk *next;	/* owned */
	size_t size;		/* bytes behind the header */
	size_t used;
	max_align_t bytes[];
};

struct arena {
	struct chunk *first;	/* owned chain */
	struct chunk *current;	/* the one being filled; those behind it are empty */
};

static _Noreturn void out_of_memory(size_t size)
{
	fprintf(stderr, "bellbook: out of memory (%zu bytes wanted)\n", size);
	abort();
}

static size_t product(size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size)
		out_of_memory(SIZE_MAX);
	return count * size;
}

void *mem_alloc(size_t size)
{
	return mem_array(1, size);
}

void *mem_array(size_t count, size_t size)
{
	size_t total = product(count, size);
	void *block = calloc(1, total ? total : 1);

	if (!block)
		out_of_memory(total);
	return block;
}

void *mem_grow(void *old, size_t count, size_t size)
{
	size_t total = product(count, size);
	void *block = realloc(old, total ? total : 1);

	if (!block)
		out_of_memory(total);
	return block;
}

void *mem_more(void *array, size_t count, size_t size)
{
	if ((count & (count - 1)) != 0)
		return array;
	return mem_grow(array, count > 0 ? product(count, 2) : 1, size);
}

void *mem_dup(const void *bytes, size_t len)
{
	char *copy;

	if (len == SIZE_MAX)
		out_of_memory(len);
	copy = mem_grow(NULL, len + 1, 1);
	if (len > 0)
		memcpy(copy, bytes, len);
	copy[len] = '\0';
	return copy;
}

char *mem_strdup(const char *text)
{
	return text ? mem_dup(text, strlen(text)) : NULL;
}

/* Length of the text that fmt gives; aborts on an encoding error, which is our own bug. */
static size_t formatted_len(const char *fmt, va_list args)
	__attribute__((format(printf, 1, 0)));

static size_t formatted_len(const char *fmt, va_list args)
{
	int len = vsnprintf(NULL, 0, fmt, args);

	assert(len >= 0);
	return (size_t)len;
}

char *mem_printf(const char *fmt, ...)
{
	va_list args;
	size_t len;
	char *text;

	va_start(args, fmt);
	len = formatted_len(fmt, args);
	va_end(args);
	text = mem_grow(NULL, len + 1, 1);
	va_start(args, fmt);
	vsnprintf(text, len + 1, fmt, args);
	va_end(args);
	return text;
}

void mem_free(void *block)
{
	free(block);
}

void mem_set(char **field, const char *text)
{
	/* Copy first: text may be *field itself or a part of it. */
	char *copy = mem_strdup(text);

	free(*field);
	*field = copy;
}

struct arena *arena_new(void)
{
	return mem_alloc(sizeof(struct arena));
}

void arena_free(struct arena *arena)
{
	struct chunk *next;

	if (!arena)
		return;
	for (struct chunk *chunk = arena->first; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(arena);
}

void arena_reset(struct arena *arena)
{
	for (struct chunk *chunk = arena->first; chunk; chunk = chunk->next)
		chunk->used = 0;
	arena->current = arena->first;
}

/* A chunk with room for size bytes: the next kept one if it is large enough, else a new one before it. */
static struct chunk *next_chunk(struct arena *arena, size_t size)
{
	struct chunk **link = arena->current ? &arena->current->next : &arena->first;
	struct chunk *chunk = *link;

	if (!chunk || chunk->size < size) {
		size_t room = size > ARENA_CHUNK ? size : ARENA_CHUNK;

		if (room > SIZE_MAX - sizeof(*chunk))
			out_of_memory(room);
		chunk = mem_grow(NULL, sizeof(*chunk) + room, 1);
		chunk->size = room;
		chunk->used = 0;
		chunk->next = *link;
		*link = chunk;
	}
	arena->current = chunk;
	return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct chunk *chunk = arena->current;
	char *block;

	if (size > SIZE_MAX - ARENA_ALIGN)
		out_of_memory(size);
	size = (size + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
	if (size == 0)
		size = ARENA_ALIGN;
	if (!chunk || chunk->size - chunk->used < size)
		chunk = next_chunk(arena, size);
	block = (char *)chunk->bytes + chunk->used;
	chunk->used += size;
	memset(block, 0, size);
	return block;
}

char *arena_dup(struct arena *arena, const void *bytes, size_t len)
{
	char *copy;

	if (len == SIZE_MAX)
		out_of_memory(len);
	copy = arena_alloc(arena, len + 1);
	if (len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list args;
	size_t len;
	char *text;

	va_start(args, fmt);
	len = formatted_len(fmt, args);
	va_end(args);
	text = arena_alloc(arena, len + 1);
	va_start(args, fmt);
	vsnprintf(text, len + 1, fmt, args);
	va_end(args);
	return text;
}
