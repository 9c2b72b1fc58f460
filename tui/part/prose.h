/* prose.h - what runbooks and sessions say, made safe and flowing: the view breaks lines where its column ends. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TUI_PART_PROSE_H
#define TUI_PART_PROSE_H

#include "base/buf.h"
#include "base/json.h"

/*
 * Appends text safe to show. The end of a long line is where its writer's column ended, so it becomes a blank;
 * an empty line begins a paragraph; short lines, list items and what is indented keep lines of their own. No
 * line end at the end.
 */
void prose_flow(struct buf *out, const char *text);

/* Appends a command safe to show: its lines stay, tabs become blanks. */
void prose_command(struct buf *out, const char *shown);

/* Appends a command as one line, safe to show: its first, and how many more there are. */
void prose_line(struct buf *out, const char *shown);

/*
 * Appends what a question says will run (an array of {host, as, shown}): one heading for all that follows on
 * one host, and for hosts that get the same. Each line ends. NULL appends nothing.
 */
void prose_commands(struct buf *out, const struct json *commands);

/* What a question says besides its text: details, then what will run. Each line ends. */
void prose_question(struct buf *out, const char *details, const struct json *data);

/* Appends text with its lines broken at blanks where they are longer than cols columns; what has no blank stays whole. */
void prose_wrap(struct buf *out, const char *text, int cols);

#endif
