/* back.h - the way back of a session that is over, in words: the runbook that undoes what it did, and the command that opens it. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_MODEL_BACK_H
#define JOURNAL_MODEL_BACK_H

#include "base/buf.h"
#include "base/json.h"

/* Appends "bellbook run …" with all that fills it in, for a POSIX shell, safe to show. back: way_back of session.closed. */
void back_command(const struct json *back, struct buf *out);

/* Appends until when it is open, and on a line of its own the command. Nothing when back is NULL. */
void back_words(const struct json *back, struct buf *out);

#endif
