/* shown.h - where and how a command runs besides its own text: folder and variables, in words and as shell text. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef BASE_SHOWN_H
#define BASE_SHOWN_H

#include "base/buf.h"
#include "base/json.h"

/*
 * Appends " in FOLDER with NAME=value NAME='other value'", as far as the arguments of a call (or an entry of a
 * question's commands) have cwd and env; nothing without. A secret is named, never told. Not safe to show.
 */
void shown_where(struct buf *out, const struct json *args);

/* Appends what a shell would be told before the command, a line each: "cd -- FOLDER", "export NAME=value". */
void shown_before(struct buf *out, const struct json *args);

#endif
