/* export_evidence.h - the first lines of output that tell of an error, kept for each call until it proves fine; private to export*.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_EXPORT_EXPORT_EVIDENCE_H
#define JOURNAL_EXPORT_EXPORT_EVIDENCE_H

#include "base/buf.h"
#include "journal/event/event.h"
#include "journal/export/export_int.h"
#include "journal/model/model.h"

struct export_evidence;

/* Empty; caller owns. */
struct export_evidence *export_evidence_new(void);

/* Frees; NULL is fine. */
void export_evidence_free(struct export_evidence *all);

/* Looks at a line of output. */
void export_evidence_line(struct export_evidence *all, const struct export_line *line);

/* Forgets the call of that event: it ended well. */
void export_evidence_drop(struct export_evidence *all, const struct event *ev);

/* Lines of that call, not made safe: those that tell of errors, else its last one; NULL when there are none. Borrowed. */
const struct buf *export_evidence_of(const struct export_evidence *all, const struct model_call *call);

#endif
