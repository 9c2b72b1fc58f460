/* evidence.h - private to session/: what a second person decides by. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_CALL_EVIDENCE_H
#define SESSION_CALL_EVIDENCE_H

#include "base/json.h"
#include "journal/model/model.h"
#include "session/walk/engine.h"

/* Adds to a question what a second person decides by: checked, unchecked, last. Reads the journal. */
void evidence_add(struct engine *engine, const struct model_step *step, struct json *data);

/* Before the first change: appends what the steps so far warned of, a line each, under a heading; nothing behind it, or when nothing was. Reads the journal. */
void evidence_warnings(struct engine *engine, struct buf *out);

/* Once something was changed: appends what that step warned of since it was begun the last time (just before its question, when it was not), a line each;
 * nothing when nothing was. Reads the journal. */
void evidence_just_now(struct engine *engine, const struct model_step *step, struct buf *out);

/* Appends the notes of the steps so far that have a web address in them, a line each, under a heading; nothing when there is none. Reads the journal. */
void evidence_addresses(struct engine *engine, struct buf *out);

#endif
