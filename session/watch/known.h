/* known.h - what is known of a step that failed, and what is not: said before a person chooses what to do. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SESSION_WATCH_KNOWN_H
#define SESSION_WATCH_KNOWN_H

#include "base/buf.h"
#include "journal/model/model.h"

/* Appends "Known: …" and "Not known: …", a paragraph each, from the calls of the step's present attempt. */
void known_text(const struct model *model, const struct model_step *step, struct buf *out);

#endif
