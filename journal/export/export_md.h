/* export_md.h - the pieces of a post-mortem in Markdown and the page they make; private to export*.c. */
/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef JOURNAL_EXPORT_EXPORT_MD_H
#define JOURNAL_EXPORT_EXPORT_MD_H

#include "base/buf.h"
#include "journal/export/export_evidence.h"
#include "journal/model/model.h"

#include <stddef.h>
#include <stdint.h>

/* Appends text so that no renderer of Markdown or HTML sees anything but text in it, and a reader of the source as few escapes as that takes.
 * Its lines stay lines, as those of one paragraph or list item. */
void export_md_text(struct buf *out, const char *text, size_t len);

/* The same for a cell of a table, or a heading: newlines become <br>. */
void export_md_cell(struct buf *out, const char *text, size_t len);

/* Wraps what stands in out from there, paragraphs and list items, at a width that mail bears. Never a table or a block. */
void export_md_wrap(struct buf *out, size_t from);

/* Appends text as a fenced block that it cannot leave. */
void export_md_block(struct buf *out, const char *text, size_t len);

/* An attempt at a step that failed; strings owned by whoever keeps it. */
struct export_md_failure {
	char *step, *reason;
	int attempt;
	int64_t at_us;
};

/* What the page is made of; all borrowed but shown. */
struct export_md_parts {
	const struct model *model;
	const struct export_evidence *evidence;
	const struct buf *timeline, *notes, *debts, *down;	/* Markdown */
	const struct export_md_failure *failures;
	size_t failure_count;
	int64_t down_since_us;	/* a downtime that nothing ended, 0 = none */
	int64_t first_seq;
	const char *hash;	/* of the last event, "" = unknown */
	const struct model_call **shown;	/* the page's own: calls whose command stands in it already */
	size_t shown_count;
};

/* Appends the page. */
void export_md_page(struct buf *out, struct export_md_parts *parts);

#endif
