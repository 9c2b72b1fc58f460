/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/part/sources.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/proc.h"

#define SOURCES 4
#define READ_BYTES ((size_t)65536)

struct source {
	int name, fd;		/* name 0 = free */
	struct buf text;
};

struct sources {
	struct loop *loop;	/* borrowed */
	sources_fn *fn;
	void *arg;
	struct source all[SOURCES];
};

static void give_line(struct sources *sources, int name, const char *text, size_t len)
{
	struct err ignored = { 0 };
	struct json *line = json_parse(text, len, &ignored);

	if (line)
		sources->fn(sources->arg, name, line);
	json_free(line);
}

static void end_source(struct sources *sources, struct source *source)
{
	loop_unwatch(sources->loop, source->fd);
	close(source->fd);
	buf_done(&source->text);
	*source = (struct source){ 0 };
}

static struct source *source_of(struct sources *sources, int fd)
{
	for (size_t i = 0; i < SOURCES; i++)
		if (sources->all[i].name && sources->all[i].fd == fd)
			return &sources->all[i];
	return NULL;
}

/* Gives out the lines that are whole. What a line leads to may end its source: its name tells. */
static void give_lines(struct sources *sources, struct source *source, int name)
{
	char *end;

	while (source->name == name && source->text.len
		&& (end = memchr(source->text.data, '\n', source->text.len)) != NULL) {
		size_t len = (size_t)(end - source->text.data);
		char *line = mem_dup(source->text.data, len);

		buf_consume(&source->text, len + 1);
		give_line(sources, name, line, len);
		mem_free(line);
	}
}

static void source_ready(void *arg, int fd, short events)
{
	struct sources *sources = arg;
	struct source *source = source_of(sources, fd);
	ssize_t n;
	int name;

	(void)events;
	if (!source)
		return;
	name = source->name;
	n = read(fd, buf_room(&source->text, READ_BYTES), READ_BYTES);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0)
		buf_added(&source->text, (size_t)n);
	give_lines(sources, source, name);
	if (source->name == name && (n <= 0 || source->text.len > LIMIT_LINE)) {
		end_source(sources, source);
		sources->fn(sources->arg, name, NULL);
	}
}

struct sources *sources_new(struct loop *loop, sources_fn *fn, void *arg)
{
	struct sources *sources = mem_alloc(sizeof(*sources));

	sources->loop = loop;
	sources->fn = fn;
	sources->arg = arg;
	return sources;
}

void sources_free(struct sources *sources)
{
	if (!sources)
		return;
	for (size_t i = 0; i < SOURCES; i++)
		if (sources->all[i].name)
			end_source(sources, &sources->all[i]);
	mem_free(sources);
}

void sources_add(struct sources *sources, int name, int fd)
{
	struct err e = { 0 };

	sources_drop(sources, name);
	for (size_t i = 0; i < SOURCES; i++) {
		struct source *source = &sources->all[i];

		if (source->name || proc_nonblock(fd, true, &e) < 0)
			continue;
		source->name = name;
		source->fd = fd;
		loop_watch(sources->loop, fd, POLLIN, source_ready, sources);
		return;
	}
	close(fd);
}

void sources_drop(struct sources *sources, int name)
{
	for (size_t i = 0; i < SOURCES; i++)
		if (sources->all[i].name == name)
			end_source(sources, &sources->all[i]);
}
