/* sources.h - lines of JSON from helpers beside a screen: each has a name, and ends by itself or is dropped. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_SOURCES_H
#define TUI_PART_SOURCES_H

#include "base/json.h"
#include "base/loop.h"

struct sources;

/* A line of a source (borrowed until it returns); NULL: that was its last. It may add and drop sources. */
typedef void sources_fn(void *arg, int name, const struct json *line);

/* None yet. loop is borrowed and must outlive them. Caller owns. */
struct sources *sources_new(struct loop *loop, sources_fn *fn, void *arg);

/* Drops all and frees. NULL is fine. */
void sources_free(struct sources *sources);

/* Lines come from fd under that name (> 0), which is dropped first, until its end or sources_drop. Takes fd. */
void sources_add(struct sources *sources, int name, int fd);

/* Forgets a source and closes its descriptor. Harmless when there is none of that name. */
void sources_drop(struct sources *sources, int name);

#endif
